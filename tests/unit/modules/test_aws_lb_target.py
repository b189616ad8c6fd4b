# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""aws_lb_target, run as a module."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.plugin_utils import balancer_targets, left_balancers

INITIAL = ("initial", "Elb.RegistrationInProgress", "Target registration is in progress")
HEALTHY = ("healthy", "", "")
UNHEALTHY = ("unhealthy", "Target.FailedHealthChecks", "Health checks failed")
DRAINING = ("draining", "Target.DeregistrationInProgress", "Target deregistration is in progress")
GONE = ("unused", "Target.NotRegistered", "Target is not registered to the target group")


@pytest.fixture
def group(cloud: Any) -> str:
    """An address group with short checks and a short delay; its ARN."""
    vpc = cloud.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    made = cloud.client("elbv2").create_target_group(
        Name="demo", Protocol="HTTP", Port=8000, VpcId=vpc, TargetType="ip", HealthCheckIntervalSeconds=5,
        HealthCheckTimeoutSeconds=2, HealthyThresholdCount=2,
    )  # fmt: skip
    arn = str(made["TargetGroups"][0]["TargetGroupArn"])
    cloud.operations.clear()
    return arn


def register(cloud: Any, group: str, *addresses: str) -> None:
    cloud.client("elbv2").register_targets(TargetGroupArn=group, Targets=[{"Id": each} for each in addresses])
    cloud.operations.clear()


def targets(*addresses: str) -> list[dict[str, Any]]:
    return [{"id": address} for address in addresses]


@pytest.mark.parametrize("missing", ["target_group", "targets"])
def test_a_missing_argument(run: Any, missing: str) -> None:
    options = {"target_group": "demo", "targets": targets("10.0.0.4")}
    del options[missing]
    assert missing in run("aws_lb_target", **options).result["msg"]


@pytest.mark.parametrize(
    "name", ["none", "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/none/0123456789abcdef"]
)
def test_an_unknown_group(run: Any, name: str) -> None:
    ran = run("aws_lb_target", target_group=name, targets=targets("10.0.0.4"))
    assert ran.codes == ["target-group-not-found"]


@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize("named", ["i-0123456789abcdef0", ""])
def test_what_the_group_cannot_have_is_not_taken_for_what_has_left_it(run: Any, cloud: Any, group: str, state: str,
                                                                      named: str) -> None:  # fmt: skip
    """A machine that is registered by its address would be stopped with its clients' requests."""
    register(cloud, group, "10.0.0.4")
    ran = run("aws_lb_target", target_group="demo", targets=targets(named), state=state)
    assert (ran.codes, cloud.changes()) == (["target-type"], [])


def test_without_targets_it_says_who_is_there_and_what_uses_the_group(run: Any, cloud: Any, group: str) -> None:
    """fleet_balancer asks so for a group that members are to leave."""
    register(cloud, group, "10.0.0.4")
    asked = run("aws_lb_target", target_group="demo", targets=[], wait=False)
    assert (asked.changed, cloud.changes()) == (False, [])
    assert (asked.result["target_group_arn"], asked.result["addresses"], asked.result["targets"]) == (group, [], [])
    assert [each["id"] for each in asked.result["others"]] == ["10.0.0.4"]
    missing = run("aws_lb_target", target_group="none", targets=[], wait=False)
    assert missing.result["failure"]["code"] in left_balancers.GONE


def test_check_mode_then_many_at_once_then_again(run: Any, cloud: Any, group: str) -> None:
    options = {"target_group": "demo", "targets": [*targets("10.0.0.4", "10.0.0.5"), {"id": "10.0.0.6", "port": 9000}]}
    predicted = run("aws_lb_target", check=True, **options)
    assert (predicted.changed, cloud.changes()) == (True, [])
    assert [each["state"] for each in predicted.result["targets"]] == ["unused"] * 3
    real = run("aws_lb_target", **options)
    assert (real.changed, cloud.changes()) == (True, ["RegisterTargets"])
    assert real.result["diff"] == predicted.result["diff"]
    assert real.result["diff"]["before"] == {}
    assert set(real.result["diff"]["after"]) == {"10.0.0.4:8000", "10.0.0.5:8000", "10.0.0.6:9000"}
    assert real.result["targets"][2] == {
        "id": "10.0.0.6", "port": 9000, "state": "healthy", "reason": "", "description": "",
    }  # fmt: skip
    assert real.result["target_group_arn"] == group
    again = run("aws_lb_target", **{**options, "target_group": group})
    assert (again.changed, cloud.operations) == (False, ["DescribeTargetGroups", "DescribeTargetHealth"])
    assert "diff" not in again.result


@pytest.mark.slow
def test_a_group_by_its_tags(run: Any, cloud: Any, group: str) -> None:
    client = cloud.client("elbv2")
    vpc = client.describe_target_groups(TargetGroupArns=[group])["TargetGroups"][0]["VpcId"]
    for number in range(25):  # more than one call asks for the tags of
        client.create_target_group(Name=f"other-{number}", Protocol="HTTP", Port=80, VpcId=vpc)
    client.add_tags(ResourceArns=[group], Tags=[{"Key": "team", "Value": "agents"}])
    ran = run("aws_lb_target", target_group={"team": "agents"}, targets=targets("10.0.0.4"))
    assert (ran.changed, ran.result["target_group_arn"]) == (True, group)
    absent = run("aws_lb_target", target_group={"team": "nobody"}, targets=targets("10.0.0.4"))
    assert absent.codes == ["target-group-not-found"]


@pytest.mark.parametrize("given", ["", [], {}, ["demo", "more"], 7])
def test_anything_but_one_group_is_refused(run: Any, cloud: Any, given: Any) -> None:
    assert run("aws_lb_target", target_group=given, targets=targets("10.0.0.4")).codes == ["bad-selector"]
    assert cloud.operations == []


def test_one_more_leaves_the_others_alone(run: Any, cloud: Any, group: str) -> None:
    register(cloud, group, "10.0.0.4")
    ran = run("aws_lb_target", target_group="demo", targets=targets("10.0.0.5"))
    assert list(ran.result["diff"]["after"]) == ["10.0.0.5:8000"]
    listed = cloud.client("elbv2").describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    assert sorted(each["Target"]["Id"] for each in listed) == ["10.0.0.4", "10.0.0.5"]


@pytest.mark.slow
def test_it_waits_for_what_is_registered_already(run: Any, cloud: Any, group: str) -> None:
    register(cloud, group, "10.0.0.4")
    cloud.health["10.0.0.4"] = [INITIAL, INITIAL, HEALTHY]
    ran = run("aws_lb_target", target_group="demo", targets=targets("10.0.0.4"))
    assert (ran.changed, cloud.changes()) == (False, [])
    assert ran.result["targets"][0]["state"] == "healthy"


@pytest.mark.parametrize("check", [True, False])
def test_a_draining_target_is_registered_again(run: Any, cloud: Any, group: str, check: bool) -> None:
    register(cloud, group, "10.0.0.4")
    cloud.health["10.0.0.4"] = [DRAINING, HEALTHY]
    ran = run("aws_lb_target", check=check, target_group="demo", targets=targets("10.0.0.4"))
    assert (ran.changed, cloud.changes()) == (True, [] if check else ["RegisterTargets"])
    assert ran.result["diff"]["before"] == {"10.0.0.4:8000": "draining"}
    assert ran.result["diff"]["after"] == {"10.0.0.4:8000": "registered"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fate", "codes", "asked"), [("InvalidTarget", [], 2), ("ValidationError", ["cloud-invalid"], 1)]
)
def test_only_a_target_that_is_not_known_yet_is_registered_again(
    run: Any, cloud: Any, group: str, fate: str, codes: list[str], asked: int
) -> None:
    cloud.fault["RegisterTargets"] = [fate]
    ran = run("aws_lb_target", target_group="demo", targets=targets("10.0.0.4"))
    assert (ran.codes, cloud.changes()) == (codes, ["RegisterTargets"] * asked)


def test_an_unhealthy_target_is_named_with_the_reason(run: Any, cloud: Any, group: str) -> None:
    cloud.health["10.0.0.5"] = [UNHEALTHY]
    options = {"target_group": "demo", "targets": targets("10.0.0.4", "10.0.0.5"), "wait_timeout": 0}
    ran = run("aws_lb_target", **options)
    assert ran.codes == ["target-not-healthy"]
    assert "10.0.0.5:8000 of demo" in ran.result["msg"]
    assert "Target.FailedHealthChecks" in ran.result["msg"]
    # A failure hides nothing: what was changed, and where all targets stand.
    assert ran.changed
    assert [each["state"] for each in ran.result["targets"]] == ["healthy", "unhealthy"]


def test_without_waiting(run: Any, cloud: Any, group: str) -> None:
    cloud.health["10.0.0.4"] = [INITIAL]
    ran = run("aws_lb_target", target_group="demo", targets=targets("10.0.0.4"), wait=False)
    assert ran.changed
    assert ran.result["targets"][0]["state"] == "initial"


@pytest.mark.slow
def test_absent_and_again(run: Any, cloud: Any, group: str) -> None:
    register(cloud, group, "10.0.0.4", "10.0.0.5")
    options = {"target_group": "demo", "targets": targets("10.0.0.4"), "state": "absent"}
    predicted = run("aws_lb_target", check=True, **options)
    assert (predicted.changed, cloud.changes()) == (True, [])
    real = run("aws_lb_target", **options)
    assert (real.changed, real.result["diff"]) == (True, predicted.result["diff"])
    assert "DescribeTargetGroupAttributes" in cloud.operations
    assert cloud.changes() == ["DeregisterTargets"]
    assert real.result["diff"]["before"] == {"10.0.0.4:8000": "registered"}
    assert real.result["targets"][0]["reason"] == "Target.NotRegistered"
    assert "draining" not in real.result
    again = run("aws_lb_target", **options)
    assert (again.changed, cloud.operations) == (False, ["DescribeTargetGroups", "DescribeTargetHealth"])


def test_a_run_that_does_not_wait_reports_how_long_connections_may_live(run: Any, cloud: Any, group: str) -> None:
    register(cloud, group, "10.0.0.4")
    cloud.health["10.0.0.4"] = [DRAINING]
    options = {"target_group": "demo", "targets": targets("10.0.0.4"), "state": "absent", "wait": False}
    assert run("aws_lb_target", **options).result["draining"] == 300.0
    cloud.health["10.0.0.4"] = [GONE]
    assert "draining" not in run("aws_lb_target", **options).result


def test_a_target_that_is_unused_as_soon_as_it_has_left_has_left_just_now(run: Any, cloud: Any, group: str) -> None:
    """As in a group whose deregistration delay is 0. Whoever was not there has not left."""
    register(cloud, group, "10.0.0.4")
    options = {"target_group": "demo", "targets": targets("10.0.0.4", "10.0.0.5"), "state": "absent", "wait": False}
    known = {"m1": {"id": "10.0.0.4"}, "m2": {"id": "10.0.0.5"}}
    for left, delay in [(["m1"], 300.0), ([], None)]:
        ran = run("aws_lb_target", **options)
        assert [target["state"] for target in ran.result["targets"]] == ["unused", "unused"]
        assert (balancer_targets.leaving(ran.result, ["m1", "m2"], known), ran.result.get("draining")) == (left, delay)


def test_a_target_that_is_still_called_healthy_when_it_has_just_left_may_have_connections(
    run: Any, cloud: Any, group: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The API's answers lag behind its own changes."""
    register(cloud, group, "10.0.0.4")
    monkeypatch.setattr("moto.elbv2.models.FakeTargetGroup.deregister", lambda self, targets: None)
    options = {"target_group": "demo", "targets": targets("10.0.0.4"), "state": "absent", "wait": False}
    ran = run("aws_lb_target", **options)
    assert (cloud.changes(), ran.result["targets"][0]["state"]) == (["DeregisterTargets"], "healthy")
    assert ran.result["draining"] == 300.0
    known = {"m1": {"id": "10.0.0.4"}}
    assert balancer_targets.leaving(ran.result, ["m1"], known) == ["m1"]
    assert "draining" not in run("aws_lb_target", check=True, **options).result


@pytest.mark.slow
def test_it_waits_until_draining_is_over(run: Any, cloud: Any, group: str) -> None:
    register(cloud, group, "10.0.0.4")
    cloud.health["10.0.0.4"] = [DRAINING, DRAINING, GONE]
    ran = run("aws_lb_target", target_group="demo", targets=targets("10.0.0.4"), state="absent")
    assert (ran.changed, cloud.changes()) == (False, [])
    assert ran.result["targets"][0]["state"] == "unused"
    cloud.health["10.0.0.4"] = [DRAINING]
    late = run("aws_lb_target", target_group="demo", targets=targets("10.0.0.4"), state="absent", wait_timeout=0)
    assert late.codes == ["target-not-drained"]
    assert "deregistration delay" in late.result["failure"]["fix"]
