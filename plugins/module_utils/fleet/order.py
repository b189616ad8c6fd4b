# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what the hosts answered to what happens next: who needs Docker, who is activated, in which batches. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Collection, Dict, List, Mapping, Sequence, Set, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import step_failure
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.mesh import heal, verdict
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.plan import Table, batches

Outcome = Mapping[str, Any]
#: Lines of an agent's log that a finding quotes.
LOG_LINES = 5


@dataclass(frozen=True)
class Order:
    """What the activation play works through.

    :param needs_docker: hosts that have to be given an engine before they can be prepared.
    :param activate: hosts to activate, in order; empty when a finding stops the run.
    :param restart: those of them that are restarted only to mend the mesh.
    :param serial: batch sizes.
    :param look_again: whether the looks at hand are not the last word: something changes, or is amiss.
    :param min_edges: live edges that each host's gate asks for: its share among the members active by then.
    """

    needs_docker: List[str]
    activate: List[str]
    restart: List[str]
    serial: List[int]
    min_edges: Dict[str, int]
    first_deployment: bool
    look_again: bool
    findings: Tuple[Finding, ...]


def make_order(
    table: Table, outcomes: Mapping[str, Outcome], scope: Collection[str], batch: int, final: bool = True
) -> Order:
    """Decide the order. A host that could not be prepared stops the run before any host is disturbed.

    :param scope: the hosts of this run (``--limit`` makes it smaller than the fleet).
    :param final: whether every host should have an engine by now.
    """
    names = [name for name in table.order if name in scope]
    needs_docker = [name for name in names if outcomes.get(name, {}).get("outcome") == "needs-docker"]
    findings = list(absences(names, outcomes).values())
    if final:
        findings += [_no_engine(name, outcomes[name]) for name in needs_docker if not outcomes[name].get("changed")]
    looks = looks_of(outcomes)
    whole = len(names) == len(table.members)
    seen = verdict(table, looks, {}, scope=None if whole else names)
    active = {name for name in looks if (looks[name].get("container") or {}).get("state") == "running"}
    kinds = {name: str(outcomes.get(name, {}).get("activation") or "none") for name in names}
    restart = [name for name in heal(table, looks) if kinds.get(name) == "none"]
    activate = [name for name in names if kinds[name] != "none" or name in restart]
    if findings:
        activate = restart = []
    serial = batches(activate, not active, batch)
    return Order(
        needs_docker=needs_docker,
        activate=activate,
        restart=restart,
        serial=serial,
        min_edges=_gates(table, activate, serial, active),
        first_deployment=not active,
        look_again=bool(activate) or not seen.ok,
        findings=tuple(findings),
    )


def _gates(table: Table, activate: List[str], serial: List[int], active: Set[str]) -> Dict[str, int]:
    found: Dict[str, int] = {}
    active = set(active)
    left = list(activate)
    for size in serial:
        batch, left = left[:size], left[size:]
        active.update(batch)
        for name in batch:
            found[name] = min(table.min_edges, len(active.intersection(table.around[name])))
    return found


def _no_engine(name: str, outcome: Outcome) -> Finding:
    return Finding(
        code="no-engine",
        what="Docker is not as the agent needs it: %s." % "; ".join(outcome.get("reasons") or ["it is missing"]),
        where=name,
        fix="See why on the machine (systemctl status docker, journalctl -u docker), mend it and deploy again.",
    )


def absences(names: Collection[str], outcomes: Mapping[str, Outcome]) -> Dict[str, Finding]:
    """The hosts that gave no good answer, and why."""
    found: Dict[str, Finding] = {}
    for name in names:
        outcome = outcomes.get(name)
        if outcome is None:
            found[name] = step_failure.unreachable(name, "it gave no answer")
        elif "unreachable" in outcome:
            found[name] = step_failure.unreachable(name, str(outcome["unreachable"]))
        elif outcome.get("failure"):
            found[name] = _failure(name, outcome["failure"], outcome.get("evidence") or [])
    return found


def _failure(name: str, failure: Mapping[str, Any], evidence: Sequence[str]) -> Finding:
    """A host's failure with the end of the agent's log: the log itself is gone once the release is put back."""
    what = str(failure.get("what", ""))
    if evidence:
        what += " The log ends: %s" % " | ".join(str(line).strip() for line in evidence[-LOG_LINES:])
    return Finding(code=str(failure.get("code", "")), what=what, where=name, fix=str(failure.get("fix", "")))


def looks_of(outcomes: Mapping[str, Outcome]) -> Dict[str, Mapping[str, Any]]:
    """The looks among the hosts' answers."""
    return {name: outcome["look"] for name, outcome in outcomes.items() if outcome.get("look")}
