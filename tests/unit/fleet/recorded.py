# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deployments made by hand, and their records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.fleet import record
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.record import (
    ACTIVATE,
    CONFIRM,
    DRAIN,
    GATE,
    OBSERVE,
    OK,
    PREPARE,
    REJOIN,
    ROLL_BACK,
)

from .made import fleet

BEGAN = 1_800_000_000.0
OLD = "0ld1" * 16
DEPLOYMENT = {"run": "20270115T080000Z-a1b2c3", "owner": "anna@desk", "reason": "deploy", "fence": 7}
CRASHED = {
    "level": "error",
    "code": "agent-restarted",
    "where": "m2",
    "what": "The agent ended and was started again.",
    "fix": "Read its log.",
}
STUCK = {**CRASHED, "code": "not-rolled-back", "what": "It could not be rolled back.", "fix": "See why."}


class Journal:
    """Steps one after the other, each of ten seconds."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []
        self.now = BEGAN

    def add(self, step: str, *hosts: str, outcome: str = OK, **more: Any) -> None:
        begun, self.now = self.now, self.now + 10
        self.entries.append(
            {"step": step, "hosts": list(hosts), "began": begun, "ended": self.now, "outcome": outcome, **more}
        )

    def gate(self, *hosts: str, outcome: str = OK) -> None:
        self.add(GATE, *hosts, outcome=outcome, mesh=True)


def crashed() -> Journal:
    """A deployment of three members that stops at its second batch: m1 gets its release back, m2 does not."""
    journal = Journal()
    journal.add(PREPARE, "m1")
    journal.add(PREPARE, "m2")
    journal.add(PREPARE, "m3")
    for name, outcome in (("m1", OK), ("m2", "agent-restarted")):
        journal.add(DRAIN, name)
        journal.add(ACTIVATE, name)
        journal.add(OBSERVE, name)
        journal.gate(name, outcome=outcome)
        if outcome == OK:
            journal.add(REJOIN, name)
    journal.add(ROLL_BACK, "m2", outcome="gate-timeout")
    journal.add(ROLL_BACK, "m1")
    return journal


def record_of(
    size: int,
    journal: Journal,
    findings: Sequence[dict[str, Any]] = (),
    batches: Sequence[Sequence[str]] | None = None,
    live: int | None = None,
    **values: Any,
) -> dict[str, Any]:
    """A record.

    :param live: edges that are live at the end; all of them by default.
    :param values: of the deployment.
    """
    plan = fleet(size)
    edges = sorted(plan.edges)
    names = plan.order
    found = {"batches": [[name] for name in names] if batches is None else batches, "live": edges,
             "releases": dict.fromkeys(names, OLD)}  # fmt: skip
    rows = [
        {"name": name, "slot": plan.members[name].slot, "zone": "", "planned": plan.members[name].release,
         "release": OLD, "health": "healthy"}
        for name in names
    ]  # fmt: skip
    verdict = {"plan_id": plan.id, "ok": not findings, "findings": list(findings), "members": rows}
    ran = record.Ran({**DEPLOYMENT, **values}, BEGAN, journal.now, found, journal.entries)
    return record.make(ran, plan, verdict, edges[: len(edges) if live is None else live])


def failed() -> dict[str, Any]:
    """The record of :func:`crashed`."""
    return record_of(3, crashed(), [CRASHED, STUCK], live=1)


def good(size: int) -> dict[str, Any]:
    """Of a deployment that ended well."""
    journal = Journal()
    names = fleet(size).order
    for name in names:
        journal.add(PREPARE, name)
    for name in names:
        journal.add(ACTIVATE, name)
        journal.gate(name)
    for name in names:
        journal.add(CONFIRM, name)
    return record_of(size, journal)
