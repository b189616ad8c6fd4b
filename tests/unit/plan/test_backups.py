# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of a backup's and of a restoration's steps, and what is left when one of them fails.

Host, cloud and run are stand-ins that write down what they are asked.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.action import ActionBase
from ansible.template import Templar, trust_as_template

from ansible_collections.praxis.cloud.plugins.action.agent_backup import ActionModule
from ansible_collections.praxis.cloud.plugins.action.fleet_backups import ActionModule as Judge
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import Conflict
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import render
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.backups import Backup
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.data_volumes import Volume
from ansible_collections.praxis.cloud.plugins.plugin_utils import backup_places, screen
from ansible_collections.praxis.cloud.plugins.plugin_utils.backup_places import Member

PLAYBOOK = Path(__file__).resolve().parents[3] / "playbooks/backup.yml"
MEMBER = Member("m1", "aws", "eu-central-1", "", "eu-central-1a", "aws-1", "vol-1", "i-1", 8)
#: The tags of its disk.
SLOT_DISK = {"praxis_fleet": "alpha", "praxis_slot": "aws-1", "praxis_data": "slot"}
ARGUMENTS = {"fleet": "alpha", "backup": "20261128t220823z", "labels": {}, "snapshot": "snap-1", "size": 8,
             "run": "/run"}  # fmt: skip
DONE = {"m1": {"outcome": "done", "snapshot": "snap-9", "slot": "aws-1"}}
REFUSED = Failed(Finding("cloud-denied", "No.", "the cloud", "Ask."))


@dataclass
class World:
    """A stand-in for the host, the cloud and the run.

    :param failing: the step that fails.
    :param held: whether the file system stood still until its thaw.
    :param tags: of the volume that is attached to the machine; None: it is gone.
    :param machine: the one that the volume is attached to.
    :param losing: by step, how the host is lost in it.
    """

    failing: str = ""
    held: bool = True
    mounted: bool = True
    tags: dict[str, str] | None = field(default_factory=lambda: dict(SLOT_DISK))
    machine: str = "i-1"
    losing: dict[str, AnsibleError] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    recorded: list[Finding] = field(default_factory=list)

    def _do(self, step: str, answer: Any = None) -> Any:
        self.asked.append(step)
        if step == self.failing:
            raise REFUSED
        return answer

    def execute(self, module_name: str, module_args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        state = module_args["state"]
        if state in self.losing:
            raise self.losing[state]
        try:
            self._do(state)
        except Failed as failed:
            return {"failed": True, **failed.as_result()}
        return {"held": {"frozen": self.mounted, "thawed": self.held}.get(state, True)}

    def read(self, id_: str, zone: str) -> Volume | None:
        return None if self.tags is None else Volume(id_, "aws-1", zone, 8, self.machine, tags=self.tags)

    def start(self, disk: str, zone: str, slot: str, name: str, seconds: float) -> str:
        assert (disk, slot) == ("vol-1", "aws-1") and seconds < 60
        return str(self._do("snapshot", "snap-1"))

    def complete(self, id_: str) -> None:
        self._do(f"complete {id_}")

    def create(self, slot: str, zone: str, size: int, snapshot: str, value: str) -> Volume:
        assert (size, snapshot, value) == (8, "snap-1", "restoring")
        self._do("create")
        return Volume("vol-2", slot, zone, size)

    def detach(self, disk: Volume, machine: str) -> None:
        self._do(f"detach {disk.id}")

    def relabel(self, disk: Volume, value: str) -> None:
        self._do(f"{disk.id} is {value}")

    def attach(self, disk: Volume, machine: str) -> None:
        self._do(f"attach {disk.id}")


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()
    run = SimpleNamespace(
        lock=SimpleNamespace(deployment_on=lambda _: None), draining=lambda name: 0.0,
        host_slice=lambda name: {"release": {"api_port": 8000}},
        record=made.recorded.extend, exchange=lambda name, disk: made.asked.append(f"{disk} was {name}'s"),
    )  # fmt: skip
    monkeypatch.setattr(backup_places, "backups_at", lambda place, fleet: made)
    monkeypatch.setattr(backup_places, "disks_of", lambda member, fleet, labels: made)
    monkeypatch.setattr("ansible_collections.praxis.cloud.plugins.action.agent_backup.RunDirectory", lambda path: run)
    return made


def action(
    world: World, monkeypatch: pytest.MonkeyPatch | None = None, arguments: Mapping[str, Any] = MappingProxyType({})
) -> Any:
    """The action on the member.

    :param arguments: of its task, where all of it is to be run.
    """
    made: Any = ActionModule.__new__(ActionModule)
    variables = {key: getattr(MEMBER, field) for field, key in backup_places._VARIABLES.items()}
    hostvars = {"m1": {**variables, "praxis_data": {"size": MEMBER.size}}}
    made._task, made._variables = SimpleNamespace(check_mode=False, become=True), {
        "inventory_hostname": "m1", "hostvars": hostvars}  # fmt: skip
    made._connection = SimpleNamespace(transport="local", become=None)
    made._execute_module = world.execute
    made.validate_argument_spec = lambda argument_spec: (None, dict(arguments))
    if monkeypatch:
        monkeypatch.setattr(ActionBase, "run", lambda self, tmp, task_vars: {})
    return made


def refused(of: Any) -> str:
    with pytest.raises(Failed) as failed:
        of()
    return failed.value.findings[0].code


def test_a_snapshot_is_begun_between_freeze_and_thaw_and_complete_after_both(world: World) -> None:
    done = action(world)._back_up(ARGUMENTS, MEMBER)
    assert world.asked == ["frozen", "snapshot", "thawed", "complete snap-1"]
    assert (done["snapshot"], done["changed"]) == ("snap-1", True)


def test_whatever_the_cloud_says_the_file_system_is_thawed(world: World) -> None:
    world.failing = "snapshot"
    assert refused(lambda: action(world)._back_up(ARGUMENTS, MEMBER)) == "cloud-denied"
    assert world.asked == ["frozen", "snapshot", "thawed"]


def test_one_that_was_thawed_before_is_never_complete(world: World) -> None:
    world.held = False
    assert refused(lambda: action(world)._back_up(ARGUMENTS, MEMBER)) == "backup-torn"
    assert world.asked == ["frozen", "snapshot", "thawed"]


def test_one_that_took_longer_than_the_timer_is_never_complete(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What its thaw finds frozen then, another backup has frozen."""
    times = itertools.chain([0.0], itertools.repeat(60.0))
    monkeypatch.setattr("time.monotonic", lambda: next(times))
    assert refused(lambda: action(world)._back_up(ARGUMENTS, MEMBER)) == "backup-torn"


def test_a_disk_that_is_not_mounted_stands_still_by_itself(world: World) -> None:
    world.mounted = False
    assert action(world)._back_up(ARGUMENTS, MEMBER)["frozen_for"] == 0.0
    assert world.asked == ["frozen", "snapshot", "complete snap-1"]


@pytest.mark.parametrize("do", ["_back_up", "_restore"])
@pytest.mark.parametrize(
    "member",
    [replace(MEMBER, cloud=""), replace(MEMBER, cloud="static"), replace(MEMBER, volume=""), replace(MEMBER, size=0)],
)
def test_where_provisioning_makes_no_disk_nothing_is_asked(world: World, member: Member, do: str) -> None:
    assert refused(lambda: getattr(action(world), do)(ARGUMENTS, member)) == "backup-no-disk"
    assert world.asked == []


@pytest.mark.parametrize("do", ["_back_up", "_restore"])
@pytest.mark.parametrize(
    ("tags", "machine"),
    [
        (None, ""),
        ({"Name": "database"}, "i-1"),
        *(({**SLOT_DISK, key: other}, "i-1")
          for key, other in (("praxis_fleet", "beta"), ("praxis_slot", "aws-2"), ("praxis_data", "replaced"))),
        (SLOT_DISK, "i-2"),
        (SLOT_DISK, ""),
    ],
)  # fmt: skip
def test_a_disk_that_is_not_the_slot_s_is_neither_frozen_nor_detached(
    world: World, tags: dict[str, str] | None, machine: str, do: str
) -> None:
    """Whatever is attached where that should be: a database's; another slot's; or what an old inventory names."""
    world.tags, world.machine = tags, machine
    assert refused(lambda: getattr(action(world), do)(ARGUMENTS, MEMBER)) == "backup-no-disk"
    assert world.asked == []


def test_a_restoration_is_refused_before_its_plan_where_a_disk_is_not_the_slot_s(world: World) -> None:
    world.tags = {"Name": "database"}
    chosen = {"fleet": "alpha", "backup": "newest", "slots": []}
    world.observe = list  # type: ignore[attr-defined]
    judge: Any = Judge.__new__(Judge)
    assert refused(lambda: judge._chosen(chosen, [MEMBER])) == "backup-no-disk"


def test_of_praxis_data_the_size_alone_makes_a_disk_to_back_up() -> None:
    for data, size, keep in (
        ({"size": 20, "keep_backups": 7}, 20, 7), ({"size": 20}, 20, 0), ({"path": "/srv/praxis"}, 0, 0), (None, 0, 0),
    ):  # fmt: skip
        found = backup_places.member("m1", {"praxis_data": data})
        assert (found.size, found.keep) == (size, keep)


def test_a_restoration_never_leaves_the_slot_without_a_disk(world: World) -> None:
    """The new one is there before the agent stops, and is the slot's before the old one is not."""
    done = action(world)._restore(ARGUMENTS, MEMBER)
    assert world.asked == [
        "create", "released", "detach vol-1", "vol-2 is slot", "vol-1 is replaced", "attach vol-2", "vol-1 was m1's",
        "mounted",
    ]  # fmt: skip
    assert (done["disk"], done["replaced"]) == ("vol-2", "vol-1")


@pytest.mark.parametrize("failing", ["detach vol-1", "vol-2 is slot", "vol-1 is replaced", "attach vol-2"])
def test_where_the_cloud_refuses_the_disk_that_is_there_is_mounted_again(world: World, failing: str) -> None:
    world.failing = failing
    assert refused(lambda: action(world)._restore(ARGUMENTS, MEMBER)) == "cloud-denied"
    assert world.asked[-2:] == [failing, "mounted"]


@pytest.mark.parametrize("failing", ["create", "released"])
def test_before_the_disk_is_released_nothing_of_it_is_touched(world: World, failing: str) -> None:
    world.failing = failing
    assert refused(lambda: action(world)._restore(ARGUMENTS, MEMBER)) == "cloud-denied"
    assert world.asked[-1] == failing


@pytest.mark.parametrize(
    ("error", "code"),
    [(AnsibleConnectionFailure("Connection timed out"), "restore-missed"), (AnsibleError("Missing sudo password"), "")],
)
@pytest.mark.parametrize("step", ["released", "mounted"])
def test_a_host_that_is_lost_while_its_disk_is_exchanged_is_recorded(
    world: World, monkeypatch: pytest.MonkeyPatch, step: str, error: AnsibleError, code: str
) -> None:
    """It comes back, and its agent runs well: on the disk of before."""
    world.losing = {step: error}
    lost = action(world, monkeypatch, {**ARGUMENTS, "state": "restored"})
    if code:
        with pytest.raises(AnsibleConnectionFailure):
            lost.run(None, lost._variables)
    else:
        assert lost.run(None, lost._variables)["outcome"] == "failed"
    [recorded] = world.recorded
    assert recorded.where == "m1" and recorded.level == "error" and str(error) in recorded.what
    assert recorded.code == code or not code


def test_what_the_cloud_refused_is_told_of_though_the_host_is_lost_then(world: World) -> None:
    world.failing, world.losing = "attach vol-2", {"mounted": AnsibleConnectionFailure("Connection timed out")}
    assert refused(lambda: action(world)._restore(ARGUMENTS, MEMBER)) == "cloud-denied"


@pytest.mark.parametrize(
    ("answers", "code", "removed"),
    [
        (DONE, "", ["snap-1"]),
        ({"m1": {"outcome": "failed", "failures": REFUSED.as_result()["failures"]}}, "cloud-denied", []),
        ({"m1": {}}, "backup-missed", []),
    ],
)  # fmt: skip
def test_older_backups_go_only_when_all_went_well(
    monkeypatch: pytest.MonkeyPatch, answers: dict[str, Any], code: str, removed: list[str]
) -> None:
    found, gone = judged(monkeypatch, answers)
    assert [each["code"] for each in found["findings"]] == ([code] if code else [])
    assert (gone, fails(found)) == (removed, bool(code))


@pytest.mark.parametrize(("refusing", "removed"), [("snap-1", ["snap-2"]), ("the list", [])])
def test_a_backup_is_good_whatever_cannot_go(
    monkeypatch: pytest.MonkeyPatch, refusing: str, removed: list[str]
) -> None:
    found, gone = judged(monkeypatch, DONE, days=3, refusing=refusing)
    assert gone == [each["snapshot"] for each in found["removed"]] == removed
    assert [each["result"] for each in found["backups"]] == ["ok"]
    [left] = found["findings"]
    assert (left["code"], left["level"]) == ("backup-not-removed", "warning")
    assert "in use by ami-1" in left["what"] and (refusing in left["what"] or not removed)
    assert left["what"] in found["text"]
    assert not fails(found)


def judged(
    monkeypatch: pytest.MonkeyPatch, answers: dict[str, Any], days: int = 2, refusing: str = ""
) -> tuple[dict[str, Any], list[str]]:
    """A backup as it is judged where the newest is kept of as many as there are days; and what was removed.

    :param refusing: a snapshot that cannot go, or ``the list``.
    """
    gone: list[str] = []

    def refuse(what: str) -> None:
        if what == refusing:
            raise Conflict("The snapshot is in use by ami-1.", "EC2", "Deregister it.")

    def observe() -> list[Backup]:
        refuse("the list")
        return [Backup(f"snap-{day}", f"2026112{day}t000000z", "aws-1", 8, True, day) for day in range(1, days + 1)]

    def remove(id_: str) -> None:
        refuse(id_)
        gone.append(id_)

    place = SimpleNamespace(observe=observe, remove=remove)
    monkeypatch.setattr(backup_places, "backups_at", lambda where, fleet: place)
    monkeypatch.setattr(screen, "show_in_a_task", lambda display, lines: lines(80, lambda text, _style: text))
    judge: Any = Judge.__new__(Judge)
    judge._task, judge._display = SimpleNamespace(check_mode=False), None
    return judge._made({"fleet": "alpha"}, [replace(MEMBER, keep=1)], answers), gone


def test_each_slot_goes_by_the_variables_of_its_own_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two clouds in one fleet, each with its own disks and backups."""
    google = Member("g1", "gcp", "", "p", "europe-west1-b", "gcp-1", "disk-1", "g1", 20)
    gone: list[str] = []

    def place(where: tuple[str, str], _fleet: str) -> Any:
        slot = {"aws": "aws-1", "gcp": "gcp-1"}[where[0]]
        there = [Backup(f"{slot}-{day}", f"2026112{day}t000000z", slot, 8, True, day) for day in range(1, 4)]
        return SimpleNamespace(observe=lambda: there, remove=gone.append)

    monkeypatch.setattr(backup_places, "backups_at", place)
    monkeypatch.setattr(backup_places, "slot_disk", lambda *_arguments: None)
    monkeypatch.setattr(screen, "show_in_a_task", lambda display, lines: None)
    judge: Any = Judge.__new__(Judge)
    judge._task, judge._display = SimpleNamespace(check_mode=False), None
    known = [replace(MEMBER, size=100, keep=2), google]
    judge._retire("alpha", known)
    assert gone == ["aws-1-1"]
    chosen = {"fleet": "alpha", "backup": "newest", "slots": []}
    hosts = judge._chosen(chosen, known)["restore"]["hosts"]
    assert {name: one["size"] for name, one in hosts.items()} == {"m1": 100, "g1": 20}


def test_a_refusal_for_want_of_a_name_has_the_names(monkeypatch: pytest.MonkeyPatch) -> None:
    there = Backup("snap-1", "20261121t000000z", "aws-1", 8, True, 0.0)
    monkeypatch.setattr(backup_places, "backups_at", lambda where, fleet: SimpleNamespace(observe=lambda: [there]))
    shown: list[str] = []
    monkeypatch.setattr(screen, "show", lambda display, lines, width, stderr: shown.extend(lines(80, render.plain)))
    monkeypatch.setattr(screen.C, "DEFAULT_STDOUT_CALLBACK", screen.LIVE_CALLBACK)
    judge: Any = Judge.__new__(Judge)
    judge._display = SimpleNamespace(columns=80)
    found = judge._chosen({"fleet": "alpha", "backup": "", "slots": [], "size": 0}, [MEMBER])
    assert (found["failed"], found["failure"]["code"]) == (True, "backup-unnamed")
    assert [one["backup"] for one in found["backups"]] == ["20261121t000000z"]
    assert any("20261121t000000z" in line for line in shown)


def fails(found: dict[str, Any]) -> bool:
    """Whether backup.yml fails when it has judged so."""
    last = yaml.safe_load(PLAYBOOK.read_text())[-1]["tasks"][-1]
    templar = Templar(loader=DataLoader(), variables={"praxis_backups": found})
    return bool(templar.template(trust_as_template("{{ %s }}" % last["when"])))
