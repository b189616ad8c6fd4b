# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For tests, by ANSIBLE_ACTION_PLUGINS: modules of awx.awx run in Ansible's worker, which saves a process for each.

The module is awx.awx's, unchanged, and so are its arguments.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
from typing import Any

from ansible.module_utils import basic
from ansible.plugins.action import ActionBase

OURS = "awx.awx."


class ActionModule(ActionBase):  # type: ignore[misc]
    """What Ansible runs where a module has no action plugin of its own."""

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """The module's own answer."""
        if not self._task.action.startswith(OURS):
            return dict(self._execute_module(task_vars=task_vars))
        module = importlib.import_module(
            "ansible_collections.awx.awx.plugins.modules." + self._task.action.removeprefix(OURS)
        )
        about = {"_ansible_check_mode": self._task.check_mode, "_ansible_no_log": bool(self._task.no_log)}
        given = {"ANSIBLE_MODULE_ARGS": {**self._task.args, **about}}
        basic._ANSIBLE_ARGS, basic._ANSIBLE_PROFILE = json.dumps(given).encode(), "legacy"
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
            module.main()
        return dict(json.loads(printed.getvalue()))
