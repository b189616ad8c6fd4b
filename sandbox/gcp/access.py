# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may do what: permissions by account, on a resource and everything below it."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable
from dataclasses import dataclass

from sandbox.gcp.discovery import Call
from sandbox.gcp.refused import Refused

PERMISSIONS = {
    "secretmanager.projects.secrets.addVersion": "secretmanager.versions.add",
    "secretmanager.projects.secrets.patch": "secretmanager.secrets.update",
    "compute.instances.insert": "compute.instances.create",
}
"""Where the permission is not the method's own name (https://cloud.google.com/iam/docs/permissions-reference)."""

WORDS = {"insert": "create", "patch": "update", "aggregatedList": "list", "wait": "get", "getHealth": "get",
         "listInstances": "list", "addInstances": "update", "removeInstances": "update", "setNamedPorts": "update",
         "listNetworkEndpoints": "get"}


@dataclass(frozen=True)
class Grant:
    """Permissions (patterns such as ``compute.instances.*``) on a path and everything below it."""

    email: str
    permissions: tuple[str, ...]
    on: str


class Access:
    """All grants."""

    def __init__(self) -> None:
        self._grants: list[Grant] = []

    def grant(self, email: str, permissions: Iterable[str], on: str) -> None:
        """Let an account do this on ``projects/P`` or ``projects/P/secrets/NAME``."""
        self._grants.append(Grant(email, tuple(permissions), on))

    def revoke(self, email: str, on: str) -> None:
        """Take back what an account was granted on exactly this resource."""
        self._grants = [grant for grant in self._grants if (grant.email, grant.on) != (email, on)]

    def check(self, api: str, call: Call, email: str) -> None:
        """Raise Refused unless the caller may make this call."""
        permission, resource = permission_of(api, call), resource_of(call)
        for grant in self._grants:
            inside = resource == grant.on or resource.startswith(f"{grant.on}/")
            if grant.email == email and inside and any(
                    fnmatch.fnmatchcase(permission, pattern) for pattern in grant.permissions):
                return
        if api == "compute":
            raise Refused(403, "forbidden", f"Required '{permission}' permission for '{resource}'")
        raise Refused(403, "IAM_PERMISSION_DENIED",
                      f"Permission '{permission}' denied for resource '{resource}' (or it may not exist).")


def permission_of(api: str, call: Call) -> str:
    """The permission that a method needs, ``compute.instances.list``."""
    method = call.method
    collection = method.collection.split(".")[-1]
    if api == "compute":
        # Regional and global kinds share a permission: compute.backendServices.get, compute.addresses.get.
        for scope in ("region", "global"):
            rest = collection.removeprefix(scope)
            if rest != collection and rest[:1].isupper() and not collection.endswith("Operations"):
                collection = rest[0].lower() + rest[1:]
    own = PERMISSIONS.get(f"{api}.{method.collection}.{method.name}")
    return own or f"{api}.{collection}.{WORDS.get(method.name, method.name)}"


def resource_of(call: Call) -> str:
    """What the permission is needed on: a secret, or else the project."""
    where = call.where
    if "secretsId" in where:
        return f"projects/{where['projectsId']}/secrets/{where['secretsId']}"
    return f"projects/{where.get('project') or where.get('projectsId')}"
