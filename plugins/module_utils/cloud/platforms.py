# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For which processors an image exists: what its index says. An image without an index says it in a blob of its own."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.oci import INDEX_TYPES, fetch_manifest
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.registry import (
    Image,
    RegistryCredentials,
    aws_registry_of,
)
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Retry

Platforms = frozenset[str]


def platforms_in(manifest: str) -> Platforms | None:
    """The architectures, in Docker's words, of the Linux images that an index lists; None when it is no index."""
    try:
        found: Any = json.loads(manifest)
    except ValueError:
        return None
    entries = found.get("manifests") if isinstance(found, dict) else None
    if not isinstance(entries, list):
        return None
    platforms = [entry.get("platform") for entry in entries if isinstance(entry, dict)]
    named = [item for item in platforms if isinstance(item, dict) and item.get("os") == "linux"]
    # An index may name none of its images' platforms.
    return frozenset(str(item.get("architecture")) for item in named) or None


def platforms_ecr(client: AwsClient, image: Image) -> Platforms | None:
    """The same of an image in ECR, by its digest.

    :raises CloudError: the registry does not say.
    """
    account, region = aws_registry_of(image.host) or ("", "")
    answer = client.in_region(region).call(
        "ecr",
        "batch_get_image",
        registryId=account,
        repositoryName=image.repository,
        imageIds=[{"imageDigest": image.digest}],
        acceptedMediaTypes=list(INDEX_TYPES),
    )
    texts = [str(found.get("imageManifest", "")) for found in answer.get("images") or []]
    return platforms_in(texts[0]) if texts else None


def platforms_http(
    image: Image, credentials: RegistryCredentials | None, ca: str | None, retry: Retry
) -> Platforms | None:
    """The same of an image in any other registry, by its digest; None when the registry does not say."""
    try:
        return platforms_in(fetch_manifest(image, credentials, ca, retry))
    except errors.CloudError:
        return None
