# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The EKS cluster of a fleet as resources: roles, control plane, managed node group, and what is put into it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure import eks_contents
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.resource import Ref, Resource
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.settings import networks

LOGS = ("api", "audit", "authenticator", "controllerManager", "scheduler")
CLUSTER_LOST = "its API server's address and everything that runs in it"
NODES_LOST = "its nodes, and the pods on them"
_LONGEST_NAME, _LONGEST_ROLE = 63, 64
_OF_CLUSTER, _OF_NODES = "-eks", "-node"
_POLICIES = {
    _OF_CLUSTER: ("eks", ["AmazonEKSClusterPolicy"]),
    _OF_NODES: ("ec2", ["AmazonEC2ContainerRegistryReadOnly", "AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy"]),
}


@dataclass(frozen=True)
class Cluster:
    """An EKS cluster as the user wants it.

    :param version: of Kubernetes, at creation; empty for the one that EKS takes.
    :param public_from: networks from which its API server is reached through the internet; none for the VPC alone.
    :param logging: what the control plane writes to CloudWatch Logs.
    :param desired: nodes at creation.
    """

    name: str
    version: str = ""
    public_from: Sequence[str] = ()
    logging: Sequence[str] = ()
    instance_type: str = "t3.medium"
    min: int = 1
    desired: int = 2
    max: int = 3
    contents: eks_contents.Contents = field(default_factory=eks_contents.Contents)


def role_names(role: str) -> list[str]:
    """The names of both roles.

    :param role: that of the fleet in its region.
    """
    return [f"{role}{end}" for end in _POLICIES]


def resources(
    cluster: Cluster, role: str, subnets: Sequence[str | Ref], tagged: Callable[[str], Mapping[str, str]]
) -> Iterator[Resource]:
    """In the order of their references.

    :raises Failed: ``bad-cluster``.
    """
    if findings := _check(cluster, role):
        raise Failed(*findings)
    for end, (service, policies) in _POLICIES.items():
        allow = {"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sts:AssumeRole"}
        trust = {"Version": "2012-10-17", "Statement": [allow]}
        access = {"trust": trust, "description": f"EKS cluster {cluster.name}", "policies": policies}
        yield Resource("cluster_role", role + end, access, {}, tagged(role + end))
    name = cluster.name
    what = {
        "active": True,
        "public_from": networks(cluster.public_from),
        "private": True,
        "logging": sorted(cluster.logging),
    }
    made_with = {"role": Ref("cluster_role", role + _OF_CLUSTER), "subnets": [*subnets], "version": cluster.version}
    yield Resource("eks_cluster", name, what, made_with, tagged(name), lost=CLUSTER_LOST)
    of_nodes = {
        "cluster": Ref("eks_cluster", name),
        "role": Ref("cluster_role", role + _OF_NODES),
        "subnets": [*subnets],
        "instance_type": cluster.instance_type,
        "desired": cluster.desired,
    }
    limits = {"active": True, "min": cluster.min, "max": cluster.max}
    yield Resource("node_group", name, limits, of_nodes, tagged(name), lost=NODES_LOST)
    yield from eks_contents.resources(cluster.contents, name, tagged)


def _check(cluster: Cluster, role: str) -> list[Finding]:
    wrong = [*eks_contents.wrong(cluster.contents)]
    if not 0 <= cluster.min <= cluster.desired <= cluster.max or cluster.max < 1:
        limits = f"min {cluster.min}, desired {cluster.desired}, max {cluster.max}"
        wrong.append((f"Its limits are {limits}.", "Write min <= desired <= max, and a max of 1 at least."))
    unknown = sorted({*cluster.logging} - {*LOGS})
    if unknown:
        wrong.append((f"EKS has no log {', '.join(unknown)}.", f"Choose from {', '.join(LOGS)}."))
    if len(cluster.name) > _LONGEST_NAME:
        what = f"Its name has {len(cluster.name)} characters, and EKS takes {_LONGEST_NAME} for a node group."
        wrong.append((what, "Shorten name of the cluster in praxis_eks."))
    if len(longest := max(role_names(role), key=len)) > _LONGEST_ROLE:
        wrong.append((f"Its role would be called {longest}, {len(longest)} characters of 64.", "Shorten praxis_fleet."))
    return [Finding("bad-cluster", what, f"EKS cluster {cluster.name}", fix) for what, fix in wrong]
