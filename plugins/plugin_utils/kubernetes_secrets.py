# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the operator has made the Secrets that a fleet's pods mount, those that start later included."""

from __future__ import annotations

from typing import Any, Callable, List, Mapping, Sequence

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Poll
from ansible_collections.praxis.cloud.plugins.module_utils.finding import ERROR, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes import resources, synced
from ansible_collections.praxis.cloud.plugins.plugin_utils.kubernetes_cluster import FleetCluster

#: Seconds in which the operator looks at an ExternalSecret that was changed, and asks its store.
_SYNC = 60.0
_POLL = Poll(interval=2.0)


def unsynced(cluster: FleetCluster, objects: Sequence[Mapping[str, Any]]) -> List[Finding]:
    """What of a fleet's ExternalSecrets the operator has not made, or could not look at again."""
    wanted = [resources.path(item) for item in objects if item["kind"] == "ExternalSecret"]
    there = [item for item in map(cluster.api.get, wanted) if item is not None]
    return [finding for finding in map(synced.unsynced, there) if finding is not None]


def missing(cluster: FleetCluster, objects: Sequence[Mapping[str, Any]], alive: Callable[[], None]) -> List[Finding]:
    """What it has not made after a while.

    :param alive: called at each observation; raises when this run may not go on.
    """

    def seen() -> List[Finding]:
        alive()
        return [finding for finding in unsynced(cluster, objects) if finding.level == ERROR]

    found, _done = _POLL.until(seen, lambda each: not each, seconds=_SYNC)
    return found
