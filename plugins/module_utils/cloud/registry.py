# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images: their names, the digest a tag stands for, and a registry's credentials.

A registry speaks the OCI distribution protocol; the standard library is enough for that. ECR is asked through its own
API, which needs no pull permission on the controller and knows its tags.
"""

from __future__ import annotations

import base64
import datetime
import difflib
import re
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.image_digest import DIGEST, SHAPE
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.policy import ECR

DEFAULT_HOST = "docker.io"
#: Docker Hub's older name; the engine takes it for the same.
_FORMER_HOST = "index.docker.io"
#: What answers for Docker Hub.
DOCKER_HUB = "registry-1.docker.io"
DEFAULT_TAG = "latest"

#: Docker's own limit for host and repository together.
LONGEST_NAME = 255
_HOST = re.compile(
    r"(?:(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*|\[[0-9A-Fa-f:]+\])(?::(?P<port>[0-9]{1,5}))?"
)
_REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")


@dataclass(frozen=True)
class Image:
    """An image's name in full. At least one of tag and digest is set.

    :param host: registry host, with its port if it has one.
    :param repository: path in the registry.
    """

    host: str
    repository: str
    tag: str = ""
    digest: str = ""

    @property
    def name(self) -> str:
        """Host and repository."""
        return f"{self.host}/{self.repository}"

    def by_digest(self, digest: str) -> str:
        """The name that always means the same image: ``host/repository@sha256:…``."""
        return f"{self.name}@{digest}"

    def __str__(self) -> str:
        return self.name + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")


@dataclass(frozen=True)
class RegistryCredentials:
    """A login for one registry.

    :param server: the registry's host, as images name it.
    :param expires: UTC, or None when it does not expire.
    """

    server: str
    username: str
    password: str = field(repr=False)
    expires: datetime.datetime | None = None


def parse_image(text: str) -> Image:
    """An image's name as Docker reads it: without a host it is Docker Hub's, without tag and digest it is ``latest``.

    :raises Failed: ``image-malformed``.
    """
    rest, at, digest = text.partition("@")
    if at and not DIGEST.fullmatch(digest):
        raise _malformed(text, f"{digest!r} is not a digest (sha256:…).", SHAPE)
    first, slash, path = rest.partition("/")
    # Docker, too, takes a capital letter for a host's: no repository has one.
    if slash and (set(".:[") & set(first) or first == "localhost" or first != first.lower()):
        host = first
    else:
        host, path = DEFAULT_HOST, rest
    host = DEFAULT_HOST if host == _FORMER_HOST else host
    path, colon, tag = path.partition(":")
    if not is_host(host):
        raise _malformed(text, f"{host!r} is not a host.", "Write HOST[:PORT]/REPOSITORY:TAG.")
    if not _REPOSITORY.fullmatch(path):
        fix = "A repository is lower-case letters and digits, parted by '/', '.', '_' or '-'."
        raise _malformed(text, f"{path!r} is not a repository.", fix)
    if colon and not _TAG.fullmatch(tag):
        raise _malformed(text, f"{tag!r} is not a tag.", "A tag is up to 128 letters, digits, '.', '_' and '-'.")
    if host == DEFAULT_HOST and "/" not in path:
        path = f"library/{path}"
    if len(f"{host}/{path}") > LONGEST_NAME:
        fix = f"Docker allows at most {LONGEST_NAME}; use a shorter repository name."
        raise _malformed(text, f"Host and repository have {len(host) + 1 + len(path)} characters.", fix)
    return Image(host, path, tag or ("" if digest else DEFAULT_TAG), digest)


def is_host(text: str) -> bool:
    """Whether it is a name or address, with or without a port."""
    found = _HOST.fullmatch(text)
    return found is not None and 1 <= int(found["port"] or 1) <= 65535


def same_registry(host: str) -> str:
    """One name for all names that a registry has: of Docker Hub, of a host with and without the port of HTTPS."""
    name = host.lower().removesuffix(":443")
    return DEFAULT_HOST if name in (_FORMER_HOST, DOCKER_HUB) else name


def aws_registry_of(host: str) -> tuple[str, str] | None:
    """Account and region of a private ECR registry, or None when the host is not one."""
    found = ECR.fullmatch(host)
    return (found["account"], found["region"]) if found else None


def ecr_credentials(client: AwsClient, account: str, server: str = "") -> RegistryCredentials:
    """A login for an account's ECR registry in the client's region; it lasts 12 hours.

    :param server: the registry's host as the image names it; by default the one that ECR names.
    :raises CloudError: the token could not be had.
    """
    answer = client.call("ecr", "get_authorization_token", registryIds=[account])
    granted = answer["authorizationData"][0]
    username, _colon, password = base64.b64decode(granted["authorizationToken"]).decode().partition(":")
    endpoint = str(granted["proxyEndpoint"]).partition("://")[2]
    return RegistryCredentials(server or endpoint, username, password, granted["expiresAt"])


def resolve_digest_ecr(client: AwsClient, image: Image) -> str:
    """The digest that ECR holds for the image's tag, or the image's own digest if ECR holds it.

    The region is the one in the image's host name, whatever the client's.

    :raises Failed: ``image-repository-not-found``, ``image-tag-not-found`` (with the nearest tags),
        ``image-digest-not-found``, or the cloud's own refusal.
    """
    registry = aws_registry_of(image.host)
    if registry is None:
        raise _malformed(str(image), "Its host is not an ECR registry.", "Write ACCOUNT.dkr.ecr.REGION.amazonaws.com.")
    account, region = registry
    ecr = client.in_region(region)
    wanted = {"imageDigest": image.digest} if image.digest else {"imageTag": image.tag}
    request: dict[str, Any] = {"registryId": account, "repositoryName": image.repository}
    try:
        answer = ecr.call("ecr", "describe_images", imageIds=[wanted], **request)
    except errors.NotFound as error:
        if error.reason != "ImageNotFoundException":
            raise Failed(no_repository(image)) from None
        tags = [] if image.digest else _ecr_tags(ecr, request)
        raise Failed(not_found(image, tags)) from None
    return str(answer["imageDetails"][0]["imageDigest"])


def _ecr_tags(ecr: AwsClient, request: dict[str, Any]) -> list[str]:
    """The repository's tags, to suggest one; none when listing is not allowed."""
    try:
        listed = list(ecr.paginate("ecr", "list_images", filter={"tagStatus": "TAGGED"}, **request))
    except errors.Denied:
        return []
    return [entry["imageTag"] for entry in listed if entry.get("imageTag")]


def not_found(image: Image, tags: list[str]) -> Finding:
    """That a registry does not hold the image, with the nearest of the tags it does hold."""
    if image.digest:
        fix = "Push the image, or correct the digest."
        return Finding("image-digest-not-found", f"The repository has no image {image.digest}.", image.name, fix)
    near = difflib.get_close_matches(image.tag, tags, 3, cutoff=0.3)
    fix = f"Nearest tags: {', '.join(near)}." if near else "Push the image, or correct the tag."
    return Finding("image-tag-not-found", f"The repository has no tag {image.tag!r}.", image.name, fix)


def no_repository(image: Image) -> Finding:
    """That a registry has no such repository."""
    fix = "Create it and push the image, or correct the name, account or region."
    return Finding("image-repository-not-found", f"It has no repository {image.repository!r}.", image.host, fix)


def _malformed(text: str, what: str, fix: str) -> Failed:
    return Failed(Finding("image-malformed", what, f"image {text!r}", fix))
