# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who dials whom in a cluster: names of pods, and the bootstrap list of every pod that the autoscaler may ever ask for.

A pod of a StatefulSet has a name that is known before it runs, and its slot's seed gives its peer id: so all lists are
written once. A name resolves as soon as its pod has an address, because the headless Service publishes pods that are
not ready yet. The agent waits one second for a name that does not resolve, so lists begin with the lowest ordinals:
they are the pods that run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Mapping, Optional, Sequence, Set

from ansible_collections.praxis.cloud.plugins.module_utils.agent.identity import multiaddr
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import topology
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.table import Member
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes.settings import KindSettings

#: Ordinals of each kind that are joined to those of every other kind, where there are too many for a full mesh.
_BRIDGES = 4


@dataclass(frozen=True)
class Pod:
    """A pod of a StatefulSet.

    :param kind: its StatefulSet's name.
    :param host: the name that other pods dial.
    :param network: the private network that it is in, as the machines of its fleet have one.
    :param announced: where machines dial it; empty: nowhere.
    """

    kind: str
    ordinal: int
    host: str
    port: int
    peer_id: str
    network: str = ""
    announced: str = ""
    announced_port: int = 0

    @property
    def name(self) -> str:
        return pod_name(self.kind, self.ordinal)

    @property
    def multiaddr(self) -> str:
        return multiaddr(self.host, self.port, self.peer_id)

    def as_member(self) -> Member:
        """Its place in the fleet."""
        return Member(self.name, self.name, (self.host,), self.port, 0, peer_id=self.peer_id, network=self.network)


def pod_name(kind: str, ordinal: int) -> str:
    """What Kubernetes calls it."""
    return "%s-%d" % (kind, ordinal)


def service_host(settings: KindSettings) -> str:
    """The headless Service's name. It resolves to the addresses of all its pods."""
    return "%s.%s.svc" % (settings.name, settings.namespace)


def pod_host(settings: KindSettings, pod: str) -> str:
    """The name of one pod behind the headless Service. The cluster's own domain is left to the resolver."""
    return "%s.%s" % (pod, service_host(settings))


def edges(pods: Sequence[Pod]) -> Set[topology.Edge]:
    """Every edge among members, so that they are connected however many pods each kind has."""
    if len(pods) <= topology.FULL_MESH_LIMIT:
        return topology.planned_edges(pod.name for pod in pods)
    found: Set[topology.Edge] = set()
    kinds = {pod.kind: [each.name for each in pods if each.kind == pod.kind] for pod in pods}
    for names in kinds.values():
        found |= topology.growing_edges(names)
    return found | topology.planned_edges(name for names in kinds.values() for name in names[:_BRIDGES])


def bootstrap_lists(
    pods: Sequence[Pod], machines: Optional[Mapping[str, Sequence[str]]] = None
) -> Dict[str, List[str]]:
    """For each member its neighbours' multiaddrs, the lowest ordinals first.

    :param machines: for each the multiaddrs of the machines that it dials. They come last: the agent waits longer for
        a machine that is away than for a name that does not resolve.
    """
    around = topology.neighbours([pod.name for pod in pods], edges(pods))
    listed = {}
    for pod in pods:
        near = set(around[pod.name])
        listed[pod.name] = [other.multiaddr for other in in_order(pods) if other.name in near]
        listed[pod.name] += (machines or {}).get(pod.name, ())
    return listed


def leaf_list(pods: Sequence[Pod]) -> List[str]:
    """Whom a leaf dials: nobody can list it, so it needs several members that are sure to run."""
    return [pod.multiaddr for pod in in_order(pods)[: topology.MIN_EDGES]]


def in_order(pods: Sequence[Pod]) -> List[Pod]:
    """The pods that are sure to run first."""
    return sorted(pods, key=lambda pod: (pod.ordinal, pod.kind))
