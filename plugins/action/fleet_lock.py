# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of praxis.cloud.fleet_lock. Documentation: plugins/modules/fleet_lock.py."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.praxis.cloud.plugins.module_utils.deployment import REFUSALS
from ansible_collections.praxis.cloud.plugins.module_utils.finding import WARNING, Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import lock, step_failure
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.order import looks_of
from ansible_collections.praxis.cloud.plugins.plugin_utils import controller
from ansible_collections.praxis.cloud.plugins.plugin_utils.host_action import keep_alive, not_run
from ansible_collections.praxis.cloud.plugins.plugin_utils.run_directory import RunDirectory

MODULE = "praxis.cloud.fleet_lock"
#: Seconds for which the lock need not be looked at again.
MOMENT = 5.0


class ActionModule(ActionBase):  # type: ignore[misc]
    """Without ``run`` it is its module, no more. What is wrong is recorded for the verdict; the task does not fail."""

    TRANSFERS_FILES = False

    def run(self, tmp: Optional[str] = None, task_vars: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        result: Dict[str, Any] = super().run(tmp, task_vars or {})
        args = dict(self._task.args)
        if "run" not in args:
            return {**result, **self._execute_module(module_name=MODULE, module_args=args, task_vars=task_vars)}
        try:
            run = RunDirectory(str(args.pop("run")))
        except Failed as error:
            return {**result, "failed": True, **error.as_result()}
        if args.get("state") == "absent":
            answer = self._give_back(run, task_vars)
        elif any(item.code in REFUSALS for item in run.recorded()):
            answer = {"changed": False, "locked": False}
        elif run.locked():
            answer = self._hold(run, task_vars)
        else:
            answer = self._take(run, args, task_vars)
        return {**result, **answer}

    def _hold(self, run: RunDirectory, task_vars: Any) -> Dict[str, Any]:
        """Renew the lease, or learn that another deployment has taken over."""
        held = run.locked() or {}
        if run.renewed_ago() < MOMENT:
            return {"changed": False, "locked": True}
        answer = self._ask(held["lock_host"], {"deployment": held, "seen": held["fence"]}, task_vars)
        findings = [Finding(**failure) for failure in answer["failures"]] if answer.get("failed") else []
        if not findings:
            run.renew()
        # The keeper itself may be in trouble. Other hosts still refuse whoever has been taken over from.
        run.record([item if item.code in REFUSALS else _unseen(item) for item in findings])
        return {**_told(answer), "locked": not any(item.code in REFUSALS for item in findings)}

    def _take(self, run: RunDirectory, args: Mapping[str, Any], task_vars: Any) -> Dict[str, Any]:
        looks, options = looks_of(run.outcomes()), run.options()
        keeper = str(args["host"])
        wanted = {**options["deployment"], "lock_host": keeper, "fence": lock.top(looks) + 1, "lease": options["lease"]}
        before = lock.holder(looks, controller.alive, options["take_over"])
        seen = (looks[keeper].get("deployment") or {"fence": 0})["fence"] if keeper in looks else None
        over = [before.run] if before and before.gone else [options["take_over"]]
        answer = self._ask(keeper, {"deployment": wanted, "seen": seen, "over": over}, task_vars)
        if answer.get("failed"):
            found = [Finding(**failure) for failure in answer["failures"]]
            asks_next = args.get("try_next") and not any(item.code in REFUSALS for item in found)
            run.record([_elsewhere(item) if asks_next else item for item in found])
        else:
            run.lock({**wanted, "fence": answer["fence"]})
            run.record([before.taken_over()] if before else [])
        return {"changed": False, **_told(answer), "locked": not answer.get("failed")}

    def _give_back(self, run: RunDirectory, task_vars: Any) -> Dict[str, Any]:
        held = run.locked()
        if held is None:
            return {"changed": False, "skipped": True, "skip_reason": "This run has no lock."}
        answer = self._ask(held["lock_host"], {"deployment": held, "state": "absent"}, task_vars)
        if answer.get("failed"):
            what = "The fleet's lock could not be given back: %s" % answer["failure"]["what"]
            fix = "Nothing, if the next deployment is from here; others wait for %d s at most." % held["lease"]
            run.record([Finding("lock-kept", what, held["lock_host"], fix, level=WARNING)])
        return _told(answer)

    def _ask(self, host: str, args: Dict[str, Any], task_vars: Any) -> Dict[str, Any]:
        """The module's answer; a host that cannot be asked is one that failed."""
        keep_alive(self._connection)
        try:
            answer: Dict[str, Any] = self._execute_module(module_name=MODULE, module_args=args, task_vars=task_vars)
        except AnsibleConnectionFailure as error:
            finding = step_failure.unreachable(host, str(error))
        except AnsibleError as error:
            finding = not_run(host, {"msg": str(error)})
        else:
            if not answer.get("failed") or answer.get("failures"):
                return answer
            finding = not_run(host, answer)
        return {"failed": True, **Failed(finding).as_result()}


def _elsewhere(finding: Finding) -> Finding:
    what = "%s So another host of this run keeps the fleet's lock." % finding.what
    return Finding("lock-elsewhere", what, finding.where, finding.fix, level=WARNING)


def _unseen(finding: Finding) -> Finding:
    what = "%s So this run cannot see whether another deployment has taken the fleet over." % finding.what
    return Finding("lock-unseen", what, finding.where, finding.fix, level=WARNING)


def _told(answer: Dict[str, Any]) -> Dict[str, Any]:
    """An answer as data: what Ansible makes of a failure would be printed as one."""
    return {key: answer[key] for key in ("changed", "diff", "fence", "failure", "failures") if key in answer}
