# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the inventory's hosts, each a kind of agents, to what Amazon ECS is to run: compiles the settings with the
compiler of a fleet of machines, and asks AWS only for what the user leaves open."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.agent.peers import with_peers
from ansible_collections.praxis.cloud.plugins.module_utils.cloud import balancers
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_caller import caller
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.selector import selector
from ansible_collections.praxis.cloud.plugins.module_utils.ecs import access, data, service, sidecars
from ansible_collections.praxis.cloud.plugins.module_utils.ecs.balancer import Balancer
from ansible_collections.praxis.cloud.plugins.module_utils.ecs.container import Definition
from ansible_collections.praxis.cloud.plugins.module_utils.ecs.data import SharedData
from ansible_collections.praxis.cloud.plugins.module_utils.ecs.resources import role_name, task_role_name
from ansible_collections.praxis.cloud.plugins.module_utils.ecs.settings import KindSettings, read_kind
from ansible_collections.praxis.cloud.plugins.module_utils.ecs.sidecars import Sidecar
from ansible_collections.praxis.cloud.plugins.module_utils.ecs.task_definition import Kind
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.data import Data
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.own_name import MARK
from ansible_collections.praxis.cloud.plugins.plugin_utils import ecs_secrets
from ansible_collections.praxis.cloud.plugins.plugin_utils.drafts import Draft
from ansible_collections.praxis.cloud.plugins.plugin_utils.ecs_checks import TARGET, check_roles, unheld
from ansible_collections.praxis.cloud.plugins.plugin_utils.ecs_secrets import TaskSecrets
from ansible_collections.praxis.cloud.plugins.plugin_utils.fleet_variables import MemberVariables, Pointer
from ansible_collections.praxis.cloud.plugins.plugin_utils.kinds import KindPlanner, KindVariables, release


@dataclass(frozen=True)
class TaskVariables(KindVariables):
    """The variables of all tasks of a kind."""

    @property
    def kept_data(self) -> Data | None:
        """Nothing of a machine's: ECS mounts what tasks have of their data."""
        return None


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

    def task_role(self, kind: Kind) -> str:
        """The ARN of the role that is made for the tasks themselves, by which they have their data; empty: none is."""
        if not kind.data or kind.settings.task_role:
            return ""
        return f"arn:{self.partition}:iam::{self.account}:role/{task_role_name(kind)}"

    def definition(self, kind: Kind) -> Definition:
        """The request that registers a kind's task definition."""
        return kind.definition(self.execution_role(kind), self.task_role(kind))

    def files(self) -> dict[str, str]:
        """What the AWS CLI takes (``--cli-input-json``), by file name."""
        found: dict[str, Any] = {}
        for kind in self.kinds:
            name = kind.name
            found[f"{name}.task-definition.json"] = self.definition(kind)
            found[f"{name}.service.json"] = service.service(kind, kind.family, kind.settings.security_groups)
            if not kind.settings.execution_role:
                policy = access.execution_policy(kind, self.account, self.partition)
                found[f"{name}.execution-role-policy.json"] = policy
            if kind.data and not kind.settings.task_role:
                policy = kind.data.policy(kind.region, self.account, self.partition)
                found[f"{name}.task-role-policy.json"] = policy
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


def removal(members: Sequence[MemberVariables], faults: Sequence[Finding] = ()) -> Fleet:
    """What is to be removed: kinds by their settings and names. Nothing is asked, so their task definitions are none
    that could be registered.

    :param members: as for :func:`plan`; so are the faults.
    :raises Failed: with everything that is wrong with the settings.
    """
    return _Planner(members, faults).removal()


class _Planner(KindPlanner):
    def removal(self) -> Fleet:
        fleet, settings = self.fleet_name(), self._settings(deployed=False)
        drafts = self._drafts(settings)
        self.stop_at_errors()
        kinds = tuple(
            self._kind(fleet, settings[name], draft, {image: image for image in draft.images}, TaskSecrets())
            for name, draft in drafts.items()
        )
        return Fleet(fleet, kinds, self.clouds.aws, "", "aws", self.warnings)

    def plan(self, rendered: bool) -> Fleet:
        fleet = self.fleet_name()
        settings = self._settings(rendered=rendered)
        drafts = self._drafts(settings)
        images = self.images(list(drafts.values()))
        for draft in drafts.values():
            self.findings += sidecars.check(draft.services, draft.compiled.document)
        shared = {each.name: self._data(each) for each in self.members if each.name in drafts}
        before = {each.name: self._balancer(each.target_group) for each in self.members if each.name in drafts}
        found = {name: ecs_secrets.of_kind(self, settings[name], draft) for name, draft in drafts.items()}
        self.stop_at_errors()
        kinds = tuple(
            replace(
                self._kind(fleet, settings[name], draft, images, found[name]), balancer=before[name], data=shared[name]
            )
            for name, draft in drafts.items()
        )
        self.findings += [finding for kind in kinds for finding in (*kind.check(), *check_roles(kind))]
        account, partition = self._account(kinds)
        self.stop_at_errors()
        return Fleet(fleet, kinds, self.clouds.aws, account, partition, self.warnings)

    def _drafts(self, settings: Mapping[str, KindSettings]) -> dict[str, Draft]:
        """By the inventory's names, the kinds whose settings can be compiled."""
        drafts: dict[str, Draft] = {}
        for member in self.members:
            if member.name in settings:
                draft = self.draft(_kind_variables(member, settings[member.name]), member.name)
                drafts.update({member.name: draft} if draft else {})
        return drafts

    def _settings(self, rendered: bool = False, deployed: bool = True) -> dict[str, KindSettings]:
        found: dict[str, KindSettings] = {}
        taken: set[str] = set()
        for member in self.members:
            self.findings += unheld(member)
            try:
                read = read_kind({**member.ecs, **member.ecs_kind}, member.name, deployed)
            except Failed as error:
                self.findings += error.findings
                continue
            if read.name in taken:
                what = f"Another kind has the name {read.name} too."
                self.findings.append(Finding("shared-name", what, member.name, "Give each kind its own name "
                                                                               "(praxis_ecs.name)."))
            if rendered and not read.security_groups:
                what = "praxis_ecs.security_groups is not set, and render.yml creates no security group."
                fix = "Set praxis_ecs.security_groups to existing groups (deploy.yml would create one)."
                self.findings.append(Finding("security-group-unknown", what, member.name, fix))
            taken.add(read.name)
            found[member.name] = read
        return found

    def _kind(
        self, fleet: str, settings: KindSettings, draft: Draft, images: Mapping[str, str], found: TaskSecrets
    ) -> Kind:
        image = draft.variables.image
        made = release(draft, images[image], {name: each.value_from for name, each in found.agent.items()})
        beside = [
            Sidecar(
                replace(each, image=images[each.image]), found.services.get(each.name, {}), found.logins.get(each.image)
            )
            for each in draft.services
        ]
        return Kind(
            fleet=fleet,
            settings=settings,
            release=made,
            document=with_peers(made.document, settings.bootstrap),
            secrets=found.agent,
            region=self.clouds.aws.region,
            architecture=draft.variables.architecture,
            sidecars=tuple(beside),
            login=found.logins.get(image),
        )

    def _data(self, member: MemberVariables) -> SharedData | None:
        try:
            return data.read(member.data, member.name)
        except Failed as error:
            self.findings += error.findings
            return None

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
            what = f"The target group's type is {found['TargetType']}, and tasks need the type ip."
            fix = "Use a target group of the type ip; that of machines has the type instance."
            self.findings.append(Finding("target-type", what, str(given), fix))
        if not front:
            what = "No load balancer forwards to this target group, and ECS needs one that does."
            fix = "Let a listener or rule of a load balancer forward to it, or use another target group."
            self.findings.append(Finding("target-group-unused", what, str(given), fix))
            return None
        groups = sorted({group for each in front for group in each.get("SecurityGroups") or ()})
        return Balancer(str(found["TargetGroupArn"]), arns[0], tuple(groups))

    def _account(self, kinds: Sequence[Kind]) -> tuple[str, str]:
        if all(kind.settings.execution_role and (kind.settings.task_role or not kind.data) for kind in kinds):
            return "", "aws"
        try:
            own = caller(self.clouds.aws)
        except Failed as error:
            self.findings += error.findings
            return "", "aws"
        return own.account, own.partition


def _kind_variables(member: MemberVariables, settings: KindSettings) -> TaskVariables:
    values = {name: getattr(member, name) for name in member.__dataclass_fields__}
    # The API is called by other names than the agent knows, so its Host filter matters as behind a balancer.
    values.update(name=MARK, target_group=values["target_group"] or TARGET, docker_socket=False)
    # A task's name is its host's, which the VPC resolves: others find it by what its card says.
    return TaskVariables(**values, host=MARK)
