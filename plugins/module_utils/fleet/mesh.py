# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mesh as the machines see it, and the verdict on it.

The agent's own word is not used: it goes on calling a peer connected when the link is gone. An edge is live when both
ends' TCP tables hold the same connection, neither end is retransmitting, and a fresh dial between the two machines
succeeds. Where a machine rewrites the addresses of what comes in (Docker's userland proxy, a MASQUERADE rule of one's
own), the accepting end cannot tell who dialled: there, a connection that no address explains stands for one that is
listed by the end that dialled it. Where a machine gives what goes out another source port (MASQUERADE with random
ports, a NAT gateway), both ends list the connection, and not as the same one. That is no ghost when the end that
dialled is the younger: it has dialled once, after its start, and the other end was there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Collection, Dict, List, Mapping, Optional, Sequence, Set, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.finding import WARNING, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import outside, topology
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.plan import Table

Observation = Mapping[str, Any]
#: A connection: the member that dialled it, and the source port that it has there. Both ends see these two alike.
Flow = Tuple[str, int]
#: (one end, the other) -> the connections between them as the first lists them, with their retransmits.
Flows = Dict[Tuple[str, str], Dict[Flow, int]]
OTHER_RELEASE = "other-release"
#: Findings about a member whose agent takes requests all the same.
SERVING = (OTHER_RELEASE, "service-missing", "service-exited", "service-unhealthy", "service-unwanted")
#: Joins the two members that a finding about an edge is about.
BETWEEN = " <-> "
#: An agent dials ten seconds after its start, one peer after the other; by now it has.
DIAL_SECONDS = 30.0


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
    table: Table, one: str, other: str, observations: Mapping[str, Observation], known: Optional[Flows] = None
) -> Optional[str]:
    """Why an edge is not live, or None when it is. Ends that were not observed do not testify.

    :param known: the observations' flows, when they are known already.
    """
    seen = [(name, far) for name, far in ((one, other), (other, one)) if name in observations]
    if not seen:
        return "neither end was observed"
    known = flows_of(table, observations) if known is None else known
    flows: List[Set[Flow]] = []
    for name, far in seen:
        mine = known.get((name, far))
        if not mine:
            return "%s has no connection to %s" % (name, far)
        stuck = [flow for flow, retransmits in mine.items() if retransmits]
        if len(stuck) == len(mine):
            return "%s is retransmitting to %s" % (name, far)
        flows.append(set(mine) - set(stuck))
        dialled = _dialled(table, name, far, observations[name])
        if dialled not in (None, "ok"):
            return "a fresh dial from %s to %s: %s" % (name, far, dialled)
    if len(flows) == 2 and not flows[0] & flows[1]:
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
    # Observations from before the batch was touched say who is there, and nothing of the edges.
    fresh = observations if scope is None else {name: observations[name] for name in scope if name in observations}
    live: Set[topology.Edge] = set()
    dead: Dict[topology.Edge, str] = {}
    known = flows_of(table, fresh) if edges else {}
    for pair in sorted(table.edges) if edges else []:
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
    if edges:
        connected = [name for name in names if name in active]
        findings += _mesh_findings(table, connected, active, live, dead, scope is None, strict)
        findings += outside.findings(table.outside, connected, fresh, _unexplained(table, fresh))
    return Verdict(tuple(findings), live, dead)


def unobserved(table: Table, names: Collection[str], pending: Collection[str] = ()) -> Set[topology.Edge]:
    """The edges of which nothing can be said: no end of theirs is among these members, or one is only to be activated
    and will have other connections then."""
    return {pair for pair in table.edges if not set(pair).intersection(names) or set(pair).intersection(pending)}


def member_findings(table: Table, name: str, observation: Observation) -> List[Finding]:
    """What is wrong with one member, its edges apart: container, release, API, identity."""
    container, api = observation.get("container"), observation.get("api") or {}
    member, where = table.members[name], name

    def finding(code: str, what: str, fix: str) -> List[Finding]:
        return [Finding(code=code, what=what, where=where, fix=fix)]

    deploy = "Run deploy.yml."
    if not container:
        return finding("no-container", "No agent container is on the machine.", deploy)
    if container.get("state") != "running":
        state = "The agent's container is %s (exit code %s)." % (container.get("state"), container.get("exit_code"))
        return finding("container-stopped", state, deploy)
    if api.get("health") != 200:
        text = "GET /health answers %s." % (api.get("health") or api.get("error") or "nothing")
        return finding("api-silent", text, "Read the container's log on the machine: docker logs praxis-agent-1.")
    if member.peer_id and api.get("peer_id") != member.peer_id:
        text = "Its peer id is %s and not %s: no other member can dial it." % (api.get("peer_id"), member.peer_id)
        fix = "Deploy again; the key in the container is not the slot's."
        if member.other_peer_id and api.get("peer_id") == member.other_peer_id:
            text += " It is the same key's id in the other scheme, which the image's libp2p has."
            fix = "Set praxis_peer_id_scheme to the other of ed25519 and x25519, for the whole fleet."
        return finding("wrong-peer-id" if api.get("peer_id") else "no-peer-id", text, fix)
    running = (observation.get("release") or {}).get("running")
    if running != member.release:
        return finding(OTHER_RELEASE, "It runs release %s and not %s." % (running, member.release), deploy)
    return service_findings(name, observation)


def service_findings(name: str, observation: Observation) -> List[Finding]:
    """What is wrong with the services beside a member's agent, as its current release has them."""
    findings = []
    for service, found in sorted((observation.get("services") or {}).items()):
        log = "Read its log on the machine (docker logs praxis-%s-1), and run deploy.yml." % service
        if found["wanted"] is None:
            what = "The service %s runs, and is not one of its release." % service
            findings.append(Finding("service-unwanted", what, name, "Run deploy.yml.", WARNING))
        elif found["state"] == "missing" or found["part"] != found["wanted"]:
            what = "There is no container of the service %s." % service
            if found["state"] != "missing":
                what = "The service %s runs as another release has it." % service
            findings.append(Finding("service-missing", what, name, "Run deploy.yml."))
        elif found["state"] != "running":
            what = "The service %s is %s (exit code %s)." % (service, found["state"], found.get("exit_code"))
            findings.append(Finding("service-exited", what, name, log))
        elif found["health"] not in (None, "healthy"):
            what = "The health check of the service %s says %s." % (service, found["health"])
            findings.append(Finding("service-unhealthy", what, name, log))
    return findings


def restarts(activated: Mapping[str, Mapping[str, Any]], observations: Mapping[str, Observation]) -> List[Finding]:
    """The agents that the engine has started again since they were activated: they crash, and pass gates in between.

    :param activated: member -> ``id`` and ``restarts`` of its container when its activation had ended, and of its
        services' by name.
    """
    findings = []
    for name, before in sorted(activated.items()):
        container = (observations.get(name) or {}).get("container") or {}
        again = (container.get("restarts") or 0) - (before["restarts"] or 0)
        if container.get("id") == before["id"] and again > 0:
            what = "The agent ended and was started again since it was activated: %d restarts." % again
            fix = "Read its log on the machine (docker logs praxis-agent-1): a release that crashes is not good."
            findings.append(Finding("agent-restarted", what, name, fix))
        beside = (observations.get(name) or {}).get("services") or {}
        for service, earlier in sorted((before.get("services") or {}).items()):
            found = beside.get(service) or {}
            again = (found.get("restarts") or 0) - (earlier["restarts"] or 0)
            if found.get("id") == earlier["id"] and again > 0:
                what = "The service %s ended and was started again since it was activated: %d restarts."
                fix = "Read its log on the machine: docker logs praxis-%s-1." % service
                findings.append(Finding("service-restarted", what % (service, again), name, fix))
    return findings


def serves(table: Table, name: str, observation: Observation) -> bool:
    """Whether a member's agent is well, be it with another release: it takes requests, and its peers can count on it.

    That holds without the services beside it, too.
    """
    return all(finding.code in SERVING for finding in member_findings(table, name, observation))


def observed(table: Table, observations: Mapping[str, Observation]) -> Table:
    """The fleet as it runs: a member that has not been activated yet has the P2P port of the release that it runs."""
    known = {name: observation.get("p2p_port") for name, observation in observations.items() if name in table.members}
    moved = {name: int(port) for name, port in known.items() if port and port != table.members[name].p2p_port}
    return table.at_ports(moved) if moved else table


def heal(table: Table, observations: Mapping[str, Observation]) -> List[str]:
    """The members to restart, one at a time, so that missing edges come back: one end of each, as few as covers them.

    Only edges that a restart can fix count: both ends well, a fresh dial between the machines succeeding, and neither
    agent so young that it is yet to dial.
    """
    table = observed(table, observations)
    old = {
        name
        for name, observation in observations.items()
        if name in table.members and serves(table, name, observation) and age(observation) >= DIAL_SECONDS
    }
    missing: Set[topology.Edge] = set()
    known = flows_of(table, observations)
    for one, other in table.edges:
        if old.issuperset((one, other)):
            dials = {_dialled(table, one, other, observations[one]), _dialled(table, other, one, observations[other])}
            shared = set(known[one, other]) & set(known[other, one])
            if dials == {"ok"} and not shared:
                missing.add((one, other))
    chosen = outside.to_restart(table.outside, sorted(old), observations, _unexplained(table, observations))
    missing = {pair for pair in missing if not set(pair).intersection(chosen)}
    while missing:
        counts = topology.neighbours({name for pair in missing for name in pair}, missing)
        worst = min(counts, key=lambda name: (-len(counts[name]), name))
        chosen.append(worst)
        missing = {pair for pair in missing if worst not in pair}
    return chosen


def flows_of(table: Table, observations: Mapping[str, Observation]) -> Flows:
    """What every end lists of each planned edge.

    A connection that only the end lists that dialled it is laid at the other end's door too, once for every sound one
    that the other end has accepted from an address that is no member's.
    """
    return _matched(table, observations)[0]


def _unexplained(table: Table, observations: Mapping[str, Observation]) -> Dict[str, int]:
    """How many sound connections each member has accepted that no other member of the table has dialled."""
    return _matched(table, observations)[1] if table.outside else {}


def _matched(table: Table, observations: Mapping[str, Observation]) -> Tuple[Flows, Dict[str, int]]:
    pairs = [pair for one, other in sorted(table.edges) for pair in ((one, other), (other, one))]
    ends = [pair for pair in pairs if pair[0] in observations]
    found = {(name, far): _flows(table, name, far, observations[name]) for name, far in ends}
    strangers = {name: _strangers(table, name, one) for name, one in observations.items() if name in table.members}
    for name, far in ends:
        for flow in sorted(found[name, far]):
            there = found.get((far, name))
            if flow[0] == name and there is not None and not there and strangers[far]:
                there[flow] = 0
                strangers[far] -= 1
    for name, far in ends:
        if (far, name) in found and _younger(observations[name], observations[far]):
            _same_by_another_port(name, found[name, far], found[far, name])
    return found, strangers


def _younger(one: Observation, other: Observation) -> bool:
    """Whether an agent was started after another one, or so little before that the other was there when it dialled.

    Not when either does not say when it was started.
    """
    ages = age(one), age(other)
    return max(ages) < float("inf") and ages[0] <= ages[1] + DIAL_SECONDS


def _same_by_another_port(name: str, mine: Dict[Flow, int], there: Dict[Flow, int]) -> None:
    """Lay what a member has dialled at the other end's door, once for every sound connection that the other end has
    accepted from it by a port that it does not know."""
    unknown = [flow for flow, retransmits in there.items() if flow[0] == name and flow not in mine and not retransmits]
    missing = [flow for flow in sorted(mine) if flow[0] == name and flow not in there]
    there.update(dict.fromkeys(missing[: len(unknown)], 0))


def _strangers(table: Table, name: str, observation: Observation) -> int:
    """How many sound connections a member has accepted from addresses that are no member's."""
    here = table.members[name]
    members = {address for other in table.members.values() for address in other.seen_from(here)}
    accepted = [
        str(item["remote"]).rpartition(":")[0].strip("[]")
        for item in observation.get("edges") or []
        if str(item["local"]).rpartition(":")[2] == str(here.p2p_port) and not int(item["retransmits"])
    ]
    return len([address for address in accepted if address not in members])


def _flows(table: Table, name: str, far: str, observation: Observation) -> Dict[Flow, int]:
    """Connections between two members as one end lists them, with their retransmits."""
    here, there = table.members[name], table.members[far]
    found: Dict[Flow, int] = {}
    for item in observation.get("edges") or []:
        local_port = int(str(item["local"]).rpartition(":")[2])
        remote_address, _colon, remote = str(item["remote"]).rpartition(":")
        if remote_address.strip("[]") not in there.seen_from(here):
            continue
        if int(remote) == there.p2p_port and local_port != here.p2p_port:
            found[(name, local_port)] = int(item["retransmits"])
        elif local_port == here.p2p_port:
            found[(far, int(remote))] = int(item["retransmits"])
    return found


def age(observation: Observation) -> float:
    """Seconds since the container was started; endless when the machine does not say."""
    container = observation.get("container") or {}
    if container.get("age") is not None:
        return float(container["age"])
    started = container.get("started_at")
    clock = (observation.get("host") or {}).get("clock")
    if not started or clock is None:
        return float("inf")
    return float(clock) - datetime.fromisoformat(str(started)[:19] + "+00:00").timestamp()


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
                fix="Check that each machine reaches the other's P2P port; deploy.yml restarts an end if that helps.",
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
