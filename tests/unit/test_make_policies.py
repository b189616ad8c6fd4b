# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make policies` over a scripts/play that only notes its environment."""

from __future__ import annotations

from pathlib import Path

from tests.unit.test_down_script import Checkout


def test_nothing_is_printed_beside_the_json(tmp_path: Path) -> None:
    """Whatever callbacks a user has for other runs: `timer` prints a line behind it."""
    made = Checkout(tmp_path)
    (tmp_path / "scripts/play").write_text("#!/bin/sh\nenv >environment\n")
    made.environment["ANSIBLE_CALLBACKS_ENABLED"] = "ansible.posix.timer"
    done = made.make("policies")
    assert done.returncode == 0, done.stderr
    environment = (tmp_path / "environment").read_text().splitlines()
    assert "ANSIBLE_STDOUT_CALLBACK=praxis.cloud.summary" in environment
    assert [line for line in environment if line.startswith("ANSIBLE_CALLBACKS_ENABLED")] == []
