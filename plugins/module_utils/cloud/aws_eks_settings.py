# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of a fleet's EKS cluster out of a module's option, and what they name no longer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_kinds import KINDS
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import mark
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure import eks_contents
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.aws_cluster import Cluster
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.aws_list import Settings
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.resource import Resource
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.settings import CLUSTER

_CONTENTS = {
    "addons": eks_contents.Addon,
    "access": eks_contents.Access,
    "pod_identity": eks_contents.PodIdentity,
}


def cluster(option: Mapping[str, Any] | None, name: str) -> Cluster | None:
    """What is not given is as :class:`Cluster` says."""
    if option is None:
        return None
    given = _given(option)
    contents = {key: [_CONTENTS[key](**_given(each)) for each in given.pop(key)] for key in _CONTENTS if key in given}
    oidc = bool(given.pop("oidc", False))
    return Cluster(
        **{**given, "name": given.get("name") or name}, contents=eks_contents.Contents(**contents, oidc=oidc)
    )


def dropped(client: AwsClient, settings: Settings, listed: Sequence[Resource]) -> Iterable[Resource]:
    """What the fleet has put into its cluster, and is not on its list any more."""
    if settings.cluster and CLUSTER in settings.parts:
        yield from _dropped(client, settings, settings.cluster.name, {each.key for each in listed})


def _dropped(client: AwsClient, settings: Settings, name: str, listed: set[tuple[str, str]]) -> Iterator[Resource]:
    tags = mark(settings.fleet) if settings.tags is None else settings.tags
    for kind, lost in eks_contents.LOST.items():
        for found in KINDS[kind].owned(client, tags, name):
            if (kind, found.name) not in listed:
                yield Resource(kind, found.name, {}, {"cluster": name}, tags, present=False, lost=lost)


def _given(option: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in option.items() if value is not None}
