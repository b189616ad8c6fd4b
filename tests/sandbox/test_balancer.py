# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Target health is what the balancer finds, and the balancer routes to what is healthy."""

from __future__ import annotations

import contextlib
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.client import Client
from tests.sandbox.support import Aws, Lab, Shell, serve, wait_for

pytestmark = pytest.mark.sandbox
DELAY = 3


@dataclass(frozen=True)
class Balanced:
    """A load balancer with one target group."""

    elb: Any
    group: str
    url: str
    listen: Callable[[], None]

    def health(self, *idents: str) -> dict[str, tuple[str, str | None]]:
        """State and reason of each target."""
        wanted = {"Targets": [{"Id": ident} for ident in idents]} if idents else {}
        found = self.elb.describe_target_health(TargetGroupArn=self.group, **wanted)["TargetHealthDescriptions"]
        return {one["Target"]["Id"]: (one["TargetHealth"]["State"], one["TargetHealth"].get("Reason")) for one in found}

    def wait(self, ident: str, state: str, reason: str | None = None) -> None:
        """Wait for a target's state and reason."""
        wait_for(f"{ident} {state} {reason}", lambda: self.health(ident)[ident] == (state, reason))

    def get(self) -> tuple[int, str]:
        """Status and body of a request through the balancer."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(self.url, timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, ""


@pytest.fixture
def balanced(aws: Aws, lab: Lab) -> Iterator[Balanced]:
    elb = aws("elbv2")
    with contextlib.ExitStack() as stack:
        balancer = elb.create_load_balancer(Name="conformance", Subnets=list(lab.subnets))["LoadBalancers"][0]
        stack.callback(elb.delete_load_balancer, LoadBalancerArn=balancer["LoadBalancerArn"])
        group = elb.create_target_group(
            Name="conformance", Protocol="HTTP", Port=8000, VpcId=lab.vpc, HealthCheckPath="/health",
            HealthCheckIntervalSeconds=5, HealthCheckTimeoutSeconds=2, HealthyThresholdCount=2,
            UnhealthyThresholdCount=2)["TargetGroups"][0]["TargetGroupArn"]
        elb.modify_target_group_attributes(
            TargetGroupArn=group, Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": str(DELAY)}])

        def listen() -> None:
            made = elb.create_listener(LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTP", Port=80,
                                       DefaultActions=[{"Type": "forward", "TargetGroupArn": group}])
            stack.callback(elb.delete_listener, ListenerArn=made["Listeners"][0]["ListenerArn"])

        stack.push(lambda *_: elb.delete_target_group(TargetGroupArn=group) and None)
        yield Balanced(elb, group, f"http://{balancer['DNSName']}/", listen)


def test_a_targets_way(sandbox: Client, balanced: Balanced, machines: tuple[Shell, Shell]) -> None:
    """Unused, initial, healthy, each kind of unhealthy, draining, gone."""
    one = machines[0]
    serve(one, "200")
    balanced.elb.register_targets(TargetGroupArn=balanced.group, Targets=[{"Id": one.ident}])
    assert balanced.health(one.ident) == {one.ident: ("unused", "Target.NotInUse")}
    balanced.listen()
    assert balanced.health()[one.ident][0] == "initial"
    balanced.wait(one.ident, "healthy")
    assert balanced.get() == (200, one.says("hostname"))

    serve(one, "hang")
    balanced.wait(one.ident, "unhealthy", "Target.Timeout")
    serve(one, "off")
    balanced.wait(one.ident, "unhealthy", "Target.FailedHealthChecks")
    serve(one, "200")
    balanced.wait(one.ident, "healthy")

    balanced.elb.deregister_targets(TargetGroupArn=balanced.group, Targets=[{"Id": one.ident}])
    assert balanced.health() == {one.ident: ("draining", "Target.DeregistrationInProgress")}
    wait_for("no target", lambda: balanced.health() == {})
    assert balanced.health(one.ident) == {one.ident: ("unused", "Target.NotRegistered")}
    assert balanced.get()[0] == 503


def test_requests_go_to_healthy_targets_only(balanced: Balanced, machines: tuple[Shell, Shell]) -> None:
    balanced.listen()
    for machine, mode in zip(machines, ("200", "503"), strict=True):
        serve(machine, mode)
    balanced.elb.register_targets(TargetGroupArn=balanced.group,
                                  Targets=[{"Id": machine.ident} for machine in machines])
    balanced.wait(machines[0].ident, "healthy")
    balanced.wait(machines[1].ident, "unhealthy", "Target.ResponseCodeMismatch")
    assert {balanced.get() for _time in range(10)} == {(200, machines[0].says("hostname"))}
    serve(machines[1], "200")
    balanced.wait(machines[1].ident, "healthy")
    names = {machine.says("hostname") for machine in machines}
    wait_for("both to answer", lambda: {balanced.get()[1] for _time in range(10)} == names)


def test_a_machine_at_two_ports_is_two_targets(balanced: Balanced, machines: tuple[Shell, Shell]) -> None:
    """Each with its own health; requests go where it answers, and one leaves without the other."""
    balanced.listen()
    one = machines[0]
    serve(one, "200")
    both = [{"Id": one.ident}, {"Id": one.ident, "Port": 8001}]
    balanced.elb.register_targets(TargetGroupArn=balanced.group, Targets=both)

    def states() -> dict[int, str]:
        found = balanced.elb.describe_target_health(TargetGroupArn=balanced.group)["TargetHealthDescriptions"]
        return {each["Target"]["Port"]: each["TargetHealth"]["State"] for each in found}

    wait_for("one healthy target", lambda: states() == {8000: "healthy", 8001: "unhealthy"})
    assert {balanced.get() for _time in range(10)} == {(200, one.says("hostname"))}
    balanced.elb.deregister_targets(TargetGroupArn=balanced.group, Targets=[both[1]])
    wait_for("the other to be gone", lambda: states() == {8000: "healthy"})


def test_a_link_that_is_cut_makes_a_target_time_out(healed: Client, balanced: Balanced,
                                                    machines: tuple[Shell, Shell]) -> None:
    balanced.listen()
    serve(machines[0], "200")
    balanced.elb.register_targets(TargetGroupArn=balanced.group, Targets=[{"Id": machines[0].ident}])
    balanced.wait(machines[0].ident, "healthy")
    healed.link_cut("balancer", "conformance-1")
    balanced.wait(machines[0].ident, "unhealthy", "Target.Timeout")
    healed.link_heal()
    balanced.wait(machines[0].ident, "healthy")


def test_what_the_balancer_cannot_serve_is_refused(balanced: Balanced) -> None:
    balancer = balanced.elb.describe_load_balancers()["LoadBalancers"][0]["LoadBalancerArn"]
    with pytest.raises(ClientError, match="port 80 and HTTPS on 443 only"):
        balanced.elb.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=8080,
                                     DefaultActions=[{"Type": "forward", "TargetGroupArn": balanced.group}])


def test_the_idle_timeout_is_shown_and_kept(sandbox: Client, balanced: Balanced) -> None:
    balancer = balanced.elb.describe_load_balancers()["LoadBalancers"][0]["LoadBalancerArn"]

    def idle() -> str:
        attributes = balanced.elb.describe_load_balancer_attributes(LoadBalancerArn=balancer)["Attributes"]
        return str({one["Key"]: one["Value"] for one in attributes}["idle_timeout.timeout_seconds"])

    assert idle() == "60"
    balanced.listen()
    balanced.elb.modify_load_balancer_attributes(
        LoadBalancerArn=balancer, Attributes=[{"Key": "idle_timeout.timeout_seconds", "Value": "3600"}])
    assert idle() == "3600"
    file = sandbox.site.home / "balancer" / "haproxy.cfg"
    wait_for("the balancer to keep idle connections an hour", lambda: "timeout tunnel 3600s" in file.read_text())
