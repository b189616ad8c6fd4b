# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Docker Compose: the one thing the engine's socket cannot do."""

from __future__ import annotations

import os
import re
import subprocess
from typing import List, Optional, Sequence, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import PROJECT, SERVICE, Paths

DOCKER = "docker"
LABELS = {"com.docker.compose.project": PROJECT, "com.docker.compose.service": SERVICE}
COMPOSE_TIMEOUT = 180.0


def version(paths: Paths, timeout: float = 10.0) -> Optional[str]:
    """Compose's version (``2.26.1-4``), or None where there is no Compose."""
    try:
        code, output = _run(paths, ["version", "--short"], timeout)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return None
    return output.strip().splitlines()[-1].lstrip("v") if code == 0 and output.strip() else None


def numbers(text: str) -> Tuple[int, ...]:
    """The leading numbers of a version: ``2.26.1-4`` -> (2, 26, 1)."""
    match = re.match(r"v?(\d+(?:\.\d+)*)", text.strip())
    return tuple(int(part) for part in match.group(1).split(".")) if match else ()


def up(paths: Paths, release_id: str) -> None:
    """Make the project's container that of the release; the old one is stopped before the new one starts."""
    file = os.path.join(paths.release(release_id), "compose.yaml")
    arguments = ["-f", file, "up", "--detach", "--no-build", "--pull", "never", "--remove-orphans"]
    _checked(paths, arguments, "release %s" % release_id)


def down(paths: Paths) -> None:
    """Stop and remove the project's containers and network; volumes stay."""
    _checked(paths, ["down", "--remove-orphans"], "Compose project %s" % PROJECT)


def _checked(paths: Paths, arguments: Sequence[str], where: str) -> None:
    try:
        code, output = _run(paths, arguments, COMPOSE_TIMEOUT)
    except FileNotFoundError as error:
        raise Failed(
            Finding("no-docker", "There is no docker command.", where, "Run the praxis.cloud.docker role on this host.")
        ) from error
    except subprocess.TimeoutExpired as error:
        raise Failed(
            Finding(
                "compose-timeout",
                "docker compose %s did not end within %d s." % (arguments[-1], COMPOSE_TIMEOUT),
                where,
                "Look at the engine's own log on the host: journalctl -u docker.",
            )
        ) from error
    if code != 0:
        raise Failed(explain(output, where))


def _run(paths: Paths, arguments: Sequence[str], timeout: float) -> Tuple[int, str]:
    command: List[str] = [DOCKER, "compose"]
    if arguments[0] != "version":
        command += ["-p", PROJECT]
    keep = {"DOCKER_CONFIG"}
    environment = {
        name: value
        for name, value in os.environ.items()
        if name in keep or not name.startswith(("COMPOSE_", "DOCKER_"))
    }
    environment.update(DOCKER_HOST="unix://" + paths.engine_socket, COMPOSE_ANSI="never", COMPOSE_PROGRESS="quiet")
    done = subprocess.run(
        command + list(arguments),
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=timeout,
        check=False,
    )
    return done.returncode, done.stdout.decode("utf-8", "replace")


_REASONS = (
    (
        r"[Cc]annot connect to the Docker daemon",
        "engine-down",
        "The Docker Engine does not answer.",
        "Start it (systemctl start docker) and see why it had stopped: journalctl -u docker.",
    ),
    (
        r"port is already allocated|address already in use",
        "port-taken",
        "A port of the agent is taken by another process of this machine.",
        "Find it with `ss -ltnp` on the host and stop it, or choose other ports (praxis_api_port, praxis_p2p_port).",
    ),
    (
        r"bind source path does not exist|no such file or directory.*mount|mount.*no such file or directory",
        "mount-missing",
        "A file that the container mounts is not on this machine.",
        "Prepare the release again; a reboot empties /run.",
    ),
    (
        r"no space left on device",
        "disk-full",
        "The disk is full.",
        "Free some space (docker system df shows what the engine holds) and deploy again.",
    ),
    (
        r"[Nn]o such image|pull access denied|image.*not found",
        "image-missing",
        "The engine does not hold the release's image.",
        "Prepare the release again: that pulls it.",
    ),
)


def explain(output: str, where: str) -> Finding:
    """A finding from what Compose printed."""
    words = " ".join(line.strip() for line in output.splitlines() if line.strip() and "level=warning" not in line)
    for pattern, code, what, fix in _REASONS:
        if re.search(pattern, words):
            return Finding(code, "%s Compose said: %s" % (what, words[-300:]), where, fix)
    return Finding(
        "compose-failed", "Compose failed: %s" % words[-600:], where, "Mend what Compose names, and deploy again."
    )
