# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Releases and the load balancer, under load: its drains, its refusals, other ports and groups, who has left."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest

from . import seen
from .conftest import CHECKOUT, FOUR, Cloud
from .load import load
from .releasing import (
    TWO_BATCHES,
    armed,
    at_step,
    begun,
    codes,
    deploy,
    deregistration_delay,
    lost,
    moved,
    new,
    out_of_service,
    own,
    refused,
    registered,
    settle,
)


@pytest.mark.repetition
def test_a_drain_ends_with_the_last_connection(fleet: Cloud) -> None:
    """Far before the delay that the balancer goes on showing; and who joins while it is shown is served again."""
    with deregistration_delay(fleet, 1800), load(fleet) as counted:
        assert deploy(fleet, new()).summary["ok"]
    assert lost(counted) == ({}, "")
    assert set(registered(fleet).values()) == {"healthy"}


@pytest.mark.repetition
def test_a_drain_that_is_refused_touches_nothing(fleet: Cloud) -> None:
    before, starts = seen.releases(fleet), seen.started(fleet)
    with load(fleet) as counted, refused(fleet, "elbv2:DeregisterTargets"):
        run = deploy(fleet, new(), expect=2)
    assert set(codes(run)) == {"cloud-denied"}
    assert (seen.releases(fleet), seen.started(fleet)) == (before, starts)
    assert set(registered(fleet).values()) == {"healthy"}
    assert lost(counted) == ({}, "")


@pytest.mark.repetition
def test_a_drain_that_would_go_under_the_floor_is_refused(fleet: Cloud) -> None:
    """A member that the balancer does not call healthy counts for nothing, however well it is by itself."""
    before, starts = seen.releases(fleet), seen.started(fleet)
    broken = fleet.machines()[3]
    balancer = fleet.state["balancer"]["url"].split("//")[1].split(":")[0].rstrip("/")
    rule = "; ".join(f"iptables -w 5 -{{0}} {chain} -s {balancer} -j DROP" for chain in ("FORWARD", "INPUT"))
    fleet.on(broken, rule.format("I"))
    try:
        seen.wait_for("an unhealthy target", lambda: "unhealthy" in registered(fleet).values())
        run = deploy(fleet, {**new(), "praxis_min_available": 3}, expect=2)
    finally:
        fleet.on(broken, rule.format("D"))
    # The verdict names the one that the balancer does not call healthy, too.
    assert set(codes(run)) == {"floor", "target-not-healthy"}
    assert (seen.releases(fleet), seen.started(fleet)) == (before, starts)
    seen.wait_for("four healthy targets", lambda: set(registered(fleet).values()) == {"healthy"})


@pytest.mark.repetition
def test_a_balancer_that_fails_at_the_rejoin_costs_a_batch_at_most(fleet: Cloud) -> None:
    settle(fleet)
    before = seen.releases(fleet)
    with load(fleet) as counted, refused(fleet, "elbv2:RegisterTargets"):
        run = deploy(fleet, {**new(), "praxis_batch": 2, "praxis_canary": 2}, expect=2)
    assert "cloud-denied" in codes(run)
    assert moved(fleet, before) == set(), run.output[-6000:]
    assert len(out_of_service(fleet)) <= 2
    assert lost(counted) == ({}, "")
    assert deploy(fleet, {}).summary["ok"]
    assert set(registered(fleet).values()) == {"healthy"}


@contextlib.contextmanager
def throttled(cloud: Cloud, probability: float) -> Iterator[None]:
    """A burst on the balancer's API."""
    fault = [sys.executable, "-m", "sandbox", "fault"]
    order = ["--operations", "elbv2:DescribeTargetHealth", "elbv2:RegisterTargets", "elbv2:DeregisterTargets",
             "--code", "Throttling", "--status", "400", "--probability", str(probability), "--seed", "11"]
    subprocess.run([*fault, "error", *order], cwd=CHECKOUT, check=True, capture_output=True, env=cloud.environment)
    try:
        yield
    finally:
        subprocess.run([*fault, "clear"], cwd=CHECKOUT, check=True, capture_output=True, env=cloud.environment)


@pytest.mark.repetition
def test_a_burst_of_throttling_in_the_middle_of_a_release_loses_nothing(fleet: Cloud) -> None:
    before, mark = seen.releases(fleet), fleet.mark()
    with load(fleet) as counted, throttled(fleet, 0.6):
        run = deploy(fleet, {**new(), "praxis_batch": 2, "praxis_canary": 2})
    assert run.summary["ok"] and run.summary["findings"] == []
    assert moved(fleet, before) == set(before)
    struck = {item["operation"] for item in fleet.operations(mark) if item["fault"]}
    assert struck == {"DescribeTargetHealth", "RegisterTargets", "DeregisterTargets"}
    assert set(registered(fleet).values()) == {"healthy"}
    assert lost(counted) == ({}, "")


def ports(cloud: Cloud) -> set[str]:
    """The ports that members are registered at, or drained from."""
    return {target.rpartition(":")[2] for target in registered(cloud)}


def healthy_ports(cloud: Cloud) -> list[str]:
    """Where those members serve that the balancer calls healthy."""
    return [target.rpartition(":")[2] for target, state in registered(cloud).items() if state == "healthy"]


@pytest.mark.repetition
def test_another_api_port_loses_nothing_and_leaves_no_registration(fleet: Cloud) -> None:
    for port in (8001, 8000):
        with load(fleet) as counted:
            run = deploy(fleet, {"praxis_api_port": port})
        assert run.summary["ok"]
        assert lost(counted) == ({}, ""), port
        seen.wait_for("no registration at another port", lambda port=port: ports(fleet) == {str(port)})


@pytest.mark.repetition
def test_another_api_port_that_fails_on_the_last_host_is_taken_back(fleet: Cloud, tmp_path: Path) -> None:
    """Everybody is in service at the port of before."""
    settle(fleet)
    before = seen.releases(fleet)
    failing = own(tmp_path, praxis_aws_4=new(STANDIN_FAIL="crash"))
    with load(fleet) as counted:
        run = deploy(fleet, {"praxis_api_port": 8001, "praxis_batch": 2, "praxis_canary": 2}, *failing, expect=2)
    assert codes(run) == {"container-exited": {"praxis-aws-4"}}
    assert lost(counted) == ({}, "")
    assert seen.releases(fleet) == before
    assert healthy_ports(fleet) == ["8000"] * 4
    seen.wait_for("no registration at another port", lambda: ports(fleet) == {"8000"})


@pytest.mark.repetition
def test_another_api_port_whose_controller_dies_is_served_at_the_one_of_before(fleet: Cloud, tmp_path: Path) -> None:
    """All serve at the new port, and are registered at both; they go back by themselves, and nobody has to come."""
    settle(fleet)
    before, output = seen.releases(fleet), tmp_path / "output"
    with begun(fleet, {"praxis_api_port": 8001, **TWO_BATCHES, "praxis_confirm_deadline": 240}, output) as run:
        at_step(fleet, "Judge the fleet before its release is called good", output)
        os.killpg(run.pid, signal.SIGKILL)
    assert moved(fleet, before) == set(before)
    at_both = {f"{target.partition(':')[0]}:{port}" for target in registered(fleet) for port in (8000, 8001)}
    assert registered(fleet).keys() == at_both and healthy_ports(fleet) == ["8001"] * 4
    seen.wait_for("nobody to be armed", lambda: not any(armed(fleet).values()), 360, pause=2)
    assert moved(fleet, before) == set()
    seen.wait_for("all in service at the port of before", lambda: healthy_ports(fleet) == ["8000"] * 4)
    status = fleet.run("status.yml", expect=None, environment=FOUR)
    found = {item["code"] for item in status.summary["findings"]}
    assert "target-stale" in found and "target-not-healthy" not in found
    after = deploy(fleet, {"praxis_batch": 2})
    assert after.summary["ok"]
    assert healthy_ports(fleet) == ["8000"] * 4
    seen.wait_for("no registration at another port", lambda: ports(fleet) == {"8000"})


@contextlib.contextmanager
def second_group(cloud: Cloud) -> Iterator[tuple[str, Callable[..., None]]]:
    """The name of a target group like the fleet's own, and what sets the groups that the listener forwards to."""
    elb = boto3.client("elbv2", **cloud.administrator)
    (own,) = elb.describe_target_groups()["TargetGroups"]
    (listener,) = elb.describe_listeners(LoadBalancerArn=own["LoadBalancerArns"][0])["Listeners"]
    alike = ("Protocol", "Port", "VpcId", "TargetType", "HealthCheckPath", "HealthCheckIntervalSeconds",
             "HealthCheckTimeoutSeconds", "HealthyThresholdCount", "UnhealthyThresholdCount", "Matcher")  # fmt: skip
    (made,) = elb.create_target_group(Name="second", **{key: own[key] for key in alike})["TargetGroups"]
    delay = {"Key": "deregistration_delay.timeout_seconds", "Value": "5"}
    elb.modify_target_group_attributes(TargetGroupArn=made["TargetGroupArn"], Attributes=[delay])
    arns = {own["TargetGroupName"]: own["TargetGroupArn"], "second": made["TargetGroupArn"]}

    def forward(*names: str) -> None:
        groups = [{"TargetGroupArn": arns[name], "Weight": 1} for name in names]
        action = {"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}
        elb.modify_listener(ListenerArn=listener["ListenerArn"], DefaultActions=[action])

    try:
        yield own["TargetGroupName"], forward
    finally:
        elb.modify_listener(ListenerArn=listener["ListenerArn"], DefaultActions=listener["DefaultActions"])
        elb.delete_target_group(TargetGroupArn=made["TargetGroupArn"])


@pytest.mark.repetition
def test_another_target_group_loses_nothing_and_leaves_no_registration(fleet: Cloud) -> None:
    """As long as the load balancer uses the group of before, its clients are served there too; then it is left. On the
    way back nobody is activated."""
    settle(fleet)
    pace = {"praxis_batch": 2, "praxis_canary": 2}
    with second_group(fleet) as (first, forward), load(fleet) as counted:
        forward(first, "second")
        variables = {**new(), "praxis_target_group": "second"}
        run = deploy(fleet, {**variables, **pace})
        (said,) = run.summary["findings"]
        assert (said["code"], said["where"].split(",")[0]) == ("target-group-left", first)
        assert registered(fleet, first) == registered(fleet, "second")
        assert list(registered(fleet, first).values()) == ["healthy"] * 4
        status = fleet.run("status.yml", environment=FOUR, variables=variables)
        assert {item["code"] for item in status.summary["findings"]} == {"target-group-left"}
        forward("second")
        variables = {**new(), "praxis_target_group": "second"}
        run = deploy(fleet, {**variables, **pace})
        assert run.summary["findings"] == []
        assert list(registered(fleet, "second").values()) == ["healthy"] * 4
        seen.wait_for("nobody in the group of before", lambda: registered(fleet, first) == {})
        for groups, codes_of in ((("second", first), {"target-group-left"}), ((first,), set())):
            forward(*groups)
            run = deploy(fleet, {**variables, "praxis_target_group": first})
            assert {item["code"] for item in run.summary["findings"]} == codes_of
            assert list(registered(fleet, first).values()) == ["healthy"] * 4
        seen.wait_for("nobody in the second group", lambda: registered(fleet, "second") == {})
    assert lost(counted) == ({}, "")


@pytest.mark.repetition
def test_a_machine_that_left_the_fleet_is_named_and_taken_out_when_asked(fleet: Cloud) -> None:
    ec2 = boto3.client("ec2", **fleet.administrator)
    (gone,) = [one["InstanceId"] for many in ec2.describe_instances()["Reservations"] for one in many["Instances"]
               if {"Key": "Name", "Value": "praxis-aws-4"} in one["Tags"]]
    ec2.create_tags(Resources=[gone], Tags=[{"Key": "praxis_fleet", "Value": "elsewhere"}])
    try:
        with load(fleet) as counted:
            run = deploy(fleet, {})
            reported = [(item["code"], item["where"], item["level"]) for item in run.summary["findings"]]
            assert reported == [("departed", f"{gone}:8000", "warning")]
            removed = deploy(fleet, {"praxis_departed": "remove"})
        assert removed.summary["findings"] == []
        # The group shows it as draining for the delay's time.
        seen.wait_for("the end of its registration", lambda: gone not in str(registered(fleet)))
        assert lost(counted) == ({}, "")
    finally:
        ec2.create_tags(Resources=[gone], Tags=[{"Key": "praxis_fleet", "Value": "praxis"}])
    settle(fleet)
    assert set(registered(fleet).values()) == {"healthy"}
