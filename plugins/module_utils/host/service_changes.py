# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must change on a host for its services: a pure comparison, as :mod:`changes` has it for the agent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, FrozenSet, List, Mapping, Optional

from ansible_collections.praxis.cloud.plugins.module_utils.host import parts, services
from ansible_collections.praxis.cloud.plugins.module_utils.host.change import UNKNOWN, Change
from ansible_collections.praxis.cloud.plugins.module_utils.host.desired import Desired, Release
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import Paths


@dataclass(frozen=True)
class Beside:
    """What the comparison needs to know of the host for its services. Nothing in it is secret.

    :param images: whether the engine has each; None where no engine answers.
    :param files_right, secrets_right, sealed_right: the parts whose files are as they should be.
    :param volumes: those that are there.
    """

    images: Mapping[str, Optional[bool]] = field(default_factory=dict)
    files_right: FrozenSet[str] = frozenset()
    secrets_right: FrozenSet[str] = frozenset()
    sealed_right: FrozenSet[str] = frozenset()
    volumes: FrozenSet[str] = frozenset()


def pulls(beside: Beside, release: Release) -> List[Change]:
    """The services' images that the engine lacks."""
    return [
        Change("image", image, UNKNOWN + "\n" if there is None else "", image + "\n")
        for image, there in beside.images.items()
        if not there and image != release.image
    ]


def prepared(beside: Beside, desired: Desired, paths: Paths) -> List[Change]:
    """Secrets, files and volumes of the services."""
    manifest = desired.wanted.manifest
    changes = []
    for name, service in parts.services(manifest).items():
        part, versions = str(service["part"]), service.get("secrets") or {}
        if part in desired.environments and part not in beside.secrets_right:
            lines = "".join("%s version %s\n" % (key, versions[key]) for key in sorted(versions))
            changes.append(Change("secrets", paths.environment(part), "", lines))
        if service.get("files") and part not in beside.files_right:
            lines = "".join("%s\n" % path for path in sorted(service["files"]))
            changes.append(Change("part", paths.part(part), "", "files of the service %s:\n%s" % (name, lines)))
    missing = [name for name in parts.volumes(manifest) if name not in beside.volumes]
    return changes + [Change("volume", paths.volume(name), "", "an empty directory\n") for name in missing]


def sealing(beside: Beside, desired: Desired, paths: Paths, sealed: str) -> List[Change]:
    """What makes the machine bring the services up by itself after a reboot."""
    agent = desired.wanted.agent_part if desired.release else ""
    return [
        Change("seal", paths.sealed_environment(part), "", sealed)
        for part in desired.environments
        if part != agent and part not in beside.sealed_right
    ]


def reason(seen: services.Seen, release: Release) -> str:
    """Why services have to be started or removed; empty when they have not."""
    wanted = parts.wanted(release.manifest)
    reasons = ["%s: %s" % pair for pair in services.to_start(seen, wanted).items()]
    return "; ".join(reasons + ["%s: the release does not have it" % name for name in services.to_remove(seen, wanted)])


def running(seen: services.Seen, release: Release) -> List[Change]:
    """Starting services anew, and removing those that are not wanted any more."""
    wanted = parts.wanted(release.manifest)
    start, remove = services.to_start(seen, wanted), services.to_remove(seen, wanted)
    if not start and not remove:
        return []
    there = {name: service["state"] for name, service in seen.items() if service["state"] != services.MISSING}
    before = "".join("%s: %s\n" % (name, there[name]) for name in [*start, *remove] if name in there)
    after = "".join("%s: running (%s)\n" % pair for pair in start.items())
    return [Change("services", ", ".join([*start, *remove]), before, after)]


def present(seen: services.Seen) -> List[str]:
    """The services that have a container."""
    return services.to_remove(seen, {})


def shown(given: Mapping[str, Mapping[str, Any]]) -> Dict[str, Dict[str, Any]]:
    """The services for a reader of a diff: secrets by version, and no ids of parts."""
    found = {}
    for name, service in given.items():
        versions = {key: "version %s" % version for key, version in (service.get("secrets") or {}).items()}
        kept = {key: value for key, value in service.items() if key not in ("part", "secrets")}
        found[name] = {**kept, **({"secrets": versions} if versions else {})}
    return found
