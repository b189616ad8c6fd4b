# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From kinds of agents to the objects of a cluster."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ansible_collections.praxis.cloud.plugins.module_utils.agent.peers import with_peers
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.table import Member
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes import across, mesh
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes.resources import COMPONENT
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes.settings import (
    MEMBER,
    NODE_PORT,
    policy_peer,
)
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes.workload import Kind

Object = Dict[str, Any]
#: What the API server takes at most as the data of one ConfigMap.
LARGEST_CONFIG = 1024 * 1024
#: What a pod's machines are called after it in the ConfigMap of bootstrap lists.
MACHINES = ".machines"
#: What a pod's expected peer id is called after it there.
PEER_ID = ".id"
_MANAGER = {"app.kubernetes.io/managed-by": "praxis.cloud"}


def objects(kinds: Sequence[Kind], pods: Sequence[mesh.Pod], machines: Sequence[Member] = ()) -> List[Object]:
    """All objects of a fleet, each before those that need it.

    :param machines: those of its members that are in no cluster.
    """
    found = [namespace(kinds[0])] if any(kind.settings.create_namespace for kind in kinds) else []
    edges = across.edges(pods, machines)
    lists = mesh.bootstrap_lists(pods, across.machine_lists(edges))
    seen = across.seen_machines(edges, all(kind.is_member for kind in kinds))
    for kind in kinds:
        own = {pod.name: pod for pod in pods if pod.kind == kind.name}
        data = member_peers(kind, own, lists, seen) if kind.is_member else leaf_peers(kind, mesh.leaf_list(pods))
        found += _of_kind(kind, data, machines)
        found += [announced(kind, pod) for pod in own.values()] if machines and kind.settings.machines.service else []
    return found


def _of_kind(kind: Kind, peers: Mapping[str, str], machines: Sequence[Member]) -> List[Object]:
    found: List[Optional[Object]] = [
        account(kind),
        config(kind),
        _object(kind, "v1", "ConfigMap", kind.peers_name, data=dict(peers)),
        external(kind, "secrets"),
        external(kind, "identities"),
        headless(kind) if kind.is_member else None,
        api(kind),
        policy(kind, machines),
        budget(kind),
        stateful(kind) if kind.is_member else deployment(kind),
        autoscaler(kind),
    ]
    return [each for each in found if each is not None]


def have_machines(found: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the fleet of these objects has machines as well."""
    configs = (each for each in found if each["kind"] == "ConfigMap")
    return any(name.endswith(MACHINES) for each in configs for name in each.get("data") or {})


def check_size(kind: str, data: Mapping[str, str]) -> List[Finding]:
    """Whether a ConfigMap can hold it."""
    size = sum(len(key.encode()) + len(text.encode()) for key, text in data.items())
    if size <= LARGEST_CONFIG:
        return []
    what = "Its settings or bootstrap lists are %d bytes, and a ConfigMap holds %d." % (size, LARGEST_CONFIG)
    fix = "Lower autoscaler.max, or put some of the pods into another kind."
    return [Finding("config-too-large", what, kind, fix)]


def member_peers(
    kind: Kind,
    own: Mapping[str, mesh.Pod],
    lists: Mapping[str, Sequence[str]],
    machines: Mapping[str, Mapping[str, Any]],
) -> Dict[str, str]:
    """Each pod's bootstrap list, as the rest of its file; and for its probe its peer id and its machines."""
    found = {}
    for name, pod in own.items():
        found["%s.yaml" % name] = peers_text(kind, lists[name])
        found["%s%s" % (name, PEER_ID)] = pod.peer_id + "\n"
        if name in machines:
            known = {**machines[name], "edges": kind.settings.machines.edges}
            found["%s%s" % (name, MACHINES)] = json.dumps(known, sort_keys=True) + "\n"
    return found


def leaf_peers(kind: Kind, multiaddrs: Sequence[str]) -> Dict[str, str]:
    """The bootstrap list that all leaves share."""
    return {"peers.yaml": peers_text(kind, multiaddrs)}


def peers_text(kind: Kind, multiaddrs: Sequence[str]) -> str:
    """What :func:`with_peers` adds to the agent's file: both are joined when the pod starts."""
    document = kind.release.document
    return with_peers(document, multiaddrs)[len(document) :]


def namespace(kind: Kind) -> Object:
    """The namespace, in which only pods without rights are admitted."""
    name = kind.settings.namespace
    levels = {"pod-security.kubernetes.io/%s" % mode: "restricted" for mode in ("enforce", "audit", "warn")}
    labels = {"app.kubernetes.io/instance": kind.fleet, **_MANAGER, **levels}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def account(kind: Kind) -> Optional[Object]:
    """As whom the pods are known to the cloud."""
    settings = kind.settings.service_account
    if not settings.create:
        return None
    made = _object(kind, "v1", "ServiceAccount", kind.account, automountServiceAccountToken=False)
    if settings.annotations:
        made["metadata"]["annotations"] = dict(sorted(settings.annotations.items()))
    return made


def config(kind: Kind) -> Object:
    """What the pods of this release read. It never changes: another release has another."""
    data = {"agent.yaml": kind.release.document, **dict(sorted(kind.probe.items()))}
    return _object(kind, "v1", "ConfigMap", kind.config_name, immutable=True, data=data)


def external(kind: Kind, part: str) -> Optional[Object]:
    """The ExternalSecret of its secrets or of its seeds, if the cluster is to fetch them."""
    secret = kind.secrets if part == "secrets" else kind.identities
    if secret is None or not secret.is_external:
        return None
    metadata = _metadata(kind, secret.name)
    return secret.manifest(metadata, immutable=part == "secrets")


def headless(kind: Kind) -> Object:
    """The Service that gives each pod a name, before it is ready: its siblings dial it in order to become ready."""
    spec = {"clusterIP": "None", "publishNotReadyAddresses": True, "selector": kind.selector, "ports": [_p2p(kind)]}
    return _object(kind, "v1", "Service", kind.name, spec=spec)


def announced(kind: Kind, pod: mesh.Pod) -> Object:
    """The Service by which machines dial one pod, before it is ready. A load balancer leaves the dialling end's address
    as it is; through a node's port every node leads to the pod, wherever it runs."""
    around = kind.settings.machines
    port = _p2p(kind)
    spec: Object = {
        "type": around.service,
        "publishNotReadyAddresses": True,
        "selector": {**kind.selector, "statefulset.kubernetes.io/pod-name": pod.name},
        "ports": [port],
    }
    if around.service == NODE_PORT:
        spec["externalTrafficPolicy"] = "Cluster"
        port["nodePort"] = pod.announced_port
    else:
        spec["externalTrafficPolicy"] = "Local"
        if pod.announced:
            spec["loadBalancerIP"] = pod.announced
    made = _object(kind, "v1", "Service", "%s-p2p" % pod.name, spec=spec)
    if around.annotations:
        made["metadata"]["annotations"] = dict(sorted(around.annotations.items()))
    return made


def api(kind: Kind) -> Object:
    """The Service of the API: of ready pods alone."""
    ports = [{"name": "api", "port": kind.release.api_port, "protocol": "TCP", "targetPort": "api"}]
    spec = {"type": "ClusterIP", "selector": kind.selector, "ports": ports}
    return _object(kind, "v1", "Service", "%s-api" % kind.name, spec=spec)


def _p2p(kind: Kind) -> Object:
    """The port of a Service by which an agent is dialled."""
    return {"name": "p2p", "port": kind.release.p2p_port, "protocol": "TCP", "targetPort": "p2p"}


def policy(kind: Kind, machines: Sequence[Member] = ()) -> Object:
    """Who may come in: P2P, which knows no authentication, from this fleet's agents, and where machines dial its pods,
    from them; the API from who is named."""
    agents = {key: value for key, value in kind.selector.items() if key != COMPONENT}
    ingress: List[Object] = []
    if kind.is_member:
        ports = [{"port": kind.release.p2p_port, "protocol": "TCP"}]
        sources = [{"podSelector": {"matchLabels": agents}}, *_from_machines(kind, machines)]
        ingress.append({"from": sources, "ports": ports})
    if kind.settings.api_from:
        callers = [policy_peer(each) for each in kind.settings.api_from]
        ingress.append({"from": callers, "ports": [{"port": kind.release.api_port, "protocol": "TCP"}]})
    spec = {"podSelector": {"matchLabels": kind.selector}, "policyTypes": ["Ingress"], "ingress": ingress}
    return _object(kind, "networking.k8s.io/v1", "NetworkPolicy", kind.name, spec=spec)


def _from_machines(kind: Kind, machines: Sequence[Member]) -> List[Object]:
    """The machines, and the nodes that give what comes in through them their own address."""
    around = kind.settings.machines
    if not around.service:
        return []
    nodes = around.addresses if around.service == NODE_PORT else ()
    known = [address for machine in machines for address in across.known_addresses(machine)]
    return [{"ipBlock": {"cidr": "%s/32" % address}} for address in dict.fromkeys([*known, *nodes])] if machines else []


def budget(kind: Kind) -> Object:
    """How many pods an emptied node may take away at once. One that is not ready anyway may always go."""
    spec = {
        "maxUnavailable": kind.settings.max_unavailable,
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
        "selector": {"matchLabels": kind.selector},
    }
    return _object(kind, "policy/v1", "PodDisruptionBudget", kind.name, spec=spec)


def stateful(kind: Kind) -> Object:
    """Members: each pod's ordinal is its slot. Pods start side by side, because they wait for each other."""
    spec = {
        "serviceName": kind.name,
        **_replicas(kind),
        "podManagementPolicy": "Parallel",
        "minReadySeconds": kind.settings.soak,
        "revisionHistoryLimit": 5,
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
        "selector": {"matchLabels": kind.selector},
        "template": kind.pod(),
    }
    return _object(kind, "apps/v1", "StatefulSet", kind.name, spec=spec)


def deployment(kind: Kind) -> Object:
    """Leaves: nobody dials them, and none is like another one that was before it."""
    spec = {
        **_replicas(kind),
        "minReadySeconds": kind.settings.soak,
        "revisionHistoryLimit": 5,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
        "selector": {"matchLabels": kind.selector},
        "template": kind.pod(),
    }
    return _object(kind, "apps/v1", "Deployment", kind.name, spec=spec)


def _replicas(kind: Kind) -> Dict[str, int]:
    """Beside an autoscaler it is never written: each deployment would undo what the load has asked for."""
    return {} if kind.settings.replicas is None else {"replicas": kind.settings.replicas}


def autoscaler(kind: Kind) -> Optional[Object]:
    """How the load decides on the number of pods. One goes at a time, and only after a while of less load."""
    if kind.settings.replicas is not None:
        return None
    scale = kind.settings.autoscaler
    metrics = [_metric("cpu", scale.cpu)] + ([_metric("memory", scale.memory)] if scale.memory else [])
    spec = {
        "scaleTargetRef": {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet" if kind.settings.role == MEMBER else "Deployment",
            "name": kind.name,
        },
        "minReplicas": scale.min,
        "maxReplicas": scale.max,
        "metrics": metrics,
        "behavior": {
            "scaleUp": _behaviour(0, pods=2, seconds=60),
            "scaleDown": _behaviour(scale.stabilization, pods=1, seconds=60),
        },
    }
    return _object(kind, "autoscaling/v2", "HorizontalPodAutoscaler", kind.name, spec=spec)


def _metric(name: str, percent: int) -> Object:
    target = {"type": "Utilization", "averageUtilization": percent}
    return {"type": "Resource", "resource": {"name": name, "target": target}}


def _behaviour(window: int, pods: int, seconds: int) -> Object:
    policies = [{"type": "Pods", "value": pods, "periodSeconds": seconds}]
    return {"stabilizationWindowSeconds": window, "selectPolicy": "Max", "policies": policies}


def _object(kind: Kind, version: str, what: str, name: str, **rest: Any) -> Object:
    return {"apiVersion": version, "kind": what, "metadata": _metadata(kind, name), **rest}


def _metadata(kind: Kind, name: str) -> Object:
    return {"name": name, "namespace": kind.settings.namespace, "labels": {**kind.selector, **_MANAGER}}
