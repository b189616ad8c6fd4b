# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The IAM policy of whoever makes and removes a fleet's EKS cluster, and logs in to it. Pure."""

from __future__ import annotations

from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.policy import Place, Statement

_CLUSTER = ("CreateNodegroup", "DeleteCluster", "DescribeCluster", "TagResource",
            "UpdateClusterConfig")  # fmt: skip
_NODES = ("DeleteNodegroup", "DescribeNodegroup", "TagResource", "UpdateNodegroupConfig")
_ROLE = (
    "AttachRolePolicy", "CreateRole", "DeleteRole", "DeleteRolePolicy", "DetachRolePolicy", "GetRole",
    "ListAttachedRolePolicies", "ListRolePolicies", "TagRole", "UpdateAssumeRolePolicy", "UpdateRole",
)  # fmt: skip
_LINKED = ("eks.amazonaws.com", "eks-nodegroup.amazonaws.com")


def eks(place: Place) -> list[Statement]:
    """What a cluster of the fleet's own name needs, beside what ``provision`` and ``down`` need for its network."""
    name, account = place.name, f"arn:{place.partition}:iam::{place.account}"
    roles = [f"{account}:role/{place.role}-{each}" for each in ("eks", "node")]
    passed = {"StringEquals": {"iam:PassedToService": ["ec2.amazonaws.com", "eks.amazonaws.com"]}}
    linked = [f"{account}:role/aws-service-role/{each}/*" for each in _LINKED]
    return [
        # It takes no name, and the tags that the cluster is given in its place.
        Statement("MakeCluster", ["eks:CreateCluster"], ["*"], place.new),
        Statement("Cluster", [f"eks:{each}" for each in _CLUSTER], [place.arn("eks", f"cluster/{name}")]),
        Statement("Nodes", [f"eks:{each}" for each in _NODES], [place.arn("eks", f"nodegroup/{name}/*/*")]),
        Statement("Role", [f"iam:{each}" for each in _ROLE], roles),
        Statement("GiveRole", ["iam:PassRole"], roles, passed),
        # AWS makes its own two roles at the first use in an account.
        Statement("LinkRoles", ["iam:CreateServiceLinkedRole"], linked),
    ]
