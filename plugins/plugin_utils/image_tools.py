# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs that build and copy images on the controller: Docker, with BuildKit where it has it, and skopeo.

skopeo copies by digest between any two registries, and uploads what was built; so there is one way into a registry.
A registry's login reaches it through a file in memory that has no name.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
from dataclasses import dataclass, field
from typing import Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.oci import is_loopback
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.registry import Image, RegistryCredentials
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.image_digest import DIGEST
from ansible_collections.praxis.cloud.plugins.plugin_utils.command import Done, run
from ansible_collections.praxis.cloud.plugins.plugin_utils.registries import OwnLogin

BUILD_SECONDS, COPY_SECONDS, ASK_SECONDS = 3600.0, 3600.0, 60.0
RETRIES = 3


@dataclass(frozen=True)
class Recipe:
    """How a source becomes an image.

    :param file: the Dockerfile, by its path in the source; empty for Docker's own default.
    :param stage: the stage of it that is built; empty for the last.
    :param arguments: build arguments. They are seen in the image's history: no place for secrets.
    :param platforms: ``linux/amd64``, ``linux/arm64``; none for the engine's own.
    """

    file: str = ""
    stage: str = ""
    arguments: Mapping[str, str] = field(default_factory=dict)
    platforms: Sequence[str] = ()

    def as_dict(self) -> Dict[str, object]:
        """Plain values, of which the image's content depends."""
        return {
            "file": self.file,
            "stage": self.stage,
            "arguments": dict(self.arguments),
            "platforms": sorted(self.platforms),
        }

    def words(self, context: str) -> List[str]:
        """Arguments of ``docker build``."""
        file = ["--file", os.path.join(context, self.file)] if self.file else []
        stage = ["--target", self.stage] if self.stage else []
        given = [word for name, value in sorted(self.arguments.items()) for word in ("--build-arg", name + "=" + value)]
        return [*file, *stage, *given]


def build(context: str, recipe: Recipe, image: Image, scratch: str) -> str:
    """Build it, and return the file of the result as skopeo names it.

    :param image: what the engine calls it. It stays there, so that the next build finds what did not change.
    :raises Failed: ``image-build``, ``image-no-buildkit``.
    """
    archive = os.path.join(scratch, "image.tar")
    buildkit = run(["docker", "buildx", "version"], ASK_SECONDS).code == 0
    if recipe.platforms:
        if not buildkit:
            what = "The docker command has no buildx, so it builds only for its own platform."
            fix = "Install Docker's buildx plugin, or remove praxis_image_platforms."
            raise Failed(Finding("image-no-buildkit", what, ", ".join(recipe.platforms), fix))
        wanted = ["--platform", ",".join(recipe.platforms), "--output", "type=oci,dest=%s" % archive]
        _build(["docker", "buildx", "build", *wanted, *recipe.words(context), context], context)
        return "oci-archive:%s" % archive
    how = ["buildx", "build", "--load"] if buildkit else ["build"]
    _build(["docker", *how, "--tag", str(image), *recipe.words(context), context], context)
    _build(["docker", "save", "--output", archive, str(image)], context)
    return "docker-archive:%s" % archive


def _build(words: Sequence[str], context: str) -> None:
    # Where there is no buildx, Docker's client must not ask for what only buildx does.
    done = run(words, BUILD_SECONDS, {} if "buildx" in words else {"DOCKER_BUILDKIT": "0"})
    if done.code:
        fix = "Fix the Dockerfile, or what the build needs. Run docker build by hand to see its whole output."
        raise Failed(Finding("image-build", "docker says: %s." % done.last_words, context, fix))


def copy(source: str, target: Image, logins: Mapping[str, Optional[OwnLogin]], scratch: str) -> str:
    """Copy an image with all its architectures, and return the digest under which the target registry has it.

    :param source: an archive that :func:`build` made, or ``HOST/REPOSITORY@DIGEST``.
    :param target: with the tag that it gets.
    :param logins: by host.
    :raises Failed: ``image-copy``.
    """
    digest = os.path.join(scratch, "digest")
    words = ["skopeo", "copy", "--all", "--quiet", "--retry-times", str(RETRIES), "--digestfile", digest]
    remote = "@" in source
    # The same bytes under the same digest: what was looked at is what runs.
    words += ["--preserve-digests"] if remote else []
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(login_file(logins))
        words += [*_login("src", source.partition("/")[0] if remote else "", logins, file, scratch)]
        words += [*_login("dest", target.host, logins, file, scratch)]
        words += ["docker://%s" % source if remote else source, "docker://%s:%s" % (target.name, target.tag)]
        done = run(words, COPY_SECONDS, files=[file])
    if done.code:
        raise Failed(_not_copied(done, source if remote else "what was built", target, logins))
    with open(digest, encoding="ascii") as written:
        found = written.read().strip()
    if not DIGEST.fullmatch(found):
        raise Failed(_not_copied(done, source, target, logins))
    return found


def _login(
    side: str, host: str, logins: Mapping[str, Optional[OwnLogin]], file: int, scratch: str
) -> Iterator[str]:
    """skopeo's options for one side of a copy."""
    if not host:
        return
    yield from ("--%s-authfile" % side, "/proc/self/fd/%d" % file)
    if is_loopback(host):  # may speak plain HTTP, as the engine allows too
        yield "--%s-tls-verify=false" % side
    own = logins.get(host)
    if own and own.ca:
        folder = os.path.join(scratch, "%s-authorities" % side)
        os.makedirs(folder, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            os.symlink(os.path.abspath(own.ca), os.path.join(folder, "ca.crt"))
        yield from ("--%s-cert-dir" % side, folder)


@contextlib.contextmanager
def login_file(logins: Mapping[str, Optional[OwnLogin]]) -> Iterator[int]:
    """A file in memory with the logins, as Docker and skopeo write them; it has no name, and ends with its last user.

    :raises Failed: ``image-controller``: only Linux has such files.
    """
    entries = [_entry(own.credentials) for own in logins.values() if own and own.credentials]
    if not hasattr(os, "memfd_create"):
        what = "Logins of registries are handed over in memory, and this system does not support that."
        raise Failed(Finding("image-controller", what, "controller", "Run this on Linux, or in a Linux container."))
    file = os.memfd_create("logins", 0)
    try:
        os.write(file, json.dumps({"auths": dict(entries)}).encode())
        yield file
    finally:
        os.close(file)


def _entry(login: RegistryCredentials) -> Tuple[str, Dict[str, str]]:
    text = "%s:%s" % (login.username, login.password)
    return login.server, {"auth": base64.b64encode(text.encode()).decode()}


def said(done: Done, logins: Mapping[str, Optional[OwnLogin]]) -> str:
    """What a program that got logins said last, unless it said one of their passwords."""
    passwords = [own.credentials.password for own in logins.values() if own and own.credentials]
    words = done.last_words
    return "what holds the password" if any(password in words for password in passwords) else words


def _not_copied(done: Done, source: str, target: Image, logins: Mapping[str, Optional[OwnLogin]]) -> Finding:
    fix = "Check that the login may push to the target and pull from the source, and that both can be reached."
    what = "%s could not be copied. skopeo says: %s." % (source, said(done, logins))
    return Finding("image-copy", what, str(target), fix)
