# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resource Manager, as far as a doctor needs it: which permissions a caller has on a project."""

from __future__ import annotations

from typing import Any

from sandbox.gcp.access import Access
from sandbox.gcp.discovery import Call, unanswered

#: Its own version, which is not that of the other services.
VERSION = "v3"


class ResourceManager:
    """The service. Nobody needs a permission to ask for their own."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def answer(self, call: Call, email: str) -> dict[str, Any]:
        """What Google answers: of those asked for, the permissions that the caller has.

        :raises Refused: with its error.
        """
        if (call.method.collection, call.method.name) != ("projects", "testIamPermissions"):
            raise unanswered("cloudresourcemanager", call.method)
        project = f"projects/{call.where['projectsId']}"
        asked = call.body.get("permissions") or []
        held = [each for each in asked if self._access.allows(email, each, project)]
        return {"permissions": held} if held else {}
