# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where things live on a host. Tests pass another root; nothing else spells these paths."""

from __future__ import annotations

import os
from dataclasses import dataclass

PROJECT = "praxis"
SERVICE = "agent"
PROJECT_LABELS = {"com.docker.compose.project": PROJECT}
RELEASE_LABEL = "praxis.release"
CONTAINER_UID = 10001
RELEASE_FILES = ("compose.yaml", "agent.yaml", "release.json")


@dataclass(frozen=True)
class Paths:
    """The directories a host keeps.

    :param root: survives a reboot; holds nothing secret that is not sealed.
    :param run: a tmpfs; holds everything secret.
    :param systemd: there where systemd runs the machine.
    :param unit: what brings the secrets back after a reboot.
    :param engine_proxies: what the docker role has the engine started with.
    :param engine_pending: settings that the docker role has written, and the engine has not taken up; in memory, for a
        reboot takes them up.
    :param engine_pid: written by the engine when it starts.
    :param state: what services store; stays when the agent is removed.
    :param uid: owner, user and group, of what the container must read and nobody else may.
    """

    root: str = "/opt/praxis"
    run: str = "/run/praxis"
    engine_socket: str = "/var/run/docker.sock"
    daemon_json: str = "/etc/docker/daemon.json"
    uid: int = CONTAINER_UID
    systemd: str = "/run/systemd/system"
    unit: str = "/etc/systemd/system/praxis-secrets.service"
    engine_proxies: str = "/etc/systemd/system/docker.service.d/praxis-proxies.conf"
    engine_pending: str = "/run/praxis-engine.json"
    engine_pid: str = "/run/docker.pid"
    state: str = "/var/lib/praxis"

    @property
    def releases(self) -> str:
        return os.path.join(self.root, "releases")

    def release(self, release_id: str) -> str:
        return os.path.join(self.releases, release_id)

    def part(self, part: str) -> str:
        """The files that the container of a service has."""
        return os.path.join(self.root, "parts", part)

    def volume(self, name: str) -> str:
        """What a volume of the services holds."""
        return os.path.join(self.state, "volumes", name)

    @property
    def current(self) -> str:
        return os.path.join(self.root, "current")

    @property
    def good(self) -> str:
        """A link to the release that was last confirmed: where a rollback goes."""
        return os.path.join(self.root, "good")

    @property
    def deployment(self) -> str:
        """What the newest deployment has written down: host/fence.py."""
        return os.path.join(self.root, "deployment.json")

    @property
    def history(self) -> str:
        """Which releases were called good, by which deployments: host/history.py."""
        return os.path.join(self.root, "history.json")

    @property
    def socket_group(self) -> str:
        """The group of the Docker socket: host/socket_group.py."""
        return os.path.join(self.root, "socket.yaml")

    @property
    def peers(self) -> str:
        return os.path.join(self.root, "peers.json")

    @property
    def balancers(self) -> str:
        """The load balancers that the host has been put behind: host/registrations.py."""
        return os.path.join(self.root, "balancers.json")

    @property
    def configs(self) -> str:
        return os.path.join(self.root, "configs")

    def config(self, name: str) -> str:
        return os.path.join(self.configs, name + ".yaml")

    def secrets_dir(self, release_id: str) -> str:
        return os.path.join(self.run, release_id)

    def environment(self, release_id: str) -> str:
        return os.path.join(self.secrets_dir(release_id), "environment")

    @property
    def keys(self) -> str:
        return os.path.join(self.run, "keys")

    @property
    def node_key(self) -> str:
        return os.path.join(self.keys, "node.key")

    @property
    def sealed(self) -> str:
        return os.path.join(self.root, "sealed")

    def sealed_environment(self, release_id: str) -> str:
        return os.path.join(self.sealed, release_id)

    @property
    def sealed_key(self) -> str:
        return os.path.join(self.sealed, "node.key")

    @property
    def unseal(self) -> str:
        """The script that the unit runs."""
        return os.path.join(self.root, "unseal")

    @property
    def rollback(self) -> str:
        """The script of the dead man's switch: host/switch.py."""
        return os.path.join(self.root, "rollback")

    @property
    def armed(self) -> str:
        """What the dead man's switch is armed with; not there when it is not."""
        return os.path.join(self.root, "armed.json")

    @property
    def armed_config(self) -> str:
        """The file that the agent reads once the dead man's switch has gone off."""
        return os.path.join(self.root, "armed.yaml")

    @property
    def missing_image(self) -> str:
        """The image for want of which the host could not roll itself back."""
        return os.path.join(self.root, "missing-image")

    @property
    def late_disk(self) -> str:
        """The script that starts the agent when its disk comes late: host/late_disk.py."""
        return os.path.join(self.root, "late-disk")

    @property
    def rolled_back(self) -> str:
        """That the host has rolled itself back."""
        return os.path.join(self.root, "rolled-back.json")

    @property
    def lock(self) -> str:
        return self.run.rstrip("/") + ".lock"
