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


@pytest.mark.parametrize("set_by", [3600, -3600])
def test_a_soak_is_not_cut_short_or_made_longer_by_a_clock_that_is_set(set_by: int) -> None:
    container = {"state": "running", "started_at": "2026-01-01T00:00:00Z", "age": 12.0}
    assert observation.running_for(container, time.time() + set_by) == 12.0
