# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox's containers of a task: what each waits for, and how they are told to Docker."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.aws import ecs_container

CREATED: dict[str, Any] = {"Status": "created", "Running": False, "ExitCode": 0}
RUNS: dict[str, Any] = {"Status": "running", "Running": True, "ExitCode": 0}
HEALTHY: dict[str, Any] = {**RUNS, "Health": {"Status": "healthy"}}
ENDED: dict[str, Any] = {"Status": "exited", "Running": False, "ExitCode": 0}
FAILED: dict[str, Any] = {**ENDED, "ExitCode": 3}


@pytest.mark.parametrize(
    ("condition", "met", "not_yet"),
    [
        ("START", [RUNS, HEALTHY, ENDED], [CREATED]),
        ("HEALTHY", [HEALTHY], [CREATED, RUNS, ENDED]),
        ("SUCCESS", [ENDED], [CREATED, RUNS, HEALTHY]),
        ("COMPLETE", [ENDED, FAILED], [CREATED, RUNS]),
    ],
)
def test_a_container_waits_for_what_it_depends_on(
    condition: str, met: list[dict[str, Any]], not_yet: list[dict[str, Any]]
) -> None:
    container = {"dependsOn": [{"containerName": "other", "condition": condition}]}
    assert {ecs_container.waits(container, {"other": state}) for state in met} == {""}
    assert {ecs_container.waits(container, {"other": state}) for state in not_yet} == {"wait"}


def test_it_waits_for_all_and_for_none_that_has_failed() -> None:
    container = {"dependsOn": [{"containerName": "one", "condition": "HEALTHY"},
                               {"containerName": "two", "condition": "SUCCESS"}]}  # fmt: skip
    assert ecs_container.waits(container, {"one": HEALTHY, "two": RUNS}) == "wait"
    assert ecs_container.waits(container, {"one": HEALTHY, "two": FAILED}) == "never"
    assert ecs_container.waits(container, {"one": HEALTHY, "two": ENDED}) == ""
    assert ecs_container.waits({}, {}) == ""


def test_limits_mounts_and_health_reach_docker() -> None:
    health = {"command": ["CMD", "test", "a b"], "interval": 5, "timeout": 2, "retries": 3, "startPeriod": 10}
    container = {"user": "1:1", "memory": 64, "healthCheck": health, "mountPoints": [
        {"sourceVolume": "shared", "containerPath": "/a", "readOnly": True}]}  # fmt: skip
    options = ecs_container.limits(container)
    assert options[options.index("--memory") + 1] == "64m"
    assert options[options.index("--health-cmd") + 1] == "test 'a b'"
    mounted = ecs_container.mounts(container, {"shared": "task-1-shared"})
    assert mounted == ["--mount", "type=volume,source=task-1-shared,target=/a,readonly"]
