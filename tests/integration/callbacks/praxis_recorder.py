# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes what a run did, as JSON, to the file PRAXIS_TEST_RECORD: no test reads it off the screen."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: praxis_recorder
type: aggregate
short_description: Write what a run did to a file
version_added: 0.1.0
description:
  - Writes the changed tasks, the failed ones, the recap of every host and the custom stats of a run to a file, as JSON.
options: {}
"""


def named(result: Any) -> str:
    """The task's name as it is written: the newest Ansible puts its role's before it."""
    return str(result.task_name).rpartition(" : ")[2]


class CallbackModule(CallbackBase):
    """Listens to the run and writes at its end."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "praxis_recorder"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self.changed: list[tuple[str, str]] = []
        self.failed: list[dict[str, Any]] = []

    def v2_runner_on_ok(self, result: Any) -> None:
        """Keep which tasks changed which hosts."""
        if result.result.get("changed"):
            self.changed.append((result.host.get_name(), named(result)))

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Keep what failed, and what it said."""
        said = {key: result.result[key] for key in ("msg", "failure", "failures") if key in result.result}
        self.failed.append({"host": result.host.get_name(), "task": named(result), **said})

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Write the file."""
        record = {
            "changed": self.changed,
            "failed": self.failed,
            "recap": {host: stats.summarize(host) for host in stats.processed},
            "stats": stats.custom.get("_run", {}),
        }
        Path(os.environ["PRAXIS_TEST_RECORD"]).write_text(json.dumps(record, default=str), encoding="utf-8")
