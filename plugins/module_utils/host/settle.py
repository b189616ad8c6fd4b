# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An observation that waits for an agent which may just be starting, or whose engine is away for a moment."""

from __future__ import annotations

import time
from typing import Any, Callable, Collection, Dict, Mapping

from ansible_collections.praxis.cloud.plugins.module_utils.connections import lacking
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.module_utils.host import gate, uptime

#: Seconds from a machine's boot within which its engine may not have started the agent yet.
BOOT = 120.0


def observe(
    take: Callable[[], Dict[str, Any]],
    wanted: gate.Gate,
    accepted: Mapping[str, Collection[str]],
    p2p_port: int,
    seconds: float,
    up: Callable[[], float] = uptime.seconds,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Dict[str, Any]:
    """The last observation: of an agent that is well, or that has ended, or the one after so many seconds.

    :param wanted: its connections that are waited for, too.
    :param accepted: by peer id, the addresses from which it has to have accepted a connection.
    :param up: seconds since the machine booted: an agent that had ended when it went down is no dead one yet.
    """

    def judged(seen: Dict[str, Any]) -> gate.Verdict:
        if not seen["engine"]["running"]:
            return gate.Verdict(_away())
        found = gate.judge(seen, wanted, p2p_port, "here")
        if found.finding is not None:
            return gate.Verdict(found.finding, found.final and up() >= BOOT)
        missing = lacking(seen, accepted, p2p_port)
        return gate.Verdict(_awaited(missing) if missing else None)

    return gate.wait(take, judged, seconds, clock, sleep)[0]


def _away() -> Finding:
    return Finding("engine-down", "The Docker Engine does not answer.", "here", "On the machine: systemctl start "
                                                                                "docker.")


def _awaited(addresses: Collection[str]) -> Finding:
    what = "The agent accepted no connection from %s." % ", ".join(sorted(addresses))
    return Finding("edge-missing", what, "here", "Check that the other agent runs, and that no firewall is between "
                                                 "the two.")
