# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the operations of ECR, ECS, EKS and of what belongs to them need."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from sandbox.aws.eks_records import contents
from sandbox.aws.need import Need, requested, words
from sandbox.site import ACCOUNT

_TASKS = "ecs-tasks.amazonaws.com"


def _ecr(response: Any, operation: str) -> Iterator[Need]:
    tags = requested(response._get_param("tags"))
    if operation in ("GetAuthorizationToken", "DescribeRegistry"):
        yield Need(f"ecr:{operation}", "*")
        return
    owner = response._get_param("registryId") or ACCOUNT
    names = words(response, "repositoryName", "repositoryNames")
    names += [arn.partition("repository/")[2] for arn in words(response, "resourceArn")]
    for name in names or ["*"]:
        arn = f"arn:aws:ecr:{response.region}:{owner}:repository/{name}"
        yield Need(f"ecr:{operation}", arn, tags)
        if operation == "CreateRepository" and tags:
            yield Need("ecr:TagResource", arn, tags)


def _ecs(response: Any, operation: str) -> Iterator[Need]:
    action, tags = f"ecs:{operation}", requested(response._get_param("tags"))
    arns = _ecs_arns(response, operation)
    yield from (Need(action, arn, tags) for arn in arns)
    if operation in ("CreateCluster", "CreateService", "RegisterTaskDefinition") and tags:
        yield from (Need("ecs:TagResource", arn, tags) for arn in arns)
    if operation == "RegisterTaskDefinition":
        roles = dict.fromkeys(words(response, "executionRoleArn", "taskRoleArn"))
        yield from (Need("iam:PassRole", role, {"iam:PassedToService": _TASKS}) for role in roles)


def _ecs_arns(response: Any, operation: str) -> list[str]:
    prefix = f"arn:aws:ecs:{response.region}:{ACCOUNT}"
    cluster = str(response._get_param("cluster") or "default").rpartition("/")[2]
    if operation in ("CreateCluster", "DeleteCluster", "DescribeClusters"):
        named = words(response, "clusterName", "clusters") or [cluster]
        return [f"{prefix}:cluster/{each.rpartition('/')[2]}" for each in named]
    if operation.endswith(("Service", "Services")) and operation != "ListServices":
        named = words(response, "serviceName") or words(response, "service", "services")
        return [f"{prefix}:service/{cluster}/{each.rpartition('/')[2]}" for each in named]
    if operation == "DescribeTasks":
        return [f"{prefix}:task/{cluster}/{each.rpartition('/')[2]}" for each in words(response, "tasks")]
    if operation == "RegisterTaskDefinition":
        return [f"{prefix}:task-definition/{response._get_param('family')}:*"]
    if operation == "ListTasks":
        return [f"{prefix}:container-instance/{cluster}/*"]
    return [response._get_param("resourceArn") or "*"]


def _logs(response: Any, operation: str) -> Iterator[Need]:
    group, stream = response._get_param("logGroupName"), response._get_param("logStreamName")
    arn = f"arn:aws:logs:{response.region}:{ACCOUNT}:log-group:{group}" if group else response._get_param("resourceArn")
    yield Need(f"logs:{operation}", f"{arn}:log-stream:{stream}" if stream else arn or "*",
               requested(response._get_param("tags")))


def _scaling(response: Any, operation: str) -> Iterator[Need]:
    if operation.startswith("Describe"):
        yield Need(f"application-autoscaling:{operation}", "*")
        return
    keys = {"service-namespace": "ServiceNamespace", "scalable-dimension": "ScalableDimension"}
    context = {f"application-autoscaling:{key}": response._get_param(name) for key, name in keys.items()}
    # Its id is made with it.
    arn = f"arn:aws:application-autoscaling:{response.region}:{ACCOUNT}:scalable-target/0123456789abcdef"
    yield Need(f"application-autoscaling:{operation}", arn, context)


def _eks_contents(response: Any, operation: str, prefix: str) -> list[tuple[str, str]]:
    """What an operation on the contents of a cluster asks for: who makes one asks the cluster, and tags the new one."""
    cluster, found = response._get_param("name"), ""
    if "Addon" in operation:
        found = f"addon/{cluster}/{response._get_param('addonName')}/*"
    elif "Access" in operation:
        kind, _slash, name = (response._get_param("principalArn") or "").rpartition(":")[2].partition("/")
        found = f"access-entry/{cluster}/{kind}/{ACCOUNT}/{name}/*"
    elif "PodIdentity" in operation:
        found = f"podidentityassociation/{cluster}/{response._get_param('associationId') or '*'}"
    if not found:
        return []
    if operation.startswith(("Create", "List")) and operation != "ListAssociatedAccessPolicies":
        made = [("TagResource", f"{prefix}:{found}")] if operation.startswith("Create") else []
        return [(operation, f"{prefix}:cluster/{cluster}"), *made]
    return [(operation, f"{prefix}:{found}")]


def _has_roles(response: Any, cluster: str) -> bool:
    """Whether the add-on that the request names has associations of its own."""
    found = response.eks_backend.clusters.get(cluster)
    addon = contents(found).addons.get(response._get_param("addonName"), {}) if found else {}
    return "podIdentityAssociations" in addon


def _eks(response: Any, operation: str) -> Iterator[Need]:
    action, tags = f"eks:{operation}", requested(response._get_param("tags"))
    prefix = f"arn:aws:eks:{response.region}:{ACCOUNT}"
    name = response._get_param("name") or response._get_param("clusterName")
    group = response._get_param("nodegroupName")
    cluster, nodes = f"{prefix}:cluster/{name}", f"{prefix}:nodegroup/{name}/{group}/*"
    if operation == "CreateCluster":
        yield Need(action, "*", tags)
        yield Need("iam:PassRole", response._get_param("roleArn"), {"iam:PassedToService": "eks.amazonaws.com"})
    elif operation == "CreateNodegroup":
        yield Need(action, cluster, tags)
        yield Need("iam:PassRole", response._get_param("nodeRole"), {"iam:PassedToService": "ec2.amazonaws.com"})
    elif operation == "TagResource":
        yield Need(action, response._get_param("resourceArn"), tags)
    elif asked := _eks_contents(response, operation, prefix):
        yield from (Need(f"eks:{each}", arn, tags) for each, arn in asked if each != "TagResource" or tags)
    else:
        yield Need(action, nodes if group else cluster if name else "*", tags)
    associated = response._get_param("podIdentityAssociations") or []
    if associated or operation == "DeleteAddon" and _has_roles(response, name):
        yield Need(action, f"{prefix}:podidentityassociation/{name}/*")
    roles = [response._get_param("roleArn")] if operation.endswith("PodIdentityAssociation") else []
    for role in [*filter(None, roles), *(each["roleArn"] for each in associated)]:
        yield Need("iam:PassRole", role, {"iam:PassedToService": "pods.eks.amazonaws.com"})
    if operation in ("CreateCluster", "CreateNodegroup") and tags:
        yield Need("eks:TagResource", nodes if group else cluster, tags)


RULES: dict[str, Callable[[Any, str], Iterable[Need]]] = {
    "ecr": _ecr,
    "ecs": _ecs,
    "logs": _logs,
    "application-autoscaling": _scaling,
    "eks": _eks,
}
