# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task definition of a kind of agents. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.praxis.cloud.plugins.module_utils.ecs import container, sidecars, start
from ansible_collections.praxis.cloud.plugins.module_utils.ecs.balancer import Balancer
from ansible_collections.praxis.cloud.plugins.module_utils.ecs.container import Definition, Surroundings, mib
from ansible_collections.praxis.cloud.plugins.module_utils.ecs.data import VOLUME, SharedData
from ansible_collections.praxis.cloud.plugins.module_utils.ecs.secrets import TaskSecret
from ansible_collections.praxis.cloud.plugins.module_utils.ecs.settings import (
    LONGEST_START,
    LONGEST_STOP,
    KindSettings,
    sizes,
)
from ansible_collections.praxis.cloud.plugins.module_utils.ecs.sidecars import Sidecar
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.container import asks_health
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.data import DATA_MOUNT
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import KIND_TAG, mark
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.release import CONFIG_MOUNT, KEY_MOUNT, Release
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.times import seconds

CONTAINER = "agent"
#: What AWS takes at most as one definition, in bytes.
LARGEST = 64 * 1024
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
    :param sidecars: what runs beside the agent in each task.
    :param login: the secret by which ECS logs in to the registry of the agent's image.
    :param data: what all tasks share and what outlives them.
    """

    fleet: str
    settings: KindSettings
    release: Release
    document: str
    secrets: Mapping[str, TaskSecret]
    region: str
    architecture: str = ""
    balancer: Balancer | None = None
    sidecars: Sequence[Sidecar] = ()
    login: TaskSecret | None = None
    data: SharedData | None = None

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
        return self.settings.cluster or self.own_cluster

    @property
    def log_group(self) -> str:
        """The log group's name."""
        return self.settings.log_group or self.own_log_group

    @property
    def own_cluster(self) -> str:
        """The name of the cluster that is made where none is named."""
        return f"praxis-{self.fleet}"

    @property
    def own_log_group(self) -> str:
        """The name of the log group that is made where none is named."""
        return f"/praxis/{self.fleet}/{self.name}"

    @property
    def tags(self) -> dict[str, str]:
        """By which everything that is made for it is known."""
        return {**mark(self.fleet), KIND_TAG: self.name}

    @property
    def images(self) -> list[str]:
        """The images of its containers, each by digest, the agent's first."""
        return list(dict.fromkeys([self.release.image, *(each.service.image for each in self.sidecars)]))

    @property
    def all_secrets(self) -> list[TaskSecret]:
        """Everything that ECS fetches to start a task: variables of all containers, and logins."""
        held = [secret for each in self.sidecars for secret in each.secrets.values()]
        logins = [each for each in (self.login, *(one.login for one in self.sidecars)) if each]
        return [*self.secrets.values(), *held, *logins]

    @property
    def memory(self) -> int:
        """MiB of a task: what all its containers may have; of several on Fargate, the smallest size that holds them."""
        wanted = mib(self.release.limits.memory) + sum(mib(each.service.limits.memory) for each in self.sidecars)
        if not self.sidecars or not self.settings.capacity.fargate:
            return wanted
        return next((size for size in sizes(self.settings.cpu) if size >= wanted), wanted)

    def definition(self, execution_role: str, task_role: str = "") -> Definition:
        """The request that registers it, without tags.

        :param execution_role: ARN.
        :param task_role: ARN of the role that is made for its data; the user's own comes before it.
        """
        settings, role = self.settings, self.settings.task_role or task_role
        processor = "ARM64" if self.architecture == "arm64" else "X86_64"
        volumes = self._volumes()
        return {
            "family": self.family,
            "networkMode": "awsvpc",
            "requiresCompatibilities": ["FARGATE" if settings.capacity.fargate else "EC2"],
            "cpu": str(settings.cpu),
            "memory": str(self.memory),
            "runtimePlatform": {"cpuArchitecture": processor, "operatingSystemFamily": "LINUX"},
            "executionRoleArn": execution_role,
            **({"taskRoleArn": role} if role else {}),
            "containerDefinitions": self._containers(),
            **({"volumes": volumes} if volumes else {}),
        }

    def _containers(self) -> list[Definition]:
        around = Surroundings(self.log_group, self.region, self.name, self.settings.capacity.fargate)
        shared = sidecars.volumes(self.sidecars)
        owner = [sidecars.owner(self.release.image, self.login, shared, around)] if shared else []
        return [self._agent(around), *(each.container(around) for each in self.sidecars), *owner]

    def _volumes(self) -> list[Definition]:
        found: list[Definition] = [{"name": name} for name in sidecars.volumes(self.sidecars)]
        return [*found, self.data.volume()] if self.data else found

    def _agent(self, around: Surroundings) -> Definition:
        release = self.release
        environment = {**release.environment, start.FILE_VARIABLE: self.document}
        mounted = sidecars.of_agent(self.sidecars)
        depends = sidecars.depended_on(self.sidecars)
        if mounted:
            depends.append({"containerName": sidecars.OWNER, "condition": "SUCCESS"})
        if self.data:
            mounted.append((VOLUME, DATA_MOUNT, False))
        return {
            "name": CONTAINER,
            "image": release.image,
            **container.login(self.login),
            **container.hardened(around, release.limits, _TMPFS),
            # Alone it has all that the task has.
            **({"memory": mib(release.limits.memory)} if self.sidecars else {}),
            "entryPoint": ["sh", "-c", start.start(), "sh"],
            "command": list(start.COMMAND),
            **container.variables(environment, self.secrets),
            "portMappings": [
                {"containerPort": port, "hostPort": port, "protocol": "tcp"}
                for port in (release.api_port, release.p2p_port)
            ],
            **container.mounts(mounted),
            "healthCheck": {
                "command": asks_health(release.api_port),
                "interval": 5,
                "timeout": 5,
                "retries": 6,
                "startPeriod": math.ceil(seconds(release.limits.start_period)),
            },
            **({"dependsOn": depends} if depends else {}),
        }

    def check(self) -> list[Finding]:
        """What AWS would refuse of it, or what would not fit."""
        limits, settings, where = self.release.limits, self.settings, self.name
        found = [*self._check_size()] if settings.capacity.fargate else []
        for what, text, most in (
            ("praxis_container.start_period", limits.start_period, LONGEST_START),
            ("praxis_container.stop_grace", limits.stop_grace, LONGEST_STOP),
        ):
            if seconds(text) > most:
                said = f"{what} is {text}, and ECS allows {most} s at most."
                fix = "Use a shorter time. The time for the start follows from llm.timeout and llm.max_retries."
                found.append(Finding("ecs-too-long", said, where, fix))
        if settings.autoscaler.requests and not (self.balancer and self.balancer.label):
            what = "praxis_ecs: autoscaler.requests is given, and no application load balancer counts requests."
            fix = "Set praxis_target_group, or remove autoscaler.requests."
            found.append(Finding("bad-ecs-setting", what, where, fix))
        size = len(json.dumps(self.definition("")))
        if size > LARGEST:
            what = f"Settings and bootstrap list make a task definition of {size} bytes, and AWS allows {LARGEST}."
            fix = "Shorten the settings, or dial fewer members (bootstrap)."
            found.append(Finding("task-definition-too-large", what, where, fix))
        return found

    def _check_size(self) -> list[Finding]:
        these, cpu = sizes(self.settings.cpu), self.settings.cpu
        if self.memory in these:
            return []
        whose = "The agent and its services" if self.sidecars else "A Fargate task"
        what = f"{whose} with {cpu} CPU units cannot have {self.memory} MiB of memory."
        fix = f"Set praxis_container.memory to one of {', '.join(f'{each}m' for each in these[:4])}"
        fix += f", … {these[-1]}m, or another praxis_ecs.cpu." if len(these) > 4 else ", or another praxis_ecs.cpu."
        if self.sidecars:
            fix = f"Give them no more than {these[-1]} MiB together, or set a larger praxis_ecs.cpu."
        return [Finding("fargate-size", what, self.name, fix)]
