# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Schedules of the autoscaler: what can be one, when it has passed, and what AWS is told."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.praxis.cloud.plugins.module_utils.ecs.balancer import Balancer, unhealthy
from ansible_collections.praxis.cloud.plugins.module_utils.ecs.schedules import Schedule
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from tests.unit.ecs.made import codes, kind

NOON = datetime.datetime(2026, 6, 1, 12, tzinfo=datetime.UTC)
PREFIX = "arn:aws:elasticloadbalancing:eu-central-1:123456789012"


def schedules(*given_: Any) -> dict[str, Any]:
    return {"autoscaler": {"schedules": list(given_)}}


def one(**values: Any) -> dict[str, Any]:
    return {"name": "day", "schedule": "rate(12 hours)", "min": 3, **values}


@pytest.mark.parametrize(
    "when",
    ["cron(0 8 ? * MON-FRI *)", "cron(0/15 8-18 * * ? 2026-2030)", "cron(0 10 L * ? *)", "rate(1 hour)",
     "rate(12 hours)", "at(2027-01-31T08:00:00)"],
)  # fmt: skip
def test_what_aws_takes_is_taken(when: str) -> None:
    (made,) = kind(schedules(one(schedule=when))).settings.autoscaler.schedules
    assert made.request()["Schedule"] == when
    assert ("Timezone" in made.request()) == (not when.startswith("rate"))


WRONG: list[Any] = [
    "day",
    [one(schedule="0 8 * * *")],
    [one(schedule="cron(0 8 * * ?)")],
    [one(schedule="rate(1 hours)")],
    [one(schedule="rate(0 hours)")],
    [one(schedule="at(2027-02-31T08:00:00)")],
    [one(name="Day!")],
    [one(timezone="a zone")],
    [one(min=-1)],
    [one(min=None)],
    [{"name": "day", "schedule": "rate(12 hours)"}],
    [{"schedule": "rate(12 hours)", "min": 1}],
    [one(min=11)],
    [one(min=9, max=8)],
    [one(), one()],
    ["day"],
]


@pytest.mark.parametrize("given_", WRONG, ids=str)
def test_what_cannot_be_is_refused_by_its_path(given_: Any) -> None:
    with pytest.raises(Failed) as raised:
        kind({"autoscaler": {"schedules": given_}})
    assert codes(raised.value) == ["bad-ecs-setting"]
    assert "schedule" in raised.value.findings[0].what


def test_a_misspelt_option_of_a_schedule_is_named_with_the_nearest() -> None:
    with pytest.raises(Failed) as raised:
        kind(schedules({**one(), "timezome": "UTC"}))
    (found,) = raised.value.findings
    assert found.code == "unknown-ecs-setting"
    assert "autoscaler.schedules[0].timezome" in found.what and "Did you mean timezone?" in found.fix


@pytest.mark.parametrize(
    ("when", "zone", "past"),
    [
        ("at(2026-06-01T12:00:00)", "UTC", True),
        ("at(2026-06-01T12:00:01)", "UTC", False),
        ("at(2026-06-01T13:59:59)", "Europe/Berlin", True),
        ("at(2026-06-01T14:00:01)", "Europe/Berlin", False),
        ("at(2026-06-01T12:00:01)", "No/Where", False),
        ("cron(0 8 ? * MON-FRI 2020)", "UTC", False),
        ("rate(1 day)", "UTC", False),
    ],
)
def test_only_a_moment_passes(when: str, zone: str, past: bool) -> None:
    assert Schedule("a", when, zone, 1).past(NOON) is past


def test_requests_need_a_balancer_that_counts_them() -> None:
    with pytest.raises(Failed) as raised:
        kind({"autoscaler": {"requests": 100}})
    assert codes(raised.value) == ["bad-ecs-setting"]


def test_an_application_load_balancer_counts_requests_and_another_does_not() -> None:
    group = f"{PREFIX}:targetgroup/leaf/0123456789abcdef"
    front = Balancer(group, f"{PREFIX}:loadbalancer/app/front/fedcba9876543210")
    assert front.label == "app/front/fedcba9876543210/targetgroup/leaf/0123456789abcdef"
    assert Balancer(group, f"{PREFIX}:loadbalancer/net/front/fedcba9876543210").label == ""


@given(st.dictionaries(st.text("abc", min_size=1), st.sampled_from(["10.0.0.1", "10.0.0.2", "10.0.0.3"])),
       st.dictionaries(st.sampled_from(["10.0.0.1", "10.0.0.2"]), st.sampled_from(["healthy", "initial"])))  # fmt: skip
def test_a_task_is_served_when_its_own_address_is_healthy(tasks: dict[str, str], targets: dict[str, str]) -> None:
    found = unhealthy(tasks, targets, "service leaf")
    bad = [task for task, address in tasks.items() if targets.get(address) != "healthy"]
    assert bool(found) == bool(bad)
    if bad:
        assert found[0].what.startswith(f"{len(bad)} of {len(tasks)} tasks")
