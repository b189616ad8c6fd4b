# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The IAM policies of whoever makes a fleet's infrastructure on AWS, and of whoever removes it. Pure.

Each allows what that verb does: provisioning removes no network that holds anything, no role and no disk, and removal
makes nothing.
"""

from __future__ import annotations

from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.aws_rules import QUOTA_SERVICE, QUOTAS
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.machine_quotas import STANDARD, VPCS
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.policy import Place, Statement

_NETWORK = ("vpc", "subnet", "internet-gateway", "route-table")


def provision(place: Place) -> list[Statement]:
    """What makes the infrastructure, restores what is changed by hand, and removes what is wanted no more."""
    gives_profile = ["ec2:DescribeIamInstanceProfileAssociations"]
    waits_for_disks = ["ec2:DescribeVolumesModifications"]
    waits_for_requests = ["elasticloadbalancing:DescribeTargetHealth"]
    account = observes_the_account(place)
    observe = Statement("Observe", [*account[0].actions, *gives_profile, *waits_for_disks, *waits_for_requests], ["*"])
    return [observe, *account[1:], *_makes(place), *_changes(place), *_gives_up(place)]


def down(place: Place) -> list[Statement]:
    """What removes the fleet; the slots' identities, too, for who asks for it. Which there are, one call reads."""
    by_domain = ["route53:ListHostedZonesByName"] if "." in place.zone else []
    backups = ["ec2:DescribeSnapshots"]
    return [
        Statement("Observe", [*_OBSERVE_OWNED, *by_domain, *backups, "secretsmanager:BatchGetSecretValue"], ["*"]),
        Statement("ObserveNames", ["route53:ListResourceRecordSets"], place.zones),
        Statement("ObserveCertificates", ["acm:ListTagsForCertificate"], place.certificates),
        Statement("ObserveCertificate", ["acm:DescribeCertificate"], _asked(place)),
        Statement("ObserveRole", ["iam:GetRole"], [_role(place)]),
        Statement("ObserveProfile", ["iam:GetInstanceProfile"], [_profile(place)]),
        *_removes(place),
        *_names(place),
        Statement(
            "RemoveIdentities", ["secretsmanager:DeleteSecret", "secretsmanager:GetSecretValue"], [place.identities]
        ),
    ]


def observes_the_account(place: Place) -> list[Statement]:
    """What plans of the infrastructure are made of."""
    certificate = place.certificates if place.zone else [place.certificate] if place.certificate else []
    by_domain = ["route53:ListHostedZonesByName"] if "." in place.zone else []
    by_id = [] if by_domain else ["route53:GetHostedZone"]
    login = [place.secret(place.login)] if place.login else []
    reads_login = ["secretsmanager:BatchGetSecretValue"] if login else []
    return [
        Statement("Observe", [*_OBSERVE_ACCOUNT, *by_domain, *reads_login], ["*"]),
        Statement("ObserveNames", [*by_id, "route53:ListResourceRecordSets"], place.zones),
        Statement("ReadLogin", ["secretsmanager:GetSecretValue"], login),
        Statement("ObserveCertificates", ["acm:ListTagsForCertificate"], place.certificates),
        Statement("ObserveRole", ["iam:GetRole"], [_role(place)]),
        Statement("ObserveProfile", ["iam:GetInstanceProfile"], [_profile(place)]),
        Statement("ObserveCertificate", ["acm:DescribeCertificate"], certificate),
        Statement("ObserveQuota", ["servicequotas:GetServiceQuota"], _quotas(place)),
    ]


def _quotas(place: Place) -> list[str]:
    quotas = [*((QUOTA_SERVICE, code) for code in QUOTAS.values()), STANDARD, VPCS]
    return [place.arn("servicequotas", f"{service}/{code}") for service, code in quotas]


def _makes(place: Place) -> list[Statement]:
    created = [f"ec2:{action}" for action in _CREATES]
    return [
        Statement("Make", created, place.ec2(*_NETWORK, "security-group"), place.new),
        Statement("MakeInVpc", [f"ec2:{each}" for each in _CREATES if each in _IN_VPC], place.ec2("vpc"), place.ours),
        Statement("MakeKey", ["ec2:ImportKeyPair"], [_key(place)], place.new),
        Statement("Launch", ["ec2:RunInstances"], place.ec2("instance"), place.new),
        Statement("LaunchIn", ["ec2:RunInstances"], place.ec2("subnet", "security-group"), place.ours),
        Statement(
            "LaunchWith",
            ["ec2:RunInstances"],
            [*place.ec2("volume", "network-interface"), place.arn("ec2", "image/*", account=""), _key(place)],
        ),
        Statement(
            "Mark",
            ["ec2:CreateTags"],
            [*place.ec2(*_NETWORK, "security-group", "instance", "volume"), _key(place)],
            {"StringEquals": {"ec2:CreateAction": [*_CREATES, "CreateVolume", "ImportKeyPair", "RunInstances"]}},
        ),
        Statement("MakeDisk", ["ec2:CreateVolume"], place.ec2("volume"), place.new),
        Statement("MakeDiskOf", ["ec2:CreateVolume"], place.snapshots),
        *_names(place),
        Statement("MakeCertificate", ["acm:RequestCertificate"], ["*"] if place.zone else [], place.new),
        Statement("MarkNewCertificate", ["acm:AddTagsToCertificate"], _asked(place), place.new),
        Statement("MakeRole", ["iam:CreateRole", "iam:TagRole"], [_role(place)]),
        Statement(
            "MakeProfile",
            ["iam:AddRoleToInstanceProfile", "iam:CreateInstanceProfile", "iam:TagInstanceProfile"],
            [_profile(place)],
        ),
        Statement(
            "GiveRole",
            ["iam:PassRole"],
            [_role(place)],
            {"StringEquals": {"iam:PassedToService": place.machines_service}},
        ),
        Statement(
            "MakeBalancer",
            [f"elasticloadbalancing:{each}" for each in _MAKE_BALANCER],
            _balancer(place),
        ),
    ]


def _changes(place: Place) -> list[Statement]:
    """What brings something that has been changed by hand back to the settings."""
    machines = place.ec2("instance", "security-group")
    return [
        Statement("ChangeNetwork", [f"ec2:{each}" for each in _CHANGE_NETWORK], place.ec2(*_NETWORK), place.ours),
        Statement("ChangeFirewall", [f"ec2:{each}" for each in _CHANGE_FIREWALL], machines[1:], place.ours),
        Statement("ChangeMachines", [f"ec2:{each}" for each in _CHANGE_MACHINES], machines, place.ours),
        Statement(
            "MarkAgain",
            ["ec2:CreateTags"],
            [*place.ec2(*_NETWORK, "security-group", "instance"), _key(place)],
            place.ours,
        ),
        Statement("ChangeDisks", ["ec2:AttachVolume", "ec2:ModifyVolume"], place.ec2("volume"), place.ours),
        Statement("AttachDisks", ["ec2:AttachVolume"], place.ec2("instance"), place.ours),
        Statement("MarkCertificate", ["acm:AddTagsToCertificate"], _asked(place), place.ours),
        Statement("ChangeRole", ["iam:UpdateAssumeRolePolicy", "iam:UpdateRole"], [_role(place)]),
        Statement("ChangeBalancer", [f"elasticloadbalancing:{each}" for each in _CHANGE_BALANCER], _balancer(place)),
    ]


def _gives_up(place: Place) -> list[Statement]:
    """What takes away what the settings have no place for any more."""
    return [
        # An empty one, when another run has made the fleet's in the same moment.
        Statement("TakeBackNetwork", ["ec2:DeleteVpc"], place.ec2("vpc"), place.ours),
        Statement(
            "LetGo",
            ["elasticloadbalancing:DeregisterTargets"],
            [place.arn("elasticloadbalancing", f"targetgroup/{place.name}/*")],
        ),
        Statement("Terminate", ["ec2:TerminateInstances"], place.ec2("instance"), place.ours),
        Statement("ObserveFarCertificates", ["acm:DescribeCertificate"], place.far_certificates),
        Statement("RemoveCertificate", ["acm:DeleteCertificate"], place.certificates, place.ours),
        Statement("EmptyProfile", ["iam:RemoveRoleFromInstanceProfile"], [_profile(place)]),
        Statement("RemoveBalancer", [f"elasticloadbalancing:{each}" for each in _REMOVE_BALANCER], _balancer(place)),
    ]


def _removes(place: Place) -> list[Statement]:
    """What takes away all that the fleet has. A listener goes with its load balancer."""
    kinds = ("targetgroup", "loadbalancer/app")
    return [
        Statement(
            "Remove",
            [f"ec2:{each}" for each in _REMOVE],
            place.ec2(*_NETWORK, "security-group", "instance"),
            place.ours,
        ),
        Statement("RemoveDisks", ["ec2:DeleteVolume"], place.ec2("volume"), place.ours),
        Statement("ObserveFarCertificates", ["acm:DescribeCertificate"], place.far_certificates),
        Statement("RemoveCertificate", ["acm:DeleteCertificate"], place.certificates, place.ours),
        Statement("RemoveKey", ["ec2:DeleteKeyPair"], [_key(place)], place.ours),
        Statement("RemoveRole", [f"iam:{each}" for each in _REMOVE_ROLE], [_role(place)]),
        Statement(
            "RemoveProfile", ["iam:DeleteInstanceProfile", "iam:RemoveRoleFromInstanceProfile"], [_profile(place)]
        ),
        Statement(
            "RemoveBalancer",
            ["elasticloadbalancing:DeleteLoadBalancer", "elasticloadbalancing:DeleteTargetGroup"],
            [place.arn("elasticloadbalancing", f"{kind}/{place.name}/*") for kind in kinds],
        ),
    ]


def _names(place: Place) -> list[Statement]:
    """The record of the fleet's name, and those beside and below it."""
    key = "route53:ChangeResourceRecordSetsNormalizedRecordNames"
    theirs = {"ForAllValues:StringLike": {key: [place.host, f"*.{place.host}"]}}
    return [Statement("Name", ["route53:ChangeResourceRecordSets"], place.zones, theirs)]


def _asked(place: Place) -> list[str]:
    """The certificates that are made for who has a zone."""
    return place.certificates if place.zone else []


def _role(place: Place) -> str:
    return f"arn:{place.partition}:iam::{place.account}:role/{place.role}"


def _profile(place: Place) -> str:
    return f"arn:{place.partition}:iam::{place.account}:instance-profile/{place.role}"


def _key(place: Place) -> str:
    return place.arn("ec2", f"key-pair/{place.name}-*")


def _balancer(place: Place) -> list[str]:
    kinds = ("targetgroup", "loadbalancer/app", "listener/app")
    return [place.arn("elasticloadbalancing", f"{kind}/{place.name}/*") for kind in kinds]


#: What is marked as the fleet's.
_OBSERVE_OWNED = [
    *(f"ec2:Describe{each}" for each in (
        "Instances", "InternetGateways", "KeyPairs", "RouteTables", "SecurityGroups", "Subnets", "Volumes", "Vpcs")),
    "acm:ListCertificates",
    *(f"elasticloadbalancing:Describe{each}" for each in ("LoadBalancers", "Tags", "TargetGroups")),
]  # fmt: skip
#: What settings are compared with.
_OBSERVE_ACCOUNT = [
    *_OBSERVE_OWNED, "ec2:DescribeAvailabilityZones", "ec2:DescribeImages", "ec2:DescribeInstanceTypes",
    "ec2:DescribeVpcAttribute",
    *(f"elasticloadbalancing:Describe{each}" for each in (
        "Listeners", "LoadBalancerAttributes", "TargetGroupAttributes")),
]  # fmt: skip
_CREATES = ("CreateInternetGateway", "CreateRouteTable", "CreateSecurityGroup", "CreateSubnet", "CreateVpc")
_IN_VPC = ("CreateRouteTable", "CreateSecurityGroup", "CreateSubnet")
_CHANGE_NETWORK = (
    "AssociateRouteTable", "AttachInternetGateway", "CreateRoute", "ModifySubnetAttribute", "ModifyVpcAttribute",
    "ReplaceRoute", "ReplaceRouteTableAssociation",
)  # fmt: skip
_CHANGE_FIREWALL = (
    "AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress", "UpdateSecurityGroupRuleDescriptionsIngress",
)  # fmt: skip
_CHANGE_MACHINES = (
    "AssociateIamInstanceProfile", "ModifyInstanceAttribute", "ModifyInstanceMetadataOptions",
    "ReplaceIamInstanceProfileAssociation", "StartInstances",
)  # fmt: skip
_MAKE_BALANCER = ("AddTags", "CreateListener", "CreateLoadBalancer", "CreateTargetGroup")
_CHANGE_BALANCER = (
    "ModifyListener", "ModifyLoadBalancerAttributes", "ModifyTargetGroup", "ModifyTargetGroupAttributes",
    "SetSecurityGroups", "SetSubnets",
)  # fmt: skip
_REMOVE = (
    "DeleteInternetGateway", "DeleteRouteTable", "DeleteSecurityGroup", "DeleteSubnet", "DeleteVpc",
    "DetachInternetGateway", "DisassociateRouteTable", "TerminateInstances",
)  # fmt: skip
_REMOVE_BALANCER = ("DeleteListener", "DeleteLoadBalancer", "DeleteTargetGroup")
_REMOVE_ROLE = (
    "DeleteRole", "DeleteRolePolicy", "DetachRolePolicy", "ListAttachedRolePolicies", "ListRolePolicies",
)  # fmt: skip
