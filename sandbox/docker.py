# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Docker engine, by its command line client."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import tarfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.problem import Problem

LABEL = "praxis.sandbox"
"""Every container, volume and network of a sandbox has this label with the site's key as its value."""

ROOT_LABEL = f"{LABEL}.root"
"""And this one with the path of the folder that the sandbox belongs to."""
KINDS = ("container", "volume", "network")


class DockerError(Exception):
    """The docker client refused; the text is its standard error."""


@dataclass(frozen=True)
class File:
    """A file to place in a container: mode and owner as on the machine."""

    content: bytes
    mode: int = 0o644
    uid: int = 0


def docker(*arguments: str, stdin: bytes | None = None, timeout: float = 120.0) -> str:
    """Run `docker` and return its standard output. Raises DockerError, or Problem when there is no client."""
    try:
        done = subprocess.run(
            ["docker", *arguments], input=stdin, stdin=None if stdin is not None else subprocess.DEVNULL,
            capture_output=True, timeout=timeout, check=False)
    except FileNotFoundError:
        raise Problem("the docker client is not installed", "PATH", "apt-get install docker.io") from None
    except subprocess.TimeoutExpired:
        raise DockerError(f"docker {arguments[0]}: no answer in {timeout:.0f} s") from None
    if done.returncode:
        raise DockerError(f"docker {arguments[0]}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout.decode(errors="replace").strip()


def require_engine() -> None:
    """Raise Problem unless a Docker engine answers."""
    if shutil.which("docker") is None:
        raise Problem("the docker client is not installed", "PATH", "apt-get install docker.io")
    try:
        docker("info", "--format", "{{.ServerVersion}}", timeout=20)
    except DockerError as error:
        raise Problem(
            f"the Docker engine does not answer: {error}", "docker info",
            "start it (systemctl start docker, or dockerd in the background), "
            "and run as root or as a member of the group docker") from None


def inspect(kind: str, name: str) -> dict[str, Any] | None:
    """What `docker KIND inspect NAME` says, or None when there is no such thing."""
    try:
        found: list[dict[str, Any]] = json.loads(docker(kind, "inspect", name))
    except DockerError as error:
        if "no such" in str(error).lower() or "not found" in str(error).lower():
            return None
        raise
    return found[0]


def named(kind: str, key: str, role: str | None = None) -> list[str]:
    """Exact names of the site's containers, volumes or networks, sorted."""
    filters = [f"label={LABEL}={key}"] + ([f"label={LABEL}.role={role}"] if role else [])
    options = [word for text in filters for word in ("--filter", text)]
    listing = {
        "container": ("container", "ls", "--all", "--format", "{{.Names}}"),
        "volume": ("volume", "ls", "--format", "{{.Name}}"),
        "network": ("network", "ls", "--format", "{{.Name}}"),
    }[kind]
    return sorted(docker(*listing, *options).split())


def roots() -> list[Path]:
    """The folders of all sandboxes that have left anything in the engine, up or not, sorted."""
    form = f'{{{{.Label "{ROOT_LABEL}"}}}}'
    listed = [docker(kind, "ls", *(["--all"] if kind == "container" else []), "--filter", f"label={ROOT_LABEL}",
                     "--format", form) for kind in KINDS]
    return sorted({Path(line) for text in listed for line in text.splitlines()})


def place(container: str, files: Mapping[str, File]) -> None:
    """Put files at absolute paths into a container, running or not. Folders must exist."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, file in files.items():
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.size, entry.mode, entry.uid, entry.gid = len(file.content), file.mode, file.uid, file.uid
            archive.addfile(entry, io.BytesIO(file.content))
    docker("cp", "--archive", "-", f"{container}:/", stdin=buffer.getvalue())


def shell(container: str, script: str, timeout: float = 60.0) -> str:
    """Run a shell script as root in a container and return its output. Raises DockerError."""
    return docker("exec", container, "sh", "-ceu", script, timeout=timeout)


def remove_container(name: str, deadline: float = 60.0) -> None:
    """Remove a container by its exact name, running or not, with its anonymous volumes. Raises DockerError when it is
    still there after so many seconds.

    The engine itself waits ten seconds for what it has killed to end, which a busy machine may not do in time, and it
    refuses while somebody else's removal goes on: then it is asked again."""
    until = time.monotonic() + deadline
    while True:
        try:
            docker("rm", "--force", "--volumes", name)
            return
        except DockerError as error:
            if "No such container" in str(error):
                return
            passing = any(words in str(error) for words in ("already in progress", "did not receive an exit event"))
            if not passing or time.monotonic() > until:
                raise
        time.sleep(0.5)


def build(tag: str, context: Path, arguments: Mapping[str, str], version: str, log: Path) -> None:
    """Build an image. The builder's output goes to a log file, named by the Problem if it fails."""
    command: Sequence[str] = [
        "docker", "build", "--network", "host", "--tag", tag,
        *(["--label", f"org.opencontainers.image.version={version}"] if version else []),
        *(word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")), str(context)]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        done = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                              env=_classic_builder(), check=False)
    if done.returncode:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise Problem(f"image {tag} was not built:\n{tail}", str(log), "fix what the log names, then run this again")


def _classic_builder() -> dict[str, str]:
    return {**os.environ, "DOCKER_BUILDKIT": "0"}
