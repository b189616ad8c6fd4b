# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A verdict on a rollout: from the workload's status, its pods and their events. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, List, Optional, Sequence, Set, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes.pod_state import (
    RELEASE_LABEL,
    Fault,
    Object,
    fault_of,
    is_leaving,
    is_ready,
    name_of,
    newest,
    not_gone,
    release_of,
    shown,
)

#: Seconds that a pod may take beyond its probes: it is scheduled, and its image is pulled.
_PULL = 300
#: Seconds that a canary may be missing: the load may ask for as many pods again.
_MISSED = 120


@dataclass(frozen=True)
class Seen:
    """A workload as it is at one moment.

    :param workload: the StatefulSet or Deployment.
    :param pods: its pods.
    :param events: those of the workload, its pods and its ReplicaSets.
    """

    workload: Object
    pods: Sequence[Object]
    events: Sequence[Object]


@dataclass(frozen=True)
class Goal:
    """What a workload is to become.

    :param least: the fewest pods that count.
    :param deadline: seconds without :func:`progress` after which the rollout has failed.
    :param partition: of a canary: the ordinal from which on pods count.
    """

    kind: str
    name: str
    release: str
    least: int
    deadline: float
    partition: int = 0


def goals(objects: Sequence[Object]) -> List[Goal]:
    """The workloads among these objects."""
    scalers = {
        item["spec"]["scaleTargetRef"]["name"]: item["spec"]["minReplicas"]
        for item in objects
        if item["kind"] == "HorizontalPodAutoscaler"
    }
    found = []
    for item in objects:
        if item["kind"] not in ("StatefulSet", "Deployment"):
            continue
        name, spec = item["metadata"]["name"], item["spec"]
        pod = spec["template"]
        container = pod["spec"]["containers"][0]
        startup = container["startupProbe"]
        seconds = startup["failureThreshold"] * startup["periodSeconds"] + 120 + _PULL
        seconds += spec.get("minReadySeconds", 0) + pod["spec"]["terminationGracePeriodSeconds"]
        least = spec.get("replicas", scalers.get(name, 1))
        found.append(Goal(item["kind"], name, pod["metadata"]["labels"][RELEASE_LABEL], least, seconds))
    return found


def probe_of(pod: Object) -> List[str]:
    """The command of a pod's readiness probe, without the time for which a pod that was in the mesh is forgiven."""
    container = next(each for each in pod["spec"]["containers"] if each["name"] == "agent")
    command = [str(word) for word in container["readinessProbe"]["exec"]["command"]]
    place = command.index("--grace") + 1
    return [*command[:place], "0", *command[place + 1 :]]


def is_done(seen: Seen, goal: Goal) -> bool:
    """Whether the controller has done all of it: every pod runs the release, and is ready."""
    spec, status = seen.workload["spec"], seen.workload.get("status") or {}
    wanted = spec.get("replicas", 1)
    ready = [pod for pod in seen.pods if is_ready(pod) and release_of(pod) == goal.release and not is_leaving(pod)]
    observed = status.get("observedGeneration", 0) >= seen.workload["metadata"].get("generation", 0)
    observed = observed and release_of(seen.workload) == goal.release
    available = status.get("availableReplicas", 0) if spec.get("minReadySeconds") else wanted
    if goal.partition:
        # The others may be as they are: the release may be what repairs them.
        above = [pod for pod in seen.pods if _ordinal(pod) >= goal.partition]
        new = [pod for pod in ready if _ordinal(pod) >= goal.partition]
        calm = available >= len([pod for pod in seen.pods if is_ready(pod)])
        return bool(observed and calm and len(new) == len(above) == wanted - goal.partition > 0)
    return bool(
        observed
        and wanted >= goal.least
        and len(ready) == len(seen.pods) == wanted
        and status.get("updatedReplicas", 0) == status.get("readyReplicas", 0) == wanted
        and available >= wanted
    )


def progress(seen: Seen, goal: Goal) -> Set[Tuple[str, Any]]:
    """How far a rollout is: as long as it comes to where it never was, there is no reason to give up.

    Pods are counted. There are only so many numbers, so pods that come and go cannot put the end off for ever.
    """
    new = [pod for pod in seen.pods if release_of(pod) == goal.release]
    return {
        ("wanted", seen.workload["spec"].get("replicas", 1)),
        ("release", release_of(seen.workload)),
        ("pods", len(seen.pods)),
        ("new", len(new)),
        ("old", len(seen.pods) - len(new)),
        ("leaving", len([pod for pod in seen.pods if is_leaving(pod)])),
        ("ready", len([pod for pod in new if is_ready(pod)])),
    }


def faults(seen: Seen, goal: Goal, now: float = 0.0) -> List[Fault]:
    """What stands against it now, of pods of this release, of those that should be gone, and of the workload itself.

    :param now: in seconds since 1970, by the API server's clock.
    """
    found = [_of_events(seen, goal)] if len(seen.pods) < seen.workload["spec"].get("replicas", 1) else []
    found += [fault_of(pod, seen.events) for pod in seen.pods if release_of(pod) == goal.release]
    found += [not_gone(pod, now) for pod in seen.pods]
    found += [_without_canary(seen, goal)]
    return [fault for fault in found if fault is not None]


def _without_canary(seen: Seen, goal: Goal) -> Optional[Fault]:
    """That fewer pods are wanted than lie below the canary's partition."""
    wanted = seen.workload["spec"].get("replicas", 1)
    if not goal.partition or wanted > goal.partition:
        return None
    what = "The canary was removed while it was judged: now %d pods are wanted, and it was the pods from number %d on."
    what %= (wanted, goal.partition)
    fix = "Deploy again. If the autoscaler often removes pods, raise autoscaler.min, or set praxis_canary: 0."
    return Fault(Finding("canary-gone", what, goal.name, fix), _MISSED)


def stalled(seen: Seen, goal: Goal, quiet: float) -> Finding:
    """That it has come no further for too long, and nothing says why."""
    ready = sum(1 for pod in seen.pods if is_ready(pod) and release_of(pod) == goal.release)
    what = "%d of %d pods are ready on release %s, and there has been no progress for %d s."
    what %= (ready, seen.workload["spec"].get("replicas", 1), goal.release, quiet)
    fix = "kubectl describe %s %s; kubectl get events." % (goal.kind.lower(), goal.name)
    return Finding("rollout-stalled", what, goal.name, fix)


def _of_events(seen: Seen, goal: Goal) -> Optional[Fault]:
    """Why a pod is not even made: the workload's own events, or those of its ReplicaSet."""
    own = [
        event
        for event in seen.events
        if event["involvedObject"].get("kind") in ("StatefulSet", "ReplicaSet")
        and re.fullmatch(re.escape(goal.name) + r"(-[a-z0-9]+)?", event["involvedObject"].get("name", ""))
    ]
    event = newest(own, "FailedCreate")
    if event is None:
        return None
    message = str(event.get("message"))
    full = "exceeded quota" in message
    fix = "Fix what the cluster's admission message names, and deploy again."
    if full:
        fix = "Raise the namespace's ResourceQuota, or ask for fewer or smaller pods."
    what = "The cluster creates no pod: %s" % shown(message)
    return Fault(Finding("quota-exceeded" if full else "pod-refused", what, goal.name, fix), 30)


def _ordinal(pod: Object) -> int:
    """Of a StatefulSet's pod."""
    return int(name_of(pod).rpartition("-")[2])
