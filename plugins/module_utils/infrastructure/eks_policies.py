# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The IAM policy of whoever makes and removes a fleet's EKS cluster, and logs in to it. Pure."""

from __future__ import annotations

from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.policy import Place, Statement

_CLUSTER = (
    "CreateAccessEntry", "CreateAddon", "CreateNodegroup", "CreatePodIdentityAssociation", "DeleteCluster",
    "DescribeCluster", "ListAccessEntries", "ListAddons", "ListPodIdentityAssociations", "TagResource",
    "UpdateClusterConfig",
)  # fmt: skip
_NODES = ("DeleteNodegroup", "DescribeNodegroup", "TagResource", "UpdateNodegroupConfig")
_ADDONS = ("DeleteAddon", "DescribeAddon", "TagResource", "UpdateAddon")
_ACCESS = (
    "AssociateAccessPolicy", "DeleteAccessEntry", "DescribeAccessEntry", "DisassociateAccessPolicy",
    "ListAssociatedAccessPolicies", "TagResource", "UpdateAccessEntry",
)  # fmt: skip
#: An add-on makes and removes associations of its own.
_PODS = (
    "CreateAddon", "DeleteAddon", "DeletePodIdentityAssociation", "DescribePodIdentityAssociation", "TagResource",
    "UpdateAddon", "UpdatePodIdentityAssociation",
)  # fmt: skip
_ROLE = (
    "AttachRolePolicy", "CreateRole", "DeleteRole", "DeleteRolePolicy", "DetachRolePolicy", "GetRole",
    "ListAttachedRolePolicies", "ListRolePolicies", "TagRole", "UpdateAssumeRolePolicy", "UpdateRole",
)  # fmt: skip
_LINKED = ("eks.amazonaws.com", "eks-nodegroup.amazonaws.com")


def eks(place: Place) -> list[Statement]:
    """What a cluster of the fleet's own name needs, beside what ``provision`` and ``down`` need for its network."""
    name, account = place.name, f"arn:{place.partition}:iam::{place.account}"
    roles = [f"{account}:role/{place.role}-{each}" for each in ("eks", "node")]
    # An issuer's address names its region, and an id that EKS chooses.
    issuers = [f"{account}:oidc-provider/oidc.eks.{place.region}.*"]
    linked = [f"{account}:role/aws-service-role/{each}/*" for each in _LINKED]
    return [
        # It takes no name, and the tags that the cluster is given in its place.
        Statement("MakeCluster", ["eks:CreateCluster"], ["*"], place.new),
        Statement("Cluster", [f"eks:{each}" for each in _CLUSTER], [place.arn("eks", f"cluster/{name}")]),
        Statement("Nodes", [f"eks:{each}" for each in _NODES], [place.arn("eks", f"nodegroup/{name}/*/*")]),
        Statement("Addons", [f"eks:{each}" for each in _ADDONS], [place.arn("eks", f"addon/{name}/*/*")]),
        Statement("Access", [f"eks:{each}" for each in _ACCESS], [place.arn("eks", f"access-entry/{name}/*")]),
        Statement("Pods", [f"eks:{each}" for each in _PODS], [place.arn("eks", f"podidentityassociation/{name}/*")]),
        Statement("GivePods", ["iam:PassRole"], place.pod_roles, _passed("pods.eks.amazonaws.com")),
        Statement("MakeIssuer", [f"iam:{each}OpenIDConnectProvider" for each in ("Create", "Tag")], issuers, place.new),
        Statement("Issuer", [f"iam:{each}OpenIDConnectProvider" for each in ("Delete", "Tag")], issuers, place.ours),
        Statement("SeeIssuer", ["iam:GetOpenIDConnectProvider"], issuers),
        Statement("ListIssuers", ["iam:ListOpenIDConnectProviders"], ["*"]),
        Statement("Role", [f"iam:{each}" for each in _ROLE], roles),
        Statement("GiveRole", ["iam:PassRole"], roles, _passed(*place.machines_service, "eks.amazonaws.com")),
        # AWS makes its own two roles at the first use in an account.
        Statement("LinkRoles", ["iam:CreateServiceLinkedRole"], linked),
    ]


def _passed(*services: str) -> dict[str, dict[str, list[str]]]:
    return {"StringEquals": {"iam:PassedToService": [*services]}}
