# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of praxis.cloud.fleet_inventory. Documentation: plugins/modules/fleet_inventory.py."""

from __future__ import annotations

from typing import Any, Dict, Optional

from ansible.plugins.action import ActionBase

from ansible_collections.praxis.cloud.plugins.module_utils.agent.grouping import lines
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.plugin_utils import fleet_variables, whole_inventory
from ansible_collections.praxis.cloud.plugins.plugin_utils.beside import TARGET
from ansible_collections.praxis.cloud.plugins.plugin_utils.variable_names import misspelt


class ActionModule(ActionBase):  # type: ignore[misc]
    """Looks at the inventory that was read, and at Ansible's settings. Asks nobody."""

    TRANSFERS_FILES = False
    argument_spec: Dict[str, Any] = {
        "allow_empty": {"type": "bool", "default": False},
        "logs_in": {"type": "bool", "default": True},
        "needs_cloud": {"type": "bool", "default": False},
        "observes": {"type": "bool", "default": False},
        "group": {"type": "str", "default": ""},
    }

    def run(self, tmp: Optional[str] = None, task_vars: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        task_vars = task_vars or {}
        result: Dict[str, Any] = super().run(tmp, task_vars)
        _valid, args = self.validate_argument_spec(argument_spec=self.argument_spec)
        machines = fleet_variables.machines_of(task_vars["groups"])
        may_be_empty = args["allow_empty"] or bool(fleet_variables.hosts_of(task_vars["groups"], TARGET))
        try:
            whole_inventory.require(
                task_vars, machines, self._templar.template, may_be_empty, args["logs_in"], args["observes"]
            )
            if args["group"]:
                whole_inventory.require_group(task_vars["groups"], args["group"])
            if args["logs_in"]:
                whole_inventory.require_logins(task_vars["hostvars"], machines)
            if args["needs_cloud"]:
                whole_inventory.require_cloud(task_vars["groups"])
        except Failed as error:
            return {**result, "failed": True, **error.as_result()}
        return {**result, "changed": False, "warnings": lines(misspelt(task_vars), every=self._display.verbosity > 0)}
