# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A backup and its restoration by the action that both playbooks run, on disks in Google Cloud: what is asked of the
cloud and of the host, in one order. The host is a stand-in that writes down what it is asked."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from ansible_collections.praxis.cloud.plugins.action.agent_backup import ActionModule
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.plugin_utils.backup_places import Member
from sandbox.gcp.compute.disk_verbs import DISK_VERBS
from sandbox.gcp.compute.operations import Broken
from sandbox.gcp.compute.verbs import Changed
from tests.unit.infrastructure.account import FLEET, rows

from .conftest import PROJECT
from .made import ONE, REGION, TWO
from .project import Project
from .test_volumes import disks, holders

ZONES = {"gcp-1": ONE, "gcp-2": TWO}
BACKUP = "20261128t220823z"


class Hosts:
    """The hosts of a fleet whose slots have disks, and what the cloud is asked meanwhile.

    ``refusing``: the step that the host refuses.
    """

    def __init__(self, project: Project) -> None:
        self.project, self.refusing = project, ""
        self.asked: list[str] = []
        self._seen = project.mark()

    def back_up(self, slot: str, backup: str = BACKUP) -> str:
        """Its snapshot."""
        arguments = {**self._arguments(""), "backup": backup}
        return str(self._action(slot)._back_up(arguments, self._member(slot))["snapshot"])

    def restore(self, slot: str, snapshot: str) -> dict[str, Any]:
        done: dict[str, Any] = self._action(slot)._restore(self._arguments(snapshot), self._member(slot))
        self._note()
        return done

    def _member(self, slot: str) -> Member:
        name = f"{FLEET}-{slot}"
        volume = disks(self.project)[slot]["name"]
        return Member(name, "gcp", REGION, PROJECT, ZONES[slot], slot, volume, name, 12)

    def _action(self, slot: str) -> Any:
        made: Any = ActionModule.__new__(ActionModule)
        made._task, made._variables = SimpleNamespace(check_mode=False), {"inventory_hostname": f"{FLEET}-{slot}"}
        made._execute_module = self._execute
        return made

    @staticmethod
    def _arguments(snapshot: str) -> dict[str, Any]:
        return {"fleet": FLEET, "backup": BACKUP, "labels": {}, "snapshot": snapshot, "size": 12, "run": "/run"}

    def _execute(self, module_args: dict[str, Any], **_others: Any) -> dict[str, Any]:
        self._note()
        self.asked.append(module_args["state"])
        if module_args["state"] == self.refusing:
            return {"failed": True, **Failed(Finding("data-busy", "No.", "the host", "Wait.")).as_result()}
        return {"held": True}

    def _note(self) -> None:
        changes = self.project.changes(self._seen)
        self._seen += len(changes)
        self.asked += changes


@pytest.fixture
def hosts(project: Project, monkeypatch: pytest.MonkeyPatch) -> Hosts:
    run = SimpleNamespace(
        lock=SimpleNamespace(deployment_on=lambda _: None), draining=lambda name: 0.0,
        host_slice=lambda name: {"release": {"api_port": 8000}},
        exchange=lambda name, disk: None,
    )  # fmt: skip
    monkeypatch.setattr("ansible_collections.praxis.cloud.plugins.action.agent_backup.RunDirectory", lambda path: run)
    project.options |= {"hosts": 2, "data": {"size": 12}, "balancer": False, "zones": [ONE, TWO]}
    project.present()
    return Hosts(project)


@pytest.mark.slow
def test_the_agent_stops_after_its_new_disk_is_there_and_starts_when_it_has_it(hosts: Hosts) -> None:
    snapshot = hosts.back_up("gcp-1")
    assert hosts.asked == ["frozen", "disks.createSnapshot", "thawed"]
    old = disks(hosts.project)["gcp-1"]["name"]
    hosts.asked.clear()
    done = hosts.restore("gcp-1", snapshot)
    # The slot's own name is the old disk's, so the new one gets another: the first request is refused.
    assert hosts.asked == [
        "snapshots.setLabels", "disks.insert", "disks.insert", "released", "instances.detachDisk", "disks.setLabels",
        "disks.setLabels", "instances.attachDisk", "mounted",
    ]  # fmt: skip
    new = disks(hosts.project)["gcp-1"]
    assert (done["replaced"], done["disk"]) == (old, new["name"])
    assert new["sourceSnapshot"].endswith(f"/{snapshot}")
    assert holders(hosts.project) == {slot: [f"{FLEET}-{slot}"] for slot in ZONES}
    # Whoever provisions afterwards finds the slots as they should be.
    assert rows(hosts.project.present()) == []


@pytest.mark.slow
def test_a_snapshot_that_google_gives_up_is_told_of_at_once_and_the_disk_thawed(
    hosts: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room() -> bool:
        raise Broken("QUOTA_EXCEEDED", "Quota 'SNAPSHOTS' exceeded.")

    monkeypatch.setitem(cast("dict[Any, Any]", DISK_VERBS), ("disks", "createSnapshot"), lambda asked: Changed(no_room))
    monkeypatch.setattr("ansible_collections.praxis.cloud.plugins.action.agent_backup.FROZEN", 17.0)
    with pytest.raises(Failed) as failed:
        hosts.back_up("gcp-1")
    assert failed.value.findings[0].code == "cloud-quota"
    assert hosts.asked == ["frozen", "disks.createSnapshot", "thawed"]


@pytest.mark.parametrize(
    "operation", ["disks.insert", "instances.detachDisk", "disks.setLabels", "instances.attachDisk"]
)
@pytest.mark.slow
def test_a_batch_that_fails_leaves_the_disks_of_the_others_and_an_agent_that_can_start(
    hosts: Hosts, operation: str
) -> None:
    snapshots = {slot: hosts.back_up(slot) for slot in ZONES}
    hosts.restore("gcp-1", snapshots["gcp-1"])
    before = {slot: disks(hosts.project)[slot]["name"] for slot in ZONES}
    refusal = {"kind": "error", "code": "forbidden", "status": 403, "count": 1}
    hosts.project.google.faults.add({**refusal, "operations": [f"compute:{operation}"]})
    hosts.asked.clear()
    with pytest.raises(Failed) as failed:
        hosts.restore("gcp-2", snapshots["gcp-2"])
    assert failed.value.findings[0].code == "cloud-denied"
    # Its agent was not stopped; or whichever disk its machine has is mounted again.
    steps = [each for each in hosts.asked if "." not in each]
    assert steps == ([] if operation == "disks.insert" else ["released", "mounted"])
    assert holders(hosts.project)["gcp-1"] == [f"{FLEET}-gcp-1"]
    assert disks(hosts.project)["gcp-1"]["name"] == before["gcp-1"]
    # Provisioning makes good what is left: the slot has a disk, which its machine gets.
    hosts.project.present()
    assert holders(hosts.project) == {slot: [f"{FLEET}-{slot}"] for slot in ZONES}


@pytest.mark.slow
def test_a_disk_that_an_unfinished_restoration_left_is_used_for_the_same_backup_alone(hosts: Hosts) -> None:
    first, second = (hosts.back_up("gcp-1", backup) for backup in (BACKUP, "20261129t220823z"))
    hosts.refusing = "released"
    for _attempt in range(2):
        with pytest.raises(Failed):
            hosts.restore("gcp-1", first)
    hosts.refusing = ""
    # One was made for both attempts; the other backup gets its own.
    done = hosts.restore("gcp-1", second)
    assert done["disk"] == f"{FLEET}-gcp-1-data-3"
    new = disks(hosts.project)["gcp-1"]
    assert new["name"] == done["disk"]
    assert new["sourceSnapshot"].endswith(f"/{second}")
    assert holders(hosts.project)["gcp-1"] == [f"{FLEET}-gcp-1"]
    assert hosts.restore("gcp-1", first)["disk"] == f"{FLEET}-gcp-1-data-2"


@pytest.mark.slow
def test_a_snapshot_that_takes_too_long_is_given_up(hosts: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk is not frozen for longer than its timer allows."""
    monkeypatch.setitem(
        cast("dict[Any, Any]", DISK_VERBS), ("disks", "createSnapshot"), lambda asked: Changed(lambda: False)
    )
    monkeypatch.setattr("ansible_collections.praxis.cloud.plugins.action.agent_backup.FROZEN", 15.1)
    with pytest.raises(Failed) as failed:
        hosts.back_up("gcp-1")
    assert failed.value.findings[0].code == "snapshot-slow"
    assert hosts.asked == ["frozen", "disks.createSnapshot", "thawed"]
