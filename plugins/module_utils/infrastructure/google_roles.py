# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each verb needs in a Google Cloud project: permissions, and what to grant them on. Pure.

A role of Google's holds permissions and no resources; a binding grants it on one. Secrets and repositories take
bindings of their own, and identities are known by their names, in a condition. Everything else is granted on the
project: what lists takes no smaller place, and what is made has no name before. So one project for each fleet is the
narrowest. Which permission a method asks for is from https://cloud.google.com/iam/docs/permissions-reference, and what
it asks for beside that from the method's own page; conditions are from
https://cloud.google.com/iam/docs/conditions-attribute-reference.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.google_cluster import NODE_ROLES

VERBS = ("provision", "deploy", "doctor", "backup", "restore", "down", "image", "gke")
Document = dict[str, Any]
_REPOSITORY = re.compile(r"(?P<location>[a-z0-9-]+)-docker\.pkg\.dev/(?P<project>[^/]+)/(?P<name>[^/@:]+)/")
#: Under a host of the older Container Registry Artifact Registry has one repository, which is called as the host is
#: (https://docs.cloud.google.com/artifact-registry/docs/transition/gcr-repositories).
_OF_HOST = re.compile(r"(?P<name>(?:us\.|eu\.|asia\.)?gcr\.io)/(?P<project>[^/]+)/")
_PLACES = {"gcr.io": "us", "us.gcr.io": "us", "eu.gcr.io": "europe", "asia.gcr.io": "asia"}


@dataclass(frozen=True)
class Project:
    """The fleet, its project, and what its settings refer to.

    :param secrets: projects and names of secrets.
    :param images: of agents and services.
    :param named: whether the load balancer has a name in a zone of Cloud DNS.
    :param secured: whether it has HTTPS.
    :param disks: whether slots have disks.
    :param registries: projects and names of the secrets by which one logs in to registries that are not Google's.
    :param login: project and name of the secret by which the load balancer logs in; none without such a login.
    """

    fleet: str
    project: str
    secrets: Sequence[tuple[str, str]] = ()
    images: Sequence[str] = ()
    named: bool = True
    secured: bool = True
    disks: bool = True
    login: Sequence[tuple[str, str]] = ()
    registries: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Grant:
    """Permissions on one resource.

    :param on: the project, a secret, or a repository.
    :param condition: an expression of IAM's about the resource; empty for all of it.
    """

    on: str
    permissions: Iterable[str]
    condition: str = ""

    def as_dict(self) -> Document:
        found: Document = {"on": self.on, "permissions": sorted(self.permissions)}
        return {**found, "condition": self.condition} if self.condition else found


def roles(place: Project) -> dict[str, list[Document]]:
    """By verb, what to grant. The machines' service account needs nothing: the controller brings secrets and images."""
    project = f"projects/{place.project}"
    observed, removed = _observes(place), _takes_back(place)
    planned = {*observed, "compute.machineTypes.get", *(["dns.managedZones.get"] if place.named else [])}
    kept = {*planned, *_makes(place), *_changes(place), *removed, *_compute(_LET_GO), *_WAITS}
    served = [*_compute(_OBSERVE_MEMBERS), *_compute(_OBSERVE_BALANCER)]
    needs: dict[str, list[Grant]] = {
        "provision": [Grant(project, kept), *_secrets(place.login)],
        "deploy": [Grant(project, {*served, *_compute(_SERVE), *_MAKE_IDENTITIES, *_WAITS}),
                   _identities(place, *_READ, *_FILL), *_secrets([*place.secrets, *place.registries]), *_pulls(place)],
        "doctor": [Grant(project, {*planned, *served}), _identities(place, *_READ),
                   *_secrets([*place.secrets, *place.registries, *place.login]), *_pulls(place)],
        "backup": [Grant(project, {*_compute(_OBSERVE_MEMBERS), *_compute(_BACK_UP), *_WAITS})],
        "restore": [Grant(project, {*_compute(_OBSERVE_MEMBERS), *_compute(_RESTORE), *_WAITS})],
        "down": [Grant(project, {*observed, *removed, *_removes(place), *_WAITS}),
                 _identities(place, *_READ, *_FORGET)],
        "image": [*(Grant(on, _PUSH) for on in _repositories(place)), *_makes_repositories(place),
                  *_secrets(place.registries)],
        "gke": gke(place.project),
    }  # fmt: skip
    return {verb: [grant.as_dict() for grant in grants] for verb, grants in needs.items()}


def gke(project: str) -> list[Grant]:
    """Who makes and removes a fleet's GKE cluster with its network, and finds it to log in: that verb alone."""
    on = f"projects/{project}"
    roles_alone = ", ".join(f"'{each}'" for each in NODE_ROLES)
    condition = f"api.getAttribute('iam.googleapis.com/modifiedGrantsByRole', []).hasOnly([{roles_alone}])"
    return [
        Grant(on, {*_compute(_CLUSTER_NETWORK), *_GKE, *_WAITS}),
        # With it, whoever has it could else give themselves any role.
        Grant(on, ["resourcemanager.projects.setIamPolicy"], condition),
    ]


def _observes(place: Project) -> set[str]:
    """What plans of the infrastructure are made of."""
    found = {*_compute(_OBSERVE), *_compute(_OBSERVE_MEMBERS), "iam.serviceAccounts.get"}
    if place.disks:
        found |= {"compute.disks.list"}
    if place.named:
        found |= {"dns.resourceRecordSets.list"}
    return found


def _makes(place: Project) -> set[str]:
    found = {*_compute(_MAKE), "iam.serviceAccounts.actAs", "iam.serviceAccounts.create"}
    if place.secured:
        found |= _compute(_MAKE_HTTPS)
    if place.disks:
        found |= _compute({"disks": "get setLabels use", "instances": "attachDisk", "snapshots": "useReadOnly"})
    if place.named:
        found |= {"dns.changes.create", "dns.resourceRecordSets.create", "dns.resourceRecordSets.update"}
    return found


def _changes(place: Project) -> set[str]:
    """What brings something that has been changed by hand back to the settings."""
    found = {*_compute(_CHANGE), "iam.serviceAccounts.update"}
    if place.secured:
        found |= _compute({"sslPolicies": "update", "targetHttpsProxies": "update"})
    if place.disks:
        found |= _compute({"disks": "resize"})
    return found


def _takes_back(place: Project) -> set[str]:
    """What goes when settings ask for less: machines, the load balancer, rules of the firewall."""
    found = {*_compute(dict.fromkeys(_TAKEN_BACK, "delete")), "compute.networks.updatePolicy"}
    if place.secured:
        found |= _compute(dict.fromkeys(("sslCertificates", "sslPolicies", "targetHttpsProxies"), "delete"))
    if place.named:
        found |= {"dns.changes.create", "dns.resourceRecordSets.delete"}
    return found


def _removes(place: Project) -> set[str]:
    """What goes with the fleet alone; and disks and backups of earlier settings, which are looked for as they stay."""
    found = {"compute.networks.delete", "compute.subnetworks.delete", "iam.serviceAccounts.delete"}
    found |= {"compute.disks.list", "compute.snapshots.list"}
    if place.named:  # whose address a record leads to that nothing remembers
        found |= {"compute.globalAddresses.list"}
    return found | {"compute.disks.delete"} if place.disks else found


def _identities(place: Project, *permissions: str) -> Grant:
    """On the fleet's identities, whose names begin alike."""
    condition = f'resource.name.extract("/secrets/{{name}}").startsWith("praxis_{place.fleet}_identity_")'
    return Grant(f"projects/{place.project}", permissions, condition)


def _secrets(named: Iterable[tuple[str, str]]) -> list[Grant]:
    return [Grant(f"projects/{project}/secrets/{name}", _READ) for project, name in sorted(set(named))]


def _pulls(place: Project) -> list[Grant]:
    return [Grant(on, ["artifactregistry.repositories.downloadArtifacts"]) for on in _repositories(place)]


def _makes_repositories(place: Project) -> list[Grant]:
    """On the projects that the images' repositories are in. Those of the older hosts are not made here."""
    projects = {on.partition("/locations/")[0] for on in _repositories(place) if on.rpartition("/")[2] not in _PLACES}
    return [Grant(on, _MAKE_REPOSITORY) for on in sorted(projects)]


def _repositories(place: Project) -> list[str]:
    """The repositories of Artifact Registry that the images are in."""
    found = [one for image in place.images if (one := _REPOSITORY.match(image) or _OF_HOST.match(image))]
    path = "projects/{project}/locations/{location}/repositories/{name}"
    return sorted({path.format(**{"location": _PLACES.get(one["name"]), **one.groupdict()}) for one in found})


def _compute(methods: dict[str, str]) -> set[str]:
    """``compute.KIND.METHOD`` of each kind's methods."""
    return {f"compute.{kind}.{method}" for kind, named in methods.items() for method in named.split()}


_OBSERVE_MEMBERS = {"instances": "list", "regions": "get"}
_OBSERVE = {
    "backendServices": "get",
    "firewalls": "get",
    "globalAddresses": "get",
    "globalForwardingRules": "get",
    "healthChecks": "get",
    "instanceGroups": "get list",
    "networks": "get",
    "securityPolicies": "get",
    "sslCertificates": "get list",
    "sslPolicies": "get",
    "subnetworks": "get",
    "targetHttpProxies": "get",
    "targetHttpsProxies": "get",
    "urlMaps": "get",
}
_MAKE = {
    "backendServices": "create setSecurityPolicy use",
    "disks": "create",
    "firewalls": "create",
    "globalAddresses": "create setLabels use",
    "globalForwardingRules": "create",
    "healthChecks": "create useReadOnly",
    "instanceGroups": "create use",
    "instances": "create setLabels setMetadata setServiceAccount setTags",
    "networks": "create updatePolicy",
    "securityPolicies": "create use",
    "subnetworks": "create use useExternalIp",
    "targetHttpProxies": "create use",
    "urlMaps": "create use",
}
_MAKE_HTTPS = {
    "sslCertificates": "create",
    "sslPolicies": "create use",
    "targetHttpsProxies": "create use",
}
_CHANGE = {
    "backendServices": "update",
    "firewalls": "update",
    "globalForwardingRules": "setLabels",
    "healthChecks": "update",
    "instanceGroups": "update",
    "instances": "get resume start",
    "securityPolicies": "update",
    "targetHttpProxies": "update",
    "urlMaps": "update",
}
_TAKEN_BACK = (
    "backendServices",
    "firewalls",
    "globalAddresses",
    "globalForwardingRules",
    "healthChecks",
    "instanceGroups",
    "instances",
    "securityPolicies",
    "targetHttpProxies",
    "urlMaps",
)
_CLUSTER_NETWORK = {
    "networks": "create delete get updatePolicy",
    "routers": "create delete get update",
    "subnetworks": "create delete get setPrivateIpGoogleAccess update use",
}
_GKE = (
    *(f"container.clusters.{each}" for each in ("create", "delete", "get", "update")),
    "container.operations.get",
    *(f"iam.serviceAccounts.{each}" for each in ("actAs", "create", "delete", "get", "update")),
    "resourcemanager.projects.getIamPolicy",
)
#: How healthy members are, and where the load balancer answers.
_OBSERVE_BALANCER = {
    "backendServices": "get",
    "globalForwardingRules": "list",
    "healthChecks": "get",
    "instanceGroups": "list",
    "networkEndpointGroups": "get",
    "targetHttpProxies": "list",
    "targetHttpsProxies": "list",
    "urlMaps": "list",
}
#: Of a backend service of the user's whose groups have endpoints: what a machine leaves it by before it is deleted.
_LET_GO = {"networkEndpointGroups": "detachNetworkEndpoints get"}
#: Into the load balancer and out of it.
_SERVE = {
    "instanceGroups": "update",
    "instances": "use",
    "networkEndpointGroups": "attachNetworkEndpoints detachNetworkEndpoints",
}
_BACK_UP = {
    "disks": "createSnapshot get",
    "snapshots": "create delete get list setLabels",
}
_RESTORE = {
    "disks": "create get list setLabels use",
    "instances": "attachDisk detachDisk",
    "snapshots": "list useReadOnly",
}
_WAITS = tuple(f"compute.{place}Operations.get" for place in ("global", "region", "zone"))
_READ = ("secretmanager.versions.access",)
_MAKE_IDENTITIES = ("secretmanager.secrets.create",)
_FILL = ("secretmanager.secrets.get", "secretmanager.versions.add")
_FORGET = ("secretmanager.secrets.delete",)
_PUSH = (
    "artifactregistry.repositories.downloadArtifacts",
    "artifactregistry.repositories.update",
    "artifactregistry.repositories.uploadArtifacts",
)
#: On the project: what is not there yet has no permissions of its own, and is not found without them either.
_MAKE_REPOSITORY = ("artifactregistry.repositories.create", "artifactregistry.repositories.get")
