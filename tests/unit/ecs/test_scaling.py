# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox's imitation of target tracking: when it wants how many tasks."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.aws import ecs_usage
from sandbox.aws.ecs_scaling import OVER, UNDER, Policy, Tracker
from sandbox.aws.ecs_usage import Meter

CPU = Policy("praxis-cpu", "cpu", 70.0, in_cooldown=300, out_cooldown=60)
MEMORY = Policy("praxis-memory", "memory", 80.0, in_cooldown=300, out_cooldown=60)
MINUTE = 60.0


class Played:
    """A service that is measured once a minute, and has at once as many tasks as are wanted."""

    def __init__(self, tasks: int = 2, limits: tuple[int, int] = (2, 10), policies: Sequence[Policy] = (CPU,)) -> None:
        self.tasks, self.limits, self.policies = tasks, limits, policies
        self.tracker, self.now, self.by = Tracker(), 0.0, ""

    def minutes(self, number: int, cpu: float, deploys: bool = False, **others: float) -> list[int]:
        """How many tasks there are after each."""
        found = []
        for _minute in range(number):
            self.now += MINUTE
            usage = {"cpu": cpu, **others}
            self.tasks, by = self.tracker.wanted(self.policies, usage, self.tasks, self.limits, self.now, deploys)
            self.by = by or self.by
            found.append(self.tasks)
        return found


def test_three_minutes_over_the_target_make_as_many_as_bring_it_there() -> None:
    played = Played()
    assert played.minutes(OVER, 100) == [2, 2, 3]
    assert played.by == "praxis-cpu"


def test_a_minute_that_is_not_over_it_begins_the_count_again() -> None:
    played = Played()
    played.minutes(OVER - 1, 100)
    played.minutes(1, 70)
    assert played.minutes(OVER - 1, 100) == [2, 2]


def test_fifteen_minutes_well_under_it_take_them_away_when_the_cooldown_is_over() -> None:
    played = Played(tasks=4)
    assert played.minutes(UNDER, 30) == [4] * (UNDER - 1) + [2]


@pytest.mark.parametrize("cpu", [63.0, 69.0])
def test_between_nine_tenths_and_the_target_nothing_happens(cpu: float) -> None:
    assert set(Played(tasks=4).minutes(3 * UNDER, cpu)) == {4}


def test_nothing_is_taken_away_during_a_deployment_and_more_is_made() -> None:
    played = Played(tasks=4)
    assert set(played.minutes(2 * UNDER, 10, deploys=True)) == {4}
    assert max(played.minutes(OVER, 90, deploys=True)) == 6


def test_what_was_added_counts_until_the_cooldown_is_over() -> None:
    slow = Policy("praxis-cpu", "cpu", 70.0, out_cooldown=3600)
    played = Played(policies=[slow])
    assert played.minutes(OVER, 100)[-1] == 3
    assert set(played.minutes(2 * OVER, 100)) == {3}, "two at 100 % are three"
    played.now += 3600
    assert played.minutes(OVER, 100)[-1] == 5


def test_one_policy_is_enough_for_more_and_all_have_to_want_fewer() -> None:
    played = Played(tasks=4, policies=[CPU, MEMORY])
    assert set(played.minutes(2 * UNDER, 10, memory=75.0)) == {4}
    assert played.minutes(OVER, 10, memory=100.0)[-1] == 5
    assert played.by == "praxis-memory"


def test_a_policy_that_is_not_to_scale_in_keeps_nobody_from_it() -> None:
    never = Policy("praxis-memory", "memory", 80.0, scales_in=False)
    assert Played(tasks=4, policies=[CPU, never]).minutes(UNDER, 10, memory=79.0)[-1] == 2


@given(st.integers(1, 20), st.integers(0, 20), st.lists(st.floats(0, 100), max_size=60))
def test_what_it_wants_is_within_the_limits(low: int, room: int, usages: list[float]) -> None:
    played = Played(tasks=low, limits=(low, low + room))
    for each in usages:
        assert low <= played.minutes(1, each)[0] <= low + room


def test_usage_is_the_average_of_what_tasks_have_and_no_task_has_more() -> None:
    used = {"a": (10.0, 2**27), "a-files": (0.0, 2**27), "b": (0.0, 2**28)}
    now = [0.0]
    meter = Meter(used.get, lambda: now[0])
    definition = {"cpu": "256", "memory": "512"}
    tasks = [(["a", "a-files"], definition), (["b"], definition), (["gone"], definition)]
    assert meter.measured(tasks) == {"memory": 50.0}, "what is seen for the first time has used nothing yet"
    now[0], used["a"], used["a-files"], used["b"] = 10.0, (10.5, 2**27), (0.75, 2**27), (9.0, 2**28)
    assert meter.measured(tasks) == {"cpu": 75.0, "memory": 50.0}


def test_the_kernels_figures_are_seconds_and_bytes(tmp_path: Path) -> None:
    def process(pid: str, *times: int, pages: int) -> str:
        (tmp_path / pid).mkdir()
        after = ["S", *["0"] * 10, *map(str, times), *["0"] * 6, str(pages)]
        (tmp_path / pid / "stat").write_text(f"{pid} (a (strange) name) {' '.join(after)} 0 0\n")
        return pid

    ticks, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    pids = [process("7", ticks, ticks, 2 * ticks, 0, pages=3), process("8", 0, ticks, 0, 0, pages=1), "9"]
    assert ecs_usage.of_processes(pids, tmp_path) == (5.0, 4 * page)
