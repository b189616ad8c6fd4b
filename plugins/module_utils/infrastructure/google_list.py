# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of Google Cloud resources that a fleet should have, worked out of its settings. Pure.

Fields have Google's own names. A resource is named ``NAME``, or ``ZONE/NAME`` where a zone has one of its own. What the
user brings is in :class:`Existing`, is used as it is, and is never on the list.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure import google_cluster
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.google_dns import labels_of, records
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.google_front import (
    HTTPS_KINDS,
    LOGIN_LOST,
    SCHEME,
    Front,
    guard,
    no_https,
    way,
)
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.resource import Ref, Resource
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.settings import (
    ACCESS,
    BALANCER,
    CLUSTER,
    FIREWALL,
    MACHINES,
    NETWORK,
    TARGETS_LOST,
    Balancer,
    Open,
    networks,
)

PARTS = (NETWORK, FIREWALL, ACCESS, MACHINES, BALANCER)
KIND_PARTS = {
    "network": NETWORK, "subnetwork": NETWORK, "firewall": FIREWALL, "service_account": ACCESS,
    "instance_group": BALANCER, "address": BALANCER, "security_policy": FIREWALL, "health_check": BALANCER,
    "backend_service": BALANCER, "url_map": BALANCER, "target_http_proxy": BALANCER, "forwarding_rule": BALANCER,
    **dict.fromkeys(HTTPS_KINDS, BALANCER), "dns_record": BALANCER, **dict.fromkeys(google_cluster.KINDS, CLUSTER),
}  # fmt: skip
#: Where load balancers and health checks come from (https://cloud.google.com/load-balancing/docs/health-check-concepts).
FRONT_ENDS = ("35.191.0.0/16", "130.211.0.0/22")
#: Priority of the rule of a security policy for whom no other is for.
LAST_RULE = 2147483647
FIREWALL_RULES = ("p2p", "p2p-from", "p2p-from-v6", "api", "api-v6", "ssh", "ssh-v6")
ADDRESS_LOST = "the load balancer's address for good"
#: What every load balancer is made of, in the order in which it is created; its instance groups come first.
BALANCER_KINDS = (
    "address", "security_policy", "health_check", "backend_service", "url_map", "target_http_proxy", "forwarding_rule",
)  # fmt: skip
#: A rule of a security policy takes no more networks.
_NETWORKS_A_RULE = 10
_FIRST_RULE = 1000


@dataclass(frozen=True)
class Existing:
    """What the user brings, by link or name; empty where nothing is brought and it is made."""

    network: str = ""
    subnetwork: str = ""
    network_tags: Sequence[str] = ()
    service_account: str = ""
    backend_service: str = ""


@dataclass(frozen=True)
class Settings:
    """Everything that the list is worked out of.

    :param name: of everything; firewall rules' begin with it.
    :param account: the service account's name.
    :param mark: in the description of everything that is made: words, as ``KEY=VALUE``.
    :param labels: of what has labels.
    :param network_tag: by which firewall rules know the machines.
    :param cidr: addresses of the subnetwork.
    :param group_zones: zones that have an instance group: those of the settings, of the machines and of the groups.
    :param groups: who is protected: ``member``, ``balancer``.
    :param api_from_google: whether Google's load balancers reach the members' API.
    :param front: how the load balancer answers.
    :param cluster: the GKE cluster; in a removal, its name and location count.
    :param parts: what the run is about; the list holds these, and what they refer to.
    """

    fleet: str
    name: str
    account: str
    open: Open
    region: str = ""
    cidr: str = ""
    network_tag: str = ""
    group_zones: Sequence[str] = ()
    groups: Sequence[str] = ("member", "balancer")
    api_from_google: bool = True
    mark: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    existing: Existing = field(default_factory=Existing)
    balancer: Balancer = field(default_factory=Balancer)
    front: Front = field(default_factory=Front)
    cluster: google_cluster.Cluster | None = None
    parts: Sequence[str] = PARTS

    @property
    def makes_balancer(self) -> bool:
        """Whether the load balancer is one of ours."""
        return self.balancer.wanted and not self.existing.backend_service

    @property
    def network(self) -> str | Ref:
        """The network's link, or a reference to ours."""
        return self.existing.network or Ref("network", self.name)

    @property
    def subnetwork(self) -> str | Ref:
        """The subnetwork's link, or a reference to ours."""
        return self.existing.subnetwork or Ref("subnetwork", self.name)

    @property
    def service_account(self) -> str | Ref:
        """The machines' service account, or a reference to ours."""
        return self.existing.service_account or Ref("service_account", self.account)

    @property
    def around(self) -> google_cluster.Around:
        """What a cluster stands in."""
        own = not self.existing.network and not self.existing.subnetwork
        return google_cluster.Around(
            self.fleet, self.name, self.region, self.network, self.subnetwork, own, self.labels
        )

    def about(self, *parts: str) -> bool:
        """Whether the run is about one of these."""
        return not set(parts).isdisjoint(self.parts)


def desired(settings: Settings) -> list[Resource]:
    """The list."""
    return [replace(each, tags=settings.mark) for each in _resources(settings)]


def removable(settings: Settings) -> list[Resource]:
    """Everything that provisioning may have made under these names, each to be removed where it is ours."""
    name = settings.name
    rules = [Resource("firewall", f"{name}-{each}") for each in FIREWALL_RULES]
    every = [
        Resource("network", name),
        *([Resource("subnetwork", name, {}, {"location": settings.region})] if settings.region else []),
        *rules,
        Resource("service_account", settings.account),
        *_no_balancer(settings),
    ]
    if settings.cluster:
        every += google_cluster.removable(settings.cluster.name, settings.cluster.location, settings.around)
    listed = [each for each in every if KIND_PARTS[each.kind] in settings.parts]
    return [replace(each, present=False, tags=settings.mark) for each in listed]


def _resources(settings: Settings) -> Iterator[Resource]:
    yield from _network(settings)
    if settings.about(FIREWALL):
        yield from _firewall(settings)
    if settings.about(ACCESS, MACHINES):
        yield from _access(settings)
    if settings.about(BALANCER):
        yield from _balancer(settings) if settings.makes_balancer else _no_balancer(settings)
    elif settings.about(FIREWALL) and "balancer" in settings.groups:
        yield _policy(settings)
    if settings.about(CLUSTER) and settings.cluster:
        yield from google_cluster.resources(settings.cluster, settings.around)


def _network(settings: Settings) -> Iterator[Resource]:
    existing, name = settings.existing, settings.name
    if not existing.network:
        yield Resource("network", name, {"autoCreateSubnetworks": False})
    if not existing.subnetwork and settings.about(NETWORK, MACHINES):
        # One for all zones of the region.
        ranges = settings.cluster.ranges if settings.cluster else {}
        fields = {"network": settings.network, "ipCidrRange": settings.cidr, **ranges}
        yield Resource("subnetwork", name, fields, {"location": settings.region})


def _firewall(settings: Settings) -> Iterator[Resource]:
    """Every field that could open a rule further is named, so that an edit of any of them is restored."""
    if "member" not in settings.groups:
        return
    open_, tag = settings.open, settings.network_tag or settings.name
    google = FRONT_ENDS if settings.api_from_google else ()
    sources = {
        "p2p": (open_.p2p_port, [tag], []),
        **_by_version("p2p-from", open_.p2p_port, open_.p2p_from),
        **_by_version("api", open_.api_port, [*google, *open_.api_from]),
        **_by_version("ssh", 22, [open_.inside, *open_.ssh_from]),
    }
    for rule in FIREWALL_RULES:
        port, tags, ranges = sources[rule]
        fields = {
            "network": settings.network, "direction": "INGRESS", "priority": 1000, "disabled": False,
            "allowed": [{"IPProtocol": "tcp", "ports": [str(port)]}], "sourceRanges": ranges, "sourceTags": tags,
            "sourceServiceAccounts": [], "destinationRanges": [], "targetTags": [tag], "targetServiceAccounts": [],
        }  # fmt: skip
        # One without any source would let everybody in.
        opens = bool(tags or ranges)
        yield Resource("firewall", f"{settings.name}-{rule}", fields if opens else {}, present=opens)


def _by_version(rule: str, port: int, named: Iterable[str]) -> dict[str, tuple[int, list[str], list[str]]]:
    """A rule takes networks of one kind of address."""
    every = networks(named)
    v6 = [each for each in every if ":" in each]
    return {rule: (port, [], [each for each in every if each not in v6]), f"{rule}-v6": (port, [], v6)}


def _access(settings: Settings) -> Iterator[Resource]:
    """An account without a role: the controller brings secrets and images. It is there to be given some."""
    if not settings.existing.service_account:
        fields = {"displayName": f"Machines of the Praxis fleet {settings.fleet}"}
        yield Resource("service_account", settings.account, fields)


def _policy(settings: Settings) -> Resource:
    """Firewall rules do not reach an external load balancer: it answers everybody whom no policy refuses."""
    allowed = networks(settings.open.balancer_from)
    batches = [allowed[at : at + _NETWORKS_A_RULE] for at in range(0, len(allowed), _NETWORKS_A_RULE)]
    rules = [_policy_rule(_FIRST_RULE + at, "allow", batch) for at, batch in enumerate(batches)]
    rules.append(_policy_rule(LAST_RULE, "deny(403)", ["*"]))
    fields = {"type": "CLOUD_ARMOR", "rules": rules, "labels": settings.labels}
    # What it opens to everybody is opened when the login stands before it.
    return Resource("security_policy", settings.name, fields, goes_last=settings.front.login)


def _policy_rule(priority: int, action: str, sources: Sequence[str]) -> dict[str, Any]:
    match = {"versionedExpr": "SRC_IPS_V1", "config": {"srcIpRanges": [*sources]}}
    return {"priority": priority, "action": action, "match": match}


def _balancer(settings: Settings) -> Iterator[Resource]:
    """Who is in the groups is the deployment's: it puts in what it has found to be good."""
    name, how, port, labels = settings.name, settings.balancer, settings.open.api_port, settings.labels
    front = settings.front
    ports = {"namedPorts": [{"name": "api", "port": port}]}
    groups = [Resource("instance_group", f"{zone}/{name}", ports, {"location": zone}) for zone in settings.group_zones]
    yield from groups
    remembered = labels_of(front.record, front.known_record)
    yield Resource("address", name, {"labels": {**labels, **remembered}}, lost=ADDRESS_LOST)
    if "balancer" in settings.groups:
        yield _policy(settings)
    yield Resource("health_check", name, {
        "type": "HTTP", "httpHealthCheck": {"port": port, "requestPath": how.health_path},
        "checkIntervalSec": how.health_interval, "timeoutSec": min(5, how.health_interval), "healthyThreshold": 2,
        "unhealthyThreshold": 2,
    })  # fmt: skip
    backends = [{"group": Ref(each.kind, each.name), "balancingMode": "UTILIZATION"} for each in groups]
    hidden = {"client_secret": front.secret} if front.client_id else {}
    # Its timeout is how long a WebSocket may last, whatever goes over it.
    service = {
        "loadBalancingScheme": SCHEME, "protocol": "HTTP", "portName": "api",
        "timeoutSec": how.idle_timeout, "connectionDraining": {"drainingTimeoutSec": how.deregistration_delay},
        "healthChecks": [Ref("health_check", name)], "backends": backends,
        "securityPolicy": Ref("security_policy", name) if "balancer" in settings.groups else "", **guard(front),
    }  # fmt: skip
    lost_by = frozenset() if front.login else frozenset({"iap"})
    yield Resource("backend_service", name, service, hidden, lost=LOGIN_LOST if lost_by else "", lost_by=lost_by)
    yield from way(name, front, labels)
    yield from records(name, front.record, front.known_record)


def _no_balancer(settings: Settings) -> Iterator[Resource]:
    """What was made goes, the last first."""
    for zone in settings.group_zones:
        at = {"location": zone}
        yield Resource("instance_group", f"{zone}/{settings.name}", {}, at, present=False, lost=TARGETS_LOST)
    for kind in BALANCER_KINDS:
        if kind == "target_http_proxy":
            yield from no_https(settings.name, settings.front)
        lost = ADDRESS_LOST if kind == "address" else ""
        yield Resource(kind, settings.name, present=False, lost=lost)
    yield from records(settings.name, "", settings.front.known_record)
