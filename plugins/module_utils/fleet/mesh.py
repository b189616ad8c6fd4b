# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mesh as the machines see it, and the verdict on it. Pure.

The agent's own word is not used: it goes on calling a peer connected when the link is gone. An edge is live when both
ends' TCP tables hold the same connection (see flows.py), neither end is retransmitting, and a fresh dial between the
two machines succeeds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Collection, Dict, List, Mapping, Optional, Sequence, Set, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.agent.grouping import listed
from ansible_collections.praxis.cloud.plugins.module_utils.finding import WARNING, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import flows, outside, topology
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.member_health import (
    Observation,
    age,
    member_findings,
    serves,
)
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.table import Table

#: Joins the two members that a finding about an edge is about.
BETWEEN = " <-> "
#: Members that a message names one by one.
_NAMED = 3


@dataclass(frozen=True)
class Verdict:
    """What a fleet, or a batch of it, is like. It is good exactly when no finding is an error."""

    findings: Tuple[Finding, ...]
    live: Set[topology.Edge]
    dead: Mapping[topology.Edge, str]

    @property
    def ok(self) -> bool:
        return not any(finding.level == "error" for finding in self.findings)


def edge_fault(
    table: Table, one: str, other: str, observations: Mapping[str, Observation], known: Optional[flows.Flows] = None
) -> Optional[str]:
    """Why an edge is not live, or None when it is. Ends that were not observed do not testify.

    :param known: the observations' flows, when they are known already.
    """
    seen = [(name, far) for name, far in ((one, other), (other, one)) if name in observations]
    if not seen:
        return "neither end was observed"
    known = known or flows.matched(table, observations)
    sound: List[Set[flows.Flow]] = []
    for name, far in seen:
        mine = known.between.get((name, far))
        if not mine:
            return "%s has no connection to %s" % (name, far)
        stuck = [flow for flow, retransmits in mine.items() if retransmits]
        if len(stuck) == len(mine):
            return "%s gets no acknowledgements from %s" % (name, far)
        sound.append(set(mine) - set(stuck))
        dialled = _dialled(table, name, far, observations[name])
        if dialled not in (None, "ok"):
            return "a new dial from %s to %s: %s" % (name, far, dialled)
    if len(sound) == 2 and not sound[0] & sound[1]:
        return "%s and %s hold different connections: one of them is a ghost" % (one, other)
    return None


def verdict(
    table: Table,
    observations: Mapping[str, Observation],
    absent: Mapping[str, Finding],
    scope: Optional[Collection[str]] = None,
    strict: bool = False,
    edges: bool = True,
) -> Verdict:
    """Judge members and mesh.

    :param observations: member -> what was seen on its machine.
    :param absent: member -> why there is no observation of it, or what its own gate found already.
    :param scope: judge these members and their edges only (a batch); everybody by default.
    :param strict: every planned edge between members that were observed has to be live; otherwise at least
        ``min(table.min_edges, active - 1)`` a member, and one connected graph.
    :param edges: whether edges are judged at all: of agents that have just started nothing is known yet.
    """
    table = observed(table, observations)
    judged = set(table.members if scope is None else scope)
    names = [name for name in table.order if name in judged]
    findings = [absent[name] for name in names if name in absent]
    for name in names:
        if name in observations and name not in absent:
            findings += member_findings(table, name, observations[name])
    active = {name for name, one in observations.items() if name in table.members and serves(table, name, one)}
    if not edges:
        return Verdict(tuple(findings), set(), {})
    # Observations from before the batch was touched say who is there, and nothing of the edges.
    fresh = observations if scope is None else {name: observations[name] for name in scope if name in observations}
    known = flows.matched(table, fresh)
    live: Set[topology.Edge] = set()
    dead: Dict[topology.Edge, str] = {}
    for pair in sorted(table.edges):
        if judged.isdisjoint(pair):
            continue
        # Of a member outside this run nothing is known: one end can show such an edge live, and nothing shows it dead.
        unknown = [name for name in pair if name not in observations and name not in absent]
        if len(active.intersection(pair)) + len(unknown) == 2 and len(unknown) < 2:
            fault = edge_fault(table, pair[0], pair[1], fresh, known)
            if fault is None:
                live.add(pair)
            elif not unknown:
                dead[pair] = fault
    connected = [name for name in names if name in active]
    findings += _mesh_findings(table, connected, active, live, dead, scope is None, strict)
    findings += outside.findings(table.outside, connected, fresh, known.unexplained)
    return Verdict(tuple(findings), live, dead)


def unobserved(table: Table, names: Collection[str], pending: Collection[str] = ()) -> Set[topology.Edge]:
    """The edges of which nothing can be said: no end of theirs is among these members, or one is only to be activated
    and will have other connections then."""
    return {pair for pair in table.edges if not set(pair).intersection(names) or set(pair).intersection(pending)}


def observed(table: Table, observations: Mapping[str, Observation]) -> Table:
    """The fleet as it runs: a member that has not been activated yet has the P2P port of the release that it runs."""
    known = {name: observation.get("p2p_port") for name, observation in observations.items() if name in table.members}
    moved = {name: int(port) for name, port in known.items() if port and port != table.members[name].p2p_port}
    return table.at_ports(moved) if moved else table


def unlisted(table: Table, names: Collection[str], observations: Mapping[str, Observation]) -> List[Finding]:
    """A warning for each member that serves, and whose bootstrap list lacks others that do: they are connected, if at
    all, because the others have dialled, and after its next start nobody does."""
    table, found = observed(table, observations), []
    well = {name for name, seen in observations.items() if name in table.members and serves(table, name, seen)}
    fix = "Run deploy.yml for the whole fleet: it updates the list, and restarts no agent for it."
    for name in names:
        seen = observations.get(name) or {}
        known = (seen.get("peers") or {}).get("multiaddrs")
        release = (seen.get("release") or {}).get("running")
        if known is not None and name in well and release == table.members[name].release:
            lacking = [other for other in table.lacking(name, known) if other in well]
            if lacking:
                what = "The member's bootstrap list lacks %s: the agent will not dial them when it starts again."
                found.append(Finding("peers-stale", what % listed(lacking, _NAMED), name, fix, WARNING))
    return found


def heal(table: Table, observations: Mapping[str, Observation]) -> List[str]:
    """The members to restart, one at a time, so that missing edges come back: one end of each, as few as covers them.

    Only edges that a restart can fix count: both ends well, a fresh dial between the machines succeeding, and neither
    agent so young that it is yet to dial.
    """
    table = observed(table, observations)
    old = {
        name
        for name, observation in observations.items()
        if name in table.members and serves(table, name, observation) and age(observation) >= flows.DIAL_SECONDS
    }
    missing: Set[topology.Edge] = set()
    known = flows.matched(table, observations)
    for one, other in table.edges:
        if old.issuperset((one, other)):
            dials = {_dialled(table, one, other, observations[one]), _dialled(table, other, one, observations[other])}
            shared = set(known.between[one, other]) & set(known.between[other, one])
            if dials == {"ok"} and not shared:
                missing.add((one, other))
    chosen = outside.to_restart(table.outside, sorted(old), observations, known.unexplained)
    missing = {pair for pair in missing if not set(pair).intersection(chosen)}
    while missing:
        counts = topology.neighbours({name for pair in missing for name in pair}, missing)
        worst = min(counts, key=lambda name: (-len(counts[name]), name))
        chosen.append(worst)
        missing = {pair for pair in missing if worst not in pair}
    return chosen


def answering(table: Table, name: str, observation: Observation) -> Set[str]:
    """The neighbours of a member whose P2P ports answered a fresh dial from its machine."""
    return {far for far in table.around[name] if _dialled(table, name, far, observation) == "ok"}


def _dialled(table: Table, name: str, far: str, observation: Observation) -> Optional[str]:
    member = table.members[far]
    address = member.seen_from(table.members[name])[0]
    result = (observation.get("dials") or {}).get("%s:%d" % (address, member.p2p_port))
    return None if result is None else str(result)


def _mesh_findings(
    table: Table,
    names: Sequence[str],
    active: Set[str],
    live: Set[topology.Edge],
    dead: Mapping[topology.Edge, str],
    whole: bool,
    strict: bool,
) -> List[Finding]:
    counts = topology.neighbours(table.members, live)
    poor = set()
    for name in names:
        planned = [other for other in table.around[name] if other in active]
        if len(counts[name]) < min(table.min_edges, len(planned)):
            poor.add(name)
    findings = []
    for (one, other), fault in sorted(dead.items()):
        bad = strict or one in poor or other in poor
        findings.append(
            Finding(
                code="edge-missing",
                what="%s and %s are not connected: %s." % (one, other, fault),
                where=one + BETWEEN + other,
                fix="Check that each machine reaches the other's P2P port, then deploy: deploy.yml restarts one of "
                    "the two if needed.",
                level="error" if bad else WARNING,
            )
        )
    parts = topology.components(active, live) if whole else []
    if len(parts) > 1:
        sizes = "; ".join(", ".join(part) for part in parts)
        findings.append(
            Finding(
                code="mesh-split",
                what="The mesh is in %d parts: %s." % (len(parts), sizes),
                where="fleet %s" % table.fleet,
                fix="Fix the missing edges named above.",
            )
        )
    return findings
