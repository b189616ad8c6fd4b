# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which action on which resource an operation needs, as AWS's service authorization reference has it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from moto.iam.models import iam_backends

from sandbox.site import ACCOUNT, REGION

Need = tuple[str, str]
"""An action (`service:Operation`) and a resource's ARN, or `*`."""

KINDS = {"i": "instance", "sg": "security-group", "subnet": "subnet", "vpc": "vpc", "vol": "volume", "snap": "snapshot",
         "igw": "internet-gateway",
         "rtb": "route-table", "eni": "network-interface", "ami": "image", "eipalloc": "elastic-ip", "key": "key-pair"}


def ec2_arn(ident: str) -> str:
    """ARN of an EC2 thing by its id; images belong to nobody."""
    kind = KINDS.get(ident.partition("-")[0], "*")
    return f"arn:aws:ec2:{REGION}:{'' if kind == 'image' else ACCOUNT}:{kind}/{ident}"


def _words(response: Any, *names: str) -> list[str]:
    found: list[str] = []
    for name in names:
        value = response._get_param(name)
        found += value if isinstance(value, list) else [value] if value else []
    return found


def _ec2(response: Any, operation: str) -> Iterator[Need]:
    action = f"ec2:{operation}"
    if operation == "RunInstances":
        for kind in ("instance", "network-interface", "volume"):
            yield action, f"arn:aws:ec2:{REGION}:{ACCOUNT}:{kind}/*"
        interfaces = response._get_param("NetworkInterfaces") or []
        idents = _words(response, "ImageId", "SubnetId", "SecurityGroupIds")
        idents += [ident for nic in interfaces for ident in [nic.get("SubnetId"), *nic.get("Groups", [])] if ident]
        yield from ((action, ec2_arn(ident)) for ident in idents)
        if key := response._get_param("KeyName"):
            yield action, f"arn:aws:ec2:{REGION}:{ACCOUNT}:key-pair/{key}"
        if response._get_param("TagSpecifications"):
            yield "ec2:CreateTags", f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/*"
        return
    if operation.startswith(("Describe", "Get")):
        yield action, "*"
        return
    idents = _words(response, "InstanceId", "InstanceIds", "GroupId", "SubnetId", "VpcId", "VolumeId", "RouteTableId",
                    "InternetGatewayId", "NetworkInterfaceId", "Resources", "AllocationId")
    yield from ((action, ec2_arn(ident)) for ident in idents) if idents else [(action, "*")]


def _passes(response: Any, operation: str) -> Iterator[Need]:
    """Giving an instance a role needs iam:PassRole on the role."""
    if operation not in ("RunInstances", "AssociateIamInstanceProfile", "ReplaceIamInstanceProfileAssociation"):
        return
    profile = response._get_param("IamInstanceProfile") or {}
    name = profile.get("Name") or str(profile.get("Arn", "")).rpartition("/")[2]
    for known in iam_backends[ACCOUNT]["aws"].get_instance_profiles():
        if known.name == name:
            yield from (("iam:PassRole", role.arn) for role in known.roles)


def _secretsmanager(response: Any, operation: str) -> Iterator[Need]:
    action = f"secretsmanager:{operation}"
    ident = response._get_param("SecretId") or response._get_param("Name")
    if operation in ("ListSecrets", "BatchGetSecretValue", "GetRandomPassword") or not ident:
        yield action, "*"
        return
    arn = secret_arn(response.backend, ident)
    yield action, arn
    if operation == "CreateSecret" and response._get_param("Tags"):
        yield "secretsmanager:TagResource", arn


def secret_arn(backend: Any, ident: str) -> str:
    """A secret's ARN by name or ARN; of one that does not exist, what it would be (the suffix is random)."""
    secret = backend.secrets.get(ident)
    if secret:
        return str(secret.arn)
    return ident if ident.startswith("arn:") else f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{ident}-??????"


def _ecr(response: Any, operation: str) -> Iterator[Need]:
    names = _words(response, "repositoryName", "repositoryNames")
    names += [arn.partition("repository/")[2] for arn in _words(response, "resourceArn")]
    scoped = operation not in ("GetAuthorizationToken", "DescribeRegistry")
    if not scoped:
        yield f"ecr:{operation}", "*"
    for name in names or (["*"] if scoped else []):
        yield f"ecr:{operation}", f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{name}"


def _elbv2(response: Any, operation: str) -> Iterator[Need]:
    action = f"elasticloadbalancing:{operation}"
    prefix = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}"
    made = {"CreateLoadBalancer": "loadbalancer/app", "CreateTargetGroup": "targetgroup"}.get(operation)
    if made:
        yield action, f"{prefix}:{made}/{response._get_param('Name')}/*"
    elif operation.startswith("Describe"):
        yield action, "*"
    else:
        for arn in _words(response, "LoadBalancerArn", "TargetGroupArn", "ListenerArn", "RuleArn", "ResourceArns"):
            yield action, arn
    if operation.startswith("Create") and response._get_param("Tags"):
        yield "elasticloadbalancing:AddTags", f"{prefix}:*"


def _iam(response: Any, operation: str) -> Iterator[Need]:
    names = {"RoleName": "role", "InstanceProfileName": "instance-profile", "UserName": "user"}
    found = [(f"iam:{operation}", f"arn:aws:iam::{ACCOUNT}:{kind}/{response._get_param(name)}")
             for name, kind in names.items() if response._get_param(name)]
    if operation == "AddRoleToInstanceProfile":
        found = [need for need in found if ":instance-profile/" in need[1]]
        found.append(("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/{response._get_param('RoleName')}"))
    if operation in ("CreateRole", "CreateInstanceProfile") and response._get_param("Tags"):
        found.append((f"iam:Tag{operation.removeprefix('Create')}", found[0][1]))
    for name in ("PolicyArn", "PolicySourceArn"):
        if not found and response._get_param(name):
            found = [(f"iam:{operation}", response._get_param(name))]
    return iter(found or [(f"iam:{operation}", "*")])


def _ecs(response: Any, operation: str) -> Iterator[Need]:
    action, prefix = f"ecs:{operation}", f"arn:aws:ecs:{REGION}:{ACCOUNT}"
    cluster = str(response._get_param("cluster") or "default").rpartition("/")[2]
    if operation.endswith("Service"):
        service = str(response._get_param("serviceName") or response._get_param("service")).rpartition("/")[2]
        yield action, f"{prefix}:service/{cluster}/{service}"
    elif operation in ("CreateCluster", "DeleteCluster"):
        yield action, f"{prefix}:cluster/{response._get_param('clusterName') or cluster}"
    else:
        yield action, response._get_param("resourceArn") or "*"
    if operation == "RegisterTaskDefinition":
        roles = [response._get_param(name) for name in ("executionRoleArn", "taskRoleArn")]
        yield from (("iam:PassRole", role) for role in roles if role)


def _logs(response: Any, operation: str) -> Iterator[Need]:
    group = response._get_param("logGroupName")
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}" if group else response._get_param("resourceArn")
    yield f"logs:{operation}", arn or "*"


def needs(response: Any, service: str, operation: str) -> list[Need]:
    """Everything an operation needs. `service` is the name requests are signed for."""
    rules: dict[str, Callable[[Any, str], Iterator[Need]]] = {
        "ec2": _ec2, "secretsmanager": _secretsmanager, "ecr": _ecr, "elasticloadbalancing": _elbv2, "iam": _iam,
        "ecs": _ecs, "logs": _logs}
    if service not in rules:
        resource = response._determine_resource() if hasattr(response, "_determine_resource") else "*"
        return [(f"{service}:{operation}", resource)]
    found = list(rules[service](response, operation))
    if service == "ec2":
        found += _passes(response, operation)
    return found
