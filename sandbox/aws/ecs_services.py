# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services of Amazon ECS as an imitation: a rolling deployment's order of events, its states, and its circuit breaker.

It knows neither Docker nor moto: a runner starts and stops tasks and says how they are. What it imitates is from ECS's
documentation: minimum healthy and maximum percent, rolloutState, the circuit breaker's threshold (half of the desired
tasks, at least 3 and at most 200) and its way back to the last deployment that was completed. What it leaves out:
placement, capacity, zones, target groups, Service Connect.
"""

from __future__ import annotations

import datetime
import itertools
import math
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

PENDING, RUNNING, STOPPED = "PENDING", "RUNNING", "STOPPED"
HEALTHY, UNHEALTHY, UNKNOWN = "HEALTHY", "UNHEALTHY", "UNKNOWN"
LEAST_FAILURES, MOST_FAILURES = 3, 200


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


@dataclass
class Task:
    """One task, and how it is."""

    service: str
    cluster: str
    definition: str
    deployment: str
    ident: str = field(default_factory=lambda: uuid.uuid4().hex)
    status: str = PENDING
    health: str = UNKNOWN
    address: str = ""
    exit_code: int | None = None
    stopped_reason: str = ""
    reason: str = ""
    created: datetime.datetime = field(default_factory=_now)
    stopped: datetime.datetime | None = None
    was_healthy: bool = False

    def end(self, why: str, code: int | None = None, reason: str = "") -> None:
        """It has stopped."""
        self.status, self.stopped_reason, self.exit_code, self.reason = STOPPED, why, code, reason
        self.stopped = _now()


class Runner(Protocol):
    """What runs tasks."""

    def start(self, task: Task, definition: dict[str, Any]) -> None:
        """Begin to run it. What cannot be begun ends the task."""

    def observe(self, task: Task) -> None:
        """Bring the task's status and health up to date."""

    def stop(self, task: Task) -> None:
        """Stop what runs of it."""


@dataclass
class Deployment:
    """One deployment of a service."""

    definition: str
    ident: str = field(default_factory=lambda: f"ecs-svc/{uuid.uuid4().int % 10**19}")
    status: str = "PRIMARY"
    rollout: str = "IN_PROGRESS"
    reason: str = ""
    failed: int = 0
    rolls_back: bool = False
    created: datetime.datetime = field(default_factory=_now)


@dataclass
class Service:
    """One service: what it was last asked to be, its deployments, the newest first, and its tasks."""

    arn: str
    cluster: str
    name: str
    asked: dict[str, Any]
    deployments: list[Deployment] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    status: str = "ACTIVE"
    good: str = ""
    created: datetime.datetime = field(default_factory=_now)

    @property
    def desired(self) -> int:
        """How many tasks there are to be."""
        return int(self.asked.get("desiredCount") or 0) if self.status == "ACTIVE" else 0

    @property
    def primary(self) -> Deployment:
        """The newest deployment."""
        return self.deployments[0]

    def living(self, deployment: str = "") -> list[Task]:
        """Its tasks that have not stopped, of one deployment or of all."""
        return [task for task in self.tasks if task.status != STOPPED and deployment in ("", task.deployment)]

    def deploy(self, definition: str, rolls_back: bool = False) -> Deployment:
        """Begin a deployment; the one before it is to go."""
        for each in self.deployments:
            each.status = "ACTIVE" if each.status == "PRIMARY" else each.status
        made = Deployment(definition, rolls_back=rolls_back)
        made.reason = f"ECS deployment {made.ident} in progress."
        self.deployments.insert(0, made)
        self.asked["taskDefinition"] = definition
        return made

    def say(self, text: str) -> None:
        """An event, newest first."""
        event = {"id": str(uuid.uuid4()), "createdAt": _now(), "message": f"(service {self.name}) {text}"}
        self.events = [event, *self.events][:100]

    def described(self) -> dict[str, Any]:
        """As DescribeServices answers it."""
        kept = {key: value for key, value in self.asked.items() if key not in ("cluster", "service", "clientToken")}
        living = self.living()
        return {
            **kept, "serviceArn": self.arn, "serviceName": self.name, "status": self.status,
            "clusterArn": self.asked["clusterArn"], "desiredCount": self.desired, "createdAt": self.created,
            "runningCount": sum(task.status == RUNNING for task in living),
            "pendingCount": sum(task.status == PENDING for task in living),
            "deployments": [self._deployment(each) for each in self.deployments], "events": self.events,
        }  # fmt: skip

    def _deployment(self, each: Deployment) -> dict[str, Any]:
        living = self.living(each.ident)
        return {
            "id": each.ident, "status": each.status, "taskDefinition": each.definition,
            "desiredCount": self.desired if each.status == "PRIMARY" else 0, "failedTasks": each.failed,
            "runningCount": sum(task.status == RUNNING for task in living),
            "pendingCount": sum(task.status == PENDING for task in living),
            "createdAt": each.created, "updatedAt": _now(), "rolloutState": each.rollout,
            "rolloutStateReason": each.reason,
        }  # fmt: skip


class Scheduler:
    """All services. Each step brings them nearer to what they are to be."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self.services: dict[tuple[str, str], Service] = {}
        self._definitions: dict[str, dict[str, Any]] = {}

    def create(self, arn: str, cluster: str, asked: dict[str, Any], definition: dict[str, Any]) -> Service:
        """A new service."""
        made = Service(arn, cluster, asked["serviceName"], dict(asked))
        self._definitions[definition["taskDefinitionArn"]] = definition
        made.deploy(definition["taskDefinitionArn"])
        self.services[cluster, made.name] = made
        return made

    def update(self, service: Service, asked: dict[str, Any], definition: dict[str, Any] | None) -> None:
        """What else a service is to be. Another number of tasks is no deployment."""
        force = bool(asked.pop("forceNewDeployment", False))
        same = {key for key, value in asked.items() if service.asked.get(key) == value}
        service.asked.update(asked)
        arn = definition["taskDefinitionArn"] if definition else service.primary.definition
        if definition:
            self._definitions[arn] = definition
        else:
            service.asked["taskDefinition"] = arn
        deploys = {"taskDefinition", "networkConfiguration", "capacityProviderStrategy", "platformVersion",
                   "loadBalancers", "enableExecuteCommand"}  # fmt: skip
        if force or arn != service.primary.definition or (deploys - {"taskDefinition"}) & set(asked) - same:
            service.deploy(arn)

    def delete(self, service: Service) -> None:
        """Its tasks stop, and it is gone when they have."""
        service.status = "DRAINING"
        service.asked["desiredCount"] = 0

    def tasks(self) -> Iterator[Task]:
        """All tasks that are remembered."""
        return itertools.chain.from_iterable(service.tasks for service in self.services.values())

    def step(self) -> None:
        """One round."""
        for service in list(self.services.values()):
            if service.status != "INACTIVE":
                self._observe(service)
                self._break(service)
                self._move(service)
                self._finish(service)

    def _observe(self, service: Service) -> None:
        for task in service.living():
            self._runner.observe(task)
            if task.health == UNHEALTHY and task.status != STOPPED:
                self._runner.stop(task)
                task.end("Task failed container health checks")
            task.was_healthy |= task.status == RUNNING and task.health == HEALTHY
            if task.status == STOPPED and not task.was_healthy:
                for each in service.deployments:
                    each.failed += each.ident == task.deployment

    def _break(self, service: Service) -> None:
        """The circuit breaker."""
        now = service.primary
        breaker = (service.asked.get("deploymentConfiguration") or {}).get("deploymentCircuitBreaker") or {}
        threshold = min(max(math.ceil(service.desired / 2), LEAST_FAILURES), MOST_FAILURES)
        if now.rollout != "IN_PROGRESS" or not breaker.get("enable") or now.failed < threshold:
            return
        now.rollout = "FAILED"
        now.reason = "ECS deployment circuit breaker: tasks failed to start."
        service.say(f"(deployment {now.ident}) deployment failed: tasks failed to start.")
        if breaker.get("rollback") and service.good and not now.rolls_back:
            back = service.deploy(service.good, rolls_back=True)
            back.reason = f"ECS deployment circuit breaker: rolling back to deploymentId {back.ident}."
            service.say(f"rolling back to deployment {back.ident}.")

    def _move(self, service: Service) -> None:
        """Start what is missing and stop what is too much, between minimum healthy and maximum percent."""
        how, now, desired = service.asked.get("deploymentConfiguration") or {}, service.primary, service.desired
        most = max(math.floor(desired * how.get("maximumPercent", 200) / 100), desired)
        least = math.ceil(desired * how.get("minimumHealthyPercent", 100) / 100)
        if now.rollout != "FAILED":
            missing = desired - len(service.living(now.ident))
            for _number in range(min(missing, most - len(service.living()))):
                task = Task(service.name, service.cluster, now.definition, now.ident)
                service.tasks.append(task)
                service.say(f"has started 1 tasks: (task {task.ident}).")
                self._runner.start(task, self._definitions[now.definition])
        for task in [task for task in service.living() if task.deployment != now.ident]:
            healthy = [each for each in service.living() if each.health == HEALTHY and each.status == RUNNING]
            if task.health != HEALTHY or len(healthy) - 1 >= least:
                self._stop(service, task)
        surplus = service.living(now.ident)[desired:]
        for task in surplus:
            self._stop(service, task)

    def _stop(self, service: Service, task: Task) -> None:
        service.say(f"has stopped 1 running tasks: (task {task.ident}).")
        self._runner.stop(task)
        # What stops it was no failure of its own.
        task.was_healthy = True
        task.end(f"Scaling activity initiated by (deployment {task.deployment})")

    def _finish(self, service: Service) -> None:
        now = service.primary
        mine = service.living(now.ident)
        others = [task for task in service.living() if task.deployment != now.ident]
        fit = sum(task.status == RUNNING and task.health == HEALTHY for task in mine) >= service.desired
        if service.status == "DRAINING" and not service.living():
            service.status = "INACTIVE"
        if now.rollout == "IN_PROGRESS" and fit and not others and service.status == "ACTIVE":
            now.rollout, now.reason = "COMPLETED", f"ECS deployment {now.ident} completed."
            service.good = now.definition
            service.say(f"(deployment {now.ident}) deployment completed.")
            service.say("has reached a steady state.")
        alive = {task.deployment for task in service.living()}
        service.deployments = [each for each in service.deployments if each is now or each.ident in alive
                               or each.rollout == "FAILED"][:3]  # fmt: skip
