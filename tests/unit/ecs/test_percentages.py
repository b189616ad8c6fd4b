# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many tasks run during a deployment: of as few as there may be, one can be replaced."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from tests.unit.ecs.made import codes, kind

NIGHT = {"name": "night", "schedule": "cron(0 20 * * ? *)", "min": 1, "max": 4}


def percentages(least: int, most: int, **settings: Any) -> dict[str, Any]:
    return {"minimum_healthy_percent": least, "maximum_percent": most, **settings}


@pytest.mark.parametrize(
    ("settings", "fewest"),
    [
        (percentages(100, 150, desired_count=1), 1),
        (percentages(50, 100, desired_count=1), 1),
        (percentages(90, 110, desired_count=9), 9),
        (percentages(100, 125, autoscaler={"min": 3}), 3),
        (percentages(100, 150, autoscaler={"min": 0}), 1),
        (percentages(100, 150, autoscaler={"min": 2, "schedules": [NIGHT]}), 1),
    ],
)
def test_percentages_that_leave_no_task_to_replace_are_refused(settings: dict[str, Any], fewest: int) -> None:
    with pytest.raises(Failed) as raised:
        kind(settings)
    assert codes(raised.value) == ["bad-ecs-setting"]
    assert f"none of {fewest} task{'s' * (fewest > 1)} to be replaced" in raised.value.findings[0].what


@pytest.mark.parametrize(
    "settings",
    [
        percentages(100, 200, desired_count=1),
        percentages(0, 100, desired_count=1),
        percentages(50, 100, desired_count=2),
        percentages(100, 150),
        percentages(90, 100, desired_count=10),
        percentages(100, 150, desired_count=0),
    ],
)
def test_percentages_by_which_one_task_can_be_replaced_are_taken(settings: dict[str, Any]) -> None:
    assert kind(settings).settings.maximum_percent == settings["maximum_percent"]
