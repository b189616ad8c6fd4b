# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One fleet over machines and pods: which of them are joined, and who dials whom where. Pure.

Both halves work it out of the same inventory, so they agree. A pod dials a machine at the address that its network
gives it; a machine dials a pod where a Service of that pod's own is announced, if there is one. Where neither has an
address for the other there is no edge, and no such fleet.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Dict, List, Sequence, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.agent.identity import multiaddr
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import topology
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.outside import Outsider
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.table import Member, natural
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes import mesh

#: Machines that each pod is joined to, where there are too many members for a full mesh.
LINKS = 4


@dataclass(frozen=True)
class Edge:
    """A pod and a machine that are to be connected."""

    pod: mesh.Pod
    machine: Member

    @property
    def machine_address(self) -> str:
        """Where the pod dials the machine; empty where it cannot."""
        return self.machine.seen_from(self.pod.as_member())[0]

    @property
    def is_possible(self) -> bool:
        return bool(self.machine_address or self.pod.announced)


def edges(pods: Sequence[mesh.Pod], machines: Sequence[Member]) -> List[Edge]:
    """Every edge between the halves. Each pod is joined to machines, so that however many pods run, all are connected
    through them, as the machines are among themselves."""
    ordered = sorted(machines, key=lambda each: natural(each.slot))
    full = len(pods) + len(ordered) <= topology.FULL_MESH_LIMIT
    found = []
    for pod in mesh.in_order(pods):
        near = ordered if full else sorted(ordered, key=lambda each: _place(pod.name, each.name))[:LINKS]
        found += [Edge(pod, machine) for machine in near]
    return found


def _place(pod: str, machine: str) -> bytes:
    return sha256(("%s/%s" % (pod, machine)).encode()).digest()


def refusals(found: Sequence[Edge]) -> List[Finding]:
    """The edges that nobody can dial, a finding for each kind of pods."""
    apart: Dict[str, Dict[str, None]] = defaultdict(dict)
    for each in found:
        if not each.is_possible:
            apart[each.pod.kind][each.machine.name] = None
    fix = (
        "Let the pods reach the machines (praxis_public_ip, or one praxis_network for both), or let the machines "
        "reach the pods (service and addresses in praxis_kubernetes.machines)."
    )
    what = "Its pods and %s cannot dial each other: neither side has an address that the other can reach."
    return [Finding("no-way-across", what % ", ".join(names), kind, fix) for kind, names in apart.items()]


def machine_lists(found: Sequence[Edge]) -> Dict[str, List[str]]:
    """For each pod the multiaddrs of the machines that it dials."""
    listed: Dict[str, List[str]] = defaultdict(list)
    for each in found:
        if each.machine_address and each.machine.peer_id:
            address = multiaddr(each.machine_address, each.machine.p2p_port, each.machine.peer_id)
            listed[each.pod.name].append(address)
    return dict(listed)


def seen_machines(found: Sequence[Edge], members_only: bool) -> Dict[str, Dict[str, Any]]:
    """For each pod its machines as its probe wants them: where their connections may come from, and where it dials.

    :param members_only: whether no leaf dials the pods: then what comes from an unknown address is a machine's, where
        machines dial at all.
    """
    listed: Dict[str, Dict[str, Any]] = {}
    for each in found:
        known = listed.setdefault(each.pod.name, {"strangers": False, "machines": []})
        known["strangers"] = members_only and bool(each.pod.announced)
        known["machines"].append(
            {
                "name": each.machine.name,
                "addresses": list(known_addresses(each.machine)),
                "dial": each.machine_address,
                "port": each.machine.p2p_port,
            }
        )
    return listed


def known_addresses(machine: Member) -> Tuple[str, ...]:
    """All addresses from which what it dials may come."""
    return tuple(dict.fromkeys(address for address in (*machine.addresses, machine.public_address) if address))


def outside(found: Sequence[Edge]) -> Dict[str, Tuple[Outsider, ...]]:
    """For each machine the pods that it is to be connected to."""
    listed: Dict[str, List[Outsider]] = defaultdict(list)
    for each in found:
        dials = "%s:%d" % (each.machine_address, each.machine.p2p_port) if each.machine_address else ""
        pod = each.pod
        listed[each.machine.name].append(Outsider(pod.name, pod.peer_id, pod.announced, pod.announced_port, dials))
    return {name: tuple(pods) for name, pods in listed.items()}
