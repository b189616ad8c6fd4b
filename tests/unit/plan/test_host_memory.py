# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host remembers of deployments: the same to a command of its shell as to the module that writes it down."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.deployment import Deployment
from ansible_collections.praxis.cloud.plugins.module_utils.host import fence, files
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import Paths
from ansible_collections.praxis.cloud.plugins.plugin_utils import host_memory

DEPLOYMENT = Deployment("one", "ann@desk", "deploy", {"place": "here", "pid": 7, "started": "1"}, "m1", 7, 900.0)
AROUND = [("", ""), ("Last login: never\r\n{\n", "\nlogout\n")]


def printed(paths: Paths) -> str:
    """What a shell prints for the command."""
    done = subprocess.run(["sh", "-c", host_memory.command(paths)], capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.parametrize(("before", "after"), AROUND)
@pytest.mark.parametrize("ended", [False, True])
def test_the_shell_s_answer_is_the_module_s(tmp_path: Path, ended: bool, before: str, after: str) -> None:
    paths = Paths(root=str(tmp_path))
    fence.write(paths, DEPLOYMENT, time.time(), ended, closed=True)
    found = host_memory.observation(before + printed(paths) + after)
    clock = found["host"]["clock"]
    own = fence.read(paths, clock)
    assert own is not None and {**found["deployment"], "at": 0, "expires": 0} == {**own, "at": 0, "expires": 0}
    # Both work out the times from how long the machine has been up, at two moments; the shell's clock has no fractions.
    assert found["deployment"]["expires"] - found["deployment"]["at"] == pytest.approx(DEPLOYMENT.lease)
    assert abs(found["deployment"]["at"] - own["at"]) < 60 and abs(clock - time.time()) < 60


@pytest.mark.parametrize("content", [None, "", "{", "null", "[]", "{}", '{"fence": "7"}'])
def test_a_host_without_a_record_remembers_nobody(tmp_path: Path, content: str | None) -> None:
    paths = Paths(root=str(tmp_path))
    if content is not None:
        files.write_file(paths.deployment, content.encode())
    assert fence.read(paths, time.time()) is None
    assert host_memory.observation(printed(paths))["deployment"] is None


@pytest.mark.parametrize(
    "answer",
    [
        {"rc": 0, "stdout": "This account is not available.\n", "stderr": ""},
        {"rc": 0, "stdout": "praxis-remembers\nboot soon today never {}", "stderr": ""},
        {"rc": 1, "stdout": "praxis-remembers\n", "stderr": "cat: /opt/praxis/deployment.json: Permission denied"},
    ],
)
def test_an_answer_that_is_none_fails_with_what_was_said(answer: dict[str, Any]) -> None:
    action: Any = SimpleNamespace(_low_level_execute_command=lambda _command, **_given: answer)
    found = host_memory.ask(action)
    assert found["failed"] and (answer["stderr"] or answer["stdout"].strip().split("\n")[-1]) in found["msg"]
