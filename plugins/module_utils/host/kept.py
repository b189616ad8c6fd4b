# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What this host keeps of its releases: enough to start one, or to go back to it, without any store or registry."""

from __future__ import annotations

import os
from typing import Any, Dict, List, Optional

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.host import data, files, history, parts, seal, services
from ansible_collections.praxis.cloud.plugins.module_utils.host.desired import Peers, Release
from ansible_collections.praxis.cloud.plugins.module_utils.host.observation import Observation
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import RELEASE_FILES, Paths


def texts(paths: Paths, release_id: str) -> Optional[Dict[str, str]]:
    """The texts of a release on this host; None when there is none of that id."""
    if not os.path.isdir(paths.release(release_id)):
        return None
    found = {name: files.read_text(os.path.join(paths.release(release_id), name)) for name in RELEASE_FILES}
    return {name: text for name, text in found.items() if text is not None}


def peers(paths: Paths) -> Optional[Peers]:
    """The bootstrap list on this host."""
    found = files.read_json(paths.peers)
    if found is None or not isinstance(found.get("multiaddrs"), list):
        return None
    return Peers(str(found.get("revision")), tuple(str(item) for item in found["multiaddrs"]))


def release(paths: Paths, release_id: str, beside: Optional[Release]) -> Release:
    """A release out of its own directory; ports that its manifest does not state are those of the release beside it.

    :raises Failed: ``release-missing``.
    """
    found = texts(paths, release_id) or {}
    manifest: Dict[str, Any] = {}
    if set(found) == set(RELEASE_FILES):
        manifest = files.read_json(os.path.join(paths.release(release_id), "release.json")) or {}
    image = str(manifest.get("image", ""))
    if not manifest.get("name") or not image:
        raise Failed(
            Finding(
                "release-missing",
                "Release %s is not on this host, or is incomplete." % release_id,
                paths.release(release_id),
                "Deploy the settings and the image of that release again.",
            )
        )
    ports = manifest.get("ports") or {}
    api_port = int(ports.get("api") or (beside.api_port if beside else 0))
    p2p_port = int(ports.get("p2p") or (beside.p2p_port if beside else 0))
    return Release(release_id, image, str(manifest["name"]), found, api_port, p2p_port)


def require_prepared(paths: Paths, release: Release) -> None:
    """Refuse to disturb what runs for a release that could not start.

    :raises Failed: ``not-prepared``, ``secrets-missing``, ``data-missing``.
    """
    if set(texts(paths, release.id) or {}) != set(RELEASE_FILES):
        raise Failed(
            Finding(
                "not-prepared",
                "Release %s is not on this host." % release.id,
                paths.release(release.id),
                "Deploy again; where the module is used by hand, run it with state=prepared first.",
            )
        )
    data.require(data.source_of(release.manifest))
    secret = [paths.environment(part) for part in parts.secret_parts(release.manifest, release.id)]
    for path in (*secret, paths.node_key):
        if not os.path.exists(path) and not can_unseal(paths, release.id):
            raise Failed(
                Finding(
                    "secrets-missing",
                    "%s is missing: a reboot empties /run." % path,
                    "release %s" % release.id,
                    "Deploy this release again: preparing it fetches its secrets.",
                )
            )


def in_memory(paths: Paths, release_id: str) -> bool:
    """Whether a release's secrets and the node key are there for its containers."""
    secret = [paths.environment(part) for part in _secret_parts(paths, release_id)]
    return all(os.path.exists(path) for path in (*secret, paths.node_key))


def can_unseal(paths: Paths, release_id: str) -> bool:
    """Whether a release's secrets are gone from memory, and sealed on this machine."""
    secret = [paths.sealed_environment(part) for part in _secret_parts(paths, release_id)]
    sealed = (*secret, paths.sealed_key, paths.unseal)
    return not in_memory(paths, release_id) and seal.can(paths) and all(os.path.isfile(path) for path in sealed)


def _secret_parts(paths: Paths, release_id: str) -> List[str]:
    return parts.secret_parts(services.manifest_of(paths, release_id), release_id)


def observe(paths: Paths, seen: Observation) -> Dict[str, Any]:
    """``kept``, ``history`` and ``peers``, beside an observation that was taken.

    ``kept``: by release id, ``files`` (texts by name) and ``secrets`` (whether they are in memory, or sealed here).
    """
    found = {}
    for name in seen["release"]["kept"]:
        there = texts(paths, name) or {}
        if set(there) == set(RELEASE_FILES):
            found[name] = {"files": there, "secrets": in_memory(paths, name) or can_unseal(paths, name)}
    bootstrap = peers(paths)
    return {"kept": found, "history": history.read(paths), "peers": list(bootstrap.multiaddrs) if bootstrap else []}
