# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes that tests wait for the end of."""

from __future__ import annotations

import time
from pathlib import Path


def wait_for_end(pid: int, seconds: float = 10) -> None:
    """Until there is no such process, or only what its parent has yet to read of it."""
    until = time.monotonic() + seconds
    while _runs(pid):
        assert time.monotonic() < until, f"waited {seconds:.0f} s for the end of process {pid}"
        time.sleep(0.02)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
