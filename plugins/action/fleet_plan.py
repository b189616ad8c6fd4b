# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of praxis.cloud.fleet_plan. Documentation: plugins/modules/fleet_plan.py."""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from typing import Any, Collection, Dict, Iterable, List, Mapping, Optional, Tuple, Union

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.praxis.cloud.plugins.module_utils.agent.grouping import lines
from ansible_collections.praxis.cloud.plugins.module_utils.finding import ERROR, WARNING, Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.plan import Plan, require_id
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.status import plain_findings
from ansible_collections.praxis.cloud.plugins.plugin_utils import (
    controller,
    fleet_variables,
    kinds,
    play_variables,
    records,
    whole_inventory,
)
from ansible_collections.praxis.cloud.plugins.plugin_utils.balancer_tasks import (
    Balancer,
    balancers,
    named,
    unnamed,
)
from ansible_collections.praxis.cloud.plugins.plugin_utils.beside import NOBODY, TARGET, Beside
from ansible_collections.praxis.cloud.plugins.plugin_utils.drafts import Shared
from ansible_collections.praxis.cloud.plugins.plugin_utils.fleet_action import confirm_deadline, lease
from ansible_collections.praxis.cloud.plugins.plugin_utils.fleet_variables import PLACE, MemberVariables
from ansible_collections.praxis.cloud.plugins.plugin_utils.hooks import hooks
from ansible_collections.praxis.cloud.plugins.plugin_utils.kept_planner import Kept, KeptPlanner, Outcomes
from ansible_collections.praxis.cloud.plugins.plugin_utils.logins import Logins, remembered
from ansible_collections.praxis.cloud.plugins.plugin_utils.member_places import not_proxied
from ansible_collections.praxis.cloud.plugins.plugin_utils.planner import Planner
from ansible_collections.praxis.cloud.plugins.plugin_utils.run_directory import RunDirectory
from ansible_collections.praxis.cloud.plugins.plugin_utils.run_variables import RunVariables
from ansible_collections.praxis.cloud.plugins.plugin_utils.variable_names import misspelt
from ansible_collections.praxis.cloud.plugins.plugin_utils.variable_types import (
    RUN_OPTIONS,
    RUN_VARIABLES,
    RUN_WORDS,
    run_options,
)

#: What the hosts keep; and of those that have not said it, what Ansible says in its place.
Answers = Tuple[Kept, Kept]


class ActionModule(ActionBase):  # type: ignore[misc]
    """Reads variables and stores, writes the plan into the run's directory, returns a summary."""

    TRANSFERS_FILES = False
    argument_spec: Dict[str, Any] = {
        "hosts": {"type": "list", "elements": "str", "default": []},
        "allow_missing": {"type": "bool", "default": False},
        "plan_id": {"type": "str", "default": ""},
        "observe": {"type": "bool", "default": False},
        # Checked with everything else, so that a wrong one is reported by the name of the user's variable.
        **{option: {"type": "raw"} for option in RUN_OPTIONS},
        **{option: {"type": "raw", "default": words[0]} for option, (_variable, words) in RUN_WORDS.items()},
        "hooks": {"type": "raw", "default": {}},
        "record": {"type": "raw"},
        "take_over": {"type": "str", "default": ""},
        "kept": {"type": "str", "default": ""},
        "to": {"type": "str", "default": ""},
        "needed": {"type": "list", "elements": "str", "default": []},
        "restore": {"type": "dict", "default": {}},
        "reason": {"type": "str", "default": ""},
    }

    def run(self, tmp: Optional[str] = None, task_vars: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        task_vars = task_vars or {}
        result: Dict[str, Any] = super().run(tmp, task_vars)
        _valid, args = self.validate_argument_spec(argument_spec=self.argument_spec)
        try:
            given, lost = self._from_variables(task_vars)
            if lost and not args["observe"]:
                raise Failed(*lost)
            args.update(given)
            names = fleet_variables.machines_of(task_vars["groups"])
            whole_inventory.require(task_vars, names, self._templar.template, observes=args["observe"])
            answers = _answers(task_vars["hostvars"], args["hosts"], args["kept"])
            only = PLACE if args["kept"] else None
            scope, hostvars = args["hosts"] or names, task_vars["hostvars"]
            members, faults, unread = _members(hostvars, names, only, scope, args["observe"])
            faults += play_variables.unseen(self._task, task_vars, self._templar.template, names, only)
            pods = _beside(task_vars, names, members)
            beside = [*whole_inventory.stopped(task_vars), *unread, *_as_warnings(lost)]
            planned = self._plan(args, answers, beside, members, faults, pods)
            return {**result, "changed": False, **planned}
        except Failed as error:
            return {**result, "failed": True, **error.as_result()}

    def _from_variables(self, task_vars: Mapping[str, Any]) -> Tuple[Dict[str, Any], List[Finding]]:
        """The options that the task leaves open, from the users' variables; and what is wrong with those unread."""
        found: Dict[str, Any] = {}
        lost = []
        for option, variable in RUN_VARIABLES.items():
            if option in self._task.args or variable not in task_vars:
                continue
            try:
                found[option] = self._templar.template(task_vars[variable])
            except AnsibleError as error:
                lost.append(fleet_variables.unreadable(variable, variable, str(error)))
        return found, lost

    def _plan(
        self,
        args: Dict[str, Any],
        answers: Optional[Answers],
        beside: List[Finding],
        members: List[MemberVariables],
        faults: List[Finding],
        pods: Beside,
    ) -> Dict[str, Any]:
        # A rollback does not wait until an inventory is put right.
        nameless = unnamed(members) if answers is None else []
        faults = [*faults, *_elsewhere(members)]
        numbers, wrong = run_options(args)
        own_tasks, amiss = hooks(args["hooks"], self._loader.load_from_file)
        wrong += [*nameless, *amiss, *records.check(args["record"])]
        if args["observe"]:  # and who only observes has no use for the run's own
            beside, wrong, args["record"] = [*beside, *_as_warnings(wrong)], [], ""
        allow_missing = args["allow_missing"] or bool(self._task.check_mode)
        least = numbers.pop("min_edges")
        planner: Union[Planner, KeptPlanner]
        if answers is None:
            planner = Planner(members, allow_missing, least, [*faults, *wrong], pods)
        else:
            faults, most = [*faults, *wrong], numbers["max_unreachable"]
            needed = args["needed"]
            planner = KeptPlanner(members, answers[0], args["to"], least, faults, pods, answers[1], most, needed)
        try:
            plan = planner.plan()
        except Failed as error:
            return {"failed": True, **error.as_result(), "warnings": self._lines([*beside, *planner.warnings])}
        warnings = [*beside, *planner.warnings]
        if args["plan_id"]:
            require_id(args["plan_id"], plan.id)
        # What is to be made first is known after it is made; only check mode goes on without.
        complete = not planner.missing or bool(self._task.check_mode)
        behind = balancers(named(planner.members) if args["observe"] else planner.members)
        options = self._options(args, numbers, plan, planner, behind)
        outcomes = planner.outcomes if isinstance(planner, KeptPlanner) else {}
        return {
            "plan": plan.describe(),
            "warnings": self._lines(warnings),
            "findings": plain_findings(warnings),
            "ansible_facts": {
                "praxis_plan": {
                    "id": plan.id,
                    "missing": planner.missing,
                    "run": _write(plan, planner, options, outcomes) if complete else "",
                    "balanced": bool(behind),
                    "hooks": own_tasks,
                    "no_proxy": not_proxied(members),
                    "restore": {"hosts": {}, **args["restore"]},
                },
                # Nothing is wrong until it is found to be; a fact cache may still hold an earlier run's verdict.
                "praxis_verdict": {"ok": True},
                "praxis_lock_keepers": [],
            },
        }

    def _options(
        self,
        args: Mapping[str, Any],
        numbers: Mapping[str, Any],
        plan: Plan,
        planner: Union[Planner, KeptPlanner],
        behind: List[Balancer],
    ) -> Dict[str, Any]:
        """What the later steps need to know beside the plan."""
        options: Dict[str, Any] = {
            "hosts": args["hosts"],
            **numbers,
            "confirm_deadline": numbers["confirm_deadline"]
            or confirm_deadline(numbers, len(plan.members), _alone(plan), bool(behind), controller.forks()),
            "lease": lease(numbers, bool(behind)),
            "unfinished": _unfinished({**args, **numbers}, isinstance(planner, KeptPlanner)),
            "take_over": args["take_over"],
            # What plans in check mode deploys nothing: status.yml, verify.yml, plan.yml, and a deployment's own.
            "record": "" if self._task.check_mode else records.directory(args["record"], plan.fleet),
            "began": time.time(),
            "id": plan.id,
            "balancers": behind,
            "deployment": controller.deployment(args["reason"] or planner.reason),
        }
        if isinstance(planner, KeptPlanner):
            options["apart"] = [asdict(item) for item in planner.warnings]
            options["chosen_among"] = planner.chosen_among
        return options

    def _lines(self, findings: Iterable[Finding]) -> List[str]:
        return lines(findings, every=self._display.verbosity > 0)


def _as_warnings(findings: Iterable[Finding]) -> List[Finding]:
    return [replace(each, level=WARNING) for each in findings]


def _unfinished(given: Mapping[str, Any], kept: bool) -> str:
    """What the run does where a deployment has stopped. A rollback is how one is undone, whatever the variable says.

    :param kept: whether it is planned out of what the hosts keep: a rollback is, and what restores a backup.
    """
    return "continue" if kept and not given["restore"] else str(given["unfinished"])


def _alone(plan: Plan) -> int:
    """How many members are activated last, each in a batch of its own."""
    return sum(member.last > 0 for member in plan.members.values())


def _answers(hostvars: Mapping[str, Any], hosts: List[str], variable: str) -> Optional[Answers]:
    """What the hosts of this run have answered, from the variable that it was registered in; None without a name."""
    if not variable:
        return None
    found = fleet_variables.registered(hostvars, hosts, variable)
    silent = {name: answer for name, answer in found.items() if "kept" not in answer}
    return {name: answer for name, answer in found.items() if name not in silent}, silent


def _write(plan: Plan, planner: Union[Planner, KeptPlanner], options: Dict[str, Any], outcomes: Outcomes) -> str:
    """The run's directory.

    :param outcomes: what is known already of hosts that no step of the run goes to.
    """
    run = RunDirectory.create(plan, planner.host_secrets(), planner.engines(), options)
    for name, outcome in outcomes.items():
        run.report(name, outcome)
    return run.path


def _elsewhere(members: List[MemberVariables]) -> List[Finding]:
    """The members that are no machines: nothing of a deployment reaches them."""
    found = []
    for target in sorted({member.target for member in members} - {"machines"}):
        names = [member.name for member in members if member.target == target]
        what = "praxis_target is %s for %s, but this playbook is for machines." % (target, ", ".join(names))
        fix = "Put them into the group praxis_%s, and run the root playbooks or praxis.cloud.%s.deploy."
        if target == TARGET:
            fix += " In a fleet of machines and pods, that group must not be a child of the group praxis."
        found.append(Finding("not-on-machines", what, "inventory", fix % (target, target)))
    return found


def _beside(task_vars: Mapping[str, Any], names: List[str], machines: List[MemberVariables]) -> Beside:
    """The half of the fleet that is in a cluster: kinds whose group is not below the machines'."""
    both = fleet_variables.hosts_of(task_vars["groups"], TARGET)
    known, faults = kinds.read(task_vars["hostvars"], [name for name in both if name not in names])
    if faults:
        return Beside(tuple(faults))
    if not known:
        return NOBODY
    # No other fleet pays for loading it.
    from ansible_collections.praxis.cloud.plugins.plugin_utils import kubernetes_kinds

    return kubernetes_kinds.beside([*machines, *known])


def _members(
    hostvars: Mapping[str, Any],
    names: List[str],
    only: Optional[Collection[str]],
    scope: Collection[str],
    observe: bool = False,
) -> Tuple[List[MemberVariables], List[Finding], List[Finding]]:
    """The members whose variables can be read, what is wrong with the others, and the variables that nothing reads:
    each once, however many share it.

    :param only: the variables that are read; see :func:`fleet_variables.members`.
    :param scope: the hosts of this run (``--limit``), which have to have its numbers alike.
    :param observe: whether they are only observed, which needs none of these numbers.
    """
    members: List[MemberVariables] = []
    wrong, unread = Shared(len(names)), Shared(len(names))
    of_the_run, logins, known = RunVariables(), Logins(), remembered(names)
    for name in names:
        own = hostvars[name]  # worked out anew each time that it is asked for
        if name in scope:
            of_the_run.add(name, own)
        if not known:
            logins.add(name, own)
        unread.add(name, misspelt(own))
        try:
            members += fleet_variables.members({name: own}, [name], only)
        except Failed as error:
            wrong.add(name, [replace(finding, where="variables") for finding in error.findings])
    faults = [*wrong.reported(), *logins.findings()]
    differing = of_the_run.differing()
    if observe or only is not None:  # a rollback does not wait until an inventory is put right
        differing = _as_warnings(differing)
    refused = [each for each in differing if each.level == ERROR]
    told = [each for each in differing if each.level == WARNING]
    return members, [*faults, *refused], [*unread.reported(), *told]
