# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of a release, as its manifest names them: the agent, and the services beside it. Pure.

A release without services is one part, and its id is the release's.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional

Manifest = Optional[Mapping[str, Any]]


def agent_part(manifest: Manifest, release_id: str) -> str:
    """What the agent's container is known by."""
    return str((manifest or {}).get("agent_part") or release_id)


def services(manifest: Manifest) -> Dict[str, Mapping[str, Any]]:
    """The services by name."""
    return dict((manifest or {}).get("services") or {})


def wanted(manifest: Manifest) -> Dict[str, str]:
    """The part that each service's container has to be made from."""
    return {name: str(service["part"]) for name, service in services(manifest).items()}


def all_parts(manifest: Manifest, release_id: str) -> List[str]:
    """Everything of it that the machine may keep something for."""
    return [agent_part(manifest, release_id), *wanted(manifest).values()]


def secret_parts(manifest: Manifest, release_id: str) -> List[str]:
    """The parts that have a file of secrets: the agent, and the services that have any."""
    return str((manifest or {}).get("secret_parts") or release_id).split()


def secrets(manifest: Manifest, release_id: str) -> Dict[str, Any]:
    """By part, its secrets' names with their versions; no part that the manifest does not speak of."""
    found = {str(service["part"]): service.get("secrets") for service in services(manifest).values()}
    return {**found, agent_part(manifest, release_id): (manifest or {}).get("secrets")}


def images(manifest: Manifest) -> List[str]:
    """The services' images, each once."""
    return list(dict.fromkeys(str(service["image"]) for service in services(manifest).values()))


def files(manifest: Manifest) -> Dict[str, Dict[str, str]]:
    """By part, its files: the names that its container's mounts have for them, and their texts."""
    found = {}
    for service in services(manifest).values():
        texts = service.get("files") or {}
        if texts:
            found[str(service["part"])] = {str(number): texts[path] for number, path in enumerate(sorted(texts))}
    return found


def volumes(manifest: Manifest) -> List[str]:
    """The names of the volumes, each once."""
    return sorted({name for service in services(manifest).values() for name in service.get("volumes") or {}})


def ports(manifest: Manifest) -> List[int]:
    """The ports of the machine that services publish."""
    return [int(port["published"]) for service in services(manifest).values() for port in service.get("ports") or ()]
