# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes every task's result, as JSON, to the file PRAXIS_TEST_RESULTS: no test reads one off the screen."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: praxis_results
type: aggregate
short_description: Write every result of a run to a file
version_added: 0.1.0
description:
  - Writes host, task, status and result of every task to a file, as JSON.
options: {}
"""


def named(result: Any) -> str:
    """The task's name as it is written: the newest Ansible puts its role's before it."""
    return str(result.task_name).rpartition(" : ")[2]


class CallbackModule(CallbackBase):
    """Listens to the run and writes at its end."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "praxis_results"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self.results: list[dict[str, Any]] = []

    def _keep(self, status: str, result: Any) -> None:
        kept = {"host": result.host.get_name(), "task": named(result), "status": status}
        self.results.append({**kept, "result": dict(result.result)})

    def v2_runner_on_ok(self, result: Any) -> None:
        """Keep a result that is well."""
        self._keep("ok", result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Keep a failed one."""
        self._keep("failed", result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        """Keep a skipped one."""
        self._keep("skipped", result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Keep that a host was not reached."""
        self._keep("unreachable", result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Write the file."""
        Path(os.environ["PRAXIS_TEST_RESULTS"]).write_text(json.dumps(self.results, default=str), encoding="utf-8")
