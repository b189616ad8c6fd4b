# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The planner, against an account in this process: what a plan holds, what it asks, and all that it refuses."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.agent.identity import peer_id
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.plan import Plan, difference, require_id
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.table import UNKNOWN
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.fetch import Secret
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.grammar import parse
from ansible_collections.praxis.cloud.plugins.plugin_utils.secret_values import deliver
from tests.unit.plan.made import IMAGE, OPENAI, REPOSITORY, Account, fleet, only, planner, reported, seed

KEY = "aws-sm://llm#openai"
#: A secret as the task definition of an ECS service names it.
ECS = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:planted-AbCdEf:KEY::"


def plan(size: int = 3, own: Any = None, **values: Any) -> Plan:
    return planner(fleet(size, own, **values)).plan()


def refused(account: Account, hostvars: dict[str, Any]) -> Failed:
    """What the planner says; and nothing in the account was changed."""
    with pytest.raises(Failed) as error:
        planner(hostvars).plan()
    assert account.cloud.changes() == []
    return error.value


class TestPlan:
    @pytest.mark.slow
    def test_everybody_is_in_it(self, account: Account) -> None:
        digest = account.push("2.0", "two")
        made = planner(fleet(3, {3: {"image": f"{REPOSITORY}:2.0", "agent_config_host": {"llm": {"timeout": 7}}}}))
        found = made.plan()
        assert {name: member.peer_id for name, member in found.members.items()} == {
            f"m{index}": peer_id(seed(index)) for index in (1, 2, 3)
        }
        assert found.edges == {("m1", "m2"), ("m1", "m3"), ("m2", "m3")}
        assert found.releases["m1"].image.startswith(f"{REPOSITORY}@sha256:")
        assert found.releases["m3"].image == f"{REPOSITORY}@{digest}" != found.releases["m1"].image
        assert found.releases["m3"].settings["llm"]["timeout"] == 7
        assert found.releases["m1"].settings["llm"]["timeout"] != 7
        assert found.members["m2"].target == "i-2"
        # What was asked: everything secret in one call, each image once, one login for the registry.
        assert sorted(account.cloud.operations) == [
            "BatchGetSecretValue", "DescribeImages", "DescribeImages", "GetAuthorizationToken",
        ]  # fmt: skip
        logins = [made.host_secrets()[name]["registry"] for name in ("m1", "m3")]
        assert logins[0] is not None
        assert logins[0] == logins[1]

    @pytest.mark.slow
    def test_a_secret_has_the_name_that_the_agent_reads(self, account: Account) -> None:
        """It reads its settings' variables in any case, and the key of its store in capitals alone."""
        given = {"OPENAI_API_KEY": KEY, "praxis_master_key": "planted-plain-value", "own_token": "planted-other-value"}
        made = planner(fleet(1, agent_secrets=given))
        found = made.plan().releases["m1"]
        assert set(made.host_secrets()["m1"]["secrets"]) == {"OPENAI_API_KEY", "PRAXIS_MASTER_KEY", "own_token"}
        assert "PRAXIS_MASTER_KEY" in found.secrets and "PRAXIS_MASTER_KEY" not in found.environment

    def test_each_host_gets_its_own_secrets_and_the_plan_none(self, account: Account) -> None:
        made = planner(fleet(2, {2: {"agent_secrets": {"OPENAI_API_KEY": "planted-plain-value"}}}))
        found = made.plan()
        first, second = made.host_secrets()["m1"], made.host_secrets()["m2"]
        assert first["secrets"] == {"OPENAI_API_KEY": OPENAI}
        assert second["secrets"] == {"OPENAI_API_KEY": "planted-plain-value"}
        assert [base64.b64decode(each["seed"]) for each in (first, second)] == [seed(1), seed(2)]
        assert first["registry"]["server"] == REPOSITORY.partition("/")[0]
        assert first["registry"]["password"]
        shown = repr([found, found.to_plain(), found.describe(), *map(found.host_slice, found.members)])
        assert OPENAI not in shown
        assert "planted-plain-value" not in shown
        assert peer_id(seed(1)) in shown

    @pytest.mark.parametrize(("members", "calls"), [(19, 1), (20, 2)])
    def test_twenty_secrets_a_call_seeds_included(self, empty: Account, members: int, calls: int) -> None:
        empty.seeds(range(1, members + 1))
        assert len(plan(members).members) == members
        assert empty.cloud.operations.count("BatchGetSecretValue") == calls
        assert len(empty.cloud.operations) == calls + 2

    def test_an_image_by_digest_is_not_resolved(self, account: Account) -> None:
        by_digest = f"{REPOSITORY}@sha256:{'0' * 64}"
        assert plan(image=by_digest).releases["m1"].image == by_digest
        assert "DescribeImages" not in account.cloud.operations

    def test_a_newcomer_changes_no_release(self, account: Account) -> None:
        account.seeds([4])
        before, after = plan(3), plan(4)
        for name in before.members:
            assert before.releases[name].id == after.releases[name].id
            assert before.peers(name)["revision"] != after.peers(name)["revision"]
        assert peer_id(seed(4)) in str(after.peers("m1"))

    def test_a_card_says_where_its_member_is_reached(self, account: Account) -> None:
        """Another address of one member is that member's alone."""
        named = {"agent_config_host": {"api": {"host": "a.example"}}}
        own = {2: {"address": "public", "public_ip": "203.0.113.2"}, 3: named}
        found = plan(3, own=own)
        cards = [found.releases[name].settings["api"]["host"] for name in ("m1", "m2", "m3")]
        assert cards == ["10.0.0.1", "203.0.113.2", "a.example"]
        moved = plan(3, own={**own, 2: {"address": "public", "public_ip": "203.0.113.9"}})
        assert [name for name in found.releases if found.releases[name].id != moved.releases[name].id] == ["m2"]

    def test_a_setting_may_be_a_reference(self, account: Account) -> None:
        made = planner(fleet(1, agent_secrets={}, agent_config={"llm": {"api_key": KEY}}))
        found = made.plan()
        assert made.host_secrets()["m1"]["secrets"] == {"OPENAI_API_KEY": OPENAI}
        assert found.releases["m1"].settings["llm"]["api_key"] is None

    def test_the_start_period_follows_the_settings_unless_it_is_given(self, account: Account) -> None:
        slow = {"agent_config": {"llm": {"timeout": 20}}}
        assert plan(1, **slow).releases["m1"].limits.start_period == "50s"
        assert plan(1, **slow, container={"start_period": "7s"}).releases["m1"].limits.start_period == "7s"

    def test_warnings_do_not_stop_it_and_are_reported_once(self, account: Account) -> None:
        made = planner(fleet(3, agent_config={"mcp": {"enabled": True}}))
        made.plan()
        (warning,) = made.warnings
        assert (warning.code, warning.level) == ("execute-python-open-to-peers", "warning")
        assert warning.where == "praxis_agent_config (all 3 members)"

    def test_strict_false_turns_what_an_agent_survives_into_a_warning(self, account: Account) -> None:
        made = planner(fleet(3, {2: {"strict": False, "agent_config_host": {"llm": {"timeot": 1}}}}))
        made.plan()
        assert [warning.code for warning in made.warnings] == ["unknown-setting"]


class TestIdentitiesToCome:
    def test_check_mode_plans_around_them(self, empty: Account) -> None:
        empty.seeds([1])
        found = planner(fleet(2, agent_secrets={"OPENAI_API_KEY": "planted-plain"}), allow_missing=True).plan()
        assert found.members["m1"].peer_id == peer_id(seed(1))
        assert found.members["m2"].peer_id is None
        assert found.peers("m1")["multiaddrs"] == [UNKNOWN]
        assert found.releases["m2"].secrets == {"OPENAI_API_KEY": UNKNOWN}
        assert found.releases["m1"].secrets["OPENAI_API_KEY"].startswith("keyed-")

    def test_a_real_run_does_not(self, empty: Account) -> None:
        empty.seeds([1, 3])
        empty.remove("praxis/demo/identity/aws-3")
        failed = refused(empty, fleet(3))
        assert reported(failed) == ["no-identity", "no-identity"]
        assert [finding.where for finding in failed.findings] == ["identity slot aws-2", "identity slot aws-3"]
        assert "missing" in failed.findings[0].what
        assert "scheduled for deletion" in failed.findings[1].what
        assert "p2p_identity" in failed.findings[0].fix


class TestVersionsOfPlainValues:
    def test_they_say_nothing_of_the_value_and_change_with_it(self, account: Account) -> None:
        def versions(value: str) -> list[str]:
            found = plan(2, agent_secrets={"OPENAI_API_KEY": value})
            return [found.releases[name].secrets["OPENAI_API_KEY"] for name in ("m1", "m2")]

        one, again, other = versions("planted-plain-1"), versions("planted-plain-1"), versions("planted-plain-2")
        assert one == again
        assert len({*one, *other}) == 4  # each member's is keyed with its own seed
        assert all(version.startswith("keyed-") for version in one)


class TestVersionsOfReferences:
    def test_another_key_of_the_same_secret_is_another_release_and_another_plan(self, account: Account) -> None:
        """One secret holds both, so the store's version is one; the value is another."""
        account.change("llm", '{"openai": "planted-first-key", "other": "planted-other-key"}')
        one, again = plan(1), plan(1)
        other = plan(1, agent_secrets={"OPENAI_API_KEY": "aws-sm://llm#other"})
        assert one.releases["m1"].id == again.releases["m1"].id != other.releases["m1"].id
        assert difference(one.id, other.id) == ["secrets"]

    def test_another_secret_with_the_same_version_has_another_version_in_a_release(self) -> None:
        """Google numbers versions from 1 on, in every secret."""

        def version(text: str, number: str = "1") -> str:
            reference = parse(text)
            assert reference is not None
            found = deliver({"A": reference}, True, {reference: Secret("planted-value", number)}, None)
            return found[1]["A"]

        old = version("gcp-sm://p/openai-old")
        assert old == "1@404597d8"  # what stands in releases of before stays what it is
        others = ("gcp-sm://p/openai-new", "gcp-sm://q/openai-old", "gcp-sm://p/openai-old#key", "aws-sm://openai-old")
        assert len({old, *map(version, others)}) == 5
        assert version("gcp-sm://p/openai-old", "2") == old.replace("1@", "2@")

    @pytest.mark.parametrize(
        "text",
        [
            "gcp-sm://p/openai?version=1",
            "gcp-sm://p/openai?version=latest",
            "{{resolve:secretmanager:projects/p/secrets/openai/versions/1}}",
        ],
    )
    def test_a_version_that_is_named_is_the_version_that_is_found(self, text: str) -> None:
        """Pinning what is deployed restarts nobody."""
        found = [parse(each) for each in ("gcp-sm://p/openai", text)]
        references = [each for each in found if each]
        secrets = dict.fromkeys(references, Secret("planted-value", "1"))
        _values, versions, _findings = deliver(dict(zip("AB", references)), True, secrets, None)
        assert versions["A"] == versions["B"]


class TestPlanId:
    def changes(self, account: Account) -> dict[str, Callable[[], Plan]]:
        def pushed() -> Plan:
            account.push("1.0", "two")
            return plan()

        def rotated() -> Plan:
            account.change("llm", '{"openai": "planted-rotated-key"}')
            return plan()

        return {
            "members": lambda: plan(own={2: {"public_ip": "203.0.113.99"}}),
            "settings": lambda: plan(own={2: {"agent_config_host": {"llm": {"timeout": 7}}}}),
            "image": pushed,
            "secrets": rotated,
        }

    @pytest.mark.slow
    def test_the_parts_that_differ_are_named(self, account: Account) -> None:
        before = plan()
        require_id(before.id, plan().id)
        agreed = before.id
        for part, changed in self.changes(account).items():
            now = changed()
            assert difference(agreed, now.id) == [part]
            with pytest.raises(Failed) as error:
                require_id(agreed, now.id)
            finding = only(error.value)
            assert (finding.code, finding.where) == ("plan-changed", "praxis_plan_id")
            assert f"its {part} changed" in finding.what
            agreed = plan().id  # what was pushed and rotated stays so

    def test_an_id_that_is_none_differs_in_everything(self, account: Account) -> None:
        with pytest.raises(Failed) as error:
            require_id("yesterday", plan().id)
        assert "its members, image, settings, secrets changed" in only(error.value).what


#: What is wrong -> the fleet's variables, each member's own, and what the one finding says: code, where, what, fix.
SETTINGS: dict[str, tuple[dict[str, Any], dict[int, dict[str, Any]], tuple[str, str, str, str]]] = {
    "misspelt for all": (
        {"agent_config": {"llm": {"timeot": 7}}}, {},
        ("unknown-setting", "praxis_agent_config (all 3 members)", "llm.timeot", "Did you mean llm.timeout?"),
    ),
    "misspelt for one": (
        {}, {2: {"agent_config_host": {"lgging": {"level": "INFO"}}}},
        ("unknown-setting", "praxis_agent_config_host (m2)", "lgging", "Did you mean logging?"),
    ),
    "misspelt for a group": (
        {}, {each: {"agent_config_group": {"p2p": {"connection_timeot": 7}}} for each in (1, 3)},
        ("unknown-setting", "praxis_agent_config_group (m1, m3)", "p2p.conn", "Did you mean p2p.connection_timeout?"),
    ),
    "wrong type": (
        {"agent_config": {"llm": {"max_retries": "many"}}}, {},
        ("wrong-type", "praxis_agent_config (all 3 members)", "llm.max_retries must be", "whole number"),
    ),
    "port out of range": (
        {"agent_config": {"p2p": {"port": 70000}}}, {},
        ("out-of-range", "praxis_agent_config (all 3 members)", "p2p.port is 70000", "to 65535"),
    ),
    "equal ports": (
        {}, {2: {"p2p_port": 8000}},
        ("ports-equal", "praxis_p2p_port (m2)", "both 8000", "different ports"),
    ),
    "contradicting port": (
        {"agent_config": {"http": {"port": 8080}}}, {},
        ("port-contradiction", "praxis_agent_config (all 3 members)", "8080", "praxis_api_port"),
    ),
    "P2P off": (
        {"agent_config": {"p2p": {"enabled": False}}}, {},
        ("p2p-disabled", "praxis_agent_config (all 3 members)", "p2p.enabled is false", "Leave it out"),
    ),
    "every line the word json": (
        {"agent_config": {"logging": {"format": "json"}}}, {},
        ("logging-format-json", "praxis_agent_config (all 3 members)", "logging.format", "logging.json_logs"),
    ),
    "no OpenAI key": (
        {"agent_secrets": {}}, {},
        ("openai-key-missing", "praxis_agent_secrets (all 3 members)", "not given", "praxis_agent_secrets"),
    ),
    "empty OpenAI key": (
        {"agent_secrets": {}, "agent_environment": {"OPENAI_API_KEY": ""}}, {},
        ("openai-key-missing", "praxis_agent_secrets (all 3 members)", "is empty", "praxis_agent_secrets"),
    ),
    "two fleets": (
        {}, {2: {"fleet": "other"}},
        ("several-fleets", "inventory", "demo, other", "praxis_fleet"),
    ),
    "fleet's name": (
        {"fleet": "Demo_Fleet"}, {},
        ("bad-fleet-name", "praxis_fleet", "'Demo_Fleet'", "lower-case letters"),
    ),
    "no settings file": (
        {}, {2: {"environment": "prodution"}},
        ("no-settings-file", "agent_prodution.yaml", "does not exist", "agent_production.yaml"),
    ),
    "secret's name": (
        {}, {2: {"agent_secrets": {"OPENAI_API_KEY": KEY, "OPENAI-KEY": KEY}}},
        ("bad-variable-name", "praxis_agent_secrets (m2)", "'OPENAI-KEY'", "underscores"),
    ),
    "secret of nothing": (
        {"agent_secrets": {"OPENAI_API_KEY": None}}, {},
        ("bad-secret-value", "OPENAI_API_KEY (all 3 members)", "not text", "in quotes"),
    ),
    "secret of a number": (
        {}, {2: {"agent_secrets": {"OPENAI_API_KEY": KEY, "PIN": 1.50}}},
        ("bad-secret-value", "PIN (m2)", "not text", "in quotes"),
    ),
    "malformed image": (
        {"image": "registry.example/Praxis"}, {},
        ("image-malformed", "image 'registry.example/Praxis'", "'Praxis' is not a repository", "lower-case"),
    ),
    "no such tag": (
        {"image": f"{REPOSITORY}:1.o"}, {},
        ("image-tag-not-found", REPOSITORY, "'1.o'", "Nearest tags: 1.0."),
    ),
    "no such repository": (
        {"image": IMAGE.replace("praxis:", "pracsis:")}, {},
        ("image-repository-not-found", REPOSITORY.partition("/")[0], "'pracsis'", "Create it"),
    ),
    "no such secret": (
        {}, {2: {"agent_secrets": {"OPENAI_API_KEY": "aws-sm://none"}}},
        ("secret-not-found", "aws-sm://none (eu-central-1) for OPENAI_API_KEY", "no such secret", "Check the secret"),
    ),
    "no such key": (
        {}, {2: {"agent_secrets": {"OPENAI_API_KEY": "aws-sm://llm#opnai"}}},
        ("secret-key-not-found", "aws-sm://llm#opnai", "'opnai'", "Did you mean 'openai'?"),
    ),
    "short secret": (
        {}, {2: {"agent_secrets": {"OPENAI_API_KEY": "abc"}}},
        ("short-secret", "OPENAI_API_KEY (m2)", "under 4 characters", "longer value"),
    ),
    "empty secret": (
        {}, {2: {"agent_secrets": {"OPENAI_API_KEY": ""}}},
        ("short-secret", "OPENAI_API_KEY (m2)", "under 4 characters", "longer value"),
    ),
    "short secret in the store": (
        {"agent_secrets": {"OPENAI_API_KEY": KEY, "PIN": "aws-sm://llm#pin"}}, {},
        ("short-secret", "PIN (all 3 members)", "value of aws-sm://llm#pin is under 4 characters", "longer value"),
    ),
    "secret with a NUL": (
        {}, {2: {"agent_secrets": {"OPENAI_API_KEY": "planted\0planted"}}},
        ("secret-nul", "OPENAI_API_KEY (m2)", "NUL", "base64"),
    ),
    "secret that no program can be started with": (
        {}, {2: {"agent_secrets": {"OPENAI_API_KEY": "planted" * 20000}}},
        ("too-long", "OPENAI_API_KEY (m2)", "longer than 128 KiB", "file"),
    ),
    "secret with half of a surrogate pair": (
        {}, {2: {"agent_secrets": {"OPENAI_API_KEY": "planted\ud800planted"}}},
        ("secret-not-text", "OPENAI_API_KEY (m2)", "half of a surrogate pair", "base64"),
    ),
    "another tool's pointer for a secret": (
        {}, {2: {"agent_secrets": {"OPENAI_API_KEY": ECS}}},
        ("foreign-reference", "OPENAI_API_KEY (m2)", "an ARN of AWS Secrets Manager", "Write aws-sm://NAME-OR-ARN#KEY"),
    ),
    "another tool's pointer in the store": (
        {"agent_secrets": {"OPENAI_API_KEY": "aws-sm://llm#onepassword"}}, {},
        ("foreign-reference", "OPENAI_API_KEY (all 3 members)", "of aws-sm://llm#onepassword is a pointer to 1Password",
         "lookup("),
    ),
    "another tool's pointer among the plain values": (
        {}, {2: {"agent_environment": {"PRAXIS_METRICS__JOB_NAME": ECS}}},
        ("foreign-reference", "praxis_agent_environment (m2)", "PRAXIS_METRICS__JOB_NAME holds an ARN", "aws-sm://"),
    ),
    "secret with a line break": (
        {}, {2: {"agent_secrets": {"OPENAI_API_KEY": "sk-planted\n"}}},
        ("secret-padding", "OPENAI_API_KEY (m2)", "The value ends in a line break", "printf"),
    ),
    "secret with a line break in the store": (
        {"agent_secrets": {"OPENAI_API_KEY": "aws-sm://llm#echoed"}}, {},
        ("secret-padding", "OPENAI_API_KEY (all 3 members)", "of aws-sm://llm#echoed ends in a line break", "printf"),
    ),
    "placeholder with a default for a secret": (
        {}, {2: {"agent_secrets": {"OPENAI_API_KEY": "${KEY:-sk-planted}"}}},
        ("placeholder", "OPENAI_API_KEY (m2)", "The value is ${KEY}, and", "Write a reference"),
    ),
    "secret that is no address": (
        {}, {2: {"agent_secrets": {"OPENAI_API_KEY": "sk-planted", "PRAXIS_LLM__BASE_URL": "llm.planted"}}},
        ("wrong-type", "PRAXIS_LLM__BASE_URL (m2)", "The value is not a URL", "Store"),
    ),
    "secret that is no list": (
        {}, {2: {"agent_secrets": {"OPENAI_API_KEY": "sk-planted", "PRAXIS_MCP__EXTERNAL_ENDPOINTS": '["planted"]'}}},
        ("wrong-type", "PRAXIS_MCP__EXTERNAL_ENDPOINTS (m2)", "is not a list of mappings, as JSON", "Store"),
    ),
    "reference among the plain values": (
        {"agent_environment": {"PRAXIS_METRICS__JOB_NAME": KEY}}, {},
        ("misplaced-reference", "praxis_agent_environment (all 3 members)", "PRAXIS_METRICS__JOB_NAME",
         "praxis_agent_secrets"),
    ),
    "reference inside a plain value": (
        {}, {2: {"agent_environment": {"PRAXIS_METRICS__JOB_NAME": "of {{resolve:secretsmanager:llm}}"}}},
        ("misplaced-reference", "praxis_agent_environment (m2)", "not resolved in plain", "praxis_agent_secrets"),
    ),
    "slot that can be no secret's name": (
        {}, {2: {"slot": "aws/2"}},
        ("identity-name", "m2", "slot 'aws/2'", "letters, digits"),
    ),
    "store without credentials": (
        {}, {2: {"agent_secrets": {"OPENAI_API_KEY": "gcp-sm://project/name"}}},
        ("cloud-credentials", "Google Cloud credentials", "no usable credentials", "GOOGLE_APPLICATION_CREDENTIALS"),
    ),
    "one slot twice": (
        {}, {2: {"slot": "aws-1"}, 1: {"private_ip": "10.0.0.7"}},
        ("shared-slot", "inventory", "m1 and m2 have the same slot, aws-1", "praxis_slot of its own"),
    ),
    "one address twice": (
        {}, {2: {"private_ip": "10.0.0.1"}},
        ("shared-address", "inventory", "m1 and m2 have the same address, 10.0.0.1:4001", "praxis_address"),
    ),
    "no address": (
        {"address": "public"}, {1: {"public_ip": "203.0.113.1"}, 3: {"public_ip": "203.0.113.3"}},
        ("no-address", "m2", "no public address", "praxis_public_ip"),
    ),
    "limit": (
        {}, {2: {"container": {"cpus": 1}}},
        ("unknown-limit", "m2", "cpus", "memory"),
    ),
}  # fmt: skip


class TestRefusals:
    @pytest.mark.parametrize("wrong", SETTINGS)
    def test_it_is_named_with_its_place_and_its_fix(self, account: Account, wrong: str) -> None:
        stored = {"openai": OPENAI, "pin": 12, "echoed": OPENAI + "\n", "onepassword": "op://a/b"}
        account.change("llm", json.dumps(stored))
        everyone, own, (code, where, what, fix) = SETTINGS[wrong]
        failed = refused(account, fleet(3, own, **everyone))
        reported(failed)
        finding = only(failed)
        assert finding.code == code, finding
        assert where in finding.where
        assert what in finding.what
        assert fix in finding.fix

    @pytest.mark.parametrize("value", [ECS, "planted-key\n"])
    def test_a_doubtful_value_is_delivered_as_it_stands_when_asked_to_and_never_shown(
        self, account: Account, value: str
    ) -> None:
        hostvars = fleet(2, {2: {"agent_secrets": {"OPENAI_API_KEY": value}}})
        assert "planted" not in str(refused(account, hostvars))
        hostvars["m2"]["praxis_strict"] = False
        made = planner(hostvars)
        made.plan()
        assert made.host_secrets()["m2"]["secrets"] == {"OPENAI_API_KEY": value}
        (warning,) = [each for each in made.warnings if each.code in ("foreign-reference", "secret-padding")]
        assert "planted" not in str(warning)

    @pytest.mark.slow
    def test_everything_is_reported_at_once(self, account: Account) -> None:
        account.seeds([5, 6, 7, 8])
        account.secret("praxis/demo/identity/aws-4", b"x" * 31)
        config = {"p2p": {"enabled": False}, "logging": {"format": "json"}, "llm": {"timeot": 1}}
        own: dict[int, dict[str, Any]] = {
            2: {"p2p_port": 8000},
            3: {"agent_secrets": {}},
            4: {"agent_secrets": {"OPENAI_API_KEY": "aws-sm://", "A": "aws-sm:/a", "B": "aws-sm://none", "C": "abc"}},
            5: {"address": "public"},
            6: {"container": {"cpus": 1}},
            7: {"environment": "staging"},
            8: {"image": f"{REPOSITORY}:1.o", "slot": "aws-6"},
        }
        failed = refused(account, fleet(8, own, agent_config=config))
        assert sorted(reported(failed)) == [
            "identity-seed", "image-tag-not-found", "logging-format-json", "no-address", "no-settings-file",
            "openai-key-missing", "p2p-disabled", "ports-equal", "reference-malformed", "reference-malformed",
            "secret-not-found", "shared-slot", "short-secret", "unknown-limit", "unknown-setting",
        ]  # fmt: skip

    def test_faults_that_others_found_are_reported_too(self, account: Account) -> None:
        fault = Finding("bad-variable", "praxis_api_port is 0, which is not a port.", "m9", "Fix its value.")
        with pytest.raises(Failed) as error:
            planner(fleet(2, agent_config={"llm": {"timeot": 7}}), faults=[fault]).plan()
        assert reported(error.value) == ["bad-variable", "unknown-setting"]
        with pytest.raises(Failed) as error:
            planner({}, faults=[fault]).plan()
        assert error.value.findings == (fault,)

    def test_a_store_that_does_not_answer_hides_no_other_fault(
        self, account: Account, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", "no url")
        failed = refused(account, fleet(2, agent_config={"llm": {"timeot": 7}}))
        assert sorted(set(reported(failed))) == ["cloud-options", "unknown-setting"]

    def test_an_empty_fleet(self, empty: Account) -> None:
        finding = only(refused(empty, {}))
        assert finding.code == "empty-fleet"
        assert "provision.yml" in finding.fix

    def test_every_secret_that_cannot_be_had_is_reported(self, account: Account) -> None:
        account.secret("gone", "planted-gone")
        account.remove("gone")
        account.secret("binary", b"\x00\x01planted")
        account.secret("bare", b"")
        account.secret("twice", '{"key": "planted", "key": "planted"}')
        references = [
            "aws-sm://none", "aws-sm://gone", "aws-sm://llm#opnai", "aws-sm://binary#key", "aws-sm://bare",
            "aws-sm://twice#key", f"aws-sm://llm?version={'0' * 32}", "aws-sm://gone#other",
        ]  # fmt: skip
        secrets = {"OPENAI_API_KEY": KEY, **{f"OTHER_{at}": each for at, each in enumerate(references)}}
        failed = refused(account, fleet(3, agent_secrets=secrets))
        assert {finding.where.split(" ")[0]: finding.code for finding in failed.findings} == {
            "aws-sm://none": "secret-not-found",
            "aws-sm://gone": "secret-deleted",
            "aws-sm://llm#opnai": "secret-key-not-found",
            "aws-sm://binary#key": "secret-binary",
            "aws-sm://bare": "secret-empty",
            "aws-sm://twice#key": "secret-key-ambiguous",
            f"aws-sm://llm?version={'0' * 32}": "secret-version-not-found",
        }
        # Two keys of one secret that is gone: reported once.
        assert len(reported(failed)) == len(references) - 1
        (gone,) = [finding for finding in failed.findings if finding.code == "secret-deleted"]
        assert gone.where.endswith(" for OTHER_1, OTHER_7")
        assert "planted" not in str(failed)

    def test_a_binary_secret_is_no_environment_variable(self, account: Account) -> None:
        account.secret("binary", b"\x00\x01planted")
        account.secret("short", "abc")
        secrets = {"OPENAI_API_KEY": "aws-sm://binary", "OTHER": "aws-sm://short"}
        failed = refused(account, fleet(3, {2: {"agent_secrets": secrets}}))
        assert reported(failed) == ["secret-binary", "short-secret"]
        assert [finding.where for finding in failed.findings] == ["OPENAI_API_KEY (m2)", "OTHER (m2)"]

    @pytest.mark.parametrize("stored", [b"x" * 31, b"x" * 33, "text of thirty-two characters ok"])
    def test_a_seed_that_is_none(self, empty: Account, stored: bytes | str) -> None:
        empty.seeds([1, 3])
        empty.secret("praxis/demo/identity/aws-2", stored)
        finding = only(refused(empty, fleet(3)))
        assert (finding.code, finding.where) == ("identity-seed", "aws-sm://praxis/demo/identity/aws-2")
        assert "'aws-2'" in finding.what
        assert "32 bytes" in finding.fix

    def test_a_seed_of_nothing(self, empty: Account) -> None:
        # A secret without a value. moto refuses the whole batch for it, where AWS tells of the one secret.
        empty.seeds([1, 3])
        empty.secret("praxis/demo/identity/aws-2", b"")
        finding = only(refused(empty, fleet(3)))
        assert (finding.code, finding.where) == ("identity-seed", "aws-sm://praxis/demo/identity/aws-2 (eu-central-1)")
        assert "'aws-2' has no bytes" in finding.what

    def test_one_identity_on_two_hosts(self, empty: Account) -> None:
        empty.seeds([1, 3])
        empty.secret("praxis/demo/identity/aws-2", seed(1))
        finding = only(refused(empty, fleet(3)))
        assert finding.code == "shared-peer-id"
        assert f"m1 and m2 have the same peer id, {peer_id(seed(1))}" in finding.what
        assert "The slots aws-1 and aws-2 hold the same seed" in finding.fix


class TestMalformedReferences:
    def finding(self, account: Account, text: str) -> Finding:
        return only(refused(account, fleet(3, {2: {"agent_secrets": {"OPENAI_API_KEY": text}}})))

    @pytest.mark.parametrize(
        ("text", "fault"),
        [
            ("aws-sm://llm#openai?versoin=1", "versoin"),
            ("aws-sm://ll m#openai", " m#"),
            ("{{resolve:secretsmanager:llm:SecretText:openai}}", "SecretText"),
        ],
    )
    def test_a_caret_stands_under_the_fault(self, account: Account, text: str, fault: str) -> None:
        finding = self.finding(account, text)
        assert finding.code == "reference-malformed"
        lines = finding.what.splitlines()
        shown = next(index for index, line in enumerate(lines) if line.strip() == text)
        assert lines[shown + 1].index("^") == lines[shown].index(fault)

    def test_the_variable_and_the_member_are_named(self, account: Account) -> None:
        assert self.finding(account, "aws-sm://").where == "OPENAI_API_KEY (m2)"


class TestNetworks:
    def test_two_networks_are_refused_unless_every_member_allows_it_by_name(self, account: Account) -> None:
        here, there = ({"network": name, "public_ip": f"198.51.100.{number}"} for number, name in enumerate(("a", "b")))
        finding = only(refused(account, fleet(3, {1: here, 2: there, 3: {**here, "public_ip": "198.51.100.9"}})))
        assert (finding.code, finding.where) == ("networks-crossed", "inventory")
        allowed = fleet(3, {1: here, 2: there, 3: {**here, "public_ip": "198.51.100.9"}}, p2p_plaintext_across=True)
        plan = planner(allowed).plan()
        assert [dial["address"] for dial in plan.dials("m1")] == ["198.51.100.1", "10.0.0.3"]

    def test_it_is_reported_with_everything_else(self, account: Account) -> None:
        failed = refused(account, fleet(3, {1: {"network": "a"}, 2: {"agent_secrets": {"OPENAI_API_KEY": "x"}}}))
        assert {"networks-crossed", "short-secret"} <= set(reported(failed))
