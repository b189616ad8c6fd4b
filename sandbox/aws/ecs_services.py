# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services of Amazon ECS as an imitation: a rolling deployment's order of events, its states, and its circuit breaker.

It knows neither Docker nor moto: a runner starts and stops tasks and says how they are. What it imitates is from ECS's
documentation: minimum healthy and maximum percent, rolloutState, the circuit breaker's threshold (half of the desired
tasks, at least 3 and at most 200) and its way back to the last deployment that was completed. Where a service has a
target group, a task is registered in it when it runs, counts when its target is healthy, is replaced when that fails
after the grace period, and is stopped when the balancer is drained of it; a deployment is complete when the old tasks
have stopped. What it leaves out: placement, capacity, zones, several target groups, Service Connect.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from sandbox.aws.ecs_records import DEACTIVATING, RUNNING, STOPPED, UNHEALTHY, Service, Task

LEAST_FAILURES, MOST_FAILURES = 3, 200


class Runner(Protocol):
    """What runs tasks."""

    def start(self, task: Task, definition: dict[str, Any]) -> None:
        """Begin to run it. What cannot be begun ends the task."""

    def observe(self, task: Task) -> None:
        """Bring the task's status and health up to date."""

    def stop(self, task: Task) -> None:
        """Stop what runs of it."""


class Targets(Protocol):
    """The target groups of the account's load balancers."""

    def register(self, group: str, address: str, port: int) -> None:
        """Have this address in the group."""

    def deregister(self, group: str, address: str, port: int) -> None:
        """Begin to drain it."""

    def state(self, group: str, address: str, port: int) -> tuple[str, str]:
        """State and description, in the words of DescribeTargetHealth."""


class NoTargets:
    """Where there are no load balancers: a target is healthy as soon as it is registered, and drained at once."""

    def register(self, group: str, address: str, port: int) -> None:
        """Nothing to do."""

    def deregister(self, group: str, address: str, port: int) -> None:
        """Nothing to do."""

    def state(self, group: str, address: str, port: int) -> tuple[str, str]:
        """Always the same."""
        return "healthy", ""


class Scheduler:
    """All services. Each step brings them nearer to what they are to be."""

    def __init__(
        self, runner: Runner, targets: Targets | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._runner, self._targets, self._clock = runner, targets or NoTargets(), clock
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
                self._drain(service)
                self._break(service)
                self._move(service)
                self._finish(service)

    def _observe(self, service: Service) -> None:
        for task in service.living():
            self._runner.observe(task)
            if task.balanced:
                self._observe_target(service, task, *task.balanced)
            if task.status != STOPPED and (why := self._unfit(service, task)):
                service.say(f"(task {task.ident}) is to be stopped: {why}.")
                self._end(service, task, why)
            task.was_healthy |= task.fit
            if task.status in (DEACTIVATING, STOPPED) and not task.was_healthy:
                for each in service.deployments:
                    each.failed += each.ident == task.deployment

    def _observe_target(self, service: Service, task: Task, group: str, port: int) -> None:
        """Register a task that has begun to run, deregister one that has ended by itself, see how the others are."""
        if task.status == STOPPED and task.target:
            self._targets.deregister(group, task.address, port)
        elif task.status == RUNNING and not task.target:
            self._targets.register(group, task.address, port)
            task.target, task.running_since = "initial", self._clock()
            service.say(f"registered 1 targets in (target-group {group})")
        elif task.status == RUNNING:
            task.target, task.target_reason = self._targets.state(group, task.address, port)

    def _unfit(self, service: Service, task: Task) -> str:
        """Why a task that runs is to be replaced; empty: it is not."""
        if task.health == UNHEALTHY:
            return "Task failed container health checks"
        grace = float(service.asked.get("healthCheckGracePeriodSeconds") or 0)
        if task.balanced and task.target == "unhealthy" and self._clock() - (task.running_since or 0) >= grace:
            return f"Task failed ELB health checks in (target-group {task.balanced[0]}): {task.target_reason}"
        return ""

    def _end(self, service: Service, task: Task, why: str) -> None:
        """Stop a task; one that is in a target group, when the balancer is drained of it."""
        if not task.balanced or not task.target:
            self._runner.stop(task)
            task.end(why)
            return
        group, port = task.balanced
        self._targets.deregister(group, task.address, port)
        task.status, task.target, task.stopped_reason = DEACTIVATING, "draining", why
        service.say(f"deregistered 1 targets in (target-group {group})")
        service.say("has begun draining connections on 1 tasks.")

    def _drain(self, service: Service) -> None:
        """Stop the tasks that the balancer is drained of."""
        for task in service.leaving():
            group, port = task.balanced or ("", 0)
            task.target, _why = self._targets.state(group, task.address, port)
            if task.target != "draining":
                self._runner.stop(task)
                task.end(task.stopped_reason)

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
                task = Task(service.name, service.cluster, now.definition, now.ident, balanced=service.balanced)
                service.tasks.append(task)
                service.say(f"has started 1 tasks: (task {task.ident}).")
                self._runner.start(task, self._definitions[now.definition])
        for task in [task for task in service.living() if task.deployment != now.ident]:
            fit = [each for each in service.living() if each.fit]
            if not task.fit or len(fit) - 1 >= least:
                self._stop(service, task)
        surplus = service.living(now.ident)[desired:]
        for task in surplus:
            self._stop(service, task)

    def _stop(self, service: Service, task: Task) -> None:
        service.say(f"has stopped 1 running tasks: (task {task.ident}).")
        # What stops it was no failure of its own.
        task.was_healthy = True
        self._end(service, task, f"Scaling activity initiated by (deployment {task.deployment})")

    def _finish(self, service: Service) -> None:
        now = service.primary
        mine = service.living(now.ident)
        present = [*service.living(), *service.leaving()]
        others = [task for task in present if task.deployment != now.ident]
        fit = sum(task.fit for task in mine) >= service.desired
        if service.status == "DRAINING" and not present:
            service.status = "INACTIVE"
        if now.rollout == "IN_PROGRESS" and fit and not others and service.status == "ACTIVE":
            now.rollout, now.reason = "COMPLETED", f"ECS deployment {now.ident} completed."
            service.good = now.definition
            service.say(f"(deployment {now.ident}) deployment completed.")
            service.say("has reached a steady state.")
        alive = {task.deployment for task in present}
        service.deployments = [each for each in service.deployments if each is now or each.ident in alive
                               or each.rollout == "FAILED"][:3]  # fmt: skip
