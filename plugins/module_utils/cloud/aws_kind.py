# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all kinds of AWS resources have in common."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import NotFound
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.kind import Kind
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import FLEET_TAG, MANAGED_TAG, tag_list, tags_of
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.resource import UNKNOWN, Observed, Resource

Answer = dict[str, Any]


@dataclass(frozen=True)
class AwsKind(Kind[AwsClient]):
    """One kind of AWS resource, known by its tags."""

    unmarked: ClassVar[str] = f"no tag {MANAGED_TAG}; if somebody removed it from the fleet's own, add it again"
    #: Fields that its creation sets already; the others are set afterwards.
    by_creation: ClassVar[Collection[str]] = ()

    def ours(self, tags: Mapping[str, str], desired: Resource) -> bool:
        return MANAGED_TAG not in desired.tags or marked(tags, desired)

    def set_later(self, desired: Resource) -> set[str]:
        return {name for name in desired.fields if name not in self.by_creation}

    def tag(self, client: AwsClient, desired: Resource, id_: str, tags: Mapping[str, str]) -> None:
        client.call("ec2", "create_tags", idempotent=True, Resources=[id_], Tags=tag_list(tags))

    def owned(self, client: AwsClient, tags: Mapping[str, str], name: str) -> list[Observed]:
        """All that carry these tags, to be removed.

        :param name: that of the kind's one resource, where only a name is looked up.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class Ec2Kind(AwsKind):
    """A kind of EC2's: described by filters, tagged when it is created.

    :param operation: that describes it.
    :param id_key: the name of its id in a description.
    :param resource_type: its name in a tag specification.
    """

    operation: str
    id_key: str
    resource_type: str

    def described(self, client: AwsClient, **filters: Iterable[str]) -> list[Answer]:
        """Descriptions of those that all filters let through."""
        return list(client.paginate("ec2", self.operation, **where(filters)))

    def owned(self, client: AwsClient, tags: Mapping[str, str], name: str) -> list[Observed]:
        found = self.described(client, **{f"tag:{key}": [value] for key, value in tags.items()})
        return [Observed(self.name, tags_of(each).get("Name", ""), str(each[self.id_key]), {}, tags_of(each))
                for each in sorted(found, key=lambda one: str(one[self.id_key]))]  # fmt: skip

    def specification(self, desired: Resource) -> list[Answer]:
        """The tags of a creation."""
        return [{"ResourceType": self.resource_type, "Tags": tag_list(desired.tags)}]


def where(filters: Mapping[str, Iterable[str]]) -> Answer:
    """EC2's parameter of filters; nothing without any."""
    listed = [{"Name": name.replace("_", "-") if ":" not in name else name, "Values": list(values)}
              for name, values in filters.items()]  # fmt: skip
    return {"Filters": listed} if listed else {}


def marked(tags: Mapping[str, str], desired: Resource) -> bool:
    """Whether its tags say that a resource is the desired one: who manages it, and the name or the fleet, for one of
    these may have been edited.

    Whatever its name, a resource without the first is somebody else's: tools that tag all that they make may well write
    the other two.
    """
    if MANAGED_TAG not in desired.tags:
        return named_alike(tags, desired)
    return MANAGED_TAG in tags and any(tags.get(key) == desired.tags.get(key) for key in (FLEET_TAG, "Name"))


def named_alike(tags: Mapping[str, str], desired: Resource) -> bool:
    """Whether the name and the fleet are those of the desired one, whoever made it."""
    return all(tags.get(key) == desired.tags.get(key) for key in (FLEET_TAG, "Name"))


def known(value: Any) -> bool:
    """Whether an id is known."""
    return bool(value != UNKNOWN)


def unless_gone(client: AwsClient, service: str, operation: str, **params: Any) -> None:
    """Take something out of a resource that is to be removed; what is out already is no error."""
    try:
        client.call(service, operation, idempotent=True, **params)
    except NotFound:
        return
