# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A repository of ECR as a kind of the engine: scanned on push, tags that do not move, old builds expired.

It outlives every fleet, so it stands in a table of its own: nothing that removes a fleet knows it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_kind import AwsKind
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import NotFound
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import (
    MANAGED_TAG,
    MANAGED_VALUE,
    tag_list,
    tags_of,
)
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.resource import Observed, Resource

FIXED_TAGS, MOVING_TAGS = "IMMUTABLE", "MUTABLE"


@dataclass(frozen=True)
class Repository(AwsKind):
    """One, by its path in the account's registry, which is its id."""

    by_creation = frozenset({"tags_move", "scanned"})

    def ours(self, tags: Mapping[str, str], desired: Resource) -> bool:
        return MANAGED_TAG in tags

    def find(self, client: AwsClient, desired: Resource) -> Observed | None:
        try:
            found = client.call("ecr", "describe_repositories", repositoryNames=[desired.name])["repositories"][0]
        except NotFound:
            return None
        fields = {
            "tags_move": found.get("imageTagMutability") != FIXED_TAGS,
            "scanned": bool(found.get("imageScanningConfiguration", {}).get("scanOnPush")),
            "kept": self._kept(client, desired.name),
        }
        listed = client.call("ecr", "list_tags_for_resource", resourceArn=found["repositoryArn"])["tags"]
        return Observed(self.name, desired.name, desired.name, fields, tags_of({"Tags": listed}))

    @staticmethod
    def _kept(client: AwsClient, name: str) -> int:
        """How many untagged images the lifecycle policy keeps; 0 without a policy, -1 for one of somebody else's."""
        try:
            text = client.call("ecr", "get_lifecycle_policy", repositoryName=name)["lifecyclePolicyText"]
        except NotFound:
            return 0
        policy = json.loads(text)
        count = policy.get("rules", [{}])[0].get("selection", {}).get("countNumber", 0)
        return int(count) if policy == expiry(count) else -1

    def create(self, client: AwsClient, desired: Resource) -> str:
        client.call("ecr", "create_repository", repositoryName=desired.name, tags=tag_list(desired.tags),
                    imageTagMutability=_mutability(desired.fields["tags_move"]),
                    imageScanningConfiguration={"scanOnPush": desired.fields["scanned"]})  # fmt: skip
        return desired.name

    def set(self, client: AwsClient, desired: Resource, id_: str, names: Collection[str]) -> None:
        fields = desired.fields
        if "tags_move" in names:
            client.call("ecr", "put_image_tag_mutability", idempotent=True, repositoryName=id_,
                        imageTagMutability=_mutability(fields["tags_move"]))  # fmt: skip
        if "scanned" in names:
            client.call("ecr", "put_image_scanning_configuration", idempotent=True, repositoryName=id_,
                        imageScanningConfiguration={"scanOnPush": fields["scanned"]})  # fmt: skip
        if "kept" in names:
            policy = json.dumps(expiry(fields["kept"]))
            client.call("ecr", "put_lifecycle_policy", idempotent=True, repositoryName=id_, lifecyclePolicyText=policy)

    def tag(self, client: AwsClient, desired: Resource, id_: str, tags: Mapping[str, str]) -> None:
        found = client.call("ecr", "describe_repositories", repositoryNames=[id_])["repositories"][0]
        client.call(
            "ecr", "tag_resource", idempotent=True, resourceArn=found["repositoryArn"], tags=tag_list(tags)
        )


def repository(name: str, kept: int) -> Resource:
    """The repository of a fleet's images, as it should be.

    :param name: its path in the registry.
    :param kept: how many images without a tag stay; older ones expire. One with a tag never does.
    """
    tags = {MANAGED_TAG: MANAGED_VALUE, "Name": name}
    return Resource(REPOSITORY.name, name, {"tags_move": False, "scanned": True, "kept": kept}, tags=tags)


def expiry(kept: int) -> dict[str, Any]:
    """A lifecycle policy that keeps so many images without a tag."""
    selection = {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": kept}
    rule = {"rulePriority": 1, "description": "old images without a tag", "selection": selection}
    return {"rules": [{**rule, "action": {"type": "expire"}}]}


def _mutability(tags_move: bool) -> str:
    return MOVING_TAGS if tags_move else FIXED_TAGS


REPOSITORY = Repository("image_repository", "image repository")
REPOSITORIES: dict[str, AwsKind] = {REPOSITORY.name: REPOSITORY}
