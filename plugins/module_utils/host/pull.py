# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pulling a release's image, and saying in the user's terms why it could not be."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from typing import Any, Callable, Dict, Mapping, Optional, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.addresses import without_logins
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.host.engine import Engine, EngineError
from ansible_collections.praxis.cloud.plugins.module_utils.image_digest import DIGEST, SHAPE

#: Seconds without a word from the engine. It is silent while it verifies and unpacks a large layer.
IDLE_TIMEOUT = 120.0

#: In the words of both of the engine's image stores: its own, and containerd's. Without regard to case.
_REASONS = (
    (
        r"toomanyrequests|too many requests|rate limit",
        "registry-throttled",
        "The registry allows no more pulls for now.",
        "Wait and deploy again, log in to the registry (praxis_registries), or use your own registry.",
    ),
    (
        r"no match(ing manifest| for platform)|does not match the specified platform",
        "image-architecture",
        "The image does not exist for this machine's architecture (%(arch)s).",
        "Build the image for linux/%(arch)s too, or use machines of the image's architecture.",
    ),
    (
        r"unauthorized|no basic auth credentials|authentication required|authorization failed|denied|forbidden",
        "image-unauthorized",
        "The registry does not let this fleet pull the image.",
        "Give the controller's credentials the right to read this repository, or log in again if their token has "
        "expired. For a registry that is neither ECR nor Google's, set its login in praxis_registries.",
    ),
    (
        r"manifest unknown|not found|name unknown|does not exist",
        "image-not-found",
        "The registry has no such image.",
        "Push it, or correct praxis_image.",
    ),
    (
        r"certificate has expired or is not yet valid",
        "registry-certificate-date",
        "The registry's certificate is not valid at the time of this machine's clock.",
        "On the machine: timedatectl set-ntp true. If its clock is right, the registry needs a new certificate.",
    ),
    (
        r"x509|certificate",
        "registry-certificate",
        "This machine does not trust the registry's certificate.",
        "On the machine, put the registry's CA into /etc/docker/certs.d/<registry>/ca.crt.",
    ),
    (
        r"no space left on device",
        "disk-full",
        "The disk is full.",
        "Free some space (docker system df shows what the engine holds) and deploy again.",
    ),
    (
        r"no progress for|took more than",
        "registry-slow",
        "The pull of the image made no progress.",
        "Check the network between this machine and the registry, and the registry's load.",
    ),
    (
        r"no such host|connection refused|i/o timeout|deadline exceeded|Client\.Timeout|no route to host|unreachable"
        r"|TLS handshake timeout|connection reset|server misbehaving|\bEOF\b"
        r"|unexpected (HTTP )?status\b.*: 5\d\d",
        "registry-unreachable",
        "The registry does not answer this machine.",
        "Check name resolution, routes and firewalls from this machine to the registry.",
    ),
)

_NO_LOGIN = (
    "This rollback had no login for the registry. On the machine, docker login and docker pull %s; then run this "
    "again."
)


def repository_and_digest(image: str) -> Tuple[str, str]:
    """``registry/name@sha256:…`` in its two parts; a tag before the digest is left out.

    :raises Failed: ``image-not-pinned``.
    """
    name, _at, digest = image.partition("@")
    if not re.match(r"\S+\Z", name) or not DIGEST.fullmatch(digest):
        raise Failed(
            Finding(
                "image-not-pinned",
                "The release names its image %r without a digest." % image,
                "release.image",
                "Give it as registry/name@sha256:…. " + SHAPE,
            )
        )
    return re.sub(r":[^/:]+\Z", "", name), digest


def explain(message: str, image: str, architecture: str) -> Finding:
    """A finding from the engine's words."""
    message = without_logins(message)
    for pattern, code, what, fix in _REASONS:
        if re.search(pattern, message, re.IGNORECASE):
            names = {"arch": architecture}
            said = "%s The engine said: %s" % (what % names, message)
            return Finding(code, said, "image %s" % image, fix % names)
    return Finding(
        "image-pull-failed",
        "The image could not be pulled. The engine said: %s" % message,
        "image %s" % image,
        "On the machine, try docker pull with this image; its output says more.",
    )


def pull(
    engine: Engine,
    image: str,
    registry: Optional[Mapping[str, str]],
    deadline: float = 900.0,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Pull by digest, within a deadline in seconds.

    :raises Failed: with one code for each reason that a user would fix in another way.
    """
    repository, digest = repository_and_digest(image)
    architecture = str(engine.version().get("Arch", "unknown"))
    until = clock() + deadline
    try:
        for record in engine.pull(repository, digest, registry):
            if "error" in record:
                raise EngineError(500, str(record["error"]))
            if clock() > until:
                raise EngineError(0, "the pull took more than %d s" % deadline)
    except EngineError as error:
        finding = explain(error.message, image, architecture)
        if finding.code == "image-unauthorized" and not registry:
            finding = replace(finding, fix="%s %s" % (finding.fix, _NO_LOGIN % image))
        raise Failed(finding) from error
    name = repository + "@" + digest
    try:
        check(engine.image(name), image, architecture)
    except Failed:
        engine.remove_image(name)  # or the next deployment would find it here and take it for good
        raise


def check(found: Optional[Dict[str, Any]], image: str, architecture: str) -> None:
    """Refuse an image that this machine could not run: an engine pulls one of another architecture without a word."""
    if found is None:
        raise Failed(explain("the image is not there after its pull", image, architecture))
    if found.get("Architecture") not in (architecture, None, ""):
        built_for = "no matching manifest: the image is for %s" % found["Architecture"]
        raise Failed(explain(built_for, image, architecture))
