# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who bootstraps from whom.

The agent dials its bootstrap list once, ten seconds after its P2P start, and passes nothing on: the mesh is exactly
the lists. So every edge stands in the lists of both its ends, and whichever end starts later makes the connection.
"""

from __future__ import annotations

import hashlib
from typing import Dict, Iterable, List, Sequence, Set, Tuple

#: Up to this many members every member lists every other one.
FULL_MESH_LIMIT = 32
#: Larger fleets are joined by this many independent rings: each ring alone connects everybody, so the mesh stays
#: connected while any one ring is whole, and a newcomer changes two lists a ring instead of all of them.
RINGS = 8
#: A member with fewer live edges than this (or than there are others) fails the mesh gate.
MIN_EDGES = 8

Edge = Tuple[str, str]


def edge(one: str, other: str) -> Edge:
    """The undirected edge between two members, in one spelling."""
    return (one, other) if one < other else (other, one)


def planned_edges(names: Iterable[str], full_mesh_limit: int = FULL_MESH_LIMIT, rings: int = RINGS) -> Set[Edge]:
    """Every edge of the mesh. The same names give the same edges, in whatever order they come."""
    ordered = sorted(set(names))
    if len(ordered) <= max(full_mesh_limit, 2):
        return {(one, other) for index, one in enumerate(ordered) for other in ordered[index + 1 :]}
    found: Set[Edge] = set()
    for ring in range(rings):
        circle = sorted(ordered, key=lambda name: hashlib.sha256(f"{ring}/{name}".encode()).digest())
        found.update(edge(name, circle[index - 1]) for index, name in enumerate(circle))
    return found


def growing_edges(ordered: Sequence[str], full_mesh_limit: int = FULL_MESH_LIMIT, links: int = MIN_EDGES) -> Set[Edge]:
    """Every edge of a mesh of which, at any time, only the first so many members run.

    Where an autoscaler says how many they are, rings would fall apart: each runs through members that are not there.
    Here each member is joined to members before it, so the first so many are connected, whatever their number. A
    longer list only adds edges.
    """
    if len(ordered) <= full_mesh_limit:
        return planned_edges(ordered, full_mesh_limit)
    found: Set[Edge] = set()
    for index, name in enumerate(ordered):
        before = sorted(ordered[:index], key=lambda other: hashlib.sha256(f"{name}/{other}".encode()).digest())
        found.update(edge(name, other) for other in before[:links])
    return found


def neighbours(names: Iterable[str], edges: Iterable[Edge]) -> Dict[str, List[str]]:
    """For each name its neighbours, sorted."""
    found: Dict[str, List[str]] = {name: [] for name in names}
    for one, other in edges:
        found[one].append(other)
        found[other].append(one)
    return {name: sorted(others) for name, others in found.items()}


def components(names: Iterable[str], edges: Iterable[Edge]) -> List[List[str]]:
    """The connected parts of a graph, largest first, each sorted."""
    left = set(names)
    around = neighbours(left, (pair for pair in edges if pair[0] in left and pair[1] in left))
    parts: List[List[str]] = []
    while left:
        queue = [left.pop()]
        part = list(queue)
        while queue:
            reached = [name for name in around[queue.pop()] if name in left]
            left.difference_update(reached)
            queue.extend(reached)
            part.extend(reached)
        parts.append(sorted(part))
    return sorted(parts, key=lambda part: (-len(part), part))
