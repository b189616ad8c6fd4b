# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""p2p_identity and p2p_identity_info, run as modules."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.agent.identity import peer_id
from tests.unit.conftest import KEYS, environment

SEED = bytes(range(32))
UNKNOWN = "(known after apply)"


def stored(cloud: Any) -> dict[str, bytes]:
    """The seeds as the store holds them."""
    client = cloud.client("secretsmanager")
    names = [entry["Name"] for entry in client.list_secrets()["SecretList"]]
    return {name: client.get_secret_value(SecretId=name)["SecretBinary"] for name in names}


def keep(cloud: Any, slot: str, seed: bytes = SEED) -> str:
    client = cloud.client("secretsmanager")
    version = client.create_secret(Name=f"praxis/demo/identity/{slot}", SecretBinary=seed)["VersionId"]
    cloud.operations.clear()
    return str(version)


def observations_of(seed: bytes) -> list[str]:
    """The forms in which a seed could leak."""
    return [seed.hex(), base64.b64encode(seed).decode(), seed.decode("latin-1"), repr(seed)[2:-1]]


@pytest.mark.parametrize("missing", ["fleet", "slots"])
def test_a_missing_argument(run: Any, missing: str) -> None:
    options = {"fleet": "demo", "slots": ["a"]}
    del options[missing]
    assert missing in run("p2p_identity", **options).result["msg"]


def test_a_window_that_aws_does_not_have(run: Any, cloud: Any) -> None:
    ran = run("p2p_identity", fleet="demo", slots=["a"], state="absent", recovery_window_days=3)
    assert ran.codes == ["identity-recovery-window"]
    assert "7 to 30" in ran.result["msg"]
    assert cloud.operations == []


def test_check_mode_makes_nothing_and_says_what_it_would(run: Any, cloud: Any) -> None:
    ran = run("p2p_identity", check=True, fleet="demo", slots=["a", "b"])
    assert ran.changed
    assert ran.result["identities"] == {
        slot: {"name": f"praxis/demo/identity/{slot}", "version": None, "peer_id": None, "created": True}
        for slot in ("a", "b")
    }
    assert ran.result["diff"]["before"] == {}
    assert ran.result["diff"]["after"]["b"]["peer_id"] == UNKNOWN
    assert cloud.changes() == []
    assert stored(cloud) == {}


def test_create_and_again(run: Any, cloud: Any) -> None:
    ran = run("p2p_identity", fleet="demo", slots=["a", "b"])
    assert ran.changed
    assert sorted(cloud.changes()) == ["CreateSecret", "CreateSecret"]
    seeds = stored(cloud)
    assert {slot: each["peer_id"] for slot, each in ran.result["identities"].items()} == {
        slot: peer_id(seeds[f"praxis/demo/identity/{slot}"]) for slot in ("a", "b")
    }
    assert len(set(seeds.values())) == 2
    assert ran.result["diff"]["after"]["a"]["peer_id"] == ran.result["identities"]["a"]["peer_id"]
    tags = cloud.client("secretsmanager").describe_secret(SecretId="praxis/demo/identity/a")["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"praxis_fleet": "demo", "praxis_slot": "a"}
    cloud.operations.clear()
    for check in (False, True):
        again = run("p2p_identity", check=check, fleet="demo", slots=["a", "b"])
        assert not again.changed
        assert "diff" not in again.result
        assert not any(each["created"] for each in again.result["identities"].values())
        assert again.result["identities"]["a"]["peer_id"] == ran.result["identities"]["a"]["peer_id"]
    # One call observes both slots, and nothing else is asked.
    assert cloud.operations == ["BatchGetSecretValue", "BatchGetSecretValue"]
    assert stored(cloud) == seeds


def test_one_more_slot(run: Any, cloud: Any) -> None:
    version = keep(cloud, "a")
    predicted = run("p2p_identity", check=True, fleet="demo", slots=["a", "b"])
    ran = run("p2p_identity", fleet="demo", slots=["a", "b"], peer_id_scheme="x25519")
    assert predicted.changed
    assert ran.changed
    assert cloud.changes() == ["CreateSecret"]
    assert ran.result["identities"]["a"] == {
        "name": "praxis/demo/identity/a", "version": version, "peer_id": peer_id(SEED, "x25519"), "created": False,
    }  # fmt: skip
    assert stored(cloud)["praxis/demo/identity/a"] == SEED


@pytest.mark.slow
def test_absent_and_back(run: Any, cloud: Any) -> None:
    keep(cloud, "a")
    keep(cloud, "b")
    options = {"fleet": "demo", "slots": ["a"]}
    predicted = run("p2p_identity", check=True, state="absent", **options)
    assert (predicted.changed, predicted.result["removed"], cloud.changes()) == (True, ["a"], [])
    removed = run("p2p_identity", state="absent", **options)
    assert (removed.changed, removed.result["removed"], cloud.changes()) == (True, ["a"], ["DeleteSecret"])
    assert removed.result["diff"]["after"] == {}
    again = run("p2p_identity", state="absent", **options)
    assert (again.changed, cloud.changes()) == (False, [])
    assert list(stored(cloud)) == ["praxis/demo/identity/b"]
    # Within the window the same identity comes back; it is never made anew in silence.
    predicted = run("p2p_identity", check=True, **options)
    assert (predicted.result["restored"], predicted.result["identities"]["a"]["peer_id"]) == (["a"], None)
    restored = run("p2p_identity", **options)
    assert (restored.changed, restored.result["restored"], cloud.changes()) == (True, ["a"], ["RestoreSecret"])
    assert restored.result["identities"]["a"]["peer_id"] == peer_id(SEED)
    assert not restored.result["identities"]["a"]["created"]


def test_removed_for_good(run: Any, cloud: Any) -> None:
    keep(cloud, "a")
    assert run("p2p_identity", state="absent", fleet="demo", slots=["a"], recovery_window_days=0).changed
    assert run("p2p_identity_info", fleet="demo", slots=["a"]).result["missing"] == ["a"]


@pytest.mark.parametrize("check", [True, False])
def test_an_unusable_seed_is_named_and_left_alone(run: Any, cloud: Any, check: bool) -> None:
    keep(cloud, "a", b"planted-seed-of-the-wrong-length")
    keep(cloud, "b", b"planted-seed")
    ran = run("p2p_identity", check=check, fleet="demo", slots=["a", "b", "c"])
    assert ran.codes == ["identity-seed"]
    assert "slot 'b'" in ran.result["msg"]
    assert "planted" not in ran.printed
    assert cloud.changes() == []


def test_an_unusable_seed_can_be_removed_as_its_message_says(run: Any, cloud: Any) -> None:
    keep(cloud, "a", b"planted-seed")
    options = {"fleet": "demo", "slots": ["a"]}
    assert "state=absent, recovery_window_days=0" in run("p2p_identity", **options).result["msg"]
    removal = {**options, "state": "absent", "recovery_window_days": 0}
    cloud.operations.clear()
    predicted = run("p2p_identity", check=True, **removal)
    assert cloud.changes() == []
    removed = run("p2p_identity", **removal)
    assert predicted.result["removed"] == removed.result["removed"] == ["a"]
    nothing = {"name": "praxis/demo/identity/a", "version": None, "peer_id": None}
    assert predicted.result["diff"] == removed.result["diff"] == {"before": {"a": nothing}, "after": {}}
    assert "planted" not in predicted.printed + removed.printed
    assert run("p2p_identity", **options).changed


def test_info_names_the_slots_whose_seed_is_unusable(run: Any, cloud: Any) -> None:
    """One of them hides no other: whoever removes them all has to know of each."""
    keep(cloud, "a")
    keep(cloud, "short", b"planted-seed")
    shown = run("p2p_identity_info", fleet="demo")
    assert (list(shown.result["identities"]), shown.result["missing"]) == (["a"], [])
    assert shown.result["unusable"] == ["short"]
    assert "planted" not in shown.printed


def test_info_fails_for_a_seed_that_it_may_not_read(run: Any, cloud: Any) -> None:
    keep(cloud, "a")
    cloud.fault["BatchGetSecretValue"] = cloud.fault["GetSecretValue"] = ["AccessDeniedException"] * 2
    assert run("p2p_identity_info", fleet="demo", slots=["a"]).codes == ["secret-denied"]


def test_info(run: Any, cloud: Any) -> None:
    version = keep(cloud, "a")
    keep(cloud, "gone")
    cloud.client("secretsmanager").create_secret(Name="praxis/demo2/identity/z", SecretBinary=SEED)
    cloud.client("secretsmanager").delete_secret(SecretId="praxis/demo/identity/gone")
    cloud.operations.clear()
    ran = run("p2p_identity_info", fleet="demo", slots=["a", "b", "gone"])
    assert ran.result["identities"] == {
        "a": {"name": "praxis/demo/identity/a", "version": version, "peer_id": peer_id(SEED)}
    }
    assert (ran.result["missing"], ran.result["deleted"], ran.changed) == (["b"], ["gone"], False)
    assert ran.result["unusable"] == []
    assert list(run("p2p_identity_info", fleet="demo").result["identities"]) == ["a"]
    assert run("p2p_identity_info", fleet="demo", slots=[]).result["identities"] == {}
    assert cloud.changes() == []


@pytest.mark.slow
def test_seeds_are_nowhere(run: Any, cloud: Any) -> None:
    keep(cloud, "a", b"planted-seed-of-the-right-length")
    made = run("p2p_identity", fleet="demo", slots=["a", "b"])
    printed = made.printed + run("p2p_identity_info", fleet="demo").printed
    printed += run("p2p_identity", fleet="demo", slots=["a"], state="absent").printed
    for seed in stored(cloud).values():
        assert not [observation for observation in observations_of(seed) if observation in printed]
    # And that the search finds one that is printed: options come back with the result.
    echo = run("p2p_identity_info", fleet="demo", slots=[SEED.hex()]).printed
    assert [observation for observation in observations_of(SEED) if observation in echo]


@pytest.mark.slow
def test_the_role_removes_them_in_its_own_region_whatever_the_environment_says(cloud: Any, tmp_path: Path) -> None:
    keep(cloud, "a")
    there = boto3.Session(*KEYS.values(), region_name="eu-west-1")
    client = there.client("secretsmanager", endpoint_url=cloud.endpoint)
    client.create_secret(Name="praxis/demo/identity/a", SecretBinary=SEED)
    client.create_secret(Name="praxis/demo/identity/unusable", SecretBinary=b"short")
    remove_by_role(cloud, tmp_path, provision_region="eu-west-1")
    assert client.list_secrets()["SecretList"] == []
    assert list(stored(cloud)) == ["praxis/demo/identity/a"]


def remove_by_role(cloud: Any, folder: Path, **variables: Any) -> None:
    """The role's removal of the fleet's identities, in a shell whose region is that of the other tests."""
    role = {"name": "praxis.cloud.provision", "tasks_from": "absent_identities"}
    variables = {"provision_fleet": "demo", "ansible_python_interpreter": sys.executable, **variables}
    tasks = [{"ansible.builtin.include_role": role, "vars": variables}]
    book = [{"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}]
    (folder / "play.json").write_text(json.dumps(book))
    done = subprocess.run(
        [Path(sys.executable).with_name("ansible-playbook"), "-i", "localhost,", "play.json"], cwd=folder,
        env={**environment(cloud), "ANSIBLE_LOCAL_TEMP": str(folder / "tmp")}, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("fate", ["lost", "ThrottlingException"])
def test_no_transient_error_makes_a_second_seed(run: Any, cloud: Any, fate: str) -> None:
    cloud.fault["CreateSecret"] = [fate]
    ran = run("p2p_identity", fleet="demo", slots=["a"])
    (seed,) = stored(cloud).values()
    assert ran.result["identities"]["a"]["peer_id"] == peer_id(seed)
    assert run("p2p_identity", fleet="demo", slots=["a"]).result["identities"]["a"]["peer_id"] == peer_id(seed)


@pytest.mark.parametrize("days", [0, 30])
@pytest.mark.parametrize("fate", ["lost", "ThrottlingException"])
def test_removed_whatever_fails(run: Any, cloud: Any, fate: str, days: int) -> None:
    keep(cloud, "a")
    cloud.fault["DeleteSecret"] = [fate]
    ran = run("p2p_identity", state="absent", fleet="demo", slots=["a"], recovery_window_days=days)
    assert ran.result["removed"] == ["a"]
    assert stored(cloud) == {}


@pytest.mark.parametrize("seed", [SEED, b"unusable"])
def test_a_removal_that_is_refused_fails(run: Any, cloud: Any, seed: bytes) -> None:
    keep(cloud, "a", seed)
    cloud.fault["DeleteSecret"] = ["InvalidRequestException"]
    assert run("p2p_identity", state="absent", fleet="demo", slots=["a"]).codes == ["cloud-invalid"]
    assert list(stored(cloud)) == ["praxis/demo/identity/a"]


def test_two_runs_at_once_agree_on_one_seed(cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both look, and see nothing; then both create. Whoever comes second takes the other's, even if it shows late."""
    from concurrent.futures import ThreadPoolExecutor
    from threading import Barrier

    from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_options import aws_client
    from ansible_collections.praxis.cloud.plugins.module_utils.secrets.identities import Change
    from ansible_collections.praxis.cloud.plugins.module_utils.secrets.identities_aws import AwsIdentities
    from tests.unit.conftest import REGION

    options = {"region": REGION, "endpoint_url": cloud.endpoint, "access_key": KEYS["AWS_ACCESS_KEY_ID"],
               "secret_key": KEYS["AWS_SECRET_ACCESS_KEY"]}  # fmt: skip
    changes = [Change("create", slot, f"praxis/demo/identity/{slot}") for slot in ("a", "b", "c")]
    ready = Barrier(2)
    cloud.fault["BatchGetSecretValue"] = ["", "InternalServiceError"]

    def one(_number: int) -> dict[str, bytes]:
        store = AwsIdentities(aws_client(options), "demo")
        store._client._service("secretsmanager")
        ready.wait(30)
        done, failed = store.apply(changes)
        assert failed == []
        return {slot: each.seed for slot, each in done.items()}

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(one, range(2))
    assert first == second
    assert {name.rsplit("/", 1)[1]: seed for name, seed in stored(cloud).items()} == first
