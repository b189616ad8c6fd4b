# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a run knows the fleet's host keys: SSH's options out of the inventories' variables, and where keys are kept."""

from __future__ import annotations

import shlex
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from ansible import constants as C
from ansible import context
from ansible.errors import AnsibleError
from ansible.module_utils.common.collections import ImmutableDict
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from ansible_collections.praxis.cloud.plugins.plugin_utils import ansible_settings, host_keys_kept
from tests.unit.fleet.test_host_keys import ECDSA, ED25519

CHECKOUT = Path(__file__).resolve().parents[3]
#: Nobody logs in to a cluster's pods.
INVENTORIES = sorted(
    path
    for path in CHECKOUT.glob("inventories/*/group_vars/*.yml")
    if path.parts[-3] not in ("kubernetes", "eks", "gke", "ecs")
)
each_inventory = pytest.mark.parametrize("path", INVENTORIES, ids=lambda path: path.parts[-3])


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home directory, and a temporary directory of the run."""
    for name in ("PRAXIS_FLEET", "PRAXIS_KNOWN_HOSTS", "PRAXIS_HOST_KEYS"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "run").mkdir()
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(C, "DEFAULT_LOCAL_TMP", str(tmp_path / "run"))
    return tmp_path / "home"


def variables_of(path: Path, **more: Any) -> dict[str, Any]:
    """The variables of the host praxis-1 of an inventory that lies somewhere else."""
    about = {"inventory_hostname": "praxis-1", "praxis_instance_id": "i-1", "praxis_machine_id": "77",
             "inventory_dir": "/nowhere/inventories/it", "ansible_config_file": None}  # fmt: skip
    return {**about, **trusted(yaml.safe_load(path.read_text(encoding="utf-8"))), **more}


def template(variables: dict[str, Any], name: str) -> str:
    return str(Templar(loader=DataLoader(), variables=variables).template(variables[name]))


def options(path: Path, **more: Any) -> dict[str, str]:
    """SSH's options for that host."""
    words = shlex.split(template(variables_of(path, **more), "ansible_ssh_common_args"))
    assert words[0::2] == ["-o"] * (len(words) // 2)
    return dict(word.split("=", 1) for word in words[1::2])


def trusted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: trusted(each) for key, each in value.items()}
    return trust_as_template(value) if isinstance(value, str) else value


@each_inventory
def test_an_inventory_s_host_keys_are_learnt_in_one_file_a_fleet(path: Path, home: Path) -> None:
    found = options(path)
    assert found.pop("UserKnownHostsFile") == f'"{home}/.ssh/praxis-praxis.known_hosts"'
    assert found.pop("StrictHostKeyChecking") == "accept-new"
    assert found == ({} if "static" in path.parts else {"HostKeyAlias": "77" if "gcp" in path.name else "i-1"})


@each_inventory
def test_that_file_can_be_another_one(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRAXIS_KNOWN_HOSTS", "/some where/known")
    assert options(path)["UserKnownHostsFile"] == '"/some where/known"'


@each_inventory
def test_host_keys_that_are_given_are_all_that_counts(path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = options(path, praxis_host_keys={"praxis-1": [f"{ED25519} comment"], "praxis-2": [ECDSA]})
    assert (given["StrictHostKeyChecking"], given["HostKeyAlias"]) == ("yes", "praxis-1")
    written = Path(given["UserKnownHostsFile"].strip('"'))
    assert written.parent == home.parent / "run"
    assert written.read_text(encoding="utf-8") == f"praxis-1 {ED25519}\npraxis-2 {ECDSA}\n"
    again = options(path, praxis_host_keys={"praxis-2": [ECDSA], "praxis-1": [ED25519]})
    assert again == given and len(list(written.parent.iterdir())) == 1

    kept = home / "host_keys"
    kept.write_text(f"praxis-1 {ED25519}\n", encoding="utf-8")
    monkeypatch.setenv("PRAXIS_HOST_KEYS", "~/host_keys")
    assert options(path) == {**given, "UserKnownHostsFile": f'"{kept}"'}


@each_inventory
@pytest.mark.parametrize("beside", ["inventory", "ansible.cfg"])
def test_a_project_s_own_files_are_used(path: Path, home: Path, beside: str) -> None:
    places = {
        "inventory": {"inventory_dir": f"{home}/inventories/mine"},
        "ansible.cfg": {"ansible_config_file": f"{home}/ansible.cfg"},
    }
    place = places[beside]
    (home / "inventories" / "mine").mkdir(parents=True)
    assert template(variables_of(path, **place), "praxis_config_dir") == ""
    (home / "configs").mkdir()
    (home / "configs" / "agent_base.yaml").write_text("", encoding="utf-8")
    (home / "host_keys").write_text("", encoding="utf-8")
    assert template(variables_of(path, **place), "praxis_config_dir") == f"{home}/configs"
    assert options(path, **place)["UserKnownHostsFile"] == f'"{home}/host_keys"'


@pytest.mark.parametrize(("keys", "said"), [
    ({"praxis-1": ["planted"]}, "'planted' is not a public key"),
    ("/nowhere/host_keys", "does not exist"),
    (["planted"], "not a mapping of members"),
])  # fmt: skip
def test_host_keys_that_are_none_are_refused(keys: Any, said: str) -> None:
    path = CHECKOUT / "inventories/static/group_vars/praxis.yml"
    with pytest.raises(AnsibleError, match=said):
        options(path, praxis_host_keys=keys)


def refused(**variables: Any) -> list[str]:
    return [f"{finding.code} {finding.where}" for finding in host_keys_kept.refusals(variables, "praxis-1")]


def learning(path: object) -> str:
    return f"-o UserKnownHostsFile={path} -o StrictHostKeyChecking=accept-new"


def test_a_file_that_cannot_be_written_is_refused(home: Path, tmp_path: Path) -> None:
    assert refused(ansible_ssh_common_args=learning("~/.ssh/known")) == []  # SSH makes ~/.ssh
    assert refused(ansible_ssh_common_args=learning(home / "known")) == []
    missing, below = tmp_path / "missing" / "known", home / "file" / "known"
    (home / "file").write_text("", encoding="utf-8")
    for path in (missing, below, home):
        assert refused(ansible_ssh_common_args=learning(path)) == [f"host-keys-not-kept {path}"]
    assert refused(ansible_ssh_common_args=learning(missing), ansible_connection="local") == []
    assert refused(ansible_ssh_args="-o StrictHostKeyChecking=yes", ansible_ssh_common_args=learning(missing)) == []
    assert refused() == []


def test_variables_that_cannot_be_read_are_refused() -> None:
    class Unreadable(dict[str, Any]):
        def get(self, name: str, default: Any = None) -> Any:
            if name == "ansible_ssh_common_args":
                raise AnsibleError("There is no such file")
            return default

    (found,) = host_keys_kept.refusals(Unreadable(), "praxis-1")
    assert found.code == "bad-host-keys" and "There is no such file" in found.what


def test_a_local_connection_of_the_command_line_is_for_a_play_of_one_s_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """`ansible-playbook -c local`: every member of a fleet would be the controller."""
    monkeypatch.setenv("ANSIBLE_SSH_CONTROL_PATH_DIR", "/tmp/short")
    monkeypatch.setattr(context, "CLIARGS", ImmutableDict(connection="local"))
    (found,) = ansible_settings.refusals(command_line=True)
    assert (found.code, "--connection" in found.fix) == ("ansible-setting", True)
    assert ansible_settings.refusals() == []
    monkeypatch.setattr(context, "CLIARGS", ImmutableDict(connection="ssh"))
    assert ansible_settings.refusals(command_line=True) == []


@pytest.mark.parametrize(("folder", "refuses"), [
    ("x" * 74, False), ("x" * 75, True), ("ü" * 37, False), ("ü" * 38, True), ("東" * 25, True),
])  # fmt: skip
def test_a_path_that_is_too_long_for_ssh_s_sockets_is_refused(
    folder: str, refuses: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system counts bytes."""
    monkeypatch.setenv("ANSIBLE_SSH_CONTROL_PATH_DIR", "/tmp/" + folder)
    assert [finding.code for finding in ansible_settings.refusals()] == ["ansible-setting"] * refuses
    monkeypatch.setenv("ANSIBLE_SSH_ARGS", "-o ControlMaster=no")
    assert ansible_settings.refusals() == []


@pytest.mark.parametrize(("folder", "named"), [
    ("/tmp/feature%2Fnew/cp", "%"), ("/tmp/${PRAXIS_SET_NOWHERE}/cp", "${"), ('/tmp/"a"/cp', '"'),
    ("/tmp/with space, $ and ü/cp", ""),
])  # fmt: skip
def test_a_path_that_ssh_reads_otherwise_is_refused(folder: str, named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A controller that names a project's directory by its branch: every login ends, and none says why."""
    monkeypatch.setenv("ANSIBLE_SSH_CONTROL_PATH_DIR", folder)
    said = [finding.what for finding in ansible_settings.refusals()]
    assert len(said) == bool(named) and all(f"the {named} in the path" in what for what in said)


@pytest.mark.parametrize(("strategy", "hosts", "refuses"), [
    ("free", ["one", "two"], True), ("ansible.builtin.host_pinned", ["one", "two"], True), ("free", ["one"], False),
    ("linear", ["one", "two"], False), ("ansible.builtin.linear", ["one", "two"], False),
])  # fmt: skip
def test_a_fleet_is_not_deployed_once_for_each_host_of_a_play(strategy: str, hosts: list[str], refuses: bool) -> None:
    """All but one would be refused the lock, or remove a cluster's objects beside each other."""
    found = ansible_settings.of_own_play(SimpleNamespace(strategy=strategy), hosts)
    assert [each.code for each in found] == ["ansible-setting"] * refuses
    assert all(strategy in each.what for each in found)


def test_a_place_where_ssh_s_sockets_cannot_be_made_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ansible_settings, "_LONGEST_FOLDER", 1000)
    (home / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("ANSIBLE_SSH_CONTROL_PATH_DIR", f"{home}/file/cp")
    (found,) = ansible_settings.refusals()
    assert (found.code, f"{home}/file/cp" in found.what) == ("ansible-setting", True)
    monkeypatch.setenv("ANSIBLE_SSH_CONTROL_PATH_DIR", f"{home}/.ansible/cp")
    assert ansible_settings.refusals() == []
