# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bootstrap lists of pods: connected however many of them run."""

from __future__ import annotations

import itertools

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.fleet import topology
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes import mesh

PEER = "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN"


def pods(**kinds: int) -> list[mesh.Pod]:
    return [
        mesh.Pod(kind, ordinal, f"{kind}-{ordinal}.{kind}.praxis.svc", 4001, PEER)
        for kind, count in kinds.items()
        for ordinal in range(count)
    ]


def parts(there: list[mesh.Pod], edges: set[topology.Edge]) -> int:
    return len(topology.components([pod.name for pod in there], edges))


@pytest.mark.parametrize("most", [2, 10, 32, 33, 60, 100])
def test_pods_are_connected_whatever_their_number(most: int) -> None:
    every = pods(agent=most)
    edges = mesh.edges(every)
    for count in range(1, most + 1):
        assert parts(every[:count], edges) == 1


def test_pods_are_connected_when_one_of_them_is_gone() -> None:
    every = pods(agent=40)
    edges = mesh.edges(every)
    for count, gone in itertools.product((3, 10, 40), range(3)):
        assert parts([pod for pod in every[:count] if pod.ordinal != gone], edges) == 1


def test_kinds_are_connected_whatever_the_number_of_each() -> None:
    every = pods(agent=30, other=30)
    edges = mesh.edges(every)
    for one, other in itertools.product((1, 2, 7, 30), repeat=2):
        there = [pod for pod in every if pod.ordinal < (one if pod.kind == "agent" else other)]
        assert parts(there, edges) == 1


def test_a_larger_maximum_takes_no_edge_away() -> None:
    """Above the limit of a full mesh; below it every edge is there anyway."""
    assert mesh.edges(pods(agent=40)) <= mesh.edges(pods(agent=60))
    assert mesh.edges(pods(agent=5)) <= mesh.edges(pods(agent=32))


def test_rings_alone_would_fall_apart() -> None:
    """Why there is another way than that of machines."""
    every = pods(agent=100)
    rings = topology.planned_edges(pod.name for pod in every)
    assert any(parts(every[:count], rings) > 1 for count in range(2, 100))


def test_no_pod_has_too_many_neighbours() -> None:
    most = max(map(len, mesh.bootstrap_lists(pods(agent=300)).values()))
    assert topology.MIN_EDGES <= most < 80


def test_lists_begin_with_the_pods_that_run() -> None:
    lists = mesh.bootstrap_lists(pods(agent=12, other=2))
    named = [address.split("/")[2].split(".")[0] for address in lists["agent-1"]]
    assert named[:5] == ["agent-0", "other-0", "other-1", "agent-2", "agent-3"]
    assert named[-1] == "agent-11"
    assert lists["agent-1"][0] == f"/dns4/agent-0.agent.praxis.svc/tcp/4001/p2p/{PEER}"


def test_every_edge_is_in_both_lists() -> None:
    lists = mesh.bootstrap_lists(pods(agent=50))
    named = {pod: {address.split("/")[2].split(".")[0] for address in listed} for pod, listed in lists.items()}
    assert all(pod in named[other] for pod, others in named.items() for other in others)
    assert all(pod not in others for pod, others in named.items())
