# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of AWS resources that kinds of agents need beside their services. Pure."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.ecs import access, schedules, service
from ansible_collections.praxis.cloud.plugins.module_utils.ecs.task_definition import Kind
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import mark, names
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.aws_rules import Rule
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.resource import Ref, Resource

POLICY, DATA_POLICY = "execution", "data"
#: Characters of a role's name. AWS refuses even a question for a longer one.
LONGEST_ROLE = 64
_LOG_LOST = "what was written to it"


def role_name(kind: Kind) -> str:
    """The execution role's name; a role belongs to the account, so the region is part of it."""
    return f"{names(kind.fleet, kind.region)['role']}-ecs-{kind.name}"


def task_role_name(kind: Kind) -> str:
    """The name of the role by which tasks have their data; a kind's name has no dot."""
    return f"{role_name(kind)}.data"


def group_name(kind: Kind) -> str:
    """The security group's name."""
    return f"praxis-{kind.fleet}-ecs-{kind.name}"


def before(kinds: Sequence[Kind], vpc: str, account: str, partition: str) -> list[Resource]:
    """What services live in.

    :param vpc: of the subnets; for the security groups that are made.
    """
    found: dict[tuple[str, str], Resource] = {}
    for kind in kinds:
        found |= {each.key: each for each in _of_kind(kind, vpc, account, partition)}
    return list(found.values())


def removed(kinds: Sequence[Kind]) -> list[Resource]:
    """All that may have been made for services to live in, whatever the settings call for now, to be removed; security
    groups are not on the list. Its marks say which of it was made here. A role's policy goes with the role.
    """
    found: dict[tuple[str, str], Resource] = {}
    for kind in kinds:
        found |= {each.key: replace(each, present=False) for each in _marked(kind)}
    return list(found.values())


def removed_group(kind: Kind) -> Resource:
    """The security group that may have been made, to be removed. Its tags alone find it: in which VPC it is, only
    subnets say, which may be gone or others by now."""
    return Resource("security_group", group_name(kind), tags=_tags(kind, group_name(kind)), present=False)


def _marked(kind: Kind) -> Iterator[Resource]:
    """By what it is found and known."""
    yield _cluster(kind)
    yield Resource("log_group", kind.own_log_group, tags=_tags(kind, kind.own_log_group), lost=_LOG_LOST)
    for role in (role_name(kind), task_role_name(kind)):
        if len(role) <= LONGEST_ROLE:
            yield Resource("role", role, tags=_tags(kind, role))


def _cluster(kind: Kind) -> Resource:
    return Resource("cluster", kind.own_cluster, tags={**mark(kind.fleet), "Name": kind.own_cluster})


def _of_kind(kind: Kind, vpc: str, account: str, partition: str) -> Iterator[Resource]:
    settings = kind.settings
    if not settings.cluster:
        yield _cluster(kind)
    if not settings.log_group:
        retention = {"retention": settings.retention}
        yield Resource("log_group", kind.log_group, retention, {}, _tags(kind, kind.log_group), lost=_LOG_LOST)
    if not settings.execution_role:
        document = access.execution_policy(kind, account, partition)
        yield from _role(kind, role_name(kind), POLICY, "Starts tasks", document)
    if kind.data and not settings.task_role:
        document = kind.data.policy(kind.region, account, partition)
        yield from _role(kind, task_role_name(kind), DATA_POLICY, "Mounts the data of tasks", document)
    if not settings.security_groups:
        name = group_name(kind)
        callers = [*settings.api_from, *(kind.balancer.security_groups if kind.balancer else ())]
        rules = [Rule(kind.release.api_port, each, "API") for each in dict.fromkeys(callers)]
        made_with = {"vpc": vpc, "description": f"Tasks {kind.name} of the Praxis fleet {kind.fleet}"}
        yield Resource("security_group", name, {"rules": rules}, made_with, _tags(kind, name))


def _role(kind: Kind, name: str, policy: str, does: str, document: Mapping[str, Any]) -> Iterator[Resource]:
    """A role that tasks have, with its one policy."""
    description = f"{does} of the Praxis fleet {kind.fleet}"
    yield Resource("role", name, {"trust": access.TRUST, "description": description}, {}, _tags(kind, name))
    yield Resource("role_policy", f"{name}/{policy}", {"document": document}, {"role": Ref("role", name)})


def after(
    kinds: Sequence[Kind], now: datetime.datetime, there: Mapping[str, Collection[str]] | None = None
) -> list[Resource]:
    """What scales them; it goes where the number of tasks is fixed.

    :param now: a schedule that will not come again is none.
    :param there: the names of the scheduled actions that each service has.
    """
    found: list[Resource] = []
    for kind in kinds:
        scale, name = kind.settings.autoscaler, service.resource_id(kind)
        scales = kind.settings.scales
        bounds, scheduled = {"min": scale.min, "max": scale.max}, schedules.limits(scale.schedules)
        may_be = {"scheduled": scheduled} if scale.schedules else {}
        found.append(Resource("scalable_target", name, bounds, may_be, present=scales))
        wanted = {each["PolicyName"]: each for each in service.scaling_policies(kind)} if scales else {}
        for policy in service.POLICIES:
            tracking = wanted.get(policy, {}).get("TargetTrackingScalingPolicyConfiguration", {})
            fields = {"tracking": {**tracking, "TargetValue": int(tracking["TargetValue"])}} if tracking else {}
            made_with = {"service": name, "policy": policy}
            found.append(Resource("scaling_policy", f"{name}#{policy}", fields, made_with, present=bool(tracking)))
        found += _scheduled(kind, now, (there or {}).get(name, ()))
    return found


def _scheduled(kind: Kind, now: datetime.datetime, there: Collection[str]) -> Iterator[Resource]:
    """The scheduled actions: those that are wanted, and those of ours that no longer are."""
    name = service.resource_id(kind)
    coming = [each for each in kind.settings.autoscaler.schedules if kind.settings.scales and not each.past(now)]
    wanted = {each.action: each.request() for each in coming}
    for action in sorted({*wanted, *(each for each in there if each.startswith(schedules.PREFIX))}):
        request = wanted.get(action, {})
        fields = {field: value for field, value in request.items() if field != "ScheduledActionName"}
        made_with = {"service": name, "action": action}
        yield Resource("scheduled_action", f"{name}#{action}", fields, made_with, present=bool(request))


def _tags(kind: Kind, name: str) -> dict[str, str]:
    return {**kind.tags, "Name": name}
