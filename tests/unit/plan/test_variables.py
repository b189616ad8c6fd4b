# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reader of the users' variables: each conversion, each refusal, and Ansible's own wrappers."""

from __future__ import annotations

from dataclasses import fields
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, VaultSecret, VaultSecretsContext
from ansible.plugins.filter.core import to_bool
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager
from hypothesis import given as generated
from hypothesis import strategies as st

from ansible_collections.praxis.cloud.plugins.module_utils.agent.identity import multiaddr
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.container import Limits
from ansible_collections.praxis.cloud.plugins.plugin_utils.fleet_variables import PLACE, MemberVariables, members, plain
from ansible_collections.praxis.cloud.plugins.plugin_utils.variable_types import (
    RUN_OPTIONS,
    RUN_WORDS,
    SHARES,
    run_options,
)
from tests.unit.fleet.made import PEERS
from tests.unit.plan.made import only, reported, variables

CYCLE: dict[str, Any] = {}
CYCLE["itself"] = CYCLE
ODD = [None, True, 1.5, 10**5000, b"\xff", (1,), {1: 2}, CYCLE, [CYCLE], date(2026, 2, 28), "\ud800", "\0", {"a"}]
PASSWORD = VaultSecret(b"vault password")


def read(**values: Any) -> MemberVariables:
    """Member ``m1`` with these variables, named without ``praxis_``."""
    (member,) = members({"m1": variables(1, **values)}, ["m1"])
    return member


def test_of_a_member_that_goes_back_only_its_place_is_read(tmp_path: Path) -> None:
    """A rollback needs neither the image nor a store that is down, and a colleague's mistake does not stop it."""
    text = """
praxis:
  hosts:
    m1:
      praxis_slot: aws-1
      praxis_private_ip: 10.0.0.1
      praxis_agent_secrets: "{{ lookup('ansible.builtin.file', '/nowhere') }}"
      praxis_container: {memory: [what]}
      praxis_docker_socket: perhaps
      praxis_cloud: aws
"""
    with pytest.raises(Failed) as error:
        members(inventory(tmp_path, text), ["m1"])
    assert {item.code for item in error.value.findings} == {"unreadable-variable", "bad-variable"}
    (found,) = members(inventory(tmp_path, text), ["m1"], PLACE)
    assert found == MemberVariables("m1", "aws-1", private_ip="10.0.0.1", cloud="aws")
    with pytest.raises(Failed) as error:
        members({"m1": {}}, ["m1"], PLACE)
    assert [item.what for item in error.value.findings] == ["praxis_slot is not set."]


def test_a_place_is_made_of_variables_that_there_are() -> None:
    assert {"slot", "fleet", "target_group"} < PLACE < {item.name for item in fields(MemberVariables)}


def refused(**values: Any) -> Failed:
    with pytest.raises(Failed) as error:
        read(**values)
    return error.value


def inventory(tmp_path: Path, text: str) -> HostVars:
    """Host variables as a running play has them, out of a static inventory."""
    (tmp_path / "hosts.yml").write_text(text, encoding="utf-8")
    loader = DataLoader()
    source = InventoryManager(loader, sources=[str(tmp_path / "hosts.yml")])
    return HostVars(source, VariableManager(loader, source), loader)


def every_part_is_plain(value: Any) -> bool:
    """Whether no part is of a class that Ansible, or anybody, derived from a plain one."""
    if isinstance(value, dict):
        return value.__class__ is dict and all(every_part_is_plain(part) for item in value.items() for part in item)
    if isinstance(value, list):
        return value.__class__ is list and all(every_part_is_plain(item) for item in value)
    return value.__class__ in (str, int, float, bool, None.__class__)


class TestConversions:
    @pytest.mark.parametrize(
        ("name", "given", "got"),
        [
            ("api_port", 8080, 8080),
            ("api_port", "8080", 8080),
            ("p2p_port", 1, 1),
            ("p2p_port", "65535", 65535),
            ("strict", False, False),
            ("strict", "no", False),
            ("strict", "False", False),
            ("docker_socket", "yes", True),
            ("docker_socket", "TRUE", True),
            ("balancer", "on", True),
            ("balancer", 1, True),
            ("balancer", "Off", False),
            ("balancer", "0", False),
            ("slot", 7, "7"),
            ("zone", "eu-central-1a", "eu-central-1a"),
            ("target_group", "agents", "agents"),
            ("target_group", {"Name": "agents"}, {"Name": "agents"}),
            ("container", {"pids": 64}, {"pids": 64}),
            ("agent_config", {"llm": {"timeout": 7, "tags": ("a", "b")}}, {"llm": {"timeout": 7, "tags": ["a", "b"]}}),
        ],
    )
    def test_a_value_is_taken(self, name: str, given: Any, got: Any) -> None:
        value = getattr(read(**{name: given}), name)
        assert value == got
        assert type(value) is type(got)

    @pytest.mark.parametrize(
        ("name", "given"),
        [
            ("agent_environment", {"A": b"planted"}),
            ("agent_secrets", {"A": b"planted"}),
            ("agent_config", {"llm": {"model": b"planted"}}),
            ("registries", [{"server": "r.example.com", "username": "a", "password": b"planted"}]),
            ("fleet", b"planted"),
        ],
    )
    def test_what_yaml_calls_binary_is_refused_and_not_shown(self, name: str, given: Any) -> None:
        """As text it would be what Python prints of it: b'planted'."""
        finding = only(refused(**{name: given}))
        assert (finding.code, finding.where) == ("bad-variable", "m1")
        assert f"praxis_{name} holds !!binary" in finding.what
        assert "planted" not in str(finding)

    @pytest.mark.parametrize("name", ["fleet", "api_port", "p2p_port", "strict", "container", "agent_config_host"])
    def test_nothing_and_null_mean_the_default(self, name: str) -> None:
        absent = read(**{name: None})  # variables() leaves it out
        (null,) = members({"m1": {**variables(1), f"praxis_{name}": None}}, ["m1"])
        assert getattr(absent, name) == getattr(null, name) == getattr(MemberVariables("m1", "aws-1", "x"), name)

    def test_other_peoples_variables_are_left_alone(self) -> None:
        found = {**variables(1), "praxis_unheard_of": 1, "ansible_host": "x", "praxis_name": "not the member's"}
        (member,) = members({"m1": found}, ["m1"])
        assert member.name == "m1"

    def test_members_keep_their_order(self) -> None:
        found = members({"b": variables(1), "a": variables(2)}, ["b", "a"])
        assert [member.name for member in found] == ["b", "a"]


class TestRefusals:
    @pytest.mark.parametrize(
        ("name", "given", "words"),
        [
            ("api_port", 0, "is 0, which is not a port"),
            ("api_port", 65536, "is 65536, which is not a port"),
            ("p2p_port", -1, "is -1, which is not a port"),
            ("p2p_port", "http", "is 'http', which is not a port"),
            ("p2p_port", "", "is '', which is not a port"),
            ("p2p_port", "8\u00b2", "which is not a port"),
            ("p2p_port", True, "is True, which is not a port"),
            pytest.param("p2p_port", 10**5000, "which is not a port", id="huge"),
            pytest.param("p2p_port", "9" * 5000, "which is not a port", id="long"),
            ("zone", False, "is False, which is not text"),
            ("fleet", 1.5, "is 1.5, which is not text"),
            ("p2p_port", 4001.5, "is 4001.5, which is not a port"),
            ("p2p_port", [4001], "which is not a port"),
            ("strict", "maybe", "is 'maybe', and must be true or false"),
            ("docker_socket", 2, "is 2, and must be true or false"),
            ("balancer", "enabled", "is 'enabled', and must be true or false"),
            ("balancer", "y", "is 'y', and must be true or false"),
            ("balancer", "", "is '', and must be true or false"),
            ("balancer", 1.0, "is 1.0, and must be true or false"),
            ("image", ["a"], "is not text"),
            ("slot", {"a": 1}, "is not text"),
            ("container", "512m", "is not a mapping"),
            ("agent_secrets", ["A=b"], "is not a mapping"),
            ("agent_config_group", "llm: {}", "is not a mapping"),
            ("target_group", ["agents"], "is neither a name nor a mapping of tags"),
        ],
    )
    def test_a_value_is_refused(self, name: str, given: Any, words: str) -> None:
        finding = only(refused(**{name: given}))
        assert (finding.code, finding.where) == ("bad-variable", "m1")
        assert finding.what.startswith(f"praxis_{name} is ")
        assert words in finding.what

    @pytest.mark.parametrize("given", ["true", "Yes", "on", "1", 1, True, "false", "NO", "off", "0", 0, False])
    def test_a_word_is_the_boolean_that_it_is_to_ansible(self, given: Any) -> None:
        """An inventory works out the target group by its filter: a member is behind a balancer, or it is not."""
        assert read(balancer=given).balancer is to_bool(given)

    @pytest.mark.parametrize("name", [item.name for item in fields(MemberVariables) if item.name != "name"])
    @pytest.mark.parametrize("given", ODD, ids=lambda value: type(value).__name__)
    def test_no_value_of_any_variable_is_a_traceback(self, name: str, given: Any) -> None:
        try:
            member = read(**{name: given})
        except Failed as error:
            for finding in error.findings:
                assert (finding.where, bool(finding.fix)) == ("m1", True)
                assert f"praxis_{name}" in finding.what
            return
        default = type(getattr(MemberVariables("m1", "aws-1", "x"), name))
        types = (default, dict) if name == "target_group" else (default,)
        assert isinstance(getattr(member, name), types), "a value of another type got through"

    @pytest.mark.parametrize(
        ("name", "given", "code", "fix"),
        [
            ("address", "pubic", "bad-address-kind", "Did you mean public?"),
            ("peer_id_scheme", "X25519", "unknown-identity-scheme", "Did you mean x25519?"),
            ("peer_id_scheme", "rsa", "unknown-identity-scheme", "one of ed25519, x25519"),
            ("private_ip", "node1.example.com", "bad-address", "the address that it resolves to"),
            ("public_ip", "203.0.113.300", "bad-address", "address"),
        ],
    )
    def test_a_word_that_is_none_of_those_known(self, name: str, given: str, code: str, fix: str) -> None:
        finding = only(refused(**{name: given}))
        assert (finding.code, finding.where) == (code, "m1")
        assert f"praxis_{name} is {given!r}" in finding.what
        assert fix in finding.fix

    def test_an_engine_that_would_lock_the_agent_out(self) -> None:
        finding = only(refused(docker_daemon={"userns-remap": "default", "debug": True}))
        assert (finding.code, finding.where) == ("mounts-unreadable", "m1")
        assert "praxis_docker_daemon has userns-remap" in finding.what
        assert read(docker_daemon={"userns-remap": "", "debug": True}).docker_daemon["debug"] is True

    @pytest.mark.parametrize("name", ["a/b", "-a", "a b", "a" * 129, "é"])
    def test_a_name_that_can_name_no_file(self, name: str) -> None:
        with pytest.raises(Failed) as error:
            members({name: variables(1)}, [name])
        assert only(error.value).code == "bad-member-name"

    @pytest.mark.parametrize(("name", "fix"), [("slot", "Tag the machine"), ("image", "Set it for the fleet")])
    @pytest.mark.parametrize("given", [None, ""])
    def test_a_variable_that_has_no_default(self, name: str, fix: str, given: Any) -> None:
        finding = only(refused(**{name: given}))
        assert (finding.code, finding.what) == ("missing-variable", f"praxis_{name} is not set.")
        assert fix in finding.fix

    def test_everything_wrong_in_every_member_is_reported_at_once(self) -> None:
        found = {"m1": variables(1, api_port="a", strict="b"), "m2": variables(2), "m3": variables(3, slot=None)}
        with pytest.raises(Failed) as error:
            members(found, list(found))
        assert reported(error.value) == ["bad-variable", "bad-variable", "missing-variable"]
        assert [finding.where for finding in error.value.findings] == ["m1", "m1", "m3"]

    def test_an_unknown_limit_of_the_container(self) -> None:
        with pytest.raises(Failed) as error:
            read(container={"memory": "1g", "cpus": 2}).limits  # noqa: B018 - read for what it raises
        finding = only(error.value)
        assert (finding.code, finding.where) == ("unknown-limit", "m1")
        assert "cpus" in finding.what
        assert "memory, pids, stop_grace" in finding.fix

    @pytest.mark.parametrize(
        ("limits", "fix"),
        [
            ({"pids": "many"}, "Write a whole number from 1 to 4194304, such as 256."),
            ({"pids": 0}, "from 1"),
            ({"pids": True}, "whole number"),
            ({"pids": 1.5}, "whole number"),
            ({"pids": 10**5000}, "whole number"),
            ({"memory": "lots"}, "such as 512m, and 6m at least"),
            ({"memory": "5m"}, "6m at least"),
            ({"memory": 1024}, "6m at least"),
            ({"memory": ["1g"]}, "such as 512m"),
            ({"memory": None}, "such as 512m"),
            ({"stop_grace": 15}, "such as 15s."),
            ({"stop_grace": "soon"}, "such as 15s."),
            ({"start_period": "1d"}, "such as 30s."),
            ({"log_size": "0m"}, "such as 10m."),
            ({"log_files": "0"}, "from 1 to 1000"),
        ],
    )
    def test_a_limit_that_compose_would_refuse(self, limits: dict[str, Any], fix: str) -> None:
        with pytest.raises(Failed) as error:
            read(container=limits).limits  # noqa: B018 - read for what it raises
        finding = only(error.value)
        assert (finding.code, finding.where) == ("bad-limit", "m1")
        assert f"praxis_container.{next(iter(limits))} is" in finding.what
        assert fix in finding.fix

    def test_every_wrong_limit_is_reported_with_the_nearest_name(self) -> None:
        with pytest.raises(Failed) as error:
            read(container={"memroy": "1g", "pids": "x"}).limits  # noqa: B018 - read for what it raises
        assert reported(error.value) == ["unknown-limit", "bad-limit"]
        assert "Did you mean memory?" in error.value.findings[0].fix

    def test_limits_in_the_ways_people_write_them(self) -> None:
        assert read(container={"memory": "1.5g"}).limits == Limits(memory="1.5g")
        written = {"memory": "1G", "pids": "64", "stop_grace": "1m30s", "log_size": "10 mb", "log_files": 2}
        assert read(container=written).limits == Limits("1G", 64, "1m30s", log_size="10 mb", log_files=2)
        assert read(container={"memory": 536870912}).limits == Limits(memory="536870912")

    def test_known_limits(self) -> None:
        assert read(container={"memory": "1g", "pids": 64}).limits == Limits(memory="1g", pids=64)


class TestRunOptions:
    def test_what_is_not_given_has_its_default(self) -> None:
        wanted = {option: default for option, (_variable, _least, _most, default) in RUN_OPTIONS.items()}
        wanted |= {option: words[0] for option, (_variable, words) in RUN_WORDS.items()}
        assert run_options({}) == run_options({"batch": None, "deadline": ""}) == (wanted, [])
        assert run_options({"batch": "2", "min_edges": 0}) == ({**wanted, "batch": 2, "min_edges": 0}, [])

    @pytest.mark.parametrize("given", [0, -1, "two", True, 1.5, [1], pytest.param(10**5000, id="huge")])
    @pytest.mark.parametrize("option", list(RUN_OPTIONS))
    def test_a_wrong_one_is_reported_by_the_variables_name(self, option: str, given: Any) -> None:
        found, findings = run_options({option: given})
        if given == 0 and RUN_OPTIONS[option][1] == 0:
            assert (found[option], findings) == (0, [])
            return
        assert [(one.code, one.where) for one in findings] == [("bad-variable", RUN_OPTIONS[option][0])]
        assert found[option] == RUN_OPTIONS[option][3]

    @pytest.mark.parametrize(("lease", "wrong"), [(29, True), (30, True), (31, False), (None, False)])
    def test_a_lease_that_ends_in_the_soak(self, lease: int | None, wrong: bool) -> None:
        """Each deployment would be refused by itself after its first batch."""
        _found, findings = run_options({"lease": lease})
        assert [(one.code, one.where) for one in findings] == [("bad-variable", "praxis_lease")] * wrong
        assert run_options({"lease": lease, "soak": 0})[1] == []

    @pytest.mark.parametrize("given", ["25%", "100%", "0%", "101%", "x%", "2.5%", "%"])
    @pytest.mark.parametrize("option", list(RUN_OPTIONS))
    def test_a_percentage_where_it_has_a_meaning(self, option: str, given: str) -> None:
        found, findings = run_options({option: given})
        right = option in SHARES and given in ("25%", "100%")
        assert (found[option] == given) is right is (findings == [])

    @pytest.mark.parametrize("option", list(RUN_WORDS))
    def test_one_word_of_a_few(self, option: str) -> None:
        variable, words = RUN_WORDS[option]
        for word in words:
            assert run_options({option: word})[0][option] == word
        for wrong in ("undo", 1, ["x"], True):
            found, (finding,) = run_options({option: wrong})
            assert (found[option], finding.where, words[1] in finding.fix) == (words[0], variable, True)

    def test_all_are_reported_at_once(self) -> None:
        _found, findings = run_options(dict.fromkeys(RUN_OPTIONS, "x"))
        assert [one.code for one in findings] == ["bad-variable"] * len(RUN_OPTIONS)


class TestAddresses:
    @pytest.mark.parametrize(
        ("kind", "private", "public", "expected"),
        [
            ("private", "10.0.0.1", "203.0.113.1", ("10.0.0.1", "203.0.113.1")),
            ("public", "10.0.0.1", "203.0.113.1", ("203.0.113.1", "10.0.0.1")),
            ("private", "10.0.0.1", None, ("10.0.0.1",)),
            ("public", "", "203.0.113.1", ("203.0.113.1",)),
            ("private", "10.0.0.1", "10.0.0.1", ("10.0.0.1",)),
        ],
    )
    def test_the_chosen_kind_comes_first(self, kind: str, private: Any, public: Any, expected: Any) -> None:
        assert read(address=kind, private_ip=private, public_ip=public).addresses == expected

    @pytest.mark.parametrize("kind", ["private", "public"])
    def test_a_machine_without_an_address_of_that_kind(self, kind: str) -> None:
        addresses = {"private_ip": "203.0.113.1", "public_ip": "203.0.113.1", f"{kind}_ip": ""}
        member = read(address=kind, **addresses)
        with pytest.raises(Failed) as error:
            member.addresses  # noqa: B018 - read for what it raises
        finding = only(error.value)
        assert (finding.code, finding.where) == ("no-address", "m1")
        assert "IPv6 is not supported" in finding.fix  # it may have one of those
        assert f"praxis_{kind}_ip" in finding.fix

    @pytest.mark.parametrize("name", ["private_ip", "public_ip"])
    @pytest.mark.parametrize(
        ("given", "what", "fix"),
        [
            ("2001:db8::11", "an IPv6 address", "IPv4 address"),
            ("2001:DB8:0:0::11", "an IPv6 address", "ansible_host may be"),
            ("fe80::1%eth0", "an IPv6 address", "IPv4 address"),
            ("fd00::1", "an IPv6 address", "IPv4 address"),
            ("::1", "an IPv6 address", "IPv4 address"),
            ("::ffff:10.0.0.1", "an IPv6 address", "Write 10.0.0.1."),
            ("[2001:db8::11]", "not an IP address", "IPv4"),
            ("0.0.0.0", "every address of a machine", "other members"),
            ("127.0.0.1", "the machine itself", "other members"),
            ("127.1.2.3", "the machine itself", "other members"),
            ("169.254.169.254", "a link-local address", "other members"),
            ("224.0.0.1", "a multicast address", "other members"),
            ("255.255.255.255", "a reserved address", "other members"),
            ("0.1.2.3", "a reserved address", "other members"),
            ("10.0.0.1/24", "not an IP address", "without port and prefix"),
            ("10.0.0.1:4001", "not an IP address", "without port and prefix"),
            (" 10.0.0.1", "not an IP address", "without port and prefix"),
            ("010.0.0.1", "not an IP address", "IPv4"),
            ("localhost", "not an IP address", "the address that it resolves to"),
        ],
    )  # fmt: skip
    def test_an_address_that_no_member_could_dial(self, name: str, given: str, what: str, fix: str) -> None:
        finding = only(refused(**{name: given}))
        assert (finding.code, finding.where) == ("bad-address", "m1")
        assert finding.what.startswith(f"praxis_{name} is {given!r}")
        assert what in finding.what
        assert fix in finding.fix

    def test_ssh_may_go_to_an_address_of_any_kind(self) -> None:
        for given in ("2001:db8::11", "127.0.0.1", "bastion.example.com"):
            (member,) = members({"m1": {**variables(1), "ansible_host": given}}, ["m1"])
            assert member.addresses == ("10.0.0.1",)

    @generated(st.ip_addresses())
    def test_what_is_taken_becomes_an_ipv4_multiaddr(self, address: Any) -> None:
        try:
            member = read(private_ip=str(address))
        except Failed:
            return
        assert multiaddr(member.addresses[0], 4001, PEERS[0]).startswith(f"/ip4/{address}/tcp/")

    def test_a_kind_that_there_is_not(self) -> None:
        with pytest.raises(Failed) as error:
            read(address="elastic").addresses  # noqa: B018 - read for what it raises
        assert only(error.value).code == "bad-address-kind"


class TestSettingsFiles:
    def config(self, tmp_path: Path, **files: str) -> dict[str, Any]:
        for name, text in files.items():
            (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
        return {"config_dir": str(tmp_path), "environment": "staging"}

    def refused(self, **values: Any) -> Any:
        with pytest.raises(Failed) as error:
            read(**values).layers()
        return only(error.value)

    def test_the_layers_of_the_collection(self) -> None:
        member = read(agent_config={"a": 1}, agent_config_host={"b": 2})
        names = [layer.name for layer in member.layers()]
        assert names == ["agent_base.yaml", "agent_production.yaml", "praxis_agent_config", "praxis_agent_config_host"]
        assert read(environment="development").layers()[1].name == "agent_development.yaml"

    def test_a_folder_of_the_users_own_is_inert_text(self, tmp_path: Path) -> None:
        files = {"agent_base": "llm: {model: '{{ 6 * 7 }}', timeout: 7}", "agent_staging": ""}
        base, staging = read(**self.config(tmp_path, **files)).layers()
        assert (base.name, base.settings) == ("agent_base.yaml", {"llm": {"model": "{{ 6 * 7 }}", "timeout": 7}})
        assert staging.settings == {}

    def test_a_folder_in_the_home_directory(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """As every other path in a variable."""
        monkeypatch.setenv("HOME", str(tmp_path))
        self.config(tmp_path, agent_base="llm: {timeout: 7}", agent_staging="")
        base, _staging = read(config_dir="~", environment="staging").layers()
        assert base.settings == {"llm": {"timeout": 7}}

    def test_a_missing_file_names_those_that_are_there(self, tmp_path: Path) -> None:
        options = self.config(tmp_path, agent_base="", agent_production="")
        finding = self.refused(**options)
        assert (finding.code, finding.where) == ("no-settings-file", str(tmp_path / "agent_staging.yaml"))
        assert "There are: agent_base.yaml, agent_production.yaml." in finding.fix
        assert "There are: none." in self.refused(config_dir=str(tmp_path / "nowhere")).fix

    def test_bad_yaml(self, tmp_path: Path) -> None:
        finding = self.refused(**self.config(tmp_path, agent_base="llm: [", agent_staging=""))
        assert (finding.code, finding.where) == ("bad-yaml", str(tmp_path / "agent_base.yaml"))
        assert "line 1" in finding.what

    @pytest.mark.parametrize(
        ("text", "key", "lines"),
        [
            ("llm:\n  timeout: 7\np2p: {}\nllm:\n  model: x\n", "'llm'", (1, 4)),
            ("llm:\n  timeout: 7\n  'timeout': 8\n", "'timeout'", (2, 3)),
            ("agent:\n  tools:\n  - {name: a, name: b}\n", "'name'", (3, 3)),
            ("a: &a {x: 1}\nb:\n  <<: *a\n  y: 1\n  y: 2\n", "'y'", (4, 5)),
        ],
    )
    def test_a_key_that_stands_twice(self, tmp_path: Path, text: str, key: str, lines: tuple[int, int]) -> None:
        finding = self.refused(**self.config(tmp_path, agent_base=text, agent_staging=""))
        assert (finding.code, finding.where) == ("bad-yaml", str(tmp_path / "agent_base.yaml"))
        assert "%s stands in line %d, and in line %d again" % (key, *lines) in finding.what

    def test_a_key_that_is_merged_in_and_then_overridden(self, tmp_path: Path) -> None:
        text = "x: {y: {z: &z {<<: &a {k: 1, l: 1}, k: 2}}}\nb: {<<: *z, l: 3}\nc: {<<: [*a, *z]}\n1: a\n'1': b\n"
        base, _staging = read(**self.config(tmp_path, agent_base=text, agent_staging="")).layers()
        assert (base.settings["b"], base.settings["c"]) == ({"k": 2, "l": 3}, {"k": 1, "l": 1})
        assert (base.settings[1], base.settings["1"]) == ("a", "b")

    @pytest.mark.parametrize(
        "text", ["a: 2026-02-30", "a: " + "[" * 2000, "a: 0o9z: b: c", "a: !!python/object:os.x {}", "a: " + "9" * 5000]
    )
    @pytest.mark.slow
    def test_what_the_yaml_library_stumbles_over(self, tmp_path: Path, text: str) -> None:
        finding = self.refused(**self.config(tmp_path, agent_base=text, agent_staging=""))
        assert (finding.code, finding.where) == ("bad-yaml", str(tmp_path / "agent_base.yaml"))

    def test_a_file_that_is_no_utf_8(self, tmp_path: Path) -> None:
        (tmp_path / "agent_base.yaml").write_bytes(b"llm: {model: caf\xe9}")
        finding = self.refused(config_dir=str(tmp_path), environment="staging")
        assert (finding.code, finding.where) == ("not-utf-8", str(tmp_path / "agent_base.yaml"))
        assert "Byte 16 " in finding.what
        assert "UTF-8" in finding.fix

    def test_a_file_that_is_a_folder(self, tmp_path: Path) -> None:
        (tmp_path / "agent_base.yaml").mkdir()
        assert self.refused(config_dir=str(tmp_path), environment="staging").code == "unreadable-file"

    @pytest.mark.parametrize("text", ["- a\n", "text\n", "7\n"])
    def test_no_mapping(self, tmp_path: Path, text: str) -> None:
        finding = self.refused(**self.config(tmp_path, agent_base=text, agent_staging=""))
        assert (finding.code, finding.where) == ("bad-settings-file", str(tmp_path / "agent_base.yaml"))

    def test_a_file_is_read_once(self, tmp_path: Path) -> None:
        options = self.config(tmp_path, agent_base="", agent_staging="")
        first = read(**options).layers()[0]
        (tmp_path / "agent_base.yaml").unlink()
        assert read(**options).layers()[0] is first


class TestAnsiblesOwnWrappers:
    @pytest.fixture(autouse=True)
    def _vault(self, monkeypatch: pytest.MonkeyPatch) -> None:
        # As the command line does, but for one test.
        monkeypatch.setattr(VaultSecretsContext, "_current", VaultSecretsContext([("default", PASSWORD)]))

    def test_templates_are_rendered_and_vaults_opened(self, tmp_path: Path) -> None:
        vaulted = VaultLib([("default", PASSWORD)]).encrypt(b"planted-vaulted-value", PASSWORD).decode()
        vault = "\n".join(" " * 12 + line for line in vaulted.splitlines())
        found = inventory(tmp_path, f"""\
praxis:
  vars:
    registry: registry.example
    praxis_image: "{{{{ registry }}}}/praxis:1.0"
    praxis_api_port: "{{{{ 8000 + 80 }}}}"
    praxis_strict: "{{{{ false }}}}"
  hosts:
    m1:
      praxis_slot: aws-1
      praxis_agent_config: {{llm: {{timeout: 7, models: [a, 1.5, null, true]}}}}
      praxis_agent_secrets:
        A: !vault |
{vault}
        B: !unsafe "{{{{resolve:secretsmanager:llm:SecretString:openai}}}}"
        C: "aws-sm://{{{{ registry }}}}#c"
""")
        (member,) = members(found, ["m1"])
        assert (member.image, member.api_port, member.strict) == ("registry.example/praxis:1.0", 8080, False)
        assert member.agent_secrets == {
            "A": "planted-vaulted-value",
            "B": "{{resolve:secretsmanager:llm:SecretString:openai}}",
            "C": "aws-sm://registry.example#c",
        }
        assert member.agent_config == {"llm": {"timeout": 7, "models": ["a", 1.5, None, True]}}
        # Ansible's values carry tags until they are made plain, and every one of the member's is.
        assert not every_part_is_plain(found["m1"]["praxis_agent_secrets"])
        assert all(every_part_is_plain(getattr(member, name)) for name in ("agent_secrets", "agent_config", "image"))

    def test_a_reference_that_ansible_takes_for_a_template(self, tmp_path: Path) -> None:
        found = inventory(tmp_path, """\
praxis:
  vars: {praxis_image: "registry.example/praxis:1.0"}
  hosts:
    m1:
      praxis_slot: aws-1
      praxis_agent_secrets: {OPENAI_API_KEY: "{{resolve:secretsmanager:llm:SecretString:openai}}"}
    m2:
      praxis_slot: "{{ not_defined_anywhere }}"
""")
        with pytest.raises(Failed) as error:
            members(found, ["m1", "m2"])
        first, second = error.value.findings
        assert reported(error.value) == ["unreadable-variable", "unreadable-variable"]
        assert (first.where, second.where) == ("m1", "m2")
        assert "praxis_agent_secrets cannot be read" in first.what
        assert "!unsafe" in first.fix
        assert "praxis_slot cannot be read" in second.what
        assert "not_defined_anywhere" in second.what
        assert "!unsafe" not in second.fix

    def test_a_vault_without_its_password(self, tmp_path: Path) -> None:
        other = VaultSecret(b"another password")
        vaulted = VaultLib([("default", other)]).encrypt(b"planted", other).decode()
        vault = "\n".join(" " * 12 + line for line in vaulted.splitlines())
        found = inventory(tmp_path, f"""\
praxis:
  hosts:
    m1:
      praxis_slot: aws-1
      praxis_image: registry.example/praxis:1.0
      praxis_agent_secrets:
        A: !vault |
{vault}
""")
        with pytest.raises(Failed) as error:
            members(found, ["m1"])
        finding = only(error.value)
        assert (finding.code, finding.where) == ("unreadable-variable", "m1")
        assert "praxis_agent_secrets cannot be read" in finding.what

    def test_plain_text_is_exactly_text(self) -> None:
        class Tagged(str):
            pass

        assert not every_part_is_plain(Tagged("a"))
        assert every_part_is_plain(plain(Tagged("a")))
        assert every_part_is_plain(plain({Tagged("a"): [Tagged("b"), 1, 1.5, True, None]}))
        assert plain({Tagged("a"): (Tagged("b"), True)}) == {"a": ["b", True]}


class TestDaemon:
    def test_the_docker_roles_defaults_hold(self):
        daemon = read().daemon
        assert daemon == {"live-restore": True}

    def test_the_users_settings_go_over_them_key_by_key(self):
        daemon = read(docker_daemon={"log-opts": {"max-file": "9"}, "mtu": 1400}).daemon
        assert daemon["log-opts"] == {"max-file": "9"}
        assert daemon["mtu"] == 1400 and daemon["live-restore"] is True
