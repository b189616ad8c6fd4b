# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How each member is, from the plan, what the hosts answered and the verdict: the rows of a summary. Pure."""

from __future__ import annotations

import math
from typing import Any, Collection, Dict, List, Mapping, Optional, Sequence

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import member_health, mesh, topology
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.outcomes import absences
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.table import UNKNOWN, Table

HEALTHY = "healthy"
UNREACHABLE = "unreachable"
#: What of a member's row is in the JSON that ``status`` prints, and stays the same from release to release.
STABLE = ("name", "slot", "zone", "release", "image", "health", "edges", "since", "restarts", "findings")

Row = Dict[str, Any]


def plain_findings(findings: Sequence[Finding]) -> List[Dict[str, str]]:
    """Findings as plain values, level included."""
    return [{**finding.as_dict(), "level": finding.level} for finding in findings]


def rows(
    table: Table,
    names: Sequence[str],
    outcomes: Mapping[str, Mapping[str, Any]],
    verdict: mesh.Verdict,
    findings: Sequence[Finding],
    pending: Collection[str] = (),
) -> List[Row]:
    """One row for each member, in the order of ``names``.

    :param outcomes: member -> what its host answered last.
    :param findings: all that was found; each goes to the members that it is about.
    :param pending: members that check mode can say nothing of.
    """
    unknown = mesh.unobserved(table, names, pending)
    live = topology.neighbours(table.members, verdict.live - unknown)
    observed = topology.neighbours(table.members, table.edges - unknown)
    about: Dict[str, List[Finding]] = {}
    for finding in findings:
        for name in set(finding.where.split(mesh.BETWEEN)):
            about.setdefault(name, []).append(finding)
    absent = absences(names, outcomes)
    return [
        {
            **_placed(table, name),
            **_running((outcomes.get(name) or {}).get("observation") or {}),
            "health": UNKNOWN if name in pending else _health(table, name, outcomes, absent),
            "edges": _edges(len(live[name]), len(observed[name]), len(table.around[name])),
            "findings": plain_findings(about.get(name, [])),
        }
        for name in names
    ]


def fleet_edges(
    table: Table, names: Collection[str], verdict: mesh.Verdict, pending: Collection[str] = ()
) -> Dict[str, int]:
    """The edges of the whole fleet: those that were observed, and how many were not."""
    unknown = mesh.unobserved(table, names, pending)
    planned = len(table.edges) - len(unknown)
    return {"live": len(verdict.live - unknown), "planned": planned, "unobserved": len(unknown)}


def _edges(live: int, observed: int, planned: int) -> Dict[str, Optional[int]]:
    """A member's edges: of those that were observed, how many are live; null when none was, though some are planned."""
    return {"live": live if observed or not planned else None, "expected": observed if observed else planned}


def document(summary: Mapping[str, Any]) -> Dict[str, Any]:
    """What ``status`` prints as JSON, out of a playbook's summary. docs/status.md describes it."""
    return {
        "fleet": summary["fleet"],
        "verdict": "good" if summary["ok"] else "bad",
        "members": [{key: row[key] for key in STABLE if key in row} for row in summary["members"]],
        "findings": list(summary["findings"]),
    }


def _placed(table: Table, name: str) -> Row:
    """What the plan knows of a member."""
    member = table.members[name]
    return {
        "name": name,
        "slot": member.slot,
        "zone": member.zone,
        "address": member.address,
        "peer_id": member.peer_id or "",
        "planned": member.release,
    }


def _running(observation: Mapping[str, Any]) -> Row:
    """What runs on a member's machine: null where nothing does. ``up`` is in seconds."""
    container = observation.get("container") or {}
    runs = container.get("state") == "running"
    started = str(container.get("started_at") or "")[:19]
    up = member_health.age(observation)
    return {
        "release": (observation.get("release") or {}).get("running"),
        "image": container.get("image"),
        "since": started + "Z" if runs and started else None,
        "up": round(up) if runs and math.isfinite(up) else None,
        "restarts": container.get("restarts"),
    }


def _health(
    table: Table, name: str, outcomes: Mapping[str, Mapping[str, Any]], absent: Mapping[str, Finding]
) -> str:
    """``healthy``, ``unreachable``, or the code of what is wrong. To run another release is no illness."""
    observation: Optional[Mapping[str, Any]] = (outcomes.get(name) or {}).get("observation")
    if not observation:
        code = absent[name].code if name in absent else UNREACHABLE
        return UNREACHABLE if code == "host-unreachable" else code
    codes = [finding.code for finding in member_health.member_findings(table, name, observation)]
    return next((code for code in codes if code != member_health.OTHER_RELEASE), HEALTHY)
