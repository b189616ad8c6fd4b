# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task definition of a kind of agents, and whether two mean the same. Pure.

AWS answers a definition with its own defaults in it, with empty lists for what was not given, and in an order of its
own, so what was sent and what is there are compared by meaning.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.byte_size import in_bytes
from ansible_collections.praxis.cloud.plugins.module_utils.ecs import start
from ansible_collections.praxis.cloud.plugins.module_utils.ecs.secrets import TaskSecret
from ansible_collections.praxis.cloud.plugins.module_utils.ecs.settings import (
    LONGEST_START,
    LONGEST_STOP,
    KindSettings,
    sizes,
)
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.container import CONTAINER_USER
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import mark
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.release import CONFIG_MOUNT, KEY_MOUNT, Release, digest
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.times import seconds

Definition = dict[str, Any]
CONTAINER = "agent"
#: What AWS takes at most as one definition, in bytes.
LARGEST = 64 * 1024
_MIB = 1024 * 1024
_TMPFS = {"/tmp": 64, CONFIG_MOUNT: 4, KEY_MOUNT: 1}


@dataclass(frozen=True)
class Kind:
    """A kind of agents.

    :param release: what its tasks run; its name is a mark.
    :param document: the agent's file with its bootstrap list.
    :param secrets: name -> where ECS finds it.
    :param region: of the log.
    :param architecture: as Docker calls it; empty: amd64.
    :param target_group: ARN of the balancer's target group; empty: none.
    """

    fleet: str
    settings: KindSettings
    release: Release
    document: str
    secrets: Mapping[str, TaskSecret]
    region: str
    architecture: str = ""
    target_group: str = ""

    @property
    def name(self) -> str:
        """The service's name."""
        return self.settings.name

    @property
    def family(self) -> str:
        """The name of its task definitions."""
        return f"praxis-{self.fleet}-{self.name}"

    @property
    def cluster(self) -> str:
        """The cluster's name."""
        return self.settings.cluster or f"praxis-{self.fleet}"

    @property
    def log_group(self) -> str:
        """The log group's name."""
        return self.settings.log_group or f"/praxis/{self.fleet}/{self.name}"

    @property
    def tags(self) -> dict[str, str]:
        """By which everything that is made for it is known."""
        return {**mark(self.fleet), "praxis_kind": self.name}

    def definition(self, execution_role: str) -> Definition:
        """The request that registers it, without tags.

        :param execution_role: ARN.
        """
        settings, memory = self.settings, str(_memory(self.release))
        processor = "ARM64" if self.architecture == "arm64" else "X86_64"
        role = {"taskRoleArn": settings.task_role} if settings.task_role else {}
        return {
            "family": self.family,
            "networkMode": "awsvpc",
            "requiresCompatibilities": ["FARGATE"],
            "cpu": str(settings.cpu),
            "memory": memory,
            "runtimePlatform": {"cpuArchitecture": processor, "operatingSystemFamily": "LINUX"},
            "executionRoleArn": execution_role,
            **role,
            "containerDefinitions": [self._container()],
        }

    def _container(self) -> Definition:
        release = self.release
        environment = {**release.environment, start.FILE_VARIABLE: self.document}
        health = f"http://127.0.0.1:{release.api_port}/health"
        return {
            "name": CONTAINER,
            "image": release.image,
            "essential": True,
            "user": f"{CONTAINER_USER}:{CONTAINER_USER}",
            "readonlyRootFilesystem": True,
            "entryPoint": ["sh", "-c", start.start(), "sh"],
            "command": list(start.COMMAND),
            "environment": [{"name": name, "value": value} for name, value in sorted(environment.items())],
            "secrets": [{"name": name, "valueFrom": each.value_from} for name, each in sorted(self.secrets.items())],
            "portMappings": [
                {"containerPort": port, "hostPort": port, "protocol": "tcp"}
                for port in (release.api_port, release.p2p_port)
            ],
            "linuxParameters": {
                "initProcessEnabled": True,
                "capabilities": {"drop": ["ALL"]},
                "tmpfs": [
                    {"containerPath": path, "size": size, "mountOptions": ["nosuid", "nodev", "noexec"]}
                    for path, size in _TMPFS.items()
                ],
            },
            "stopTimeout": math.ceil(seconds(release.limits.stop_grace)),
            "healthCheck": {
                "command": ["CMD", "curl", "-fsS", "-m", "3", health],
                "interval": 5,
                "timeout": 5,
                "retries": 6,
                "startPeriod": math.ceil(seconds(release.limits.start_period)),
            },
            "logConfiguration": {
                "logDriver": "awslogs",
                "options": {
                    "awslogs-group": self.log_group,
                    "awslogs-region": self.region,
                    "awslogs-stream-prefix": self.name,
                },
            },
        }

    def check(self) -> list[Finding]:
        """What AWS would refuse of it, or what would not fit."""
        limits, settings, where = self.release.limits, self.settings, self.name
        found = []
        memory = _memory(self.release)
        if memory not in sizes(settings.cpu):
            what = f"A Fargate task with {settings.cpu} CPU units cannot have {limits.memory} of memory."
            these = sizes(settings.cpu)
            fix = f"Set praxis_container.memory to one of {', '.join(f'{each}m' for each in these[:4])}"
            fix += f", … {these[-1]}m, or another praxis_ecs.cpu." if len(these) > 4 else ", or another praxis_ecs.cpu."
            found.append(Finding("fargate-size", what, where, fix))
        for what, text, most in (
            ("praxis_container.start_period", limits.start_period, LONGEST_START),
            ("praxis_container.stop_grace", limits.stop_grace, LONGEST_STOP),
        ):
            if seconds(text) > most:
                said = f"{what} is {text}, and ECS takes {most} s at most."
                fix = "Shorten it; the first follows from llm.timeout and llm.max_retries where it is not set."
                found.append(Finding("ecs-too-long", said, where, fix))
        size = len(repr(self._container()).encode())
        if size > LARGEST:
            what = f"The settings and the bootstrap list make a definition of {size} bytes, and AWS takes {LARGEST}."
            fix = "Shorten the settings, or dial fewer members (bootstrap)."
            found.append(Finding("task-definition-too-large", what, where, fix))
        return found


def _memory(release: Release) -> int:
    return math.ceil((in_bytes(release.limits.memory) or 0) / _MIB)


def same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two definitions mean the same."""
    return normal(one) == normal(other)


def fingerprint(definition: Mapping[str, Any]) -> str:
    """Twelve hexadecimal digits of what a definition means."""
    return digest(normal(definition))[:12]


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """What differs in meaning, each by its path; of the agent's file, setting by setting."""
    return list(_differing(_opened(before) if before else {}, _opened(after), ""))


def _differing(before: Mapping[str, Any], after: Mapping[str, Any], path: str) -> Iterator[tuple[str, Any, Any]]:
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        inner = f"{path}.{name}" if path else str(name)
        if isinstance(new, Mapping) and isinstance(old, (Mapping, type(None))):
            yield from _differing(old or {}, new, inner)
        elif old != new:
            yield inner, old, new


def _opened(definition: Mapping[str, Any]) -> Definition:
    """What a definition means, for people: the agent's file is no text but what stands in it."""
    # Imported here: the module must be importable where PyYAML is not installed.
    import yaml

    found = normal(definition)
    for name, container in found.pop("containerDefinitions").items():
        environment = {key: each.get("value", "") for key, each in container.pop("environment", {}).items()}
        text = environment.pop(start.FILE_VARIABLE, "")
        found[name] = {**container, "environment": environment, "settings": yaml.safe_load(text) or {}}
    return found


def normal(definition: Mapping[str, Any]) -> Definition:
    """What a definition means: without what AWS adds to it, its defaults written out, and without an order where order
    means nothing."""
    kept = {key: value for key, value in definition.items() if key not in _ANSWERED}
    awsvpc = kept.get("networkMode") == "awsvpc"
    rest = {key: value for key, value in kept.items() if key != "containerDefinitions"}
    found: Definition = dict(_pruned({**_DEFAULTS, **_without_nothing(rest)}))
    for key in ("cpu", "memory"):
        if key in found:
            found[key] = str(found[key])
    containers = [_container(each, awsvpc) for each in kept.get("containerDefinitions") or ()]
    return {**found, "containerDefinitions": {str(each.get("name")): each for each in containers}}


def _container(given: Mapping[str, Any], awsvpc: bool) -> Definition:
    found = {**_CONTAINER_DEFAULTS, **_without_nothing(given)}
    for key, read in _NAMED.items():
        if key in found:
            found[key] = {str(read(each)): _meant(key, each, awsvpc) for each in found[key]}
    if "healthCheck" in found:
        found["healthCheck"] = {**_HEALTH_DEFAULTS, **_without_nothing(found["healthCheck"])}
    if "linuxParameters" in found:
        found["linuxParameters"] = _linux(found["linuxParameters"])
    # Their values may be empty, which is not the same as none.
    kept = {key: found[key] for key in ("environment", "dockerLabels") if found.get(key)}
    return {**_pruned({key: value for key, value in found.items() if key not in kept}), **kept}


def _meant(key: str, each: Mapping[str, Any], awsvpc: bool) -> Any:
    if key != "portMappings":
        return dict(each)
    port = {"protocol": "tcp", **_without_nothing(each)}
    # In a network of its own a container's port is the host's.
    return {**port, "hostPort": port["containerPort"]} if awsvpc and "containerPort" in port else port


def _linux(given: Mapping[str, Any]) -> Definition:
    found = dict(_without_nothing(given))
    if "capabilities" in found:
        found["capabilities"] = {key: sorted(value or ()) for key, value in found["capabilities"].items()}
    if "tmpfs" in found:
        found["tmpfs"] = {
            each["containerPath"]: {**each, "mountOptions": sorted(each.get("mountOptions") or ())}
            for each in found["tmpfs"]
        }
    return found


def _without_nothing(given: Mapping[str, Any]) -> Definition:
    return {key: value for key, value in given.items() if value is not None}


def _pruned(value: Any) -> Any:
    """Without what is empty: AWS answers an empty list where nothing was given."""
    if isinstance(value, Mapping):
        inner = {key: _pruned(each) for key, each in value.items()}
        return {key: each for key, each in inner.items() if each not in (None, [], {}, "")}
    return list(_each(value)) if isinstance(value, (list, tuple)) else value


def _each(values: Iterable[Any]) -> Iterable[Any]:
    return (_pruned(value) if isinstance(value, Mapping) else value for value in values)


def _name(each: Mapping[str, Any]) -> Any:
    return each.get("name")


def _port(each: Mapping[str, Any]) -> Any:
    return f"{each.get('containerPort', each.get('containerPortRange'))}/{each.get('protocol') or 'tcp'}"


#: What a definition has when AWS answers it, and none of its meaning.
_ANSWERED = frozenset({
    "taskDefinitionArn", "revision", "status", "requiresAttributes", "compatibilities", "registeredAt", "registeredBy",
    "deregisteredAt", "deleteRequestedAt", "tags",
})  # fmt: skip
_DEFAULTS: Mapping[str, Any] = {
    "runtimePlatform": {"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"},
    "enableFaultInjection": False,
}
_CONTAINER_DEFAULTS: Mapping[str, Any] = {"cpu": 0, "essential": True, "versionConsistency": "enabled"}
_HEALTH_DEFAULTS: Mapping[str, Any] = {"interval": 30, "timeout": 5, "retries": 3}
#: Lists that are tables, and what their rows are known by.
_NAMED: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "environment": _name,
    "secrets": _name,
    "portMappings": _port,
    "ulimits": _name,
    "mountPoints": lambda each: each.get("containerPath"),
    "systemControls": lambda each: each.get("namespace"),
    "dependsOn": lambda each: each.get("containerName"),
}
