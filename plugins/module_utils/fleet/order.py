# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what the hosts answered to what happens next: who needs Docker, who is activated, in which batches. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Collection, Dict, List, Mapping, Optional, Sequence, Set, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.agent.grouping import listed
from ansible_collections.praxis.cloud.plugins.module_utils.finding import WARNING, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import engine_advice, switches
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.batches import Pace, split, watch
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.membership import check_logins
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.mesh import answering, heal, observed, verdict
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.outcomes import (
    Outcome,
    absences,
    observations_of,
    serving,
)
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.table import Table
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.topology import Edge


@dataclass(frozen=True)
class Order:
    """What the activation play works through.

    :param needs_docker: hosts that have to be given an engine before they can be prepared.
    :param activate: hosts to activate, in order; empty when a finding stops the run.
    :param restart: those of them that are restarted only: to fix the mesh, or because the caller wants it.
    :param unconfirmed: hosts that run the plan's release, which another deployment has activated and not called good.
        They count as activated by this run: they have to last before the first batch, and are watched with the others.
    :param serial: batch sizes.
    :param observe_again: whether the observations at hand will not be the last word: something is amiss, or changes
        after a host was observed. A batch of all hosts is observed whole at its end.
    :param min_edges: live edges that each host's gate asks for: its share among the members that were active before
        its batch, and those outside this run that answered its host. Those of its own batch are judged once all of it
        runs.
    :param live: the edges that are live now.
    :param watch: by host, the members activated before that are observed again before its batch is drained.
    :param left_out: a warning for each member that is left out: it cannot be reached and need not be, or the plan has
        nothing for it.
    :param told: what a person should know of this order; it stops nothing.
    :param ports: the members that listen at another P2P port than planned, until they are activated.
    :param back: the members whose last good release, to which a rollback takes them, listens at another one than that.
    """

    needs_docker: List[str]
    activate: List[str]
    restart: List[str]
    unconfirmed: List[str]
    serial: List[int]
    min_edges: Dict[str, int]
    watch: Dict[str, List[str]]
    left_out: Tuple[Finding, ...]
    ports: Dict[str, int]
    back: Dict[str, int]
    first_deployment: bool
    observe_again: bool
    live: Set[Edge]
    findings: Tuple[Finding, ...]
    told: Tuple[Finding, ...] = ()


def make_order(
    table: Table,
    outcomes: Mapping[str, Outcome],
    scope: Collection[str],
    pace: Pace,
    final: bool = True,
    held: Optional[Finding] = None,
    restart_too: Collection[str] = (),
    apart: Mapping[str, Finding] = MappingProxyType({}),
    soak: float = 0.0,
) -> Order:
    """Decide the order. A host that could not be prepared stops the run before any host is disturbed.

    Members that do not serve come first: activating them takes nothing out of service. So do those that another
    deployment has activated and that nobody has seen last: most of them are out of service, and before they have lasted
    nobody puts them in. Then come the others whose release nobody has called good.

    :param scope: the hosts of this run (``--limit`` makes it smaller than the fleet).
    :param final: whether every host should have an engine by now.
    :param held: says that another deployment is at work: this one must not be.
    :param restart_too: members that are restarted though nothing else is to be done to them.
    :param apart: members that the plan leaves out, and for each a warning that says why.
    :param soak: seconds that an agent has to last.
    """
    there = [name for name in table.order if name in scope]
    silent = _left_out([name for name in there if name not in apart], outcomes, pace.max_unreachable)
    left_out = {name: one for name, one in {**apart, **silent}.items() if name in there}
    names = [name for name in there if name not in left_out]
    needs_docker = [name for name in names if outcomes.get(name, {}).get("outcome") == "needs-docker" and not held]
    findings = [held] if held else list(absences(names, outcomes).values())
    if final:
        findings += [_no_engine(name, outcomes[name]) for name in needs_docker if not outcomes[name].get("changed")]
    observations = observations_of(outcomes)
    shared = check_logins({name: observations[name] for name in names if name in observations})
    findings += shared
    whole = len(names) + len(left_out) == len(table.members)
    seen = verdict(table, observations, {}, scope=None if whole else names)
    active = {name for name in observations if (observations[name].get("container") or {}).get("state") == "running"}
    well = serving(table, observations)
    kinds = {name: str(outcomes.get(name, {}).get("activation") or "none") for name in names}
    unchanged = [*heal(table, observations), *restart_too]
    restart = [name for name in dict.fromkeys(unchanged) if kinds.get(name) == "none"]
    activate = [name for name in names if kinds[name] != "none" or name in restart]
    trial = {name for name in names if switches.on_trial(observations.get(name) or {})}
    proven = well - switches.untried(observations, soak)
    activate.sort(key=lambda name: (name in well, name in proven, name not in trial))
    unconfirmed = [name for name in names if name in trial.difference(activate)]
    # Of members outside this run nothing is known: they may well serve.
    beyond = table.beyond(scope)
    first = not (active or beyond)
    groups = [activate] if first else split(table, activate, pace, set(activate) - proven)
    running = observed(table, observations)
    ports = {name: running.members[name].p2p_port for name in activate}
    ports = {name: port for name, port in ports.items() if port != table.members[name].p2p_port}
    back = {name: port for name in names if (port := _good_port(observations.get(name) or {}))}
    back = {name: port for name, port in back.items() if port != ports.get(name, table.members[name].p2p_port)}
    if not first:
        findings += _floor(table, groups, well, pace, len(table.members) - len(left_out))
    if not whole:
        findings += [_other_port(table, name, port) for name, port in ports.items()]
    if findings:
        activate, restart, unconfirmed, groups = [], [], [], []
    at_once = len(groups) == 1 and len(activate) == len(names)
    return Order(
        needs_docker=[] if shared else needs_docker,
        activate=[name for group in groups for name in group],
        restart=restart,
        unconfirmed=unconfirmed,
        serial=[len(group) for group in groups if group],
        min_edges=_gates(running, groups, active, beyond, observations),
        watch=watch([unconfirmed, *groups] if unconfirmed else groups),
        left_out=tuple(left_out.values()),
        ports=ports,
        back=back,
        first_deployment=first,
        observe_again=not at_once if activate else bool(unconfirmed) or not (seen.ok or held),
        live=seen.live,
        findings=tuple(findings),
        told=(
            *_other_identities(table, [name for name in activate if name in active], observations),
            *switches.impossible(names, observations),
        ),
    )


def _left_out(names: Sequence[str], outcomes: Mapping[str, Outcome], most: int) -> Dict[str, Finding]:
    """The members that cannot be reached, and that this is no reason to stop; nobody when there are too many."""
    silent = [name for name in names if "unreachable" in (outcomes.get(name) or {"unreachable": ""})]
    if len(silent) > most:
        return {}
    why = "%s This host is left out of the deployment (praxis_max_unreachable) and keeps its release."
    found = absences(silent, outcomes)
    return {name: replace(item, what=why % item.what, level=WARNING) for name, item in found.items()}


def _floor(
    table: Table, groups: Sequence[Sequence[str]], well: Collection[str], pace: Pace, total: int
) -> List[Finding]:
    """Why no order of these batches can keep enough members in service.

    :param total: members that could be.
    """
    floor = pace.floor(total, len(table.members))
    largest = max((len([name for name in group if name in well]) for group in groups), default=0)
    if not largest or total - largest >= floor:
        return []
    what = "praxis_min_available asks for %d of %d members in service, and a batch takes %d out."
    fix = "Lower praxis_min_available or praxis_batch, or add members."
    return [Finding("floor-impossible", what % (floor, total, largest), "fleet %s" % table.fleet, fix)]


def _other_identities(
    table: Table, running: Sequence[str], observations: Mapping[str, Mapping[str, Any]]
) -> List[Finding]:
    """That agents which run get other peer ids: a seed that is not found where it was is made anew.

    Of an agent that goes by its key's other scheme, its member's health says so.
    """
    names = []
    for name in running:
        member, now = table.members[name], (observations[name].get("api") or {}).get("peer_id")
        if now and member.peer_id and now not in (member.peer_id, member.other_peer_id):
            names.append(name)
    if not names:
        return []
    what = "Running agents would get other peer ids, and clients that know the present ids would lose them: %s."
    fix = "If that is not intended, find the seeds that they had (praxis_slot, praxis_region, praxis_project, "
    fix += "praxis_identity_store, the account) before you deploy."
    return [Finding("other-identity", what % listed(names, 3), "fleet %s" % table.fleet, fix, WARNING)]


def _good_port(observation: Mapping[str, Any]) -> Optional[int]:
    """Where the last good release of a host listens; None where it has none, or nobody knows."""
    port = (observation.get("release") or {}).get("good_p2p_port")
    return int(port) if port else None


def _other_port(table: Table, name: str, port: int) -> Finding:
    """That a part of the fleet cannot change its P2P port by itself."""
    what = "The host's P2P port changes from %d to %d, and members outside this run would not learn the new one."
    fix = "Deploy the whole fleet, without --limit."
    return Finding("p2p-port-limited", what % (port, table.members[name].p2p_port), name, fix)


def _gates(
    table: Table,
    groups: Sequence[Sequence[str]],
    active: Set[str],
    beyond: Set[str],
    observations: Mapping[str, Mapping[str, Any]],
) -> Dict[str, int]:
    """What each host's gate asks for (``min_edges``).

    :param beyond: the members outside this run. One whose P2P port answers the host is there to be connected to.
    """
    found: Dict[str, int] = {}
    active = set(active)
    for group in groups:
        before = active.difference(group)
        for name in group:
            there = beyond.intersection(answering(table, name, observations.get(name) or {}))
            found[name] = min(table.min_edges, len((before | there).intersection(table.around[name])))
        active.update(group)
    return found


def _no_engine(name: str, outcome: Outcome) -> Finding:
    return engine_advice.explain(name, "; ".join(outcome.get("reasons") or ["it is missing"]))
