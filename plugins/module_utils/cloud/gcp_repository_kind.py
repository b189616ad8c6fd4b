# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A repository of Artifact Registry as a kind of the engine, kept as ECR's is: tags that do not move, scans, old builds
expired.

It outlives every fleet, so it stands in a table of its own: nothing that removes a fleet knows it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import NotFound
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_kind import GcpKind
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.kind import text_of, words_of
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import MANAGED_TAG, MANAGED_VALUE
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.resource import Observed, Resource

_SERVICE = "artifactregistry"
_HOST = re.compile(r"(?P<location>[a-z0-9-]+)-docker\.pkg\.dev")
#: Scanned as the project says; the other value is never.
SCANNED, UNSCANNED = "INHERITED", "DISABLED"
_UNTAGGED, _NEWEST = "praxis-untagged", "praxis-newest"
_MASKS = {
    "tags_move": "dockerConfig",
    "scanned": "vulnerabilityScanningConfig",
    "kept": "cleanupPolicies,cleanupPolicyDryRun",
}


@dataclass(frozen=True)
class GoogleRepository(GcpKind):
    """One, by its resource name, which is its id."""

    def foreseen(self, client: GcpClient, desired: Resource) -> str:
        return desired.name

    def ours(self, tags: Mapping[str, str], desired: Resource) -> bool:
        return MANAGED_TAG in tags

    def find(self, client: GcpClient, desired: Resource) -> Observed | None:
        try:
            found = client.call(_SERVICE, "GET", f"v1/{desired.name}")
        except NotFound:
            return None
        scanning = (found.get("vulnerabilityScanningConfig") or {}).get("enablementConfig", SCANNED)
        fields = {
            "tags_move": not (found.get("dockerConfig") or {}).get("immutableTags", False),
            "scanned": scanning != UNSCANNED,
            "kept": _kept(found),
        }
        return Observed(self.name, desired.name, desired.name, fields, words_of(found.get("description")))

    def create(self, client: GcpClient, desired: Resource) -> str:
        parent, _slash, name = desired.name.rpartition("/repositories/")
        body = {
            "format": "DOCKER",
            "mode": "STANDARD_REPOSITORY",
            "description": text_of(desired.tags),
            **_body(desired.fields, desired.fields),
        }
        client.call(_SERVICE, "POST", f"v1/{parent}/repositories", body=body, query={"repositoryId": name})
        return desired.name

    def set_later(self, desired: Resource) -> set[str]:
        return set()

    def set(self, client: GcpClient, desired: Resource, id_: str, names: Collection[str]) -> None:
        mask = {"updateMask": ",".join(_MASKS[name] for name in sorted(names))}
        body = _body(desired.fields, names)
        client.call(_SERVICE, "PATCH", f"v1/{id_}", body=body, query=mask, idempotent=True)

    def ready(self, client: GcpClient, id_: str) -> str:
        try:
            client.call(_SERVICE, "GET", f"v1/{id_}")
        except NotFound:
            return "pending"
        return ""


def google_repository(host: str, path: str, kept: int) -> Resource | None:
    """The repository that an image is in, as it should be; None where the host is not one of Artifact Registry's own.

    :param path: of the image below its host, ``PROJECT/REPOSITORY/IMAGE``.
    :param kept: how many versions of an image stay; older ones without a tag expire.
    """
    place, parts = _HOST.fullmatch(host), path.split("/")
    if not place or len(parts) < 3:
        return None
    name = f"projects/{parts[0]}/locations/{place['location']}/repositories/{parts[1]}"
    tags = {MANAGED_TAG: MANAGED_VALUE}
    return Resource(GOOGLE_REPOSITORY.name, name, {"tags_move": False, "scanned": True, "kept": kept}, tags=tags)


def cleanup(kept: int) -> dict[str, Any]:
    """Cleanup policies that keep so many of each image's newest versions, and of the others those with a tag."""
    untagged = {"id": _UNTAGGED, "action": "DELETE", "condition": {"tagState": "UNTAGGED"}}
    newest = {"id": _NEWEST, "action": "KEEP", "mostRecentVersions": {"keepCount": kept}}
    return {_UNTAGGED: untagged, **({_NEWEST: newest} if kept else {})}


def _kept(found: Mapping[str, Any]) -> int:
    """How many versions the cleanup policies keep; -1 for policies of somebody else's, and for none."""
    policies = found.get("cleanupPolicies") or {}
    count = ((policies.get(_NEWEST) or {}).get("mostRecentVersions") or {}).get("keepCount", 0)
    return int(count) if policies == cleanup(int(count)) and not found.get("cleanupPolicyDryRun") else -1


def _body(fields: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if "tags_move" in names:
        found["dockerConfig"] = {"immutableTags": not fields["tags_move"]}
    if "scanned" in names:
        found["vulnerabilityScanningConfig"] = {"enablementConfig": SCANNED if fields["scanned"] else UNSCANNED}
    if "kept" in names:
        found |= {"cleanupPolicies": cleanup(fields["kept"]), "cleanupPolicyDryRun": False}
    return found


GOOGLE_REPOSITORY = GoogleRepository("google_repository", "image repository")
GOOGLE_REPOSITORIES: dict[str, GoogleRepository] = {GOOGLE_REPOSITORY.name: GOOGLE_REPOSITORY}
