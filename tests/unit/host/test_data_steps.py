# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holding the disk with the agent's data still, and taking it out: in which order, and what stops it.

The system's tools are stand-ins that write down what they are asked.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.host import data_steps, disk
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import Paths

PLACE = "/var/lib/praxis/data"


@dataclass
class Machine:
    """A stand-in for mounts, systemd and the engine.

    :param failing: the words of a command that fails.
    :param stays: whether the disk is still mounted after its unit was stopped.
    :param frozen: whether the file system stands still.
    :param timed: whether a timer to thaw it is set.
    """

    mounted: bool = True
    frozen: bool = False
    timed: bool = False
    failing: tuple[str, ...] = ()
    stays: bool = False
    asked: list[str] = field(default_factory=list)

    def mounted_at(self, place: str) -> str | None:
        return "7:1" if self.mounted and place == PLACE else None

    def run(self, command: list[str]) -> subprocess.CompletedProcess[bytes]:
        self.asked.append(" ".join(command))
        if command[:2] == ["systemctl", "stop"] and command[2].endswith(".mount"):
            self.mounted = self.stays
        failed = self._fails(command) or bool(self.failing) and all(word in command for word in self.failing)
        return subprocess.CompletedProcess(command, int(failed), b"", b"it is busy\n" if failed else b"")

    def _fails(self, command: list[str]) -> bool:
        """As systemd and fsfreeze do where the timer is set, or the file system frozen, already."""
        timed, frozen = self.timed, self.frozen
        if command[0] == "systemd-run":
            self.timed = True
            return timed
        if command[:3] == ["systemctl", "stop", "praxis-thaw.timer"]:
            self.timed = False
        if command[:2] == ["systemctl", "is-active"]:
            return not timed
        if command[0] == "fsfreeze":
            self.frozen = command[1] == "--freeze"
            return frozen == self.frozen
        return False

    def containers(self, labels: dict[str, str]) -> list[dict[str, Any]]:
        assert labels["com.docker.compose.service"] == "agent"
        return [{"Id": "c1"}]

    def stop(self, container: str) -> None:
        self.asked.append(f"stop {container}")

    def told(self, *words: str) -> list[int]:
        """Where it was asked for all of these words."""
        return [number for number, line in enumerate(self.asked) if all(word in line for word in words)]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine()
    monkeypatch.setattr(disk, "run", made.run)
    monkeypatch.setattr(disk, "mounted_at", made.mounted_at)
    return made


def code(of: Any) -> str:
    with pytest.raises(Failed) as refused:
        of()
    return refused.value.findings[0].code


def test_before_a_file_system_is_frozen_its_thaw_is_set(machine: Machine) -> None:
    assert data_steps.freeze(PLACE, 45.0)
    (timer,), (freeze,) = machine.told("systemd-run", "45s", "fsfreeze --unfreeze"), machine.told("fsfreeze --freeze")
    assert timer < freeze


def test_one_that_cannot_be_frozen_leaves_no_timer_behind(machine: Machine) -> None:
    machine.failing = ("fsfreeze", "--freeze")
    assert code(lambda: data_steps.freeze(PLACE, 45.0)) == "data-not-frozen"
    assert machine.told("systemctl stop praxis-thaw.timer")[-1] > machine.told("fsfreeze --freeze")[0]


def test_a_backup_leaves_the_thaw_of_one_before_it_alone(machine: Machine) -> None:
    """The one before may have been killed: nothing else thaws what it froze."""
    data_steps.freeze(PLACE, 45.0)
    assert code(lambda: data_steps.freeze(PLACE, 45.0)) == "backup-running"
    assert (machine.frozen, machine.timed) == (True, True)


def test_one_begun_at_the_same_moment_leaves_it_alone_as_well(machine: Machine) -> None:
    """Nobody's timer was seen; then systemd has one by that name."""
    machine.failing = ("systemd-run",)
    assert code(lambda: data_steps.freeze(PLACE, 45.0)) == "data-not-frozen"
    assert not machine.told("fsfreeze --freeze") and not machine.told("systemctl stop")


def test_who_finds_it_frozen_without_a_timer_reads_how_it_is_thawed(machine: Machine) -> None:
    machine.frozen = True
    with pytest.raises(Failed) as refused:
        data_steps.freeze(PLACE, 45.0)
    assert f"fsfreeze --unfreeze {PLACE}" in refused.value.findings[0].fix
    assert not machine.timed


def test_nothing_is_frozen_where_nothing_is_mounted(machine: Machine) -> None:
    machine.mounted = False
    assert not data_steps.freeze(PLACE, 45.0)
    assert not data_steps.thaw(PLACE)
    assert machine.asked == []


def test_a_thaw_says_whether_the_file_system_was_still_frozen(machine: Machine) -> None:
    machine.frozen = True
    assert data_steps.thaw(PLACE)
    assert not data_steps.thaw(PLACE)
    assert len(machine.told("systemctl stop praxis-thaw.timer")) == 2


def test_the_agent_is_stopped_before_its_disk_is_unmounted(machine: Machine) -> None:
    assert data_steps.release(Paths(), machine, PLACE)  # type: ignore[arg-type]
    assert machine.told("stop c1")[0] < machine.told("systemctl stop var-lib-praxis-data.mount")[0]
    assert not data_steps.release(Paths(), machine, PLACE)  # type: ignore[arg-type]


def test_a_disk_that_something_else_uses_is_not_released(machine: Machine) -> None:
    machine.stays = True
    assert code(lambda: data_steps.release(Paths(), machine, PLACE)) == "data-in-use"  # type: ignore[arg-type]
