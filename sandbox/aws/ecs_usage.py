# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tasks of a service use of what their definitions give them, as this machine's kernel counts it.

The kernel's count of each process, and not ``docker stats``: where cgroups have no controllers for it, that says zero.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from sandbox import docker
from sandbox.docker import DockerError

UNITS = 1024
"""CPU units of a core."""
Used = tuple[float, float]
"""Seconds of a core since a container's start, and bytes of memory now."""


def of_container(name: str) -> Used | None:
    """What its processes have used; None: there is no such container any more."""
    try:
        lines = docker.docker("top", name, "-eo", "pid").splitlines()[1:]
    except DockerError:
        return None
    return of_processes([line.strip() for line in lines])


def of_processes(pids: Iterable[str], proc: Path = Path("/proc")) -> Used:
    """The same of processes. What has ended is counted by whoever waited for it."""
    ticks, pages = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    seconds = memory = 0.0
    for pid in pids:
        try:
            # What comes before the last parenthesis is the program's name.
            fields = (proc / pid / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        seconds += sum(int(each) for each in fields[11:15]) / ticks
        memory += int(fields[21]) * pages
    return seconds, memory


class Meter:
    """Between two looks at a task lies the time over which its CPU is averaged."""

    def __init__(
        self, look: Callable[[str], Used | None] = of_container, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._look, self._clock = look, clock
        self._before: dict[str, tuple[float, float]] = {}

    def measured(self, tasks: Iterable[tuple[list[str], Mapping[str, Any]]]) -> dict[str, float]:
        """The average over these tasks, in percent of their ``cpu`` and ``memory``.

        :param tasks: of each its containers and its definition. One that is seen for the first time has no CPU yet.
        """
        cpu, memory = [], []
        for containers, definition in tasks:
            found = {name: used for name in containers if (used := self._look(name)) is not None}
            if found:
                memory.append(sum(each[1] for each in found.values()) * 100 / (float(definition["memory"]) * 2**20))
            shares = [share for name, (seconds, _memory) in found.items() if (share := self._cores(name, seconds))
                      is not None]  # fmt: skip
            if shares:
                # Nobody gets more than all of what it has, though the engine here would give it.
                cpu.append(min(100.0, sum(shares) * 100 * UNITS / float(definition["cpu"])))
        return {name: sum(values) / len(values) for name, values in (("cpu", cpu), ("memory", memory)) if values}

    def _cores(self, name: str, seconds: float) -> float | None:
        now, before = self._clock(), self._before.get(name)
        self._before[name] = now, seconds
        if before is None or now <= before[0]:
            return None
        return max(0.0, seconds - before[1]) / (now - before[0])
