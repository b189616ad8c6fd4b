# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Docker Compose: the one thing the engine's socket cannot do."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from typing import List, Optional, Sequence, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.host import engine_failure
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
    _checked(paths, [*_up(paths, release_id), "--remove-orphans"], "release %s" % release_id)


def up_services(paths: Paths, release_id: str, names: Sequence[str]) -> None:
    """Make these services' containers anew; nothing else of the project is touched."""
    _checked(paths, [*_up(paths, release_id), "--no-deps", "--force-recreate", *names], "release %s" % release_id)


def remove_others(paths: Paths, release_id: str) -> None:
    """Remove the containers that the release has none of; those that are there stay as they are."""
    _checked(paths, [*_up(paths, release_id), "--no-recreate", "--remove-orphans"], "release %s" % release_id)


def _up(paths: Paths, release_id: str) -> List[str]:
    file = os.path.join(paths.release(release_id), "compose.yaml")
    return ["-f", file, "up", "--detach", "--no-build", "--pull", "never"]


def down(paths: Paths) -> None:
    """Stop and remove the project's containers and network; volumes stay."""
    _checked(paths, ["down", "--remove-orphans"], "Compose project %s" % PROJECT)


def _checked(paths: Paths, arguments: Sequence[str], where: str) -> None:
    try:
        code, output = _run(paths, arguments, COMPOSE_TIMEOUT)
    except FileNotFoundError as error:
        raise Failed(
            Finding("no-docker", "The machine has no docker command.", where, "Deploy again: deploy.yml installs "
                                                                              "Docker. By hand: run the role "
                                                                              "praxis.cloud.docker on this host.")
        ) from error
    except subprocess.TimeoutExpired as error:
        raise Failed(
            Finding(
                "compose-timeout",
                "docker compose %s did not end within %d s." % (arguments[-1], COMPOSE_TIMEOUT),
                where,
                "Read the engine's log on the host: journalctl -u docker.",
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
    with subprocess.Popen(
        command + list(arguments),
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:
        try:
            output = process.communicate(timeout=timeout)[0]
        except subprocess.TimeoutExpired:
            # Compose is a child of docker's: it would outlive it, and hold the pipe that is waited for.
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return process.returncode, output.decode("utf-8", "replace")


def explain(output: str, where: str) -> Finding:
    """A finding from what Compose printed."""
    words = " ".join(line.strip() for line in output.splitlines() if line.strip() and "level=warning" not in line)
    return engine_failure.explain(words, where) or Finding(
        "compose-failed", "Compose failed: %s" % words[-600:], where, "Fix what Compose's message names, and deploy "
                                                                      "again."
    )
