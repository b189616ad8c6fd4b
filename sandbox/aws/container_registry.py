# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ECR's images are those of the real registry, and its login is the registry's own."""

from __future__ import annotations

import base64
import datetime
from typing import Any

from moto.core.responses import ActionResult
from moto.ecr.exceptions import ImageNotFoundException
from moto.ecr.responses import ECRResponse

from sandbox.aws.cloud import Cloud
from sandbox.registry import USER, Manifest

HOURS = 12
"""For how long an authorization token is said to be good."""


def install(cloud: Cloud) -> None:
    """Answer ECR's questions about images from the registry."""
    registry = cloud.registry

    def held(repository: str) -> dict[str, tuple[Manifest, list[str]]]:
        found: dict[str, tuple[Manifest, list[str]]] = {}
        for tag in registry.tags(repository):
            if manifest := registry.manifest(repository, tag):
                found.setdefault(manifest.digest, (manifest, []))[1].append(tag)
        return found

    def find(repository: str, ident: dict[str, str]) -> Manifest | None:
        manifest = registry.manifest(repository, ident.get("imageDigest") or ident["imageTag"])
        if manifest and "imageTag" in ident and "imageDigest" in ident:
            tagged = registry.manifest(repository, ident["imageTag"])
            return manifest if tagged and tagged.digest == manifest.digest else None
        return manifest

    def repository_of(self: Any) -> Any:
        return self.ecr_backend._get_repository(self._get_param("repositoryName"), self._get_param("registryId"))

    def describe_images(self: Any) -> ActionResult:
        repository = repository_of(self)
        images = held(repository.name)
        details: dict[str, dict[str, Any]] = {}
        idents = self._get_param("imageIds") or [{"imageDigest": digest} for digest in images]
        for ident in idents:
            manifest = find(repository.name, ident)
            if manifest is None:
                raise ImageNotFoundException(_described(ident), repository.name, repository.registry_id)
            tags = images.get(manifest.digest, (manifest, []))[1]
            details[manifest.digest] = {
                "registryId": repository.registry_id, "repositoryName": repository.name,
                "imageDigest": manifest.digest, "imageSizeInBytes": manifest.size,
                "imageManifestMediaType": manifest.media_type, **({"imageTags": tags} if tags else {})}
        return ActionResult({"imageDetails": list(details.values())})

    def list_images(self: Any) -> ActionResult:
        repository = repository_of(self)
        idents = [{"imageDigest": digest, "imageTag": tag}
                  for digest, (_manifest, tags) in held(repository.name).items() for tag in tags]
        untagged = (self._get_param("filter") or {}).get("tagStatus") == "UNTAGGED"
        return ActionResult({"imageIds": [] if untagged else idents})

    def batch_get_image(self: Any) -> ActionResult:
        repository = repository_of(self)
        found, failures = [], []
        for ident in self._get_param("imageIds") or []:
            manifest = find(repository.name, ident)
            if manifest is None:
                failures.append({"imageId": ident, "failureCode": "ImageNotFound",
                                 "failureReason": "Requested image not found"})
                continue
            found.append({"registryId": repository.registry_id, "repositoryName": repository.name,
                          "imageId": {**ident, "imageDigest": manifest.digest}, "imageManifest": manifest.text,
                          "imageManifestMediaType": manifest.media_type})
        return ActionResult({"images": found, "failures": failures})

    def get_authorization_token(self: Any) -> ActionResult:
        expires = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=HOURS)
        token = base64.b64encode(f"{USER}:{registry.password}".encode()).decode()
        return ActionResult({"authorizationData": [{
            "authorizationToken": token, "expiresAt": expires,
            "proxyEndpoint": f"https://{cloud.site.registry_name}"}]})

    ECRResponse.describe_images = describe_images
    ECRResponse.list_images = list_images
    ECRResponse.batch_get_image = batch_get_image
    ECRResponse.get_authorization_token = get_authorization_token


def _described(ident: dict[str, str]) -> str:
    return ", ".join(f"{name}:'{ident[name]}'" for name in ("imageDigest", "imageTag") if name in ident)
