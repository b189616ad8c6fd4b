# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The IAM policies that each verb needs on AWS, worked out of a fleet's own names and references. Pure.

Which actions take which resources and condition keys is from AWS's service authorization reference
(https://docs.aws.amazon.com/service-authorization/latest/reference/). A star stands where the service takes no name:
for what describes, and for ids that are made with the resource. There the fleet's tag is asked for in its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.ecs_policies import ecs
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.eks_policies import eks
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.image_policies import image
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.permissions import ASK, FIND
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.policy import Place, Statement
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.provision_policies import (
    down,
    observes_the_account,
    provision,
)

#: The path of roles that AWS's single sign-on makes.
SIGN_ON = "aws-reserved/sso.amazonaws.com/"
VERBS = ("provision", "deploy", "doctor", "backup", "restore", "down", "image", "ecs", "eks")
Document = dict[str, Any]


def policies(place: Place) -> dict[str, Document]:
    """By verb, the policy that it needs. The machines need none: the controller brings secrets and images."""
    fleet = _observes_the_fleet(place)
    statements: dict[str, Iterable[Statement]] = {
        "provision": provision(place),
        "deploy": [*fleet, *_deploys(place)],
        "doctor": [*_merged(observes_the_account(place), fleet), _asks(place), _finds(place)],
        "backup": _backs_up(place),
        "restore": _restores(place),
        "down": down(place),
        "image": image(place),
        "ecs": ecs(place),
        "eks": eks(place),
    }
    return {verb: _document(each) for verb, each in statements.items()}


def require_account(account: str) -> None:
    """:raises Failed: ``account-unknown`` for what is no id of an account."""
    if not re.fullmatch(r"\d{12}", account):
        what = f"The id of the AWS account is not known ({account!r})."
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


def _observes_the_fleet(place: Place) -> list[Statement]:
    """What plans of deployments are made of."""
    # BatchGetSecretValue itself takes no name: each secret is asked for by GetSecretValue.
    secrets = map(place.secret, [*place.secrets, *place.registries])
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


def _finds(place: Place) -> Statement:
    """The role of who logs in by AWS's single sign-on: its ARN has a path, which the session's does not show."""
    return Statement(FIND, ["iam:GetRole"], [f"arn:{place.partition}:iam::{place.account}:role/{SIGN_ON}*"])


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
        Statement("Observe", ["ec2:DescribeInstances", "ec2:DescribeSnapshots", "ec2:DescribeVolumes"], ["*"]),
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


_OBSERVE_FLEET = [
    "ec2:DescribeInstances", "secretsmanager:BatchGetSecretValue",
    *(f"elasticloadbalancing:Describe{each}" for each in (
        "LoadBalancers", "Tags", "TargetGroupAttributes", "TargetGroups", "TargetHealth")),
]  # fmt: skip
