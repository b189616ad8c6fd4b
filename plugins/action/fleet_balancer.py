# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of praxis.cloud.fleet_balancer. Documentation: plugins/modules/fleet_balancer.py."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.plugin_utils.fleet_action import FleetAction
from ansible_collections.praxis.cloud.plugins.plugin_utils.run_directory import RunDirectory

#: The clouds' words for a target that gets requests.
HEALTHY = "healthy"


class ActionModule(FleetAction):
    """One call of each balancer's own module, for those of its members that are meant."""

    argument_spec = {
        "members": {"type": "list", "elements": "str", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    }
    _variables: Dict[str, Any] = {}

    def run(self, tmp: Optional[str] = None, task_vars: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        self._variables = task_vars or {}
        return super().run(tmp, task_vars)

    def judge(self, run: RunDirectory, args: Mapping[str, Any]) -> Dict[str, Any]:
        result: Dict[str, Any] = {"changed": False, "targets": [], "addresses": [], "diff": []}
        failures: List[Mapping[str, Any]] = []
        for balancer in run.options()["balancers"]:
            names = [name for name in args["members"] if name in balancer["targets"]]
            if names:
                answer = self._ask(balancer, names, args["state"])
                failures += _failures(answer, balancer)
                result["changed"] |= bool(answer.get("changed"))
                result["targets"] += _targets(answer, names)
                result["addresses"] += answer.get("addresses") or []
                result["diff"] += [answer["diff"]] if answer.get("diff") else []
        if failures:
            message = "\n".join(str(Finding(**failure)) for failure in failures)
            return {**result, "failed": True, "msg": message, "failure": failures[0], "failures": failures}
        return result

    def _ask(self, balancer: Mapping[str, Any], names: List[str], state: str) -> Dict[str, Any]:
        options = {**balancer["options"], "targets": [balancer["targets"][name] for name in names], "state": state}
        answer: Dict[str, Any] = self._execute_module(
            module_name=balancer["module"], module_args=options, task_vars=self._variables
        )
        return answer


def _failures(answer: Mapping[str, Any], balancer: Mapping[str, Any]) -> List[Mapping[str, Any]]:
    """What went wrong, as findings; a module that did not get as far as saying so itself is one."""
    if not answer.get("failed"):
        return []
    where = ", ".join(str(value) for value in balancer["options"].values())
    said = Finding("load-balancer", str(answer.get("msg") or "It did not answer."), where, "See the message.")
    return answer.get("failures") or [said.as_dict()]


def _targets(answer: Mapping[str, Any], names: List[str]) -> List[Dict[str, Any]]:
    """The members as their balancer sees them: modules answer in the order they were asked in."""
    seen = answer.get("targets") or []
    return [
        {
            "member": name,
            "state": target["state"],
            "healthy": target["state"].lower() == HEALTHY,
            "description": target.get("description") or "",
        }
        for name, target in zip(names, seen)
    ]
