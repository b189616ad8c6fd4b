# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A role on the project for a service account of ours. All other grants of the project's policy stay as they are."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, ClassVar

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_kind import GcpKind
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_service_accounts import unless_young
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.resource import Observed, Resource

Bindings = list[dict[str, Any]]
#: The version that shows conditions; in a policy of another one, they would be lost.
_VERSION = 3


@dataclass(frozen=True)
class ProjectRole(GcpKind):
    """A role for one account. Its id is ROLE MEMBER."""

    belongs: ClassVar[bool] = True
    found_by: ClassVar[Collection[str]] = ("member",)

    def find(self, client: GcpClient, desired: Resource) -> Observed | None:
        member = f"serviceAccount:{desired.made_with['member']}"
        held = any(member in each.get("members", ()) for each in _granted(_policy(client), desired.name))
        return Observed(self.name, desired.name, f"{desired.name} {member}", {}, desired.tags) if held else None

    def create(self, client: GcpClient, desired: Resource) -> str:
        member = f"serviceAccount:{desired.made_with['member']}"

        def granted(bindings: Bindings) -> Bindings:
            there = _granted({"bindings": bindings}, desired.name)
            if not there:
                return [*bindings, {"role": desired.name, "members": [member]}]
            there[0]["members"] = sorted({*there[0]["members"], member})
            return bindings

        try:
            _change(client, granted)
        except errors.Invalid as error:
            raise unless_young(error) from None
        return f"{desired.name} {member}"

    def remove(self, client: GcpClient, id_: str) -> None:
        role, _space, member = id_.partition(" ")

        def taken_back(bindings: Bindings) -> Bindings:
            for each in _granted({"bindings": bindings}, role):
                each["members"] = [one for one in each["members"] if one != member]
            return [each for each in bindings if each["members"]]

        _change(client, taken_back)


def _policy(client: GcpClient) -> dict[str, Any]:
    """The project's policy. To ask for it changes nothing, although it is a POST."""
    asked = {"options": {"requestedPolicyVersion": _VERSION}}
    path = f"v3/projects/{client.project}:getIamPolicy"
    return client.call("cloudresourcemanager", "POST", path, body=asked, idempotent=True)


def _granted(policy: dict[str, Any], role: str) -> Bindings:
    """The role's bindings that hold everywhere and always."""
    return [each for each in policy.get("bindings") or () if each["role"] == role and not each.get("condition")]


def _change(client: GcpClient, changed: Callable[[Bindings], Bindings]) -> None:
    """Read the policy, change it and write it, with the etag by which Google refuses it if somebody else was quicker.

    :raises errors.Conflict: somebody was.
    """
    policy = _policy(client)
    body = {"policy": {**policy, "bindings": changed([*policy.get("bindings", [])]), "version": _VERSION}}
    path = f"v3/projects/{client.project}:setIamPolicy"
    client.call("cloudresourcemanager", "POST", path, body=body, idempotent=True)
