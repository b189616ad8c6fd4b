# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Doing what :mod:`changes` found: one small step for each kind of change."""

from __future__ import annotations

import os
import time
from typing import Callable, Dict, List, Sequence

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.host import (
    compose,
    data,
    disk,
    files,
    gate,
    history,
    images,
    observation,
    parts,
    registrations,
    seal,
    services,
    socket_group,
)
from ansible_collections.praxis.cloud.plugins.module_utils.host.change import Change
from ansible_collections.praxis.cloud.plugins.module_utils.host.desired import Data, Desired
from ansible_collections.praxis.cloud.plugins.module_utils.host.engine import Engine
from ansible_collections.praxis.cloud.plugins.module_utils.host.observation import linked
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import Paths
from ansible_collections.praxis.cloud.plugins.module_utils.host.pull import IDLE_TIMEOUT, pull

SECRET_MODE = 0o400
SECRET_DIRECTORY_MODE = 0o500
VOLUME_MODE = 0o700


class Host:
    """The steps, on one host, towards one desired state.

    :param config: the agent's file with its peers, composed before anything is written.
    """

    def __init__(self, paths: Paths, engine: Engine, desired: Desired, config: str) -> None:
        self._paths = paths
        self._engine = engine
        self._desired = desired
        self._config = config
        self.done: List[Change] = []
        self._steps: Dict[str, Callable[[Change], None]] = {
            "image": self._pull,
            "release": self._write_release,
            "part": self._write_part,
            "volume": self._make_volume,
            "data-format": self._format_data,
            "data-mount": self._mount_data,
            "data-grow": self._grow_data,
            "data-directory": self._make_data,
            "services": self._start_services,
            "secrets": self._write_secrets,
            "seed": self._write_seed,
            "seal": self._seal,
            "seal-key": self._seal_key,
            "unit": self._install_unit,
            "unseal": self._unseal,
            "peers": self._write_peers,
            "balancers": self._remember_balancers,
            "config": self._write_config,
            "socket-group": self._write_socket_group,
            "current": self._point_current,
            "start": self._up,
            "switch": self._up,
            "restart": self._restart,
            "good": self._mark_good,
            "prune": self._prune,
            "down": self._down,
            "forget": self._remove,
            "remove": self._remove,
        }

    def apply(self, changes: Sequence[Change]) -> None:
        """Do the changes in their order; the first that fails raises and stops the rest.

        ``done`` are those that were begun, since half a step has changed something too; but a pull is whole or nothing.
        """
        for change in changes:
            if change.kind != "image":
                self.done.append(change)
            self._steps[change.kind](change)
            if change.kind == "image":
                self.done.append(change)

    def _pull(self, change: Change) -> None:
        engine = Engine(self._paths.engine_socket, min(IDLE_TIMEOUT, self._desired.pull_deadline))
        pull(engine, change.subject, self._desired.login_for(change.subject), self._desired.pull_deadline)
        images.hold(engine, [change.subject])

    def _write_release(self, change: Change) -> None:
        files.make_directory(self._paths.root, 0o755)
        files.write_directory(change.subject, self._desired.wanted.files)

    def _write_part(self, change: Change) -> None:
        files.make_directory(os.path.dirname(change.subject), 0o755)
        part = os.path.basename(change.subject)
        files.write_directory(change.subject, parts.files(self._desired.wanted.manifest)[part])

    def _make_volume(self, change: Change) -> None:
        files.make_directory(self._paths.state, 0o755)
        files.make_directory(os.path.dirname(change.subject), 0o755)
        files.make_directory(change.subject, VOLUME_MODE, self._paths.uid)

    def _format_data(self, change: Change) -> None:
        disk.format_blank(change.subject)

    def _mount_data(self, _change: Change) -> None:
        data.mount(self._paths, self._data)

    def _grow_data(self, _change: Change) -> None:
        data.grow(self._data)

    def _make_data(self, _change: Change) -> None:
        data.make(self._paths, self._data)

    @property
    def _data(self) -> Data:
        wanted = self._desired.data
        if wanted is None:
            raise ValueError("there is no data to prepare")
        return wanted

    def _write_secrets(self, change: Change) -> None:
        part = os.path.basename(os.path.dirname(change.subject))
        self._write_secret(change.subject, self._desired.environments[part])

    def _write_seed(self, change: Change) -> None:
        self._write_secret(change.subject, self._desired.seed or b"")

    def _write_secret(self, path: str, data: bytes) -> None:
        files.make_directory(self._paths.run, 0o700)
        files.require_tmpfs(self._paths.run)
        files.make_directory(os.path.dirname(path), SECRET_DIRECTORY_MODE, self._paths.uid)
        files.write_file(path, data, SECRET_MODE, self._paths.uid)

    def _seal(self, change: Change) -> None:
        part = os.path.basename(change.subject)
        seal.seal(change.subject, seal.ENVIRONMENT, self._desired.environments[part])

    def _seal_key(self, change: Change) -> None:
        seal.seal(change.subject, seal.KEY, self._desired.seed or b"")

    def _install_unit(self, _change: Change) -> None:
        seal.install(self._paths, several=seal.several(self._paths, self._desired.wanted.manifest))

    def _unseal(self, _change: Change) -> None:
        seal.unseal(self._paths, self._desired.wanted.id)

    def _write_peers(self, change: Change) -> None:
        files.make_directory(self._paths.root, 0o755)
        if self._desired.peers is not None:
            files.write_file(change.subject, self._desired.peers.as_json().encode())

    def _remember_balancers(self, _change: Change) -> None:
        registrations.write(self._paths, self._desired.balancers)

    def _write_config(self, change: Change) -> None:
        files.make_directory(self._paths.configs, 0o755)
        files.write_file(change.subject, self._config.encode())

    def _write_socket_group(self, change: Change) -> None:
        files.make_directory(self._paths.root, 0o755)
        files.write_file(change.subject, socket_group.text(socket_group.of_socket(self._paths) or "").encode())

    def _point_current(self, change: Change) -> None:
        files.point(change.subject, os.path.join("releases", self._desired.wanted.id))

    def _mark_good(self, change: Change) -> None:
        """The dates of the directories tell in which order the releases were confirmed, whatever the clock shows."""
        wanted, before = self._desired.wanted.id, linked(change.subject)
        newest = max(os.stat(self._paths.release(name)).st_mtime for name in os.listdir(self._paths.releases))
        date = max(time.time(), newest + 1)
        os.utime(self._paths.release(wanted), (date, date))
        files.point(change.subject, os.path.join("releases", wanted))
        if self._desired.deployment is not None:
            history.add(self._paths, self._desired.deployment, wanted, before, time.time())

    def _start_services(self, change: Change) -> None:
        """Start services anew, wait until all are well, and let nothing else of the project be touched."""
        release = self._desired.wanted
        wanted = parts.wanted(release.manifest)
        named = change.subject.split(", ")
        names = [name for name in named if name in wanted]
        before = services.restarts_of(observation.observe_services(self._paths, self._engine))
        if names:
            compose.up_services(self._paths, release.id, names)
        if len(names) < len(named):
            compose.remove_others(self._paths, release.id)
        _seen, finding = gate.wait(
            lambda: observation.observe_services(self._paths, self._engine),
            lambda seen: services.judge(seen, wanted, before, release.name),
            self._desired.gate.deadline,
        )
        if finding is not None:
            raise Failed(finding)

    def _up(self, _change: Change) -> None:
        compose.up(self._paths, self._desired.wanted.id)

    def _restart(self, _change: Change) -> None:
        containers = self._engine.containers(compose.LABELS)
        self._engine.restart(containers[0]["Id"])

    def _prune(self, change: Change) -> None:
        """Remove a release, and of what it is made of all that no kept release has too: secrets, files, images.

        Its directory goes last: it says what the rest is, and when a step fails the next run begins here again.
        """
        old = os.path.basename(change.subject)
        kept = [name for name in os.listdir(self._paths.releases) if name != old]
        needed = {part for name in kept for part in self._parts_of(name)}
        for part in self._parts_of(old):
            if part not in needed:
                files.remove_tree(self._paths.secrets_dir(part))
                files.remove_file(self._paths.sealed_environment(part))
                files.remove_tree(self._paths.part(part))
        needed_images = {image for name in kept for image in images.images_of(self._paths, name)}
        images.remove(self._engine, images.images_of(self._paths, old), needed_images)
        files.remove_tree(change.subject)

    def _parts_of(self, release_id: str) -> List[str]:
        return parts.all_parts(services.manifest_of(self._paths, release_id), release_id)

    def _down(self, _change: Change) -> None:
        compose.down(self._paths)

    def _remove(self, change: Change) -> None:
        if change.subject == self._paths.unit:
            seal.remove(self._paths)
        elif os.path.isdir(change.subject) and not os.path.islink(change.subject):
            files.remove_tree(change.subject)
        else:
            os.unlink(change.subject)
