# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Molecule's scenarios as a user types them: in a checkout, and in one that lies at a collection path."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox import docker
from tests.copies import copy_files

CHECKOUT = Path(__file__).resolve().parents[2]
SCENARIOS = sorted(path.parent.name for path in (CHECKOUT / "extensions" / "molecule").glob("*/molecule.yml"))
#: What a scenario is taken through, in this order.
STEPS = [
    "destroy", "syntax", "create", "prepare", "check", "converge", "idempotence", "side_effect", "verify", "destroy",
]  # fmt: skip
DEADLINE = 1500  # seconds

pytestmark = pytest.mark.repetition


def molecule(folder: Path, scenario: str, home: Path) -> str:
    """What ``molecule test -s SCENARIO`` prints in a folder; it must succeed, and leave nothing of its sandbox."""
    environment = {
        **os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "ANSIBLE_HOME": str(home),
        "NO_COLOR": "1", "COLUMNS": "200",
    }  # fmt: skip
    done = subprocess.run(["molecule", "test", "-s", scenario], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", errors="replace",
                          timeout=DEADLINE, check=False)  # fmt: skip
    printed = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
    assert done.returncode == 0, printed[-8000:]
    assert re.findall(rf"^{scenario} [➜>] (\w+): Executed: Successful", printed, re.MULTILINE)[-len(STEPS):] == STEPS
    assert folder / "build" / "molecule" / scenario not in docker.roots()
    return printed


def test_a_scenario_at_a_collection_path(tmp_path: Path) -> None:
    copy = tmp_path / "ansible_collections" / "praxis" / "cloud"
    copy_files(copy)
    tasks = copy / "roles" / "firewall" / "tasks" / "main.yml"
    renamed = tasks.read_text(encoding="utf-8").replace("name: Keep ", "name: In this copy, keep ")
    tasks.write_text(renamed, encoding="utf-8")
    assert "In this copy, keep" in molecule(copy, "firewall", tmp_path / "home")


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_scenario_in_the_checkout(scenario: str, tmp_path: Path) -> None:
    molecule(CHECKOUT, scenario, tmp_path / "home")
