# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services beside the agent: what each container of ``praxis_services`` is, as Compose and as the machine read it.

A service is a part of its host's release with an id of its own, a hash of everything that its container would have to
be replaced for. So a change of one service changes the release, and leaves every other container as it is.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Dict, List, Mapping, Optional, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.fleet.container import (
    SECRETS_MOUNT,
    START,
    Limits,
    bind,
    hardened,
    logging,
    secrets_directory,
)

#: A container's label: the part of a release that it was made from. host/services.py reads it.
PART_LABEL = "praxis.part"


@dataclass(frozen=True)
class Volume:
    """A directory that the machine keeps, whatever becomes of the containers.

    :param target: where the service has it.
    :param agent: where the agent has it, too; empty: it has not.
    """

    name: str
    target: str
    read_only: bool = False
    agent: str = ""


@dataclass(frozen=True)
class Port:
    """A port of the service that the machine publishes, to itself alone unless another address is named."""

    published: int
    target: int
    address: str = "127.0.0.1"


@dataclass(frozen=True)
class Health:
    """How the engine checks that a service is well.

    :param test: as Compose has it, with its CMD or CMD-SHELL.
    """

    test: Tuple[str, ...]
    interval: str = "5s"
    timeout: str = "5s"
    retries: int = 6


@dataclass(frozen=True)
class Service:
    """One container beside the agent.

    :param image: as the user names it, and by digest in a release.
    :param command: the whole command line; without one, the image's own.
    :param args: arguments for the image's own entry point.
    :param secrets: name -> what the user wrote, and in a release its version; never a value there.
    :param files: path in the container -> text.
    """

    name: str
    image: str
    command: Tuple[str, ...] = ()
    args: Tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, Any] = field(default_factory=dict, repr=False)
    files: Mapping[str, str] = field(default_factory=dict)
    volumes: Tuple[Volume, ...] = ()
    tmpfs: Tuple[str, ...] = ()
    ports: Tuple[Port, ...] = ()
    extra_hosts: Mapping[str, str] = field(default_factory=dict)
    health: Optional[Health] = None
    limits: Limits = Limits()

    @cached_property
    def part(self) -> str:
        """Twelve hexadecimal digits: what its container is known by."""
        made_of = [self._definition("-", ""), dict(self.secrets), dict(self.files)]
        text = json.dumps([self.name, made_of], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]

    def compose(self, member: str) -> Dict[str, Any]:
        """Its definition in the Compose file."""
        return self._definition(self.part, member)

    def manifest(self) -> Dict[str, Any]:
        """What ``release.json`` holds of it, for the machine to work with and for the next diff to be made against."""
        found = {
            "part": self.part,
            "image": self.image,
            "command": list(self.command or self.args),
            "environment": dict(self.environment),
            "secrets": dict(self.secrets),
            "files": dict(self.files),
            "volumes": {volume.name: asdict(volume) for volume in self.volumes},
            "ports": [asdict(port) for port in self.ports],
            "tmpfs": list(self.tmpfs),
            "extra_hosts": dict(self.extra_hosts),
            "health": asdict(self.health) if self.health else None,
            "limits": asdict(self.limits),
        }
        return {key: value for key, value in found.items() if value}

    def _definition(self, part: str, member: str) -> Dict[str, Any]:
        hardening = hardened(self.limits)
        hardening["tmpfs"] = [*hardening["tmpfs"], *self.tmpfs]
        return {
            "image": self.image,
            **hardening,
            "labels": {PART_LABEL: part, "praxis.member": member},
            **self._process(),
            "environment": dict(sorted(self.environment.items())),
            "ports": ["%s:%d:%d" % (port.address, port.published, port.target) for port in self.ports],
            "extra_hosts": ["%s:%s" % pair for pair in sorted(self.extra_hosts.items())],
            "volumes": self._mounts(part),
            **self._healthcheck(),
            "logging": logging(self.limits),
        }

    def _process(self) -> Dict[str, Any]:
        if self.secrets:
            return {"entrypoint": ["sh", "-c", START, "sh"], "command": list(self.command)}
        if self.command:
            return {"entrypoint": list(self.command), "command": []}
        return {"command": list(self.args)} if self.args else {}

    def _mounts(self, part: str) -> List[Dict[str, Any]]:
        found = [bind(volume_directory(item.name), item.target, item.read_only) for item in self.volumes]
        if self.secrets:
            found.append(bind(secrets_directory(part), SECRETS_MOUNT, True))
        files = [(part_file(part, number), target) for number, target in enumerate(sorted(self.files))]
        return found + [bind(source, target, True) for source, target in files]

    def _healthcheck(self) -> Dict[str, Any]:
        if self.health is None:
            return {}
        test = {
            "test": list(self.health.test),
            "interval": self.health.interval,
            "timeout": self.health.timeout,
            "retries": self.health.retries,
            "start_period": self.limits.start_period,
        }
        return {"healthcheck": test}


def volume_directory(name: str) -> str:
    """Where the machine keeps a volume."""
    return "/var/lib/praxis/volumes/%s" % name


def part_file(part: str, number: int) -> str:
    """Where the machine keeps a file of a part: the files in the order of their paths in the container."""
    return "/opt/praxis/parts/%s/%d" % (part, number)
