# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans and observations made by hand, for the tests of the fleet layer."""

from __future__ import annotations

from typing import Any, Dict, Iterable, Sequence, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.fleet.order import Order
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.plan import Plan, make_plan
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.release import Release
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.table import Member
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.topology import edge

PEERS = (
    "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN",
    "12D3KooWA4Xop1JaT3MHxwYMkCepYsv4iPVopMXwCz5iHYdBfeSB",
    "12D3KooWHoSyTgntm77sXShoeX9uNkqKNMhHxKtskaHqnA54SrSG",
    "12D3KooWG1LGVccbDXGcYh8eyezHwiiqy3wLM9B7JWw61w27LzJg",
)
IMAGE = "registry.example/praxis@sha256:" + "0" * 64


def member(index: int, **values: Any) -> Member:
    known: Dict[str, Any] = {
        "name": "m%d" % index,
        "slot": "aws-%d" % index,
        "addresses": ("10.0.0.%d" % index,),
        "p2p_port": 4001,
        "api_port": 8000,
        "peer_id": PEERS[index - 1] if index <= len(PEERS) else None,
    }
    return Member(**{**known, **values})


def release(name: str, **values: Any) -> Release:
    known: Dict[str, Any] = {
        "name": name,
        "image": IMAGE,
        "document": "agent:\n  name: %s\np2p:\n  port: 4001\n" % name,
        "settings": {"agent": {"name": name}, "p2p": {"port": 4001}},
        "environment": {"PRAXIS_API__PORT": "8000"},
        "secrets": {"OPENAI_API_KEY": "v1"},
        "api_port": 8000,
        "p2p_port": 4001,
    }
    return Release(**{**known, **values})


def fleet(size: int, **values: Any) -> Plan:
    members = [member(index) for index in range(1, size + 1)]
    return make_plan("test", members, [release(item.name) for item in members], **values)


def observation(plan: Plan, name: str, connected: Iterable[str], **values: Any) -> Dict[str, Any]:
    """A healthy member's observation; it is connected to these, and dials every neighbour with success."""
    here = plan.members[name]
    known: Dict[str, Any] = {
        "release": {"current": here.release, "running": here.release, "good": here.release, "kept": []},
        "container": {"state": "running", "health": "healthy", "exit_code": 0},
        "api": {"health": 200, "peer_id": here.peer_id, "error": None},
        "edges": [flow(plan, name, other) for other in connected],
        "dials": {"%s:4001" % plan.members[other].address: "ok" for other in plan.around[name]},
    }
    return {**known, **values}


def flow(plan: Plan, name: str, other: str, retransmits: int = 0) -> Dict[str, Any]:
    """One connection as ``name`` lists it. The alphabetically later member dialled."""
    dialler = max(name, other)
    source = 40000 + sum(map(ord, edge(name, other)[0] + edge(name, other)[1]))
    far = plan.members[other].address
    ends: Tuple[str, str] = ("172.18.0.2:4001", "%s:%d" % (far, source))
    if dialler == name:
        ends = ("172.18.0.2:%d" % source, "%s:4001" % far)
    return {"local": ends[0], "remote": ends[1], "retransmits": retransmits, "tx_queue": 0}


def meshed(plan: Plan, without: Sequence[Tuple[str, str]] = ()) -> Dict[str, Dict[str, Any]]:
    """Everybody's observation, all planned edges standing but these."""
    gone = {edge(*pair) for pair in without}
    return {
        name: observation(plan, name, [other for other in plan.around[name] if edge(name, other) not in gone])
        for name in plan.members
    }


def order(**values: Any) -> Order:
    """An order of nothing, but for these values."""
    nothing: Dict[str, Any] = {
        "needs_docker": [], "activate": [], "restart": [], "serial": [], "min_edges": {}, "watch": {}, "ports": {},
        "back": {}, "unconfirmed": [], "left_out": (), "first_deployment": False, "observe_again": False, "live": set(),
        "findings": (),
    }  # fmt: skip
    return Order(**{**nothing, **values})
