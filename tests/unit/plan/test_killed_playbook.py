# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real ansible-playbook that is killed: its worker, and the module that it has started, learn of it."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.plan.made import Account
from tests.unit.plan.test_actions import Site
from tests.unit.plan.test_own_process import options

pytestmark = pytest.mark.slow


class _Killing(list[str]):
    """What a cloud is asked. With the first request of a kind ansible-playbook is killed, and is gone when it is
    answered."""

    def __init__(self, at: str) -> None:
        super().__init__()
        self.at, self.process = at, 0

    def append(self, operation: str) -> None:
        if operation == self.at and self.at not in self:
            os.kill(self.process, signal.SIGKILL)
            # With all its threads: until the last has ended, it is its worker's parent. The test may be quicker to ask.
            with contextlib.suppress(ChildProcessError):
                os.waitid(os.P_PID, self.process, os.WEXITED | os.WNOWAIT)
        super().append(operation)


IDENTITY = {"fleet": "alpha", "slots": ["aws-1"]}


@pytest.mark.parametrize(
    ("module", "at", "written"),
    [("p2p_identity", "BatchGetSecretValue", []), ("aws_infrastructure", "CreateVpc", ["CreateVpc"])],
    ids=["a module in a process of its own", "a task's own process"],
)
def test_a_real_playbook_that_is_killed_leaves_nobody_who_writes(
    tmp_path: Path, empty: Account, monkeypatch: pytest.MonkeyPatch, module: str, at: str, written: list[str]
) -> None:
    site = Site(tmp_path, empty)
    site.inventory({})
    given = {**options(empty), "labels": {}} if module == "aws_infrastructure" else IDENTITY
    task = {"name": "change", f"praxis.cloud.{module}": given}
    (tmp_path / "play.json").write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [task]}]))
    asked = _Killing(at)
    monkeypatch.setattr(empty.cloud, "operations", asked)
    # Who works for the playbook holds the other end open.
    ours, theirs = os.pipe()
    playbook = subprocess.Popen(
        [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "hosts.json", "play.json"],
        cwd=tmp_path, env=site._environment, pass_fds=[theirs], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
    )  # fmt: skip
    with playbook:
        asked.process = playbook.pid
        os.close(theirs)
        printed = playbook.communicate(timeout=60)[0].decode()
    with open(ours, "rb") as end:
        assert select.select([end], [], [], 30)[0], "its worker works on"
        assert end.read() == b""
    assert playbook.returncode == -signal.SIGKILL, printed
    assert empty.cloud.changes() == written
