# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run of deploy.yml or rollback.yml over a :class:`World`: the action plugins are the real ones, called in the order
of playbooks/plays/spread.yml."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType, SimpleNamespace
from typing import Any

from ansible.errors import AnsibleConnectionFailure

from ansible_collections.praxis.cloud.plugins.action import (
    agent_info,
    agent_release,
    fleet_balancer,
    fleet_lock,
    fleet_order,
    fleet_verify,
)
from ansible_collections.praxis.cloud.plugins.module_utils.finding import ERROR, Failed
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import record
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.plan import Plan
from ansible_collections.praxis.cloud.plugins.plugin_utils.run_directory import RunDirectory
from tests.unit.plan.made_world import GONE, SOAK, World

ARGS: dict[str, Any] = {"batch": None, "mesh": True, "balancer": {}, "also": [], "failed": None, "hook": None,
                        "strict": False, "show": False}  # fmt: skip


class Facts:
    """FactFiles without a disk: a run leaves hundreds of them."""

    def __init__(self, path: str) -> None:
        self._path, self._facts = path, dict[str, str]()

    def place(self, name: str) -> str:
        return f"{self._path}/{name}"

    def has(self, name: str) -> bool:
        return name in self._facts

    def read(self, name: str) -> Any:
        return json.loads(self._facts[name])

    def find(self, name: str) -> Any:
        return self.read(name) if self.has(name) else None

    def write(self, name: str, fact: Any) -> None:
        self._facts[name] = json.dumps(fact)

    def remove(self, name: str) -> None:
        self._facts.pop(name, None)

    def names(self, folder: str) -> list[str]:
        return sorted(name.partition("/")[2] for name in self._facts if name.startswith(folder + "/"))

    def all(self, folder: str) -> dict[str, Any]:
        return {name: self.read(f"{folder}/{name}") for name in self.names(folder)}


class Run:
    """One run of a playbook.

    :param number: the run's.
    :param known: what is known already of members that no step goes to.
    :param options: ``hosts``, ``batch``, ``canary``, ``min_available``, and what else is known of it.
    """

    def __init__(
        self, world: World, plan: Plan, number: int, reason: str = "deploy",
        known: Mapping[str, Any] = MappingProxyType({}), **options: Any,
    ) -> None:  # fmt: skip
        self.world, self.plan, self.ok, self.keepers = world, plan, True, []
        words = {"run": f"run-{number}", "owner": "ann@desk", "reason": reason, "process": GONE}
        targets = {name: {"id": f"i-{name}", "port": 8000} for name in plan.members}
        rules = {"id": plan.id, "deployment": words, "take_over": "", "unfinished": "continue", "lease": 900.0,
                 "soak": SOAK, "deadline": 300, "confirm_deadline": 600, "keep_releases": 3, "pull_deadline": 600,
                 "departed": "report", "max_unreachable": 0,
                 "balancers": [{"module": "m", "options": {"target_group": "agents"}, "targets": targets}]}  # fmt: skip
        engines = {name: {} for name in plan.members}
        self.files = RunDirectory.create(plan, engines, engines, {**rules, **options})
        for name, outcome in known.items():
            self.files.report(name, outcome)
        self.hosts = [name for name in plan.order if name in options["hosts"]]
        self.order: dict[str, Any] = {}
        self.called_good: set[str] = set()
        self.ordered, self.asked = False, 0
        self.verdict: dict[str, Any] = {}

    def codes(self) -> set[str]:
        """The errors that it ended with."""
        return {item["code"] for item in self.verdict["findings"] if item["level"] == ERROR}

    def go(self) -> None:
        self._each(self.hosts, "prepared")
        self._order()
        if self.order["lock"]:
            self._lock(self.order["lock"])
        if self.ok and self.order["take_over"]:
            self._each(self.order["take_over"], "prepared")
            self._order()
        if self.ok and self.order["unconfirmed"]:
            self._observe(self.order["unconfirmed"], taken_over=True, mesh=False, settle=60)
            self._judge(batch=self.order["unconfirmed"], mesh=False)
        self.ordered = True
        if self.ok:
            self._activate()
        if self.ok and self.order["observe_again"]:
            self._observe(self.order["hosts"])
        self._judge()
        if self.verdict["roll_back"]["hosts"]:
            self._roll_back(self.verdict["roll_back"])
        if self.verdict["roll_back_alone"]["hosts"]:
            self._roll_back(self.verdict["roll_back_alone"])
        self.called_good = set(self.verdict["confirm"])
        self._each(self.verdict["confirm"], "confirmed")
        if self.verdict["observe_again"]:
            self._observe(self.order["hosts"])
        self._judge()
        if self.verdict["good"]:
            self._balance("present", self.verdict["good"], departed=True)
        for keeper in self.order["lock"]:
            self._lock_step(host=keeper, state="absent")
        self._judge()

    def _activate(self) -> None:
        for batch in _batches(self.order["activate"], self.order["serial"]):
            self._lock(self.keepers)
            watched = [one for name in batch for one in self.order["watch"][name]]
            if self.ok and watched:
                self._observe(watched, soak=0, mesh=False)
                self._judge(batch=watched, mesh=False)
            if self.ok and not self.order["first_deployment"]:
                self._lock(self.keepers)
            if self.ok and not self.order["first_deployment"]:
                self._balance("absent", batch)
                if not self.ok:
                    self._balance("present", batch, only_serving=True)
            if not self.ok:
                return
            self._each(batch, "active")
            self._judge(batch=batch, mesh=False)
            if self.ok:
                self._observe(batch)
                self._judge(batch=batch)
            if self.ok:
                self._lock(self.keepers)
            if self.ok:
                self._balance("present", batch)
            if not self.ok:
                return

    def _roll_back(self, undo: Mapping[str, Any]) -> None:
        for batch in _batches(undo["hosts"], undo["serial"]):
            self._lock(self.keepers)
            if not self.keepers or not self._balance("absent", batch):
                return
            self._each(batch, "restored")
            self._lock(self.keepers)
            if not self.keepers:
                return
            self._balance("present", batch, only_serving=True)

    def _order(self) -> None:
        action = object.__new__(fleet_order.ActionModule)
        self.order = action.judge(self.files, {"final": True, "show": False, "restart": []})["order"]

    def _judge(self, **args: Any) -> None:
        action = object.__new__(fleet_verify.ActionModule)
        action._task = SimpleNamespace(check_mode=False)
        self.verdict = action.judge(self.files, {**ARGS, **args})["verdict"]
        self.ok = self.verdict["ok"]

    def _balance(self, state: str, members: Collection[str], **args: Any) -> bool:
        """Whether it did not fail."""
        action = object.__new__(fleet_balancer.ActionModule)
        action._task = SimpleNamespace(check_mode=False)
        action._execute_module = lambda module_args, **_more: self.world.balance(module_args)
        given = {"members": list(members), "state": state, "only_serving": False, "departed": False, "observe": False}
        try:
            result = action.judge(self.files, {**given, **args})
        except Failed as error:
            result = {"failed": True, **error.as_result()}
        if result.get("failed"):
            self._judge(failed=result)
        return not result.get("failed")

    def _lock(self, keepers: Collection[str]) -> None:
        """playbooks/tasks/lock.yml."""
        self.asked += 1
        answers = {name: self._lock_step(host=name, try_next=name != list(keepers)[-1]) for name in keepers}
        refused = any(one.get("refused") for one in answers.values())
        self.keepers = [] if refused else [name for name, one in answers.items() if one.get("locked")]
        self.ok = self.ok and bool(self.keepers)

    def _lock_step(self, **args: Any) -> dict[str, Any]:
        action = object.__new__(fleet_lock.ActionModule)
        action._display = SimpleNamespace(display=lambda *_args, **_more: None)
        action._execute_module = lambda module_args, **_more: self.world.keep_lock(module_args)
        outside = set(self.plan.members).difference(self.hosts)
        action._observed = lambda name: {name: self.world.observe(name, self.plan)} if name in outside else {}
        answer: dict[str, Any] = action._step(self.files, args, {})
        return answer

    def _each(self, names: Collection[str], state: str) -> None:
        for name in names:
            self._ask(agent_release, name, {"state": state}, self.world.release)

    def _observe(self, names: Collection[str], **args: Any) -> None:
        for name in names:
            self._ask(agent_info, name, dict(args), self.world.look)

    def _ask(self, module: Any, name: str, args: dict[str, Any], does: Callable[..., dict[str, Any]]) -> None:
        """HostAction.run, without Ansible."""
        action = object.__new__(module.ActionModule)
        action._task = SimpleNamespace(check_mode=False, become=False)
        action._connection = SimpleNamespace(become=None, transport="local")
        action._display = SimpleNamespace(display=lambda *_args, **_more: None)
        action._execute_module = lambda module_args, **_more: does(name, module_args, self.plan)
        given = action.arguments(self.files, name, args)
        if given is None:
            return
        with self.files.journal.step(record.step_of(given.get("state")), [name]) as step:
            try:
                outcome = action._ask(self.files, name, given, {})
            except AnsibleConnectionFailure:
                return  # the plays ignore it
            step.outcome = (outcome.get("failure") or {}).get("code") or record.OK


def _batches(names: list[str], sizes: list[int]) -> list[list[str]]:
    left = iter(names)
    return [list(itertools.islice(left, size)) for size in sizes]
