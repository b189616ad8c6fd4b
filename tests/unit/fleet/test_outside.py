# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Machines of a fleet that has pods as well: their lists, their dials, and the verdict on their edges to pods."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.fleet.mesh import heal, verdict
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.outside import Outsider
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.plan import Plan, make_plan
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.table import table_from_plain

from .made import member, release

PEER = "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN"
DIALLED = Outsider("agent-0", PEER, "10.9.0.1", 30400, "10.0.0.1:4001")
DIALS = Outsider("agent-0", PEER, dials="10.0.0.1:4001")


def plan(*outsiders: Outsider, machines: int = 2) -> Plan:
    ours = [member(index) for index in range(1, machines + 1)]
    return make_plan(
        "test", ours, [release(each.name) for each in ours], beside={each.name: outsiders for each in ours}
    )


def edge(local: str, remote: str, retransmits: int = 0) -> dict[str, Any]:
    return {"local": local, "remote": remote, "retransmits": retransmits, "tx_queue": 0}


def seen(table: Plan, name: str, edges: list[dict[str, Any]], dial: str = "ok") -> dict[str, Any]:
    """A machine that is well, with its edge to the other one and these."""
    number, other = int(name[1:]), 3 - int(name[1:])
    ends = ("172.18.0.2:40001", "4001") if number == 2 else ("172.18.0.2:4001", "40001")
    inside = [edge(ends[0], f"{table.members[f'm{other}'].address}:{ends[1]}")]
    inside_dials = {f"{each['address']}:{each['port']}": "ok" for each in table.dials(name)}
    return {
        "release": {"current": table.members[name].release, "running": table.members[name].release, "kept": []},
        "container": {"state": "running", "health": "healthy", "exit_code": 0},
        "api": {"health": 200, "peer_id": table.members[name].peer_id, "error": None},
        "edges": inside + edges,
        "dials": {**inside_dials, **{each.place: dial for each in table.outside[name] if each.address}},
    }


def judge(table: Plan, edges: list[dict[str, Any]], dial: str = "ok") -> list[tuple[str, str, str]]:
    observations = {name: seen(table, name, edges, dial) for name in table.members}
    found = verdict(table, observations, {}).findings
    return [(each.code, each.where, each.level) for each in found]


def test_outsiders_are_in_the_list_and_dialled_where_they_can_be() -> None:
    table = plan(DIALLED, Outsider("agent-1", PEER, dials="10.0.0.1:4001"))
    assert table.peers("m1")["multiaddrs"][-1] == f"/ip4/10.9.0.1/tcp/30400/p2p/{PEER}"
    assert len(table.peers("m1")["multiaddrs"]) == 2
    assert table.dials("m1")[-1] == {"member": "agent-0", "address": "10.9.0.1", "port": 30400, "outside": True}
    again = table_from_plain(table.to_plain())
    assert again.outside == table.outside and again.peers("m1") == table.peers("m1")


def test_a_fleet_without_pods_keeps_its_plan_s_id_and_lists() -> None:
    ours = [member(1), member(2)]
    releases = [release(each.name) for each in ours]
    assert make_plan("test", ours, releases).id == make_plan("test", ours, releases, beside={}).id
    assert plan(DIALLED).id != make_plan("test", ours, releases).id
    old = {key: value for key, value in make_plan("test", ours, releases).to_plain().items() if key != "outside"}
    assert table_from_plain(old).outside == {}


@pytest.mark.parametrize(
    ("outsider", "edges", "dial", "level"),
    [
        (DIALLED, [edge("172.18.0.2:50000", "10.9.0.1:30400")], "ok", None),
        (DIALLED, [edge("172.18.0.2:50000", "10.9.0.1:30400", 3)], "ok", "error"),
        (DIALLED, [edge("172.18.0.2:50000", "10.9.0.1:30401")], "ok", "error"),
        (DIALLED, [edge("172.18.0.2:4001", "10.9.0.7:50000")], "ok", None),  # a pod has dialled, through its node
        (DIALLED, [], "ok", "error"),
        (DIALLED, [], "timeout", "warning"),
        (DIALS, [], "ok", "warning"),
        (DIALS, [edge("172.18.0.2:4001", "10.9.0.7:50000")], "ok", None),
        (DIALS, [edge("172.18.0.2:4001", "10.9.0.7:50000", 2)], "ok", "warning"),
    ],
)
def test_who_dials_is_to_blame(outsider: Outsider, edges: list[Any], dial: str, level: str | None) -> None:
    found = judge(plan(outsider), edges, dial)
    assert found == ([] if level is None else [("outside-edge-missing", name, level) for name in ("m1", "m2")])


def test_another_machine_s_connection_is_no_pod_s() -> None:
    """Also where it comes from an address that is no member's: the machine that dialled lists it."""
    table = plan(DIALS)
    observations = {name: seen(table, name, []) for name in table.members}
    observations["m1"]["edges"] = [edge("172.18.0.2:4001", "172.18.0.1:55555")]
    found = [(each.code, each.where) for each in verdict(table, observations, {}).findings]
    assert ("outside-edge-missing", "m1") in found


def test_a_deployment_restarts_the_machines_whose_edges_come_back_by_it() -> None:
    for outsider, dial, restarted in ((DIALLED, "ok", ["m1", "m2"]), (DIALLED, "refused", []), (DIALS, "ok", [])):
        table = plan(outsider)
        assert heal(table, {name: seen(table, name, [], dial) for name in table.members}) == restarted
