# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of AWS resources that a fleet should have, worked out of its settings. Pure.

What the user brings is in :class:`Existing`, is used as it is, and is never on the list.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import mark
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure import aws_cluster
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.aws_dns import Names, certificate, records
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.aws_listeners import listeners
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.aws_rules import (
    Quotas,
    Rule,
    balancer_rules,
    fitted,
    member_rules,
    too_many,
    too_many_groups,
)
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.resource import Ref, Resource
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.settings import (
    ACCESS,
    BALANCER,
    CLUSTER,
    FIREWALL,
    KEY,
    MACHINES,
    NETWORK,
    TARGETS_LOST,
    Balancer,
    Open,
)

PARTS = (NETWORK, FIREWALL, ACCESS, KEY, MACHINES, BALANCER)
#: The parts that need the network's subnets.
PLACED = frozenset({NETWORK, MACHINES, BALANCER, CLUSTER})
KIND_PARTS = {
    "vpc": NETWORK, "subnet": NETWORK, "gateway": NETWORK, "route_table": NETWORK, "security_group": FIREWALL,
    "role": ACCESS, "instance_profile": ACCESS, "key_pair": KEY,
    "target_group": BALANCER, "load_balancer": BALANCER, "listener": BALANCER,
    "certificate": BALANCER, "validation_record": BALANCER, "dns_record": BALANCER,
    "cluster_role": CLUSTER, "eks_cluster": CLUSTER, "node_group": CLUSTER,
    "oidc_provider": CLUSTER, "access_entry": CLUSTER, "addon": CLUSTER, "pod_identity": CLUSTER,
}  # fmt: skip
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
ADDRESS_LOST = "its address (DNS name) for good; the deployment's targets leave it"
_CIDR_PARTS_BITS = 4
_LONGEST_PREFIX = 28


@dataclass(frozen=True)
class Existing:
    """What the user brings, by id; empty where nothing is brought and it is made."""

    vpc: str = ""
    subnets: Sequence[str] = ()
    security_groups: Sequence[str] = ()
    load_balancer: str = ""
    target_group: str = ""
    key_name: str = ""
    instance_profile: str = ""


@dataclass(frozen=True)
class Settings:
    """Everything that the list is worked out of.

    :param name: the beginning of all names.
    :param zones: of the subnets, in order.
    :param placed: the subnets that the fleet has already, as zone and network.
    :param serving: ids of subnets in other zones in which machines are: the load balancer goes on reaching them.
    :param groups: which security groups to keep: ``member``, ``balancer``.
    :param public_key: a line of an OpenSSH public key; empty when the key pair is the user's own.
    :param tags: on everything; by default the user's own and the fleet's mark.
    :param quotas: what the account allows.
    :param parts: what the run is about; the list holds these, and what they refer to.
    """

    fleet: str
    name: str
    role: str
    open: Open
    vpc_cidr: str = ""
    zones: Sequence[str] = ()
    placed: Sequence[tuple[str, str]] = ()
    serving: Sequence[str] = ()
    groups: Sequence[str] = ("member", "balancer")
    public_key: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] | None = None
    existing: Existing = field(default_factory=Existing)
    balancer: Balancer = field(default_factory=Balancer)
    quotas: Quotas = field(default_factory=Quotas)
    cluster: aws_cluster.Cluster | None = None
    parts: Sequence[str] = PARTS

    def tagged(self, name: str = "") -> dict[str, str]:
        """All tags of a resource of this name."""
        tags = {**self.labels, **mark(self.fleet)} if self.tags is None else self.tags
        return {**tags, "Name": name or self.name}

    @property
    def makes_balancer(self) -> bool:
        """Whether the load balancer is one of ours."""
        return self.balancer.wanted and not self.existing.target_group

    @property
    def vpc(self) -> str | Ref:
        """The VPC's id, or a reference to ours."""
        return self.existing.vpc or Ref("vpc", self.name)

    @property
    def subnets(self) -> list[str | Ref]:
        """Ids of the user's subnets, or references to ours."""
        return [*self.existing.subnets] or [Ref("subnet", subnet_name(self, zone)) for zone in self.zones]

    @property
    def member_groups(self) -> list[str | Ref]:
        """The groups of the machines."""
        return [*self.existing.security_groups] or [Ref("security_group", f"{self.name}-member")]


def subnet_name(settings: Settings, zone: str) -> str:
    """The name of a zone's subnet."""
    return f"{settings.name}-{zone}"


def desired(settings: Settings) -> list[Resource]:
    """The list.

    :raises Failed: what cannot be: a VPC too small, too few zones, more rules or groups than the account allows.
    """
    if finding := too_many_groups(settings.existing.security_groups, settings.quotas.groups):
        raise Failed(finding)
    makers = {FIREWALL: _groups, ACCESS: _access, KEY: _key, BALANCER: _balancer, CLUSTER: _cluster}
    made = [each for part, maker in makers.items() if part in settings.parts for each in maker(settings)]
    return [*_network(settings), *made]


def subnets_of(network: str, count: int, taken: Sequence[str] = ()) -> list[str]:
    """Networks of a sixteenth each, the very first left to the VPC's own services.

    :param taken: networks that none of them may overlap.
    :raises ValueError: for what is no IPv4 network, or one too small.
    """
    whole = ipaddress.IPv4Network(network)
    prefix = whole.prefixlen + _CIDR_PARTS_BITS
    if prefix > _LONGEST_PREFIX:
        raise ValueError(f"it is too small for subnets; use a /{_LONGEST_PREFIX - _CIDR_PARTS_BITS} or larger")
    others = [ipaddress.IPv4Network(each) for each in taken]
    parts = [part for part in [*whole.subnets(new_prefix=prefix)][1:] if not any(map(part.overlaps, others))]
    if count > len(parts):
        beside = f" beside the {len(others)} existing ones" if others else ""
        raise ValueError(f"it has no room for {count} subnets{beside}; use at most {len(parts)} new zones")
    return [str(part) for part in parts[:count]]


def _cidrs(settings: Settings) -> dict[str, str]:
    """By zone, the network of its subnet: that of the one that is there, else one that is free."""
    there = dict(sorted(settings.placed, reverse=True))
    new = [zone for zone in settings.zones if zone not in there]
    free = subnets_of(settings.vpc_cidr, len(new), [cidr for _zone, cidr in settings.placed])
    made = dict(zip(new, free, strict=True))
    return {zone: there.get(zone) or made[zone] for zone in settings.zones}


def _network(settings: Settings) -> Iterator[Resource]:
    existing, name, tags = settings.existing, settings.name, settings.tagged()
    if not existing.vpc and not existing.subnets:
        fields = {"dns_support": True, "dns_hostnames": True}
        yield Resource("vpc", name, fields, {"cidr": settings.vpc_cidr}, tags)
    if existing.subnets or not PLACED.intersection(settings.parts):
        return
    if len(settings.zones) < 2:
        what = f"The fleet would be in {', '.join(settings.zones) or 'no zone'}: it needs two zones."
        fix = "Name two zones in provision_zones (praxis_zones), or choose another region."
        raise Failed(Finding("one-zone", what, f"fleet {settings.fleet}", fix))
    try:
        cidrs = _cidrs(settings)
    except ValueError as error:
        what = f"{settings.vpc_cidr!r} cannot be divided into subnets: {error}."
        fix = "Correct provision_vpc_cidr (PRAXIS_VPC_CIDR)."
        raise Failed(Finding("bad-network", what, f"fleet {settings.fleet}", fix)) from None
    for zone, cidr in cidrs.items():
        own = subnet_name(settings, zone)
        where = {"vpc": settings.vpc, "zone": zone, "cidr": cidr}
        yield Resource("subnet", own, {"public": True}, where, settings.tagged(own))
    yield Resource("gateway", name, {"vpc": settings.vpc}, {"vpc_of_the_user": bool(existing.vpc)}, tags)
    serves = {f"serves {zone}": subnet for zone, subnet in zip(settings.zones, settings.subnets, strict=True)}
    routes = {"default_route": Ref("gateway", name), **serves}
    yield Resource("route_table", name, routes, {"vpc": settings.vpc}, tags)


def _groups(settings: Settings) -> Iterator[Resource]:
    member = Ref("security_group", f"{settings.name}-member")
    balancer = Ref("security_group", f"{settings.name}-balancer") if "balancer" in settings.groups else None
    if balancer:
        rules = balancer_rules(settings.open)
        group = _group(settings, balancer.name, f"Load balancer of the Praxis fleet {settings.fleet}", rules)
        # What it opens to everybody is opened when the login stands before it.
        yield replace(group, goes_last=bool(settings.balancer.tls.login))
    if "member" in settings.groups:
        rules = member_rules(settings.open, member, balancer)
        yield _group(settings, member.name, f"Members of the Praxis fleet {settings.fleet}", rules)


def _group(settings: Settings, name: str, description: str, rules: list[Rule]) -> Resource:
    kept = fitted(rules, settings.quotas.rules)
    if finding := too_many(name, kept, settings.quotas.rules):
        raise Failed(finding)
    made_with = {"vpc": settings.vpc, "description": description}
    return Resource("security_group", name, {"rules": kept}, made_with, settings.tagged(name))


def _access(settings: Settings) -> Iterator[Resource]:
    """A role without a permission: the controller brings secrets and images. It is there to be given some.

    What it was given stays, the policy ``praxis`` of version 0.1.0 as well, which nothing uses.
    """
    if settings.existing.instance_profile:
        return
    name, tags = settings.role, settings.tagged(settings.role)
    what = {"trust": TRUST, "description": f"Machines of the Praxis fleet {settings.fleet}"}
    yield Resource("role", name, what, {}, tags)
    yield Resource("instance_profile", name, {"role": Ref("role", name)}, {}, tags)


def _key(settings: Settings) -> Iterator[Resource]:
    if settings.public_key and not settings.existing.key_name:
        name = key_name(settings)
        yield Resource("key_pair", name, {}, {"public_key": settings.public_key}, settings.tagged(name))


def key_name(settings: Settings) -> str:
    """The key pair's name. It carries the key's digest: another key is another pair."""
    if settings.existing.key_name or not settings.public_key:
        return settings.existing.key_name
    text = " ".join(settings.public_key.split()[:2])
    return f"{settings.name}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _cluster(settings: Settings) -> Iterator[Resource]:
    if settings.cluster:
        yield from aws_cluster.resources(settings.cluster, settings.role, settings.subnets, settings.tagged)


def _balancer(settings: Settings) -> Iterator[Resource]:
    name, ours, names = settings.name, mark(settings.fleet), settings.balancer.names
    if not settings.makes_balancer:
        names = Names(known_record=names.known_record, known=names.known)
        yield from certificate(names, {}, ours)
        yield Resource("target_group", name, tags=ours, present=False, lost=TARGETS_LOST)
        yield Resource("load_balancer", name, tags=ours, present=False, lost=ADDRESS_LOST)
    else:
        yield from certificate(names, settings.tagged(), ours)
        yield from _way(settings)
    yield from records(names, name, ours)


def _way(settings: Settings) -> Iterator[Resource]:
    """What leads to the targets."""
    name, tags, how = settings.name, settings.tagged(), settings.balancer
    target = {
        "protocol": "HTTP", "port": settings.open.api_port, "vpc": settings.vpc, "target_type": "instance",
        "health_protocol": "HTTP", "health_path": how.health_path, "health_port": "traffic-port",
        "health_interval": how.health_interval, "health_timeout": min(5, how.health_interval - 1),
        "healthy_threshold": 2, "unhealthy_threshold": 2, "codes": "200",
        "deregistration_delay": how.deregistration_delay,
    }  # fmt: skip
    remade = frozenset({"protocol", "port", "vpc", "target_type"})
    yield Resource("target_group", name, target, {}, tags, remade, lost=TARGETS_LOST)
    balancer = {
        "scheme": how.scheme,
        "subnets": [*settings.subnets, *settings.serving],
        "security_groups": [Ref("security_group", f"{name}-balancer")],
        "idle_timeout": how.idle_timeout,
        **({"access_logs": how.access_logs} if how.access_logs else {}),
    }
    remembering = {**tags, **how.names.balancer_tags}
    yield Resource("load_balancer", name, balancer, {}, remembering, frozenset({"scheme"}), lost=ADDRESS_LOST)
    yield from listeners(name, how.tls, tags, mark(settings.fleet), how.names.validated)
