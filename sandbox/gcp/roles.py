# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IAM: roles that a project makes for itself, of single permissions
(https://cloud.google.com/iam/docs/creating-custom-roles)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sandbox.gcp.access import Access
from sandbox.gcp.compute.resources import fingerprint
from sandbox.gcp.discovery import Call, unanswered
from sandbox.gcp.refused import Refused, invalid

COLLECTION = "projects.roles"
NAME = re.compile(r"[A-Za-z0-9_.]{3,64}")
PERMISSION = re.compile(r"[a-zA-Z0-9.]+")
SHOWN = ("title", "description", "stage", "includedPermissions")


class Roles:
    """The service. Whether a user may do a thing is for the caller to know; whom a role is granted, for the policy."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._roles: dict[str, dict[str, Any]] = {}
        self._methods: dict[str, Callable[[Call], dict[str, Any]]] = {
            "create": self._create, "get": lambda call: self._shown(self._name(call)), "patch": self._patch}

    def answer(self, call: Call) -> dict[str, Any]:
        """What Google answers.

        :raises Refused: with its error.
        """
        method = self._methods.get(call.method.name)
        if not method:
            raise unanswered("iam", call.method)
        return method(call)

    def _create(self, call: Call) -> dict[str, Any]:
        ident = str(call.body.get("roleId", ""))
        if not NAME.fullmatch(ident):
            raise invalid("roleId", ident, "It has 3 to 64 letters, digits, underscores and periods.")
        name = f"projects/{call.where['projectsId']}/roles/{ident}"
        if name in self._roles:
            raise Refused(409, "alreadyExists", f"A role named {ident} in {call.where['projectsId']} already exists.")
        return self._set(name, {}, call.body.get("role") or {}, SHOWN)

    def _patch(self, call: Call) -> dict[str, Any]:
        name = self._name(call)
        mask = call.query.get("updateMask", ",".join(SHOWN)).split(",")
        return self._set(name, self._roles[name], call.body, mask)

    def _set(self, name: str, there: dict[str, Any], given: dict[str, Any], fields: Any) -> dict[str, Any]:
        permissions = given.get("includedPermissions") or []
        for each in permissions:
            if not PERMISSION.fullmatch(each):
                raise invalid("includedPermissions", each, "It is no permission.")
        self._roles[name] = there | {field: given[field] for field in fields if field in SHOWN and field in given}
        self._access.define(name, self._roles[name].get("includedPermissions") or ())
        return self._shown(name)

    def _shown(self, name: str) -> dict[str, Any]:
        return {**self._roles[name], "name": name, "etag": fingerprint(self._roles[name])}

    def _name(self, call: Call) -> str:
        name = f"projects/{call.where['projectsId']}/roles/{call.where['rolesId']}"
        if name not in self._roles:
            raise Refused(404, "notFound", f"The role named {name} was not found.")
        return name
