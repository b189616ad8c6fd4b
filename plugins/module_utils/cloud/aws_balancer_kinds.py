# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Target group and load balancer."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_kind import Answer, AwsKind
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import NotFound
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.kind import tagged
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.parallel import gathered, map_parallel
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import tag_list, tags_of
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.aws_listeners import NO_LOGS, logs_at
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.resource import Observed, Resource

SERVICE = "elbv2"
IDLE, DELAY = "idle_timeout.timeout_seconds", "deregistration_delay.timeout_seconds"
LOGS = "access_logs.s3"
#: Fields of a target group, by the API's names.
_TARGET = {
    "protocol": "Protocol", "port": "Port", "vpc": "VpcId", "target_type": "TargetType",
    "health_protocol": "HealthCheckProtocol", "health_path": "HealthCheckPath", "health_port": "HealthCheckPort",
    "health_interval": "HealthCheckIntervalSeconds", "health_timeout": "HealthCheckTimeoutSeconds",
    "healthy_threshold": "HealthyThresholdCount", "unhealthy_threshold": "UnhealthyThresholdCount",
}  # fmt: skip
_FIXED = ("protocol", "port", "vpc", "target_type")


@dataclass(frozen=True)
class Elbv2Kind(AwsKind):
    """A kind of Elastic Load Balancing's, known by its name.

    :param operation: that describes it.
    :param list_key: where that answers with it.
    :param arn: the name of its id.
    """

    operation: str
    list_key: str
    arn: str

    def described(self, client: AwsClient, name: str) -> Answer | None:
        """What has this name."""
        try:
            (found,) = client.call(SERVICE, self.operation, Names=[name])[self.list_key]
        except NotFound:
            return None
        return dict(found)

    def attributes(self, client: AwsClient, arn: str) -> dict[str, str]:
        """Its attributes."""
        operation = self.operation[:-1] + "_attributes"
        which: Answer = {self.arn: arn}
        return {each["Key"]: each["Value"] for each in client.call(SERVICE, operation, **which)["Attributes"]}

    def tags(self, client: AwsClient, arn: str) -> dict[str, str]:
        """Its tags."""
        return tags_of(client.call(SERVICE, "describe_tags", ResourceArns=[arn])["TagDescriptions"][0])

    def more(self, client: AwsClient, arn: str) -> tuple[dict[str, str], dict[str, str]]:
        """Tags and attributes, asked for at the same time."""
        tags, attributes = gathered(map_parallel(lambda ask: ask(client, arn), (self.tags, self.attributes)))
        return tags, attributes

    def tag(self, client: AwsClient, desired: Resource, id_: str, tags: Mapping[str, str]) -> None:
        client.call(SERVICE, "add_tags", idempotent=True, ResourceArns=[id_], Tags=tag_list(tags))

    def owned(self, client: AwsClient, tags: Mapping[str, str], name: str) -> list[Observed]:
        found = self.described(client, name)
        if not found:
            return []
        has = self.tags(client, found[self.arn])
        return [Observed(self.name, name, found[self.arn], {}, has)] if tagged(has, tags) else []


@dataclass(frozen=True)
class TargetGroup(Elbv2Kind):
    """Who is in it is the deployment's: it registers what it has found to be good."""

    by_creation: ClassVar[Collection[str]] = (*_TARGET, "codes")

    def find(self, client: AwsClient, desired: Resource) -> Observed | None:
        found = self.described(client, desired.name)
        if not found:
            return None
        tags, attributes = self.more(client, found[self.arn])
        fields: dict[str, Any] = {name: found.get(key) for name, key in _TARGET.items()}
        fields["codes"] = found.get("Matcher", {}).get("HttpCode")
        fields["deregistration_delay"] = int(attributes.get(DELAY, 0))
        return Observed(self.name, desired.name, found[self.arn], fields, tags)

    def create(self, client: AwsClient, desired: Resource) -> str:
        made = client.call(SERVICE, "create_target_group", Name=desired.name, Tags=tag_list(desired.tags),
                           **_settings(desired, _TARGET))  # fmt: skip
        return str(made["TargetGroups"][0][self.arn])

    def set(self, client: AwsClient, desired: Resource, id_: str, names: Collection[str]) -> None:
        if set(names) - {"deregistration_delay"}:
            settings = _settings(desired, [name for name in _TARGET if name not in _FIXED])
            client.call(SERVICE, "modify_target_group", idempotent=True, TargetGroupArn=id_, **settings)
        if "deregistration_delay" in names:
            attributes = [{"Key": DELAY, "Value": str(desired.fields["deregistration_delay"])}]
            client.call(SERVICE, "modify_target_group_attributes", idempotent=True, TargetGroupArn=id_,
                        Attributes=attributes)  # fmt: skip

    def remove(self, client: AwsClient, id_: str) -> None:
        client.call(SERVICE, "delete_target_group", idempotent=True, TargetGroupArn=id_)


def _settings(desired: Resource, names: Collection[str]) -> Answer:
    settings = {_TARGET[name]: desired.fields[name] for name in names}
    return {**settings, "Matcher": {"HttpCode": desired.fields["codes"]}}


@dataclass(frozen=True)
class LoadBalancer(Elbv2Kind):
    """An application load balancer."""

    by_creation: ClassVar[Collection[str]] = ("scheme", "subnets", "security_groups")

    def find(self, client: AwsClient, desired: Resource) -> Observed | None:
        found = self.described(client, desired.name)
        if not found:
            return None
        tags, attributes = self.more(client, found[self.arn])
        fields = {
            "scheme": found["Scheme"],
            "subnets": sorted(each["SubnetId"] for each in found["AvailabilityZones"]),
            "security_groups": sorted(found.get("SecurityGroups", ())),
            "idle_timeout": int(attributes.get(IDLE, 0)),
            "access_logs": _logs_to(attributes),
        }
        facts = {"address": str(found.get("DNSName", ""))}
        return Observed(self.name, desired.name, found[self.arn], fields, tags, facts)

    def create(self, client: AwsClient, desired: Resource) -> str:
        wanted = desired.fields
        made = client.call(SERVICE, "create_load_balancer", Name=desired.name, Scheme=wanted["scheme"],
                           Subnets=wanted["subnets"], SecurityGroups=wanted["security_groups"], Type="application",
                           Tags=tag_list(desired.tags))  # fmt: skip
        return str(made["LoadBalancers"][0][self.arn])

    def set(self, client: AwsClient, desired: Resource, id_: str, names: Collection[str]) -> None:
        wanted = desired.fields
        if "security_groups" in names:
            groups = wanted["security_groups"]
            client.call(SERVICE, "set_security_groups", idempotent=True, LoadBalancerArn=id_, SecurityGroups=groups)
        if "subnets" in names:
            client.call(SERVICE, "set_subnets", idempotent=True, LoadBalancerArn=id_, Subnets=wanted["subnets"])
        attributes = {IDLE: str(wanted["idle_timeout"])} if "idle_timeout" in names else {}
        if "access_logs" in names:
            attributes |= _logging(wanted["access_logs"])
        if attributes:
            listed = [{"Key": key, "Value": value} for key, value in attributes.items()]
            client.call(SERVICE, "modify_load_balancer_attributes", idempotent=True, LoadBalancerArn=id_,
                        Attributes=listed)  # fmt: skip

    def ready(self, client: AwsClient, id_: str) -> str:
        (found,) = client.call(SERVICE, self.operation, LoadBalancerArns=[id_])[self.list_key]
        state = found["State"]["Code"]
        return "" if state in ("active", "active_impaired") else str(state)

    def remove(self, client: AwsClient, id_: str) -> None:
        client.call(SERVICE, "delete_load_balancer", idempotent=True, LoadBalancerArn=id_)

    def gone(self, client: AwsClient, id_: str) -> bool:
        try:
            return not client.call(SERVICE, self.operation, LoadBalancerArns=[id_])[self.list_key]
        except NotFound:
            return True


def _logs_to(attributes: Mapping[str, str]) -> str:
    """Where access logs are written, in the words of the list."""
    if attributes.get(f"{LOGS}.enabled") != "true":
        return NO_LOGS
    return logs_at(attributes.get(f"{LOGS}.bucket", ""), attributes.get(f"{LOGS}.prefix", ""))


def _logging(place: str) -> dict[str, str]:
    if place == NO_LOGS:
        return {f"{LOGS}.enabled": "false"}
    bucket, _slash, prefix = place.removeprefix("s3://").partition("/")
    return {f"{LOGS}.enabled": "true", f"{LOGS}.bucket": bucket, f"{LOGS}.prefix": prefix}


TARGET_GROUP = TargetGroup("target_group", "target group", "describe_target_groups", "TargetGroups", "TargetGroupArn")
LOAD_BALANCER = LoadBalancer(
    "load_balancer", "load balancer", "describe_load_balancers", "LoadBalancers", "LoadBalancerArn"
)
