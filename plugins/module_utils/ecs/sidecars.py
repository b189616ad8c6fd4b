# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services beside the agent as containers of its task: ``praxis_services``, as far as ECS has it. Pure.

The containers of a task have one network, so a service is at ``localhost`` and not at a name of its own. A volume lasts
as long as its task. ECS makes it for root alone, so a container that may do nothing but change owners, and that has
ended before the others start, gives it to their user.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.praxis.cloud.plugins.module_utils.ecs import container
from ansible_collections.praxis.cloud.plugins.module_utils.ecs.container import Definition, Surroundings
from ansible_collections.praxis.cloud.plugins.module_utils.ecs.secrets import TaskSecret
from ansible_collections.praxis.cloud.plugins.module_utils.ecs.settings import LONGEST_START, LONGEST_STOP
from ansible_collections.praxis.cloud.plugins.module_utils.finding import ERROR, WARNING, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.container import CONTAINER_USER, Limits
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.service_rules import where
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.services import Service
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.times import seconds

#: No service can be called like that: the names of services have no underscore.
OWNER = "volume_owner"
_VOLUMES = "/volumes"
_GIVE = "import os, sys\nfor path in sys.argv[1:]:\n    os.chown(path, %d, %d)" % (CONTAINER_USER, CONTAINER_USER)
#: What the engine lets a root of a container do by itself, without the right to change owners.
_DROPPED = (
    "AUDIT_WRITE", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "NET_RAW", "SETFCAP",
    "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
)  # fmt: skip
_TMPFS = 64
#: What ECS takes of a health check, from the least to the most: seconds, seconds, times.
_INTERVAL, _TIMEOUT, _RETRIES = (5, 300), (2, 60), (1, 10)
_NOT_HERE = {
    "files": "Put the files into the image: ECS mounts no files.",
    "extra_hosts": "Use a name that the VPC resolves: names cannot be added to a task.",
    "ports": "Remove them: the containers of a task reach each other at localhost, and others cannot reach them.",
}
_WITHOUT_EFFECT = {
    "pids": "ECS limits no processes.",
    "log_size": "The log group keeps the log (praxis_ecs.retention).",
    "log_files": "The log group keeps the log (praxis_ecs.retention).",
}
_NO_SERVERS: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Sidecar:
    """One service beside the agent.

    :param service: with its image by digest.
    :param secrets: name -> where ECS finds it.
    :param login: the secret by which ECS logs in to the image's registry.
    """

    service: Service
    secrets: Mapping[str, TaskSecret] = field(default_factory=dict)
    login: TaskSecret | None = None

    def container(self, around: Surroundings) -> Definition:
        """Its container."""
        service = self.service
        in_memory = dict.fromkeys(["/tmp", *service.tmpfs], _TMPFS)
        volumes = [(each.name, each.target, each.read_only) for each in service.volumes]
        depends = [{"containerName": OWNER, "condition": "SUCCESS"}] if volumes else []
        return {
            "name": service.name,
            "image": service.image,
            **container.login(self.login),
            **container.hardened(around, service.limits, in_memory),
            "memory": container.mib(service.limits.memory),
            **self._process(),
            **container.variables(service.environment, self.secrets),
            **container.mounts(volumes),
            **self._health(),
            **({"dependsOn": depends} if depends else {}),
        }

    def _process(self) -> Definition:
        if self.service.command:
            return {"entryPoint": list(self.service.command)}
        return {"command": list(self.service.args)} if self.service.args else {}

    def _health(self) -> Definition:
        health = self.service.health
        if health is None:
            return {}
        check = {
            "command": list(health.test),
            "interval": math.ceil(seconds(health.interval)),
            "timeout": math.ceil(seconds(health.timeout)),
            "retries": health.retries,
            "startPeriod": math.ceil(seconds(self.service.limits.start_period)),
        }
        return {"healthCheck": check}


def depended_on(sidecars: Sequence[Sidecar]) -> list[Definition]:
    """What the agent waits for: services that say how they are have to be healthy, the others to have begun."""
    found = []
    for each in sidecars:
        condition = "HEALTHY" if each.service.health else "START"
        found.append({"containerName": each.service.name, "condition": condition})
    return found


def volumes(sidecars: Sequence[Sidecar]) -> list[str]:
    """The names of the task's volumes."""
    return sorted({volume.name for each in sidecars for volume in each.service.volumes})


def of_agent(sidecars: Sequence[Sidecar]) -> list[tuple[str, str, bool]]:
    """The volumes that the agent has, too, each once."""
    mounted = {(volume.name, volume.agent, False) for each in sidecars for volume in each.service.volumes}
    return sorted(each for each in mounted if each[1])


def owner(image: str, login: TaskSecret | None, names: Sequence[str], around: Surroundings) -> Definition:
    """The container that gives the task's volumes to the user of the others, and ends.

    :param image: the agent's, which has Python.
    """
    made = container.hardened(around, Limits(), {})
    places = [(name, f"{_VOLUMES}/{name}", False) for name in names]
    linux = {"initProcessEnabled": True, "capabilities": {"drop": list(_DROPPED)}}
    return {
        "name": OWNER,
        "image": image,
        **container.login(login),
        **made,
        "essential": False,
        "user": "0:0",
        "linuxParameters": linux,
        "entryPoint": ["python", "-c", _GIVE],
        "command": [path for _name, path, _read_only in places],
        **container.mounts(places),
    }


def check(services: Sequence[Service], settings: Mapping[str, Any]) -> list[Finding]:
    """What ECS cannot do of them.

    :param settings: the agent's, which name services at addresses.
    """
    return [*(finding for each in services for finding in _check(each)), *_endpoints(services, settings)]


def _check(service: Service) -> Iterator[Finding]:
    for key, fix in _NOT_HERE.items():
        if getattr(service, key):
            yield Finding("not-on-ecs", f"{key} is not possible on ECS.", where(service.name, key), fix, ERROR)
    for key, fix in _WITHOUT_EFFECT.items():
        if getattr(service.limits, key) != getattr(Limits(), key):
            place = where(service.name, f"container.{key}")
            yield Finding("not-on-ecs", f"{key} has no effect on ECS.", place, fix, WARNING)
    for key, text, most in (
        ("start_period", service.limits.start_period, LONGEST_START),
        ("stop_grace", service.limits.stop_grace, LONGEST_STOP),
    ):
        if seconds(text) > most:
            what = f"container.{key} is {text}, and ECS allows {most} s at most."
            yield Finding("ecs-too-long", what, where(service.name, f"container.{key}"), "Shorten it.")
    health = service.health
    if health is None:
        return
    for key, value, (least, most) in (
        ("interval", math.ceil(seconds(health.interval)), _INTERVAL),
        ("timeout", math.ceil(seconds(health.timeout)), _TIMEOUT),
        ("retries", health.retries, _RETRIES),
    ):
        if not least <= value <= most:
            what = f"health.{key} is {value}, and ECS allows {least} to {most}."
            yield Finding("not-on-ecs", what, where(service.name, f"health.{key}"), "Choose a value in that range.")


def _endpoints(services: Sequence[Service], settings: Mapping[str, Any]) -> Iterator[Finding]:
    """A service has no name of its own here, so an address that names one leads nowhere."""
    names = {each.name for each in services}
    for path, section, key in (
        ("mcp.external_endpoints", "mcp", "external_endpoints"),
        ("agent.external_mcp_endpoints", "agent", "external_mcp_endpoints"),
    ):
        for each in (settings.get(section) or {}).get(key) or _NO_SERVERS:
            url = str(each.get("url", "") if isinstance(each, Mapping) else each)
            host = urlsplit(url).hostname or ""
            if host in names:
                what = f"{path} has {url}, and on ECS a service has no name."
                fix = f"Write {url.replace(host, 'localhost', 1)}: all containers of a task have one network."
                yield Finding("not-on-ecs", what, where(host), fix, ERROR)
