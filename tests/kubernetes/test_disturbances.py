# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet in a real cluster that loses a pod or a node, or is replaced under load."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.agent.identity import peer_id
from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Retry
from ansible_collections.praxis.cloud.plugins.plugin_utils.kubernetes_api import Api
from tests.kubernetes.fleet import NAMESPACE, Fleet, mesh, wait
from tests.unit.kubernetes.made import seed

pytestmark = pytest.mark.integration
ROOT = f"/api/v1/namespaces/{NAMESPACE}"
#: Asks whom the API's Service names, by a name that is resolved for each request, and counts.
_CALLER = """
import http.client, json, random, socket, time
answered, lost = 0, []
while True:
    try:
        found = socket.getaddrinfo("agent-api.praxis-test.svc.cluster.local.", None, socket.AF_INET, socket.SOCK_STREAM)
        address = random.choice(found)[4][0]
        connection = http.client.HTTPConnection(address, 8000, timeout=10)
        connection.request("GET", "/health")
        status = connection.getresponse().status
        if status != 200:
            raise OSError(status)
        answered += 1
    except (OSError, http.client.HTTPException) as error:
        lost.append(repr(error))
    if (answered + len(lost)) % 20 == 0 or lost:
        print(json.dumps([answered, lost[-5:]]), flush=True)
    time.sleep(0.05)
"""


@contextmanager
def calls(fleet: Fleet) -> Iterator[None]:
    """Requests from a pod that may call the API, all the while; none of them is lost."""
    security = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    container = {"name": "agent", "image": fleet.image, "command": ["python", "-c", _CALLER],
                 "securityContext": security}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0, "automountServiceAccountToken": False,
            "securityContext": {"runAsUser": 10001, "runAsNonRoot": True}}
    labels = {"praxis.cloud/api-client": "true"}
    fleet.api.create(f"{ROOT}/pods", {"metadata": {"name": "caller", "labels": labels}, "spec": spec})
    try:
        wait("a first answer", lambda: _reported(fleet)[0] > 0)
        before = _reported(fleet)[0]
        yield
        wait("answers after it", lambda: _reported(fleet)[0] > before + 100)
        assert _reported(fleet)[1] == []
    finally:
        fleet.api.delete(f"{ROOT}/pods/caller")
        wait("the caller's end", lambda: fleet.api.get(f"{ROOT}/pods/caller") is None)


def _reported(fleet: Fleet) -> tuple[int, list[str]]:
    lines = fleet.api.log(NAMESPACE, "caller", previous=False, lines=1)
    answered, lost = json.loads(lines[-1]) if lines else (0, [])
    return answered, lost


def test_a_rolling_deployment_loses_no_request(standing: Fleet) -> None:
    before = standing.uids()
    with calls(standing):
        standing.good("deploy", praxis_agent_config={"llm": {"timeout": 9}})
    assert not set(before.values()) & set(standing.uids().values())


def test_a_killed_pod_comes_back_with_its_identity(standing: Fleet) -> None:
    before = standing.uids()
    standing.api.delete(f"{ROOT}/pods/agent-1")
    wait("another pod", lambda: standing.uids().get("agent-1", before["agent-1"]) != before["agent-1"])
    standing.wait_ready(2)
    assert standing.uids()["agent-0"] == before["agent-0"]
    assert standing.peer_ids()["agent-1"] == peer_id(seed(1))
    assert standing.edges() == mesh(["agent-0", "agent-1"])
    standing.good("verify")


def test_a_killed_agent_comes_back_with_its_identity(standing: Fleet) -> None:
    before = standing.uids()
    code, _said = standing.api.execute(NAMESPACE, "agent-0", ["python", "-c", "import os; os.kill(1, 15)"], 90)
    assert code == 0
    wait("a restart", lambda: standing.pods()["agent-0"]["status"]["containerStatuses"][0]["restartCount"] == 1)
    standing.wait_ready(2)
    assert standing.uids() == before
    assert standing.peer_ids()["agent-0"] == peer_id(seed(0))
    wait("the mesh", lambda: standing.edges() == mesh(["agent-0", "agent-1"]))
    standing.good("verify")


def test_a_node_is_emptied_one_pod_at_a_time(standing: Fleet) -> None:
    """What `kubectl drain` does: no new pods there, and an eviction for each one, which the budget may refuse."""
    nodes = {name: pod["spec"]["nodeName"] for name, pod in standing.pods().items()}
    if len(standing.api.listed("/api/v1/nodes")) < 2:
        pytest.skip("the cluster has one node")
    standing.good("deploy", **standing.kubernetes(autoscaler={"min": 4, "max": 5}))
    pods = standing.pods()
    node = pods["agent-0"]["spec"]["nodeName"]
    there = sorted(name for name, pod in pods.items() if pod["spec"]["nodeName"] == node)
    assert 1 < len(there) < 4, (nodes, there)
    with cordoned(standing, node), calls(standing):
        refused = 0
        for name in there:
            while not _evicted(standing, name):
                refused += 1
                standing.wait_ready(4)
        assert refused, "the budget lets one go at a time"
        standing.wait_ready(4)
        assert node not in {pod["spec"]["nodeName"] for pod in standing.pods().values()}
    assert standing.edges() == mesh(sorted(pods))
    assert standing.peer_ids() == {f"agent-{ordinal}": peer_id(seed(ordinal)) for ordinal in range(4)}


@contextmanager
def cordoned(fleet: Fleet, node: str) -> Iterator[None]:
    """A node that takes no new pods."""
    _schedule(fleet, node, False)
    try:
        yield
    finally:
        _schedule(fleet, node, True)


def _schedule(fleet: Fleet, node: str, wanted: bool) -> None:
    """A patch: the kubelet writes to its node all the while."""
    body = json.dumps({"spec": {"unschedulable": not wanted}})
    fleet.api.request("PATCH", f"/api/v1/nodes/{node}", None, body, "application/merge-patch+json")


def _evicted(fleet: Fleet, pod: str) -> bool:
    version = "policy/v1" if "policy/v1" in fleet.api.served(["policy"]) else "policy/v1beta1"
    wanted = {"apiVersion": version, "kind": "Eviction", "metadata": {"name": pod, "namespace": NAMESPACE}}
    try:
        # Without the retries of the collection: a refusal is what the test waits for.
        Api(str(fleet.place.kubeconfig), retry=Retry(deadline=0.0)).create(f"{ROOT}/pods/{pod}/eviction", wanted)
    except errors.Unavailable as error:
        if "disruption budget" not in str(error):
            raise
        return False
    return True
