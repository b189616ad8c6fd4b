# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks of Amazon ECS that dial members on machines, and what these see of them. Machines and tasks are containers of
the sandbox, with real agents of its own in them.

The tests go in their order, each from what the one before has left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import boto3
import pytest

from sandbox.site import Site

from . import seen
from .conftest import CHECKOUT, HOME, Cloud, Run
from .test_ecs import NOBODY, extra

pytestmark = [pytest.mark.once, pytest.mark.repetition]
MACHINES = {"PRAXIS_HOSTS": "2"}


@dataclass
class Leaves:
    """A kind of tasks, beside the machines of the same inventory.

    :param bootstrap: the members' multiaddrs.
    """

    cloud: Cloud
    subnets: str
    bootstrap: list[str]

    def run(self, playbook: str, expect: int = 0, bootstrap: list[str] | None = None, **kind: Any) -> Run:
        """A playbook of ECS with the inventories of machines and tasks."""
        environment = {"PRAXIS_SUBNETS": self.subnets, "PRAXIS_BOOTSTRAP": ",".join(bootstrap or self.bootstrap)}
        variables = extra({"ecs_kind": kind})
        return self.cloud.run(f"playbooks/ecs/{playbook}.yml", "-i", str(CHECKOUT / "inventories" / "ecs"),
                              expect=expect, environment=MACHINES | environment, variables=variables)  # fmt: skip

    def accepted(self) -> dict[str, set[str]]:
        """By machine, whose connections its agent's kernel lists at the P2P port."""
        tables = {machine.name: seen.connections(self.cloud, machine) for machine in self.cloud.machines()}
        return {name: {remote for remote, _port, dialled in table if not dialled} for name, table in tables.items()}


@pytest.fixture(scope="module")
def leaves(cloud: Cloud) -> Leaves:
    """Two machines that let the tasks in, deployed, and two subnets in which ECS may run."""
    everybody = Site(HOME.parent).addresses.network
    cloud.run("provision.yml", environment=MACHINES, variables={"praxis_p2p_from": [everybody]})
    run = cloud.run("deploy.yml", environment=MACHINES)
    ids = {row["name"]: row["peer_id"] for row in run.summary["members"]}
    members = [f"/ip4/{each.ip}/tcp/4001/p2p/{ids[each.name]}" for each in cloud.machines()]
    ec2 = boto3.client("ec2", **cloud.administrator)
    subnets = [each["SubnetId"] for each in ec2.describe_subnets()["Subnets"]
               if {"Key": "praxis_fleet", "Value": "praxis"} in each.get("Tags", [])]  # fmt: skip
    return Leaves(cloud, ",".join(subnets[:2]), members)


def codes(run: Run) -> list[str]:
    return [each["code"] for each in run.summary["findings"] if each["level"] == "error"]


def test_tasks_that_are_in_the_mesh_are_good_as_the_members_see_it(leaves: Leaves) -> None:
    run = leaves.run("deploy")
    assert run.summary["ok"] and run.summary["findings"] == []
    tasks = {each["address"] for each in run.summary["tasks"]}
    assert len(tasks) == 2
    for machine, addresses in leaves.accepted().items():
        assert tasks <= addresses, machine
    assert leaves.run("verify").summary["ok"]


def test_tasks_that_are_healthy_and_alone_fail_the_deployment(leaves: Leaves) -> None:
    run = leaves.run("deploy", expect=2, bootstrap=[NOBODY % Site(HOME.parent).addresses.at(250)])
    assert [row["rollout"] for row in run.summary["services"]] == ["COMPLETED"], "ECS has nothing against them"
    assert codes(run) == ["task-alone"]
    assert "2 of 2 tasks" in next(each["what"] for each in run.summary["findings"] if each["code"] == "task-alone")
    again = leaves.run("verify", expect=2, bootstrap=[NOBODY % Site(HOME.parent).addresses.at(250)])
    assert codes(again) == ["task-alone"]


def test_who_wants_no_edges_is_not_asked_for_them(leaves: Leaves) -> None:
    nobody = [NOBODY % Site(HOME.parent).addresses.at(250)]
    assert leaves.run("verify", bootstrap=nobody, edges=0).summary["ok"]


def test_the_next_deployment_that_names_members_is_good(leaves: Leaves) -> None:
    assert leaves.run("deploy").summary["ok"]


def test_a_removal_takes_the_tasks_and_leaves_the_machines(leaves: Leaves) -> None:
    before = seen.started(leaves.cloud)
    environment = {"PRAXIS_SUBNETS": leaves.subnets, "PRAXIS_BOOTSTRAP": leaves.bootstrap[0]}
    leaves.cloud.run("playbooks/ecs/down.yml", "-i", str(CHECKOUT / "inventories" / "ecs"),
                     environment=MACHINES | environment, variables={"praxis_confirm_down": "praxis"})  # fmt: skip
    assert seen.started(leaves.cloud) == before
