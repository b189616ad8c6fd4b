# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task definition of a kind of agents. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.byte_size import in_bytes
from ansible_collections.praxis.cloud.plugins.module_utils.ecs import start
from ansible_collections.praxis.cloud.plugins.module_utils.ecs.balancer import Balancer
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
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.release import CONFIG_MOUNT, KEY_MOUNT, Release
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
    :param balancer: what stands in front of its tasks; None: nothing.
    """

    fleet: str
    settings: KindSettings
    release: Release
    document: str
    secrets: Mapping[str, TaskSecret]
    region: str
    architecture: str = ""
    balancer: Balancer | None = None

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
        if settings.autoscaler.requests and not (self.balancer and self.balancer.label):
            what = "praxis_ecs: autoscaler.requests is given, and no application load balancer counts requests."
            fix = "Name its target group (praxis_target_group), or leave autoscaler.requests out."
            found.append(Finding("bad-ecs-setting", what, where, fix))
        size = len(repr(self._container()).encode())
        if size > LARGEST:
            what = f"The settings and the bootstrap list make a definition of {size} bytes, and AWS takes {LARGEST}."
            fix = "Shorten the settings, or dial fewer members (bootstrap)."
            found.append(Finding("task-definition-too-large", what, where, fix))
        return found


def _memory(release: Release) -> int:
    return math.ceil((in_bytes(release.limits.memory) or 0) / _MIB)
