# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The machines' half of a fleet over machines and pods. The pods are away, until a stand-in answers in one's place.

Each test goes on where the one before it ended. The other half: tests/kubernetes/test_machines.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.agent.identity import peer_id
from sandbox import docker, images
from sandbox.site import Site
from tests.kubernetes.machine import Machine
from tests.unit.kubernetes.made import seed, seeds

from . import seen
from .conftest import DIAL_DELAY, HOME, Cloud, Run
from .test_deploy import mutations

pytestmark = [pytest.mark.once, pytest.mark.repetition]
EACH = {"PRAXIS_HOSTS": "2"}
NAMES = ["praxis-aws-1", "praxis-aws-2"]
#: In the sandbox's network, below what its clouds give away. Where nobody is, a dial gets no answer.
ANNOUNCED = (200, 201)


@dataclass
class Fleet:
    """Two machines, and a kind of two pods beside them.

    :param network: the machines' network, which is the pods', too.
    :param machines: the kind's ``praxis_kubernetes.machines``.
    """

    cloud: Cloud
    folder: Path
    network: str
    machines: dict[str, Any] = field(default_factory=dict)

    def alone(self, playbook: str) -> Run:
        """Run a playbook without a word of pods."""
        return self.cloud.run(f"playbooks/{playbook}.yml", environment=EACH)

    def run(self, playbook: str, expect: int = 0, *arguments: str, **kind: Any) -> Run:
        """Run a playbook of the machines with an inventory that has the pods as well."""
        settings = {"namespace": "praxis", "replicas": 2, "seeds": seeds(2), "identities": {"existing": "seeds"},
                    "secrets": {"existing": "secrets"}, "machines": self.machines}
        variables = {"praxis_target": "kubernetes", "praxis_fleet": "praxis", "praxis_slot": "agent",
                     "praxis_image": "registry.example/praxis@sha256:" + "5" * 64, "praxis_network": self.network,
                     "praxis_agent_secrets": {"OPENAI_API_KEY": "aws-sm://in/the/cluster#key"},
                     "praxis_kubernetes": settings, **kind}  # fmt: skip
        hosts = self.folder / "pods.yml"
        hosts.write_text(json.dumps({"praxis_kubernetes": {"hosts": {"agent": variables}}}))
        words = ("-i", str(hosts), *arguments)
        return self.cloud.run(f"playbooks/{playbook}.yml", *words, expect=expect, environment=EACH)

    def announce(self) -> list[str]:
        """Announce each pod by an address of its own."""
        addresses = [Site(HOME.parent).addresses.at(number) for number in ANNOUNCED]
        self.machines = {"service": "LoadBalancer", "addresses": addresses}
        return addresses


@pytest.fixture(scope="module")
def fleet(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    """Provisioned, and deployed as a fleet of machines alone."""
    cloud.run("provision.yml", environment=EACH)
    found = boto3.client("ec2", **cloud.administrator).describe_instances()["Reservations"]
    (network,) = {each["VpcId"] for reservation in found for each in reservation["Instances"]}
    made = Fleet(cloud, tmp_path_factory.mktemp("mixed"), network)
    assert made.alone("deploy").summary["ok"]
    return made


@pytest.fixture(scope="module")
def pod(fleet: Fleet) -> Iterator[Machine]:
    """The agent agent-0, at the address that is announced for it. It does not run yet."""
    site = Site(HOME.parent)
    image = images.ensure(images.agent("1.0.0", dial_delay=DIAL_DELAY), fleet.folder)
    place = ("--network", site.network, "--ip", site.addresses.at(ANNOUNCED[0]), *site.labels("pod"))
    made = Machine(docker, fleet.folder / "pod", site.container("agent-0"), image, seed(0), place)
    try:
        made.boot()
        yield made
    finally:
        made.gone()


def unchanged(fleet: Fleet, run: Run, starts: dict[str, str], mark: list[int]) -> None:
    assert run.changed == {} and run.summary["ok"], run.output
    assert mutations(fleet.cloud.operations(mark)) == []
    assert seen.started(fleet.cloud) == starts


def outside(run: Run) -> list[tuple[str, str]]:
    """Where it misses edges to pods, and how bad that is. Nothing else is wrong."""
    assert {item["code"] for item in run.summary["findings"]} <= {"outside-edge-missing"}, run.output
    return sorted((item["where"], item["level"]) for item in run.summary["findings"])


def lists(fleet: Fleet) -> dict[str, list[str]]:
    """Each machine's bootstrap list."""
    return {each.name: json.loads(fleet.cloud.on(each, "cat /opt/praxis/peers.json"))["multiaddrs"]
            for each in fleet.cloud.machines()}


def test_a_fleet_of_machines_alone_is_as_it_was(fleet: Fleet) -> None:
    mark, starts = fleet.cloud.mark(), seen.started(fleet.cloud)
    run = fleet.alone("deploy")
    unchanged(fleet, run, starts, mark)
    assert run.summary["findings"] == []


def test_pods_in_another_network_are_refused(fleet: Fleet) -> None:
    mark = fleet.cloud.mark()
    run = fleet.run("deploy", expect=2, praxis_network="")
    assert [item["code"] for item in run.summary["findings"]] == ["networks-crossed"]
    assert mutations(fleet.cloud.operations(mark)) == []


def test_pods_that_dial_change_no_machine_and_are_waited_for(fleet: Fleet) -> None:
    mark, starts = fleet.cloud.mark(), seen.started(fleet.cloud)
    planned = fleet.run("plan")
    for machine in fleet.cloud.machines():
        assert f"agent-0 to agent-1 dial {machine.name} at {machine.ip}:4001." in planned.output
    run = fleet.run("deploy")
    unchanged(fleet, run, starts, mark)
    assert outside(run) == [(name, "warning") for name in NAMES]
    assert "only they dial" in run.output
    assert fleet.run("verify").summary["ok"]


def test_announced_pods_that_are_away_are_in_the_lists_and_hold_up_nobody(fleet: Fleet) -> None:
    before, addresses = lists(fleet), fleet.announce()
    planned = fleet.run("plan")
    assert f"and praxis-aws-1 dials agent-0 to agent-1 at {addresses[0]}:4001 to {addresses[1]}:4001." in planned.output
    run = fleet.run("deploy")
    assert run.summary["ok"] and outside(run) == [(name, "warning") for name in NAMES]
    assert "none answers" in run.output
    added = [f"/ip4/{address}/tcp/4001/p2p/{peer_id(seed(ordinal))}" for ordinal, address in enumerate(addresses)]
    assert lists(fleet) == {name: [*listed, *added] for name, listed in before.items()}
    mark, starts = fleet.cloud.mark(), seen.started(fleet.cloud)
    unchanged(fleet, fleet.run("deploy"), starts, mark)


def test_machines_dial_a_pod_that_answers(fleet: Fleet, pod: Machine) -> None:
    pod.start()
    run = fleet.run("verify", expect=2)
    assert outside(run) == [(name, "error") for name in NAMES]
    run = fleet.run("deploy")
    assert run.summary["ok"] and outside(run) == []
    assert pod.edges() == sorted(machine.ip for machine in fleet.cloud.machines())
    assert seen.edges(fleet.cloud) == seen.all_pairs(fleet.cloud)
    mark, starts = fleet.cloud.mark(), seen.started(fleet.cloud)
    unchanged(fleet, fleet.run("deploy"), starts, mark)
    assert outside(fleet.run("verify")) == []


def test_a_new_release_is_held_by_the_gate_and_meets_the_pod(fleet: Fleet, pod: Machine) -> None:
    starts = seen.started(fleet.cloud)
    run = fleet.run("deploy", 0, "-e", json.dumps({"praxis_agent_config": {"llm": {"timeout": 7}}}))
    assert run.summary["ok"] and outside(run) == []
    assert not set(starts.values()) & set(seen.started(fleet.cloud).values())
    assert pod.edges() == sorted(machine.ip for machine in fleet.cloud.machines())


def test_machines_dial_a_pod_that_has_restarted_by_the_next_deployment(fleet: Fleet, pod: Machine) -> None:
    timeout = json.dumps({"praxis_agent_config": {"llm": {"timeout": 7}}})
    pod.start()
    assert outside(fleet.run("verify", 2, "-e", timeout)) == [(name, "error") for name in NAMES]
    assert fleet.run("deploy", 0, "-e", timeout).summary["ok"]
    assert pod.edges() == sorted(machine.ip for machine in fleet.cloud.machines())


def test_without_pods_again_the_lists_are_the_machines(fleet: Fleet) -> None:
    assert fleet.alone("deploy").summary["ok"]
    assert {name: len(listed) for name, listed in lists(fleet).items()} == dict.fromkeys(NAMES, 1)
    mark, starts = fleet.cloud.mark(), seen.started(fleet.cloud)
    unchanged(fleet, fleet.alone("deploy"), starts, mark)
    assert seen.edges(fleet.cloud) == seen.all_pairs(fleet.cloud)
