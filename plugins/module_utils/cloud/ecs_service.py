# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One service of Amazon ECS with its task definition: observed, compared and written."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_ecs_kinds import lower_tags
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.ecs_revisions import Revisions
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.ecs_tasks import Tasks
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import Conflict, Denied, NotFound
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.kind import tagged
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Poll
from ansible_collections.praxis.cloud.plugins.module_utils.ecs import balancer, capacity, rollout, service
from ansible_collections.praxis.cloud.plugins.module_utils.ecs.meaning import differences, same
from ansible_collections.praxis.cloud.plugins.module_utils.ecs.task_definition import Kind
from ansible_collections.praxis.cloud.plugins.module_utils.ecs.way_back import Run, Stand, run_of
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.plan import (
    CHANGE,
    CREATE,
    REMOVE,
    Field,
    Row,
)
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.resource import UNKNOWN

#: Seconds in which a service that was removed ends: its balancer is drained of its tasks (300 s by default).
_DRAINS = 360.0


@dataclass
class EcsService:
    """One kind of agents in ECS.

    :param role: ARN of the execution role.
    :param definition: what its tasks are to be.
    """

    client: AwsClient
    kind: Kind
    definition: Mapping[str, Any]
    poll: Poll = field(default_factory=lambda: Poll(interval=5.0))
    described: dict[str, Any] = field(default_factory=dict)
    #: The task definition that there is already and that means what is wanted; empty: none.
    fitting: str = ""
    current: dict[str, Any] = field(default_factory=dict)
    deployment: str = ""
    #: Tasks that this run has asked for: where that begins no deployment, the one of before is complete without them.
    asked: int = 0

    @property
    def where(self) -> str:
        """Its place, for findings."""
        return f"service {self.kind.name}, cluster {self.kind.cluster}, AWS {self.client.region}"

    @property
    def exists(self) -> bool:
        """Whether there is such a service."""
        return bool(self.described)

    @property
    def is_ours(self) -> bool:
        """Whether it carries the kind's tags."""
        return tagged(lower_tags(self.described), self.kind.tags)

    @property
    def revision(self) -> str:
        """``FAMILY:REVISION`` that the service runs, or is going to."""
        return str(self.described.get("taskDefinition", "")).rpartition("/")[2]

    @property
    def tasks(self) -> Tasks:
        """Its tasks."""
        return Tasks(self.client, self.kind.cluster, self.kind.name, self.kind.log_group)

    @property
    def revisions(self) -> Revisions:
        """What its task definition was, and is."""
        return Revisions(self.client, self.kind.family, self.kind.tags, self.poll)

    def observe(self) -> None:
        """What there is. Only reads.

        :raises Failed: ``not-managed`` for a service that others made, ``capacity-fixed`` for one that cannot become
            what is wanted.
        """
        self.see()
        if found := capacity.fixed(self.kind.settings.capacity, self.described, self.where):
            raise Failed(*found)
        running = str(self.described.get("taskDefinition", ""))
        self.current = self.revisions.described(running) if running else {}
        self.fitting = running if self.current and same(self.definition, self.current) else ""
        if not self.fitting:
            newest = self.revisions.described(self.kind.family)
            fits = newest and same(self.definition, newest)
            self.fitting = str(newest["taskDefinitionArn"]) if fits else ""

    def see(self) -> None:
        """Only whether there is one, which is all that a removal needs.

        :raises Failed: ``not-managed``.
        """
        self.refresh()
        self.deployment = str(rollout.primary(self.described).get("id", ""))
        if self.exists and not self.is_ours:
            what = f"A service {self.kind.name} exists that praxis.cloud did not create."
            fix = "Choose another name (praxis_ecs.name) or cluster."
            raise Failed(Finding("not-managed", what, self.where, fix))

    def refresh(self) -> None:
        """How it is now, if there is one."""
        asked: dict[str, Any] = {"cluster": self.kind.cluster, "services": [self.kind.name], "include": ["TAGS"]}
        try:
            found = self.client.call("ecs", "describe_services", **asked)["services"]
        except NotFound:
            found = []
        self.described = next((dict(each) for each in found if each.get("status") == "ACTIVE"), {})

    def left_in(self, cluster: str) -> EcsService | None:
        """The service that the same kind has in another cluster, where it was before; None where others have made it,
        or where this run may not look: there, somebody else's is most likely."""
        there = replace(self.kind, settings=replace(self.kind.settings, cluster=cluster))
        left = EcsService(self.client, there, {}, self.poll)
        try:
            left.refresh()
        except Denied:
            return None
        return left if left.exists and left.is_ours else None

    def rows(self, security_groups: Sequence[str]) -> list[Row]:
        """What is to be done."""
        found = []
        if not self.fitting:
            fields = [Field(*each) for each in differences(self.current, self.definition)]
            action = CHANGE if self.current else CREATE
            found.append(Row(action, "task definition", self.kind.family, self.revision, tuple(fields)))
        if not self.exists:
            wanted = service.service(self.kind, self.fitting or UNKNOWN, security_groups)
            hidden = ("tags", "cluster", "serviceName")
            fields = [Field(name, None, value) for name, value in wanted.items() if name not in hidden]
            found.append(Row(CREATE, "service", self.kind.name, "", tuple(fields)))
        elif changed := self._changed(self.fitting or UNKNOWN, security_groups):
            there = service.observed(self.described)
            fields = [Field(name, there.get(name), value) for name, value in changed.items()]
            found.append(Row(CHANGE, "service", self.kind.name, self.revision, tuple(fields)))
        return found

    def apply(self, security_groups: Sequence[str], by: Run, dead: Collection[str]) -> None:
        """Make it so: register what is missing, create or update the service.

        :param by: the run that does it; its revision names it.
        :param dead: the runs whose work this one continues.
        """
        running = str(self.described.get("taskDefinition", ""))
        if not self.fitting:
            self.fitting = self.revisions.register(self.definition, by)
        elif self.fitting != running or run_of(lower_tags(self.current)).ident in dead:
            self.revisions.sign(self.fitting, by)
        if not self.exists:
            request = service.service(self.kind, self.fitting, security_groups)
            # One of its name may have been removed a moment ago.
            self._took(self.poll.allowed(
                lambda: self.client.call("ecs", "create_service", **request), Conflict, seconds=_DRAINS
            ))  # fmt: skip
        elif changed := self._changed(self.fitting, security_groups):
            self._update(changed)
            self.asked = int(changed.get("desiredCount", 0))

    def go_to(self, arn: str) -> None:
        """Run another revision."""
        self._update({"taskDefinition": arn})

    def health(self) -> list[Finding]:
        """What is wrong with it now."""
        if not self.exists:
            fix = "Deploy first (make deploy)."
            return [Finding("not-deployed", "The service does not exist.", self.where, fix)]
        unhealthy, least = self.tasks.unhealthy(), self.kind.settings.least
        return [*rollout.health(self.described, unhealthy, least, self.where), *self.served(0)]

    def served(self, seconds: float) -> list[Finding]:
        """Which of its tasks the balancer sends no requests, after so many seconds at most."""
        found, _done = self.poll.until(self._unserved, lambda found: not found, seconds=seconds)
        return found

    def _unserved(self) -> list[Finding]:
        before = self.kind.balancer
        if not before:
            return []
        answer = self.client.call("elbv2", "describe_target_health", TargetGroupArn=before.target_group)
        targets = {}
        for each in answer["TargetHealthDescriptions"]:
            health = each["TargetHealth"]
            said = [health["State"], health.get("Description") or ""]
            targets[str(each["Target"]["Id"])] = ", ".join(word for word in said if word)
        return balancer.unhealthy(self.tasks.addresses(), targets, self.where)

    def history(self) -> list[dict[str, Any]]:
        """Its task definitions, as :meth:`Revisions.history` shows them."""
        return self.revisions.history(str(self.described.get("taskDefinition", "")))

    @property
    def stand(self) -> Stand:
        """What a rollback has to know of it."""
        return self.revisions.stand(self.current)

    def goal(self, revision: str) -> str:
        """The ARN of the task definition to go back to; empty where there is none, or no service.

        :param revision: its number; empty: the last one that was good before the one that runs.
        """
        if not self.exists:
            return ""
        if revision:
            return self.revisions.numbered(revision)
        return self.revisions.good_before(str(self.described["taskDefinition"]))

    def removals(self) -> list[Row]:
        """What :meth:`remove` takes away."""
        found = [Row(REMOVE, "service", self.kind.name, self.revision)] if self.exists else []
        names = [arn.rpartition("/")[2] for arn in self.revisions.active()]
        return [*found, *(Row(REMOVE, "task definition", name) for name in names)]

    def remove(self) -> None:
        """Stop its tasks, remove it, and give up its task definitions."""
        self.stop()
        self.revisions.give_up()

    def stop(self) -> None:
        """Stop its tasks, and remove it."""
        if self.exists:
            named: dict[str, Any] = {"cluster": self.kind.cluster, "service": self.kind.name}
            self.client.call("ecs", "delete_service", idempotent=True, force=True, **named)
            # A balancer is drained of its tasks before they stop.
            self.poll.until(self.tasks.living, lambda found: not found, seconds=float(self.kind.settings.timeout))

    def _changed(self, arn: str, security_groups: Sequence[str]) -> dict[str, Any]:
        there = service.observed(self.described)
        wanted = service.kept(self.kind, arn, security_groups)
        changed = {name: value for name, value in wanted.items() if there.get(name) != value}
        # Its autoscaler brings no task back where there are none, and below its limit only under load.
        if self.exists and there["desiredCount"] < self.kind.settings.least:
            changed["desiredCount"] = self.kind.settings.least
        begins = bool(changed.get("desiredCount")) and not there["desiredCount"]
        return {**changed, **({"forceNewDeployment": True} if begins or self._is_stalled else {})}

    @property
    def _is_stalled(self) -> bool:
        """Whether ECS has given its deployment up, with none to go back to: it starts no task until there is another
        one (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html)."""
        return rollout.primary(self.described).get("rolloutState") == rollout.FAILED

    def _update(self, changed: Mapping[str, Any]) -> None:
        named: dict[str, Any] = {"cluster": self.kind.cluster, "service": self.kind.name}
        force = {"forceNewDeployment": True} if "capacityProviderStrategy" in changed else {}
        self._took(self.client.call("ecs", "update_service", idempotent=True, **named, **changed, **force))

    def _took(self, answer: Mapping[str, Any]) -> None:
        self.described = dict(answer["service"])
        self.deployment = str(rollout.primary(self.described).get("id", ""))
