# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a deployment of a service in Amazon ECS ends: waited for, and written down where it was good and where not."""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.ecs_revisions import BAD, GOOD, UNTRIED
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.ecs_service import EcsService
from ansible_collections.praxis.cloud.plugins.module_utils.ecs import rollout
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding

#: Seconds after which ECS answers with what a request has changed.
_SEEN = 60.0


def wait_for(service: EcsService) -> list[Finding]:
    """Wait for the end of the deployment that this run has begun, and no other one; why it failed, or nothing.

    What was good, and what was not, is written down once.
    """
    poll, where = service.poll, service.where
    ours, seconds = service.deployment, float(service.kind.settings.timeout)
    arn = str(service.described.get("taskDefinition", ""))

    ended, done = poll.until(_shown_state(service), lambda seen: seen != rollout.RUNNING, seconds=seconds)
    complete = done and ended == rollout.COMPLETED
    if complete and _all_run(service, seconds):
        unserved = service.served(float(service.kind.settings.grace))
        if not unserved:
            service.revisions.mark(arn, GOOD if service.described.get("desiredCount") else UNTRIED)
        return unserved
    if ended == rollout.REPLACED:
        return rollout.replaced(service.described, where)
    stopped = service.tasks.stopped(ours)
    log = service.tasks.log_end(stopped)
    if complete or not done:
        return rollout.unfinished(service.described, stopped, log, where, seconds)
    found = rollout.failed(service.described, ours, stopped, log, where)
    service.revisions.mark(arn, BAD)
    back = str(rollout.primary(service.described).get("id", ""))
    if back not in ("", ours):
        service.deployment = back
        _ended, done = poll.until(lambda: _state(service), lambda seen: seen != rollout.RUNNING, seconds=seconds)
        found += [] if done else rollout.not_back(service.described, where, seconds)
    return found


def _shown_state(service: EcsService) -> Callable[[], str]:
    """The state of a deployment that has just begun. ECS answers a request before all of it sees what has changed: for
    a while, an answer in which the deployment has never been is one of before it."""
    end, known = service.poll.clock() + _SEEN, False

    def state() -> str:
        nonlocal known
        now = _state(service)
        known = known or now != rollout.REPLACED
        return now if known or service.poll.clock() >= end else rollout.RUNNING

    return state


def _state(service: EcsService) -> str:
    service.refresh()
    return rollout.state(service.described, service.deployment)


def _all_run(service: EcsService, seconds: float) -> bool:
    """Whether the tasks run that this run has asked for; an autoscaler may want fewer by now.

    :param seconds: how long to wait for them.
    """

    def run() -> bool:
        if service.asked:
            service.refresh()
        counts = service.described
        return bool(counts.get("runningCount", 0) >= min(service.asked, counts.get("desiredCount", 0)))

    return service.poll.until(run, bool, seconds=seconds)[1]
