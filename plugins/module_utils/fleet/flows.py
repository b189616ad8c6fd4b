# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connections between members, as the TCP tables of their machines list them, and as they match. Pure.

Where a machine rewrites the addresses of what comes in (Docker's userland proxy, a MASQUERADE rule of one's own), the
accepting end cannot tell who dialled: there, a connection that no address explains stands for one that is listed by
the end that dialled it. Where a machine gives what goes out another source port (MASQUERADE with random ports, a NAT
gateway), both ends list the connection, and not as the same one. That is no ghost when the end that dialled is the
younger: it has dialled once, after its start, and the other end was there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Mapping, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.connections import accepted
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.member_health import Observation, age
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.table import Table

#: A connection: the member that dialled it, and the source port that it has there. Both ends see these two alike.
Flow = Tuple[str, int]
#: An agent dials ten seconds after its start, one peer after the other; by now it has.
DIAL_SECONDS = 30.0


@dataclass(frozen=True)
class Flows:
    """What the ends of a fleet's planned edges list.

    :param between: (one end, the other) -> the connections between them as the first lists them, with their
        retransmits.
    :param unexplained: how many sound connections each member has accepted that no member of the table has dialled.
    """

    between: Mapping[Tuple[str, str], Dict[Flow, int]]
    unexplained: Mapping[str, int]


def matched(table: Table, observations: Mapping[str, Observation]) -> Flows:
    """What every end lists of each planned edge.

    A connection that only the end lists that dialled it is laid at the other end's door too, once for every sound one
    that the other end has accepted from an address that is no member's.
    """
    pairs = [pair for one, other in sorted(table.edges) for pair in ((one, other), (other, one))]
    ends = [pair for pair in pairs if pair[0] in observations]
    found = {(name, far): _listed(table, name, far, observations[name]) for name, far in ends}
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
    return Flows(found, strangers)


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
    return len([address for address in accepted(observation, here.p2p_port) if address not in members])


def _listed(table: Table, name: str, far: str, observation: Observation) -> Dict[Flow, int]:
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
