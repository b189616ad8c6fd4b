# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One fleet over machines and pods: who is joined, who dials whom where, and what cannot be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.praxis.cloud.plugins.module_utils.fleet import outside, topology
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.table import Member
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes import across, mesh

PEER = "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN"
OTHER = "12D3KooWA4Xop1JaT3MHxwYMkCepYsv4iPVopMXwCz5iHYdBfeSB"


def pods(count: int, network: str = "", announced: bool = False) -> list[mesh.Pod]:
    return [
        mesh.Pod("agent", ordinal, f"agent-{ordinal}.agent.praxis.svc", 4001, PEER, network,
                 *(("10.9.0.1", 30400 + ordinal) if announced else ("", 0)))
        for ordinal in range(count)
    ]  # fmt: skip


def machine(number: int, network: str = "", public: str = "") -> Member:
    return Member(f"vm-{number}", f"vm-{number}", (f"10.0.0.{number}",), 4002, 8000, peer_id=OTHER, network=network,
                  public_address=public)  # fmt: skip


@pytest.mark.parametrize(
    ("network", "public", "announced", "by", "at"),
    [
        ("", "", False, outside.PODS, "10.0.0.1"),
        ("", "198.51.100.1", False, outside.PODS, "10.0.0.1"),
        ("", "", True, outside.BOTH, "10.0.0.1"),
        ("vpc", "198.51.100.1", False, outside.PODS, "198.51.100.1"),
        ("vpc", "198.51.100.1", True, outside.BOTH, "198.51.100.1"),
        ("vpc", "", True, outside.MACHINE, ""),
    ],
)
def test_who_dials_follows_from_addresses(network: str, public: str, announced: bool, by: str, at: str) -> None:
    (edge,) = across.edges(pods(1, announced=announced), [machine(1, network, public)])
    assert edge.machine_address == at
    assert across.refusals([edge]) == []
    listed = across.machine_lists([edge]).get("agent-0", [])
    assert listed == ([f"/ip4/{at}/tcp/4002/p2p/{OTHER}"] if at else [])
    (outsider,) = across.outside([edge])["vm-1"]
    assert outsider.dialled_by == by
    assert outsider.address == ("10.9.0.1" if announced else "")
    assert outsider.dials == (f"{at}:4002" if at else "")


def test_a_pair_that_nobody_can_dial_is_refused_with_its_machines() -> None:
    found = across.refusals(across.edges(pods(2), [machine(1, "vpc"), machine(2)]))
    assert [(each.code, each.where) for each in found] == [("no-way-across", "agent")]
    assert "vm-1" in found[0].what and "vm-2" not in found[0].what


def test_the_rows_say_who_dials_where() -> None:
    edges = across.edges(pods(3, announced=True), [machine(1), machine(2, "vpc")])
    rows = outside.rows(across.outside(edges))
    assert [(row["machine"], row["dialled_by"], row["machine_address"]) for row in rows] == [
        ("vm-1", "both", "10.0.0.1:4002"), ("vm-2", "the machine", "")]  # fmt: skip
    assert outside.lines(rows) == [
        "agent-0 to agent-2 dial vm-1 at 10.0.0.1:4002, and vm-1 dials agent-0 to agent-2 at 10.9.0.1:30400 to "
        "10.9.0.1:30402.",
        "vm-2 dials agent-0 to agent-2 at 10.9.0.1:30400 to 10.9.0.1:30402.",
    ]
    (alone,) = outside.lines(outside.rows(across.outside(across.edges(pods(1), [machine(1)]))))
    assert alone == "agent-0 dials vm-1 at 10.0.0.1:4002."


@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 60))
def test_all_are_connected_however_many_pods_run(most: int, running: int, count: int) -> None:
    """Machines are joined among themselves; the pods that run are the first so many."""
    every, machines = pods(most), [machine(number) for number in range(1, count + 1)]
    found = across.edges(every, machines)
    there = every[: min(running, most)]
    names = [pod.name for pod in there] + [each.name for each in machines]
    edges = {topology.edge(each.pod.name, each.machine.name) for each in found if each.pod in there}
    edges |= topology.planned_edges(each.name for each in machines)
    assert len(topology.components(names, edges)) == 1
    around = topology.neighbours({*names, *(pod.name for pod in every)}, edges)
    assert all(len(around[pod.name]) >= min(across.LINKS, count) for pod in there)


@given(st.permutations(range(1, 9)), st.integers(1, 40))
def test_both_halves_work_out_the_same_edges(order: list[int], most: int) -> None:
    """In whatever order the inventory gives the machines; and one that is gone takes only its own edges."""
    one = across.edges(pods(most), [machine(number) for number in range(1, 9)])
    other = across.edges(list(reversed(pods(most))), [machine(number) for number in order])
    assert one == other
    fewer = across.edges(pods(most), [machine(number) for number in range(1, 8)])
    assert {each for each in one if each.machine.name != "vm-8"} <= set(fewer)


def test_the_machines_come_last_in_a_pod_s_list() -> None:
    edges = across.edges(pods(2), [machine(1)])
    lists = mesh.bootstrap_lists(pods(2), across.machine_lists(edges))
    assert [text.split("/")[2] for text in lists["agent-0"]] == ["agent-1.agent.praxis.svc", "10.0.0.1"]
