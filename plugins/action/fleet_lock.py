# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of praxis.cloud.fleet_lock. Documentation: plugins/modules/fleet_lock.py."""

from __future__ import annotations

import time
from functools import partial
from typing import Any, Dict, Mapping, Optional

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase

from ansible_collections.praxis.cloud.plugins.module_utils.deployment import REFUSALS, is_refused, stopped
from ansible_collections.praxis.cloud.plugins.module_utils.finding import ERROR, WARNING, Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import history, lock, step_failure
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.outcomes import observations_of
from ansible_collections.praxis.cloud.plugins.plugin_utils import (
    controller,
    fleet_variables,
    host_memory,
    screen,
    variable_types,
)
from ansible_collections.praxis.cloud.plugins.plugin_utils.host_action import (
    hold_to_ours,
    not_run,
    patiently,
    require_root,
)
from ansible_collections.praxis.cloud.plugins.plugin_utils.person_lock import PersonLock
from ansible_collections.praxis.cloud.plugins.plugin_utils.run_directory import RunDirectory

MODULE = "praxis.cloud.fleet_lock"
#: Seconds for which the lock need not be observed again.
MOMENT = 5.0
#: Seconds to wait for a step of another deployment on the host that keeps the lock.
STEP_SECONDS = 60.0


class ActionModule(ActionBase):  # type: ignore[misc]
    """Without ``run`` it is its module, no more. What is wrong is recorded for the verdict; the task does not fail."""

    TRANSFERS_FILES = False

    def run(self, tmp: Optional[str] = None, task_vars: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        result: Dict[str, Any] = super().run(tmp, task_vars or {})
        args = dict(self._task.args)
        hold_to_ours(self._connection)
        try:
            require_root(self._connection, self._task, str(args.get("host") or (task_vars or {})["inventory_hostname"]))
            if args.get("state") == "observed":
                return {**result, **host_memory.ask(self)}
            if "wait" in args:
                return {**result, **self._wait(args, task_vars or {})}
            if args.get("free"):
                return {**result, **_free(args, task_vars or {})}
            if "observations" in args:
                return {**result, **self._by_hand(args, task_vars or {})}
            if "run" not in args:
                return {**result, **self._execute_module(module_name=MODULE, module_args=args, task_vars=task_vars)}
            run = RunDirectory(str(args.pop("run")))
        except Failed as error:
            return {**result, "failed": True, **error.as_result()}
        return {**result, **self._step(run, args, task_vars)}

    def _step(self, run: RunDirectory, args: Mapping[str, Any], task_vars: Any) -> Dict[str, Any]:
        """Take the lock on this host, see that this run has it still, or give it back."""
        keeper = str(args.get("host") or (run.lock.held() or {"lock_host": ""})["lock_host"])
        if args.get("state") == "absent":
            return self._give_back(run, keeper, task_vars)
        if is_refused(run.recorded()):
            answer = {"changed": False, "locked": False}
        elif run.lock.is_kept_by(keeper):
            answer = self._hold(run, keeper, task_vars)
        elif run.lock.held() and keeper not in lock.shared(run.table().members, observations_of(run.outcomes())):
            return {"changed": False, "locked": False}  # it would have kept the lock in another one's place
        else:
            answer = self._take(run, args, task_vars)
        return {**answer, "refused": is_refused(run.recorded())}

    def _wait(self, args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> Dict[str, Any]:
        """Find out which host to ask, or ask this one until no other deployment holds the fleet. Whether one does is
        asked again when this run takes the lock, so nothing depends on the answer."""
        until = time.monotonic() + _numbers(args)["wait"]
        answers = _answers(args, task_vars)
        known = observations_of(answers)
        if "host" not in args:
            ask = _whom_to_ask(answers, known)
            return {"changed": False, "locked": False, "ask": ask, "otherwise": _whom_else(ask, known)}
        waited_for = ""
        while True:
            seen = self._observed(args["host"])
            if not (seen or args["host"] in known):
                return {"changed": False, "locked": False, "silent": True}
            # One that cannot be asked any more may be back before the end: until then it is as it was.
            holder = lock.holder(seen or known, controller.alive)
            left = until - time.monotonic()
            if holder is None or holder.gone or left <= 0:
                return {"changed": False, "locked": False}
            if holder.run != waited_for:
                waited_for = holder.run
                screen.report(self._display, "Waiting %d s at most. %s" % (left, holder.locked().what))
            time.sleep(min(MOMENT, left))

    def _observed(self, name: str) -> Dict[str, Mapping[str, Any]]:
        """What the host of this task remembers, under its name; nothing when it cannot be asked."""
        try:
            answer = host_memory.ask(self)
        except AnsibleError:
            return {}
        return {name: answer["observation"]} if "observation" in answer else {}

    def _by_hand(self, args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> Dict[str, Any]:
        """Lock the fleet for a person, or unlock it."""
        ask, observations = partial(self._ask, task_vars=task_vars), _observations(args, task_vars)
        keeper = min(args["hosts"])  # the host of this task
        if keeper not in observations:  # with --limit it was not asked, and may be the only one that knows
            observations = {**self._observed(keeper), **observations}
        person = PersonLock(self._display, ask, observations, self._task.check_mode)
        if args.get("state") == "absent":
            return person.give_back(keeper)
        return person.take(args["hosts"], str(args.get("reason") or "no reason given"), _numbers(args)["lease"])

    def _hold(self, run: RunDirectory, keeper: str, task_vars: Any) -> Dict[str, Any]:
        """Renew the lease, or learn that another deployment has taken over."""
        held, first = run.lock.deployment_on(keeper) or {}, (run.lock.held() or {})["lock_host"]
        # Who takes over knows one of the hosts that keep the lock, and maybe one only.
        if run.lock.renewed_ago() < MOMENT and keeper == first:
            return {"changed": False, "locked": True}
        answer = self._ask(keeper, {"deployment": held, "seen": held["fence"]}, task_vars)
        findings = [Finding(**failure) for failure in answer["failures"]] if answer.get("failed") else []
        if not findings:
            run.lock.renew()
        # The keeper itself may be in trouble. Other hosts still refuse whoever has been taken over from.
        run.record([item if item.code in REFUSALS else _unseen(item) for item in findings])
        return {**_reported(answer), "locked": not is_refused(findings)}

    def _take(self, run: RunDirectory, args: Mapping[str, Any], task_vars: Any) -> Dict[str, Any]:
        observations, options, held = observations_of(run.outcomes()), run.options(), run.lock.held()
        keeper = str(args["host"])
        if keeper not in observations:  # outside of the run (--limit): it alone may know who holds the fleet
            observations = {**observations, **self._observed(keeper)}
        fence = held["fence"] if held else lock.top(observations) + 1
        wanted = {**options["deployment"], "lock_host": keeper, "fence": fence, "lease": options["lease"]}
        before = lock.holder(observations, controller.alive, options["take_over"])
        refused = _left_alone(before, options, keeper)
        if refused:
            run.record([refused])
            return {"changed": False, "locked": False}
        seen = (observations[keeper].get("deployment") or {"fence": 0})["fence"] if keeper in observations else None
        over = [before.run] if before and before.gone else [options["take_over"]]
        answer = self._ask(keeper, {"deployment": wanted, "seen": seen, "over": over}, task_vars)
        if answer.get("failed"):
            found = [Finding(**failure) for failure in answer["failures"]]
            asks_next = (args.get("try_next") or held) and not is_refused(found)
            run.record([_elsewhere(item) if asks_next else item for item in found])
        else:
            run.lock.take({**wanted, "fence": answer["fence"]})
            left = before.left if before else None
            if left is not None:
                run.lock.go_on(str(left["reason"]), stopped(left))
            beyond = run.table().beyond(options["hosts"]).union(run.order.left_out())
            words = str(wanted["reason"])
            goal = words[len(history.ROLLBACK) :] if left and words.startswith(history.ROLLBACK) else ""
            run.record([before.taken_over(beyond, goal)] if before else [])
        return {"changed": False, **_reported(answer), "locked": not answer.get("failed")}

    def _give_back(self, run: RunDirectory, keeper: str, task_vars: Any) -> Dict[str, Any]:
        held = run.lock.deployment_on(keeper)
        if held is None or not run.lock.is_kept_by(keeper):
            return {"changed": False, "skipped": True, "skip_reason": "This host does not have this run's lock."}
        # What it has taken over, and done nothing to, has not ended: others need not wait for it, and go on from there.
        undone = {"deployment": {**held, "lease": 0.0, **(run.lock.goes_on() or {})}, "seen": held["fence"]}
        wanted = undone if _leaves_undone(run) else {"deployment": held, "state": "absent"}
        answer = self._ask(keeper, wanted, task_vars)
        findings = [Finding(**failure) for failure in answer["failures"]] if answer.get("failed") else []
        if findings and not is_refused(findings):
            what = "The fleet's lock could not be released: %s" % answer["failure"]["what"]
            fix = "Nothing to do before the next deployment: the lock ends by itself after %d s at most. A rollback "
            fix += "before that may take this run for one that stopped, and undo no other: name where it should go, "
            fix = (fix + "-e praxis_to=ID (history.yml lists them).") % held["lease"]
            run.record([Finding("lock-kept", what, keeper, fix, level=WARNING)])
        return _reported(answer)

    def _ask(self, host: str, args: Dict[str, Any], task_vars: Any) -> Dict[str, Any]:
        """The module's answer; a host that cannot be asked is one that failed."""

        def ask(patience: float) -> Dict[str, Any]:
            found: Dict[str, Any] = self._execute_module(
                module_name=MODULE, module_args={**args, "lock_deadline": patience}, task_vars=task_vars
            )
            return found

        try:
            answer = patiently(self._display, host, STEP_SECONDS, ask)
        except AnsibleConnectionFailure as error:
            finding = step_failure.unreachable(host, str(error))
        except AnsibleError as error:
            finding = not_run(host, {"msg": str(error)})
        else:
            if not answer.get("failed") or answer.get("failures"):
                return answer
            finding = not_run(host, answer)
        return {"failed": True, **Failed(finding).as_result()}


def _free(args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> Dict[str, Any]:
    """See that nobody holds the fleet.

    :raises Failed: somebody does, or nobody knows.
    """
    observations = _observations(args, task_vars)
    held = lock.holder(observations, controller.alive, str(args.get("take_over") or ""))
    if held and not held.gone:
        raise Failed(held.locked())
    forced = boolean(args.get("force") or False, strict=False)
    unknown = lock.unknown(list(args["hosts"]), observations, forced)
    if unknown and not forced:
        raise Failed(unknown)
    return {"changed": False, "locked": False, "warnings": [str(unknown)] if unknown else []}


def _answers(args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> Dict[str, Any]:
    """What the fleet's hosts have answered, as an earlier task has registered it; nothing of one that was not asked."""
    return fleet_variables.registered(task_vars["hostvars"], list(args["hosts"]), str(args["observations"]))


def _observations(args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> Dict[str, Mapping[str, Any]]:
    """What these hosts remember."""
    return observations_of(_answers(args, task_vars))


def _whom_to_ask(answers: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]]) -> str:
    """The member whose host tells when the fleet is free; empty where it is. With --limit it may be one that was not
    asked: who was asked may know nothing, or no more than that a deployment has made a step there."""
    unasked = [name for name, answer in answers.items() if not answer]
    held, first = lock.holder(known, controller.alive), min(answers)
    if held is not None:
        return "" if held.gone else lock.watched(held, known, unasked)
    return first if first in unasked else ""


def _whom_else(ask: str, known: Mapping[str, Mapping[str, Any]]) -> str:
    """The member whose host tells where the one to ask has not answered yet, and may not be there: of those that have,
    the one that knows most. Empty where that one has answered, or nobody knows of a deployment."""
    held = None if ask in known else lock.holder(known, controller.alive)
    return "" if held is None or held.gone else lock.watched(held, known)


def _left_alone(before: Optional[lock.Holder], options: Mapping[str, Any], keeper: str) -> Optional[Finding]:
    """Why this run does not take the fleet over from a deployment that stopped. None: it does, or there is none."""
    if before is None or not before.gone:
        return None
    if options["unfinished"] == "refuse":
        return before.refused()
    among = options.get("chosen_among")
    known = among is None or before.by_hand or keeper in options["hosts"] or before.stopped in among
    return None if known else before.overlooked()


def _leaves_undone(run: RunDirectory) -> bool:
    """Whether this run has ended before it did anything to what another deployment left. Where a third one keeps it
    from the fleet, that one sees to it."""
    recorded = run.recorded()
    failed = any(item.level == ERROR for item in recorded) and not is_refused(recorded)
    return failed and run.lock.goes_on() is not None and not (run.touched() or run.called_good())


def _numbers(args: Mapping[str, Any]) -> Dict[str, Any]:
    """The numbers among the options.

    :raises Failed: naming the variable that is none.
    """
    found, findings = variable_types.numbers(args, variable_types.LOCK_OPTIONS)
    if findings:
        raise Failed(*findings)
    return found


def _elsewhere(finding: Finding) -> Finding:
    what = "%s Another host of this run now keeps the fleet's lock." % finding.what
    return Finding("lock-elsewhere", what, finding.where, finding.fix, level=WARNING)


def _unseen(finding: Finding) -> Finding:
    what = "%s So this run cannot see whether another deployment has taken the fleet over." % finding.what
    return Finding("lock-unseen", what, finding.where, finding.fix, level=WARNING)


def _reported(answer: Dict[str, Any]) -> Dict[str, Any]:
    """An answer as data: what Ansible makes of a failure would be printed as one."""
    return {key: answer[key] for key in ("changed", "diff", "fence", "failure", "failures") if key in answer}
