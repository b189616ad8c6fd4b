# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""secret_info, the lookup, p2p_identity and p2p_identity_info on Google Cloud, and on both clouds in one call."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, is_trusted_as_template, trust_as_template

from ansible_collections.praxis.cloud.plugins.module_utils.agent.identity import peer_id
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient
from tests.unit.conftest import Cloud, environment
from tests.unit.modules import conftest as modules_conftest
from tests.unit.modules.runner import Ran, Runner

from .conftest import PROJECT, Google

_runner = modules_conftest._runner
UNKNOWN = "(known after apply)"
SEED = b"a planted seed of the right size"
PLANTED = "planted-google-value-81d0"
NAME = "praxis_demo_identity_gcp-1"


@pytest.fixture
def owner(google: Google, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """``owner(verb, path, body, **query)``: one request about the project's secrets."""
    for name, value in google.environment.items():
        monkeypatch.setenv(name, value)
    client = GcpClient(PROJECT)

    def call(verb: str, path: str, body: Any = None, **query: str) -> dict[str, Any]:
        return client.call("secretmanager", verb, f"v1/projects/{PROJECT}/secrets{path}", body=body, query=query)

    return call


def keep(owner: Callable[..., Any], name: str, *values: bytes, **fields: Any) -> None:
    owner("POST", "", {"replication": {"automatic": {}}, **fields}, secretId=name)
    for value in values:
        owner("POST", f"/{name}:addVersion", {"payload": {"data": base64.b64encode(value).decode()}})


@pytest.fixture
def run(_runner: Runner, cloud: Cloud, google: Google) -> Callable[..., Ran]:
    """``run(module, check=…, **options)``, with both clouds at hand."""

    def go(module: str, shell: dict[str, str] | None = None, **options: Any) -> Ran:
        return _runner.run(module, shell={**google.environment, **(shell or {})}, **options)

    return go


def identity(run: Callable[..., Ran], check: bool = False, **options: Any) -> Ran:
    return run("p2p_identity", check=check, **{"cloud": "gcp", "fleet": "demo", "slots": ["gcp-1"], **options})


@pytest.mark.slow
def test_identities_are_predicted_made_kept_and_removed(google, owner, run):
    both = {"slots": ["gcp-1", "gcp-2"]}
    predicted = identity(run, check=True, **both)
    assert (predicted.changed, google.changes()) == (True, [])
    assert predicted.result["diff"]["after"]["gcp-1"] == {"name": NAME, "version": UNKNOWN, "peer_id": UNKNOWN}
    made = identity(run, **both)
    stored = base64.b64decode(owner("GET", f"/{NAME}/versions/1:access")["payload"]["data"])
    assert made.result["identities"]["gcp-1"] == {
        "name": NAME, "version": "1", "peer_id": peer_id(stored), "created": True}
    before = google.changes()
    for check in (True, False):
        again = identity(run, check=check, **both)
        assert (again.changed, "diff" in again.result) == (False, False)
    shown = run("p2p_identity_info", cloud="gcp", fleet="demo").result
    assert (sorted(shown["identities"]), shown["missing"], shown["deleted"]) == (["gcp-1", "gcp-2"], [], [])
    refused = identity(run, state="absent", **both)
    assert (refused.codes, "recovery_window_days to 0" in refused.result["msg"]) == (["identity-recovery-window"], True)
    removal = {**both, "state": "absent", "recovery_window_days": 0}
    assert identity(run, check=True, **removal).result["removed"] == ["gcp-1", "gcp-2"]
    assert google.changes() == before
    assert identity(run, **removal).result["removed"] == ["gcp-1", "gcp-2"]
    assert not identity(run, **removal).changed
    found = run("p2p_identity_info", cloud="gcp", fleet="demo", **both)
    assert found.result["missing"] == ["gcp-1", "gcp-2"]
    printed = "".join(each.printed for each in (predicted, made, again, found))
    assert not [form for form in (stored.hex(), base64.b64encode(stored).decode()) if form in printed]


@pytest.mark.slow
def test_a_half_made_one_is_missing_is_made_and_can_be_removed(google, owner, run):
    keep(owner, NAME)
    assert run("p2p_identity_info", cloud="gcp", fleet="demo").result["missing"] == ["gcp-1"]
    nothing = {"name": NAME, "version": None, "peer_id": None}
    predicted, made = identity(run, check=True), identity(run)
    assert predicted.result["diff"]["before"] == made.result["diff"]["before"] == {"gcp-1": nothing}
    assert made.result["identities"]["gcp-1"]["created"]
    assert google.changes()[-1] == "addVersion"


@pytest.mark.slow
def test_all_that_is_there_is_removed_by_what_info_answers(google, owner, run):
    """As the role provision does it: usable, half-made and unusable ones."""
    keep(owner, NAME, SEED)
    keep(owner, "praxis_demo_identity_half")
    keep(owner, "praxis_demo_identity_short", b"planted-seed")
    shown = run("p2p_identity_info", cloud="gcp", fleet="demo").result
    assert (list(shown["identities"]), shown["missing"], shown["unusable"]) == (["gcp-1"], ["half"], ["short"])
    slots = removed_by_role(shown)
    removed = identity(run, slots=slots, state="absent", recovery_window_days=0)
    assert sorted(removed.result["removed"]) == ["gcp-1", "half", "short"]
    assert run("p2p_identity_info", cloud="gcp", fleet="demo", slots=slots).result["missing"] == slots


def removed_by_role(shown: dict[str, Any]) -> list[str]:
    """The slots that the role provision would have removed after this answer of p2p_identity_info."""
    path = Path(__file__).resolve().parents[3] / "roles/provision/tasks/absent_identities.yml"
    removal = yaml.safe_load(path.read_text())[1]["praxis.cloud.p2p_identity"]
    templar = Templar(loader=DataLoader(), variables={"_provision_identities": shown})
    return list(templar.template(trust_as_template(removal["slots"])))


@pytest.mark.slow
@pytest.mark.parametrize(("options", "code"), [
    ({"slots": ["gcp.1"]}, "identity-name"),
    ({"fleet": "Demo"}, "identity-name"),
    ({"credentials_file": "/nowhere/key.json"}, "cloud-credentials"),
    ({"credentials_file": "/nowhere/key.json", "access_token": "x"}, "cloud-options"),
])
def test_what_cannot_be_is_reported_before_anything_is_asked(google, run, options, code):
    assert identity(run, **options).codes == [code]
    assert google.operations() == []


@pytest.mark.slow
def test_versions_of_both_stores_in_one_list(cloud, google, owner, run):
    keep(owner, "llm", b"first", PLANTED.encode(), labels={"team": "core"}, versionAliases={"stable": "1"})
    cloud.client("secretsmanager").create_secret(Name="llm", SecretString=PLANTED)
    texts = [f"gcp-sm://{PROJECT}/llm#key", "aws-sm://llm", f"gcp-sm://{PROJECT}/llm?version=1"]
    ran = run("secret_info", references=texts)
    one, two, three = ran.result["secrets"]
    assert [(each["reference"], each["store"]) for each in (one, two, three)] == list(
        zip(texts, ["gcp-sm", "aws-sm", "gcp-sm"], strict=True))
    assert (one["version"], one["versions"], one["pinned"], one["tags"]) == (
        "2", {"1": ["stable"], "2": []}, False, {"team": "core"})
    assert (three["version"], three["stages"], three["pinned"]) == ("1", ["stable"], True)
    assert one["id"] == f"projects/{PROJECT}/secrets/llm"
    assert PLANTED not in ran.printed
    assert not [operation for operation in google.operations() if operation.endswith("access")]
    assert one.keys() == two.keys()


def test_failures_of_both_stores_are_reported_at_once(cloud, run):
    ran = run("secret_info", references=["aws-sm://none", f"gcp-sm://{PROJECT}/none"])
    assert ran.codes == ["secret-not-found", "secret-not-found"]
    assert len({each["what"] for each in ran.result["failures"]}) == 1


@pytest.mark.slow
def test_options_of_both_clouds_do_not_meet(google, owner, run, tmp_path):
    keep(owner, NAME, SEED)
    key = tmp_path / "other.json"
    key.write_text(google.key_file.read_text())
    nothing = dict.fromkeys(("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT"), "")
    options = {"region": "eu-west-1", "aws_access_key": "AKIA", "aws_secret_key": "planted-aws-key-00d1"}
    ran = identity(run, shell=nothing, project=PROJECT, service_account_file=str(key), **options)
    assert ran.result["identities"]["gcp-1"]["peer_id"] == peer_id(SEED)
    assert "planted-aws-key" not in ran.printed


@pytest.fixture
def template(
    cloud: Cloud, owner: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    for name, value in environment(cloud).items():
        monkeypatch.setenv(name, value)
    return lambda text, **variables: Templar(loader=DataLoader(), variables=variables).template(trust_as_template(text))


def test_the_lookup_takes_both_clouds_terms(cloud, google, owner, template):
    keep(owner, "llm", json.dumps({"key": "{{ 6 * 7 }}", "n": 1.50}).encode())
    keep(owner, "seed", b"\xff\x00")
    cloud.client("secretsmanager").create_secret(Name="a", SecretString="one")
    cloud.operations.clear()
    term = f"gcp-sm://{PROJECT}/llm"
    found = template(f"{{{{ query('praxis.cloud.secret', '{term}#key', 'aws-sm://a', '{term}#n') }}}}")
    assert found == ["{{ 6 * 7 }}", "one", "1.5"]
    assert not any(is_trusted_as_template(each) for each in found)
    accessed = [operation for operation in google.operations() if operation.endswith("access")]
    assert (cloud.operations, len(accessed)) == (["BatchGetSecretValue"], 1)
    assert template(f"{{{{ lookup('praxis.cloud.secret', 'gcp-sm://{PROJECT}/seed', encoding='base64') }}}}") == "/wA="
    with pytest.raises(AnsibleError, match="binary and not text"):
        template(f"{{{{ lookup('praxis.cloud.secret', 'gcp-sm://{PROJECT}/seed') }}}}")


def test_the_lookup_s_options(google, owner, template, monkeypatch):
    keep(owner, "llm", b"value")
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS")
    monkeypatch.setenv("GCP_ACCESS_TOKEN", google.front.identities.issue(google.email))
    observation = f"lookup('praxis.cloud.secret', 'gcp-sm://{PROJECT}/llm'"
    assert template(f"{{{{ {observation}) }}}}") == "value"
    monkeypatch.delenv("GCP_ACCESS_TOKEN")
    assert template(f"{{{{ {observation}, credentials_file='{google.key_file}') }}}}") == "value"
    with pytest.raises(AnsibleError, match="no usable credentials"):
        template(f"{{{{ {observation}) }}}}")
