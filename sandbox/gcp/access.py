# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may do what: permissions by account, on a resource and everything below it."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.gcp.discovery import Call
from sandbox.gcp.refused import Refused

EVERYBODY = "allAuthenticatedUsers"

PERMISSIONS = {
    "secretmanager.projects.secrets.addVersion": "secretmanager.versions.add",
    "secretmanager.projects.secrets.patch": "secretmanager.secrets.update",
    "compute.instances.insert": "compute.instances.create",
    "cloudresourcemanager.projects.getIamPolicy": "resourcemanager.projects.getIamPolicy",
    "cloudresourcemanager.projects.setIamPolicy": "resourcemanager.projects.setIamPolicy",
    "container.projects.locations.clusters.setResourceLabels": "container.clusters.update",
    "container.projects.locations.clusters.nodePools.get": "container.clusters.get",
    **{f"container.projects.locations.clusters.nodePools.{method}": "container.clusters.update"
       for method in ("create", "delete", "setAutoscaling")},
    "artifactregistry.projects.locations.repositories.dockerImages.list": "artifactregistry.dockerimages.list",
}
"""Where the permission is not the method's own name (https://cloud.google.com/iam/docs/permissions-reference)."""

WORDS = {"insert": "create", "patch": "update", "aggregatedList": "list", "wait": "get", "getHealth": "get",
         "listInstances": "list", "addInstances": "update", "removeInstances": "update", "setNamedPorts": "update",
         "addRule": "update", "patchRule": "update", "removeRule": "update",
         "listNetworkEndpoints": "get"}

USES = {
    "firewalls": {"": "compute.networks.updatePolicy"},
    "disks": {"labels": "compute.disks.setLabels", "sourceSnapshot": "compute.snapshots.useReadOnly"},
    "instances": {
        "disks": "compute.disks.create", "metadata": "compute.instances.setMetadata",
        "labels": "compute.instances.setLabels", "tags": "compute.instances.setTags",
        "serviceAccounts": "compute.instances.setServiceAccount",
        "networkInterfaces.subnetwork": "compute.subnetworks.use",
        "networkInterfaces.accessConfigs": "compute.subnetworks.useExternalIp",
        "networkInterfaces.accessConfigs.natIP": "compute.addresses.use"},
    "routers": {"network": "compute.networks.updatePolicy", "nats.subnetworks.name": "compute.subnetworks.use"},
    "backendServices": {"healthChecks": "compute.healthChecks.useReadOnly"},
    "urlMaps": {"defaultService": "compute.backendServices.use"},
    "targetHttpProxies": {"urlMap": "compute.urlMaps.use"},
    "targetHttpsProxies": {"urlMap": "compute.urlMaps.use", "sslCertificates": "compute.sslCertificates.get",
                           "sslPolicy": "compute.sslPolicies.use"},
    "globalForwardingRules": {"IPAddress": "compute.globalAddresses.use"},
}
"""What inserting, patching, updating or deleting one needs beside its own permission, if the body has the field; a
delete has no body. The methods' own pages have it (https://cloud.google.com/compute/docs/reference/rest/v1)."""
TARGETS = {"targetHttpProxies": "compute.targetHttpProxies.use", "targetHttpsProxies": "compute.targetHttpsProxies.use"}
GROUPS = {"instanceGroups": "compute.instanceGroups.use", "networkEndpointGroups": "compute.networkEndpointGroups.use"}
NODE_ACCOUNTS = ("cluster.autoscaling.autoprovisioningNodePoolDefaults.serviceAccount",
                 "cluster.nodePools.config.serviceAccount", "nodePool.config.serviceAccount")
MEMBERS = ("addInstances", "attachNetworkEndpoints")


@dataclass(frozen=True)
class Grant:
    """Permissions (patterns such as ``compute.instances.*``) on a path (a pattern, too) and everything below it."""

    email: str
    permissions: tuple[str, ...]
    on: str

    def covers(self, email: str, permission: str, resource: str) -> bool:
        """Whether it lets an account do something to a resource."""
        inside = fnmatch.fnmatchcase(resource, self.on) or fnmatch.fnmatchcase(resource, f"{self.on}/*")
        return self.email in (email, EVERYBODY) and inside and any(
            fnmatch.fnmatchcase(permission, pattern) for pattern in self.permissions)


class Access:
    """All grants: those that the sandbox itself gives, and those of the projects' policies.

    Of the roles in a policy those grant something that the project has made itself; what Google's own include, nobody
    says here. A condition is never met.
    """

    def __init__(self) -> None:
        self._grants: list[Grant] = []
        self._roles: dict[str, tuple[str, ...]] = {}
        self._bindings: dict[str, list[tuple[str, str]]] = {}

    def grant(self, email: str, permissions: Iterable[str], on: str) -> None:
        """Let an account, or EVERYBODY, do this on ``projects/P`` or ``projects/P/secrets/NAME``."""
        self._grants.append(Grant(email, tuple(permissions), on))

    def revoke(self, email: str, on: str) -> None:
        """Take back what an account was granted on exactly this resource."""
        self._grants = [grant for grant in self._grants if (grant.email, grant.on) != (email, on)]

    def define(self, role: str, permissions: Iterable[str]) -> None:
        """Let a role, ``projects/P/roles/NAME``, include these permissions from now on."""
        self._roles[role] = tuple(permissions)

    def knows(self, role: str) -> bool:
        """Whether a role is one of Google's, or a project has made it."""
        return not role.startswith("projects/") or role in self._roles

    def bind(self, project: str, bindings: Iterable[Mapping[str, Any]]) -> None:
        """Let the policy of a project, ``projects/P``, have these bindings."""
        self._bindings[project] = [(member.partition(":")[2], each["role"]) for each in bindings
                                   if not each.get("condition") for member in each["members"]]

    def allows(self, email: str, permission: str, resource: str) -> bool:
        """Whether an account may do something to a resource."""
        bound = (Grant(member, self._roles.get(role, ()), project)
                 for project, bindings in self._bindings.items() for member, role in bindings)
        return any(grant.covers(email, permission, resource) for grant in (*self._grants, *bound))

    def check(self, api: str, call: Call, email: str) -> None:
        """Raise Refused unless the caller may make this call."""
        for permission, resource in needs(api, call):
            if self.allows(email, permission, resource):
                continue
            if api == "compute":
                raise Refused(403, "forbidden", f"Required '{permission}' permission for '{resource}'")
            raise Refused(403, "IAM_PERMISSION_DENIED",
                          f"Permission '{permission}' denied for resource '{resource}' (or it may not exist).")


def needs(api: str, call: Call) -> Iterator[tuple[str, str]]:
    """The permissions that a call needs, and on what."""
    yield permission_of(api, call), resource_of(call)
    if api == "dns":
        yield from ((permission, resource_of(call)) for permission in _of_records(call))
    if api == "container":
        yield from (("iam.serviceAccounts.actAs", f"{resource_of(call)}/serviceAccounts/{email}")
                    for field in NODE_ACCOUNTS for email in _values(call.body, field))
    if api != "compute":
        return
    project = f"projects/{call.where['project']}"
    collection, name = call.method.collection, call.method.name
    if name in MEMBERS:
        yield "compute.instances.use", project
    if name in ("attachDisk", "detachDisk"):
        yield "compute.disks.use", project
    if name == "createSnapshot":
        yield "compute.snapshots.create", project
        if call.body.get("labels"):
            yield "compute.snapshots.setLabels", project
    if name == "setSecurityPolicy":
        yield "compute.securityPolicies.use", project
    if name not in ("insert", "patch", "update", "delete"):
        return
    for field, permission in USES.get(collection, {}).items():
        if not field or any(value is not None for value in _values(call.body, field)):
            yield permission, project
    if collection == "globalForwardingRules":
        for target in _values(call.body, "target"):
            found = [permission for segment, permission in TARGETS.items() if f"/{segment}/" in str(target)]
            yield from ((permission, project) for permission in found)
    if collection == "backendServices":
        for group in _values(call.body, "backends.group"):
            yield from ((permission, project) for segment, permission in GROUPS.items() if f"/{segment}/" in str(group))
    if collection == "instances":
        for email in _values(call.body, "serviceAccounts.email"):
            yield "iam.serviceAccounts.actAs", f"{project}/serviceAccounts/{email}"


def _of_records(call: Call) -> Iterator[str]:
    """What a change of records needs beside its own permission."""
    if call.method.collection == "resourceRecordSets" and call.method.name in ("create", "patch", "delete"):
        yield "dns.changes.create"
    for field, permission in (("additions", "create"), ("deletions", "delete")):
        if call.method.collection == "changes" and call.body.get(field):
            yield f"dns.resourceRecordSets.{permission}"


def _values(value: Any, field: str) -> Iterator[Any]:
    """What a dotted field leads to, lists entered."""
    if isinstance(value, list):
        for item in value:
            yield from _values(item, field)
    elif not field:
        yield value
    elif isinstance(value, dict):
        name, _other, below = field.partition(".")
        if name in value:
            yield from _values(value[name], below)


def permission_of(api: str, call: Call) -> str:
    """The permission that a method needs, ``compute.instances.list``."""
    method = call.method
    own = PERMISSIONS.get(f"{api}.{method.collection}.{method.name}")
    return own or f"{api}.{method.collection.split('.')[-1]}.{WORDS.get(method.name, method.name)}"


def resource_of(call: Call) -> str:
    """What the permission is needed on: a secret, a service account, a repository, or else the project."""
    where = call.where
    if "secretsId" in where:
        return f"projects/{where['projectsId']}/secrets/{where['secretsId']}"
    if "serviceAccountsId" in where:
        return f"projects/{where['projectsId']}/serviceAccounts/{where['serviceAccountsId']}"
    if "repositoriesId" in where:
        return f"projects/{where['projectsId']}/locations/{where['locationsId']}/repositories/{where['repositoriesId']}"
    return f"projects/{where.get('project') or where.get('projectsId') or where.get('resource')}"
