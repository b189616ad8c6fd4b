# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet's life in a real cluster, in its order: each test goes on where the one before it ended."""

from __future__ import annotations

import json

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.agent.identity import peer_id
from tests.kubernetes.fleet import NAMESPACE, SECRETS, Fleet, mesh, wait
from tests.kubernetes.rights import documented, needed
from tests.unit.kubernetes.made import seed

pytestmark = pytest.mark.integration
TIMEOUT = {"praxis_agent_config": {"llm": {"timeout": 7}}}


def test_a_plan_and_check_mode_write_nothing(fleet: Fleet) -> None:
    since = fleet.now()
    assert "Plan " in fleet.good("plan")
    assert "StatefulSet/agent" in fleet.good("deploy", "--check", "--diff")
    assert fleet.written(since) == [] and fleet.pods() == {}


def test_the_first_deployment_is_meshed(fleet: Fleet) -> None:
    fleet.good("deploy")
    assert fleet.ready() == ["agent-0", "agent-1"]
    assert fleet.edges() == mesh(["agent-0", "agent-1"])
    assert fleet.peer_ids() == {f"agent-{ordinal}": peer_id(seed(ordinal)) for ordinal in range(2)}


def test_a_second_deployment_writes_nothing(fleet: Fleet) -> None:
    before, since = fleet.versions(), fleet.now()
    fleet.good("deploy")
    assert fleet.written(since) == []
    assert fleet.versions() == before


def test_status_and_the_probe_of_verify_are_good(fleet: Fleet) -> None:
    since = fleet.now()
    for verb in ("status", "verify"):
        assert "agent-1" in fleet.good(verb)
    assert [line for line in fleet.written(since) if "/exec" not in line] == []


def test_each_pod_has_its_own_key_alone_and_the_secrets_to_the_byte(fleet: Fleet) -> None:
    for ordinal, name in enumerate(sorted(fleet.pods())):
        listed = fleet.inside(name, "sh", "-c", "ls /keys; od -An -v -tx1 /keys/node.key | tr -d ' \\n'")
        assert listed.split() == ["node.key", seed(ordinal).hex()]
        for secret, text in SECRETS.items():
            shown = f"tr '\\0' '\\n' < /proc/1/environ | grep ^{secret}="
            assert fleet.inside(name, "sh", "-c", shown) == f"{secret}={text}"


def test_one_setting_replaces_every_pod_and_check_mode_predicts_it(fleet: Fleet) -> None:
    before, old = fleet.release(), fleet.uids()
    fleet.given = TIMEOUT
    since = fleet.now()
    predicted = fleet.good("deploy", "--check", "--diff")
    assert "timeout: 7" in predicted and fleet.written(since) == []
    fleet.good("deploy")
    assert fleet.release() != before
    pods = fleet.pods()
    assert {pod["metadata"]["labels"]["praxis.cloud/release"] for pod in pods.values()} == {fleet.release()}
    assert not set(fleet.uids().values()) & set(old.values())
    assert fleet.edges() == mesh(["agent-0", "agent-1"])


def test_an_agent_that_ends_by_itself_is_quoted_and_rolled_back(fleet: Fleet) -> None:
    bad = {"praxis_agent_environment": {"STANDIN_FAIL": "crash"}}
    fleet.rolled_back("The agent ended with code 1", "crashing, as STANDIN_FAIL says", **bad)


def test_more_replicas_join_and_restart_nobody(fleet: Fleet) -> None:
    old = fleet.uids()
    fleet.given = {**TIMEOUT, **fleet.kubernetes(autoscaler={"min": 4, "max": 5})}
    fleet.good("deploy")
    now = fleet.uids()
    assert len(now) == 4 and old.items() <= now.items()
    assert fleet.edges() == mesh(sorted(now))


def test_a_fixed_number_takes_the_autoscaler_s_place_and_is_handed_over_again(fleet: Fleet) -> None:
    autoscaler = f"/apis/autoscaling/v1/namespaces/{NAMESPACE}/horizontalpodautoscalers/agent"
    old = fleet.uids()
    without = {name: value for name, value in fleet.settings.items() if name != "autoscaler"}
    fleet.good("deploy", **TIMEOUT, praxis_kubernetes={**without, "replicas": 3})
    assert fleet.api.get(autoscaler) is None
    wait("three pods", lambda: sorted(fleet.pods()) == ["agent-0", "agent-1", "agent-2"])
    fleet.given = {**TIMEOUT, **fleet.kubernetes(autoscaler={"min": 2, "max": 5})}
    fleet.good("deploy")
    assert fleet.api.get(autoscaler) is not None
    assert fleet.workload()["spec"]["replicas"] == 3, "the number of that moment"
    assert fleet.uids().items() <= old.items()


def test_a_rollback_returns_to_the_deployment_before(fleet: Fleet) -> None:
    fleet.good("deploy", praxis_agent_config={"llm": {"timeout": 8}})
    later = fleet.release()
    fleet.good("rollback")
    assert fleet.release() != later
    said = fleet.play("history")
    assert said.returncode == 0 and "rollback to" in said.stdout, said.stdout
    fleet.good("status")


def test_leaves_join_and_no_member_is_replaced(fleet: Fleet) -> None:
    members = fleet.uids()
    fleet.inventory(leaf={"role": "leaf"})
    fleet.good("deploy")
    leaves = sorted(set(fleet.pods()) - set(members))
    assert len(leaves) == 2 and members.items() <= fleet.uids().items()
    edges = fleet.edges()
    assert {name: edges[name] - set(leaves) for name in members} == mesh(sorted(members))
    assert all(edges[leaf] and edges[leaf] <= set(members) for leaf in leaves), edges
    fleet.good("verify")
    fleet.given = {**fleet.given, "praxis_agent_config": {"llm": {"timeout": 9}}}
    fleet.good("deploy")
    later = fleet.uids()
    assert not {*members.values()} & {*later.values()}
    assert len(later.keys() - members.keys()) == 2, "the autoscaler may have taken a member away, and no leaf"


def test_no_secret_is_in_any_object_but_its_own(fleet: Fleet) -> None:
    """Nor in a log of a pod, nor in what the controller sent."""
    for kind in ("configmaps", "pods", "events", "services", "endpoints"):
        text = json.dumps(fleet.api.listed(f"/api/v1/namespaces/{NAMESPACE}/{kind}"))
        for marker in SECRETS.values():
            assert marker not in text, kind
    for kind in ("statefulsets", "controllerrevisions"):
        text = json.dumps(fleet.api.listed(f"/apis/apps/v1/namespaces/{NAMESPACE}/{kind}"))
        assert not [marker for marker in SECRETS.values() if marker in text], kind
    for name in fleet.pods():
        log = "\n".join(fleet.api.log(NAMESPACE, name, previous=False, lines=10000))
        assert "started successfully" in log
        assert not [marker for marker in SECRETS.values() if marker in log], name


def test_a_removal_takes_everything_of_the_fleet_and_nothing_else(fleet: Fleet) -> None:
    assert fleet.play("down").returncode != 0, "it asks for the fleet's name"
    since = fleet.now()
    done = fleet.play("down", "--check", praxis_confirm_down="praxis")
    assert done.returncode == 0 and fleet.written(since) == [], done.stdout
    done = fleet.play("down", praxis_confirm_down="praxis")
    assert done.returncode == 0, done.stdout
    assert fleet.api.get(f"/apis/apps/v1/namespaces/{NAMESPACE}/statefulsets/agent") is None
    there = {item["metadata"]["name"] for item in fleet.api.listed(f"/api/v1/namespaces/{NAMESPACE}/secrets")}
    assert {"secrets", "seeds"} <= there
    assert fleet.play("status").returncode != 0


def test_every_documented_right_was_needed(fleet: Fleet) -> None:
    """That none is missing the tests before this one have shown: the controller had no other."""
    if fleet.place.audit is None:
        pytest.skip("the cluster's audit log is not ours")
    rights = set().union(*(rule.rights() for rule in documented()))
    unused = rights - needed(fleet.requests(fleet.began))
    assert unused == set(NOT_SEEN)


#: Rights that this fleet and this version of Kubernetes have no use for.
NOT_SEEN = {
    ("", "pods/exec", "create"): "newer versions ask for it",
    ("", "pods", "delete"): "for a fleet with machines as well: tests/kubernetes/test_machines.py",
}
