# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of agents against moto and the sandbox's imitation of ECS's services. Tasks are records: their image's digest
says how they end."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from moto.ec2.models import ec2_backends
from moto.ecs.responses import EC2ContainerServiceResponse
from moto.elbv2.models import elbv2_backends

from ansible_collections.praxis.cloud.plugins.action import fleet_ecs
from ansible_collections.praxis.cloud.plugins.module_utils.cloud import ecs_fleet
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.ecs_fleet import EcsFleet
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Poll
from ansible_collections.praxis.cloud.plugins.plugin_utils import fleet_variables
from sandbox.aws import ecs
from sandbox.aws.ecs_records import HEALTHY, RUNNING, Task
from sandbox.aws.ecs_services import Scheduler
from sandbox.aws.ecs_targets import TargetGroups
from tests.unit.conftest import Cloud, environment
from tests.unit.ecs.made import ACCOUNT, REGION, plan, variables

#: An image whose tasks end as soon as they begin.
CRASHING = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/praxis@sha256:" + "c" * 64
#: More steps than any deployment here takes.
STEPS = 200


class Records:
    """Runs tasks in the time of one step: they are healthy, or have ended."""

    def __init__(self) -> None:
        self._images: dict[str, str] = {}

    def start(self, task: Task, definition: dict[str, Any]) -> None:
        self._images[task.ident] = definition["containerDefinitions"][0]["image"]
        task.address = f"10.9.1.{len(self._images)}"

    def observe(self, task: Task) -> None:
        if self._images[task.ident] == CRASHING:
            task.end("Essential container in task exited", 3, "planted crash")
        else:
            task.status, task.health = RUNNING, HEALTHY

    def stop(self, task: Task) -> None:
        pass


@dataclass
class Account:
    """What a test has of the cloud."""

    cloud: Cloud
    scheduler: Scheduler
    subnets: list[str] = field(default_factory=list)
    vpc: str = ""

    def balancer(self, served: bool = True) -> tuple[str, str]:
        """A target group of addresses with its load balancer: its ARN, and the load balancer's security group.

        :param served: whether a listener forwards to it.
        """
        elb, ec2 = self.cloud.client("elbv2"), self.cloud.client("ec2")
        group = ec2.create_security_group(GroupName="front", Description="front", VpcId=self.vpc)["GroupId"]
        target = elb.create_target_group(Name="leaf", Protocol="HTTP", Port=8000, VpcId=self.vpc, TargetType="ip")
        arn = str(target["TargetGroups"][0]["TargetGroupArn"])
        if served:
            made = elb.create_load_balancer(Name="front", Subnets=self.subnets, SecurityGroups=[group])
            forward = [{"Type": "forward", "TargetGroupArn": arn}]
            balancer = made["LoadBalancers"][0]["LoadBalancerArn"]
            elb.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=forward)
        self.cloud.operations.clear()
        return arn, group

    def variables(self, ecs_: dict[str, Any] | None = None, **values: Any) -> dict[str, Any]:
        """The variables of one kind in this account, which makes everything itself."""
        own = {"subnets": self.subnets, "security_groups": None, "execution_role": None}
        secrets = {"OPENAI_API_KEY": "aws-sm://llm#openai"}
        return variables({**own, **(ecs_ or {})}, **{"agent_secrets": secrets, **values})

    def fleet(self, ecs_: dict[str, Any] | None = None, **values: Any) -> EcsFleet:
        """The fleet as a run would observe it."""
        return self.fleet_of(leaf=self.variables(ecs_, **values))

    def fleet_of(self, **kinds: dict[str, Any]) -> EcsFleet:
        """The same of these kinds, by name."""
        planned = plan(**kinds)
        found = EcsFleet(
            planned.aws, planned.name, planned.kinds, planned.definition, planned.account, planned.partition,
            self.poll(),
        )  # fmt: skip
        found.observe()
        return found

    def poll(self, interval: float = 5.0) -> Poll:
        """Waits in which the services move."""
        waits: list[float] = []

        def sleep(seconds: float) -> None:
            waits.append(seconds)
            assert len(waits) < STEPS, "nothing ends"
            self.scheduler.step()

        return Poll(interval=interval, clock=lambda: sum(waits), sleep=sleep)

    def verb(
        self, state: str, check: bool = False, args: dict[str, Any] | None = None, **values: Any
    ) -> dict[str, Any]:
        """A verb's result, as the action returns it."""
        return self.verb_of(state, {"leaf": self.variables(**values)}, check, args)

    def verb_of(
        self, state: str, kinds: dict[str, Any], check: bool = False, args: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """The same for these kinds, by name."""
        known = {"state": state, "plan_id": "", "to": "", "take_over": "", "wait": 0, "seen": {}, **(args or {})}
        members = fleet_variables.members(kinds, list(kinds))
        self.cloud.operations.clear()
        return fleet_ecs._Run(known, members, (), check).done()

    def deploy(self, ecs_: dict[str, Any] | None = None, **values: Any) -> tuple[list[str], list[str]]:
        """Deploy; the operations that changed anything, and the codes of what was found."""
        fleet = self.fleet(ecs_, **values)
        self.cloud.operations.clear()
        fleet.apply()
        findings = fleet.wait()
        return self.cloud.changes(), [finding.code for finding in findings]


@pytest.fixture
def account(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """An account with two subnets and a secret, and this process's SDK pointed at it."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in environment(cloud).items():
        monkeypatch.setenv(name, value)
    kept = dict(vars(EC2ContainerServiceResponse))
    monkeypatch.setattr(ecs_fleet, "Poll", lambda interval: made.poll(interval))
    backends = SimpleNamespace(elbv2=lambda: elbv2_backends[ACCOUNT][REGION], ec2=lambda: ec2_backends[ACCOUNT][REGION])
    made = Account(cloud, ecs.install(Records(), nullcontext(), TargetGroups(backends)))  # type: ignore[arg-type]
    ec2 = cloud.client("ec2")
    made.vpc = vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    for index in (1, 2):
        zone = f"{REGION}{'ab'[index - 1]}"
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.9.{index}.0/24", AvailabilityZone=zone)["Subnet"]
        made.subnets.append(subnet["SubnetId"])
    cloud.client("secretsmanager").create_secret(Name="llm", SecretString='{"openai": "planted-openai"}')
    cloud.operations.clear()
    yield made
    for name in ecs.OPERATIONS:
        setattr(EC2ContainerServiceResponse, name, kept[name])
