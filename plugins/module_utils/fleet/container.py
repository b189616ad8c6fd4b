# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every container of a release has in common, the agent's and those of its services: hardening, limits, mounts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List

#: The user and group that the containers run as, and that reads the files in their tmpfs.
CONTAINER_USER = 10001
SECRETS_MOUNT = "/run/praxis"

#: The environment file is read by the shell that then becomes the program, so that the values are in no argument list
#: and in nothing that the engine can be asked for.
START = '. %s/environment && exec "$@"' % SECRETS_MOUNT


@dataclass(frozen=True)
class Limits:
    """What a container may use. The agent sets no limits of its own."""

    memory: str = "512m"
    pids: int = 256
    stop_grace: str = "15s"
    start_period: str = "30s"
    log_size: str = "10m"
    log_files: int = 3


def hardened(limits: Limits) -> Dict[str, Any]:
    """The part of a container's definition that keeps it small: a user without rights, a root that nobody writes to."""
    return {
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
    }


def bind(source: str, target: str, read_only: bool) -> Dict[str, Any]:
    """A directory or file of the machine in a container. Where it is not there, Docker makes none."""
    return {
        "type": "bind",
        "source": source,
        "target": target,
        "read_only": read_only,
        "bind": {"create_host_path": False},
    }


def asks_health(api_port: int) -> List[str]:
    """The command that succeeds while the agent's API answers, whatever proxies the container's environment names."""
    return ["CMD", "curl", "-fsS", "-m", "3", "--noproxy", "*", "http://127.0.0.1:%d/health" % api_port]


def logging(limits: Limits) -> Dict[str, Any]:
    """How much of a container's output the engine keeps."""
    return {
        "driver": "json-file",
        "options": {"max-size": limits.log_size, "max-file": str(limits.log_files)},
    }


def secrets_directory(part: str) -> str:
    """Where the machine keeps, in memory, the secrets of a part of a release."""
    return "/run/praxis/%s" % part
