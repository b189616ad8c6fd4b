# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A deployment is killed, hosts may go back by themselves, and another run comes: what holds whatever it is.

docs/releases.md says each of these. test_kept_out.py and test_taken_over_agents.py have single cases of them.
"""

from __future__ import annotations

import tempfile
from typing import Any

import pytest
from ansible import constants
from hypothesis import event, given
from hypothesis import strategies as st

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.plan import Plan
from tests import tiers
from tests.unit.plan.made_releases import NEW, OLD, OTHER, Witness, dead, fleet, is_whole, next_plan
from tests.unit.plan.made_run import Run
from tests.unit.plan.made_world import CRASHES, DOWN, SOAK, WELL, Killed, World, goals, plan_of


@st.composite
def scenarios(draw: Any) -> dict[str, Any]:
    size = draw(st.integers(2, 5))
    names = [f"m{number}" for number in range(1, size + 1)]

    def pace() -> dict[str, Any]:
        batch, canary = draw(st.integers(1, size)), draw(st.integers(1, 2))
        return {"batch": batch, "canary": canary, "min_available": draw(st.none() | st.integers(0, size - 1))}

    faults = st.dictionaries(st.sampled_from(names), st.sampled_from([DOWN, CRASHES]), max_size=2)
    some = st.sets(st.sampled_from(names))
    limit = st.just(set(names)) | st.sets(st.sampled_from(names), min_size=1)
    word = st.sampled_from([NEW, OTHER, "rollback"])

    def killed() -> dict[str, Any]:
        return {
            "word": draw(word),
            "hosts": draw(limit),
            "pace": pace(),
            "steps": draw(st.integers(1, 15 * size)),
            "passed": draw(st.sampled_from([1.0, SOAK, 3600.0])),
            "gone_back": draw(st.sampled_from([set(), set(names)]) | some),
        }

    return {
        "names": names,
        "fresh": draw(st.just(set()) | some),
        "natures": {NEW: draw(faults), OTHER: draw(faults)},
        "killed": [killed() for _turn in range(draw(st.sampled_from([1, 1, 2, 3])))],
        "next": draw(word),
        "hosts": draw(limit),
        "pace": pace(),
        "unfit": draw(st.just(set()) | st.sets(st.sampled_from(names), max_size=1)),
        "stuck": draw(st.just(set()) | st.sets(st.sampled_from(names), max_size=1)),
        "losing": draw(st.none() | st.tuples(st.sampled_from(names), st.integers(0, 15 * size), st.booleans())),
        "max_unreachable": draw(st.integers(0, 1)),
        "balancers": balancers(names, draw(st.integers(1, 2))),
    }


def balancers(names: list[str], count: int) -> list[dict[str, Any]]:
    """So many load balancers, each with its part of the members."""
    return [
        {"module": "m", "options": {"target_group": f"agents-{at}"},
         "targets": {name: {"id": f"i-{name}", "port": 8000} for name in names[at::count]}}
        for at in range(count)
    ]  # fmt: skip


def state(world: World) -> Any:
    return {name: (host.runs, host.good, host.container) for name, host in world.hosts.items()}


def goal_of(world: World, names: list[str]) -> Any:
    """Where a rollback of all would go now."""
    try:
        return goals(world, plan_of((OLD,) * len(names)), names)
    except Failed as error:
        return error.findings[0].code


def goes_on(case: dict[str, Any], world: World, plan: Plan) -> bool:
    """Whether nothing stands in the way of the next run: it is of all hosts, each can do its step and serves with its
    release, and as many may be out of service as a batch has."""
    natures = [world.hosts[name].natures.get(member.release, WELL) for name, member in plan.members.items()]
    whole = case["hosts"] == set(case["names"]) and case["pace"]["min_available"] is None
    return whole and not case["unfit"] and not case["losing"] and set(natures) == {WELL}


def killed(case: dict[str, Any]) -> World:
    """The fleet after the runs that were killed, and after whatever its hosts have done by themselves since."""
    names, world = case["names"], fleet(case["names"], case["fresh"], case["natures"])
    for number, one in enumerate(case["killed"], 3):
        try:
            plan, more = next_plan(world, names, one["word"], one["hosts"])
        except Failed:
            event("nothing to go back to")
            continue
        run = Run(world, plan, number, hosts=sorted(one["hosts"]), balancers=case["balancers"], **one["pace"], **more)
        Witness(world, run)
        world.steps = one["steps"]
        try:
            run.go()
        except Killed:
            event("killed")
        world.steps = None
        for name, host in world.hosts.items():
            host.live(one["passed"])
            if name in one["gone_back"]:
                host.go_back()
    return world


@pytest.mark.slow
@tiers.examples(300)
@given(scenarios())
def test_whatever_comes_after_a_killed_run(no_disk: pytest.MonkeyPatch, case: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        no_disk.setattr(constants, "DEFAULT_LOCAL_TMP", folder)
        world, names = killed(case), case["names"]
        try:
            plan, more = next_plan(world, names, case["next"], case["hosts"])
        except Failed:
            event("nothing to go back to")
            return
        world.unfit, world.stuck, world.losing = case["unfit"], case["stuck"], case["losing"]
        before, served, goal = state(world), world.serving(), goal_of(world, names)
        known = {"max_unreachable": case["max_unreachable"], "balancers": case["balancers"], **more}
        run = Run(world, plan, 9, hosts=sorted(case["hosts"]), **case["pace"], **known)
        witness = Witness(world, run)
        run.go()
        assert run.ok or not goes_on(case, world, plan), run.codes()
        if run.ok:
            event("good")
            is_whole(world, case["hosts"].difference(run.files.order.left_out()), plan)
        elif run.called_good:
            event("lost while its release was called good")
            is_whole(world, run.called_good - world.away, plan)
        elif witness.acted:
            event("rolled back")
            went_back(world, run, witness.floor)
        else:  # it was refused, and the next rollback has the goal that it would have had
            event("refused")
            assert state(world) == before
            assert goal_of(world, names) == goal or world.away  # a host that is away cannot give its lock back
            assert served <= world.serving() | world.away


def went_back(world: World, run: Run, floor: int) -> None:
    """What a run leaves that rolled itself back: who could go back has gone back, and is in service."""
    previous, tried = run.files.touched(), run.files.rolled_back()
    for name in tried:
        back = world.hosts[name].runs == previous[name]
        assert name in world.stuck | world.away or (back and (name in world.serving() or previous[name] is None))
    # Who is not in service loses nothing, and comes first.
    assert world.serving().union(tried, dead(world)).issuperset(previous)
    # The others' turn did not come, because without one of them too few would have been left. Of who was left out
    # nobody knows that it serves.
    seen = world.serving().difference(run.files.order.left_out())
    assert set(previous).issubset(tried) or len(seen) - 1 < floor
