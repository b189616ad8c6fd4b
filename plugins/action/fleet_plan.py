# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of praxis.cloud.fleet_plan. Documentation: plugins/modules/fleet_plan.py."""

from __future__ import annotations

from typing import Any, Dict, Optional

from ansible.plugins.action import ActionBase

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.plan import require_id
from ansible_collections.praxis.cloud.plugins.plugin_utils import fleet_variables
from ansible_collections.praxis.cloud.plugins.plugin_utils.planner import Planner
from ansible_collections.praxis.cloud.plugins.plugin_utils.run_directory import RunDirectory


class ActionModule(ActionBase):  # type: ignore[misc]
    """Reads variables and stores, writes the plan into the run's directory, returns a summary."""

    TRANSFERS_FILES = False

    def run(self, tmp: Optional[str] = None, task_vars: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        task_vars = task_vars or {}
        result: Dict[str, Any] = super().run(tmp, task_vars)
        _valid, args = self.validate_argument_spec(
            argument_spec={
                "hosts": {"type": "list", "elements": "str", "required": True},
                "settings_only": {"type": "bool", "default": False},
                "plan_id": {"type": "str", "default": ""},
                "min_edges": {"type": "int"},
                "batch": {"type": "int", "default": 1},
                "keep_releases": {"type": "int", "default": 5},
                "deadline": {"type": "int", "default": 120},
                "pull_deadline": {"type": "int", "default": 900},
            }
        )
        try:
            return {**result, **self._plan(args, task_vars)}
        except Failed as error:
            return {**result, "failed": True, **error.as_result()}

    def _plan(self, args: Dict[str, Any], task_vars: Dict[str, Any]) -> Dict[str, Any]:
        names = [str(name) for name in task_vars["groups"].get(fleet_variables.GROUP, [])]
        members = fleet_variables.members(task_vars["hostvars"], names)
        planner = Planner(members, allow_unknown=bool(self._task.check_mode), min_edges=args["min_edges"])
        if args["settings_only"]:
            planner.check()
            return {"changed": False}
        plan = planner.plan()
        if args["plan_id"]:
            require_id(args["plan_id"], plan)
        options = {key: args[key] for key in ("hosts", "batch", "keep_releases", "deadline", "pull_deadline")}
        run = RunDirectory.create(plan, planner.host_secrets(), planner.engines(), {**options, "id": plan.id})
        targets = {name: {"id": member.target, "port": member.api_port} for name, member in plan.members.items()}
        return {
            "changed": False,
            "plan": plan.describe(),
            "warnings": [str(finding) for finding in planner.warnings],
            "ansible_facts": {
                "praxis_plan": {"id": plan.id, "run": run.path, "targets": targets},
                # Nothing is wrong until it is found to be; a fact cache may still hold an earlier run's verdict.
                "praxis_verdict": {"ok": True, "put_back": []},
            },
        }
