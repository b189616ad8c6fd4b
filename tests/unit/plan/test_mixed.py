# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One fleet over machines and pods, planned by each half out of the same inventory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.agent.identity import peer_id
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.plan import Plan
from ansible_collections.praxis.cloud.plugins.plugin_utils import fleet_variables, kubernetes_kinds
from tests.unit.kubernetes import made as cluster
from tests.unit.plan.made import Account, fleet, planner, reported, seed
from tests.unit.plan.test_actions import PLAN, Site

POD = peer_id(cluster.seed(20))


def kind(machines: dict[str, Any] | None = None, **values: Any) -> dict[str, Any]:
    """A kind of two pods."""
    settings = {"replicas": 2, "seeds": cluster.seeds(2, first=20), **({"machines": machines} if machines else {})}
    return cluster.variables(settings, region=values.pop("region", None), **values)


def inventory(own: dict[str, Any] | None = None, size: int = 2, **machine: Any) -> dict[str, Any]:
    return {**fleet(size, **machine), "agent": own or kind()}


def in_the_cluster(hosts: dict[str, Any]) -> kubernetes_kinds.Fleet:
    return kubernetes_kinds.plan(fleet_variables.members(hosts, list(hosts)))


def on_machines(hosts: dict[str, Any]) -> Plan:
    everybody = fleet_variables.members(hosts, list(hosts))
    machines = {name: each for name, each in hosts.items() if name != "agent"}
    return planner(machines, beside=kubernetes_kinds.beside(everybody)).plan()


def peers(made: kubernetes_kinds.Fleet) -> dict[str, str]:
    data: dict[str, str] = cluster.found(made.objects(), "ConfigMap", "agent-peers")["data"]
    return data


@pytest.mark.slow
def test_pods_dial_machines_and_machines_wait_for_them(account: Account) -> None:
    hosts = inventory()
    made, plan = in_the_cluster(hosts), on_machines(hosts)
    data = peers(made)
    for number in (1, 2):
        assert f"/ip4/10.0.0.{number}/tcp/4001/p2p/{peer_id(seed(number))}" in data["agent-0.yaml"]
    known = json.loads(data["agent-1.machines"])
    assert (known["edges"], known["strangers"]) == (1, False)
    assert known["machines"][0] == {"name": "m1", "addresses": ["10.0.0.1"], "dial": "10.0.0.1", "port": 4001}
    assert [each.name for each in plan.outside["m1"]] == ["agent-0", "agent-1"]
    assert plan.peers("m1")["multiaddrs"] == [f"/ip4/10.0.0.2/tcp/4001/p2p/{peer_id(seed(2))}"]
    assert [row["dialled_by"] for row in made.across()] == ["the pods", "the pods"]


def test_machines_change_no_pod_s_release_and_pods_no_machine_s(account: Account) -> None:
    alone, both = cluster.plan(agent=kind()), in_the_cluster(inventory())
    assert [each.id for each in alone.kinds] == [each.id for each in both.kinds]
    alone_plan, both_plan = planner(fleet(2)).plan(), on_machines(inventory())
    assert alone_plan.releases["m1"].id == both_plan.releases["m1"].id
    assert alone_plan.id.split("-")[1:] == both_plan.id.split("-")[1:] and alone_plan.id != both_plan.id


@pytest.mark.parametrize(
    ("machines", "places", "policy"),
    [
        ({"service": "NodePort", "addresses": ["10.9.0.1", "10.9.0.2"], "port": 31000},
         ["10.9.0.1/tcp/31000", "10.9.0.2/tcp/31001"], ["10.0.0.1/32", "10.0.0.2/32", "10.9.0.1/32", "10.9.0.2/32"]),
        ({"service": "LoadBalancer", "addresses": ["203.0.113.8", "203.0.113.9"], "annotations": {"a/b": "c"}},
         ["203.0.113.8/tcp/4001", "203.0.113.9/tcp/4001"], ["10.0.0.1/32", "10.0.0.2/32"]),
    ],
)  # fmt: skip
def test_each_pod_is_announced_to_machines(
    account: Account, machines: dict[str, Any], places: list[str], policy: list[str]
) -> None:
    hosts = inventory(kind(machines))
    objects = in_the_cluster(hosts).objects()
    listed = on_machines(hosts).peers("m1")["multiaddrs"][1:]
    assert [text.split("/p2p/")[0] for text in listed] == [f"/ip4/{place}" for place in places]
    assert listed[0].endswith(POD)
    for ordinal in (0, 1):
        service = cluster.found(objects, "Service", f"agent-{ordinal}-p2p")
        kubernetes_validate.validate(service, "1.30", strict=True)
        spec = service["spec"]
        assert spec["type"] == machines["service"] and spec["publishNotReadyAddresses"]
        assert spec["selector"]["statefulset.kubernetes.io/pod-name"] == f"agent-{ordinal}"
        if machines["service"] == "NodePort":
            assert (spec["ports"][0]["nodePort"], spec["externalTrafficPolicy"]) == (31000 + ordinal, "Cluster")
        else:
            assert (spec["loadBalancerIP"], spec["externalTrafficPolicy"]) == (places[ordinal].split("/")[0], "Local")
            assert service["metadata"]["annotations"] == {"a/b": "c"}
    sources = cluster.found(objects, "NetworkPolicy")["spec"]["ingress"][0]["from"]
    assert [each["ipBlock"]["cidr"] for each in sources[1:]] == policy


def test_an_unannounced_pod_admits_nobody_from_outside(account: Account) -> None:
    objects = in_the_cluster(inventory()).objects()
    sources = cluster.found(objects, "NetworkPolicy")["spec"]["ingress"][0]["from"]
    assert len(sources) == 1 and "podSelector" in sources[0]
    assert [each["metadata"]["name"] for each in objects if each["kind"] == "Service"] == ["agent", "agent-api"]


def test_machines_alone_make_no_object_of_a_fleet_in_a_cluster_different() -> None:
    """Settings that announce pods say nothing without machines."""
    told = kind({"service": "NodePort", "addresses": ["10.9.0.1"]})
    assert cluster.plan(agent=told).objects() == cluster.plan(agent=kind()).objects()


def test_with_leaves_an_unknown_address_is_nobody_s(account: Account) -> None:
    hosts = inventory(kind({"service": "NodePort", "addresses": ["10.9.0.1"]}))
    assert json.loads(peers(in_the_cluster(hosts))["agent-0.machines"])["strangers"] is True
    hosts["leaf"] = {**cluster.leaf(), "praxis_fleet": "demo"}
    assert json.loads(peers(in_the_cluster(hosts))["agent-0.machines"])["strangers"] is False


@pytest.mark.parametrize(
    ("machine", "own", "codes"),
    [
        ({"network": "vpc-1"}, {}, ["networks-crossed", "no-way-across"]),
        ({"network": "vpc-1", "public_ip": "198.51.100.1"}, {}, ["networks-crossed"]),
        ({"network": "vpc-1", "public_ip": "198.51.100.1", "p2p_plaintext_across": True}, {}, ["networks-crossed"]),
        ({"network": "vpc-1", "p2p_plaintext_across": True}, {"p2p_plaintext_across": True}, ["no-way-across"]),
        ({"network": "vpc-1"}, {"network": "vpc-1"}, []),
        ({"network": "vpc-1", "public_ip": "198.51.100.1", "p2p_plaintext_across": True},
         {"p2p_plaintext_across": True}, []),
        ({"slot": "agent-0"}, {}, None),
    ],
)  # fmt: skip
def test_both_halves_refuse_what_cannot_be_one_fleet(
    account: Account, machine: dict[str, Any], own: dict[str, Any], codes: list[str] | None
) -> None:
    hosts = inventory(kind(**own), 1, **machine)
    if codes is None:  # a machine in a pod's slot: one identity for two
        account.secret("praxis/demo/identity/agent-0", cluster.seed(30))
        codes = ["shared-slot"]
    for half in (in_the_cluster, on_machines):
        if not codes:
            half(hosts)
            continue
        with pytest.raises(Failed) as refused:
            half(hosts)
        assert set(reported(refused.value)) == set(codes), half


def test_a_machine_without_an_identity_is_to_be_deployed_first(account: Account) -> None:
    hosts = inventory(size=1, slot="aws-99")
    with pytest.raises(Failed) as refused:
        in_the_cluster(hosts)
    (finding,) = refused.value.findings
    assert finding.code == "no-identity" and "Deploy the machines first" in finding.fix
    made = planner({"m1": hosts["m1"]}, allow_missing=True, beside=kubernetes_kinds.beside(
        fleet_variables.members(hosts, list(hosts))))  # fmt: skip
    assert made.plan().members["m1"].peer_id is None and made.missing


def test_a_cluster_s_hosts_may_be_beside_the_machines_or_below_them() -> None:
    groups = {"praxis": ["m1", "agent"], "praxis_kubernetes": ["agent"]}
    assert fleet_variables.hosts_of(groups, "kubernetes") == ["m1", "agent"]
    assert fleet_variables.hosts_of({"praxis": ["m1"], "praxis_kubernetes": ["agent"]}, "kubernetes") == ["m1", "agent"]
    assert fleet_variables.hosts_of({"praxis": ["m1"], "praxis_kubernetes": ["agent"]}, "ecs") == ["m1"]


@pytest.mark.slow
def test_a_run_plans_the_machines_with_the_pods_that_are_beside_them(tmp_path: Path, account: Account) -> None:
    site = Site(tmp_path, account)
    own = kind({"service": "NodePort", "addresses": ["10.9.0.1"]})
    site.inventory(fleet(2), {"agent": own})
    tasks = [*PLAN["tasks"], {"run_once": True, "delegate_to": "localhost", **site.keep()}]
    done = site.play([{**PLAN, "tasks": tasks}])
    assert done.rc == 0, done.printed
    table = json.loads((tmp_path / "kept" / "table.json").read_text())
    assert [member["name"] for member in table["members"]] == ["m1", "m2"]
    assert [each["address"] for each in table["outside"]["m1"]] == ["10.9.0.1", "10.9.0.1"]
    piece = json.loads((tmp_path / "kept" / "slices" / "m1").read_text())
    assert piece["peers"]["multiaddrs"][1:] == [
        f"/ip4/10.9.0.1/tcp/{30400 + ordinal}/p2p/{peer_id(cluster.seed(20 + ordinal))}" for ordinal in (0, 1)
    ]
    assert [each["member"] for each in piece["gate"]["dial"]] == ["m2", "agent-0", "agent-1"]
    assert [row["dialled_by"] for row in done.of("Plan the deployment", "m1")["plan"]["across"]] == ["both", "both"]


@pytest.mark.slow
def test_a_run_refuses_kinds_that_are_below_the_machines_and_says_where_they_belong(
    tmp_path: Path, account: Account
) -> None:
    site = Site(tmp_path, account)
    site.inventory({**fleet(1), "agent": kind()}, {"agent": {}})
    done = site.play([PLAN])
    told = " ".join(done.printed.split())
    assert done.rc != 0 and "praxis_kubernetes" in told and "must not be a child of the group praxis" in told, told


@pytest.mark.slow
def test_a_run_says_what_is_wrong_with_the_pods_variables_and_nothing_of_the_machines(
    tmp_path: Path, account: Account
) -> None:
    site = Site(tmp_path, account)
    site.inventory(fleet(1), {"agent": {**kind(), "praxis_p2p_port": "none"}})
    done = site.play([PLAN])
    assert done.rc != 0 and "praxis_p2p_port" in done.printed, done.printed
    assert "praxis_target" not in done.printed and "not-a-kubernetes-kind" not in done.printed
