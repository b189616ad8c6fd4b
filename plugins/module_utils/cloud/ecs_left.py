# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The services of a fleet in Amazon ECS that its inventory does not call for: where a kind was before it got another
cluster, and those of kinds that were taken out or have another name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_ecs_kinds import scaled_services
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.ecs_service import EcsService
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import Denied, NotFound
from ansible_collections.praxis.cloud.plugins.module_utils.ecs.task_definition import Kind

#: Services that ECS describes at once.
BATCH = 10


def left(services: Sequence[EcsService]) -> list[EcsService]:
    """Both sorts. A kind's own one with a fixed number of tasks in another cluster of the user's is not found; nor is
    one in a cluster that this run may not read: there, somebody else's is most likely.

    :param services: those of the inventory's kinds.
    """
    scaled = scaled_services(services[0].client) if services else []
    return [*_elsewhere(services, scaled), *_strangers(services, scaled)]


def _elsewhere(services: Sequence[EcsService], scaled: Sequence[tuple[str, str]]) -> Iterator[EcsService]:
    """In the fleet's own cluster, and wherever a service of the name is scaled."""
    for service in services:
        kind = service.kind
        clusters = {kind.own_cluster, *(cluster for cluster, name in scaled if name == kind.name)}
        found = (service.left_in(cluster) for cluster in sorted(clusters - {kind.cluster}))
        yield from (each for each in found if each)


def _strangers(services: Sequence[EcsService], scaled: Sequence[tuple[str, str]]) -> Iterator[EcsService]:
    """In all clusters of the fleet's kinds."""
    known = {service.kind.name for service in services}
    by_cluster = {cluster: each for each in services for cluster in (each.kind.own_cluster, each.kind.cluster)}
    for cluster, like in sorted(by_cluster.items()):
        names = {*_listed(like.client, cluster), *(name for where, name in scaled if where == cluster)}
        for described in _described(like.client, cluster, sorted(names - known)):
            kind = _kind(like.kind, cluster, described)
            found = EcsService(like.client, kind, {}, like.poll, described)
            if found.is_ours:
                yield found


def _kind(like: Kind, cluster: str, described: dict[str, Any]) -> Kind:
    """What it was, as far as a removal has to know it: its names."""
    return replace(like, settings=replace(like.settings, name=described["serviceName"], cluster=cluster))


def _listed(client: AwsClient, cluster: str) -> list[str]:
    """The names of a cluster's services, whosever they are. Who may not list them knows those that are scaled."""
    try:
        return [str(arn).rpartition("/")[2] for arn in client.paginate("ecs", "list_services", cluster=cluster)]
    except (Denied, NotFound):
        return []


def _described(client: AwsClient, cluster: str, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Those that are there and that this run may read."""
    for at in range(0, len(names), BATCH):
        asked: dict[str, Any] = {"cluster": cluster, "services": names[at : at + BATCH], "include": ["TAGS"]}
        try:
            found = client.call("ecs", "describe_services", **asked)["services"]
        except (Denied, NotFound):
            return
        yield from (dict(each) for each in found if each.get("status") == "ACTIVE")
