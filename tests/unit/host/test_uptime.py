# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ages that no clock can make wrong: of a process, and so of an agent."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.host import observation, uptime


def test_a_process_is_as_old_as_the_machine_says(tmp_path: Path) -> None:
    ticks = os.sysconf("SC_CLK_TCK")
    (tmp_path / "71").mkdir()
    (tmp_path / "uptime").write_text("1000.50 1.0\n", encoding="ascii")
    stat = "71 (a ) b) S " + " ".join(["1"] * 18) + f" {900 * ticks} 1 1\n"
    (tmp_path / "71/stat").write_text(stat, encoding="ascii")
    assert uptime.age_of(71, str(tmp_path)) == 100.5
    assert uptime.age_of(72, str(tmp_path)) is None
    assert uptime.age_of(None, str(tmp_path)) is None


def test_this_machine_says_it() -> None:
    assert uptime.boot()
    age, up = uptime.age_of(os.getpid()), uptime.seconds()
    assert age is not None and 0 <= age < up


def test_a_machine_is_told_by_its_boot_and_by_its_root(tmp_path: Path) -> None:
    """Containers on one machine share its boot, and copies of a machine what is on their disks."""
    boots = {name: tmp_path / name for name in ("one", "other", "neither")}
    for name in ("one", "other"):
        (boots[name] / "sys/kernel/random").mkdir(parents=True)
        (boots[name] / "sys/kernel/random/boot_id").write_text(f"{name}\n", encoding="ascii")
    roots = [str(tmp_path), str(tmp_path / "one")]
    told = [uptime.machine(str(boots[name]), root) for name in ("one", "other") for root in roots]
    assert len(set(told)) == 4
    assert uptime.machine(str(boots["one"]), roots[0]) == told[0]
    assert uptime.machine(str(boots["neither"])) is None
    assert uptime.machine() == uptime.machine()


@pytest.mark.parametrize("set_by", [3600, -3600])
def test_a_soak_is_not_cut_short_or_made_longer_by_a_clock_that_is_set(set_by: int) -> None:
    container = {"state": "running", "started_at": "2026-01-01T00:00:00Z", "age": 12.0}
    assert observation.running_for(container, time.time() + set_by) == 12.0
