# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers of tasks that an autoscaler leaves as somebody has set them."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.aws.ecs_records import HEALTHY
from tests.unit.ecs.conftest import Account

NIGHT = {"name": "night", "schedule": "cron(0 20 ? * * *)", "min": 1}


def set_by_hand(account: Account, tasks: int) -> None:
    account.cloud.client("ecs").update_service(cluster="praxis-demo", service="leaf", desiredCount=tasks)
    for _step in range(5):
        account.scheduler.step()


@pytest.mark.slow
@pytest.mark.parametrize(("given", "tasks"), [({}, 2), ({"desired_count": 3}, 3)])
def test_tasks_that_somebody_took_away_are_back_before_a_deployment_is_good(
    account: Account, given: dict[str, Any], tasks: int
) -> None:
    """An autoscaler does nothing without a task, and the deployment of before is complete with none."""
    account.deploy(given)
    set_by_hand(account, 0)
    (row,) = account.fleet(given).plan()[1]
    assert {each.name: each.after for each in row.fields} == {"desiredCount": tasks, "forceNewDeployment": True}
    assert account.deploy(given)[1] == []
    described = account.fleet(given).rows()[0]
    assert (described["running"], described["desired"]) == (tasks, tasks)
    assert account.deploy(given) == ([], [])


@pytest.mark.slow
def test_fewer_tasks_than_the_limits_allow_are_written_without_another_deployment(account: Account) -> None:
    account.deploy()
    set_by_hand(account, 1)
    assert "tasks-missing" in {each["code"] for each in account.verb("status")["findings"]}
    assert account.deploy() == (["UpdateService"], [])
    described = account.fleet().rows()[0]
    assert (described["running"], described["desired"]) == (2, 2)


@pytest.mark.slow
def test_a_higher_number_is_good_when_its_tasks_run(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no deployment of ECS's, and the one of before is complete whatever becomes of the new tasks."""
    account.deploy({"desired_count": 2})
    runner, whole = account.scheduler._runner, account.scheduler._runner.observe
    with monkeypatch.context() as patched:
        patched.setattr(runner, "observe", lambda task: whole(task) if task.health == HEALTHY else None)
        assert account.deploy({"desired_count": 4, "timeout": 60})[1][0] == "rollout-unfinished"
    assert account.deploy({"desired_count": 5}) == (["UpdateService"], [])
    assert account.fleet({"desired_count": 5}).rows()[0]["running"] == 5


@pytest.mark.slow
def test_tasks_that_a_schedule_has_taken_away_are_none_too_few(account: Account) -> None:
    given = {"autoscaler": {"min": 2, "schedules": [NIGHT]}}
    account.deploy(given)
    set_by_hand(account, 1)
    assert account.deploy(given) == ([], [])
    assert account.fleet(given).judge() == []
