# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Watches the rollouts of a deployment to a cluster until there is a verdict on each."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Any, Callable, Dict, List, Optional, Sequence, Set, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.addresses import without_logins
from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes import pod_state, rollout
from ansible_collections.praxis.cloud.plugins.plugin_utils.kubernetes_cluster import FleetCluster

_INTERVAL = 2.0
#: Seconds for which the API server may be away: that of a cluster with one is, while its cloud upgrades it. A run that
#: holds the Lease stops before that when the Lease has ended.
_AWAY = 300.0


@dataclass
class _Pace:
    """How far all rollouts have come together.

    :param start: when they were looked at first (seconds since 1970, the API server's clock).
    :ivar moved: when any of them last came to where it never was, by the controller's clock.
    :ivar waits: how often something had to be waited for.
    """

    start: float
    moved: float = 0.0
    waits: int = 0
    known: Set[Tuple[str, Any]] = field(default_factory=set)

    def has_moved(self, goal: rollout.Goal, seen: rollout.Seen, now: float) -> bool:
        """Whether a rollout has come further."""
        found = {("%s/%s" % (goal.kind, goal.name), step) for step in rollout.progress(seen, goal)}
        if found <= self.known:
            return False
        self.moved = now
        self.known |= found
        return True


@dataclass
class Watch:
    """Observes rollouts until they are done or have failed.

    :param say: tells a person how it goes.
    :param alive: called at each observation; raises when this run may not go on.
    """

    cluster: FleetCluster
    say: Callable[[str], None]
    alive: Callable[[], None]
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def all(self, goals: Sequence[rollout.Goal]) -> List[Finding]:
        """What is wrong with any of them; nothing when all are done at one moment.

        A kind that is done may fail while another one is waited for. So they are gone over until nothing had to be
        waited for.
        """
        pace = _Pace(self.cluster.api.now)
        while True:
            before = pace.waits
            found = [finding for goal in goals for finding in self._one(goal, pace)]
            if found or pace.waits == before:
                return found

    def _one(self, goal: rollout.Goal, pace: _Pace) -> List[Finding]:
        """What is wrong with one rollout, as soon as waiting cannot help."""
        since: Dict[str, float] = {}
        while True:
            seen = self._see(goal, pace.start)
            if seen is None:
                fix = "Deploy again."
                return [Finding("workload-missing", "%s %s is gone." % (goal.kind, goal.name), goal.name, fix)]
            now = self.clock()
            moved = pace.has_moved(goal, seen, now)
            if rollout.is_done(seen, goal):
                return []
            if moved:
                self.say(_progress(seen, goal))
            quiet = now - pace.moved
            there = rollout.faults(seen, goal, self.cluster.api.now)
            since = {fault.key: since.get(fault.key, now) for fault in there}
            lost = [fault for fault in there if _is_over(fault, now - since[fault.key], quiet, goal.deadline)]
            if lost:
                return [self._with_log(fault) for fault in lost]
            if not there and quiet >= goal.deadline:
                return [rollout.stalled(seen, goal, quiet)]
            pace.waits += 1
            self.sleep(_INTERVAL)

    def _see(self, goal: rollout.Goal, since: float) -> Optional[rollout.Seen]:
        """The workload as it is. That nobody answers for a while says nothing of it."""
        end = self.clock() + _AWAY
        while True:
            self.alive()
            try:
                return self.cluster.see(goal, since)
            except errors.Unavailable:
                if self.clock() >= end:
                    raise
            self.sleep(_INTERVAL)

    def _with_log(self, fault: pod_state.Fault) -> Finding:
        if not fault.pod:
            return fault.finding
        ended = fault.finding.code == "container-exited"
        namespace = self.cluster.namespace
        lines = self.cluster.api.log(namespace, fault.pod, previous=ended) or self.cluster.api.log(
            namespace, fault.pod, previous=False
        )
        if not lines:
            return fault.finding
        words = " | ".join(without_logins(line).strip() for line in lines[-5:] if line.strip())
        return replace(fault.finding, what="%s Its log ends: %s" % (fault.finding.what, words[-500:]))


def _is_over(fault: pod_state.Fault, lasted: float, quiet: float, deadline: float) -> bool:
    return quiet >= deadline or fault.patience is not None and lasted >= fault.patience


def _progress(seen: rollout.Seen, goal: rollout.Goal) -> str:
    new = [pod for pod in seen.pods if pod_state.release_of(pod) == goal.release]
    ready = sum(1 for pod in new if pod_state.is_ready(pod))
    wanted = seen.workload["spec"].get("replicas", 1)
    return "%s: %d of %d pods run release %s, %d ready" % (goal.name, len(new), wanted, goal.release[:8], ready)
