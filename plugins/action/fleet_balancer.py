# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of praxis.cloud.fleet_balancer. Documentation: plugins/modules/fleet_balancer.py."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional, Sequence

from ansible_collections.praxis.cloud.plugins.module_utils.fleet import record
from ansible_collections.praxis.cloud.plugins.plugin_utils import own_process
from ansible_collections.praxis.cloud.plugins.plugin_utils.balancer_pass import BalancerPass
from ansible_collections.praxis.cloud.plugins.plugin_utils.fleet_action import FleetAction
from ansible_collections.praxis.cloud.plugins.plugin_utils.run_directory import RunDirectory


class ActionModule(FleetAction):
    """One call of each balancer's own module, for those of its members that are meant."""

    argument_spec = {
        "members": {"type": "list", "elements": "str", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "only_serving": {"type": "bool", "default": False},
        "departed": {"type": "bool", "default": False},
        "observe": {"type": "bool", "default": False},
    }
    _variables: Dict[str, Any] = {}
    #: Seconds, where the user has said how long a balancer may take.
    _join_timeout: Optional[int] = None

    def run(self, tmp: Optional[str] = None, task_vars: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        self._variables = task_vars or {}
        self._connection.set_become_plugin(None)  # this is the controller, whatever variables say of all hosts
        return super().run(tmp, task_vars)

    def judge(self, run: RunDirectory, args: Mapping[str, Any]) -> Dict[str, Any]:
        options = run.options()
        self._join_timeout = options.get("join_timeout")
        behind = {name for balancer in options["balancers"] for name in balancer["targets"]}
        members = [name for name in args["members"] if name in behind]
        # Also without a balancer, where too few others may serve.
        if args["state"] == "absent" and set(args["members"]).intersection(run.touched()):
            run.begin_rollback(args["members"])
        with run.journal.step(record.step_of(args["state"]), members) as step:
            one = BalancerPass(run, args, self._ask, self._task.check_mode)
            step.hosts = [name for name in members if name in one.members]
            result = one.go()
            if args["state"] == "present":
                step.hosts = [name for name in step.hosts if name in one.put_in]
            step.outcome = (result.get("failure") or {}).get("code") or record.OK
        return result

    def _ask(
        self, balancer: Mapping[str, Any], targets: Sequence[Mapping[str, Any]], state: str, wait: bool = True
    ) -> Dict[str, Any]:
        # Who leaves is waited for on the machine, where the end of its connections shows: host/drain.py.
        wait = wait and state == "present"
        options = {**balancer["options"], "targets": list(targets), "state": state, "wait": wait}
        if wait and self._join_timeout is not None:
            options["wait_timeout"] = self._join_timeout
        return own_process.execute(self, balancer["module"], options, self._variables)
