# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The docker role waits for those who work on a machine's packages, and no longer than it is reported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import tiers

pytestmark = pytest.mark.slow
#: What dpkg says on Debian 13, and on Debian 12.
LOCKED = (
    "dpkg: error: dpkg database lock was locked by /usr/bin/unattended-upgrade process with pid 2198",
    "dpkg: error: dpkg frontend lock was locked by another process with pid 2198",
)


def play(folder: Path, tasks: str, **extra: object) -> tuple[int, str]:
    """One file of the role's tasks on this machine, with the programs of ``folder`` in place of its own."""
    book = [{
        "hosts": "localhost", "connection": "local", "gather_facts": False,
        "vars": {"ansible_become": False, "ansible_python_interpreter": sys.executable},
        "environment": {"PATH": f"{folder}:{os.environ['PATH']}"},
        "tasks": [{"ansible.builtin.include_role": {"name": "praxis.cloud.docker", "tasks_from": tasks}}],
    }]  # fmt: skip
    (folder / "play.json").write_text(json.dumps(book))
    done = subprocess.run(
        [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", "play.json", "-e",
         json.dumps({"__docker_to_hold": ["docker.io"], **extra})],
        cwd=folder, env={**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCAL_TEMP": str(folder / "tmp")},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout


def program(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\necho called >> {folder}/calls\n{text}\n")
    (folder / name).chmod(0o755)


def calls(folder: Path) -> int:
    return len((folder / "calls").read_text().splitlines())


@pytest.mark.parametrize("said", tiers.first(LOCKED))
def test_a_lock_of_dpkg_s_is_waited_for(tmp_path: Path, said: str) -> None:
    program(tmp_path, "apt-mark", f"[ $(wc -l < {tmp_path}/calls) -ge 3 ] || {{ echo '{said}' >&2; exit 100; }}")
    rc, printed = play(tmp_path, "hold", docker_wait=10, __docker_hold_pause=1)
    assert (rc, calls(tmp_path)) == (0, 3), printed


def test_a_lock_that_stays_is_named(tmp_path: Path) -> None:
    program(tmp_path, "apt-mark", f"echo '{LOCKED[0]}' >&2; exit 100")
    rc, printed = play(tmp_path, "hold", docker_wait=2, __docker_hold_pause=1)
    assert rc == 2 and calls(tmp_path) == 3
    assert "locked by /usr/bin/unattended-upgrade" in printed


def test_nothing_else_is_waited_for(tmp_path: Path) -> None:
    program(tmp_path, "apt-mark", "echo 'E: No packages found' >&2; exit 100")
    rc, _printed = play(tmp_path, "hold", docker_wait=10, __docker_hold_pause=1)
    assert (rc, calls(tmp_path)) == (2, 1)


@pytest.mark.parametrize(
    ("script", "expected"),
    tiers.first([("sleep 1; exit 2", 0), ("exec sleep 60", 2), ("exit 1", 0), ("exit 0", 0)]),
)
def test_cloud_init_is_waited_for(tmp_path: Path, script: str, expected: int) -> None:
    """However it ends, and for so long at most."""
    program(tmp_path, "cloud-init", script)
    rc, printed = play(tmp_path, "wait", docker_wait=3)
    assert (rc, calls(tmp_path)) == (expected, 1), printed
    if expected:
        assert "Wait for cloud-init to end" in printed


def test_a_machine_without_cloud_init_waits_for_nothing(tmp_path: Path) -> None:
    rc, printed = play(tmp_path, "wait", docker_wait=3)
    assert rc == 0, printed
