# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of objects that a fleet consists of: where the API has them, and what an older cluster has in their place.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, Collection, Dict, List, Mapping, Sequence, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.finding import WARNING, Finding

Object = Mapping[str, Any]
#: A cluster's version, such as (1, 30).
Version = Tuple[int, int]
MANAGED_BY = "app.kubernetes.io/managed-by"
INSTANCE = "app.kubernetes.io/instance"
#: The label by which a pod says what it runs, and what agents say: another application may be called as the fleet is.
APPLICATION, AGENT = "app.kubernetes.io/name", "praxis-agent"
#: The label by which an object says of which kind of agents it is.
COMPONENT = "app.kubernetes.io/component"
#: The value of :data:`MANAGED_BY` on all objects of ours, and the name under which server-side apply knows us.
MANAGER = "praxis.cloud"


@dataclass(frozen=True)
class Resource:
    """A kind of object.

    :param plural: its name in the API's paths.
    :param versions: the API versions that have it in the same shape, the newest first.
    """

    plural: str
    versions: Tuple[str, ...]
    namespaced: bool = True


#: In the order in which they are made. A removal goes from the end.
RESOURCES: Dict[str, Resource] = {
    "Namespace": Resource("namespaces", ("v1",), namespaced=False),
    "ServiceAccount": Resource("serviceaccounts", ("v1",)),
    "ConfigMap": Resource("configmaps", ("v1",)),
    "ExternalSecret": Resource("externalsecrets", ("external-secrets.io/v1",)),
    "Service": Resource("services", ("v1",)),
    "NetworkPolicy": Resource("networkpolicies", ("networking.k8s.io/v1",)),
    "PodDisruptionBudget": Resource("poddisruptionbudgets", ("policy/v1", "policy/v1beta1")),
    "StatefulSet": Resource("statefulsets", ("apps/v1",)),
    "Deployment": Resource("deployments", ("apps/v1",)),
    "HorizontalPodAutoscaler": Resource("horizontalpodautoscalers", ("autoscaling/v2", "autoscaling/v2beta2")),
}
#: Fields that clusters before a version do not know, and the least version that does.
_SINCE: Sequence[Tuple[str, str, Version]] = (
    ("StatefulSet", "minReadySeconds", (1, 23)),
    ("PodDisruptionBudget", "unhealthyPodEvictionPolicy", (1, 27)),
)


def collection(version: str, kind: str, namespace: str) -> str:
    """The path of all objects of a kind."""
    root = "/api/v1" if version == "v1" else "/apis/" + version
    resource = RESOURCES[kind]
    return "%s%s/%s" % (root, "/namespaces/" + namespace if resource.namespaced else "", resource.plural)


def path(item: Object) -> str:
    """The path of one object."""
    metadata = item["metadata"]
    return "%s/%s" % (collection(item["apiVersion"], item["kind"], metadata.get("namespace", "")), metadata["name"])


def name(item: Object) -> str:
    """What messages call it."""
    return "%s/%s" % (item["kind"], item["metadata"]["name"])


def groups() -> List[str]:
    """The API groups that objects of ours are of; the core one is there always."""
    versions = (version for resource in RESOURCES.values() for version in resource.versions)
    return sorted({version.partition("/")[0] for version in versions if "/" in version})


def for_cluster(
    objects: Sequence[Object], served: Collection[str], version: Version
) -> Tuple[List[Dict[str, Any]], List[Finding]]:
    """The objects as this cluster takes them, and what is lost by it.

    :param served: the API versions that it serves.
    """
    found: List[Dict[str, Any]] = []
    findings: List[Finding] = []
    for item in objects:
        known = RESOURCES[item["kind"]].versions
        there = next((each for each in known if each == "v1" or each in served), "")
        if not there:
            findings.append(_unserved(item["kind"], known[0]))
            continue
        one: Dict[str, Any] = {**copy.deepcopy(dict(item)), "apiVersion": there}
        for kind, field, since in _SINCE:
            if kind == item["kind"] and version < since and field in one["spec"]:
                findings.append(_unknown_field(item, field, one["spec"].pop(field), version))
        found.append(one)
    return found, list({str(finding): finding for finding in findings}.values())


def _unserved(kind: str, version: str) -> Finding:
    what = "The cluster does not have the API %s, which a %s needs." % (version, kind)
    fix = "Use a cluster of Kubernetes 1.20 or newer."
    if kind == "ExternalSecret":
        fix = "Install the External Secrets Operator, or use existing Secrets (secrets.existing, identities.existing)."
    return Finding("api-not-served", what, "cluster", fix)


def _unknown_field(item: Object, field: str, value: Any, version: Version) -> Finding:
    what = "Kubernetes %d.%d does not know %s, so %s goes without it (%s)." % (*version, field, name(item), value)
    return Finding("field-not-served", what, "cluster", "Use a newer cluster, or go on without it.", WARNING)
