# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A deployment is killed, hosts may go back by themselves, and another run comes: what holds whatever it is.

docs/releases.md says each of these. test_kept_out.py and test_taken_over_agents.py have single cases of them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator
from dataclasses import asdict
from typing import Any

import pytest
from ansible import constants
from hypothesis import event, given
from hypothesis import strategies as st

from ansible_collections.praxis.cloud.plugins.action import agent_info, agent_release, fleet_lock
from ansible_collections.praxis.cloud.plugins.module_utils.finding import WARNING, Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.plan import Plan
from ansible_collections.praxis.cloud.plugins.plugin_utils import run_directory
from ansible_collections.praxis.cloud.plugins.plugin_utils.fleet_action import pace_of
from tests import tiers
from tests.unit.plan.made_run import Facts, Run
from tests.unit.plan.made_world import CRASHES, DOWN, GONE, SOAK, WELL, Host, Killed, World, goals, plan_of

OLDER, OLD, NEW, OTHER = "older", "old", "new", "other"
WORDS = (OLDER, OLD, NEW, OTHER)


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


def fleet(names: list[str], fresh: Collection[str], natures: dict[str, dict[str, str]]) -> World:
    """A fleet that has had two deployments and is well, beside it machines that nothing was deployed to, and how
    releases will do on its hosts."""
    hosts = {}
    plans = {word: plan_of((word,) * len(names)) for word in WORDS}
    for name in names:
        ids = {word: plan.members[name].release for word, plan in plans.items()}
        past = [{"run": f"run-{fence}", "owner": "ann@desk", "reason": "deploy", "fence": fence, "at": 1.0 * fence,
                 "release": ids[word]} for fence, word in ((1, OLDER), (2, OLD))]  # fmt: skip
        known = {ids[word]: each.get(name, WELL) for word, each in natures.items()}
        ended = {**past[-1], "process": GONE, "lock_host": "m1", "expires": 3.0, "ended": True}
        if name in fresh:
            hosts[name] = Host(name, None, None, [], known)
        else:
            hosts[name] = Host(name, ids[OLD], ids[OLD], past, known, deployment=ended)
    return World(hosts, set(names).difference(fresh))


class Witness:
    """Sees what a run does, and that it may."""

    def __init__(self, world: World, run: Run) -> None:
        self.world, self.run, self.acted = world, run, set()
        self.drained: set[str] = set()
        world.watch = self.see

    @property
    def floor(self) -> int:
        """As many members stay in service. A rollback does not miss those that have nothing to go back to."""
        files, hosts = self.run.files, self.world.hosts
        known = set(hosts).difference(files.order.left_out(), files.new() if files.rollback_begun() else ())
        return 0 if files.order.first_deployment() else pace_of(files.options()).floor(len(known), len(hosts))

    def see(self, what: str, names: Collection[str]) -> None:
        serving = self.world.serving()
        if what == "absent":
            lost = serving.intersection(names)
            unseen = any(host.dead for host in self.world.hosts.values())  # the run may not know of it yet
            assert not lost or len(serving - lost) >= self.floor or unseen, (what, names, serving)
            self.drained |= lost
        elif what == "present":
            self._put_in(set(names) - self.world.in_service)
        elif what != "confirm":
            self.acted |= set(names)
            assert not serving.intersection(names), (what, names)

    def _put_in(self, names: set[str]) -> None:
        """Nobody is put into service with what failed in this run; docs/releases.md names the exceptions."""
        files, hosts = self.run.files, self.world.hosts
        if not files.rollback_begun():
            return
        parts = [set(one["targets"]) for one in files.options()["balancers"]]
        for name in names - self.drained:
            host = hosts[name]
            beside = [hosts[other] for part in parts if name in part for other in part]
            if host.runs == host.good or not any(one.answers and one.runs == one.good for one in beside):
                continue
            lasted = host.age >= SOAK and not host.restarts
            batches = {one for batch in files.order.before()["batches"] or [] for one in batch}
            left = name not in batches or name in files.rolled_back()
            few = len(self.world.serving()) <= self.floor
            assert left and lasted and few, (name, host, self.world.serving())


def state(world: World) -> Any:
    return {name: (host.runs, host.good, host.container) for name, host in world.hosts.items()}


def next_plan(world: World, names: list[str], word: str, hosts: Collection[str]) -> tuple[Plan, dict[str, Any]]:
    """The plan of the next run, and what it has to know besides."""
    if word != "rollback":
        return plan_of((word,) * len(names)), {}
    ids = {plan_of((one,) * len(names)).members[name].release: one for one in WORDS for name in names}
    now = plan_of((OLD,) * len(names))
    goal, to, begun = goals(world, now, hosts)
    new = {name for name in hosts if not world.hosts[name].good}
    if new == set(hosts):
        raise Failed(Finding("no-good-release", "None has one.", "the fleet", "Deploy."))
    apart = [asdict(Finding("no-good-release", "It is new.", name, "Deploy.", WARNING)) for name in sorted(new)]
    as_it_is = {name: host.runs for name, host in world.hosts.items() if name in new and host.answers}
    words = tuple(ids.get(to.get(name) or as_it_is.get(name) or world.hosts[name].good or "", "") for name in names)
    among = None if begun else sorted({one["run"] for name in hosts for one in world.hosts[name].history})
    plan = plan_of(words)
    idle = {name: {"outcome": "unchanged", "observation": world.observe(name, plan)} for name in new - set(as_it_is)}
    return plan, {"reason": f"rollback to {goal}", "chosen_among": among, "apart": apart, "known": idle}


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


@pytest.fixture(scope="module")
def no_disk() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_directory, "FactFiles", Facts)
        patch.setattr(fleet_lock, "MOMENT", 0.0)  # no time passes, and the lock is seen to each time
        for module in (agent_info, agent_release):  # a host that is lost stays away
            patch.setattr(module, "persistently", lambda _display, _name, ask, *_more, **_words: ask())
        yield patch


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


def dead(world: World) -> set[str]:
    return {name for name, host in world.hosts.items() if host.dead}


def is_whole(world: World, names: Collection[str], plan: Plan) -> None:
    """What a good run leaves."""
    hosts = {name: world.hosts[name] for name in names}
    assert hosts.keys() <= world.serving() | dead(world)
    assert all(host.runs == host.good == plan.members[name].release for name, host in hosts.items())


def went_back(world: World, run: Run, floor: int) -> None:
    """What a run leaves that rolled itself back: who could go back has gone back, and is in service."""
    previous, tried = run.files.touched(), run.files.rolled_back()
    for name in tried:
        back = world.hosts[name].runs == previous[name]
        assert name in world.stuck | world.away or (back and (name in world.serving() or previous[name] is None))
    # Who is not in service loses nothing, and comes first.
    assert world.serving().union(tried, dead(world)).issuperset(previous)
    # The others' turn did not come, because without one of them too few would have been left.
    assert set(previous).issubset(tried) or len(world.serving()) - 1 < floor
