# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The GKE cluster of a fleet as resources: way out, nodes' account and its roles, cluster, node pool. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.resource import Ref, Resource
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.settings import networks

CHANNELS = ("rapid", "regular", "stable", "extended")
#: Names of the subnetwork's secondary ranges.
PODS, SERVICES = "pods", "services"
#: What nodes need: to write logs and metrics, and to pull images of this project.
NODE_ROLES = ("roles/artifactregistry.reader", "roles/container.defaultNodeServiceAccount")
CLUSTER_LOST = "its API server's address and everything that runs in it"
NODES_LOST = "its nodes, and the pods on them"
KINDS = ("router", "node_account", "project_role", "gke_cluster", "node_pool")
_NAME = re.compile(r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?")


@dataclass(frozen=True)
class Cluster:
    """A GKE cluster as the user wants it.

    :param location: a region, or a zone for a cluster of that zone alone.
    :param autopilot: whether Google keeps the nodes; else there is one node pool.
    :param zones: of the nodes; none for those that Google chooses.
    :param version: of Kubernetes, at creation; empty for the channel's default.
    :param channel: by which Google upgrades the cluster, at creation.
    :param private_nodes: whether nodes have no addresses that the internet knows, at creation.
    :param public_from: networks from which its API server is reached through the internet; none for the network alone.
    :param min: nodes of the pool in all zones together.
    """

    name: str
    location: str
    autopilot: bool = True
    zones: Sequence[str] = ()
    version: str = ""
    channel: str = "regular"
    private_nodes: bool = True
    public_from: Sequence[str] = ()
    pods_cidr: str = "10.44.0.0/16"
    services_cidr: str = "10.45.0.0/20"
    instance_type: str = "e2-standard-2"
    min: int = 1
    max: int = 3

    @property
    def ranges(self) -> dict[str, Any]:
        """What its subnetwork has beside a fleet's of machines."""
        secondary = ((PODS, self.pods_cidr), (SERVICES, self.services_cidr))
        return {
            "secondaryIpRanges": [{"rangeName": name, "ipCidrRange": cidr} for name, cidr in secondary],
            # Google's own services answer nodes without a public address.
            "privateIpGoogleAccess": True,
        }


@dataclass(frozen=True)
class Around:
    """What a cluster stands in, and what it is known by.

    :param name: the fleet's, of the router.
    :param network, subnetwork: links, or references.
    :param own: whether the network is ours.
    """

    fleet: str
    name: str
    region: str
    network: str | Ref
    subnetwork: str | Ref
    own: bool
    labels: Mapping[str, str]


def node_account(fleet: str) -> str:
    """The name of the nodes' service account, which no fleet of machines can have."""
    return f"node-{fleet}"


def resources(cluster: Cluster, around: Around) -> Iterator[Resource]:
    """In the order of their references.

    :raises Failed: ``bad-cluster``.
    """
    if findings := _check(cluster, around.region):
        raise Failed(*findings)
    if around.own and cluster.private_nodes:
        yield Resource("router", around.name, _router(around), {"location": around.region})
    shown = {"displayName": f"Nodes of the Praxis fleet {around.fleet}"}
    account = Ref("node_account", node_account(around.fleet))
    yield Resource(account.kind, account.name, shown)
    for role in NODE_ROLES:
        yield Resource("project_role", role, made_with={"member": account})
    named, at = cluster.name, {"location": cluster.location}
    fields = {"running": True, "public_from": networks(cluster.public_from), "labels": dict(around.labels)}
    roles = [Ref("project_role", role) for role in NODE_ROLES]
    nodes = {"account": account, "roles": roles, "instance_type": cluster.instance_type,
             "private_nodes": cluster.private_nodes}  # fmt: skip
    made_with = {
        **at, **nodes, "network": around.network, "subnetwork": around.subnetwork, "autopilot": cluster.autopilot,
        "version": cluster.version, "channel": cluster.channel.upper(), "zones": [*cluster.zones], "min": cluster.min,
        "max": cluster.max,
    }  # fmt: skip
    yield Resource("gke_cluster", named, fields, made_with, lost=CLUSTER_LOST)
    if not cluster.autopilot:
        limits = {"running": True, "min": cluster.min, "max": cluster.max}
        inside = {**at, **nodes, "cluster": Ref("gke_cluster", named)}
        yield Resource("node_pool", named, limits, inside, lost=NODES_LOST)


def removable(name: str, location: str, around: Around) -> Iterator[Resource]:
    """Everything that a cluster may have been made with."""
    yield Resource("router", around.name, {}, {"location": around.region})
    account = Ref("node_account", node_account(around.fleet))
    yield Resource(account.kind, account.name)
    for role in NODE_ROLES:
        yield Resource("project_role", role, made_with={"member": account})
    yield Resource("gke_cluster", name, {}, {"location": location}, lost=CLUSTER_LOST)
    yield Resource("node_pool", name, {}, {"location": location, "cluster": Ref("gke_cluster", name)}, lost=NODES_LOST)


def _router(around: Around) -> dict[str, Any]:
    """Nodes without a public address reach the internet through it, and nobody reaches them."""
    taken = [{"name": around.subnetwork, "sourceIpRangesToNat": ["ALL_IP_RANGES"]}]
    nat = {"name": around.name, "natIpAllocateOption": "AUTO_ONLY",
           "sourceSubnetworkIpRangesToNat": "LIST_OF_SUBNETWORKS", "subnetworks": taken}  # fmt: skip
    return {"network": around.network, "nats": [nat]}


def _check(cluster: Cluster, region: str) -> list[Finding]:
    wrong = []
    if not _NAME.fullmatch(cluster.name):
        fix = "Use up to 40 lower-case letters, digits and hyphens, a letter first and no hyphen last."
        wrong.append((f"GKE takes no cluster named {cluster.name!r}.", fix))
    if not 0 <= cluster.min <= cluster.max or cluster.max < 1:
        limits = f"min {cluster.min}, max {cluster.max}"
        wrong.append((f"Its limits are {limits}.", "Write min <= max, and a max of 1 at least."))
    if cluster.channel not in CHANNELS:
        wrong.append((f"GKE has no channel {cluster.channel!r}.", f"Choose from {', '.join(CHANNELS)}."))
    if not f"{cluster.location}-".startswith(f"{region}-"):
        what = f"{cluster.location} is not in {region}, where its subnetwork is."
        wrong.append((what, "Set location to that region, or to a zone of it."))
    if cluster.autopilot and cluster.location.count("-") > 1:
        what = f"{cluster.location} is a zone, and an Autopilot cluster must be in a region."
        wrong.append((what, "Set location to a region, or set autopilot: false."))
    if v6 := [each for each in cluster.public_from if ":" in each]:
        wrong.append((f"GKE only allows IPv4 networks, and not {', '.join(v6)}.", "Remove these networks from "
                                                                                  "public_from."))
    return [Finding("bad-cluster", what, f"GKE cluster {cluster.name}", fix) for what, fix in wrong]
