# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Container images of the sandbox: built from a debootstrapped Debian, tagged with a hash of what goes in.

A changed input makes another tag and so a build; an unchanged one is found. Names are shared by all checkouts.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sandbox import docker
from sandbox.problem import Problem, step

FOLDER = Path(__file__).resolve().parent
STANDIN = FOLDER.parent / "standin"
MIRROR = "http://deb.debian.org/debian"
REPOSITORY = "praxis-sandbox"
WITH_DOCKER = "PRAXIS_SANDBOX_WITH_DOCKER"
"""Set in the environment of a cloud's API whose newest Debian has Docker in it, set up already: `up --with-docker`."""
BASE_REVISION = "1"
"""Raise it to have the base images made again."""


@dataclass(frozen=True)
class Image:
    """One image: its build context, the Debian suite under it and further build arguments."""

    name: str
    context: Path
    suite: str = "trixie"
    arguments: dict[str, str] = field(default_factory=dict)
    version: str = ""
    """Its label org.opencontainers.image.version: two versions are two digests even when the files are the same."""
    under: Image | None = None
    """The image it is built on, if not the suite's base."""

    @property
    def base(self) -> str:
        """Full name of what it is built on."""
        return self.under.tag if self.under else base_tag(self.suite)

    @property
    def tag(self) -> str:
        """Full name; the tag is a hash of every file of the context, the arguments and the base."""
        digest = hashlib.sha256(self.base.encode())
        for path in sorted(self.context.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(f"{path.relative_to(self.context)} {path.stat().st_mode & 0o111}\n".encode())
                digest.update(path.read_bytes())
        for name, value in sorted(self.arguments.items()):
            digest.update(f"{name}={value}\n".encode())
        digest.update(self.version.encode())
        return f"{REPOSITORY}/{self.name}:{digest.hexdigest()[:12]}"


def machine(suite: str) -> Image:
    """A machine with Debian of this suite: trixie or bookworm."""
    return Image(f"machine-{suite}", FOLDER / "machine", suite, {"SUITE": suite})


def engine(suite: str) -> Image:
    """The same machine with Docker in it already."""
    return Image(f"engine-{suite}", FOLDER / "engine", suite, under=machine(suite))


def ready(suite: str) -> Image:
    """The same, and its Docker has the settings of the role praxis.cloud.docker: that one would change nothing."""
    return Image(f"ready-{suite}", FOLDER / "ready", suite, under=engine(suite))


def debian() -> Image:
    """What the clouds' newest Debian is here: bare, as theirs is, unless the sandbox was asked to have Docker in it."""
    return ready("trixie") if os.environ.get(WITH_DOCKER) else machine("trixie")


REGISTRY = Image("registry", FOLDER / "registry")
BALANCER = Image("balancer", FOLDER / "balancer")


def agent(version: str, dial_delay: float | None = None) -> Image:
    """The agent's stand-in.

    :param version: the text it reports, and its image tag.
    :param dial_delay: seconds from the start of P2P to the bootstrap dials; as with the agent unless it is given.
    """
    arguments = {} if dial_delay is None else {"DIAL_DELAY": str(dial_delay)}
    return Image("agent", STANDIN, arguments=arguments, version=version)


def base_tag(suite: str) -> str:
    """The debootstrapped base image of a suite."""
    return f"{REPOSITORY}/base-{suite}:{BASE_REVISION}"


def ensure(image: Image, logs: Path) -> str:
    """The image's tag, after building it (and its base) if it is not there. `logs`: folder for the builder's output."""
    tag = image.tag
    if docker.inspect("image", tag):
        return tag
    if image.under:
        ensure(image.under, logs)
    else:
        ensure_base(image.suite, logs)
    with _alone(image.context, tag):
        if not docker.inspect("image", tag):
            with step(f"building the image {tag}"):
                docker.build(tag, image.context, {"BASE": image.base, **image.arguments}, image.version,
                             logs / f"build-{image.name}.log")
    return tag


@contextlib.contextmanager
def _alone(folder: Path, tag: str) -> Iterator[None]:
    """Sandboxes of one checkout that come up together want the same images: one makes them, the others wait for it.

    :param folder: is locked, and not changed.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with step(f"waiting for {tag}, which another sandbox makes"):
                fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def ensure_base(suite: str, logs: Path) -> None:
    """A suite's base image, made if it is not there."""
    tag = base_tag(suite)
    if docker.inspect("image", tag):
        return
    with _alone(FOLDER, tag):
        if not docker.inspect("image", tag):
            _make_base(suite, tag, logs)


def _make_base(suite: str, tag: str, logs: Path) -> None:
    if shutil.which("debootstrap") is None and not Path("/usr/sbin/debootstrap").exists():
        raise Problem("debootstrap is not installed; the sandbox's images are made with it", "PATH",
                      "apt-get install debootstrap")
    log = logs / f"debootstrap-{suite}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    path = {**os.environ, "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"}
    with step(f"installing a minimal Debian {suite} for {tag} (a minute or two)"), log.open("wb") as output, \
            tempfile.TemporaryDirectory(prefix="praxis-sandbox-") as folder:
        tree = Path(folder) / "tree"
        made = subprocess.run([*as_root, "debootstrap", "--variant=minbase", suite, str(tree), MIRROR], env=path,
                              stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False)
        try:
            if made.returncode:
                tail = "\n".join(log.read_text(errors="replace").splitlines()[-10:])
                raise Problem(f"debootstrap {suite} failed:\n{tail}", str(log), f"check that {MIRROR} can be reached")
            _import(as_root, tree, tag)
        finally:
            subprocess.run([*as_root, "rm", "-rf", "--one-file-system", str(tree)], check=True)


def _import(as_root: list[str], tree: Path, tag: str) -> None:
    packed = subprocess.Popen([*as_root, "tar", "-C", str(tree), "--exclude=./var/cache/apt/archives/*.deb", "-c", "."],
                              stdout=subprocess.PIPE)
    imported = subprocess.run(["docker", "import", "-", tag], stdin=packed.stdout, capture_output=True, check=False)
    if packed.wait() or imported.returncode:
        raise Problem(f"docker import of {tag} failed: {imported.stderr.decode(errors='replace').strip()}",
                      "docker import", "check the engine's log and its free disk space")
