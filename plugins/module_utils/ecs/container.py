# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all containers of a task have in common: hardening, limits, log, variables. Pure.

ECS names in a definition's own words what ``fleet/container.py`` says for machines. What it has no word for on Fargate
is ``no-new-privileges``, and anywhere a limit of processes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.byte_size import in_bytes
from ansible_collections.praxis.cloud.plugins.module_utils.ecs.secrets import TaskSecret
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.container import CONTAINER_USER, Limits
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.times import seconds

Definition = dict[str, Any]
_MIB = 1024 * 1024


@dataclass(frozen=True)
class Surroundings:
    """What is the same for all containers of a task.

    :param log_group, region, prefix: where their output goes.
    :param fargate: whether they run on Fargate, which takes no security options.
    """

    log_group: str
    region: str
    prefix: str
    fargate: bool = True

    def log(self) -> Definition:
        """Where a container's output goes."""
        options = {
            "awslogs-group": self.log_group,
            "awslogs-region": self.region,
            "awslogs-stream-prefix": self.prefix,
        }
        return {"logDriver": "awslogs", "options": options}


def hardened(around: Surroundings, limits: Limits, tmpfs: Mapping[str, int]) -> Definition:
    """The part of a definition that keeps a container small: a user without rights, a root that nobody writes to.

    :param tmpfs: path -> MiB in memory.
    """
    options = {} if around.fargate else {"dockerSecurityOptions": ["no-new-privileges"]}
    return {
        "essential": True,
        "user": f"{CONTAINER_USER}:{CONTAINER_USER}",
        "readonlyRootFilesystem": True,
        **options,
        "linuxParameters": {
            "initProcessEnabled": True,
            "capabilities": {"drop": ["ALL"]},
            "tmpfs": [
                {"containerPath": path, "size": size, "mountOptions": ["nosuid", "nodev", "noexec"]}
                for path, size in tmpfs.items()
            ],
        },
        "stopTimeout": math.ceil(seconds(limits.stop_grace)),
        "logConfiguration": around.log(),
    }


def variables(environment: Mapping[str, str], secrets: Mapping[str, TaskSecret]) -> Definition:
    """Plain variables, and secret ones by reference."""
    return {
        "environment": [{"name": name, "value": value} for name, value in sorted(environment.items())],
        "secrets": [{"name": name, "valueFrom": each.value_from} for name, each in sorted(secrets.items())],
    }


def login(secret: TaskSecret | None) -> Definition:
    """With what ECS logs in to the image's registry."""
    return {"repositoryCredentials": {"credentialsParameter": secret.arn}} if secret else {}


def mounts(volumes: Sequence[tuple[str, str, bool]]) -> Definition:
    """Where a container has volumes of the task: name, path, and whether it may only read them."""
    if not volumes:
        return {}
    keys = ("sourceVolume", "containerPath", "readOnly")
    return {"mountPoints": [dict(zip(keys, each)) for each in sorted(volumes)]}


def mib(memory: str) -> int:
    """A limit of memory as ECS counts it."""
    return math.ceil((in_bytes(memory) or 0) / _MIB)
