# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a machine has space for a release: ports and memory. Asked while what runs is not disturbed yet."""

from __future__ import annotations

import os
from typing import Any, Iterable, Mapping, Optional, Set

from ansible_collections.praxis.cloud.plugins.module_utils.byte_size import in_bytes
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.host import parts, ports
from ansible_collections.praxis.cloud.plugins.module_utils.host.desired import Release
from ansible_collections.praxis.cloud.plugins.module_utils.host.engine import Engine
from ansible_collections.praxis.cloud.plugins.module_utils.host.files import read_json
from ansible_collections.praxis.cloud.plugins.module_utils.host.observation import Observation
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import Paths


def require_capacity(paths: Paths, observation: Observation, release: Release) -> None:
    """Refuse a release that this machine has no place for.

    :raises Failed: ``port-taken``, ``machine-too-small``.
    """
    wanted = (release.api_port, release.p2p_port, *parts.ports(release.manifest))
    findings = ports.taken(Engine(paths.engine_socket), wanted, _own_ports(paths, observation, release))
    limit, there = memory_mb((release.manifest.get("limits") or {}).get("memory")), observation["host"]["memory_mb"]
    if limit and there and limit > there:
        findings.append(
            Finding(
                "machine-too-small",
                "The agent's memory limit is %d MiB, and the whole machine has %d MiB." % (limit, there),
                "member %s" % release.name,
                "Lower memory in praxis_container, or use a larger machine.",
            )
        )
    beside = [memory_mb((item.get("limits") or {}).get("memory")) or 0 for item in _services(release)]
    total = (limit or 0) + sum(beside)
    if beside and there and (limit or 0) <= there < total:
        findings.append(
            Finding(
                "machine-too-small",
                "The memory limits of agent and services are %d MiB together, and the whole machine "
                "has %d MiB." % (total, there),
                "member %s" % release.name,
                "Lower memory in praxis_container or in a service's container (praxis_services), or use a larger "
                "machine.",
            )
        )
    if findings:
        raise Failed(*findings)


def memory_mb(limit: Optional[str]) -> Optional[int]:
    """MiB of Compose's ``512m``, ``2g``, ``1073741824``; None when it is none of these."""
    size = in_bytes(limit)
    return None if size is None else size >> 20


def _own_ports(paths: Paths, observation: Observation, release: Release) -> Set[int]:
    """The ports that the running agent holds; those of the release when its manifest is gone."""
    container = observation["container"]
    if container is None or container["state"] in ("exited", "created", "dead"):
        return set()
    manifest = read_json(os.path.join(paths.release(str(container["release"])), "release.json")) or {}
    agents = set((manifest.get("ports") or {}).values()) or {release.api_port, release.p2p_port}
    return agents | set(parts.ports(manifest))


def _services(release: Release) -> Iterable[Mapping[str, Any]]:
    return parts.services(release.manifest).values()
