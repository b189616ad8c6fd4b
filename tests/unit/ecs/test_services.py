# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox's imitation of ECS's services: between minimum healthy and maximum percent, and the circuit breaker."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.aws.ecs_records import HEALTHY, RUNNING, Service, Task
from sandbox.aws.ecs_services import Scheduler

GOOD, OTHER, BAD = ({"taskDefinitionArn": f"family:{number}"} for number in (1, 2, 3))


class Slow:
    """Tasks that need some looks before they are healthy; those of BAD end instead."""

    def __init__(self, looks: int = 2) -> None:
        self.looks = looks
        self.seen: dict[str, int] = {}

    def start(self, task: Task, definition: dict[str, Any]) -> None:
        self.seen[task.ident] = 0

    def observe(self, task: Task) -> None:
        self.seen[task.ident] += 1
        task.status = RUNNING
        if self.seen[task.ident] >= self.looks:
            if task.definition == BAD["taskDefinitionArn"]:
                task.end("Essential container in task exited", 1)
            else:
                task.health = HEALTHY

    def stop(self, task: Task) -> None:
        pass


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
