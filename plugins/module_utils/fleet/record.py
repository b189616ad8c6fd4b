# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of a deployment: what was done on every host, what came of it, and what the fleet was before and after.

Plain values, for programs (``ID.json``) and for ``page.py``, which shows them to a person. No value of a secret: what
goes in is names, releases' ids, times, edges, and findings, none of which holds one. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Collection, Dict, List, Mapping, Optional, Sequence

from ansible_collections.praxis.cloud.plugins.module_utils.fleet.order import Order
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.table import Table
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.topology import Edge

#: Of the record's keys; another one when programs that read it have to change.
FORMAT = 1
#: The outcome of a step or a gate in which nothing went wrong.
OK = "ok"
#: What is done on hosts, in the order of a deployment.
STEPS = ("prepare", "drain", "activate", "observe", "rejoin", "confirm", "roll back")
PREPARE, DRAIN, ACTIVATE, OBSERVE, REJOIN, CONFIRM, ROLL_BACK = STEPS
#: A verdict on a batch or on the fleet, on which the run went on or stopped.
GATE = "gate"
#: By the state that a module is asked for; what asks for none only observes.
_STEPS_OF = {
    "prepared": PREPARE,
    "active": ACTIVATE,
    "confirmed": CONFIRM,
    "restored": ROLL_BACK,
    "absent": DRAIN,
    "present": REJOIN,
}
#: What can have come of a host.
RESULTS = ("confirmed", "activated", "failed", "rolled back", "not rolled back", "unchanged")
_NOT_ROLLED_BACK = "not-rolled-back"


@dataclass(frozen=True)
class Ran:
    """A run as its directory has it at its end.

    :param deployment: its id and owner, as the lock has them, and its fence number if it got the lock.
    :param before: what :func:`before` gave; empty when the run did not get as far as an order.
    :param journal: the steps and gates, in the order in which they began.
    """

    deployment: Mapping[str, Any]
    began: float
    ended: float
    before: Mapping[str, Any]
    journal: Sequence[Mapping[str, Any]]


def step_of(state: Optional[str]) -> str:
    """The step that a module's ``state`` stands for."""
    return _STEPS_OF[state] if state else OBSERVE


def before(order: Order, observations: Mapping[str, Mapping[str, Any]]) -> Dict[str, Any]:
    """What a record needs of the moment at which the order is known and nothing has been touched."""
    left = list(order.activate)
    batches = []
    for size in order.serial:
        batches.append(left[:size])
        left = left[size:]
    return {
        "batches": batches,
        "live": sorted(order.live),
        "releases": {name: (one.get("release") or {}).get("running") for name, one in observations.items()},
    }


def make(ran: Ran, table: Table, verdict: Mapping[str, Any], live: Collection[Edge]) -> Dict[str, Any]:
    """The record.

    :param verdict: the last one, as the fact ``praxis_verdict`` has it.
    :param live: the edges that it found live.
    """
    reason = str(ran.deployment["reason"])
    return {
        "format": FORMAT,
        "fleet": table.fleet,
        "deployment": ran.deployment["run"],
        "kind": reason.partition(" ")[0],
        "reason": reason,
        "plan": verdict["plan_id"],
        "owner": ran.deployment["owner"],
        "fence": ran.deployment.get("fence"),
        "began": moment(ran.began),
        "ended": moment(ran.ended),
        "verdict": "good" if verdict["ok"] else "bad",
        "members": _members(ran, verdict),
        "gates": [_gate(entry) for entry in ran.journal if entry["step"] == GATE],
        "mesh": {
            "members": table.order,
            "planned": _plain(table.edges),
            "before": _plain(ran.before.get("live") or []),
            "after": _plain(live),
        },
        "findings": [dict(item) for item in verdict["findings"]],
    }


def moment(at: float) -> str:
    """A time in seconds since 1970, in UTC; steps are shorter than a second, so milliseconds count."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds(text: str) -> float:
    """The inverse of :func:`moment`."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def _members(ran: Ran, verdict: Mapping[str, Any]) -> List[Dict[str, Any]]:
    batches = ran.before.get("batches") or []
    numbers = {name: number for number, batch in enumerate(batches, 1) for name in batch}
    releases = ran.before.get("releases") or {}
    left = {item["where"] for item in verdict["findings"] if item["code"] == _NOT_ROLLED_BACK}
    steps_of: Dict[str, List[Mapping[str, Any]]] = {row["name"]: [] for row in verdict["members"]}
    for entry in ran.journal:
        for name in entry["hosts"] if entry["step"] != GATE else ():
            if name in steps_of:
                steps_of[name].append(entry)
    found = []
    for row in verdict["members"]:
        name = row["name"]
        steps = steps_of[name]
        found.append(
            {
                "name": name,
                "slot": row["slot"],
                "zone": row["zone"],
                "batch": numbers.get(name),
                "from": releases.get(name),
                "to": row["planned"],
                "runs": row["release"],
                "health": row["health"],
                "result": _result(steps, name in left),
                "steps": [_step(entry) for entry in steps],
            }
        )
    return found


def _result(steps: Sequence[Mapping[str, Any]], left: bool) -> str:
    """What came of a host: of the steps that decide, the last one."""
    last = {str(entry["step"]): entry["outcome"] == OK for entry in steps}
    if left or last.get(ROLL_BACK) is False:
        return "not rolled back"
    if ROLL_BACK in last:
        return "rolled back"
    if last.get(CONFIRM):
        return "confirmed"
    if ACTIVATE in last:
        return "activated" if last[ACTIVATE] else "failed"
    return "unchanged"


def _step(entry: Mapping[str, Any]) -> Dict[str, Any]:
    return {
        "step": entry["step"],
        "began": moment(entry["began"]),
        "ended": moment(entry["ended"]),
        "outcome": entry["outcome"],
    }


def _gate(entry: Mapping[str, Any]) -> Dict[str, Any]:
    """``mesh``: whether edges were judged."""
    return {
        "at": moment(entry["ended"]),
        "members": list(entry["hosts"]),
        "mesh": bool(entry["mesh"]),
        "outcome": entry["outcome"],
    }


def _plain(edges: Collection[Sequence[str]]) -> List[List[str]]:
    return sorted([pair[0], pair[1]] for pair in edges)
