# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A deployment that the circuit breaker has ended with none to go back to: ECS starts no task for it any more."""

from __future__ import annotations

import pytest

from sandbox.aws.ecs_records import HEALTHY, RUNNING, Task
from tests.unit.ecs.conftest import CRASHING, Account


def well(task: Task) -> None:
    """It runs by now, whatever its image."""
    task.status, task.health = RUNNING, HEALTHY


@pytest.mark.slow
def test_the_same_deployment_is_begun_anew(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was wrong lay outside: a secret that nobody could read, a subnet without a way to the registry."""
    _changes, found = account.deploy(image=CRASHING)
    assert "rollout-failed" in found
    assert account.deploy(image=CRASHING)[1][0] == "rollout-failed", "it is no better yet"
    monkeypatch.setattr(account.scheduler._runner, "observe", well)
    (row,) = account.fleet(image=CRASHING).plan()[1]
    assert [(each.name, each.before, each.after) for each in row.fields] == [("forceNewDeployment", None, True)]
    assert account.deploy(image=CRASHING) == (["UpdateService", "TagResource"], [])
    assert account.fleet(image=CRASHING).plan()[1] == []


@pytest.mark.slow
def test_a_verdict_says_that_a_deployment_helps(account: Account) -> None:
    account.deploy(image=CRASHING)
    result = account.verb("status", image=CRASHING)
    assert {"rollout-failed", "not-as-planned"} <= {each["code"] for each in result["findings"]} and not result["ok"]


@pytest.mark.slow
def test_one_that_went_back_is_not_begun_anew(account: Account) -> None:
    account.deploy()
    account.deploy(image=CRASHING)
    assert account.fleet().plan()[1] == []
