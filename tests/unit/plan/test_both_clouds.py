# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fleets with members, seeds, secrets and images on either cloud, and fleets that need only one of them."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.agent.identity import peer_id
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.plan import Plan
from tests.unit.conftest import REGION
from tests.unit.google.conftest import PROJECT, Google
from tests.unit.google.registry import ARTIFACT, DIGEST, Registry, served
from tests.unit.plan.made import IMAGE, OPENAI, Account, fleet, only, planner, reported, seed
from tests.unit.plan.test_actions import LOCAL, PLAN, Site, facts_missing, forms

REPOSITORY = f"{PROJECT}/praxis/praxis-agent"
GOOGLE_IMAGE = f"{ARTIFACT}/{REPOSITORY}:1.0"
LLM = "planted-google-key-77d0"
ELSEWHERE = "another-project"


@dataclass
class Both:
    """An account with what the other tests of plans have, and a project with the same."""

    account: Account
    google: Google
    registry: Registry

    def call(self, verb: str, path: str, body: Any = None, project: str = PROJECT, **query: str) -> dict[str, Any]:
        client = GcpClient(project)
        path = f"v1/projects/{project}/secrets{path}"
        return client.call("secretmanager", verb, path, body=body, query=query)

    def secret(self, name: str, value: bytes, project: str = PROJECT) -> None:
        self.call("POST", "", {"replication": {"automatic": {}}}, project, secretId=name)
        self.version(name, value, project)

    def version(self, name: str, value: bytes, project: str = PROJECT) -> None:
        payload = {"payload": {"data": base64.b64encode(value).decode()}}
        self.call("POST", f"/{name}:addVersion", payload, project)

    def seeds(self, *indices: int) -> None:
        for index in indices:
            self.secret(f"praxis_demo_identity_gcp-{index}", seed(index))

    def looked_up(self) -> int:
        """How many secrets Google was asked for."""
        return self.google.operations().count("secretmanager:projects.secrets.versions.access")


def on_google(index: int, **values: Any) -> dict[str, Any]:
    """A member's own variables, of a machine on Google Cloud; ``values`` as for ``made.variables``."""
    return {
        "cloud": "gcp", "project": PROJECT, "region": "us-central1", "zone": "us-central1-a", "slot": f"gcp-{index}",
        "instance_id": f"demo-gcp-{index}", "image": GOOGLE_IMAGE,
        "agent_secrets": {"OPENAI_API_KEY": f"gcp-sm://{PROJECT}/llm#openai"}, **values,
    }  # fmt: skip


@pytest.fixture
def both(empty: Account, google: Google, monkeypatch: pytest.MonkeyPatch) -> Iterator[Both]:
    for name, value in google.environment.items():
        monkeypatch.setenv(name, value)
    google.front.access.grant(google.email, ["secretmanager.*"], f"projects/{ELSEWHERE}")
    with served(google) as registry:
        registry.tags[REPOSITORY] = {"1.0": DIGEST}
        found = Both(empty, google, registry)
        found.secret("llm", json.dumps({"openai": LLM}).encode())
        google.log.path.write_text("")
        yield found


def plan(hostvars: dict[str, Any]) -> Plan:
    return planner(hostvars).plan()


def refused(hostvars: dict[str, Any]) -> Failed:
    with pytest.raises(Failed) as error:
        plan(hostvars)
    return error.value


class TestPlan:
    @pytest.mark.slow
    def test_everybody_s_seed_secret_and_image_are_where_their_variables_say(self, both: Both) -> None:
        """A member of each cloud that has all in its own, and one of each that points at the other's."""
        both.account.seeds([1])
        both.account.secret("praxis/demo/identity/gcp-4", seed(4))
        both.secret("praxis_demo_identity_aws-2", seed(2))
        both.seeds(3)
        google_key = {"OPENAI_API_KEY": f"gcp-sm://{PROJECT}/llm#openai"}
        resolved = f"{{{{resolve:secretmanager:projects/{PROJECT}/secrets/llm/versions/1#openai}}}}"
        own = {
            2: {"identity_store": "gcp-sm", "agent_secrets": google_key, "image": GOOGLE_IMAGE},
            3: on_google(3, agent_secrets={"OPENAI_API_KEY": resolved}),
            4: on_google(4, agent_secrets={"OPENAI_API_KEY": "aws-sm://llm#openai"}, identity_store="aws-sm",
                         image=IMAGE),
        }  # fmt: skip
        made = planner(fleet(4, own))
        found = made.plan()
        assert {name: member.peer_id for name, member in found.members.items()} == {
            f"m{index}": peer_id(seed(index)) for index in (1, 2, 3, 4)
        }
        secrets = {name: each["secrets"]["OPENAI_API_KEY"] for name, each in made.host_secrets().items()}
        assert secrets == {"m1": OPENAI, "m2": LLM, "m3": LLM, "m4": OPENAI}
        assert {found.releases[name].secrets["OPENAI_API_KEY"] for name in ("m2", "m3")} == {"1@f7e585dd"}
        servers = [made.host_secrets()[name]["registry"]["server"] for name in found.members]
        assert servers == [IMAGE.partition("/")[0], ARTIFACT, ARTIFACT, IMAGE.partition("/")[0]]
        assert found.releases["m3"].image == f"{ARTIFACT}/{REPOSITORY}@{DIGEST}"
        # Each store was asked once: AWS in one call, Google once a secret (`latest` and `1` are two questions).
        assert both.account.cloud.operations.count("BatchGetSecretValue") == 1
        assert both.looked_up() == 4
        shown = repr([found, found.to_plain(), found.describe(), made.warnings])
        assert not [value for value in (OPENAI, LLM, "ya29.") if value in shown]

    @pytest.mark.slow
    def test_latest_is_pinned_and_its_number_is_the_release_s(self, both: Both) -> None:
        both.seeds(1)
        before = plan(fleet(1, {1: on_google(1)}))
        both.version("llm", json.dumps({"openai": LLM}).encode())
        after = plan(fleet(1, {1: on_google(1)}))
        versions = [each.releases["m1"].secrets["OPENAI_API_KEY"] for each in (before, after)]
        assert versions == ["1@f7e585dd", "2@f7e585dd"]
        assert before.releases["m1"].id != after.releases["m1"].id

    @pytest.mark.slow
    def test_several_projects_and_regions(self, both: Both) -> None:
        """Each member's seed is in its own project or region, and a bare name of AWS's is looked up in its region,
        whoever comes first."""
        both.seeds(1)
        both.secret("praxis_demo_identity_gcp-2", seed(2), ELSEWHERE)
        both.account.seeds([3])
        west = boto3.client("secretsmanager", region_name="eu-west-1", endpoint_url=both.account.cloud.endpoint)
        west.create_secret(Name="praxis/demo/identity/aws-4", SecretBinary=seed(4))
        west.create_secret(Name="llm", SecretString='{"openai": "planted-west"}')
        members = fleet(4, {1: on_google(1), 2: on_google(2, project=ELSEWHERE), 4: {"region": "eu-west-1"}})
        for order in (1, -1):
            made = planner(dict(sorted(members.items(), reverse=order < 0)))
            found = made.plan()
            assert {name: each.peer_id for name, each in found.members.items()} == {
                f"m{index}": peer_id(seed(index)) for index in (1, 2, 3, 4)
            }
            secrets = {name: each["secrets"]["OPENAI_API_KEY"] for name, each in made.host_secrets().items()}
            assert secrets == {"m1": LLM, "m2": LLM, "m3": OPENAI, "m4": "planted-west"}

    @pytest.mark.slow
    def test_what_is_missing_is_reported_by_place(self, both: Both) -> None:
        plain = {"agent_secrets": {"OPENAI_API_KEY": "planted-plain"}}
        own = {
            1: on_google(1), 2: on_google(2, project=ELSEWHERE), 3: on_google(3),
            5: {"region": "eu-west-1", **plain}, 6: {"identity_store": "gcp-sm"},
            7: on_google(7, identity_store="aws-sm"),
        }  # fmt: skip
        made = planner(fleet(7, own), allow_missing=True)
        made.plan()
        assert made.missing == [
            {"cloud": "gcp", "project": PROJECT, "region": "", "slots": ["gcp-1", "gcp-3", "aws-6"]},
            {"cloud": "gcp", "project": ELSEWHERE, "region": "", "slots": ["gcp-2"]},
            {"cloud": "aws", "project": "", "region": REGION, "slots": ["aws-4"]},
            {"cloud": "aws", "project": "", "region": "eu-west-1", "slots": ["aws-5"]},
            # Its own region is none of AWS's, and the others have two: the environment's.
            {"cloud": "aws", "project": "", "region": "", "slots": ["gcp-7"]},
        ]

    @pytest.mark.slow
    def test_a_project_that_only_the_environment_names(self, both: Both) -> None:
        both.seeds(1)
        assert plan(fleet(1, {1: on_google(1, project=None)})).members["m1"].peer_id == peer_id(seed(1))


class TestRefusals:
    def finding(self, both: Both, **values: Any) -> Finding:
        """The one thing that is wrong with a member that is otherwise whole."""
        both.seeds(1)
        changes = both.google.changes()
        found = only(refused(fleet(1, {1: on_google(1, **values)})))
        assert both.google.changes() == changes
        return found

    @pytest.mark.slow
    def test_every_secret_that_cannot_be_had_is_distinguished(self, both: Both) -> None:
        both.seeds(1)
        both.call("POST", "", {"replication": {"automatic": {}}}, secretId="bare")
        for name, value in (("off", b"planted"), ("gone", b"planted"), ("raw", b"\xffplanted"), ("pin", b"123"),
                            ("plain", b"planted")):  # fmt: skip
            both.secret(name, value)
        both.call("POST", "/off/versions/1:disable", {})
        both.call("POST", "/gone/versions/1:destroy", {})
        codes = {
            "none": "secret-not-found", "llm?version=7": "secret-version-not-found", "bare": "secret-empty",
            "llm#opnai": "secret-key-not-found", "off": "secret-disabled", "gone": "secret-destroyed",
            "raw": "secret-binary", "raw#key": "secret-binary", "pin": "short-secret", "plain#a": "secret-not-json",
        }  # fmt: skip
        secrets = {f"OTHER_{at}": f"gcp-sm://{PROJECT}/{reference}" for at, reference in enumerate(codes)}
        changes = both.google.changes()
        failed = refused(fleet(1, {1: on_google(1, agent_secrets={"OPENAI_API_KEY": "planted-plain", **secrets})}))
        assert both.google.changes() == changes
        assert len(reported(failed)) == len(codes)
        for at, (reference, code) in enumerate(codes.items()):
            (found,) = [each for each in failed.findings if f"OTHER_{at}" in each.where]
            assert (found.code, secrets[f"OTHER_{at}"] in f"{found.where} {found.what}") == (code, True), reference
        assert "planted" not in str(failed)

    @pytest.mark.slow
    def test_a_refused_read_says_what_to_grant(self, both: Both) -> None:
        both.seeds(1)
        both.google.front.access.revoke(both.google.email, f"projects/{PROJECT}")
        found = only(refused(fleet(1, {1: on_google(1, identity_store="gcp-sm", agent_secrets={
            "OPENAI_API_KEY": "planted-plain"})})))  # fmt: skip
        assert (found.code, "secretmanager.secretAccessor" in found.fix) == ("secret-denied", True)

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("values", "said"),
        [({"slot": "gcp.1"}, "slot 'gcp.1'"), ({"slot": "Gcp-1"}, "slot 'Gcp-1'"), ({"slot": "a" * 64}, "slot 'aaa")],
    )
    def test_a_slot_that_can_be_no_secret_s_id(self, both: Both, values: dict[str, Any], said: str) -> None:
        found = self.finding(both, **values)
        assert (found.code, found.where) == ("identity-name", "m1")
        assert said in found.what
        # In the other store it may be.
        if values["slot"] != "a" * 64:
            both.account.secret(f"praxis/demo/identity/{values['slot']}", seed(1))
            plan(fleet(1, {1: on_google(1, **values, identity_store="aws-sm")}))

    @pytest.mark.slow
    @pytest.mark.parametrize("verb", ["disable", "destroy"])
    def test_a_seed_that_is_there_and_unusable(self, both: Both, verb: str) -> None:
        both.seeds(2)
        both.call("POST", f"/praxis_demo_identity_gcp-2/versions/1:{verb}", {})
        made = planner(fleet(1, {1: on_google(2)}), allow_missing=True)
        with pytest.raises(Failed) as error:
            made.plan()
        assert only(error.value).code == "identity-seed"
        assert made.missing == []

    def test_no_project(self, both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
        """The key file names one; a token does not."""
        monkeypatch.delenv("GOOGLE_CLOUD_PROJECT")
        monkeypatch.setenv("GCP_ACCESS_TOKEN", both.google.front.identities.issue(both.google.email))
        found = only(refused(fleet(1, {1: on_google(1, project=None)})))
        assert (found.code, "project" in found.fix) == ("cloud-no-project", True)

    @pytest.mark.slow
    def test_a_cloud_without_credentials_is_reported_once_and_hides_nothing(
        self, both: Both, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json")
        both.account.seeds([3])
        own = {1: on_google(1), 2: on_google(2, agent_config_host={"llm": {"timeot": 7}})}
        failed = refused(fleet(3, {**own, 3: {"agent_secrets": {"OPENAI_API_KEY": "aws-sm://none"}}}))
        assert sorted(reported(failed)) == ["cloud-credentials", "secret-not-found", "unknown-setting"]


@pytest.fixture
def site(tmp_path: Path, both: Both) -> Site:
    return Site(tmp_path, both.account)


def without(folder: Path, *libraries: str) -> dict[str, str]:
    """An environment whose Pythons have none of these libraries."""
    path = folder / "without"
    path.mkdir()
    (path / "sitecustomize.py").write_text(f"import sys\nsys.modules.update(dict.fromkeys({libraries!r}))\n")
    return {"PYTHONPATH": f"{path}:{os.environ.get('PYTHONPATH', '')}".rstrip(":")}


@pytest.mark.slow
class TestRuns:
    """Real runs of the tasks that plan and make identities."""

    @pytest.mark.repetition  # tests/integration/test_both.py deploys one
    def test_a_fleet_on_both_clouds(self, both: Both, site: Site) -> None:
        site.inventory(fleet(4, {2: on_google(2), 3: on_google(3), 4: {"identity_store": "gcp-sm"}}))
        checked = site.play([PLAN], "--check", "--diff", **both.google.environment)
        assert checked.rc == 0, checked.printed[-4000:]
        assert (both.google.changes(), both.account.cloud.changes()) == ([], [])
        played = site.play([PLAN, {**LOCAL, "tasks": [site.keep()]}], "-vvvvv", "--diff", **both.google.environment)
        assert played.rc == 0, played.printed[-4000:]
        assert facts_missing(played) == [
            {"cloud": "aws", "project": "", "region": REGION, "slots": ["aws-1"]},
            {"cloud": "gcp", "project": PROJECT, "region": "", "slots": ["gcp-2", "gcp-3", "aws-4"]},
        ]
        assert both.account.cloud.changes() == ["CreateSecret"]
        assert sorted(both.google.changes()) == ["addVersion"] * 3 + ["create"] * 3
        found = played.of("Plan with the new identities", "m1")["plan"]["members"]
        ids = {each["name"]: each["peer_id"] for each in found}
        for name, slot in (("m2", "gcp-2"), ("m3", "gcp-3"), ("m4", "aws-4")):
            path = f"/praxis_demo_identity_{slot}/versions/1:access"
            stored = base64.b64decode(both.call("GET", path)["payload"]["data"])
            assert ids[name] == peer_id(stored)
            assert site.places_of(played, *forms(stored)) == set()
        # Values and tokens are nowhere; the same search finds what may be seen.
        tokens = [login.encode() for login in both.registry.logins]
        assert len(set(tokens)) >= 1
        assert site.places_of(played, *forms(LLM.encode()), *forms(OPENAI.encode()), *tokens, b"ya29.") == set()
        assert "output" in site.places_of(played, b"praxis_demo_identity_gcp-2")
        assert [each["status"] for each in site.play([PLAN], **both.google.environment).results] == [
            "ok", "skipped", "skipped",
        ]  # fmt: skip

    @pytest.mark.repetition
    def test_a_fleet_on_google_needs_nothing_of_aws(self, both: Both, site: Site) -> None:
        site.inventory(fleet(2, {1: on_google(1), 2: on_google(2)}))
        nothing = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_ENDPOINT_URL"), "")
        environment = {**both.google.environment, **nothing, **without(site.folder, "boto3", "botocore")}
        played = site.play([PLAN], **environment)
        assert played.rc == 0, played.printed[-4000:]
        assert played.of("Plan with the new identities", "m1")["status"] == "ok"
        assert both.account.cloud.operations == []
        # And that they are gone in there.
        site.inventory(fleet(1))
        again = site.play([PLAN], **{**both.google.environment, **environment})
        assert again.of("Plan the deployment", "m1")["failure"]["code"] == "sdk-missing", again

    def test_a_fleet_on_aws_needs_nothing_of_google(self, both: Both, site: Site) -> None:
        site.inventory(fleet(2))
        environment = without(site.folder, "google", "google.auth", "google.cloud", "google_crc32c", "requests")
        played = site.play([PLAN], **environment)
        assert played.rc == 0, played.printed[-4000:]
        assert played.of("Plan with the new identities", "m1")["status"] == "ok"
        assert both.google.operations() == []
        site.inventory(fleet(1, {1: on_google(1)}))
        again = site.play([PLAN], **{**both.google.environment, **environment})
        assert again.of("Plan the deployment", "m1")["failure"]["code"] == "sdk-missing", again
