# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox's imitation of ECS's services: between minimum healthy and maximum percent, and the circuit breaker."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.aws.ecs_records import HEALTHY, RUNNING, STOPPED, Service, Task
from sandbox.aws.ecs_services import Scheduler

GOOD, OTHER, BAD = ({"taskDefinitionArn": f"family:{number}"} for number in (1, 2, 3))


class Slow:
    """Tasks that need some looks before they are healthy; those of BAD end instead."""

    def __init__(self, looks: int = 2) -> None:
        self.looks = looks
        self.seen: dict[str, int] = {}
        self.stopped: list[str] = []

    def start(self, task: Task, definition: dict[str, Any]) -> None:
        self.seen[task.ident] = 0

    def observe(self, task: Task) -> None:
        self.seen[task.ident] += 1
        assert task.ident not in self.stopped, "what is stopped was observed"
        task.status, task.address = RUNNING, task.ident
        if self.seen[task.ident] >= self.looks:
            if task.definition == BAD["taskDefinitionArn"]:
                task.end("Essential container in task exited", 1)
            else:
                task.health = HEALTHY

    def stop(self, task: Task) -> None:
        self.stopped.append(task.ident)


class Slowly:
    """Targets that need some looks before they are healthy, and some more to be drained; those of a port never are."""

    def __init__(self, looks: int = 2, never: bool = False) -> None:
        self.looks, self.never = looks, never
        self.healthy_at: dict[str, int] = {}
        self.drained_at: dict[str, int] = {}

    def register(self, group: str, address: str, port: int) -> None:
        assert address and address not in self.healthy_at, "registered without an address, or twice"
        self.healthy_at[address] = self.looks

    def deregister(self, group: str, address: str, port: int) -> None:
        self.drained_at[address] = self.looks

    def state(self, group: str, address: str, port: int) -> tuple[str, str]:
        if address in self.drained_at:
            self.drained_at[address] -= 1
            return ("draining", "") if self.drained_at[address] >= 0 else ("unused", "")
        self.healthy_at[address] -= 1
        if self.healthy_at[address] >= 0:
            return "initial", ""
        return ("unhealthy", "Health checks failed") if self.never else ("healthy", "")


def asked(desired: int, least: int = 100, most: int = 200) -> dict[str, Any]:
    how = {"minimumHealthyPercent": least, "maximumPercent": most,
           "deploymentCircuitBreaker": {"enable": True, "rollback": True}}  # fmt: skip
    return {"serviceName": "leaf", "clusterArn": "cluster", "desiredCount": desired, "deploymentConfiguration": how}


def running(scheduler: Scheduler, **how: Any) -> Service:
    """A service whose first deployment is complete."""
    service = scheduler.create("arn", "cluster", asked(**how), GOOD)
    for _step in range(40):
        scheduler.step()
    assert service.primary.rollout == "COMPLETED"
    return service


@given(st.integers(1, 6), st.integers(0, 100), st.integers(101, 200), st.integers(1, 3))
def test_a_deployment_stays_between_its_percentages(desired: int, least: int, most: int, looks: int) -> None:
    if desired * most // 100 <= desired and -(-desired * least // 100) >= desired:
        return  # there is no room
    scheduler = Scheduler(Slow(looks))
    service = running(scheduler, desired=desired, least=least, most=most)
    scheduler.update(service, {"taskDefinition": OTHER["taskDefinitionArn"]}, OTHER)
    for _step in range(100):
        scheduler.step()
        living = service.living()
        assert len(living) <= max(desired * most // 100, desired)
        assert sum(task.health == HEALTHY for task in living) >= -(-desired * least // 100)
    assert service.primary.rollout == "COMPLETED"
    assert {task.definition for task in service.living()} == {OTHER["taskDefinitionArn"]}


@pytest.mark.parametrize(("desired", "threshold"), [(1, 3), (6, 3), (10, 5)])
def test_the_circuit_breaker_ends_a_deployment_and_goes_back(desired: int, threshold: int) -> None:
    scheduler = Scheduler(Slow())
    service = running(scheduler, desired=desired)
    scheduler.update(service, {"taskDefinition": BAD["taskDefinitionArn"]}, BAD)
    failing = service.primary
    for _step in range(60):
        scheduler.step()
        assert sum(task.health == HEALTHY for task in service.living()) >= desired
    assert failing.rollout == "FAILED" and failing.failed >= threshold
    assert service.primary.rollout == "COMPLETED"
    assert service.asked["taskDefinition"] == GOOD["taskDefinitionArn"]
    assert any("rolling back" in event["message"] for event in service.events)


def test_another_number_of_tasks_is_no_deployment() -> None:
    scheduler = Scheduler(Slow())
    service = running(scheduler, desired=2)
    before = service.primary
    scheduler.update(service, {"desiredCount": 4}, None)
    for _step in range(10):
        scheduler.step()
    assert service.primary is before and len(service.living()) == 4


# -- with a target group in front


GROUP = {"loadBalancers": [{"targetGroupArn": "group", "containerName": "agent", "containerPort": 8000}]}


def behind(targets: Slowly, desired: int = 2, grace: int = 0, runner: Slow | None = None) -> tuple[Scheduler, Service]:
    """A service behind a balancer, at the beginning of its first deployment; its clock counts steps."""
    steps = iter(range(10**6))
    scheduler = Scheduler(runner or Slow(1), targets, lambda: float(next(steps)))
    request = {**asked(desired), **GROUP, "healthCheckGracePeriodSeconds": grace}
    return scheduler, scheduler.create("arn", "cluster", request, GOOD)


def test_a_deployment_is_complete_when_the_targets_are_healthy() -> None:
    scheduler, service = behind(Slowly(5))
    for _step in range(5):
        scheduler.step()
        assert service.primary.rollout == "IN_PROGRESS"
    for _step in range(3):
        scheduler.step()
    assert service.primary.rollout == "COMPLETED"
    assert {task.target for task in service.living()} == {"healthy"}


def test_a_change_never_goes_under_its_minimum_of_healthy_targets_and_drains_before_it_stops() -> None:
    runner, targets = Slow(1), Slowly(3)
    scheduler, service = behind(targets, runner=runner)
    for _step in range(10):
        scheduler.step()
    old = {task.ident for task in service.living()}
    scheduler.update(service, {"taskDefinition": OTHER["taskDefinitionArn"]}, OTHER)
    for _step in range(40):
        scheduler.step()
        assert sum(task.fit for task in service.living()) >= 2
        assert all(targets.drained_at[ident] < 0 for ident in runner.stopped), "stopped before it was drained"
        if service.primary.rollout == "COMPLETED":
            break
        drained = [ident for ident in old if targets.drained_at.get(ident, 0) < 0]
        assert set(drained) == set(runner.stopped) and len(drained) < 2
    assert service.primary.rollout == "COMPLETED" and set(runner.stopped) == old
    said = [event["message"].rpartition(") ")[2] for event in service.events]
    assert said.count("has begun draining connections on 1 tasks.") == 2


def test_targets_that_are_never_healthy_are_a_failed_deployment() -> None:
    targets = Slowly(1)
    scheduler, service = behind(targets)
    for _step in range(10):
        scheduler.step()
    good = service.living()
    targets.never = True
    scheduler.update(service, {"taskDefinition": OTHER["taskDefinitionArn"]}, OTHER)
    failing = service.primary
    for _step in range(60):
        for task in good:
            targets.healthy_at[task.address] = 1  # those before are as they were
        scheduler.step()
        if failing.rollout == "FAILED":
            break
    assert failing.rollout == "FAILED" and service.asked["taskDefinition"] == GOOD["taskDefinitionArn"]
    reasons = {task.stopped_reason for task in service.tasks if task.deployment == failing.ident}
    assert any(reason.startswith("Task failed ELB health checks in (target-group group)") for reason in reasons)


def test_an_unhealthy_target_does_not_count_in_its_grace_period() -> None:
    scheduler, service = behind(Slowly(1, never=True), desired=1, grace=30)
    for _step in range(10):
        scheduler.step()
    (task,) = service.tasks
    assert (task.status, task.target) == (RUNNING, "unhealthy")
    for _step in range(60):
        scheduler.step()
    assert service.tasks[0].status == STOPPED


def test_a_task_that_ends_by_itself_leaves_its_target_group() -> None:
    targets = Slowly(1)
    scheduler, service = behind(targets, desired=1, runner=Slow(3))
    scheduler.update(service, {"taskDefinition": BAD["taskDefinitionArn"]}, BAD)
    for _step in range(4):
        scheduler.step()
    ended = [task for task in service.tasks if task.exit_code == 1]
    assert ended and {task.address for task in ended} == set(targets.drained_at)
