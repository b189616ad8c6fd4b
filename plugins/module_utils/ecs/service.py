# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service of a kind of agents and what scales it, as AWS takes them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.ecs.capacity import EC2, Capacity, Provider
from ansible_collections.praxis.cloud.plugins.module_utils.ecs.task_definition import CONTAINER, Kind
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import tag_list

Request = dict[str, Any]
NAMESPACE, DIMENSION = "ecs", "ecs:service:DesiredCount"
#: The names of the scaling policies that there may be.
POLICIES = ("praxis-cpu", "praxis-memory", "praxis-requests")
_METRICS = {
    "cpu": "ECSServiceAverageCPUUtilization",
    "memory": "ECSServiceAverageMemoryUtilization",
    "requests": "ALBRequestCountPerTarget",
}


def service(kind: Kind, definition: str, security_groups: Sequence[str]) -> Request:
    """The request that creates it.

    :param definition: the task definition: its ARN, or its family for the newest one.
    """
    settings, name = kind.settings, kind.name
    return {
        "cluster": kind.cluster,
        "serviceName": name,
        **kept(kind, definition, security_groups),
        # Written once: from then on something else may scale.
        "desiredCount": settings.minimum,
        "schedulingStrategy": "REPLICA",
        "deploymentController": {"type": "ECS"},
        **({} if settings.capacity.providers else {"launchType": EC2}),
        "tags": [{"key": each["Key"], "value": each["Value"]} for each in tag_list(kind.tags)],
    }


def kept(kind: Kind, definition: str, security_groups: Sequence[str]) -> Request:
    """What of it is compared, and written when it differs."""
    settings = kind.settings
    port = {"containerName": CONTAINER, "containerPort": kind.release.api_port}
    balanced = [{"targetGroupArn": kind.balancer.target_group, **port}] if kind.balancer else []
    strategy = settings.capacity.strategy
    return {
        "taskDefinition": definition,
        **({"capacityProviderStrategy": strategy} if strategy else {}),
        # Instances have no platform of AWS's.
        **({"platformVersion": "LATEST"} if settings.capacity.fargate else {}),
        "networkConfiguration": {
            "awsvpcConfiguration": {
                "subnets": sorted(settings.subnets),
                "securityGroups": sorted(security_groups),
                "assignPublicIp": "ENABLED" if settings.public_ip else "DISABLED",
            }
        },
        "deploymentConfiguration": {
            "deploymentCircuitBreaker": {"enable": settings.circuit_breaker, "rollback": settings.circuit_breaker},
            "minimumHealthyPercent": settings.minimum_healthy_percent,
            "maximumPercent": settings.maximum_percent,
        },
        "enableExecuteCommand": settings.execute_command,
        # An empty list takes a service out of a balancer that stood in front of it.
        "loadBalancers": balanced,
        **({"healthCheckGracePeriodSeconds": settings.grace} if balanced else {}),
        **({} if settings.scales else {"desiredCount": settings.minimum}),
    }


def observed(described: Mapping[str, Any]) -> Request:
    """A service as AWS describes it, in the form of :func:`kept`."""
    network = (described.get("networkConfiguration") or {}).get("awsvpcConfiguration") or {}
    how = described.get("deploymentConfiguration") or {}
    breaker = how.get("deploymentCircuitBreaker") or {}
    strategy = described.get("capacityProviderStrategy") or []
    if not strategy and described.get("launchType"):
        strategy = [{"capacityProvider": described["launchType"], "weight": 1, "base": 0}]
    found: Request = {
        "taskDefinition": described.get("taskDefinition", ""),
        "capacityProviderStrategy": Capacity(
            tuple(Provider(each["capacityProvider"], each.get("weight", 0), each.get("base", 0)) for each in strategy)
        ).strategy,
        "platformVersion": described.get("platformVersion") or "LATEST",
        "networkConfiguration": {
            "awsvpcConfiguration": {
                "subnets": sorted(network.get("subnets") or ()),
                "securityGroups": sorted(network.get("securityGroups") or ()),
                "assignPublicIp": network.get("assignPublicIp") or "DISABLED",
            }
        },
        "deploymentConfiguration": {
            "deploymentCircuitBreaker": {
                "enable": bool(breaker.get("enable")),
                "rollback": bool(breaker.get("rollback")),
            },
            "minimumHealthyPercent": how.get("minimumHealthyPercent", 100),
            "maximumPercent": how.get("maximumPercent", 200),
        },
        "enableExecuteCommand": bool(described.get("enableExecuteCommand")),
        "desiredCount": described.get("desiredCount", 0),
    }
    found["loadBalancers"] = [
        {key: each.get(key) for key in ("targetGroupArn", "containerName", "containerPort")}
        for each in described.get("loadBalancers") or ()
    ]
    found["healthCheckGracePeriodSeconds"] = described.get("healthCheckGracePeriodSeconds", 0)
    return found


def resource_id(kind: Kind) -> str:
    """By which Application Auto Scaling knows the service."""
    return f"service/{kind.cluster}/{kind.name}"


def scalable_target(kind: Kind) -> Request:
    """How many tasks there may be."""
    scale = kind.settings.autoscaler
    return {**_dimension(kind), "MinCapacity": scale.min, "MaxCapacity": scale.max}


def scaling_policies(kind: Kind) -> list[Request]:
    """What the load decides by: one a metric; where there are several, the one that wants most tasks counts."""
    scale = kind.settings.autoscaler
    aims = {"cpu": scale.cpu, "memory": scale.memory, "requests": scale.requests}
    label = {"requests": {"ResourceLabel": kind.balancer.label}} if kind.balancer else {}
    return [
        {
            **_dimension(kind),
            "PolicyName": f"praxis-{metric}",
            "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration": {
                "TargetValue": float(aims[metric]),
                "PredefinedMetricSpecification": {"PredefinedMetricType": predefined, **label.get(metric, {})},
                "ScaleInCooldown": scale.scale_in_cooldown,
                "ScaleOutCooldown": scale.scale_out_cooldown,
                "DisableScaleIn": False,
            },
        }
        for metric, predefined in _METRICS.items()
        if aims[metric]
    ]


def scheduled_actions(kind: Kind) -> list[Request]:
    """When its limits change."""
    return [{**_dimension(kind), **each.request()} for each in kind.settings.autoscaler.schedules]


def _dimension(kind: Kind) -> Request:
    return {"ServiceNamespace": NAMESPACE, "ResourceId": resource_id(kind), "ScalableDimension": DIMENSION}
