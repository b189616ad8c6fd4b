# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules that a fleet is made with change nothing the second time, by their own word and by the operation log."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from sandbox.client import Client
from sandbox.site import CHECKOUT

pytestmark = pytest.mark.sandbox
PLAYBOOKS = Path(__file__).parent / "playbooks"


def play(sandbox: Client, playbook: str) -> dict[str, int]:
    """Run a playbook as a user would, and return localhost's tally."""
    command = f". {sandbox.site.home}/env && exec ansible-playbook -i localhost, {PLAYBOOKS / playbook}"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False, cwd=CHECKOUT,
                          env={**os.environ, "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
                               "ANSIBLE_DEPRECATION_WARNINGS": "false"})
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    tally: dict[str, int] = json.loads(done.stdout[done.stdout.index("{"):])["stats"]["localhost"]
    return tally


@pytest.mark.repetition  # our own modules' runs and the contract show most of these operations
def test_the_second_run_changes_nothing(sandbox: Client) -> None:
    assert play(sandbox, "modules.yml")["changed"] > 10
    offset = sandbox.operations()[1]
    assert play(sandbox, "modules.yml")["changed"] == 0
    entries = sandbox.operations(offset)[0]
    assert len(entries) > 20
    assert [entry for entry in entries if entry["mutating"]] == []
    assert play(sandbox, "modules_absent.yml")["changed"] > 0
