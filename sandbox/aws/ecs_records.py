# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the imitation of Amazon ECS remembers: services, their deployments and their tasks, as its API answers them."""

from __future__ import annotations

import datetime
import uuid
from dataclasses import dataclass, field
from typing import Any

PENDING, RUNNING, DEACTIVATING, STOPPED = "PENDING", "RUNNING", "DEACTIVATING", "STOPPED"
HEALTHY, UNHEALTHY, UNKNOWN = "HEALTHY", "UNHEALTHY", "UNKNOWN"


def now() -> datetime.datetime:
    """The time in an answer."""
    return datetime.datetime.now(datetime.UTC)


@dataclass
class Task:
    """One task, and how it is.

    :param balanced: the target group that it is to be in, and the port there; None: no balancer is before it.
    :param containers: what is known of each, as DescribeTasks answers it; none: of its one container nothing more.
    :param target: the state of that target, in the words of DescribeTargetHealth; empty: it was never registered.
    """

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
    created: datetime.datetime = field(default_factory=now)
    stopped: datetime.datetime | None = None
    was_healthy: bool = False
    balanced: tuple[str, int] | None = None
    target: str = ""
    target_reason: str = ""
    running_since: float | None = None
    containers: list[dict[str, Any]] = field(default_factory=list)

    @property
    def fit(self) -> bool:
        """Whether it counts: it runs, its container is healthy, and so is its target where there is a balancer."""
        served = self.balanced is None or self.target == "healthy"
        return self.status == RUNNING and self.health == HEALTHY and served

    def end(self, why: str, code: int | None = None, reason: str = "") -> None:
        """It has stopped."""
        self.status, self.stopped_reason, self.exit_code, self.reason = STOPPED, why, code, reason
        self.stopped = now()


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
    created: datetime.datetime = field(default_factory=now)


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
    created: datetime.datetime = field(default_factory=now)

    @property
    def desired(self) -> int:
        """How many tasks there are to be."""
        return int(self.asked.get("desiredCount") or 0) if self.status == "ACTIVE" else 0

    @property
    def primary(self) -> Deployment:
        """The newest deployment."""
        return self.deployments[0]

    def living(self, deployment: str = "") -> list[Task]:
        """Its tasks that are to run, of one deployment or of all."""
        gone = (DEACTIVATING, STOPPED)
        return [task for task in self.tasks if task.status not in gone and deployment in ("", task.deployment)]

    def leaving(self) -> list[Task]:
        """Its tasks that are to stop, and that the balancer is still drained of."""
        return [task for task in self.tasks if task.status == DEACTIVATING]

    @property
    def balanced(self) -> tuple[str, int] | None:
        """The target group of its tasks, and their port there; of several groups the first."""
        for each in self.asked.get("loadBalancers") or ():
            return str(each["targetGroupArn"]), int(each["containerPort"])
        return None

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
        event = {"id": str(uuid.uuid4()), "createdAt": now(), "message": f"(service {self.name}) {text}"}
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
            "createdAt": each.created, "updatedAt": now(), "rolloutState": each.rollout,
            "rolloutStateReason": each.reason,
        }  # fmt: skip
