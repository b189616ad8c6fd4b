# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clocks of machines held against the controller's. Pure."""

from __future__ import annotations

import time
from typing import Any, Collection, List, Mapping

from ansible_collections.praxis.cloud.plugins.module_utils.finding import WARNING, Finding

#: Seconds. A machine that keeps time by NTP is off by less than one.
TOLERANCE = 30.0


def offset(clock: float, asked: float, answered: float) -> float:
    """Seconds by which a machine's clock is ahead of the controller's, at least; negative when it is behind.

    :param clock: what it showed at some time between question and answer.
    :param asked: the controller's clock before the machine was asked.
    :param answered: the controller's clock when the answer was there.
    """
    if asked <= clock <= answered:
        return 0.0
    return clock - answered if clock > answered else clock - asked


def moment(at: float) -> str:
    """A time in seconds since 1970 as people write it, in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


def findings(names: Collection[str], outcomes: Mapping[str, Mapping[str, Any]]) -> List[Finding]:
    """A warning for each clock that is off: a deployment does not need it right, the agent's TLS and tokens do."""
    found = []
    for name in names:
        off = float((outcomes.get(name) or {}).get("clock_offset") or 0.0)
        if abs(off) > TOLERANCE:
            how = "ahead of" if off > 0 else "behind"
            found.append(
                Finding(
                    code="clock-off",
                    what="The host's clock is %d s %s the controller's." % (abs(off), how),
                    where=name,
                    fix="On the host: timedatectl set-ntp true. If all hosts seem wrong, set the controller's clock.",
                    level=WARNING,
                )
            )
    return found
