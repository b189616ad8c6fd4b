# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The network a fleet of our own machines has, the network it should have, and what lies between. Pure.

What exists is recognised by what nobody can edit (a network, an attachment) where there is such a thing, else by two of
three tags, so that one edited by hand does not lead to a second resource.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import FLEET_TAG, MANAGED_TAG, mark

UNKNOWN = "(known after apply)"
Tags = Mapping[str, str]


@dataclass(frozen=True)
class Wanted:
    """What the network should be.

    :param vpc_id: a VPC of the user's own, which is neither made nor changed; empty for one of ours.
    :param cidr: the VPC's network.
    :param subnets: network by zone; empty when the user's own subnets are used, and then nothing in the VPC is ours.
    :param labels: the user's own tags, put on everything made here.
    """

    fleet: str
    name: str
    cidr: str
    subnets: Mapping[str, str]
    vpc_id: str = ""
    labels: Tags = field(default_factory=dict)

    def tags(self, name: str = "") -> dict[str, str]:
        """All tags that a resource of this name must have; the network's own name when none is given."""
        return {**self.labels, **mark(self.fleet), "Name": name or self.name}

    def subnet_name(self, zone: str) -> str:
        """The name of a zone's subnet."""
        return f"{self.name}-{zone}"


@dataclass(frozen=True)
class Part:
    """A VPC, subnet, gateway or route table as the cloud shows it.

    :param settings: what else is kept: ``dns_support``, ``public``, ``vpc`` (attached to), ``default_route`` …
    """

    id: str
    tags: Tags = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Network:
    """What there is. ``subnets`` by zone's network; ``cidr`` is the VPC's."""

    vpc: Part | None = None
    cidr: str = ""
    subnets: Mapping[str, Part] = field(default_factory=dict)
    gateway: Part | None = None
    routes: Part | None = None


@dataclass(frozen=True)
class Change:
    """One thing to do to one part.

    :param verb: ``create``, ``tag``, or the setting to be set.
    :param kind: ``vpc``, ``subnet``, ``gateway``, ``routes``.
    :param zone: of a subnet.
    :param before: what there is; None when nothing.
    :param after: what there should be.
    """

    verb: str
    kind: str
    zone: str = ""
    before: Any = None
    after: Any = None

    @property
    def key(self) -> tuple[str, str, str]:
        """By which the same change is known in another diff."""
        return self.verb, self.kind, self.zone

    def __str__(self) -> str:
        thing = " ".join(word for word in (NAMES[self.kind], self.zone) if word)
        return f"create {thing}" if self.verb == "create" else f"set {self.verb} of {thing}"


NAMES = {"vpc": "VPC", "subnet": "subnet", "gateway": "internet gateway", "routes": "route table"}


def marked(tags: Tags, fleet: str, name: str) -> bool:
    """Whether two of the three tags say that this is the fleet's."""
    return (MANAGED_TAG in tags) + (tags.get(FLEET_TAG) == fleet) + (tags.get("Name") == name) >= 2


def diff(wanted: Wanted, there: Network) -> list[Change]:
    """What turns the network there is into the one wanted, in the order in which it can be done.

    :raises Failed: ``network-differs`` when the VPC has another network: that cannot be changed.
    """
    own = not wanted.vpc_id
    if own and there.vpc and there.cidr != wanted.cidr:
        what = f"Its VPC {there.vpc.id} has the network {there.cidr}, and {wanted.cidr} is wanted."
        fix = (
            "A VPC's network cannot be changed: set provision_vpc_cidr (PRAXIS_VPC_CIDR) to it, or choose another "
            "fleet's name."
        )
        raise Failed(Finding("network-differs", what, f"fleet {wanted.fleet}", fix))
    changes = list(_vpc(wanted, there)) if own else []
    if wanted.subnets:
        changes += [*_subnets(wanted, there), *_gateway(wanted, there), *_routes(wanted, there)]
    return changes


def _part(kind: str, part: Part | None, tags: dict[str, str], zone: str = "", **settings: Any) -> Iterable[Change]:
    """Creation with tags, then each setting; of a part that is there, what differs."""
    if part is None:
        yield Change("create", kind, zone, None, {"id": UNKNOWN, "tags": tags})
    elif missing := {key: value for key, value in tags.items() if part.tags.get(key) != value}:
        yield Change("tag", kind, zone, {key: part.tags.get(key) for key in missing}, missing)
    for name, value in settings.items():
        if part is None or part.settings.get(name) != value:
            yield Change(name, kind, zone, part and part.settings.get(name), value)


def _vpc(wanted: Wanted, there: Network) -> Iterable[Change]:
    yield from _part("vpc", there.vpc, wanted.tags(), dns_support=True, dns_hostnames=True)


def _subnets(wanted: Wanted, there: Network) -> Iterable[Change]:
    for zone, cidr in wanted.subnets.items():
        yield from _part("subnet", there.subnets.get(cidr), wanted.tags(wanted.subnet_name(zone)), zone, public=True)


def _gateway(wanted: Wanted, there: Network) -> Iterable[Change]:
    part = there.gateway
    if part and wanted.vpc_id and MANAGED_TAG not in part.tags:
        return  # the VPC's own
    yield from _part("gateway", part, wanted.tags(), vpc=there.vpc.id if there.vpc else UNKNOWN)


def _routes(wanted: Wanted, there: Network) -> Iterable[Change]:
    gateway = there.gateway.id if there.gateway else UNKNOWN
    yield from _part("routes", there.routes, wanted.tags(), default_route=gateway)
    serves = there.routes.settings["serves"] if there.routes else ()
    for zone, cidr in wanted.subnets.items():
        subnet = there.subnets.get(cidr)
        if subnet is None or subnet.id not in serves:
            yield Change("serves", "routes", zone, None, subnet.id if subnet else UNKNOWN)


def picture(wanted: Wanted, changes: Iterable[Change]) -> dict[str, dict[str, Any]]:
    """Before and after, by resource, for a diff: only what changes."""
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for change in changes:
        name = wanted.subnet_name(change.zone) if change.zone and change.kind == "subnet" else wanted.name
        thing = f"{NAMES[change.kind]} {name}"
        if change.verb == "create":
            after[thing] = dict(change.after)
            continue
        setting = f"serves {change.zone}" if change.verb == "serves" else change.verb
        after.setdefault(thing, {})[setting] = change.after
        if change.before is not None:
            before.setdefault(thing, {})[setting] = change.before
    return {"before": before, "after": after}
