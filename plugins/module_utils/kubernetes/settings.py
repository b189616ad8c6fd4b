# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``praxis_kubernetes``, checked: what a kind of agents is to be in a cluster."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Dict, Mapping, Optional, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.option_reader import (
    OptionReader,
    listed,
    matches,
    number,
    truth,
    word,
)
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes import shapes

VARIABLE = "praxis_kubernetes"
MEMBER, LEAF = "member", "leaf"
NODE_PORT, LOAD_BALANCER = "NodePort", "LoadBalancer"
#: Kubernetes' own words for how strictly zones are kept apart.
_SPREAD = {"prefer": "ScheduleAnyway", "require": "DoNotSchedule"}
_STORE_KINDS = ("ClusterSecretStore", "SecretStore")
# A Service's name begins with a letter. It is shorter than the 63 characters that a label may have: objects and pods
# are called after it, and the StatefulSet's controller adds a hash of its own.
_NAME = re.compile(r"[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?")
_NAMESPACE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_REFRESH = re.compile(r"(?:[0-9]{1,6}(?:s|m|h))+")


@dataclass(frozen=True)
class Autoscaler:
    """How many pods there are: by load, from ``min`` to ``max``.

    :param cpu: percent of the requested CPU that the pods are to use on average.
    :param memory: the same of memory; 0: it does not count.
    :param stabilization: seconds of lower load before a pod is taken away.
    """

    min: int = 2
    max: int = 10
    cpu: int = 70
    memory: int = 0
    stabilization: int = 300


@dataclass(frozen=True)
class SecretSource:
    """Where the cluster takes secrets from: stores of the External Secrets Operator, or a Secret that is there.

    :param stores: by ``aws-sm`` and ``gcp-sm``, the name of a store.
    :param existing: the name of a Secret; with it no store is used.
    """

    stores: Mapping[str, str] = field(default_factory=dict)
    store_kind: str = _STORE_KINDS[0]
    refresh: str = "1h"
    existing: str = ""


@dataclass(frozen=True)
class ServiceAccount:
    """As whom a pod is known to the cloud. Annotations are what Workload Identity and IRSA read."""

    name: str = ""
    create: bool = True
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Machines:
    """How the pods of a kind and the machines of the same fleet reach each other.

    :param edges: live edges to machines that a pod needs.
    :param service: the type of the Service that announces each pod to the machines; empty: they do not dial pods.
    :param addresses: where machines dial: nodes, any of which leads to every pod; or load balancers by ordinal.
    :param port: of ordinal 0 on the nodes; each further pod has the next one.
    :param annotations: of these Services.
    """

    edges: int = 1
    service: str = ""
    addresses: Tuple[str, ...] = ()
    port: int = 30400
    annotations: Mapping[str, str] = field(default_factory=dict)

    def announced(self, ordinal: int, p2p_port: int) -> Tuple[str, int]:
        """Where machines dial a pod; no address where they do not."""
        if self.service == NODE_PORT:
            return self.addresses[ordinal % len(self.addresses)], self.port + ordinal
        if self.service == LOAD_BALANCER and ordinal < len(self.addresses):
            return self.addresses[ordinal], p2p_port
        return "", 0


@dataclass(frozen=True)
class KindSettings:
    """What ``praxis_kubernetes`` says of one kind of agents.

    :param replicas: a fixed number of pods; None: the autoscaler decides.
    :param cpu: CPU that a pod requests. The autoscaler's percentage is one of this.
    :param cpu_limit: CPU that it gets at most; empty: no limit.
    :param api_from: who may call the API, as peers of a NetworkPolicy.
    :param min_edges: live edges that a pod needs to be ready, or as many as other pods run.
    :param drain: seconds between a pod's removal from the Service and its end.
    :param soak: seconds that a pod has to be ready before the next one is replaced.
    """

    name: str
    namespace: str = "praxis"
    create_namespace: bool = True
    role: str = MEMBER
    replicas: Optional[int] = None
    autoscaler: Autoscaler = Autoscaler()
    cpu: str = "250m"
    cpu_limit: str = ""
    secrets: SecretSource = SecretSource()
    identities: SecretSource = SecretSource()
    peer_ids: Tuple[str, ...] = ()
    seeds: Tuple[str, ...] = field(default=(), repr=False)
    api_from: Tuple[Mapping[str, Any], ...] = ()
    service_account: ServiceAccount = ServiceAccount()
    machines: Machines = Machines()
    image_pull_secrets: Tuple[str, ...] = ()
    zone_spread: str = "prefer"
    max_unavailable: int = 1
    min_edges: int = 1
    drain: int = 10
    soak: int = 30

    @property
    def maximum(self) -> int:
        """The most pods that there can be."""
        return self.autoscaler.max if self.replicas is None else self.replicas

    @property
    def minimum(self) -> int:
        """The fewest pods that there can be."""
        return self.autoscaler.min if self.replicas is None else self.replicas

    @property
    def unsatisfiable(self) -> str:
        """What the scheduler does when zones cannot be kept even."""
        return _SPREAD[self.zone_spread]


#: Who may call the API when nothing is said: pods of the same namespace that carry this label.
API_CLIENTS: Mapping[str, Any] = {"podSelector": {"matchLabels": {"praxis.cloud/api-client": "true"}}}


def read_kind(given: Mapping[str, Any], name: str) -> KindSettings:
    """One kind's settings.

    :param given: ``praxis_kubernetes`` with what ``praxis_kubernetes_kind`` lays over it.
    :param name: the inventory's name of it.
    :raises Failed: with everything that is unknown, or cannot be.
    """
    reader = OptionReader(VARIABLE, "kubernetes", name, hidden=("seeds",))
    values = reader.section("", given, _TOP)
    values.setdefault("name", name)
    if _fault_of_name(values["name"]):
        reader.add("name", values["name"], _fault_of_name(values["name"]))
    if reader.findings:
        raise Failed(*reader.findings)
    values["autoscaler"] = Autoscaler(**values.get("autoscaler", {}))
    values["secrets"] = SecretSource(**values.get("secrets", {}))
    values["identities"] = SecretSource(**values.get("identities", {}))
    values["service_account"] = ServiceAccount(**values.get("service_account", {}))
    around = values.get("machines", {})
    values["machines"] = Machines(**{**around, "addresses": tuple(around.get("addresses", ()))})
    values["api_from"] = tuple(values.get("api_from", (API_CLIENTS,)))
    for several in ("peer_ids", "seeds", "image_pull_secrets"):
        values[several] = tuple(values.get(several, ()))
    settings = KindSettings(**values)
    _contradictions(reader, settings, given)
    if reader.findings:
        raise Failed(*reader.findings)
    return settings


def _contradictions(reader: OptionReader, settings: KindSettings, given: Mapping[str, Any]) -> None:
    if settings.replicas is not None and "autoscaler" in given:
        fix = "Remove replicas (then the autoscaler decides), or remove autoscaler."
        reader.bad("replicas and autoscaler are both given", fix)
    if settings.autoscaler.min > settings.autoscaler.max:
        what = "autoscaler.min is %d and autoscaler.max %d" % (settings.autoscaler.min, settings.autoscaler.max)
        reader.bad(what, "Make max the larger one.")
    if settings.cpu_limit and shapes.millis(settings.cpu_limit) < shapes.millis(settings.cpu):
        what = "cpu is %s and cpu_limit %s" % (settings.cpu, settings.cpu_limit)
        reader.bad(what, "Make cpu_limit the larger one, or leave it out.")
    for part, source in (("secrets", settings.secrets), ("identities", settings.identities)):
        if source.stores and source.existing:
            fix = "Set stores (of the External Secrets Operator) or existing (a Secret), not both."
            reader.bad("%s has both stores and existing" % part, fix)
    if settings.peer_ids and settings.seeds:
        reader.bad("peer_ids and seeds are both given", "Remove one of the two: a peer id follows from its seed.")
    if settings.machines.service and not settings.machines.addresses:
        fix = "Write addresses of nodes, or of the load balancers by ordinal, as you have reserved them."
        reader.bad("machines.service is given without machines.addresses", fix)
    if settings.machines.addresses and not settings.machines.service:
        fix = "Write machines.service: %s or %s, or remove machines.addresses." % (NODE_PORT, LOAD_BALANCER)
        reader.bad("machines.addresses is given without machines.service", fix)
    if settings.machines.service == NODE_PORT and settings.machines.port + settings.maximum > 65536:
        reader.bad("machines.port leaves no port for each pod", "Write a lower port; nodes have 30000 to 32767.")
    if settings.role == LEAF and (settings.peer_ids or settings.seeds or "identities" in given):
        fix = "Leave peer_ids, seeds and identities out: a leaf creates a new identity at each start."
        reader.bad("it has the role leaf, and identities are set", fix)


def policy_peer(given: Mapping[str, Any]) -> Dict[str, Any]:
    """One of ``api_from`` as a NetworkPolicy has it."""
    if "cidr" in given:
        return {"ipBlock": {"cidr": given["cidr"]}}
    names = {"namespaces": "namespaceSelector", "pods": "podSelector"}
    found = {names[key]: {"matchLabels": dict(given[key])} if given[key] else {} for key in names if key in given}
    return found or dict(given)


_fault_of_name = matches(_NAME, "Use up to 40 lower-case letters, digits and hyphens, a letter first.")
_SOURCE: Mapping[str, Any] = {
    "stores": {"aws-sm": shapes.object_name, "gcp-sm": shapes.object_name},
    "store_kind": word(_STORE_KINDS),
    "refresh": matches(_REFRESH, "Write a time with its unit, such as 1h."),
    "existing": shapes.object_name,
}
_TOP: Mapping[str, Any] = {
    "name": _fault_of_name,
    "namespace": matches(_NAMESPACE, "Use up to 63 lower-case letters, digits and hyphens."),
    "create_namespace": truth,
    "role": word((MEMBER, LEAF)),
    "replicas": number(1, 1000),
    "autoscaler": {
        "min": number(1, 1000),
        "max": number(1, 1000),
        "cpu": number(1, 1000),
        "memory": number(0, 1000),
        "stabilization": number(0, 3600),
    },
    "cpu": shapes.cpu,
    "cpu_limit": shapes.cpu,
    "secrets": _SOURCE,
    "identities": _SOURCE,
    "peer_ids": listed(matches(re.compile(r"\w+"), "Write the peer ids in the order of the pods: "
                                                   "ordinal 0 first."), "peer ids"),
    "seeds": listed(matches(re.compile(r"\S+"), "Write seeds of 32 bytes in base64."), "seeds"),
    "api_from": listed(shapes.peer, "selectors"),
    "service_account": {"name": shapes.object_name, "create": truth, "annotations": shapes.named_texts},
    "machines": {
        "edges": number(0, 1000),
        "service": word((NODE_PORT, LOAD_BALANCER)),
        "addresses": listed(shapes.address, "addresses"),
        "port": number(1024, 65535),
        "annotations": shapes.named_texts,
    },
    "image_pull_secrets": listed(shapes.object_name, "names"),
    "zone_spread": word(tuple(_SPREAD)),
    "max_unavailable": number(1, 1000),
    "min_edges": number(0, 1000),
    "drain": number(0, 600),
    "soak": number(0, 3600),
}
