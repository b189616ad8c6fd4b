# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which balancer is told of which members, in the words of its own cloud's module."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.action import fleet_balancer
from ansible_collections.praxis.cloud.plugins.plugin_utils import fleet_variables
from ansible_collections.praxis.cloud.plugins.plugin_utils.balancers import balancers

from .made import fleet


def of(own: dict[int, dict[str, Any]]) -> list[dict[str, Any]]:
    hostvars = fleet(len(own), own)
    return balancers(fleet_variables.members(hostvars, list(hostvars)))


AWS = {"cloud": "aws", "region": "eu-central-1", "target_group": "agents"}
GOOGLE = {"cloud": "gcp", "region": "us-central1", "project": "p", "zone": "us-central1-a", "target_group": "agents"}


def test_members_without_a_target_group_are_behind_nothing() -> None:
    assert of({1: {"target_group": ""}, 2: {}}) == []


def test_a_fleet_over_two_clouds_is_behind_one_in_each() -> None:
    found = of({1: AWS, 2: {**GOOGLE, "instance_id": "demo-gcp-1"}, 3: AWS})
    assert found == [
        {"module": "praxis.cloud.aws_lb_target",
         "options": {"target_group": "agents", "region": "eu-central-1"},
         "targets": {"m1": {"id": "i-1", "port": 8000}, "m3": {"id": "i-3", "port": 8000}}},
        {"module": "praxis.cloud.gcp_lb_target",
         "options": {"backend_service": "agents", "project": "p"},
         "targets": {"m2": {"id": "demo-gcp-1", "zone": "us-central1-a", "port": 8000}}},
    ]  # fmt: skip


@pytest.mark.parametrize("other", [{"region": "us-east-1"}, {"target_group": "more"}, {"target_group": {"Name": "x"}}])
def test_another_region_or_target_group_is_another_balancer(other: dict[str, Any]) -> None:
    assert [list(each["targets"]) for each in of({1: AWS, 2: {**AWS, **other}})] == [["m1"], ["m2"]]


def test_machines_of_no_cloud_are_asked_for_on_aws() -> None:
    assert [each["module"] for each in of({1: {"target_group": "agents"}})] == ["praxis.cloud.aws_lb_target"]


REFUSED = {"code": "target-not-healthy", "what": "The target is unhealthy.", "where": "i-1", "fix": "Mend it."}


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"changed": True}, []),
        ({"failed": True, "msg": "...", "failures": [REFUSED]}, [("target-not-healthy", "The target is unhealthy.")]),
        ({"failed": True, "msg": "No boto3."}, [("load-balancer", "No boto3.")]),
        ({"failed": True}, [("load-balancer", "It did not answer.")]),
    ],
)
def test_whatever_a_balancer_s_module_fails_with_is_told(answer: dict[str, Any], told: list[tuple[str, str]]) -> None:
    found = fleet_balancer._failures(answer, {"options": {"target_group": "agents"}})
    assert [(item["code"], item["what"]) for item in found] == told
