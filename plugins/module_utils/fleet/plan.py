# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan: everything a deployment will do, computed once, before anything is touched.

It holds one table of members and a small slice a host, and never the value of a secret.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any, Callable, Collection, Dict, List, Mapping, Optional, Sequence, Set, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.agent.identity import multiaddr
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import dependence, topology
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.outside import (
    Outside,
    Outsider,
    from_plain,
    rows,
    to_plain,
)
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.release import Release, digest
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.services import Service

#: What check mode says of a value that only a real run can know.
UNKNOWN = "(known after apply)"

#: The parts of a plan's id, in order. The id is made of a digest of each, so that two ids tell *what* differs.
PARTS = ("members", "image", "settings", "secrets")


@dataclass(frozen=True)
class Member:
    """One agent's place in the fleet.

    :param addresses: the machine's addresses as members of its own network may see it; the first is the one they dial.
    :param network: the private network it is in; members of other networks dial, and see, its public address.
    :param public_address: empty when the machine has none.
    :param peer_id: None while its slot has no identity yet (check mode before the first deployment).
    :param other_peer_id: the id that the same seed gives under the other libp2p scheme; tells a mixed-up scheme.
    :param release: id of the release it is to run.
    :param activate: one of :data:`dependence.WORDS`.
    :param last: its place among those that are activated last, each alone; 0: it is none of them.
    :param target: what a load balancer knows the machine by (an instance id), or an empty string.
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


@dataclass(frozen=True)
class Plan(Table):
    """See the module's text. ``releases`` and ``members`` share their keys."""

    releases: Mapping[str, Release] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Four short digests joined by hyphens, one for each of :data:`PARTS`."""
        releases = sorted(self.releases.items())
        parts = (
            [*(self._placed(member) for _name, member in sorted(self.members.items())), *self._placed_outside()],
            [[name, release.image, *_of_services(release, "image")] for name, release in releases],
            [[name, release.id, dict(release.environment), release.document] for name, release in _apart(releases)],
            [[name, dict(release.secrets), *_of_services(release, "secrets")] for name, release in releases],
        )
        return "-".join(digest([self.fleet, part])[:8] for part in parts)

    @cached_property
    def _several_networks(self) -> bool:
        return len({member.network for member in self.members.values()}) > 1

    def _placed(self, member: Member) -> List[Any]:
        """What the plan's id knows of a member. Networks matter only where there are several."""
        across = [member.network, member.public_address] if self._several_networks else []
        return [member.name, member.slot, [*member.addresses, *across], member.p2p_port, member.peer_id]

    def _placed_outside(self) -> List[Any]:
        return [to_plain(self.outside)] if self.outside else []

    def host_slice(self, name: str) -> Dict[str, Any]:
        """Everything that one host needs, secrets apart."""
        release, member = self.releases[name], self.members[name]
        return {
            "release": {
                "id": release.id,
                "image": release.image,
                "name": release.name,
                "files": release.files(),
                "api_port": release.api_port,
                "p2p_port": release.p2p_port,
            },
            "peers": self.peers(name),
            "gate": {"peer_id": member.peer_id, "other_peer_id": member.other_peer_id, "dial": self.dials(name)},
            **({"data": release.data.host_slice()} if release.data else {}),
        }

    def describe(self) -> Dict[str, Any]:
        """The plan for a person or a program to read: no file contents."""
        return {
            "id": self.id,
            "fleet": self.fleet,
            "members": [
                {
                    "name": name,
                    "slot": self.members[name].slot,
                    "address": self.members[name].address,
                    "peer_id": self.members[name].peer_id or UNKNOWN,
                    "release": self.members[name].release,
                    "image": self.releases[name].image,
                    "secrets": dict(self.releases[name].secrets),
                }
                for name in self.order
            ],
            "across": rows(self.outside),
        }


def make_plan(
    fleet: str,
    members: Sequence[Member],
    releases: Sequence[Release],
    min_edges: int = topology.MIN_EDGES,
    beside: Optional[Outside] = None,
) -> Plan:
    """Check that the members can be a fleet, and wire them.

    :param beside: for each machine the members in a cluster that it is to be connected to.
    :raises Failed: see :func:`check_members`.
    """
    findings = check_members(fleet, members)
    if findings:
        raise Failed(*findings)
    by_release = {release.name: release for release in releases}
    by_name = {member.name: replace(member, release=by_release[member.name].id) for member in members}
    last = dependence.places(by_name, by_release)
    by_name = {name: replace(member, last=last[name]) for name, member in by_name.items()}
    return Plan(
        fleet=fleet,
        members=by_name,
        edges=topology.planned_edges(by_name),
        min_edges=min_edges,
        releases=by_release,
        outside=dict(beside or {}),
    )


def difference(wanted: str, got: str) -> List[str]:
    """Which of :data:`PARTS` two plan ids differ in; every part when the wanted id is not one of ours."""
    pairs = list(zip(wanted.split("-"), got.split("-")))
    if len(pairs) != len(PARTS) or wanted.count("-") != got.count("-"):
        return list(PARTS)
    return [part for part, (one, other) in zip(PARTS, pairs) if one != other]


def require_id(wanted: str, found: str) -> None:
    """Refuse when this plan is not the one that was agreed to.

    :param found: this plan's id.
    :raises Failed: naming the parts that differ.
    """
    changed = difference(wanted, found)
    if changed:
        raise Failed(
            Finding(
                code="plan-changed",
                what="The plan is %s now and not %s: its %s changed." % (found, wanted, ", ".join(changed)),
                where="praxis_plan_id",
                fix="Run plan.yml again, read it, and pass the new id.",
            )
        )


def natural(text: str) -> List[Tuple[int, int, str]]:
    """A sort key that counts digits as numbers: ``aws-2`` before ``aws-10``."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"([0-9]+)", text) if part]


def empty_fleet(where: str) -> Finding:
    """That there is nobody to deploy to."""
    return Finding(
        code="empty-fleet",
        what="The inventory holds no member of the fleet (no host in the group praxis).",
        where=where,
        fix="Check the inventory's regions and the praxis_fleet tag, or run provision.yml first.",
    )


def check_networks(members: Sequence[Member], across: Collection[str]) -> List[Finding]:
    """Why members of different private networks cannot be one fleet. P2P has no encryption and no authentication.

    :param across: the members whose variables allow that they dial others, and are dialled, through the internet.
    """
    if len({member.network for member in members}) < 2:
        return []
    fix = "Give the machine one (praxis_public_ip), or leave it out of the fleet."
    return check_crossed(members, across) + [
        Finding("no-public-address", "Members of other networks cannot reach it: it has none.", member.name, fix)
        for member in members
        if not member.public_address
    ]


def check_crossed(members: Sequence[Member], across: Collection[str]) -> List[Finding]:
    """That members of different networks may be connected only where all of them say so."""
    networks = sorted({member.network for member in members})
    if len(networks) > 1 and any(member.name not in across for member in members):
        known = ", ".join(network or "one without a name" for network in networks)
        what = "The members are in %d networks (%s), and P2P between them would be plain text on the internet."
        fix = (
            "Join the networks by a tunnel and give all members one praxis_network, or allow it by name: "
            "praxis_p2p_plaintext_across: true."
        )
        return [Finding("networks-crossed", what % (len(networks), known), "inventory", fix)]
    return []


def check_members(fleet: str, members: Sequence[Member]) -> List[Finding]:
    """Why these members cannot be a fleet: there is none, or two share what each must have for itself."""
    if not members:
        return [empty_fleet("fleet %s" % fleet)]
    findings = []
    kinds: Dict[str, Callable[[Member], List[str]]] = {
        "name": lambda member: [member.name],
        "slot": lambda member: [member.slot],
        "address": lambda member: ["%s:%d%s" % (member.address, member.p2p_port, _within(member))],
        "peer id": lambda member: [member.peer_id] if member.peer_id else [],
    }
    for kind, values_of in kinds.items():
        holders: Dict[str, List[Member]] = defaultdict(list)
        for member in members:
            for value in values_of(member):
                holders[value].append(member)
        findings += [_shared(kind, value, sharing) for value, sharing in holders.items() if _clash(kind, sharing)]
    return findings


def _within(member: Member) -> str:
    """Two networks may use the same private addresses."""
    return " in %s" % member.network if member.network else ""


def _clash(kind: str, sharing: Sequence[Member]) -> bool:
    """Whether these members must not share it. One slot is one identity: a shared slot is reported as that alone."""
    return len(sharing) > 1 and (kind != "peer id" or len({member.slot for member in sharing}) > 1)


def _shared(kind: str, value: str, sharing: Sequence[Member]) -> Finding:
    slots = " and ".join(sorted(member.slot for member in sharing))
    fixes = {
        "name": ("shared-name", "Give each machine a Name of its own."),
        "slot": (
            "shared-slot",
            "Give each machine a praxis_slot of its own: a slot is one identity, never two hosts'.",
        ),
        "address": ("shared-address", "Check praxis_address and the machines' addresses."),
        "peer id": (
            "shared-peer-id",
            "The slots %s hold the same seed: store another for one of them, or remove it with p2p_identity, "
            "state=absent and recovery_window_days=0, and deploy to have a new one made." % slots,
        ),
    }
    code, fix = fixes[kind]
    return Finding(
        code=code,
        what="%s have the same %s, %s." % (" and ".join(sorted(member.name for member in sharing)), kind, value),
        where="inventory",
        fix=fix,
    )


def _apart(releases: Sequence[Tuple[str, Release]]) -> List[Tuple[str, Release]]:
    """The releases with image and secret versions blanked: those have parts of the plan's id of their own."""
    return [(name, replace(release, image="", secrets={}, services=_blanked(release))) for name, release in releases]


def _blanked(release: Release) -> Tuple[Service, ...]:
    """Whether it has secrets stays: its container is started in another way then."""
    return tuple(
        replace(service, image="", secrets=dict.fromkeys(service.secrets, "")) for service in release.services
    )


def _of_services(release: Release, key: str) -> List[Any]:
    """What the plan's id knows of the services; nothing where there are none."""
    values = [(service.name, getattr(service, key)) for service in release.services]
    return [[name, dict(value) if isinstance(value, Mapping) else value] for name, value in values]
