# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resource Manager: which permissions a caller has on a project, and the project's policy. It grants the roles that
the project has made itself."""

from __future__ import annotations

import threading
from typing import Any

from sandbox.gcp.access import Access
from sandbox.gcp.compute.resources import fingerprint
from sandbox.gcp.discovery import Call, unanswered
from sandbox.gcp.identity import Identities
from sandbox.gcp.refused import Refused

#: Its own versions: the newest, and the one that gcloud speaks.
VERSIONS = ("v3", "v1")
CONDITIONAL = 3
"""The version of a policy that shows and keeps conditions."""


class ResourceManager:
    """The service. Nobody needs a permission to ask for their own."""

    def __init__(self, access: Access, identities: Identities) -> None:
        self._access, self._identities = access, identities
        self._lock = threading.Lock()
        self.bindings: dict[str, list[dict[str, Any]]] = {}
        """By project (``projects/P``)."""

    def answer(self, call: Call, email: str) -> dict[str, Any]:
        """What Google answers.

        :raises Refused: with its error.
        """
        if call.method.collection != "projects":
            raise unanswered("cloudresourcemanager", call.method)
        project = f"projects/{call.where.get('projectsId') or call.where['resource']}"
        if call.method.name == "testIamPermissions":
            asked = call.body.get("permissions") or []
            held = [each for each in asked if self._access.allows(email, each, project)]
            return {"permissions": held} if held else {}
        with self._lock:
            if call.method.name == "getIamPolicy":
                version = (call.body.get("options") or {}).get("requestedPolicyVersion", 1)
                return self._policy(project, whole=version >= CONDITIONAL)
            if call.method.name == "setIamPolicy":
                return self._set(project, call.body.get("policy") or {})
        raise unanswered("cloudresourcemanager", call.method)

    def _policy(self, project: str, whole: bool) -> dict[str, Any]:
        bindings = self.bindings.get(project, [])
        shown = [each for each in bindings if whole or not each.get("condition")]
        return {"version": CONDITIONAL if whole else 1, "etag": fingerprint(bindings), "bindings": shown}

    def _set(self, project: str, policy: dict[str, Any]) -> dict[str, Any]:
        there = self.bindings.get(project, [])
        if policy.get("etag", fingerprint(there)) != fingerprint(there):
            raise Refused(409, "ABORTED", "There were concurrent policy changes. Please retry the whole "
                                          "read-modify-write with exponential backoff.", "ABORTED")
        known = {member for each in there for member in each["members"]}
        for each in policy.get("bindings") or ():
            if not self._access.knows(each["role"]):
                raise Refused(400, "INVALID_ARGUMENT", f"Role {each['role']} does not exist in the resource's "
                                                       "hierarchy.")
            for member in set(each["members"]) - known:
                kind, _colon, email = member.partition(":")
                if kind == "serviceAccount" and not self._identities.known(email):
                    raise Refused(400, "INVALID_ARGUMENT", f"Service account {email} does not exist.")
        self.bindings[project] = [dict(each) for each in policy.get("bindings") or ()]
        self._access.bind(project, self.bindings[project])
        return self._policy(project, whole=policy.get("version", 1) >= CONDITIONAL)
