# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is depended on, and that they are activated last, each alone."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.praxis.cloud.plugins.module_utils.fleet import topology
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.batches import Pace, roll_back, split
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.dependence import dependents, places
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.order import make_order
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.plan import Plan, make_plan
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.table import table_from_plain

from .made import PEERS, member, meshed, observation, release


def fleet(
    size: int, points: dict[int, list[Any]] | None = None, activate: dict[int, str] | None = None, zones: str = ""
) -> Plan:
    """Members of whom some point at others: at texts, or at members by their addresses."""
    members, releases = [], []
    for index in range(1, size + 1):
        zone = {"zone": zones[index - 1]} if zones else {}
        members.append(member(index, activate=(activate or {}).get(index, "auto"), **zone))
        given_ = (points or {}).get(index, [])
        at = [item if isinstance(item, str) else "http://10.0.0.%d:8000/mcp" % item for item in given_]
        agent = {"name": "m%d" % index, "external_mcp_endpoints": at}
        settings = {"agent": agent, "api": {"host": "10.0.0.%d" % index}}
        releases.append(release("m%d" % index, settings=settings))
    return make_plan("test", members, releases)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("http://10.0.0.2:8000/mcp", {"m2"}),
        ("10.0.0.2", {"m2"}),
        ("http://10.0.0.20:8000", set()),
        ("http://110.0.0.2:8000", set()),
        ("http://m2:8000/a2a/v1", {"m2"}),
        ("https://user@M2.internal/a2a", {"m2"}),
        ("/dns4/m2.fleet.internal/tcp/4001", {"m2"}),
        ("http://m22:8000", set()),
        ("http://example.com/m2", set()),
        ("m2 is the best", set()),
        ("/ip4/10.0.0.3/tcp/4001/p2p/" + PEERS[2], {"m3"}),
        (PEERS[1], {"m2"}),
        ("http://10.0.0.1:8000", set()),
        ("http://10.0.0.2:1 http://10.0.0.3:1", {"m2", "m3"}),
    ],
)
def test_who_is_named(text: str, named: set[str]) -> None:
    plan = fleet(3, {1: [text]})
    found = dependents(plan.members, plan.releases)
    assert {name for name, others in found.items() if others == {"m1"}} == named
    assert {name for name, others in found.items() if others} == named


def test_variables_count_as_settings_do_and_another_network_s_addresses_do_not() -> None:
    members = [member(1), member(2), member(3, network="far", public_address="203.0.113.3", addresses=("10.0.0.2",))]
    at = {"PEER": "http://10.0.0.2:8000", "FAR": "http://203.0.113.3:8000"}
    plan = make_plan("test", members, [release("m1", environment=at), release("m2"), release("m3")])
    assert dependents(plan.members, plan.releases) == {"m1": set(), "m2": {"m1"}, "m3": {"m1"}}
    plan = make_plan("test", members, [release("m1", environment={"PEER": at["PEER"]}), release("m2"), release("m3")])
    assert dependents(plan.members, plan.releases)["m3"] == set()


@pytest.mark.parametrize(
    ("points", "activate", "expected"),
    [
        ({}, {}, {}),
        ({1: [2], 3: [2]}, {}, {"m2": 2}),
        ({1: [2, 3], 4: [3]}, {}, {"m2": 1, "m3": 2}),
        ({1: [2], 2: [3], 3: [4], 4: [1]}, {}, {}),
        ({1: [2], 2: [3], 3: [4], 4: [1, 2]}, {}, {"m2": 2}),
        ({}, {3: "last"}, {"m3": 4}),
        ({1: [2]}, {2: "any"}, {}),
        ({1: [2]}, {3: "last"}, {"m2": 1, "m3": 4}),
    ],
)
def test_only_who_is_depended_on_more_than_others_comes_last(
    points: Any, activate: Any, expected: dict[str, int]
) -> None:
    plan = fleet(4, points, activate)
    assert {name: place for name, place in places(plan.members, plan.releases).items() if place} == expected
    again = table_from_plain(plan.to_plain())
    assert {name: item.last for name, item in again.members.items() if item.last} == expected


@pytest.mark.parametrize("size", [2, topology.FULL_MESH_LIMIT, 40, 300])
def test_the_mesh_makes_nobody_depended_on(size: int) -> None:
    around = topology.neighbours(map(str, range(size)), topology.planned_edges(map(str, range(size))))
    edges = [len(others) for others in around.values()]
    assert max(edges) <= 2 * min(edges)


def outcomes(plan: Plan) -> dict[str, Any]:
    return {name: {"observation": found, "activation": "switch"} for name, found in meshed(plan).items()}


def test_the_canary_is_not_one_of_them_and_they_are_alone() -> None:
    plan = fleet(6, {2: [1], 3: [1, 4]})
    order = make_order(plan, outcomes(plan), plan.order, Pace(3, 1))
    assert order.activate == ["m2", "m3", "m5", "m6", "m4", "m1"]
    assert order.serial == [1, 3, 1, 1]
    whole = make_order(plan, outcomes(plan), plan.order, Pace("100%", 6))
    assert whole.serial == [6]


def test_one_that_does_not_serve_comes_first_all_the_same() -> None:
    plan = fleet(4, {2: [1]})
    found = outcomes(plan)
    found["m1"]["observation"] = observation(plan, "m1", [], api={"health": None, "peer_id": None, "error": "refused"})
    order = make_order(plan, found, plan.order, Pace())
    assert (order.findings, order.activate) == ((), ["m1", "m2", "m3", "m4"])


def test_a_rollback_keeps_the_order() -> None:
    plan = fleet(4, {2: [1]})
    observations = meshed(plan)
    assert roll_back(plan, plan.members, observations, Pace(2)) == [["m2", "m3"], ["m4"], ["m1"]]
    observations["m1"] = observation(plan, "m1", [], api={"health": None, "peer_id": None, "error": "refused"})
    assert roll_back(plan, plan.members, observations, Pace(2)) == [["m1"], ["m2", "m3"], ["m4"]]


@given(st.data())
def test_everybody_once_the_canary_first_and_the_depended_on_last(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 12))
    index = st.integers(1, size)
    points = data.draw(st.dictionaries(index, st.lists(index, max_size=3), max_size=size))
    activate = data.draw(st.dictionaries(index, st.sampled_from(["auto", "last", "any"]), max_size=size))
    zones = data.draw(st.text("abc", min_size=size, max_size=size))
    batch, canary = data.draw(st.integers(1, 12)), data.draw(st.integers(1, 12))
    plan = fleet(size, points, activate, zones)
    pace = Pace(batch, canary)
    order = make_order(plan, outcomes(plan), plan.order, pace)
    assert order.findings == () and sorted(order.activate) == sorted(plan.members)
    batches, start = [], 0
    for count in order.serial:
        batches.append(order.activate[start : start + count])
        start += count
    assert batches == split(plan, plan.order, pace)
    assert len(batches[0]) <= min(batch, canary)
    at_once = batch >= size
    last = [] if at_once else [name for name, item in plan.members.items() if item.last]
    tail = batches[len(batches) - len(last) :]
    assert sorted(name for one in tail for name in one) == sorted(last)
    assert all(len(one) == 1 for one in tail)
    places_ = [plan.members[one[0]].last for one in tail]
    assert places_ == sorted(places_)
    counts = {zone: zones.count(zone) for zone in zones}
    for one in batches:
        assert len(one) <= batch and size - len(one) >= pace.floor(size, size)
        taken = [plan.members[name].zone for name in one]
        if len(counts) > 1 and not at_once:
            assert all(taken.count(zone) < counts[zone] or counts[zone] == 1 for zone in taken)
    if len(set(zones)) == 1:
        assert len(batches) == pace.batches(size, len(last))
