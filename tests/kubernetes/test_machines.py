# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One fleet over a cluster and a machine: a mesh over both, each edge by an address that the other side can dial.

The machine is a stand-in (tests/kubernetes/machine.py). Each test goes on where the one before it ended.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from ansible_collections.praxis.cloud.plugins.module_utils.agent.identity import multiaddr
from tests.kubernetes.fleet import NAMESPACE, Fleet, wait
from tests.kubernetes.machine import Machine, node_port
from tests.unit.kubernetes.made import seed

pytestmark = pytest.mark.integration
SEED = seed(77)
FIRST_PORT = 30400


@pytest.fixture(scope="module")
def store() -> Iterator[None]:
    """A secret store with the machine's seed, as the machines' own deployment has made it."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    given = {"AWS_ENDPOINT_URL": f"http://{host}:{port}", "AWS_DEFAULT_REGION": "eu-central-1",
             "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in given.items():
            patch.setenv(name, value)
        boto3.client("secretsmanager").create_secret(Name="praxis/praxis/identity/vm-1", SecretBinary=SEED)
        yield
    server.stop()


@pytest.fixture(scope="module")
def machine(fleet: Fleet, store: None) -> Iterator[Machine]:
    """A machine in the pods' network, whose agent runs."""
    if fleet.place.node is None:
        pytest.skip("a node's engine is needed for the machine's stand-in")
    found = Machine(fleet.place.node, fleet.folder / "vm-1", "vm-1", fleet.image, SEED)
    try:
        found.boot()
        found.start()
        fleet.machines = {"vm-1": variables(found)}
        fleet.inventory()
        yield found
    finally:
        found.gone()


def variables(machine: Machine, **more: Any) -> dict[str, Any]:
    return {"praxis_slot": "vm-1", "praxis_private_ip": machine.address, "praxis_cloud": "aws", **more}


def met(fleet: Fleet, machine: Machine) -> bool:
    """Whether the machine has an edge to every pod, and nobody else."""
    return machine.edges() == sorted(pod["status"]["podIP"] for pod in fleet.pods().values())


def test_pods_join_the_machine_and_the_plan_says_who_dials(fleet: Fleet, machine: Machine) -> None:
    assert f"agent-0 to agent-4 dial vm-1 at {machine.address}:4001." in fleet.good("plan")
    fleet.good("deploy")
    assert met(fleet, machine), (machine.edges(), fleet.pods())
    fleet.good("verify")
    since = fleet.now()
    fleet.good("deploy")
    assert [line for line in fleet.written(since) if "/exec" not in line] == []


def test_a_machine_that_restarts_is_dialled_again_by_the_next_deployment(fleet: Fleet, machine: Machine) -> None:
    before = fleet.uids()
    machine.start()
    said = " ".join(fleet.play("verify").stdout.split())
    assert "0 of 1 live edges to 1 machines" in said and ":4001: ok" in said, said
    fleet.good("deploy")
    assert met(fleet, machine) and not set(before.values()) & set(fleet.uids().values())
    fleet.good("verify")


def test_a_machine_that_is_away_takes_no_pod_out_of_service_and_fails_the_gate(fleet: Fleet, machine: Machine) -> None:
    machine.stop()
    release = fleet.release()
    done = fleet.play("deploy", praxis_agent_config={"llm": {"timeout": 9}})
    said = " ".join(done.stdout.split())
    assert done.returncode != 0 and "refused" in said and "was rolled back to" in said, done.stdout + done.stderr
    assert fleet.release() == release and fleet.ready() == sorted(fleet.pods())
    machine.start()
    fleet.good("deploy")
    assert met(fleet, machine)


def test_a_machine_dials_pods_that_cannot_dial_it(fleet: Fleet, machine: Machine) -> None:
    """Through a port of a node for each pod. Without one, nobody could dial, and the plan says so."""
    fleet.machines = {"vm-1": variables(machine, praxis_network="machines", praxis_p2p_plaintext_across=True)}
    fleet.given = {"praxis_p2p_plaintext_across": True}
    fleet.inventory()
    done = fleet.play("plan")
    assert done.returncode != 0 and "cannot dial each other" in " ".join(done.stdout.split()), done.stdout
    assert fleet.place.node is not None
    at = fleet.place.node.gateway
    fleet.settings["machines"] = {"service": "NodePort", "addresses": [at], "port": FIRST_PORT}
    fleet.inventory()
    assert f"vm-1 dials agent-0 to agent-4 at {at}:{FIRST_PORT} to {at}:{FIRST_PORT + 4}." in fleet.good("plan")
    fleet.good("deploy")
    with ExitStack() as ports:
        peers = []
        for ordinal, (name, pod) in enumerate(sorted(fleet.pods().items())):
            ports.enter_context(node_port(at, FIRST_PORT + ordinal, pod["status"]["podIP"]))
            peers.append(multiaddr(at, FIRST_PORT + ordinal, fleet.peer_ids()[name]))
        machine.start(peers)
        for name in fleet.pods():
            wait(f"an edge from the machine to {name}", partial(machine_edges, fleet, name))


def machine_edges(fleet: Fleet, name: str) -> int:
    """As a pod's own probe counts them."""
    text = f"""
import os, sys
sys.path.insert(0, "/praxis/release")
import ready
pods = ready.members(["agent.{NAMESPACE}.svc"]) - {{os.environ["POD_IP"]}}
print(ready.machine_edges(ready.machines_of("/praxis/peers", "{name}"), pods, 4001))
"""
    return int(fleet.inside(name, "python", "-B", "-c", text))
