# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet over several private networks: who dials whom where, and what keeps it from being planned."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.membership import check_members, check_networks
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.mesh import edge_fault, heal, verdict
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.plan import Plan, make_plan
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.table import Member, table_from_plain

from .made import member, release

#: Two a network, and the same private addresses in both networks.
PLACES = {
    1: ("vpc-1", "10.0.0.1", "198.51.100.1"),
    2: ("vpc-1", "10.0.0.2", "198.51.100.2"),
    3: ("p/net", "10.0.0.1", "203.0.113.3"),
    4: ("p/net", "10.0.0.2", "203.0.113.4"),
}


def members(**values: Any) -> list[Member]:
    return [
        member(index, addresses=(private, public), network=network, public_address=public, **values)
        for index, (network, private, public) in PLACES.items()
    ]


@pytest.fixture
def plan() -> Plan:
    ours = members()
    return make_plan("test", ours, [release(each.name) for each in ours])


def observations(plan: Plan) -> dict[str, dict[str, Any]]:
    """A whole mesh: the later member of each pair dialled, and each end sees the other at what reaches it."""
    found: dict[str, dict[str, Any]] = {}
    for name in plan.members:
        here, edges = plan.members[name], []
        for other in plan.around[name]:
            far, port = plan.members[other].seen_from(here)[0], 40000 + sum(map(ord, name)) + sum(map(ord, other))
            ends = (f"172.18.0.2:{port}", f"{far}:4001") if name > other else ("172.18.0.2:4001", f"{far}:{port}")
            edges.append({"local": ends[0], "remote": ends[1], "retransmits": 0, "tx_queue": 0})
        found[name] = {
            "release": {"current": here.release, "running": here.release, "kept": []},
            "container": {"state": "running", "health": "healthy", "exit_code": 0},
            "api": {"health": 200, "peer_id": here.peer_id, "error": None},
            "edges": edges,
            "dials": {"%(address)s:%(port)d" % dial: "ok" for dial in plan.dials(name)},
        }
    return found


def test_inside_a_network_the_private_address_is_dialled_and_across_the_public_one(plan: Plan) -> None:
    dialled = {name: {dial["member"]: dial["address"] for dial in plan.dials(name)} for name in plan.members}
    assert dialled["m1"] == {"m2": "10.0.0.2", "m3": "203.0.113.3", "m4": "203.0.113.4"}
    assert dialled["m4"] == {"m1": "198.51.100.1", "m2": "198.51.100.2", "m3": "10.0.0.1"}
    assert [text.split("/")[2] for text in plan.peers("m3")["multiaddrs"]] == [
        "198.51.100.1", "198.51.100.2", "10.0.0.2"]  # fmt: skip


def test_the_mesh_is_judged_by_the_same_addresses(plan: Plan) -> None:
    table = table_from_plain(plan.to_plain())
    assert verdict(table, observations(plan), {}, strict=True).ok
    assert heal(table, observations(plan)) == []


def test_a_neighbour_s_address_in_another_network_is_somebody_else(plan: Plan) -> None:
    seen = observations(plan)
    # m1 is connected to 10.0.0.2, which is m2; m4 has that address too, in its own network.
    seen["m1"]["edges"] = [edge for edge in seen["m1"]["edges"] if not edge["remote"].startswith("203.0.113.4")]
    assert edge_fault(plan, "m1", "m4", seen) == "m1 has no connection to m4"
    assert edge_fault(plan, "m1", "m2", seen) is None


def test_a_dial_across_that_fails_is_reported(plan: Plan) -> None:
    seen = observations(plan)
    seen["m2"]["dials"]["203.0.113.3:4001"] = "timeout"
    assert edge_fault(plan, "m2", "m3", seen) == "a new dial from m2 to m3: timeout"


def test_two_networks_may_use_the_same_private_addresses() -> None:
    assert check_members("test", members()) == []
    one = [member(index, addresses=("10.0.0.1",), network="vpc-1") for index in (1, 2)]
    assert [finding.code for finding in check_members("test", one)] == ["shared-address"]


@pytest.mark.parametrize(
    ("second", "codes"),
    [
        ({"p2p_port": 4002}, ["shared-machine"]),
        # The same private address at another site, and one public address with two ports behind a NAT.
        ({"p2p_port": 4002, "network": "vpc-2"}, []),
        ({"p2p_port": 4002, "addresses": ("203.0.113.1", "10.0.0.1"), "public_address": "203.0.113.1"}, []),
        ({"p2p_port": 4002, "addresses": ("10.0.0.2",)}, []),
        ({}, ["shared-address"]),
    ],
)
def test_two_members_are_not_on_one_machine(second: dict[str, Any], codes: list[str]) -> None:
    """The second agent would take the first one's place: a machine has one."""
    machines = [member(1, network="vpc-1"), member(2, **{"addresses": ("10.0.0.1",), "network": "vpc-1", **second})]
    releases = [release(each.name) for each in machines]
    if not codes:
        assert make_plan("test", machines, releases).order == ["m1", "m2"]
        return
    with pytest.raises(Failed) as error:
        make_plan("test", machines, releases)
    assert [finding.code for finding in error.value.findings] == codes
    assert "m1 and m2" in error.value.findings[0].what


def test_one_public_address_with_two_ports_is_two_machines() -> None:
    behind = {"addresses": ("203.0.113.1", "10.0.0.1"), "public_address": "203.0.113.1"}
    machines = [member(index, p2p_port=4000 + index, **behind) for index in (1, 2)]
    assert make_plan("test", machines, [release(each.name) for each in machines]).order == ["m1", "m2"]


@pytest.mark.parametrize(
    ("allowed", "codes"),
    [((), ["networks-crossed"]), (("m1", "m2", "m3"), ["networks-crossed"]), (("m1", "m2", "m3", "m4"), [])],
)
def test_crossing_has_to_be_allowed_by_name_by_every_member(allowed: tuple[str, ...], codes: list[str]) -> None:
    findings = check_networks(members(), allowed)
    assert [finding.code for finding in findings] == codes
    for finding in findings:
        assert "praxis_p2p_plaintext_across: true" in finding.fix and "p/net, vpc-1" in finding.what


def test_one_network_needs_no_permission_and_no_public_address() -> None:
    assert check_networks([member(1), member(2)], ()) == []
    assert check_networks([member(1, network="vpc-1"), member(2, network="vpc-1")], ()) == []


def test_a_member_without_a_public_address_cannot_be_in_a_fleet_over_two_networks() -> None:
    ours = [*members()[:3], member(4, network="p/net")]
    findings = check_networks(ours, [each.name for each in ours])
    assert [(finding.code, finding.where) for finding in findings] == [("no-public-address", "m4")]


def test_a_move_to_another_network_is_another_plan() -> None:
    def of(network: str) -> str:
        ours = [member(1, network="a"), member(2, network=network, public_address="198.51.100.2")]
        return make_plan("test", ours, [release(each.name) for each in ours]).id

    assert of("a") != of("b")
    assert of("a").split("-")[1:] == of("b").split("-")[1:]


@given(st.lists(st.sampled_from(["", "a", "b", "c"]), min_size=2, max_size=12))
def test_both_ends_of_every_edge_dial_each_other_where_the_other_can_be_reached(networks: list[str]) -> None:
    ours = [
        member(index, addresses=(f"10.0.0.{index}",), network=network, public_address=f"198.51.100.{index}",
               peer_id=f"peer{index}")
        for index, network in enumerate(networks, 1)
    ]  # fmt: skip
    plan = make_plan("test", ours, [release(each.name) for each in ours])
    for one, other in itertools.permutations(plan.members.values(), 2):
        dial = next(each for each in plan.dials(one.name) if each["member"] == other.name)
        assert dial["address"].startswith("10." if one.network == other.network else "198.51.100.")


def test_the_name_of_a_fleet_s_only_network_is_no_part_of_its_plan() -> None:
    def of(network: str) -> str:
        ours = [member(index, network=network) for index in (1, 2)]
        return make_plan("test", ours, [release(each.name) for each in ours]).id

    assert of("vpc-1") == of("")
