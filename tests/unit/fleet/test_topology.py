# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.praxis.cloud.plugins.module_utils.fleet.topology import (
    FULL_MESH_LIMIT,
    MIN_EDGES,
    components,
    edge,
    neighbours,
    planned_edges,
)

NAMES = st.sets(st.text("abcdef0123456789-", min_size=1, max_size=8), min_size=1, max_size=120)


@given(NAMES)
def test_every_fleet_is_one_connected_graph(names):
    assert len(components(names, planned_edges(names))) == 1


@given(NAMES)
def test_every_member_has_enough_edges_for_its_gate(names):
    around = neighbours(names, planned_edges(names))
    assert all(len(others) >= min(MIN_EDGES, len(names) - 1) for others in around.values())


@given(st.sets(st.text("abc", min_size=1, max_size=4), min_size=2, max_size=FULL_MESH_LIMIT))
def test_a_small_fleet_is_a_full_mesh(names):
    assert len(planned_edges(names)) == len(names) * (len(names) - 1) // 2


def test_order_of_names_does_not_matter():
    names = ["n%d" % index for index in range(80)]
    assert planned_edges(names) == planned_edges(reversed(names))


def test_a_newcomer_needs_no_new_edge_among_the_others():
    names = ["n%d" % index for index in range(200)]
    before, after = planned_edges(names), planned_edges([*names, "new"])
    assert all("new" in pair for pair in after - before)


@pytest.mark.parametrize("size", [100, 1000])
def test_lists_stay_short_in_large_fleets(size):
    names = ["n%d" % index for index in range(size)]
    around = neighbours(names, planned_edges(names))
    assert max(len(others) for others in around.values()) <= 16


def test_components_names_the_parts():
    assert components("abcd", [edge("a", "b")]) == [["a", "b"], ["c"], ["d"]]


@pytest.mark.parametrize(
    ("size", "full"), [(2, True), (31, True), (32, True), (33, False), (34, False), (100, False), (1000, False)]
)
def test_where_the_full_mesh_ends_every_member_still_has_enough_edges(size, full):
    names = ["n%d" % index for index in range(size)]
    edges = planned_edges(names)
    assert (len(edges) == size * (size - 1) // 2) is full
    assert all(len(others) >= min(MIN_EDGES, size - 1) for others in neighbours(names, edges).values())
