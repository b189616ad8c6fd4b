# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one host runs: image digest + compiled settings + secret versions. Its id is a hash of those.

Peers are not part of a release: a newcomer changes everybody's bootstrap list and must restart nobody.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Dict, Mapping

#: The user and group that the container runs as, and that reads the files in its tmpfs.
CONTAINER_USER = 10001
#: Where the agent looks for the file that bears its name; tools register from nowhere else.
CONFIG_MOUNT = "/app/configs"
KEY_MOUNT = "/keys"
#: A file of the machine's own, made by host/socket_group.py.
SOCKET_FILE = "/opt/praxis/socket.yaml"
SECRETS_MOUNT = "/run/praxis"

#: The image promises curl, sh and python, nothing more. The environment file is read by the shell that then becomes
#: the agent, so that the values are in no argument list and in nothing that the engine can be asked for.
_START = '. %s/environment && exec "$@"' % SECRETS_MOUNT


@dataclass(frozen=True)
class Limits:
    """What a container may use. The agent sets no limits of its own."""

    memory: str = "512m"
    pids: int = 256
    stop_grace: str = "15s"
    start_period: str = "30s"
    log_size: str = "10m"
    log_files: int = 3


@dataclass(frozen=True)
class Release:
    """Everything that makes one host's agent what it is, the peers left out.

    :param name: the member's name, also ``--name`` and the configuration file's name.
    :param image: image by digest (``host/repository@sha256:…``).
    :param document: the agent's YAML as text, without a bootstrap list.
    :param settings: the same document as a mapping, for diffs.
    :param environment: plain environment.
    :param secrets: name -> version; never a value.
    """

    name: str
    image: str
    document: str
    settings: Mapping[str, Any]
    environment: Mapping[str, str]
    secrets: Mapping[str, str]
    api_port: int
    p2p_port: int
    limits: Limits = Limits()
    docker_socket: bool = False

    @cached_property
    def id(self) -> str:
        """Twelve hexadecimal digits. Anything that a container would have to be replaced for changes it."""
        return digest(
            {
                "name": self.name,
                "image": self.image,
                "document": self.document,
                "environment": dict(self.environment),
                "secrets": dict(self.secrets),
                "service": self._service("-"),
            }
        )[:12]

    def manifest(self) -> Dict[str, Any]:
        """``release.json``: what the host's copy says of itself, and what the next diff is made against."""
        socket = {"docker_socket": True} if self.docker_socket else {}
        return {
            **socket,
            "id": self.id,
            "name": self.name,
            "image": self.image,
            "settings": self.settings,
            "environment": dict(self.environment),
            "secrets": dict(self.secrets),
            "limits": asdict(self.limits),
            "ports": {"api": self.api_port, "p2p": self.p2p_port},
        }

    def files(self) -> Dict[str, str]:
        """The release directory: file name -> text."""
        return {
            "agent.yaml": self.document,
            "compose.yaml": self.compose(),
            "release.json": json.dumps(self.manifest(), indent=2, sort_keys=True) + "\n",
        }

    def compose(self) -> str:
        """The Compose file: YAML in its JSON form, where no reader can take text like ``850699100e56`` for a number.

        Every ``$`` is doubled: nothing in it is Compose's to interpolate.
        """
        service = _literal(self._service(self.id))
        return json.dumps({"name": "praxis", "services": {"agent": service}}, indent=2) + "\n"

    def _service(self, release_id: str) -> Dict[str, Any]:
        binds = [
            ("/opt/praxis/configs", CONFIG_MOUNT, True),
            ("/run/praxis/keys", KEY_MOUNT, True),
            ("/run/praxis/%s" % release_id, SECRETS_MOUNT, True),
        ]
        socket: Dict[str, Any] = {}
        if self.docker_socket:
            # Without the socket's group the agent's user may not open it, and the group's number is the machine's own.
            socket = {"extends": {"file": SOCKET_FILE, "service": "agent"}}
            binds.append(("/var/run/docker.sock", "/var/run/docker.sock", False))
        limits = self.limits
        config = "%s/%s.yaml" % (CONFIG_MOUNT, self.name)
        health = "http://127.0.0.1:%d/health" % self.api_port
        return {
            **socket,
            "image": self.image,
            "init": True,
            "user": "%d:%d" % (CONTAINER_USER, CONTAINER_USER),
            "read_only": True,
            "tmpfs": ["/tmp"],
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges:true"],
            "mem_limit": limits.memory,
            "pids_limit": limits.pids,
            "restart": "unless-stopped",
            "stop_grace_period": limits.stop_grace,
            "labels": {"praxis.release": release_id, "praxis.member": self.name},
            "entrypoint": ["sh", "-c", _START, "sh"],
            "command": ["python", "-m", "praxis_sdk.main", "--config", config, "run", "--name", self.name],
            "environment": dict(sorted(self.environment.items())),
            "ports": ["%d:%d" % (port, port) for port in (self.api_port, self.p2p_port)],
            "volumes": [
                {
                    "type": "bind",
                    "source": source,
                    "target": target,
                    "read_only": read_only,
                    "bind": {"create_host_path": False},
                }
                for source, target, read_only in binds
            ],
            "healthcheck": {
                "test": ["CMD", "curl", "-fsS", "-m", "3", health],
                "interval": "5s",
                "timeout": "5s",
                "retries": 6,
                "start_period": limits.start_period,
            },
            "logging": {
                "driver": "json-file",
                "options": {"max-size": limits.log_size, "max-file": str(limits.log_files)},
            },
        }


@dataclass(frozen=True)
class KeptRelease(Release):
    """A release as a host keeps it: its files are what they were, whatever this version would write.

    :param kept_id: its id.
    :param texts: its files.
    """

    kept_id: str = ""
    texts: Mapping[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return self.kept_id

    def files(self) -> Dict[str, str]:
        return dict(self.texts)

    @classmethod
    def of(cls, kept_id: str, name: str, texts: Mapping[str, str], manifest: Mapping[str, Any]) -> KeptRelease:
        """Out of its directory.

        :param manifest: its ``release.json``.
        """
        ports = manifest.get("ports") or {}
        return cls(
            name=name,
            image=str(manifest["image"]),
            document=texts["agent.yaml"],
            settings=manifest.get("settings") or {},
            environment=manifest.get("environment") or {},
            secrets=manifest.get("secrets") or {},
            api_port=int(ports.get("api") or 0),
            p2p_port=int(ports.get("p2p") or 0),
            kept_id=kept_id,
            texts=texts,
        )

    @classmethod
    def unknown(cls, name: str) -> KeptRelease:
        """That of a member which this run does not touch."""
        return cls(name, "", "", {}, {}, {}, 0, 0)


def digest(value: Any) -> str:
    """SHA-256 of a plain value's canonical JSON, in hexadecimal."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _literal(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, dict):
        return {key: _literal(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_literal(item) for item in value]
    return value
