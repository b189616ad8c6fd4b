# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What scripts/play does at the first Ctrl-C, over an ansible-playbook that only notes how it was called."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
#: A deployment is interrupted in its middle: bash gets the signal beside it, and waits for its end.
PRETENDED = """#!/bin/sh
echo "$*" >>called
case $1 in deploy.yml) kill -INT $PPID; exit 130 ;; esac
exit "$UNDO"
"""


def interrupted(folder: Path, *words: str, undo: int = 0) -> tuple[int, list[str], str]:
    """The return code, the calls, and what was said, of a deployment with these arguments.

    :param undo: what the rollback returns.
    """
    (folder / "scripts").mkdir()
    for name in ("leg.sh", "play"):
        (folder / "scripts" / name).write_text((CHECKOUT / "scripts" / name).read_text())
    (folder / ".venv/bin").mkdir(parents=True)
    ansible = folder / ".venv/bin/ansible-playbook"
    ansible.write_text(PRETENDED)
    ansible.chmod(0o755)
    for playbook in ("deploy.yml", "rollback.yml"):
        (folder / playbook).touch()
    environment = {**os.environ, "UNDO": str(undo), "PRAXIS_LEG": ""}
    done = subprocess.run(["bash", "scripts/play", "deploy.yml", "aws", *words], cwd=folder, env=environment,
                          capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, (folder / "called").read_text().splitlines(), done.stderr


def last_of(call: str, variable: str) -> str | None:
    """The value that Ansible takes: that of the last -e."""
    given = [word.partition("=")[2] for word in call.split() if word.partition("=")[0] == variable]
    return given[-1] if given else None


@pytest.mark.parametrize(("undone", "expected"), [(0, 130), (2, 2)])
def test_ctrl_c_undoes_the_deployment_and_is_no_success(tmp_path: Path, undone: int, expected: int) -> None:
    code, (deploy, undo), said = interrupted(tmp_path, "--limit", "m1", undo=undone)
    assert (code, deploy) == (expected, "deploy.yml -i inventories/aws --limit m1")
    assert undo.startswith("rollback.yml -i inventories/aws --limit m1 ")
    assert last_of(undo, "praxis_to") == "newest"
    assert "Interrupted. Undoing" in said


@pytest.mark.parametrize("words", [(), ("-e", "praxis_max_unreachable=0")])
def test_a_dead_host_does_not_keep_the_living_from_being_undone(tmp_path: Path, words: tuple[str, ...]) -> None:
    _code, (_deploy, undo), said = interrupted(tmp_path, *words)
    assert int(last_of(undo, "praxis_max_unreachable") or 0) == 10000
    assert "cannot be reached" in said


def test_the_undo_is_not_held_to_the_plan_of_the_deployment(tmp_path: Path) -> None:
    """It has another one, which nobody has agreed to, and would be refused for it (plan-changed)."""
    _code, (deploy, undo), _said = interrupted(tmp_path, "-e", "praxis_plan_id=one-two-three-four")
    assert last_of(deploy, "praxis_plan_id") == "one-two-three-four"
    assert last_of(undo, "praxis_plan_id") == ""
