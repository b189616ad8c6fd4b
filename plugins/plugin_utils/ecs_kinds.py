# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the inventory's hosts, each a kind of agents, to what Amazon ECS is to run: compiles the settings with the
compiler of a fleet of machines, and asks AWS only for what the user leaves open."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.agent.peers import with_peers
from ansible_collections.praxis.cloud.plugins.module_utils.cloud import balancers
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_caller import caller
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.selector import selector
from ansible_collections.praxis.cloud.plugins.module_utils.ecs import access, secrets, service
from ansible_collections.praxis.cloud.plugins.module_utils.ecs.balancer import Balancer
from ansible_collections.praxis.cloud.plugins.module_utils.ecs.resources import role_name
from ansible_collections.praxis.cloud.plugins.module_utils.ecs.secrets import TaskSecret
from ansible_collections.praxis.cloud.plugins.module_utils.ecs.settings import KindSettings, read_kind
from ansible_collections.praxis.cloud.plugins.module_utils.ecs.task_definition import Kind
from ansible_collections.praxis.cloud.plugins.module_utils.finding import ERROR, WARNING, Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.own_name import MARK
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.reference import Reference
from ansible_collections.praxis.cloud.plugins.plugin_utils.drafts import Draft
from ansible_collections.praxis.cloud.plugins.plugin_utils.fleet_variables import MemberVariables, Pointer
from ansible_collections.praxis.cloud.plugins.plugin_utils.kinds import (
    KindPlanner,
    KindVariables,
    release,
    without_effect,
)

TARGET = "ecs"
#: Variables that the agent would miss, and what there is instead.
_REFUSED = {
    "docker_socket": "Leave it out: a task has no engine of its own.",
    "services": "Deploy them as services of their own; sidecars are not made.",
    "data": "Leave it out: what a task writes is gone with it.",
}
#: Variables of machines that say nothing for tasks.
_WITHOUT_EFFECT = {
    "docker_daemon": "Fargate has an engine of its own.",
    "private_ip": "Tasks get their addresses from their subnets.",
    "public_ip": "Set praxis_ecs.public_ip for a public address.",
    "registries": "Keep the image in ECR, or a public registry: ECS is given no login.",
}
_LIMITS_WITHOUT_EFFECT = {
    "pids": "Fargate limits no processes.",
    "log_size": "The log group keeps the log (praxis_ecs.retention).",
    "log_files": "The log group keeps the log (praxis_ecs.retention).",
}
_LONGEST_ROLE = 64
_KEY_ID = re.compile(r"(?:mrk-)?[0-9a-f-]{32,36}")


@dataclass(frozen=True)
class Fleet:
    """What ECS is to run.

    :param aws: the client of its region.
    :param account: the AWS account; empty when nothing depends on it.
    :param warnings: what the run goes on with all the same.
    """

    name: str
    kinds: tuple[Kind, ...]
    aws: AwsClient
    account: str
    partition: str
    warnings: tuple[Finding, ...]

    def execution_role(self, kind: Kind) -> str:
        """The ARN of the role by which ECS starts tasks."""
        given = kind.settings.execution_role
        return given or f"arn:{self.partition}:iam::{self.account}:role/{role_name(kind)}"

    def files(self) -> dict[str, str]:
        """What the AWS CLI takes (``--cli-input-json``), by file name."""
        found: dict[str, Any] = {}
        for kind in self.kinds:
            name = kind.name
            found[f"{name}.task-definition.json"] = kind.definition(self.execution_role(kind))
            found[f"{name}.service.json"] = service.service(kind, kind.family, kind.settings.security_groups)
            if not kind.settings.execution_role:
                policy = access.execution_policy(kind, self.account, self.partition)
                found[f"{name}.execution-role-policy.json"] = policy
            if kind.settings.scales:
                found[f"{name}.scalable-target.json"] = service.scalable_target(kind)
                for each in service.scaling_policies(kind):
                    found[f"{name}.{each['PolicyName']}.scaling-policy.json"] = each
                for each in service.scheduled_actions(kind):
                    found[f"{name}.{each['ScheduledActionName']}.scheduled-action.json"] = each
        return {name: json.dumps(each, indent=2) + "\n" for name, each in found.items()}


def plan(members: Sequence[MemberVariables], faults: Sequence[Finding] = (), rendered: bool = False) -> Fleet:
    """Compile, and ask for what is open.

    :param members: the inventory's hosts, each a kind of agents.
    :param faults: what is wrong already; reported with everything else.
    :param rendered: whether files are written, which can name no security group that is still to be made.
    :raises Failed: with everything that is wrong, at once.
    """
    return _Planner(members, faults).plan(rendered)


class _Planner(KindPlanner):
    def plan(self, rendered: bool) -> Fleet:
        fleet = self.fleet_name()
        settings = self._settings(rendered)
        drafts: dict[str, Draft] = {}
        for member in self.members:
            if member.name in settings:
                draft = self.draft(_kind_variables(member, settings[member.name]), member.name)
                drafts.update({member.name: draft} if draft else {})
        images = self.images(list(drafts.values()))
        self._check_registries(drafts)
        before = {each.name: self._balancer(each.target_group) for each in self.members if each.name in drafts}
        found = {name: self._secrets(settings[name], draft) for name, draft in drafts.items()}
        self.stop_at_errors()
        kinds = tuple(
            self._kind(fleet, settings[name], draft, images[draft.variables.image], found[name], before[name])
            for name, draft in drafts.items()
        )
        self.findings += [finding for kind in kinds for finding in (*kind.check(), *_check_role(kind))]
        account, partition = self._account(kinds)
        self.stop_at_errors()
        return Fleet(fleet, kinds, self.clouds.aws, account, partition, self.warnings)

    def _settings(self, rendered: bool) -> dict[str, KindSettings]:
        found: dict[str, KindSettings] = {}
        taken: set[str] = set()
        for member in self.members:
            self.findings += unheld(member)
            try:
                read = read_kind({**member.ecs, **member.ecs_kind}, member.name)
            except Failed as error:
                self.findings += error.findings
                continue
            if read.name in taken:
                what = f"Another kind is called {read.name}, too."
                self.findings.append(Finding("shared-name", what, member.name, "Give each kind a name of its own."))
            if rendered and not read.security_groups:
                what = "No security group is named, and rendering makes none."
                fix = "Give praxis_ecs.security_groups, or let deploy.yml make one."
                self.findings.append(Finding("security-group-unknown", what, member.name, fix))
            taken.add(read.name)
            found[member.name] = read
        return found

    def _kind(
        self,
        fleet: str,
        settings: KindSettings,
        draft: Draft,
        image: str,
        found: dict[str, TaskSecret],
        balancer: Balancer | None,
    ) -> Kind:
        made = release(draft, image, {name: each.value_from for name, each in found.items()})
        return Kind(
            fleet=fleet,
            settings=settings,
            release=made,
            document=with_peers(made.document, settings.bootstrap),
            secrets=found,
            region=self.clouds.aws.region,
            architecture=draft.variables.architecture,
            balancer=balancer,
        )

    def _check_registries(self, drafts: Mapping[str, Draft]) -> None:
        for name, draft in drafts.items():
            if draft.registry(draft.variables.image):
                fix = "Copy the image into ECR."
                self.findings.append(_unheld("praxis_registries", name, fix, ERROR))

    def _balancer(self, given: Pointer) -> Balancer | None:
        """What stands in front of tasks, which are targets by address."""
        if not given:
            return None
        aws = self.clouds.aws
        try:
            found = balancers.find(aws, balancers.TARGET_GROUP, selector("praxis_target_group", given))
            arns = list(map(str, found.get("LoadBalancerArns") or ()))
            front = aws.call("elbv2", "describe_load_balancers", LoadBalancerArns=arns)["LoadBalancers"] if arns else []
        except Failed as error:
            self.findings += error.findings
            return None
        if found["TargetType"] != "ip":
            what = f"Its target type is {found['TargetType']}, and tasks are targets by address."
            fix = "Use a target group of the type ip; that of machines has the type instance."
            self.findings.append(Finding("target-type", what, str(given), fix))
        if not front:
            what = "No load balancer forwards to it, and ECS takes no such target group."
            fix = "Give it a listener or a rule of a load balancer, or name another target group."
            self.findings.append(Finding("target-group-unused", what, str(given), fix))
            return None
        groups = sorted({group for each in front for group in each.get("SecurityGroups") or ()})
        return Balancer(str(found["TargetGroupArn"]), arns[0], tuple(groups))

    def _secrets(self, settings: KindSettings, draft: Draft) -> dict[str, TaskSecret]:
        references = {name: given for name, given in draft.sources.items() if isinstance(given, Reference)}
        for name in sorted(set(draft.sources) - set(references)):
            what = f"{name} is a value, and a task definition never holds one."
            fix = "Write a reference to AWS Secrets Manager (aws-sm://…)."
            self.findings.append(Finding("secret-value-rendered", what, settings.name, fix))
        wrong = secrets.check(references, settings.name)
        self.findings += wrong
        if wrong:
            return {}
        known = {
            name: each
            for name, each in references.items()
            if each.pinned and each.name.startswith("arn:") and settings.execution_role
        }
        asked = {name: each for name, each in references.items() if name not in known}
        found = {name: TaskSecret(each.name, each.key, each.version) for name, each in known.items()}
        for name, is_ in self.described(asked).items():
            found[name] = TaskSecret(is_.id, asked[name].key, is_.version, _key_arn(is_.encryption_key, is_.id))
        return found

    def _account(self, kinds: Sequence[Kind]) -> tuple[str, str]:
        if all(kind.settings.execution_role for kind in kinds):
            return "", "aws"
        try:
            own = caller(self.clouds.aws)
        except Failed as error:
            self.findings += error.findings
            return "", "aws"
        return own.account, own.partition


def unheld(member: MemberVariables) -> list[Finding]:
    """The variables that say what ECS does not do: those that the agent would miss stop the run."""
    found = []
    if member.target != TARGET:
        fix = "Set praxis_target: ecs for all hosts of the inventory, or for none."
        found.append(Finding("not-an-ecs-kind", f"praxis_target is {member.target}.", member.name, fix))
    for name, fix in _REFUSED.items():
        if getattr(member, name):
            found.append(_unheld("praxis_" + name, member.name, fix, ERROR))
    for name, fix in without_effect(member, _WITHOUT_EFFECT, _LIMITS_WITHOUT_EFFECT):
        found.append(_unheld(name, member.name, fix, WARNING))
    return found


def _unheld(what: str, where: str, fix: str, level: str) -> Finding:
    return Finding("not-on-ecs", f"{what} has no effect on ECS.", where, fix, level)


def _check_role(kind: Kind) -> list[Finding]:
    """A role's name is never shortened: two kinds would then share one."""
    name = role_name(kind)
    if kind.settings.execution_role or len(name) <= _LONGEST_ROLE:
        return []
    what = f"Its execution role would be called {name}, and a role's name has {_LONGEST_ROLE} characters at most."
    fix = "Shorten praxis_ecs.name or praxis_fleet, or give praxis_ecs.execution_role."
    return [Finding("bad-ecs-setting", what, kind.name, fix)]


def _kind_variables(member: MemberVariables, settings: KindSettings) -> KindVariables:
    values = {name: getattr(member, name) for name in member.__dataclass_fields__}
    # The API is called by other names than the agent knows, so its Host filter matters as behind a balancer.
    values.update(name=MARK, target_group=values["target_group"] or TARGET, docker_socket=False, services=(), data={})
    # A task's name is its host's, which the VPC resolves: others find it by what its card says.
    return KindVariables(**values, host=MARK)


def _key_arn(key: str, secret: str) -> str:
    """A KMS key's ARN; a secret may name it by its id."""
    if not _KEY_ID.fullmatch(key):
        return key
    arn, _colon, _rest = secret.partition(":secret:")
    return f"{arn.replace(':secretsmanager:', ':kms:')}:key/{key}"
