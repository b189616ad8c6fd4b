# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fleets that have had deployments, the plans of the runs that come next, and what holds of every such run."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.finding import WARNING, Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.plan import Plan
from ansible_collections.praxis.cloud.plugins.plugin_utils.fleet_action import pace_of
from tests.unit.plan.made_run import Run
from tests.unit.plan.made_world import GONE, SOAK, WELL, Host, World, goals, plan_of

OLDER, OLD, NEW, OTHER = "older", "old", "new", "other"
WORDS = (OLDER, OLD, NEW, OTHER)


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
        new = files.new().union(files.order.empty()) if files.rollback_begun() else ()
        known = set(hosts).difference(files.order.left_out(), new)
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


def dead(world: World) -> set[str]:
    return {name for name, host in world.hosts.items() if host.dead}


def is_whole(world: World, names: Collection[str], plan: Plan) -> None:
    """What a good run leaves."""
    hosts = {name: world.hosts[name] for name in names}
    assert hosts.keys() <= world.serving() | dead(world)
    assert all(host.runs == host.good == plan.members[name].release for name, host in hosts.items())
