# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module of the controller, carried out by the process that runs its task.

A module execution packs the module, starts a Python and imports an SDK that the inventory has imported here already:
a third of what a run that finds nothing to do costs. Where a task's place is another one than this process's, its
module is executed as any other.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any, Optional

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.json import Direction, get_module_encoder
from ansible.module_utils.common.parameters import remove_values
from ansible.plugins.action import ActionBase
from ansible.plugins.action.normal import ActionModule as ModuleAction

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, failure_result

_COLLECTION = "praxis.cloud."
_MODULES = "ansible_collections.praxis.cloud.plugins.modules"
_PYTHON = "ansible_python_interpreter"


class OwnProcess(ModuleAction):
    """A module that says which arguments it takes (``SPEC``) and what it does (``run``)."""

    module: ModuleType

    def run(self, tmp: Optional[str] = None, task_vars: Optional[dict[str, Any]] = None) -> dict[str, Any]:
        if is_here(self, task_vars or {}):
            return carried_out(self, self.module, self._task.action, self._task.args)
        executed: dict[str, Any] = super().run(tmp, task_vars)
        return executed


def execute(
    action: ActionBase, name: str, arguments: Mapping[str, Any], task_vars: Mapping[str, Any]
) -> dict[str, Any]:
    """The result of a module that an action wants, carried out here if this is its place.

    :param name: with the collection's, which is this one.
    """
    if is_here(action, task_vars):
        module = importlib.import_module(f"{_MODULES}.{name.removeprefix(_COLLECTION)}")
        return carried_out(action, module, name, arguments)
    executed: dict[str, Any] = action._execute_module(module_name=name, module_args=arguments, task_vars=task_vars)
    return executed


def carried_out(action: ActionBase, module: ModuleType, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """A module's result. What its ``run`` returns may be a result and what is wrong with it."""
    # As a module gets them: JSON's types, without what Ansible knows of a value's origin.
    encoder = get_module_encoder("legacy", Direction.CONTROLLER_TO_MODULE)
    given = json.loads(json.dumps(arguments, cls=encoder))
    validated = ArgumentSpecValidator(module.SPEC).validate(given)
    if validated.error_messages:
        message = f"Unsupported parameters, or wrong ones, for {name}: {validated.errors.msg}"
        result: dict[str, Any] = {"failed": True, "msg": message}
    else:
        result = _done(action, module, validated.validated_parameters)
    # And as a module's result comes back.
    return dict(json.loads(json.dumps(remove_values(result, validated._no_log_values))))


def _done(action: ActionBase, module: ModuleType, options: dict[str, Any]) -> dict[str, Any]:
    try:
        done = module.run(options, bool(action._task.check_mode))
    except Failed as failed:
        return {"failed": True, **failed.as_result()}
    result, findings = done if isinstance(done, tuple) else (done, [])
    for warning in result.pop("warnings", ()):
        action._display.warning(warning)
    return {"changed": False, **result, **({"failed": True, **failure_result(findings)} if findings else {})}


def is_here(action: ActionBase, task_vars: Mapping[str, Any]) -> bool:
    """Whether a module would run on this machine, by this Python, as this user and in this environment.

    What a task says itself of its Python and connection holds, whatever -e says: that is meant for machines.
    """
    if not task_vars:
        return False
    task = action._task
    said = task.get_vars()
    if task.delegate_to:
        task_vars = (task_vars.get("ansible_delegated_vars") or {}).get(task.delegate_to) or {}
    python = action._templar.template(said.get(_PYTHON) or task_vars.get(_PYTHON))
    local = "local" in (action._connection.transport, said.get("ansible_connection"))
    elsewhere = (not local, action._connection.become, any(task.environment or ()))
    return python == sys.executable and not any(elsewhere) and not task.async_val
