# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a deployment to ECS goes: this one, and not the one by which the circuit breaker takes it back."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.ecs import rollout
from ansible_collections.praxis.cloud.plugins.module_utils.finding import WARNING

OURS, BACK = "ecs-svc/2", "ecs-svc/3"


def deployment(ident: str, status: str = "PRIMARY", state: str = "IN_PROGRESS", revision: int = 2) -> dict[str, Any]:
    definition = f"arn:aws:ecs:eu-central-1:123456789012:task-definition/praxis-agent:{revision}"
    return {"id": ident, "status": status, "rolloutState": state, "runningCount": 1, "desiredCount": 2,
            "taskDefinition": definition}  # fmt: skip


def service(*deployments: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"deployments": list(deployments), "runningCount": 2, "desiredCount": 2, **more}


@pytest.mark.parametrize(
    ("deployments", "state"),
    [
        ([deployment(OURS)], rollout.RUNNING),
        ([{**deployment(OURS), "rolloutState": None}], rollout.RUNNING),
        ([deployment(OURS, state="COMPLETED")], rollout.COMPLETED),
        ([deployment(BACK, revision=1), deployment(OURS, "ACTIVE", "FAILED")], rollout.FAILED),
        # Somebody else's is under way, or done: nothing is left of ours.
        ([deployment(BACK, revision=3), deployment(OURS, "ACTIVE")], rollout.REPLACED),
        ([deployment(BACK, state="COMPLETED", revision=3)], rollout.REPLACED),
        ([], rollout.REPLACED),
    ],
)
def test_the_state_is_that_of_this_deployment(deployments: list[dict[str, Any]], state: str) -> None:
    assert rollout.state(service(*deployments), OURS) == state


def test_a_way_back_that_has_ended_is_told_by_the_events() -> None:
    """Nothing is left of ours then, and ECS has written over the reason of the one that runs."""
    ended = deployment(BACK, state="COMPLETED", revision=1)
    other = {"message": "(service agent) (deployment ecs-svc/1) deployment failed: tasks failed to start."}
    ours = {"message": f"(service agent) (deployment {OURS}) deployment failed: tasks failed to start."}
    assert rollout.state(service(ended, events=[ours, other]), OURS) == rollout.FAILED
    assert rollout.state(service(ended, events=[other]), OURS) == rollout.REPLACED


def test_who_took_the_place_of_a_deployment_is_named() -> None:
    (found,) = rollout.replaced(service(deployment(BACK, revision=3)), "service agent")
    assert found.code == "rollout-replaced" and "praxis-agent:3" in found.what and "circuit breaker" not in found.what
    (gone,) = rollout.replaced({}, "service agent")
    assert gone.code == "rollout-replaced" and "removed" in gone.what


def test_a_failure_names_where_ecs_went_back_to() -> None:
    found = rollout.failed(service(deployment(BACK, revision=1)), OURS, [], [], "service agent")
    assert [each.code for each in found] == ["rollout-failed"] and "went back to praxis-agent:1" in found[0].what
    alone = rollout.failed(service(deployment(OURS, state="FAILED")), OURS, [], [], "service agent")
    assert "went back" not in alone[0].what


def test_the_evidence_is_of_the_tasks_that_ended_by_themselves() -> None:
    by_ecs = {"taskArn": "arn/aaaaaaaabb", "stoppedReason": "Scaling activity initiated by (deployment ecs-svc/2)"}
    crashed = {"taskArn": "arn/ccccccccdd", "stoppedReason": "Essential container in task exited",
               "containers": [{"name": "agent", "exitCode": 3}]}  # fmt: skip
    found = rollout.evidence(service(), [by_ecs, crashed], ["one", "two"], "service agent")
    assert [each.code for each in found] == ["stopped-tasks", "log-end"]
    assert found[0].what == "cccccccc: Essential container in task exited; agent ended with 3"
    (alone,) = rollout.evidence(service(), [by_ecs], [], "service agent")
    assert "Scaling activity" in alone.what


def test_a_signed_address_is_quoted_without_its_signature() -> None:
    said = 'CannotPullContainerError: Get "https://store.example/layer?X-Amz-Security-Token=planted": i/o timeout'
    found = rollout.evidence(service(), [{"taskArn": "arn/ccccccccdd", "stoppedReason": said}], [said], "service agent")
    assert len(found) == 2 and not any("planted" in each.what for each in found)
    assert found[0].what.endswith('"https://store.example/layer?…": i/o timeout')


def test_events_that_say_nothing_are_left_out_unless_there_are_no_others() -> None:
    routine = {"message": "(service agent) has started 1 tasks: (task abc)."}
    telling = {"message": "(service agent) was unable to place a task."}
    found = rollout.evidence(service(events=[routine, telling]), [], [], "service agent")
    assert [each.what for each in found] == [telling["message"]]
    found = rollout.evidence(service(events=[routine]), [], [], "service agent")
    assert [each.what for each in found] == [routine["message"]]


@pytest.mark.parametrize(
    ("changed", "unhealthy", "minimum", "codes"),
    [
        ({}, [], 2, []),
        ({"runningCount": 1}, [], 2, ["tasks-missing"]),
        ({"desiredCount": 1, "runningCount": 1}, [], 2, ["tasks-missing"]),
        ({}, ["b", "a"], 2, ["tasks-unhealthy"]),
        ({"deployments": [deployment(OURS)]}, [], 2, ["rollout-going-on"]),
        ({"deployments": [deployment(OURS, state="FAILED")]}, [], 2, ["rollout-failed"]),
    ],
)
def test_a_service_that_nobody_deploys(changed: dict[str, Any], unhealthy: list[str], minimum: int,
                                       codes: list[str]) -> None:  # fmt: skip
    now = {**service(deployment(OURS, state="COMPLETED")), **changed}
    found = rollout.health(now, unhealthy, minimum, "service agent")
    assert [each.code for each in found] == codes
    assert all((each.level == WARNING) == (each.code == "rollout-going-on") for each in found)
