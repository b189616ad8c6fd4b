# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a machine's systemd is told about units: one call, whose caller says what its failure means."""

from __future__ import annotations

import subprocess
from typing import Callable, Sequence

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding

#: Seconds for a command of systemd's.
DEADLINE = 30.0

#: A command that has ended.
Ended = subprocess.CompletedProcess[bytes]


def systemctl(arguments: Sequence[str], failed: Callable[[Ended], Finding]) -> None:
    """Run ``systemctl`` with these arguments.

    :param failed: from a command that ended badly, the finding that says so.
    :raises Failed: with that finding.
    """
    done = subprocess.run(
        ["systemctl", *arguments], stdin=subprocess.DEVNULL, capture_output=True, timeout=DEADLINE, check=False
    )
    if done.returncode != 0:
        raise Failed(failed(done))


def reason(done: Ended) -> str:
    """Why a command failed: its last line."""
    said = done.stderr.decode("utf-8", "replace").strip().splitlines()
    return said[-1] if said else "no reason"
