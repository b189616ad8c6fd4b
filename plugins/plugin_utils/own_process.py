# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module of the controller, carried out by the process that runs its task.

A module execution packs the module, starts a Python and imports an SDK that the inventory has imported here already:
a third of what a run that finds nothing to do costs. Where a task's place is another one than this process's, its
module is executed as any other.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any, Optional

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.json import Direction, get_module_encoder
from ansible.module_utils.common.parameters import remove_values
from ansible.plugins.action.normal import ActionModule as ModuleAction

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed


class OwnProcess(ModuleAction):
    """A module that says which arguments it takes (``SPEC``) and what it does (``run``)."""

    module: ModuleType

    def run(self, tmp: Optional[str] = None, task_vars: Optional[dict[str, Any]] = None) -> dict[str, Any]:
        if not self._is_here(task_vars or {}):
            executed: dict[str, Any] = super().run(tmp, task_vars)
            return executed
        # As a module gets them: JSON's types, without what Ansible knows of a value's origin.
        encoder = get_module_encoder("legacy", Direction.CONTROLLER_TO_MODULE)
        given = json.loads(json.dumps(self._task.args, cls=encoder))
        validated = ArgumentSpecValidator(self.module.SPEC).validate(given)
        if validated.error_messages:
            message = f"Unsupported parameters, or wrong ones, for {self._task.action}: {validated.errors.msg}"
            result: dict[str, Any] = {"failed": True, "msg": message}
        else:
            result = self._carried_out(validated.validated_parameters)
        # And as a module's result comes back.
        return dict(json.loads(json.dumps(remove_values(result, validated._no_log_values))))

    def _carried_out(self, options: dict[str, Any]) -> dict[str, Any]:
        try:
            result: dict[str, Any] = self.module.run(options, bool(self._task.check_mode))
        except Failed as failed:
            return {"failed": True, **failed.as_result()}
        for warning in result.pop("warnings", ()):
            self._display.warning(warning)
        return {"changed": False, **result}

    def _is_here(self, task_vars: Mapping[str, Any]) -> bool:
        """Whether a module would run on this machine, by this Python, as this user and in this environment."""
        task = self._task
        if task.delegate_to:
            task_vars = (task_vars.get("ansible_delegated_vars") or {}).get(task.delegate_to) or {}
        python = self._templar.template(task_vars.get("ansible_python_interpreter"))
        elsewhere = (self._connection.transport != "local", self._connection.become, any(task.environment or ()))
        return python == sys.executable and not any(elsewhere) and not task.async_val
