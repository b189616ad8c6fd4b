# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A command of a host's shell."""

from __future__ import annotations

import subprocess
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.fleet import recorders
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import Paths
from ansible_collections.praxis.cloud.plugins.plugin_utils import host_memory, host_shell


class Shell:
    """An action plugin that reaches this machine's shell, with a second command for what is left of the input."""

    def __init__(self, then: str) -> None:
        self._then = then

    def _low_level_execute_command(self, command: str, in_data: bytes, sudoable: bool) -> dict[str, Any]:
        assert sudoable in (True, False)
        done = subprocess.run(["sh", "-c", f"{command}; {self._then}"], input=in_data + b"unread", capture_output=True,
                              check=False)  # fmt: skip
        return {"rc": done.returncode, "stdout": done.stdout.decode(), "stderr": done.stderr.decode()}


@pytest.mark.parametrize("command", [host_memory.command(Paths()), recorders.PROBE, "echo praxis"])
def test_no_command_ends_before_it_has_read_what_it_is_sent(command: str) -> None:
    """Else Ansible, sending it a moment later, finds nobody, and calls the host unreachable."""
    answer = host_shell.ask(Shell("cat"), command)  # type: ignore[arg-type]
    assert answer["stdout"].splitlines()[-1] == "unread"
    assert "" not in answer["stdout"].splitlines()


def test_who_may_not_become_root_is_asked_as_who_logs_in() -> None:
    seen: list[bool] = []
    action: Any = SimpleNamespace(_low_level_execute_command=lambda _command, in_data, sudoable: seen.append(sudoable))
    host_shell.ask(action, "true")
    host_shell.ask(action, "true", sudoable=False)
    assert seen == [True, False]
