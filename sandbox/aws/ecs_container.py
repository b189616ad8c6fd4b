# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A container of a task's definition as the Docker client takes it."""

from __future__ import annotations

import shlex
from typing import Any

#: Seconds for which a container may end by itself, where its definition says nothing.
STOP = 30


def image(definition: dict[str, Any], registry: str, push: str) -> str:
    """Its image, by the registry's loopback port.

    :param registry: the registry as definitions name it.
    """
    return str(definition["image"]).replace(registry, push)


def limits(container: dict[str, Any]) -> list[str]:
    """What it may do, and how its health is seen."""
    linux, health = container.get("linuxParameters") or {}, container.get("healthCheck")
    options = ["--user", container["user"]] if container.get("user") else []
    options += ["--read-only"] if container.get("readonlyRootFilesystem") else []
    options += ["--init"] if linux.get("initProcessEnabled") else []
    options += ["--memory", f"{container['memory']}m"] if container.get("memory") else []
    for name in (linux.get("capabilities") or {}).get("drop") or ():
        options += ["--cap-drop", name]
    for each in linux.get("tmpfs") or ():
        how = ",".join([f"size={each['size']}m", *each.get("mountOptions", ())])
        options += ["--tmpfs", f"{each['containerPath']}:{how}"]
    if health:
        first, *words = health["command"]
        command = " ".join(words) if first == "CMD-SHELL" else shlex.join(words if first == "CMD" else [first, *words])
        options += ["--health-cmd", command, "--health-interval", f"{health['interval']}s",
                    "--health-timeout", f"{health['timeout']}s", "--health-retries", str(health["retries"]),
                    "--health-start-period", f"{health.get('startPeriod', 0)}s"]  # fmt: skip
    return options


def mounts(container: dict[str, Any], volumes: dict[str, str]) -> list[str]:
    """Where it has the volumes of its task.

    :param volumes: their names here, by their names in the definition.
    """
    options = []
    for each in container.get("mountPoints") or ():
        how = f"type=volume,source={volumes[each['sourceVolume']]},target={each['containerPath']}"
        options += ["--mount", how + (",readonly" if each.get("readOnly") else "")]
    return options


def program(container: dict[str, Any], image_: str) -> list[str]:
    """The image and what runs of it."""
    entry = container.get("entryPoint") or []
    first = ["--entrypoint", entry[0]] if entry else []
    return [*first, image_, *entry[1:], *(container.get("command") or [])]


def waits(container: dict[str, Any], states: dict[str, dict[str, Any]]) -> str:
    """What keeps a container from starting: ``wait``, ``never``, or nothing.

    :param states: what the engine says of the others' state.
    """
    for each in container.get("dependsOn") or ():
        state = states.get(each["containerName"]) or {}
        condition, begun = each["condition"], state.get("Status", "created") != "created"
        ended = state.get("Status") in ("exited", "dead")
        if condition == "SUCCESS" and ended and state["ExitCode"]:
            return "never"
        met = {
            "START": begun,
            "COMPLETE": ended,
            "SUCCESS": ended,
            "HEALTHY": (state.get("Health") or {}).get("Status") == "healthy",
        }
        if not met[condition]:
            return "wait"
    return ""
