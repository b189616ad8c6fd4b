# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The IAM policies that each verb needs on AWS, worked out of a fleet's own names and references. Pure.

Which actions take which resources and condition keys is from AWS's service authorization reference
(https://docs.aws.amazon.com/service-authorization/latest/reference/). A star stands where the service takes no name:
for what describes, and for ids that are made with the resource. There the fleet's tag is asked for in its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.aws_rules import QUOTA_SERVICE, QUOTAS
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.ecs_policies import ecs
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.eks_policies import eks
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.image_policies import image
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.permissions import ASK
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.policy import REPOSITORY, Place, Statement

VERBS = ("provision", "deploy", "doctor", "backup", "restore", "down", "image", "ecs", "eks")
Document = dict[str, Any]
_NETWORK = ("vpc", "subnet", "internet-gateway", "route-table")


def policies(place: Place) -> dict[str, Document]:
    """By verb, the policy that it needs. The machines need none: the controller brings secrets and images."""
    account = _observes_the_account(place)
    fleet = _observes_the_fleet(place)
    statements: dict[str, Iterable[Statement]] = {
        "provision": [*account, *_makes(place), *_changes(place), *_removes(place)],
        "deploy": [*fleet, *_deploys(place)],
        "doctor": [*_merged(account, fleet), _asks(place)],
        "backup": _backs_up(place),
        "restore": _restores(place),
        "down": [*account, *_removes(place), *_names(place), *_forgets(place)],
        "image": image(place),
        "ecs": ecs(place),
        "eks": eks(place),
    }
    return {verb: _document(each) for verb, each in statements.items()}


def account_of(images: Iterable[str]) -> str:
    """The account of the images' registry.

    :raises Failed: ``account-unknown``.
    """
    for each in images:
        if found := REPOSITORY.match(each):
            return found["account"]
    what = "The id of the AWS account is not known: no image is in a registry of ECR's."
    raise Failed(Finding("account-unknown", what, "praxis_account", "Set praxis_account to its twelve digits."))


def _document(statements: Iterable[Statement]) -> Document:
    return {"Version": "2012-10-17", "Statement": [each.as_dict() for each in statements if each.resources]}


def _merged(one: Sequence[Statement], other: Sequence[Statement]) -> list[Statement]:
    """Both, a statement of both once, with all its actions."""
    found = {each.sid: each for each in one}
    for each in other:
        before = found.get(each.sid)
        actions = {*(before.actions if before else ()), *each.actions}
        found[each.sid] = Statement(each.sid, sorted(actions), each.resources, each.when)
    return list(found.values())


def _observes_the_account(place: Place) -> list[Statement]:
    """What plans of the infrastructure are made of."""
    certificate = place.certificates if place.zone else [place.certificate] if place.certificate else []
    by_domain = ["route53:ListHostedZonesByName"] if "." in place.zone else []
    return [
        Statement("Observe", [*_OBSERVE_ACCOUNT, *by_domain], ["*"]),
        Statement("ObserveNames", ["route53:GetHostedZone", "route53:ListResourceRecordSets"], place.zones),
        Statement("ObserveCertificates", ["acm:ListTagsForCertificate"], place.certificates),
        Statement("ObserveRole", ["iam:GetRole"], [_role(place)]),
        Statement("ObserveProfile", ["iam:GetInstanceProfile"], [_profile(place)]),
        Statement("ObserveCertificate", ["acm:DescribeCertificate"], certificate),
        Statement("ObserveQuota", ["servicequotas:GetServiceQuota"], _quotas(place)),
    ]


def _quotas(place: Place) -> list[str]:
    return [place.arn("servicequotas", f"{QUOTA_SERVICE}/{code}") for code in QUOTAS.values()]


def _observes_the_fleet(place: Place) -> list[Statement]:
    """What plans of deployments are made of."""
    # BatchGetSecretValue itself takes no name: each secret is asked for by GetSecretValue.
    secrets = map(place.secret, place.secrets)
    token = ["ecr:GetAuthorizationToken"] if place.repositories else []
    return [
        Statement("Observe", [*_OBSERVE_FLEET, *token], ["*"]),
        Statement("ReadSecrets", ["secretsmanager:GetSecretValue"], sorted({*secrets, place.identities})),
        Statement("ReadImages", ["ecr:BatchGetImage", "ecr:DescribeImages"], place.repositories),
    ]


def _asks(place: Place) -> Statement:
    """Which permissions the credentials have: they belong to a user or a role of the account, and may be anybody's."""
    principals = [f"arn:{place.partition}:iam::{place.account}:{kind}/*" for kind in ("user", "role")]
    return Statement(ASK, ["iam:SimulatePrincipalPolicy"], principals)


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
            [*place.ec2(*_NETWORK, "security-group", "instance", "volume", "network-interface"), _key(place)],
            {"StringEquals": {"ec2:CreateAction": [*_CREATES, "CreateVolume", "ImportKeyPair", "RunInstances"]}},
        ),
        Statement("MakeDisk", ["ec2:CreateVolume"], place.ec2("volume"), place.new),
        Statement("MakeDiskOf", ["ec2:CreateVolume"], place.snapshots),
        *_names(place),
        Statement("MakeCertificate", ["acm:AddTagsToCertificate", "acm:RequestCertificate"], _asked(place), place.new),
        Statement("MakeRole", ["iam:CreateRole", "iam:TagRole"], [_role(place)]),
        Statement(
            "MakeProfile",
            ["iam:AddRoleToInstanceProfile", "iam:CreateInstanceProfile", "iam:TagInstanceProfile"],
            [_profile(place)],
        ),
        Statement(
            "GiveRole", ["iam:PassRole"], [_role(place)], {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}
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
            "MarkAgain", ["ec2:CreateTags"], place.ec2(*_NETWORK, "security-group", "instance", "volume"), place.ours
        ),
        Statement("ChangeDisks", ["ec2:AttachVolume", "ec2:ModifyVolume"], place.ec2("volume"), place.ours),
        Statement("AttachDisks", ["ec2:AttachVolume"], place.ec2("instance"), place.ours),
        Statement("MarkCertificate", ["acm:AddTagsToCertificate"], _asked(place), place.ours),
        Statement("ChangeRole", ["iam:UpdateAssumeRolePolicy", "iam:UpdateRole"], [_role(place)]),
        Statement("ChangeBalancer", [f"elasticloadbalancing:{each}" for each in _CHANGE_BALANCER], _balancer(place)),
    ]


def _removes(place: Place) -> list[Statement]:
    """What takes away what the fleet has; provisioning needs it for what the settings have no place for any more."""
    return [
        Statement(
            "Remove",
            [f"ec2:{each}" for each in _REMOVE],
            place.ec2(*_NETWORK, "security-group", "instance"),
            place.ours,
        ),
        Statement("RemoveDisks", ["ec2:DeleteVolume"], place.ec2("volume"), place.ours),
        Statement("RemoveCertificate", ["acm:DeleteCertificate"], place.certificates, place.ours),
        Statement("RemoveKey", ["ec2:DeleteKeyPair"], [_key(place)], place.ours),
        Statement(
            "RemoveRole",
            ["iam:DeleteRole", "iam:DeleteRolePolicy", "iam:DetachRolePolicy", "iam:ListAttachedRolePolicies",
             "iam:ListRolePolicies"],
            [_role(place)],
        ),
        Statement(
            "RemoveProfile", ["iam:DeleteInstanceProfile", "iam:RemoveRoleFromInstanceProfile"], [_profile(place)]
        ),
        Statement(
            "RemoveBalancer",
            [f"elasticloadbalancing:{each}" for each in ("DeleteListener", "DeleteLoadBalancer", "DeleteTargetGroup")],
            _balancer(place),
        ),
    ]  # fmt: skip


def _forgets(place: Place) -> list[Statement]:
    """Removing the slots' identities, for who asks for it."""
    actions = ["secretsmanager:DeleteSecret", "secretsmanager:GetSecretValue"]
    return [Statement("RemoveIdentities", actions, [place.identities])]


def _deploys(place: Place) -> list[Statement]:
    actions = [f"secretsmanager:{each}" for each in ("CreateSecret", "RestoreSecret", "TagResource")]
    return [Statement("MakeIdentities", actions, [place.identities]), _serves(place)]


def _serves(place: Place) -> Statement:
    targets = [f"elasticloadbalancing:{each}" for each in ("DeregisterTargets", "RegisterTargets")]
    return Statement("ServeRequests", targets, [place.arn("elasticloadbalancing", f"targetgroup/{place.name}/*")])


def _backs_up(place: Place) -> list[Statement]:
    """Snapshots of the slots' disks, and the removal of those that are too many."""
    created = {"StringEquals": {"ec2:CreateAction": ["CreateSnapshot"]}}
    return [
        Statement("Observe", ["ec2:DescribeInstances", "ec2:DescribeSnapshots"], ["*"]),
        Statement("MakeSnapshots", ["ec2:CreateSnapshot"], place.snapshots, place.new),
        Statement("MakeSnapshotsOf", ["ec2:CreateSnapshot"], place.ec2("volume"), place.ours),
        Statement("Mark", ["ec2:CreateTags"], place.snapshots, created),
        Statement("ChangeSnapshots", ["ec2:CreateTags", "ec2:DeleteSnapshot"], place.snapshots, place.ours),
    ]


def _restores(place: Place) -> list[Statement]:
    """A disk of a snapshot in the place of another, and the members' way out of service and back. No secret: the hosts
    have them."""
    fleet = [each for each in _OBSERVE_FLEET if not each.startswith("secretsmanager:")]
    created = {"StringEquals": {"ec2:CreateAction": ["CreateVolume"]}}
    disks = ["ec2:AttachVolume", "ec2:DetachVolume"]
    return [
        Statement("Observe", sorted([*fleet, "ec2:DescribeSnapshots", "ec2:DescribeVolumes"]), ["*"]),
        Statement("MakeDisks", ["ec2:CreateVolume"], place.ec2("volume"), place.new),
        Statement("MakeDisksOf", ["ec2:CreateVolume"], place.snapshots, place.ours),
        Statement("Mark", ["ec2:CreateTags"], place.ec2("volume"), created),
        Statement("ChangeDisks", ["ec2:CreateTags", *disks], place.ec2("volume"), place.ours),
        Statement("AttachDisks", disks, place.ec2("instance"), place.ours),
        _serves(place),
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


_OBSERVE_ACCOUNT = [
    *(f"ec2:Describe{each}" for each in (
        "AvailabilityZones", "IamInstanceProfileAssociations", "Images", "Instances", "InternetGateways", "KeyPairs",
        "RouteTables", "SecurityGroups", "Subnets", "Volumes", "VolumesModifications", "VpcAttribute", "Vpcs")),
    "acm:ListCertificates",
    *(f"elasticloadbalancing:Describe{each}" for each in (
        "Listeners", "LoadBalancerAttributes", "LoadBalancers", "Tags", "TargetGroupAttributes", "TargetGroups")),
]  # fmt: skip
_OBSERVE_FLEET = [
    "ec2:DescribeInstances", "secretsmanager:BatchGetSecretValue",
    *(f"elasticloadbalancing:Describe{each}" for each in (
        "LoadBalancers", "Tags", "TargetGroupAttributes", "TargetGroups", "TargetHealth")),
]  # fmt: skip
_CREATES = ("CreateInternetGateway", "CreateRouteTable", "CreateSecurityGroup", "CreateSubnet", "CreateVpc")
_IN_VPC = ("CreateRouteTable", "CreateSecurityGroup", "CreateSubnet")
_CHANGE_NETWORK = (
    "AssociateRouteTable", "AttachInternetGateway", "CreateRoute", "DetachInternetGateway", "DisassociateRouteTable",
    "ModifySubnetAttribute", "ModifyVpcAttribute", "ReplaceRoute", "ReplaceRouteTableAssociation",
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
    "DetachInternetGateway", "DisassociateRouteTable", "RevokeSecurityGroupIngress", "TerminateInstances",
)  # fmt: skip
