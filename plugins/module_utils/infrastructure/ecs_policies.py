# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The IAM policy of whoever deploys a fleet to Amazon ECS, removal included. Pure."""

from __future__ import annotations

from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.policy import Place, Statement

_SERVICE = ("CreateService", "DeleteService", "DescribeServices", "TagResource", "UpdateService")
_CLUSTER = ("CreateCluster", "DeleteCluster", "DescribeClusters", "TagResource")
#: They take no resource, or one that has no name.
_ANYWHERE = (
    "DescribeTaskDefinition", "ListServices", "ListTaskDefinitions", "ListTasks",
)  # fmt: skip
_LOG = ("CreateLogGroup", "DeleteLogGroup", "ListTagsForResource", "PutRetentionPolicy", "TagResource")
_SCALING = (
    "DeleteScalingPolicy", "DeleteScheduledAction", "DeregisterScalableTarget", "PutScalingPolicy",
    "PutScheduledAction", "RegisterScalableTarget",
)  # fmt: skip
_SCALED = ("DescribeScalableTargets", "DescribeScalingPolicies", "DescribeScheduledActions")
_ROLE = (
    "CreateRole", "DeleteRole", "DeleteRolePolicy", "DetachRolePolicy", "GetRole", "GetRolePolicy",
    "ListAttachedRolePolicies", "ListRolePolicies", "PutRolePolicy", "TagRole", "UpdateAssumeRolePolicy", "UpdateRole",
)  # fmt: skip
_GROUP_CHANGES = ("AuthorizeSecurityGroupIngress", "DeleteSecurityGroup", "RevokeSecurityGroupIngress",
                  "UpdateSecurityGroupRuleDescriptionsIngress")  # fmt: skip


def ecs(place: Place) -> list[Statement]:
    """What a deployment to ECS needs beside what compiles it: stores and registries."""
    cluster, role = place.name, f"arn:{place.partition}:iam::{place.account}:role/{place.role}-ecs-*"
    services = [place.arn("ecs", f"service/{cluster}/*"), place.arn("ecs", f"task/{cluster}/*")]
    family, log = place.arn("ecs", f"task-definition/{cluster}-*:*"), f"log-group:/praxis/{place.fleet}/*"
    passed = {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
    made = {"StringEquals": {"ec2:CreateAction": "CreateSecurityGroup"}}
    services_of_aws = ("ecs.amazonaws.com", "ecs.application-autoscaling.amazonaws.com")
    linked = [f"arn:{place.partition}:iam::{place.account}:role/aws-service-role/{each}/*" for each in services_of_aws]
    targets = place.arn("application-autoscaling", "scalable-target/*")
    secrets = sorted({*map(place.secret, [*place.secrets, *place.registries])})
    observed = ("ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "logs:DescribeLogGroups",
                *(f"elasticloadbalancing:Describe{each}" for each in (
                    "LoadBalancers", "Tags", "TargetGroups", "TargetHealth")))  # fmt: skip
    scaling = [f"application-autoscaling:{each}" for each in _SCALED]
    return [
        Statement("Observe", [*observed, *scaling, *(f"ecs:{each}" for each in _ANYWHERE)], ["*"]),
        Statement("DescribeSecrets", ["secretsmanager:DescribeSecret"], secrets),
        Statement("ReadImages", ["ecr:BatchGetImage", "ecr:DescribeImages"], place.repositories),
        Statement("Cluster", [f"ecs:{each}" for each in _CLUSTER], [place.arn("ecs", f"cluster/{cluster}")]),
        Statement("Services", [f"ecs:{each}" for each in (*_SERVICE, "DescribeTasks")], services),
        Statement("Register", ["ecs:RegisterTaskDefinition", "ecs:TagResource"], [family]),
        # It takes no resource, and reaches every definition of the account.
        Statement("ForgetDefinitions", ["ecs:DeregisterTaskDefinition"], ["*"]),
        Statement("Log", [f"logs:{each}" for each in (*_LOG, "GetLogEvents")], [place.arn("logs", log)]),
        Statement("Scale", [f"application-autoscaling:{each}" for each in _SCALING], [targets]),
        Statement("Role", [f"iam:{each}" for each in _ROLE], [role]),
        Statement("GiveRole", ["iam:PassRole"], [role], passed),
        # AWS makes its own two roles at the first use in an account.
        Statement("LinkRoles", ["iam:CreateServiceLinkedRole"], linked),
        Statement("Group", ["ec2:CreateSecurityGroup"], place.ec2("security-group"), place.new),
        Statement("GroupInVpc", ["ec2:CreateSecurityGroup"], place.ec2("vpc")),
        Statement("MarkGroup", ["ec2:CreateTags"], place.ec2("security-group"), made),
        Statement("MarkGroupAgain", ["ec2:CreateTags"], place.ec2("security-group"), place.ours),
        Statement("ChangeGroup", [f"ec2:{each}" for each in _GROUP_CHANGES], place.ec2("security-group"), place.ours),
    ]
