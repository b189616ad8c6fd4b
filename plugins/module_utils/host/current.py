# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a comparison needs to know of this host, read from it: its files, its secrets, its images. Writes nothing."""

from __future__ import annotations

import os
from typing import Collection, FrozenSet, Optional, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.host import files, history, kept, parts, seal, socket_group
from ansible_collections.praxis.cloud.plugins.module_utils.host.apply import (
    SECRET_DIRECTORY_MODE,
    SECRET_MODE,
)
from ansible_collections.praxis.cloud.plugins.module_utils.host.change import UNKNOWN
from ansible_collections.praxis.cloud.plugins.module_utils.host.changes import Current
from ansible_collections.praxis.cloud.plugins.module_utils.host.desired import Desired, Release
from ansible_collections.praxis.cloud.plugins.module_utils.host.engine import Engine
from ansible_collections.praxis.cloud.plugins.module_utils.host.observation import Observation
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import PROJECT_LABELS, Paths
from ansible_collections.praxis.cloud.plugins.module_utils.host.service_changes import Beside


def read_current(desired: Desired, paths: Paths, observation: Observation, release: Release) -> Current:
    """The host as far as the comparison needs it. Secrets are compared here, and only the answer is kept."""
    engine = Engine(paths.engine_socket)
    current, agent = observation["release"]["current"], release.agent_part
    seals, given = seal.can(paths), desired.environments
    mounts_socket = socket_group.is_mounted(release.manifest)
    right = {part for part, data in given.items() if _is_secret(paths.environment(part), data, paths)}
    sealed = _sealed_right(desired, paths) if seals and desired.state == "prepared" else frozenset()
    return Current(
        observation=observation,
        manifest=files.read_json(os.path.join(paths.release(current), "release.json")) if current else None,
        files=kept.texts(paths, release.id),
        image_present=engine.image(release.image) is not None if observation["engine"]["running"] else None,
        environment_right=agent in right,
        seed_right=desired.seed is not None and _is_secret(paths.node_key, desired.seed, paths),
        other_key=desired.seed is not None and _is_other_key(paths.node_key, desired.seed),
        seals=seals,
        sealed_environment_right=agent in sealed,
        sealed_seed_right=seal.KEY in sealed,
        unit_right=seals and seal.is_installed(paths, seal.several(paths, release.manifest)),
        to_unseal=kept.can_unseal(paths, release.id),
        peers=kept.peers(paths),
        config=files.read_text(paths.config(release.file_name)),
        socket_group=(socket_group.of_socket(paths) or UNKNOWN) if mounts_socket else None,
        socket_group_stored=socket_group.stored(paths) if mounts_socket else None,
        beside=_beside(paths, engine if observation["engine"]["running"] else None, release, right, sealed),
    )


def read_confirmable(paths: Paths, observation: Observation, release: Release) -> Current:
    """The host as far as calling this release good needs it."""
    entries = history.read(paths)
    return Current(
        observation,
        peers=kept.peers(paths),
        config=files.read_text(paths.config(release.file_name)),
        remembered=str(entries[-1]["release"]) if entries else None,
    )


def read_removable(paths: Paths, observation: Observation, candidates: Tuple[str, ...]) -> Current:
    """The host as far as taking the agent away needs it: its network, and of these paths those that are there."""
    running = observation["engine"]["running"]
    network = running and bool(Engine(paths.engine_socket).unused_networks(PROJECT_LABELS))
    return Current(observation, leftovers=tuple(filter(os.path.lexists, candidates)), network=network)


def _beside(
    paths: Paths, engine: Optional[Engine], release: Release, right: Collection[str], sealed: Collection[str]
) -> Beside:
    """The host as far as the comparison needs it for the services."""
    manifest = release.manifest
    written = {
        part
        for part, texts in parts.files(manifest).items()
        if {name: files.read_text(os.path.join(paths.part(part), name)) for name in texts} == texts
    }
    return Beside(
        images={image: engine.image(image) is not None if engine else None for image in parts.images(manifest)},
        files_right=frozenset(written),
        secrets_right=frozenset(right),
        sealed_right=frozenset(sealed),
        volumes=frozenset(name for name in parts.volumes(manifest) if os.path.isdir(paths.volume(name))),
    )


def _sealed_right(desired: Desired, paths: Paths) -> FrozenSet[str]:
    """What of this deployment's secrets is sealed here as it should be: parts of the release, and the node key."""
    found = {
        part
        for part, data in desired.environments.items()
        if seal.is_sealed(paths.sealed_environment(part), seal.ENVIRONMENT, data)
    }
    if desired.seed is not None and seal.is_sealed(paths.sealed_key, seal.KEY, desired.seed):
        found.add(seal.KEY)
    return frozenset(found)


def _is_secret(path: str, data: bytes, paths: Paths) -> bool:
    directory = os.path.dirname(path)
    if not os.path.isdir(directory) or os.stat(directory).st_mode & 0o777 != SECRET_DIRECTORY_MODE:
        return False
    return files.has(path, data, SECRET_MODE, paths.uid)


def _is_other_key(path: str, seed: bytes) -> bool:
    """Whether a whole key is there that is not this one; what is not whole is damaged, and nobody's identity."""
    found = files.read_bytes(path)
    return found is not None and len(found) == len(seed) and found != seed
