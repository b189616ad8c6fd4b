# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts and a load balancer that are made up, and do and answer what machines and clouds would."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from ansible.errors import AnsibleConnectionFailure

from ansible_collections.praxis.cloud.plugins.module_utils import deployment as deployments
from ansible_collections.praxis.cloud.plugins.module_utils.agent.identity import peer_id
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import history
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.plan import Plan, make_plan
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.release import KeptRelease
from ansible_collections.praxis.cloud.plugins.plugin_utils import controller
from tests.unit.fleet.made import member, observation, release

SOAK = 30.0
CRASH = 20.0  # seconds that an agent which crashes lasts
#: A process that was there: whoever comes next takes its run over.
GONE = {**controller.process(1), "started": "before"}
WELL, DOWN, CRASHES = "well", "down", "crashes"


class Killed(Exception):
    """The controller is gone."""


@cache
def plan_of(words: tuple[str, ...]) -> Plan:
    """The plan of a fleet whose first member gets the first of these releases, and so on; of one with an empty word
    nothing is planned."""
    members = [member(number, peer_id=peer_id(bytes([number] * 32))) for number in range(1, len(words) + 1)]
    releases = [release(one.name, environment={"V": word}) if word else KeptRelease.unknown(one.name)
                for one, word in zip(members, words, strict=True)]  # fmt: skip
    return make_plan("test", members, releases)


@dataclass
class Host:
    """What a machine has.

    :param natures: by release id, how its agent does here; well unless it is given.
    """

    name: str
    good: str | None
    runs: str | None
    history: list[dict[str, Any]]
    natures: dict[str, str]
    armed: dict[str, Any] | None = None
    went_back: dict[str, Any] | None = None
    deployment: dict[str, Any] | None = None
    age: float = 3600.0
    restarts: int = 0
    container: int = 0
    dead: bool = False

    @property
    def nature(self) -> str:
        return self.natures.get(self.runs or "", WELL)

    @property
    def answers(self) -> bool:
        return self.runs is not None and self.nature != DOWN and not self.dead

    def live(self, seconds: float) -> None:
        """So much time passes."""
        self.age += seconds
        if self.nature == CRASHES and self.age >= CRASH:
            self.restarts, self.age = self.restarts + 1, 5.0

    def start(self, release: str | None, numbers: Iterable[int] = itertools.count(1)) -> None:
        self.runs, self.age, self.restarts, self.container = release, 0.0, 0, next(iter(numbers))

    def go_back(self) -> None:
        """Its deadline is over."""
        if self.armed:
            keys = {"run": self.armed["run"], "fence": self.armed["fence"], "from": self.runs, "to": self.good}
            self.armed, self.went_back = None, {**keys, "at": 0.0}
            self.start(self.good)
            self.live(3600.0)

    def activation(self, wanted: str) -> str:
        if self.runs != wanted:
            return "start" if self.runs is None else "switch"
        return "none" if self.answers else "start"


@dataclass
class World:
    """Hosts behind one load balancer.

    :param in_service: those that are registered with it.
    :param unfit: those that cannot be prepared.
    :param stuck: those that cannot be rolled back.
    :param steps: calls of modules until the controller is killed; None: it is not.
    :param losing: a host that is lost after so many calls of modules, and whether its agent is lost with it.
    :param away: the hosts that cannot be reached.
    :param watch: is told of each call that changes something before it does: what, and the members.
    """

    hosts: dict[str, Host]
    in_service: set[str] = field(default_factory=set)
    unfit: set[str] = field(default_factory=set)
    stuck: set[str] = field(default_factory=set)
    steps: int | None = None
    losing: tuple[str, int, bool] | None = None
    away: set[str] = field(default_factory=set)
    watch: Callable[[str, Collection[str]], None] = lambda _what, _names: None
    turns: Any = None
    clock: Iterator[float] = field(default_factory=lambda: itertools.count(time.time(), 0.001))

    def now(self) -> float:
        """The clock of all hosts, in which no two moments are the same."""
        return next(self.clock)

    def serving(self) -> set[str]:
        """Who is in service and well."""
        return {name for name in self.in_service if self.hosts[name].answers}

    def observe(self, name: str, plan: Plan) -> dict[str, Any]:
        host, up = self.hosts[name], [one.name for one in self.hosts.values() if one.answers]
        container = {"state": "running" if host.answers else "exited", "health": "healthy", "exit_code": 1}
        known = {"id": host.container, "age": host.age, "restarts": host.restarts, "part": host.runs}
        return observation(
            plan, name, set(plan.around[name]).intersection(up) if host.answers else (),
            release={"current": host.runs, "running": host.runs, "good": host.good, "kept": []},
            container={**container, **known} if host.runs else None,
            api={"health": 200 if host.answers else None, "peer_id": plan.members[name].peer_id, "error": None},
            switch={"armed": host.armed, "rolled_back": host.went_back},
            deployment=host.deployment, host={"clock": self.now()},
        )  # fmt: skip

    def reach(self, name: str) -> None:
        """:raises AnsibleConnectionFailure: it is away."""
        self.lose()
        if name in self.away:
            raise AnsibleConnectionFailure("No route to host")

    def lose(self) -> None:
        if self.losing and self.losing[1] <= 0:
            name, _steps, dies = self.losing
            self.losing = None
            self.away.add(name)
            self.hosts[name].dead = dies

    def after_a_step(self) -> None:
        if self.losing:
            self.losing = (self.losing[0], self.losing[1] - 1, self.losing[2])
        if self.turns:
            self.turns.pause()
        if self.steps is not None:
            self.steps -= 1
            if self.steps <= 0:
                raise Killed

    def balance(self, module_args: Mapping[str, Any]) -> dict[str, Any]:
        """What the clouds' modules do and answer."""
        names, state = [each["id"][2:] for each in module_args["targets"]], module_args["state"]
        before = set(self.in_service)
        if names:
            self.watch(state, names)
        self.in_service = before.union(names) if state == "present" else before.difference(names)
        word = {name: "healthy" if self.hosts[name].answers else "unhealthy" for name in self.hosts}
        if state == "absent":
            word.update({name: "draining" if name in before else "unused" for name in names})
        answers = {name: {"id": f"i-{name}", "port": 8000, "state": word[name]} for name in self.hosts}
        late = state == "present" and any(not self.hosts[name].answers for name in names)
        refused = Finding("target-not-healthy", "It is unhealthy.", "i-m", "Fix it.").as_dict()
        failure = {"failed": True, "failures": [refused]} if late and module_args["wait"] else {}
        self.after_a_step()
        others = [answers[name] for name in self.in_service.difference(names)]
        more = {} if module_args["wait"] else {"draining": 60.0}
        return {"changed": True, "targets": [answers[name] for name in names], "others": others, **more, **failure}

    def keep_lock(self, module_args: Mapping[str, Any]) -> dict[str, Any]:
        """What the module of praxis.cloud.fleet_lock does."""
        given = {"last": False, **module_args["deployment"]}
        wanted, now = deployments.deployment_from(given), self.now()
        assert wanted is not None
        self.reach(wanted.lock_host)
        host = self.hosts[wanted.lock_host]
        found = host.deployment
        if module_args.get("state") == "absent":
            after = wanted if deployments.ends(found, wanted) else None
        else:
            try:
                after = deployments.takes(found, wanted, module_args["seen"], module_args.get("over", ()), now)
            except Failed as error:
                return {"failed": True, **error.as_result()}
        if after is not None:
            host.deployment = after.record(now, module_args.get("state") == "absent")
        self.after_a_step()
        return {"changed": True, "fence": (after or wanted).fence}

    def release(self, name: str, args: Mapping[str, Any], plan: Plan) -> dict[str, Any]:
        """What the module of praxis.cloud.agent_release does."""
        self.reach(name)
        host, wanted, state = self.hosts[name], args["release"]["id"], args["state"]
        step = deployments.deployment_from(args["deployment"]) if "deployment" in args else None
        if step is not None and deployments.refuses(host.deployment, step):
            assert host.deployment is not None
            return self._answer(name, plan, deployments.fenced(host.deployment, step.lock_host))
        kind = host.activation(wanted)
        finding = self._act(host, state, kind, args, step)
        if step is not None and finding is None:
            host.deployment = step.record(self.now(), step.last)
        self.after_a_step()
        return {**self._answer(name, plan, finding), "activation": kind if state == "prepared" else "none"}

    def _act(self, host: Host, state: str, kind: str, args: Mapping[str, Any], step: Any) -> Finding | None:
        wanted = args["release"]["id"]
        if state == "prepared" and host.name in self.unfit:
            return Finding("disk-full", "No space.", host.name, "Free some.")
        if state == "active" and kind != "none":
            self.watch("activate", [host.name])
            if host.good and host.good != wanted:
                host.armed = {"run": step.run, "fence": step.fence, "wanted": wanted, "back": host.good, "until": 1}
            host.start(wanted)
        if state == "restored":
            if host.name in self.stuck:
                return Finding("no-engine", "Its engine is away.", host.name, "Start it.")
            self.watch("restore", [host.name])
            if host.runs != args["previous"] or not host.answers:
                host.start(args["previous"])
        if state in ("active", "confirmed") and not host.answers:
            return Finding("container-exited", "It ended.", host.name, "Read its log.")
        if state in ("restored", "confirmed"):
            host.armed = host.went_back = None
        if state == "confirmed":
            self.watch("confirm", [host.name])
            host.good = host.runs
            keys = {"run": step.run, "owner": step.owner, "reason": step.reason, "fence": step.fence}
            host.history.append({**keys, "at": self.now(), "release": host.runs})
        return None

    def _answer(self, name: str, plan: Plan, finding: Finding | None) -> dict[str, Any]:
        failure = {"failure": finding.as_dict()} if finding else {}
        return {"changed": True, "outcome": "failed" if finding else "ok", "observation": self.observe(name, plan),
                **failure}  # fmt: skip

    def look(self, name: str, args: Mapping[str, Any], plan: Plan) -> dict[str, Any]:
        """What the module of praxis.cloud.agent_info does."""
        self.reach(name)
        host = self.hosts[name]
        host.live(max(0.0, args["soak"] - host.age))
        return {"changed": False, "outcome": "ok", "observation": self.observe(name, plan)}


def goals(world: World, plan: Plan, hosts: Collection[str]) -> tuple[str, dict[str, str], bool]:
    """Where rollback.yml goes, as KeptPlanner finds it: a deployment, by host the release, and whether one had stopped.

    :raises Failed: there is nothing to go back to.
    """
    histories = {name: world.hosts[name].history for name in hosts}
    left = history.stopped(histories, {name: world.observe(name, plan) for name in hosts})
    return (*history.goals(histories, "", left), left.begun)
