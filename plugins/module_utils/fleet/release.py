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
from typing import Any, Dict, List, Mapping, Optional, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils import yaml_json
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.container import (
    SECRETS_MOUNT,
    START,
    Limits,
    asks_health,
    bind,
    hardened,
    logging,
    secrets_directory,
)
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.data import DATA_MOUNT, Data
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.services import Service, volume_directory

#: Where the agent looks for the file that bears its name; tools register from nowhere else.
CONFIG_MOUNT = "/app/configs"
KEY_MOUNT = "/keys"
#: A file of the machine's own, made by host/socket_group.py.
SOCKET_FILE = "/opt/praxis/socket.yaml"


@dataclass(frozen=True)
class Release:
    """Everything that makes one host's agent what it is, the peers left out.

    :param name: the member's name, also ``--name`` and the configuration file's name.
    :param image: image by digest (``host/repository@sha256:…``).
    :param document: the agent's YAML as text, without a bootstrap list.
    :param settings: the same document as a mapping, for diffs.
    :param environment: plain environment.
    :param secrets: name -> version; never a value.
    :param services: what runs beside the agent.
    :param data: what it keeps, whatever becomes of its container.
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
    services: Tuple[Service, ...] = ()
    data: Optional[Data] = None

    @cached_property
    def id(self) -> str:
        """Twelve hexadecimal digits. Anything that a container would have to be replaced for changes it."""
        if not self.services:
            return self.agent_part
        parts = {service.name: service.part for service in self.services}
        return digest({"agent": self.agent_part, "services": parts})[:12]

    @cached_property
    def agent_part(self) -> str:
        """What the agent's own container is known by: a service may change, and the agent goes on as it is.

        Without services it is the release's id.
        """
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
        data = {"data": self.data.source} if self.data else {}
        return {
            **socket,
            **data,
            "id": self.id,
            "name": self.name,
            "image": self.image,
            "settings": self.settings,
            "environment": dict(self.environment),
            "secrets": dict(self.secrets),
            "limits": asdict(self.limits),
            "ports": {"api": self.api_port, "p2p": self.p2p_port},
            **self._services_manifest(),
        }

    def _services_manifest(self) -> Dict[str, Any]:
        """What the machine has to know of the services. ``secret_parts``: one line, for a shell to read at boot."""
        if not self.services:
            return {}
        secret = [service.part for service in self.services if service.secrets]
        return {
            "agent_part": self.agent_part,
            "secret_parts": " ".join([self.agent_part, *secret]),
            "services": {service.name: service.manifest() for service in self.services},
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
        services = {"agent": self._service(self.agent_part)}
        services.update({service.name: service.compose(self.name) for service in self.services})
        return yaml_json.dumps({"name": "praxis", "services": _literal(services)}, indent=2) + "\n"

    def _volumes(self) -> List[Tuple[str, str, bool]]:
        """The services' volumes that the agent has too, each once."""
        shared = {
            (volume.name, volume.agent) for service in self.services for volume in service.volumes if volume.agent
        }
        return [(volume_directory(name), target, False) for name, target in sorted(shared)]

    def _service(self, release_id: str) -> Dict[str, Any]:
        binds = [
            ("/opt/praxis/configs", CONFIG_MOUNT, True),
            ("/run/praxis/keys", KEY_MOUNT, True),
            (secrets_directory(release_id), SECRETS_MOUNT, True),
            *self._volumes(),
            *([(self.data.source, DATA_MOUNT, False)] if self.data else []),
        ]
        socket: Dict[str, Any] = {}
        if self.docker_socket:
            # Without the socket's group the agent's user may not open it, and the group's number is the machine's own.
            socket = {"extends": {"file": SOCKET_FILE, "service": "agent"}}
            binds.append(("/var/run/docker.sock", "/var/run/docker.sock", False))
        limits = self.limits
        config = "%s/%s.yaml" % (CONFIG_MOUNT, self.name)
        return {
            **socket,
            "image": self.image,
            **hardened(limits),
            "labels": {"praxis.release": release_id, "praxis.member": self.name},
            "entrypoint": ["sh", "-c", START, "sh"],
            "command": ["python", "-m", "praxis_sdk.main", "--config", config, "run", "--name", self.name],
            "environment": dict(sorted(self.environment.items())),
            "ports": ["%d:%d" % (port, port) for port in (self.api_port, self.p2p_port)],
            "volumes": [bind(*each) for each in binds],
            "healthcheck": {
                "test": asks_health(self.api_port),
                "interval": "5s",
                "timeout": "5s",
                "retries": 6,
                "start_period": limits.start_period,
            },
            "logging": logging(limits),
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
