# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Target tracking of Application Auto Scaling for services of Amazon ECS, as an imitation.

moto keeps scalable targets and policies; here they act, as AWS documents it. A policy wants more tasks when its metric
was over the target in three periods one after the other, and fewer when it was under nine tenths of it in fifteen: as
many as would bring the metric to the target, within the limits. Of several policies, one that wants more is enough, and
fewer is what all of them want. After a scale-out, what it has added counts as added already until the cooldown is over;
after any scaling, tasks are taken away only when the cooldown for that is over, and never during a deployment.

The metrics are what the tasks' containers use of the CPU units and the memory of their definitions. What it leaves out:
requests a target (such a policy wants nothing), scheduled actions, step scaling, and the alarms' states in CloudWatch.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from moto.applicationautoscaling.models import applicationautoscaling_backends

from sandbox.aws.ecs_records import Service
from sandbox.aws.ecs_services import Scheduler
from sandbox.problem import Problem
from sandbox.site import ACCOUNT, REGION

PERIOD = 60.0
"""Seconds of a period, as the alarms of target tracking have it."""
OVER, UNDER = 3, 15
"""So many periods one after the other have to be over the target, or well under it."""
MARGIN = 0.9
METRICS = {"ECSServiceAverageCPUUtilization": "cpu", "ECSServiceAverageMemoryUtilization": "memory"}

Usage = Mapping[str, float]
"""What a service uses of its tasks' ``cpu`` and ``memory``, in percent; nothing of what is not known."""


@dataclass(frozen=True)
class Policy:
    """One policy of target tracking.

    :param metric: ``cpu``, ``memory``, or empty for one that is not measured here.
    :param in_cooldown, out_cooldown: seconds; 300 where nothing is said.
    """

    name: str
    metric: str
    target: float
    in_cooldown: float = 300.0
    out_cooldown: float = 300.0
    scales_in: bool = True


@dataclass
class Tracker:
    """One service: what was measured in the last periods, and what was done."""

    seen: dict[str, list[float]] = field(default_factory=dict)
    before: int = 0
    scaled_out: float = -math.inf
    scaled: float = -math.inf

    def wanted(
        self, policies: Iterable[Policy], usage: Usage, tasks: int, limits: tuple[int, int], now: float, deploys: bool
    ) -> tuple[int, str]:
        """How many tasks there are to be after this period, and by which policy. As many as there are: by none.

        :param tasks: how many there are to be until now.
        :param deploys: whether a deployment of the service goes on.
        """
        known = [each for each in policies if each.metric in usage]
        for each in known:
            self.seen[each.name] = [*self.seen.get(each.name, []), usage[each.metric]][-UNDER:]
        more = [(self._more(each, tasks, now), each.name) for each in known]
        fewer = [(self._fewer(each, tasks, now), each.name) for each in known if each.scales_in]
        most, by = max(more, default=(0, ""))
        if (most := min(most, limits[1])) > tasks:
            self.before, self.scaled_out = tasks, now
        else:
            least, by = max(fewer, default=(tasks, ""))
            if deploys or (most := max(least, limits[0])) >= tasks:
                return tasks, ""
        self.scaled = now
        self.seen.clear()
        return most, by

    def _more(self, policy: Policy, tasks: int, now: float) -> int:
        seen = self.seen[policy.name][-OVER:]
        if len(seen) < OVER or min(seen) <= policy.target:
            return 0
        added = now - self.scaled_out < policy.out_cooldown
        return math.ceil((self.before if added else tasks) * seen[-1] / policy.target)

    def _fewer(self, policy: Policy, tasks: int, now: float) -> int:
        seen = self.seen[policy.name]
        if len(seen) < UNDER or max(seen) >= MARGIN * policy.target or now - self.scaled < policy.in_cooldown:
            return tasks
        return math.ceil(tasks * seen[-1] / policy.target)


class Scaling:
    """All services that have a scalable target.

    :param measured: the usage of a service's running tasks since it was last asked for.
    :param changes: held while a service is changed.
    """

    def __init__(
        self, scheduler: Scheduler, measured: Callable[[Service], Usage], changes: AbstractContextManager[Any]
    ) -> None:
        self._scheduler, self._measured, self._changes = scheduler, measured, changes
        self._trackers: dict[str, Tracker] = {}
        self._sooner = threading.Event()
        self.period = PERIOD

    def order(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Have periods of other lengths, from now on. Raises Problem."""
        period = wanted.get("period")
        if not isinstance(period, (int, float)) or not 0 < period <= PERIOD:
            raise Problem(f"{period!r} is not the length of a period", "period", f"seconds, up to {PERIOD:.0f}")
        self.period = float(period)
        self._sooner.set()
        return {"period": self.period}

    def step(self, now: float) -> None:
        """One period."""
        for service in list(self._scheduler.services.values()):
            target = _target(service)
            if service.status != "ACTIVE" or target is None or not service.desired:
                self._trackers.pop(service.arn, None)
                continue
            usage = self._measured(service)
            with self._changes:
                self._scale(service, target, usage, now)

    def _scale(self, service: Service, target: Any, usage: Usage, now: float) -> None:
        tracker, tasks = self._trackers.setdefault(service.arn, Tracker()), service.desired
        limits = int(target.min_capacity), int(target.max_capacity)
        deploys = service.primary.rollout == "IN_PROGRESS"
        wanted, by = tracker.wanted(_policies(service), usage, tasks, limits, now, deploys)
        if wanted != tasks:
            service.asked["desiredCount"] = wanted
            shown = ", ".join(f"{name} {value:.0f} %" for name, value in sorted(usage.items()))
            service.say(f"has set the desired count to {wanted}: policy {by} ({shown}).")

    def watch(self, say: Callable[[str], None]) -> None:
        """Go through the periods in the background until the process ends."""

        def run() -> None:
            while True:
                if self._sooner.wait(self.period):
                    self._sooner.clear()
                    continue
                try:
                    self.step(time.monotonic())
                except Exception as error:  # noqa: BLE001  (the loop outlives what one period meets, and says it)
                    say(f"scaling of services: {error!r}")

        threading.Thread(target=run, name="scaling", daemon=True).start()


def _resource(service: Service) -> str:
    return f"service/{service.cluster}/{service.name}"


def _target(service: Service) -> Any:
    """Its scalable target, unless somebody has suspended it."""
    for targets in applicationautoscaling_backends[ACCOUNT][REGION].targets.values():
        if found := targets.get(_resource(service)):
            suspended = found.suspended_state or {}
            return None if any(suspended.values()) else found
    return None


def _policies(service: Service) -> list[Policy]:
    found = []
    for each in applicationautoscaling_backends[ACCOUNT][REGION].policies.values():
        body = each.target_tracking_scaling_policy_configuration
        if each.resource_id == _resource(service) and body:
            kind = (body.get("PredefinedMetricSpecification") or {}).get("PredefinedMetricType", "")
            found.append(Policy(
                each.policy_name, METRICS.get(kind, ""), float(body["TargetValue"]),
                float(body.get("ScaleInCooldown", 300)), float(body.get("ScaleOutCooldown", 300)),
                not body.get("DisableScaleIn", False),
            ))  # fmt: skip
    return found
