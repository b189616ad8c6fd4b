# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The removal of a fleet from a cluster, until nothing of it is there any more."""

from __future__ import annotations

from typing import List, Optional, Sequence, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Poll
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes import changes, deployments, resources
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes.changes import Change
from ansible_collections.praxis.cloud.plugins.plugin_utils.kubernetes_cluster import FleetCluster
from ansible_collections.praxis.cloud.plugins.plugin_utils.kubernetes_lock import Lock

#: Seconds for which an object may stay after its removal, beside the time that pods have for their end: the cloud
#: removes the load balancer of a Service before the Service goes.
_LATE = 300
_POLL = Poll(interval=5.0)


def remove(cluster: FleetCluster, lock: Optional[Lock]) -> Tuple[List[Change], List[Finding]]:
    """All objects of the fleet, its history included, from the end; the namespace stays. What went, and what did not.

    :param lock: None: nothing is done.
    """
    gone = changes.unwanted(cluster.everything(), [], [])
    if lock is None or not (gone or cluster.records or cluster.unreadable):
        return gone, []
    with lock.holding():
        cluster.remember()  # until now another run may have written
        gone = changes.unwanted(cluster.everything(), [], [])
        for change in gone:
            lock.require_write()
            cluster.apply(change)
        stayed = _wait(cluster, lock, _grace(gone) + _LATE)
        path = resources.collection("v1", "ConfigMap", cluster.namespace)
        kept = [deployments.record_name(past, cluster.fleet) for past in cluster.records]
        for name in [*kept, *cluster.unreadable]:
            cluster.api.delete("%s/%s" % (path, name))
        lock.remove()
    return gone, stayed


def _grace(gone: Sequence[Change]) -> int:
    """Seconds that their pods have for their end, at most."""
    pods = (change.item["spec"]["template"]["spec"] for change in gone if change.is_workload)
    return max((pod.get("terminationGracePeriodSeconds", 30) for pod in pods), default=0)


def _wait(cluster: FleetCluster, lock: Lock, seconds: float) -> List[Finding]:
    """What is still there after so many seconds."""

    def there() -> List[str]:
        lock.require()
        return [resources.name(item) for item in [*cluster.everything(), *cluster.pods()]]

    left, done = _POLL.until(there, lambda found: not found, seconds=seconds)
    if done:
        return []
    what = "These objects still exist %d s after their removal: %s." % (seconds, ", ".join(left))
    fix = "kubectl describe shows what delays them, such as a load balancer that the cloud cannot remove, or a node "
    fix += "that does not answer. Then run this again."
    return [Finding("object-not-gone", what, cluster.fleet, fix)]
