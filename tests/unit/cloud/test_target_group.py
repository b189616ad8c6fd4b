# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is to be registered and who is there yet: the pure part of target groups."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_target_group import (
    ABSENT,
    Health,
    Target,
    TargetGroup,
    diff,
    failures,
    reached,
)
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Poll
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed

A, B = Target("i-a", 8000), Target("i-b", 8000)
HEALTHY = Health("healthy")
INITIAL = Health("initial", "Elb.RegistrationInProgress", "Target registration is in progress")
UNHEALTHY = Health("unhealthy", "Target.Timeout", "Request timed out")
DRAINING = Health("draining", "Target.DeregistrationInProgress", "Target deregistration is in progress")
SICK_DRAINING = Health("unhealthy.draining", "Target.DeregistrationInProgress", "")
UNUSED = Health("unused", "Target.NotInUse", "Target group is not configured to receive traffic")


@pytest.mark.parametrize(
    ("health", "to_register", "to_deregister", "is_in", "is_out"),
    [
        (None, True, False, False, True),
        (ABSENT, True, False, False, True),
        (HEALTHY, False, True, True, False),
        (INITIAL, False, True, False, False),
        (UNHEALTHY, False, True, False, False),
        (UNUSED, False, True, False, False),
        (DRAINING, True, False, False, False),
        (SICK_DRAINING, True, False, False, False),
    ],
)
def test_states(health: Health | None, to_register: bool, to_deregister: bool, is_in: bool, is_out: bool) -> None:
    seen = {A: health} if health else {}
    assert diff(seen, [A], "present") == ([A] if to_register else [])
    assert diff(seen, [A], "absent") == ([A] if to_deregister else [])
    assert reached(seen, [A], "present") is is_in
    assert reached(seen, [A], "absent") is is_out


def test_others_and_other_ports_do_not_count() -> None:
    seen = {Target("i-a", 9000): HEALTHY, B: DRAINING}
    assert diff(seen, [A], "present") == [A]
    assert diff(seen, [A], "absent") == []
    assert reached({A: HEALTHY, B: UNHEALTHY}, [A], "present")


def test_failures_give_the_balancers_reason_and_the_fix() -> None:
    found = failures({A: UNHEALTHY, B: HEALTHY}, [A, B], "present", "demo", 30)
    assert [finding.code for finding in found] == ["target-not-healthy"]
    assert found[0].where == "target i-a:8000 of demo"
    assert found[0].what == "The target is unhealthy after 30 s (Target.Timeout: Request timed out)."
    assert "security group" in found[0].fix
    assert [finding.code for finding in failures({A: DRAINING}, [A], "absent", "demo", 30)] == ["target-not-drained"]


@pytest.mark.parametrize(
    ("protocol", "present", "absent"), [("HTTP", 95, 360), ("TCP", 395, 660), ("TLS", 395, 660), ("UDP", 395, 660)]
)
def test_a_network_load_balancer_has_a_time_of_its_own(protocol: str, present: float, absent: float) -> None:
    """It registers a target in minutes, whatever its checks add up to."""
    group = TargetGroup.__new__(TargetGroup)
    group._group = {
        "Protocol": protocol,
        "HealthCheckIntervalSeconds": 10,
        "HealthyThresholdCount": 2,
        "HealthCheckTimeoutSeconds": 5,
    }
    group.deregistration_delay = lambda: 300.0  # type: ignore[method-assign]
    assert (group.patience("present"), group.patience("absent")) == (present, absent)


def test_a_target_that_is_not_registered_in_time_is_given_advice_that_fits_tcp() -> None:
    for reason in ("Elb.RegistrationInProgress", "Elb.InitialHealthChecking", ""):
        (found,) = failures({A: Health("initial", reason, "It is")}, [A], "present", "demo", 400)
        assert "praxis_join_timeout" in found.fix and "page" not in found.fix


class Refusing:
    """An API that refuses a call whole for one target."""

    region = "eu-west-1"

    def __init__(self) -> None:
        self.taken: list[str] = []

    def call(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        ids = [target["Id"] for target in params["Targets"]]
        if "i-b" in ids:
            raise errors.Invalid("AWS answered InvalidTarget: i-b.", "elbv2", "Start it.", reason="InvalidTarget")
        self.taken += ids
        return {}


@pytest.mark.parametrize("state", ["present", "absent"])
def test_one_target_that_is_refused_keeps_no_other(state: str) -> None:
    group, api, slept = TargetGroup.__new__(TargetGroup), Refusing(), [0.0]
    group._client, group.arn = api, "arn"  # type: ignore[assignment]
    group._poll = Poll(clock=lambda: sum(slept), sleep=slept.append)
    with pytest.raises(Failed) as caught:
        group.apply([A, B, Target("i-c", 8000)], state)
    assert sorted(api.taken) == ["i-a", "i-c"]
    assert ["i-b" in finding.what for finding in caught.value.findings] == [True]
