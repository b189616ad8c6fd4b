# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the doctor's findings others explain: the cause alone is reported, and not what comes of it. Pure."""

from __future__ import annotations

from typing import List, Sequence

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import mesh

#: By code, what is found at the same place because of it.
EXPLAINED = {
    "engine-down": ("no-container", "target-not-healthy"),
    "containers-cut-off": ("container-shut-in", "peer-unreachable", "target-not-healthy"),
    **dict.fromkeys(("container-stopped", "no-container", "port-taken"), ("target-not-healthy",)),
}
#: Members with one of these have no edges, because of it.
CUT_OFF = ("address-wrong", "container-shut-in", "containers-cut-off", "engine-down", "peer-unreachable")
#: With one of these, or without a part of what leads to the members, no target is healthy.
SHUT_OUT = ("api-port-shut", "health-check-differs")
LEADING = ("backend service", "forwarding rule", "listener", "load balancer", "target group", "target proxy", "URL map")


def without(findings: Sequence[Finding]) -> List[Finding]:
    """Findings without those that another one explains: an edge is missing because its end cannot be dialled."""
    cut = {item.where for item in findings if item.code in CUT_OFF}
    explained = {(code, item.where) for item in findings for code in EXPLAINED.get(item.code, ())}
    shut_out = any(
        item.code in SHUT_OUT or (item.code == "infrastructure-missing" and item.where.startswith(LEADING))
        for item in findings
    )
    return [
        item
        for item in dict.fromkeys(findings)
        if not (item.code == "edge-missing" and cut.intersection(item.where.split(mesh.BETWEEN)))
        and not (item.code == "mesh-split" and cut)
        and not (item.code == "target-not-healthy" and shut_out)
        and (item.code, item.where) not in explained
    ]
