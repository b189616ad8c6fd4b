# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet's services in Amazon ECS with everything around them: one plan, carried out and waited for."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import ecs_left
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_access_kinds import SECURITY_GROUP
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_ecs_kinds import KINDS, scheduled_actions
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.ecs_revisions import image_of
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.ecs_rollout import wait_for
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.ecs_service import EcsService
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.engine import Engine
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.parallel import gathered, map_parallel
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Poll
from ansible_collections.praxis.cloud.plugins.module_utils.ecs import edges, resources, rollout, way_back
from ansible_collections.praxis.cloud.plugins.module_utils.ecs.container import Definition
from ansible_collections.praxis.cloud.plugins.module_utils.ecs.lock import Ticket
from ansible_collections.praxis.cloud.plugins.module_utils.ecs.service import resource_id
from ansible_collections.praxis.cloud.plugins.module_utils.ecs.task_definition import Kind
from ansible_collections.praxis.cloud.plugins.module_utils.ecs.way_back import NOBODY, Run
from ansible_collections.praxis.cloud.plugins.module_utils.finding import ERROR, WARNING, Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.plan import REMOVE, Change, Row, plan_id
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.resource import UNKNOWN, Resource

_WORDS = {name: kind.words for name, kind in KINDS.items()}


@dataclass
class EcsFleet:
    """All kinds of agents of a fleet in one region.

    :param define: a kind's task definition.
    """

    client: AwsClient
    name: str
    kinds: Sequence[Kind]
    define: Callable[[Kind], Definition]
    account: str
    partition: str
    poll: Poll = field(default_factory=lambda: Poll(interval=5.0))
    services: list[EcsService] = field(default_factory=list)
    _before: list[Change] = field(default_factory=list)
    _after: list[Change] = field(default_factory=list)
    _left: list[EcsService] = field(default_factory=list)
    _going: list[EcsService] = field(default_factory=list)
    _applied: bool = False

    def __post_init__(self) -> None:
        self.services = [EcsService(self.client, kind, self.define(kind), self.poll) for kind in self.kinds]

    @property
    def where(self) -> str:
        """Its place, for findings."""
        return f"fleet {self.name}, AWS {self.client.region}"

    def observe(self) -> None:
        """What there is, and what is to be done. Only reads.

        :raises Failed: what others made under our names, and the cloud's refusals.
        """
        self._base = self._engine(resources.before(self.kinds, self._vpc(), self.account, self.partition))
        self._scaling = self._engine(self._scales(self.kinds))
        self._before, self._after = self._base.observe(), self._scaling.observe()
        gathered(map_parallel(EcsService.observe, self.services))

    def plan(self) -> tuple[str, list[Row]]:
        """The plan's id and its rows, in the order in which they are carried out."""
        rows = [each.row(_WORDS) for each in self._before]
        for service in self.services:
            rows += service.rows(self._groups(service.kind))
        rows += [each.row(_WORDS) for each in self._after]
        return plan_id(("aws", self.client.region, self.name, "ecs"), rows), rows

    def apply(self, by: Run = NOBODY, dead: Collection[str] = ()) -> None:
        """Carry the plan out. What scales is written before the deployment's end is waited for: its limits hold while
        that goes on, too.

        :param by: the run that does it.
        :param dead: the runs whose work it continues.
        """
        self._base.apply(self._before)
        for service in self.services:
            service.apply(self._groups(service.kind), by, dead)
        self._scaling.apply(self._after)
        self._applied = True

    def wait(self) -> list[Finding]:
        """Wait until every deployment has ended; what failed."""
        return [finding for service in self.services for finding in wait_for(service)]

    def left(self) -> list[EcsService]:
        """The services that the inventory does not call for, as cloud/ecs_left.py finds them."""
        return ecs_left.left(self.services)

    def judge_left(self) -> list[Finding]:
        """A finding for each of them."""
        now = {each.kind.name: each.kind.cluster for each in self.services}
        return [rollout.left(each.described, each.kind.cluster, now.get(each.kind.name, ""), each.where)
                for each in self.left()]  # fmt: skip

    def judge(self) -> list[Finding]:
        """What is wrong with the services as they are."""
        return [finding for service in self.services for finding in service.health()]

    def tasks(self) -> list[dict[str, str]]:
        """The tasks that run, and where."""
        return [
            {"service": service.kind.name, "task": task, "address": address}
            for service in self.services
            for task, address in sorted(service.tasks.addresses().items())
        ]

    def judge_edges(
        self, tasks: Sequence[Mapping[str, str]], seen: Mapping[str, edges.Seen | None]
    ) -> list[Finding]:
        """What is wrong with the edges of these tasks.

        :param tasks: from :meth:`tasks`.
        :param seen: as in ecs/edges.py.
        """
        found: list[Finding] = []
        for service in self.services:
            settings, mine = service.kind.settings, _of_service(tasks, service.kind.name)
            found += edges.findings(mine, seen, settings.bootstrap, settings.edges, service.where)
        return found

    def dialled(self, tasks: Sequence[Mapping[str, str]]) -> dict[str, list[str]]:
        """By the peer ids of the members that these tasks dial, the tasks' addresses.

        :param tasks: from :meth:`tasks`.
        """
        return edges.dialled(
            (kind.settings.bootstrap, list(_of_service(tasks, kind.name).values())) for kind in self.kinds
        )

    def rows(self) -> list[dict[str, Any]]:
        """How the services are, for a status."""
        found = []
        for service in self.services:
            limits = self._scaling.observed.get(("scalable_target", resource_id(service.kind)))
            scale = {name: int(value) for name, value in limits.facts.items()} if limits else {}
            if self._applied and resource_id(service.kind) in {
                each.resource.name for each in self._after if each.resource.kind == "scalable_target"
            }:
                wanted = service.kind.settings
                scale = {"min": wanted.autoscaler.min, "max": wanted.autoscaler.max} if wanted.scales else {}
            described = service.described
            found.append({
                "name": service.kind.name,
                "cluster": service.kind.cluster,
                "revision": service.revision,
                "image": image_of(service.current),
                "running": described.get("runningCount", 0),
                "desired": described.get("desiredCount", 0),
                "pending": described.get("pendingCount", 0),
                "rollout": str(rollout.primary(described).get("rolloutState", "")),
                "scale": scale,
            })  # fmt: skip
        return found

    def history(self) -> list[dict[str, Any]]:
        """The task definitions of all kinds, the newest first."""
        return [{"name": service.kind.name, **row} for service in self.services for row in service.history()]

    def goals(self, to: str, left: Sequence[Ticket] = ()) -> tuple[list[tuple[EcsService, str]], list[Finding]]:
        """Which revision each service would go back to; and that one has none and stays.

        :param to: ``REVISION``, or ``NAME:REVISION`` of one kind; empty: each that the last run has moved to the last
            one that was good.
        :param left: the locks of runs that stopped before their end.
        :raises Failed: ``no-goal``: none has one, or one that was named does not.
        """
        name, _colon, revision = to.rpartition(":")
        if revision:
            services = [each for each in self.services if name in ("", each.kind.name)]
        else:
            stands = {each.kind.name: each.stand for each in self.services if each.exists}
            moved = way_back.moved(stands, left)
            services = [each for each in self.services if each.kind.name in moved or not stands]
        goals = [(service, service.goal(revision)) for service in services]
        ways, stuck = [each for each in goals if each[1]], [service for service, arn in goals if not arn]
        findings = [_no_goal(each, revision) for each in stuck]
        if revision and not services:
            fix = "Use a kind of the inventory: -e praxis_to=NAME:REVISION."
            raise Failed(Finding("no-goal", f"The inventory has no kind {name}.", self.where, fix))
        if findings and (revision or not ways):
            raise Failed(*(replace(each, level=ERROR) for each in findings))
        return ways, findings

    def gone(self) -> list[Row]:
        """Observe for a removal: its rows."""
        left, known = self.left(), {each.kind.name for each in self.services}
        self._left = [each for each in left if each.kind.name in known]
        self._going = [*self.services, *(each for each in left if each.kind.name not in known)]
        kinds = [each.kind for each in self._going]
        self._base = self._engine(resources.removed(kinds))
        scales = self._scales([*(each.kind for each in self._left), *kinds])
        self._scaling = self._engine([replace(each, present=False) for each in scales])
        self._before, self._after = [*self._own_groups(kinds), *self._base.observe()], self._scaling.observe()
        for service in self.services:
            service.see()
        after, before = ([each.row(_WORDS) for each in changes] for changes in (self._after, self._before))
        places = ((f"{each.kind.name} in {each.kind.cluster}", each.revision) for each in self._left)
        gone = [Row(REMOVE, "service", name, revision) for name, revision in places]
        return [*after, *gone, *(row for service in self._going for row in service.removals()), *before]

    def remove(self) -> None:
        """Remove what :meth:`gone` has found: what scales, the services, and what they lived in."""
        self._scaling.apply(self._after)
        for service in self._left:
            service.stop()
        for service in self._going:
            service.remove()
        self._base.apply(self._before)

    def _scales(self, kinds: Sequence[Kind]) -> list[Resource]:
        there = {name: scheduled_actions(self.client, name) for name in map(resource_id, kinds)}
        return resources.after(kinds, datetime.datetime.now(datetime.UTC), there)

    def _engine(self, wanted: Sequence[Resource]) -> Engine[AwsClient]:
        return Engine(self.client, list(wanted), KINDS, [*KINDS], self.where, poll=self.poll)

    def _groups(self, kind: Kind) -> list[str]:
        own = ("security_group", resources.group_name(kind))
        return [*kind.settings.security_groups] or [self._base.ids.get(own, UNKNOWN)]

    def _own_groups(self, kinds: Sequence[Kind]) -> list[Change]:
        """The removal of the security groups that were made, in whatever VPC."""
        wanted = [resources.removed_group(kind) for kind in kinds]
        found = gathered(map_parallel(lambda each: SECURITY_GROUP.owned(self.client, each.tags, each.name), wanted))
        return [Change(REMOVE, each, one) for each, there in zip(wanted, found, strict=True) for one in there]

    def _vpc(self) -> str:
        """The VPC of the subnets.

        :raises Failed: ``several-vpcs``, or the cloud's own refusal.
        """
        wanted = sorted({subnet for kind in self.kinds for subnet in kind.settings.subnets})
        found = self.client.call("ec2", "describe_subnets", SubnetIds=wanted)["Subnets"]
        vpcs = sorted({str(each["VpcId"]) for each in found})
        if len(vpcs) != 1:
            what = f"The subnets are in several VPCs: {', '.join(vpcs)}."
            raise Failed(Finding("several-vpcs", what, "praxis_ecs.subnets", "Set subnets to subnets of one VPC."))
        return vpcs[0]


def _no_goal(service: EcsService, revision: str) -> Finding:
    """That a service cannot go back. One that runs what was good is only to be known of."""
    what = f"The kind has no revision {revision}." if revision else "No revision before this one was good."
    fix = "Choose a revision that make history lists: -e praxis_to=REVISION."
    return Finding("no-goal", what, service.where, fix, WARNING if service.exists and service.stand.good else ERROR)


def _of_service(tasks: Sequence[Mapping[str, str]], name: str) -> dict[str, str]:
    """The addresses of a service's tasks, by id."""
    return {each["task"]: each["address"] for each in tasks if each["service"] == name}
