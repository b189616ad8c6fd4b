# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A deployment stands still and is taken for dead, another one takes its place, and the first one goes on: from the
moment that the second has made its order, the first does nothing more to any host.

docs/releases.md says so. tests/integration/test_releases_held.py does it once, on machines.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from ansible import constants
from hypothesis import event, given
from hypothesis import strategies as st

from tests import tiers
from tests.unit.plan.made_releases import NEW, OTHER, fleet, is_whole, next_plan
from tests.unit.plan.made_run import Run
from tests.unit.plan.made_world import World


class Turns:
    """Two threads of which one goes on at a time; they change at these steps.

    :param changes: numbers of steps, counted over both.
    """

    def __init__(self, changes: Collection[int], *bodies: Callable[[], None]) -> None:
        self.now, self._step, self._changes = 0, 0, set(changes)
        self._bodies, self._ended = bodies, [False] * len(bodies)
        self._may = [threading.Semaphore(0) for _body in bodies]

    def pause(self) -> None:
        """A step has ended."""
        self._step += 1
        other = 1 - self.now
        if self._step in self._changes and not self._ended[other]:
            me, self.now = self.now, other
            self._may[other].release()
            self._may[me].acquire()

    def go(self) -> None:
        with ThreadPoolExecutor(len(self._bodies)) as pool:
            ends = [pool.submit(self._one, number) for number in range(len(self._bodies))]
            self._may[0].release()
        for end in ends:
            end.result()

    def _one(self, number: int) -> None:
        self._may[number].acquire()
        try:
            self._bodies[number]()
        finally:
            self._ended[number] = True
            self.now = 1 - number
            self._may[1 - number].release()


@st.composite
def scenarios(draw: Any) -> dict[str, Any]:
    size = draw(st.integers(2, 4))
    word = st.sampled_from([NEW, OTHER, "rollback"])

    def pace() -> dict[str, Any]:
        return {"batch": draw(st.integers(1, size)), "canary": draw(st.integers(1, 2)), "min_available": None}

    return {
        "names": [f"m{number}" for number in range(1, size + 1)],
        "words": (draw(word), draw(word)),
        "paces": (pace(), pace()),
        "changes": draw(st.sets(st.integers(1, 25 * size), min_size=1, max_size=3)),
    }


class Sight:
    """Sees which of two runs does what, and that one does nothing to a host once the other has taken its place and made
    its order. The load balancer knows no fence: it is called no more once the run has seen to its lock again."""

    def __init__(self, turns: Turns, *runs: Run) -> None:
        self.turns, self.runs = turns, runs
        self._asked: dict[int, int] = {}
        #: Those that a balancer was asked about before.
        self.met: set[str] = set()

    def pause(self) -> None:
        for number, (one, other) in enumerate(zip(self.runs, reversed(self.runs), strict=True)):
            if other.ordered and 0 < fence(one) < fence(other):
                self._asked.setdefault(number, one.asked)
        self.turns.pause()

    def see(self, what: str, names: Collection[str]) -> None:
        asked = self._asked.get(self.turns.now)
        if asked is not None:
            assert what in ("absent", "present"), (what, names)
            assert self.runs[self.turns.now].asked == asked, (what, names)
            self.met.update(names)


def fence(run: Run) -> int:
    return int((run.files.lock.held() or {"fence": 0})["fence"])


@pytest.mark.slow
@tiers.examples(150)
@given(scenarios())
def test_a_run_that_was_taken_for_dead_does_nothing_more(no_disk: pytest.MonkeyPatch, case: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        no_disk.setattr(constants, "DEFAULT_LOCAL_TMP", folder)
        names = case["names"]
        world = fleet(names, (), {})
        first, second = (made(world, case, number) for number in (0, 1))
        turns = Turns(case["changes"], first.go, second.go)
        sight = world.turns = Sight(turns, first, second)
        world.watch = sight.see
        turns.go()
        assert first.ok or second.ok
        event(f"first {first.ok}, second {second.ok}")
        last = max(first, second, key=fence)
        if last.ok:
            is_whole(world, set(names) - sight.met, last.plan)


def made(world: World, case: dict[str, Any], number: int) -> Run:
    plan, more = next_plan(world, case["names"], case["words"][number], case["names"])
    return Run(world, plan, number + 3, hosts=case["names"], **case["paces"][number], **more)
