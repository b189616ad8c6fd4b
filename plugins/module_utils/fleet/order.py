# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what the hosts answered to what happens next: who needs Docker, who is activated, in which batches. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Collection, Dict, List, Mapping, Optional, Sequence, Set, Tuple, Union

from ansible_collections.praxis.cloud.plugins.module_utils.finding import WARNING, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import engine_advice, step_failure
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.member_health import serves
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.mesh import BETWEEN, heal, observed, verdict
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.table import Table
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.topology import Edge

Outcome = Mapping[str, Any]
#: A number of members, or a percentage of the fleet: ``2``, ``"25%"``.
Share = Union[int, str]
#: Members that a host has observed again before its batch, at most: they are asked one after the other.
WATCHED = 8
#: Lines of an agent's log that a finding quotes.
LOG_LINES = 5


@dataclass(frozen=True)
class Pace:
    """How fast a release may spread.

    :param batch: members that are activated at a time.
    :param canary: members of the first batch.
    :param min_available: members that stay in service; None: all but a batch.
    :param max_unreachable: members that are left out when they cannot be reached; with more of them nothing is done.
    """

    batch: Share = 1
    canary: int = 1
    min_available: Optional[Share] = None
    max_unreachable: int = 0

    def size(self, total: int) -> int:
        """Members of a batch in a fleet of so many."""
        return max(1, _share(self.batch, total))

    def batches(self, total: int, alone: int = 0) -> int:
        """Batches that a fleet of so many is at most split into, zones apart.

        :param alone: those of them that are activated each alone.
        """
        size = self.size(total)
        alone = alone if size < total else 0
        rest = max(0, total - alone - min(self.canary, size))
        return -(-rest // size) + alone + (1 if total > alone else 0)

    def floor(self, total: int) -> int:
        """Members that have to stay in service."""
        if self.min_available is None:
            return max(0, total - self.size(total))
        return _share(self.min_available, total, up=True)


def _share(value: Share, total: int, up: bool = False) -> int:
    """So many, or that percentage of the total, rounded down or up."""
    if isinstance(value, int):
        return value
    hundredths = total * int(value.rstrip("%"))
    return -(-hundredths // 100) if up else hundredths // 100


@dataclass(frozen=True)
class Order:
    """What the activation play works through.

    :param needs_docker: hosts that have to be given an engine before they can be prepared.
    :param activate: hosts to activate, in order; empty when a finding stops the run.
    :param restart: those of them that are restarted only: to fix the mesh, or because the caller wants it.
    :param serial: batch sizes.
    :param observe_again: whether the observations at hand will not be the last word: something is amiss, or changes
        after a host was observed. A batch of all hosts is observed whole at its end.
    :param min_edges: live edges that each host's gate asks for: its share among the members that were active before
        its batch. Those of its own batch are judged once all of it runs.
    :param live: the edges that are live now.
    :param watch: by host, the members activated before that are observed again before its batch is drained.
    :param left_out: a warning for each member that cannot be reached and may be left out.
    :param ports: the members that listen at another P2P port than planned, until they are activated.
    """

    needs_docker: List[str]
    activate: List[str]
    restart: List[str]
    serial: List[int]
    min_edges: Dict[str, int]
    watch: Dict[str, List[str]]
    left_out: Tuple[Finding, ...]
    ports: Dict[str, int]
    first_deployment: bool
    observe_again: bool
    live: Set[Edge]
    findings: Tuple[Finding, ...]


def make_order(
    table: Table,
    outcomes: Mapping[str, Outcome],
    scope: Collection[str],
    pace: Pace,
    final: bool = True,
    held: Optional[Finding] = None,
    restart_too: Collection[str] = (),
) -> Order:
    """Decide the order. A host that could not be prepared stops the run before any host is disturbed.

    Members that do not serve come first: activating them takes nothing out of service.

    :param scope: the hosts of this run (``--limit`` makes it smaller than the fleet).
    :param final: whether every host should have an engine by now.
    :param held: says that another deployment is at work: this one must not be.
    :param restart_too: members that are restarted though nothing else is to be done to them.
    """
    left_out = _left_out([name for name in table.order if name in scope], outcomes, pace.max_unreachable)
    names = [name for name in table.order if name in scope and name not in left_out]
    needs_docker = [name for name in names if outcomes.get(name, {}).get("outcome") == "needs-docker" and not held]
    findings = [held] if held else list(absences(names, outcomes).values())
    if final:
        findings += [_no_engine(name, outcomes[name]) for name in needs_docker if not outcomes[name].get("changed")]
    observations = observations_of(outcomes)
    whole = len(names) + len(left_out) == len(table.members)
    seen = verdict(table, observations, {}, scope=None if whole else names)
    active = {name for name in observations if (observations[name].get("container") or {}).get("state") == "running"}
    well = serving(table, observations)
    kinds = {name: str(outcomes.get(name, {}).get("activation") or "none") for name in names}
    unchanged = [*heal(table, observations), *restart_too]
    restart = [name for name in dict.fromkeys(unchanged) if kinds.get(name) == "none"]
    activate = [name for name in names if kinds[name] != "none" or name in restart]
    activate.sort(key=lambda name: name in well)
    groups = split(table, activate, pace, [name for name in activate if name not in well]) if active else [activate]
    running = observed(table, observations)
    ports = {name: running.members[name].p2p_port for name in activate}
    ports = {name: port for name, port in ports.items() if port != table.members[name].p2p_port}
    if active:
        findings += _floor(table, groups, well, pace, len(table.members) - len(left_out))
    if not whole:
        findings += [_other_port(table, name, port) for name, port in ports.items()]
    if findings:
        activate, restart, groups = [], [], []
    at_once = len(groups) == 1 and len(activate) == len(names)
    return Order(
        needs_docker=needs_docker,
        activate=[name for group in groups for name in group],
        restart=restart,
        serial=[len(group) for group in groups if group],
        min_edges=_gates(table, groups, active),
        watch=_watch(groups),
        left_out=tuple(left_out.values()),
        ports=ports,
        first_deployment=not active,
        observe_again=not at_once if activate else not (seen.ok or held),
        live=seen.live,
        findings=tuple(findings),
    )


def serving(table: Table, observations: Mapping[str, Mapping[str, Any]]) -> Set[str]:
    """The members that can take requests now, be it with another release."""
    return {name for name in table.members if name in observations and serves(table, name, observations[name])}


def split(table: Table, names: Sequence[str], pace: Pace, broken: Collection[str] = ()) -> List[List[str]]:
    """Batches of these members, in their order: the canary, then so many at a time, then each alone those that others
    depend on.

    No batch takes all members of a zone, if the zone has several and the fleet has several zones. Neither holds when
    all of the fleet is asked for at once.

    :param broken: those that do not serve: nobody can depend on one of them now.
    """
    total = len(table.members)
    size = pace.size(total)
    alone = [name for name in names if size < total and table.members[name].last and name not in broken]
    alone.sort(key=lambda name: table.members[name].last)
    zones: Dict[str, int] = {}
    for member in table.members.values():
        zones[member.zone] = zones.get(member.zone, 0) + 1
    left = [name for name in names if name not in alone]
    found: List[List[str]] = []
    while left:
        most = min(size, pace.canary) if not found else size
        batch: List[str] = []
        taken: Dict[str, int] = {}
        for name in left:
            zone = table.members[name].zone
            empties = len(zones) > 1 and size < total and 1 < zones[zone] == taken.get(zone, 0) + 1
            if not empties:
                batch.append(name)
                taken[zone] = taken.get(zone, 0) + 1
            if len(batch) == most:
                break
        left = [name for name in left if name not in batch]
        found.append(batch)
    return found + [[name] for name in alone]


def roll_back(
    table: Table, touched: Collection[str], observations: Mapping[str, Mapping[str, Any]], pace: Pace
) -> List[List[str]]:
    """The members to roll back, in batches: those that do not serve all at once, for nothing is lost by it, then the
    others as they would be activated."""
    well = serving(table, observations)
    names = [name for name in table.order if name in touched]
    broken = [name for name in names if name not in well]
    whole = replace(pace, canary=len(table.members))
    return ([broken] if broken else []) + split(table, [name for name in names if name in well], whole)


def _left_out(names: Sequence[str], outcomes: Mapping[str, Outcome], most: int) -> Dict[str, Finding]:
    """The members that cannot be reached, and that this is no reason to stop; nobody when there are too many."""
    silent = [name for name in names if "unreachable" in (outcomes.get(name) or {"unreachable": ""})]
    if len(silent) > most:
        return {}
    why = "%s It is left out of this deployment (praxis_max_unreachable), and keeps what it has."
    found = absences(silent, outcomes)
    return {name: replace(item, what=why % item.what, level=WARNING) for name, item in found.items()}


def soften(findings: Sequence[Finding], left_out: Collection[str]) -> List[Finding]:
    """What is wrong with members that were left out is no error of this deployment."""
    return [
        replace(item, level=WARNING) if set(item.where.split(BETWEEN)).intersection(left_out) else item
        for item in findings
    ]


def _floor(
    table: Table, groups: Sequence[Sequence[str]], well: Collection[str], pace: Pace, total: int
) -> List[Finding]:
    """Why no order of these batches can keep enough members in service.

    :param total: members that could be.
    """
    floor = pace.floor(total)
    largest = max((len([name for name in group if name in well]) for group in groups), default=0)
    if not largest or total - largest >= floor:
        return []
    what = "praxis_min_available asks for %d of %d members in service, and a batch takes %d out."
    fix = "Lower praxis_min_available or praxis_batch, or add members."
    return [Finding("floor-impossible", what % (floor, total, largest), "fleet %s" % table.fleet, fix)]


def _other_port(table: Table, name: str, port: int) -> Finding:
    """That a part of the fleet cannot change its P2P port by itself."""
    what = "Its P2P port changes from %d to %d, and members outside this run would not hear of it."
    fix = "Deploy the whole fleet, without --limit."
    return Finding("p2p-port-limited", what % (port, table.members[name].p2p_port), name, fix)


def _gates(table: Table, groups: Sequence[Sequence[str]], active: Set[str]) -> Dict[str, int]:
    found: Dict[str, int] = {}
    active = set(active)
    for group in groups:
        before = active.difference(group)
        for name in group:
            found[name] = min(table.min_edges, len(before.intersection(table.around[name])))
        active.update(group)
    return found


def _watch(groups: Sequence[Sequence[str]]) -> Dict[str, List[str]]:
    """Who is observed again before a batch: the earlier batches, but for the last one, which has just been.

    Each host of the batch is given its share. Of a large share a part is taken, another one each time.
    """
    found: Dict[str, List[str]] = {}
    for number, group in enumerate(groups):
        earlier = [name for before in groups[: max(0, number - 1)] for name in before]
        for place, name in enumerate(group):
            share = earlier[place :: len(group)]
            step = max(1, -(-len(share) // WATCHED))
            found[name] = share[number % step :: step]
    return found


def _no_engine(name: str, outcome: Outcome) -> Finding:
    return engine_advice.explain(name, "; ".join(outcome.get("reasons") or ["it is missing"]))


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
    """A host's failure with the end of the agent's log: the log itself is gone after the rollback."""
    what = str(failure.get("what", ""))
    if evidence:
        what += " The log ends: %s" % " | ".join(str(line).strip() for line in evidence[-LOG_LINES:])
    said = {key: str(failure.get(key, "")) for key in ("code", "fix", "command")}
    return Finding(what=what, where=name, **said)


def observations_of(outcomes: Mapping[str, Outcome]) -> Dict[str, Mapping[str, Any]]:
    """The observations among the hosts' answers."""
    return {name: outcome["observation"] for name, outcome in outcomes.items() if outcome.get("observation")}
