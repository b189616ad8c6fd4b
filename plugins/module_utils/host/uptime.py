# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Time that nobody sets: since the machine booted. Its clock may be set by an hour in the middle of a deployment."""

from __future__ import annotations

import os
from typing import Optional

from ansible_collections.praxis.cloud.plugins.module_utils.host.files import read_text

PROC = "/proc"


def boot(proc: str = PROC) -> str:
    """What tells this boot of the machine from every other one; empty where the system does not say."""
    return (read_text(os.path.join(proc, "sys/kernel/random/boot_id")) or "").strip()


def machine(proc: str = PROC, root: str = "/") -> Optional[str]:
    """What two logins have in common exactly when they lead to one machine; None where the system does not say.

    Copies of a machine have its machine id, and containers the boot of the machine that they are on: of those each has
    a root of its own.
    """
    this, place = boot(proc), os.stat(root)
    return "%s/%d/%d" % (this, place.st_dev, place.st_ino) if this else None


def seconds(proc: str = PROC) -> float:
    """Seconds since the machine booted."""
    return float((read_text(os.path.join(proc, "uptime")) or "0").split()[0])


def age_of(pid: Optional[int], proc: str = PROC) -> Optional[float]:
    """Seconds since a process was started; None when there is none."""
    try:
        stat = read_text(os.path.join(proc, str(pid), "stat")) if pid else None
    except ProcessLookupError:
        stat = None
    if not stat:
        return None
    # The name is in parentheses and may hold anything; the start, in ticks since the boot, is field 22.
    ticks = int(stat.rpartition(")")[2].split()[19])
    return round(max(0.0, seconds(proc) - ticks / os.sysconf("SC_CLK_TCK")), 3)
