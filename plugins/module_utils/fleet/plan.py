# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan: everything a deployment will do, computed once, before anything is touched.

It holds one table of members and a small slice a host, and never the value of a secret.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Collection, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import dependence, topology
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.membership import check_machines, check_members
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.outside import Outside, rows, to_plain
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.release import Release, digest
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.services import Service
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.table import UNKNOWN, Member, Table

#: The parts of a plan's id, in order. The id is made of a digest of each, so that two ids tell *what* differs.
PARTS = ("members", "image", "settings", "secrets")


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
    apart: Collection[str] = (),
) -> Plan:
    """Check that the members can be a fleet, and wire them.

    :param beside: for each machine the members in a cluster that it is to be connected to.
    :param apart: members that have no edges, for nobody knows what to dial them by.
    :raises Failed: see membership.py.
    """
    findings = check_members(fleet, members) + check_machines(members)
    if findings:
        raise Failed(*findings)
    by_release = {release.name: release for release in releases}
    by_name = {member.name: replace(member, release=by_release[member.name].id) for member in members}
    last = dependence.places(by_name, by_release)
    by_name = {name: replace(member, last=last[name]) for name, member in by_name.items()}
    return Plan(
        fleet=fleet,
        members=by_name,
        edges=topology.planned_edges(set(by_name).difference(apart)),
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
                what="The plan is now %s and no longer %s: its %s changed." % (found, wanted, ", ".join(changed)),
                where="praxis_plan_id",
                fix="Run plan.yml, read the new plan, and pass its id: -e praxis_plan_id=ID.",
            )
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
