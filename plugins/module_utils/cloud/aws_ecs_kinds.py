# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a service of Amazon ECS lives in and what scales it: cluster, log group, policies of its roles, scalable target,
scaling policy."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_access_kinds import ROLE, SECURITY_GROUP
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_kind import AwsKind
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import NotFound
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.resource import Observed, Resource, resolve

_SCALING = "application-autoscaling"


@dataclass(frozen=True)
class Cluster(AwsKind):
    """A cluster: a name for services to be in, and the capacity that they may ask for."""

    def find(self, client: AwsClient, desired: Resource) -> Observed | None:
        found = client.call("ecs", "describe_clusters", clusters=[desired.name], include=["TAGS"])["clusters"]
        for each in found:
            if each.get("status") != "INACTIVE":
                return Observed(self.name, desired.name, each["clusterArn"], {}, lower_tags(each))
        return None

    def create(self, client: AwsClient, desired: Resource) -> str:
        tags, providers = lower_list(desired.tags), ["FARGATE", "FARGATE_SPOT"]
        made = client.call(
            "ecs", "create_cluster", idempotent=True, clusterName=desired.name, tags=tags, capacityProviders=providers
        )
        return str(made["cluster"]["clusterArn"])

    def tag(self, client: AwsClient, desired: Resource, id_: str, tags: Mapping[str, str]) -> None:
        client.call("ecs", "tag_resource", idempotent=True, resourceArn=id_, tags=lower_list(tags))

    def remove(self, client: AwsClient, id_: str) -> None:
        client.call("ecs", "delete_cluster", idempotent=True, cluster=id_)


@dataclass(frozen=True)
class LogGroup(AwsKind):
    """A log group, and for how many days it keeps what is written."""

    def find(self, client: AwsClient, desired: Resource) -> Observed | None:
        for each in client.paginate("logs", "describe_log_groups", logGroupNamePrefix=desired.name):
            if each["logGroupName"] == desired.name:
                arn = _without_star(each["arn"])
                tags = client.call("logs", "list_tags_for_resource", resourceArn=arn).get("tags") or {}
                fields = {"retention": each.get("retentionInDays", 0)}
                return Observed(self.name, desired.name, arn, fields, dict(tags))
        return None

    def create(self, client: AwsClient, desired: Resource) -> str:
        client.call("logs", "create_log_group", logGroupName=desired.name, tags=dict(desired.tags))
        found = self.find(client, desired)
        return found.id if found else desired.name

    def set(self, client: AwsClient, desired: Resource, id_: str, names: Collection[str]) -> None:
        days = desired.fields["retention"]
        client.call("logs", "put_retention_policy", idempotent=True, logGroupName=desired.name, retentionInDays=days)

    def tag(self, client: AwsClient, desired: Resource, id_: str, tags: Mapping[str, str]) -> None:
        client.call("logs", "tag_resource", idempotent=True, resourceArn=id_, tags=dict(tags))

    def remove(self, client: AwsClient, id_: str) -> None:
        name = id_.partition(":log-group:")[2] or id_
        client.call("logs", "delete_log_group", idempotent=True, logGroupName=name)


@dataclass(frozen=True)
class Written(AwsKind):
    """A kind that one operation creates and changes, and whose name is its id. It has no tags: it is whose the thing is
    that it belongs to."""

    def ours(self, tags: Mapping[str, str], desired: Resource) -> bool:
        return True

    def create(self, client: AwsClient, desired: Resource) -> str:
        self.set(client, desired, desired.name, ())
        return desired.name

    def set_later(self, desired: Resource) -> set[str]:
        return set()


@dataclass(frozen=True)
class RolePolicy(Written):
    """The one inline policy of a role, with which it goes. Its name and id are ROLE/NAME."""

    found_by: ClassVar[Collection[str]] = ("role",)

    def find(self, client: AwsClient, desired: Resource) -> Observed | None:
        role, _slash, name = desired.name.rpartition("/")
        try:
            found = client.call("iam", "get_role_policy", RoleName=role, PolicyName=name)
        except NotFound:
            return None
        return Observed(self.name, desired.name, desired.name, {"document": _ordered(found["PolicyDocument"])})

    def set(self, client: AwsClient, desired: Resource, id_: str, names: Collection[str]) -> None:
        role, _slash, name = id_.rpartition("/")
        document = json.dumps(desired.fields["document"])
        client.call("iam", "put_role_policy", idempotent=True, RoleName=role, PolicyName=name, PolicyDocument=document)

    def remove(self, client: AwsClient, id_: str) -> None:
        role, _slash, name = id_.rpartition("/")
        client.call("iam", "delete_role_policy", idempotent=True, RoleName=role, PolicyName=name)


@dataclass(frozen=True)
class ScalableTarget(Written):
    """How many tasks a service may have. It is its service's, and its id is the service's there."""

    def find(self, client: AwsClient, desired: Resource) -> Observed | None:
        asked = [desired.name]
        found = client.call(_SCALING, "describe_scalable_targets", ServiceNamespace="ecs", ResourceIds=asked)
        for each in found["ScalableTargets"]:
            there = {"min": each["MinCapacity"], "max": each["MaxCapacity"]}
            scheduled = desired.made_with.get("scheduled") or {}
            # What a schedule has brought about is as it should be.
            fields = {
                name: desired.fields[name] if value in scheduled.get(name, ()) else value
                for name, value in there.items()
            }
            facts = {name: str(value) for name, value in there.items()}
            return Observed(self.name, desired.name, each["ResourceId"], fields, facts=facts)
        return None

    def set(self, client: AwsClient, desired: Resource, id_: str, names: Collection[str]) -> None:
        limits = {"MinCapacity": desired.fields["min"], "MaxCapacity": desired.fields["max"]}
        client.call(_SCALING, "register_scalable_target", idempotent=True, **_dimension(id_), **limits)

    def remove(self, client: AwsClient, id_: str) -> None:
        client.call(_SCALING, "deregister_scalable_target", idempotent=True, **_dimension(id_))


@dataclass(frozen=True)
class ScalingPolicy(Written):
    """What the load decides by. Its id is SERVICE#NAME."""

    def find(self, client: AwsClient, desired: Resource) -> Observed | None:
        service, names = desired.made_with["service"], [desired.made_with["policy"]]
        found = client.call(
            _SCALING, "describe_scaling_policies", ServiceNamespace="ecs", ResourceId=service, PolicyNames=names
        )
        for each in found["ScalingPolicies"]:
            if each["PolicyName"] not in names:
                continue
            tracking = each.get("TargetTrackingScalingPolicyConfiguration") or {}
            return Observed(self.name, desired.name, desired.name, {"tracking": _tracking(tracking)})
        return None

    def set(self, client: AwsClient, desired: Resource, id_: str, names: Collection[str]) -> None:
        how: dict[str, Any] = {
            "PolicyName": desired.made_with["policy"],
            "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration": {
                **desired.fields["tracking"],
                "TargetValue": float(desired.fields["tracking"]["TargetValue"]),
            },
        }
        client.call(_SCALING, "put_scaling_policy", idempotent=True, **_dimension(desired.made_with["service"]), **how)

    def remove(self, client: AwsClient, id_: str) -> None:
        service, _hash, name = id_.rpartition("#")
        client.call(_SCALING, "delete_scaling_policy", idempotent=True, PolicyName=name, **_dimension(service))


@dataclass(frozen=True)
class ScheduledAction(Written):
    """When the autoscaler's limits change. Its id is SERVICE#NAME."""

    def find(self, client: AwsClient, desired: Resource) -> Observed | None:
        asked = {"ResourceId": desired.made_with["service"], "ScheduledActionNames": [desired.made_with["action"]]}
        for each in client.paginate(_SCALING, "describe_scheduled_actions", ServiceNamespace="ecs", **asked):
            fields = {name: each.get(name) for name in ("Schedule", "Timezone", "ScalableTargetAction")}
            return Observed(self.name, desired.name, desired.name, fields)
        return None

    def set(self, client: AwsClient, desired: Resource, id_: str, names: Collection[str]) -> None:
        service, _hash, name = id_.rpartition("#")
        how: dict[str, Any] = {"ScheduledActionName": name, **desired.fields}
        client.call(_SCALING, "put_scheduled_action", idempotent=True, **_dimension(service), **how)

    def remove(self, client: AwsClient, id_: str) -> None:
        service, _hash, name = id_.rpartition("#")
        client.call(
            _SCALING, "delete_scheduled_action", idempotent=True, ScheduledActionName=name, **_dimension(service)
        )


def scheduled_actions(client: AwsClient, service: str) -> list[str]:
    """The names of a service's scheduled actions, whoever made them."""
    asked = {"ServiceNamespace": "ecs", "ResourceId": service}
    found = client.paginate(_SCALING, "describe_scheduled_actions", **asked)
    return [str(each["ScheduledActionName"]) for each in found]


def scaled_services(client: AwsClient) -> list[tuple[str, str]]:
    """Cluster and name of all services that are scaled, whosever they are."""
    found = client.paginate(_SCALING, "describe_scalable_targets", ServiceNamespace="ecs")
    places = [str(each["ResourceId"]).split("/") for each in found]
    return [(place[1], place[2]) for place in places if len(place) == 3]


def _dimension(service: str) -> dict[str, Any]:
    return {"ServiceNamespace": "ecs", "ResourceId": service, "ScalableDimension": "ecs:service:DesiredCount"}


def _tracking(found: Mapping[str, Any]) -> dict[str, Any]:
    """In JSON's types, so that a plan shows it; percentages are whole."""
    whole, only_out = int(found.get("TargetValue", 0)), bool(found.get("DisableScaleIn"))
    return {**found, "TargetValue": whole, "DisableScaleIn": only_out}


def _ordered(document: Any) -> Any:
    """A policy as the list's resolved resources have it: what lists hold has no order."""
    return resolve(json.loads(document) if isinstance(document, str) else document, {})


def _without_star(arn: str) -> str:
    return str(arn).removesuffix(":*")


def lower_tags(item: Mapping[str, Any]) -> dict[str, str]:
    """The tags of what ECS describes."""
    return {each["key"]: each["value"] for each in item.get("tags") or ()}


def lower_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as ECS takes them."""
    return [{"key": key, "value": value} for key, value in sorted(tags.items())]


CLUSTER = Cluster("cluster", "cluster")
LOG_GROUP = LogGroup("log_group", "log group")
ROLE_POLICY = RolePolicy("role_policy", "role policy")
SCALABLE_TARGET = ScalableTarget("scalable_target", "scalable target")
SCALING_POLICY = ScalingPolicy("scaling_policy", "scaling policy")
SCHEDULED_ACTION = ScheduledAction("scheduled_action", "scheduled action")
#: In the order in which they are created; the service comes before the last three.
KINDS: dict[str, AwsKind] = {
    kind.name: kind
    for kind in (
        CLUSTER, LOG_GROUP, ROLE, ROLE_POLICY, SECURITY_GROUP, SCALABLE_TARGET, SCALING_POLICY, SCHEDULED_ACTION,
    )
}  # fmt: skip
