# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes what each task returned, and what was the case before and after it.

PRAXIS_TEST_WITNESS is a shell command that prints what is the case; PRAXIS_TEST_WITNESSED is the file to write.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: praxis_witness
type: aggregate
short_description: Write results of tasks, and what was the case around them
version_added: 0.1.0
description:
  - Runs a command before each task and at the end of the run, and writes its output and the tasks' results as JSON.
options: {}
"""


class CallbackModule(CallbackBase):
    """Listens to the run and writes at its end."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "praxis_witness"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self.moments: list[tuple[str, str]] = []
        self.results: dict[str, Any] = {}

    def witness(self, moment: str) -> None:
        """Note what is the case now."""
        command = ["sh", "-c", os.environ["PRAXIS_TEST_WITNESS"]]
        seen = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        self.moments.append((moment, seen))

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """A task is about to run, and the one before it has ended on every host."""
        self.witness(task.get_name())

    def v2_runner_on_ok(self, result: Any) -> None:
        """Keep what the task returned."""
        self.results[result.task.get_name()] = result.result

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Write the file."""
        self.witness("end")
        record = {"moments": self.moments, "results": self.results}
        Path(os.environ["PRAXIS_TEST_WITNESSED"]).write_text(json.dumps(record, default=str), encoding="utf-8")
