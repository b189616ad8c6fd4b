# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The members table: who is in a fleet, what each is to run, and which of them are to be connected. Pure."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any, Collection, Dict, List, Mapping, Optional, Set, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.agent.identity import multiaddr
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import dependence, topology
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.outside import (
    Outside,
    Outsider,
    from_plain,
    to_plain,
)
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.release import digest

#: What check mode says of a value that only a real run can know.
UNKNOWN = "(known after apply)"


@dataclass(frozen=True)
class Member:
    """One agent's place in the fleet.

    :param addresses: the machine's addresses as members of its own network may see it; the first is the one they dial.
    :param network: the private network it is in; members of other networks dial, and see, its public address.
    :param public_address: empty when the machine has none.
    :param peer_id: None while its slot has no identity yet (check mode before the first deployment).
    :param other_peer_id: the id that the same seed gives under the other libp2p scheme; tells a mixed-up scheme.
    :param activate: one of :data:`dependence.WORDS`.
    :param last: its place among those that are activated last, each alone; 0: it is none of them.
    :param release: id of the release it is to run; empty where the plan does not know it: a rollback's does not of
        hosts outside its limit.
    :param target: what a load balancer knows the machine by (an instance id), or an empty string.
    :param peer_only: it is no member of the fleet, but a peer that an agent of a user's own play is connected to.
    """

    name: str
    slot: str
    addresses: Tuple[str, ...]
    p2p_port: int
    api_port: int
    peer_id: Optional[str] = None
    other_peer_id: Optional[str] = None
    cloud: str = ""
    network: str = ""
    public_address: str = ""
    zone: str = ""
    target: str = ""
    release: str = ""
    activate: str = dependence.AUTO
    last: int = 0
    peer_only: bool = False

    @property
    def address(self) -> str:
        """What the members of its own network dial."""
        return self.addresses[0]

    def seen_from(self, other: Member) -> Tuple[str, ...]:
        """Its addresses as another member may see them; the first is the one that the other dials."""
        return self.addresses if self.network == other.network else (self.public_address,)


@dataclass(frozen=True)
class Table:
    """The members table: who is in the fleet, what each is to run, and which of them are to be connected.

    :param outside: for each machine the members in a cluster that it is to be connected to as well.
    """

    fleet: str
    members: Mapping[str, Member]
    edges: Set[topology.Edge]
    min_edges: int = topology.MIN_EDGES
    outside: Outside = field(default_factory=dict)

    @cached_property
    def around(self) -> Dict[str, List[str]]:
        """Each member's neighbours."""
        return topology.neighbours(self.members, self.edges)

    @cached_property
    def order(self) -> List[str]:
        """Members in the order they are worked on: by slot, numbers counted as numbers."""
        return sorted(self.members, key=lambda name: natural(self.members[name].slot))

    def beyond(self, scope: Collection[str]) -> Set[str]:
        """The members outside a run that is limited to these."""
        return {name for name, member in self.members.items() if not member.peer_only and name not in scope}

    def at_ports(self, ports: Mapping[str, int]) -> Table:
        """The same fleet, some of its members at other P2P ports."""
        moved = {name: replace(self.members[name], p2p_port=port) for name, port in ports.items()}
        return replace(self, members={**self.members, **moved})

    def peers(self, name: str) -> Dict[str, Any]:
        """The bootstrap list of a member: all its neighbours. ``revision`` is a hash of the list."""
        addresses = []
        for dial in self._dials_inside(name):
            peer_id = self.members[dial["member"]].peer_id
            if peer_id is None:
                return {"revision": UNKNOWN, "multiaddrs": [UNKNOWN]}
            addresses.append(multiaddr(dial["address"], dial["port"], peer_id))
        addresses += [multiaddr(each.address, each.port, each.peer_id) for each in self._dialled_outside(name)]
        return {"revision": digest(addresses)[:12], "multiaddrs": addresses}

    def lacking(self, name: str, listed: Collection[str]) -> List[str]:
        """The members that a bootstrap list of this member's has to have, and does not."""
        found = []
        for dial in self._dials_inside(name):
            peer_id = self.members[dial["member"]].peer_id
            if peer_id is not None and multiaddr(dial["address"], dial["port"], peer_id) not in listed:
                found.append(dial["member"])
        return found

    def dials(self, name: str) -> List[Dict[str, Any]]:
        """A member's neighbours as its host's probes want them, each at the address that it is reached at from here."""
        outside_of = self._dialled_outside(name)
        return self._dials_inside(name) + [
            {"member": each.name, "address": each.address, "port": each.port, "outside": True} for each in outside_of
        ]

    def _dialled_outside(self, name: str) -> List[Outsider]:
        return [each for each in self.outside.get(name, ()) if each.address]

    def _dials_inside(self, name: str) -> List[Dict[str, Any]]:
        here = self.members[name]
        around = [self.members[other] for other in self.around[name]]
        return [
            {"member": other.name, "address": other.seen_from(here)[0], "port": other.p2p_port} for other in around
        ]

    def to_plain(self) -> Dict[str, Any]:
        """The table as plain values; :func:`table_from_plain` reads it back."""
        return {
            "fleet": self.fleet,
            "members": [asdict(self.members[name]) for name in self.order],
            "edges": sorted(self.edges),
            "min_edges": self.min_edges,
            "outside": to_plain(self.outside),
        }


def table_from_plain(plain: Mapping[str, Any]) -> Table:
    """The inverse of :meth:`Table.to_plain`."""
    members = [Member(**{**item, "addresses": tuple(item["addresses"])}) for item in plain["members"]]
    return Table(
        fleet=plain["fleet"],
        members={member.name: member for member in members},
        edges={(pair[0], pair[1]) for pair in plain["edges"]},
        min_edges=plain["min_edges"],
        outside=from_plain(plain.get("outside") or {}),
    )


def natural(text: str) -> List[Tuple[int, int, str]]:
    """A sort key that counts digits as numbers: ``aws-2`` before ``aws-10``."""
    parts = [part for part in re.split(r"([0-9]+)", text) if part]
    return [(0, int(part), "") if "0" <= part[0] <= "9" else (1, 0, part) for part in parts]
