# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A verdict on a rollout: from the workload's status, its pods and their events. Pure.

A workload's own conditions say late and little. What keeps a pod from being ready stands in its container's state, in
its conditions and in its events, and each cause has a finding of its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import clocks
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.step_failure import short

Object = Mapping[str, Any]
RELEASE_LABEL = "praxis.cloud/release"
HEALTHY, LEAVING = "healthy", "leaving"
#: Seconds that a pod may take beyond its probes: it is scheduled, and its image is pulled.
_PULL = 300
_IMAGE = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError")
#: The exit code of whoever is killed. Not every runtime says whether the kernel did it at the memory limit.
_KILLED = 137
_CREATE = ("CreateContainerConfigError", "CreateContainerError", "RunContainerError")


@dataclass(frozen=True)
class Fault:
    """What keeps a pod from being ready, or a workload from having it.

    :param patience: seconds for which it may still pass by itself; None: it may until the rollout's deadline.
    :param pod: whose log says more; empty: none.
    """

    finding: Finding
    patience: Optional[float] = None
    pod: str = ""

    @property
    def key(self) -> str:
        return "%s %s" % (self.finding.code, self.finding.where)


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
    :param deadline: seconds without progress after which the rollout has failed.
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


def release_of(item: Object) -> str:
    """The release of a pod, or of a workload's template."""
    inner = item["spec"].get("template", item)
    return str((inner["metadata"].get("labels") or {}).get(RELEASE_LABEL, ""))


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
        return bool(observed and calm and len(new) == len(above) == max(0, wanted - goal.partition))
    return bool(
        observed
        and wanted >= goal.least
        and len(ready) == len(seen.pods) == wanted
        and status.get("updatedReplicas", 0) == status.get("readyReplicas", 0) == wanted
        and available >= wanted
    )


def progress(seen: Seen, goal: Goal) -> List[Any]:
    """What grows while a rollout goes on: as long as it changes, there is no reason to give up."""
    pods = sorted((pod["metadata"]["uid"], is_ready(pod), is_leaving(pod)) for pod in seen.pods)
    return [seen.workload["spec"].get("replicas", 1), release_of(seen.workload), pods]


def faults(seen: Seen, goal: Goal) -> List[Fault]:
    """What stands against it now, of pods of this release and of the workload itself."""
    found = [_of_events(seen, goal)] if len(seen.pods) < seen.workload["spec"].get("replicas", 1) else []
    found += [fault_of(pod, seen.events) for pod in seen.pods if release_of(pod) == goal.release]
    return [fault for fault in found if fault is not None]


def stalled(seen: Seen, goal: Goal, quiet: float) -> Finding:
    """That nothing has happened for too long, and nothing says why."""
    ready = sum(1 for pod in seen.pods if is_ready(pod) and release_of(pod) == goal.release)
    what = "%d of %d pods are ready on release %s, and nothing has changed for %d s."
    what %= (ready, seen.workload["spec"].get("replicas", 1), goal.release, quiet)
    fix = "kubectl describe %s %s; kubectl get events." % (goal.kind.lower(), goal.name)
    return Finding("rollout-stalled", what, goal.name, fix)


def is_leaving(pod: Object) -> bool:
    return bool(pod["metadata"].get("deletionTimestamp"))


def is_ready(pod: Object) -> bool:
    return _condition(pod, "Ready").get("status") == "True"


def restarts(pod: Object) -> int:
    return int(_container(pod).get("restartCount", 0))


def fault_of(pod: Object, events: Sequence[Object]) -> Optional[Fault]:
    """Why a pod is not ready; None when it is, or is leaving."""
    if is_ready(pod) or is_leaving(pod):
        return None
    return _unscheduled(pod) or _of_container(pod, events) or _unready(pod, events)


def _unscheduled(pod: Object) -> Optional[Fault]:
    condition = _condition(pod, "PodScheduled")
    if condition.get("status") != "False":
        return None
    fix = "Give the cluster a node with that much free, or lower cpu and praxis_container.memory."
    what = "No node takes it: %s" % _shown(condition.get("message") or condition.get("reason"))
    return Fault(Finding("pod-unschedulable", what, _name(pod), fix), patience=180)


def _of_container(pod: Object, events: Sequence[Object]) -> Optional[Fault]:
    status = _container(pod)
    waiting = (status.get("state") or {}).get("waiting") or {}
    reason = waiting.get("reason", "")
    if reason in _IMAGE:
        said = _pull_failure(pod, events) or waiting.get("message") or reason
        fix = "Correct praxis_image, or let the nodes pull it (image_pull_secrets, the nodes' own rights)."
        what = "Its image cannot be pulled: %s" % _shown(said)
        return Fault(Finding("image-pull-failed", what, _name(pod), fix), patience=15)
    if reason in _CREATE:
        what = "Its container cannot be made: %s" % _shown(waiting.get("message") or reason)
        return Fault(Finding("container-not-created", what, _name(pod), "Fix what the message names."), patience=30)
    ended = (status.get("state") or {}).get("terminated") or (status.get("lastState") or {}).get("terminated")
    if ended and ended.get("reason") == "OOMKilled":
        what, fix = "The kernel killed it at its memory limit.", "Raise praxis_container.memory."
        return Fault(Finding("container-out-of-memory", what, _name(pod), fix), patience=0)
    if ended and not (status.get("state") or {}).get("running"):
        times = restarts(pod)
        what = "The agent ended with code %s (restarted %d times)." % (ended.get("exitCode"), times)
        fix = "Read its log: kubectl logs --previous %s." % _name(pod)
        if ended.get("exitCode") == _KILLED:
            fix += " Something killed it: the kubelet, whose events say so, or the kernel at praxis_container.memory."
        return Fault(Finding("container-exited", what, _name(pod), fix), 0 if times > 1 else 60, pod=_name(pod))
    return None


def _unready(pod: Object, events: Sequence[Object]) -> Fault:
    """It runs, or is about to, and is not ready."""
    about = _about(pod, events)
    mount = _newest(about, "FailedMount")
    if mount is not None and not (_container(pod).get("state") or {}).get("running"):
        what = "What it mounts is not there: %s" % _shown(mount.get("message"))
        fix = "Make the Secret that is named; with the External Secrets Operator, see what its ExternalSecret says."
        return Fault(Finding("pod-mount-failed", what, _name(pod), fix), patience=90)
    probe = _newest(about, "Unhealthy")
    what = "It is not ready yet."
    if probe is not None:
        what = "It is not ready: %s" % _shown(probe.get("message"))
    fix = "The probe's words say what is missing: the API, the expected peer id, or live edges."
    return Fault(Finding("pod-not-ready", what, _name(pod), fix), pod=_name(pod))


def _of_events(seen: Seen, goal: Goal) -> Optional[Fault]:
    """Why a pod is not even made: the workload's own events, or those of its ReplicaSet."""
    own = [
        event
        for event in seen.events
        if event["involvedObject"].get("kind") in ("StatefulSet", "ReplicaSet")
        and re.fullmatch(re.escape(goal.name) + r"(-[a-z0-9]+)?", event["involvedObject"].get("name", ""))
    ]
    event = _newest(own, "FailedCreate")
    if event is None:
        return None
    message = str(event.get("message"))
    full = "exceeded quota" in message
    fix = "Fix what the admission of the cluster names."
    if full:
        fix = "Raise the namespace's ResourceQuota, or ask for fewer or smaller pods."
    what = "The cluster makes no pod: %s" % _shown(message)
    return Fault(Finding("quota-exceeded" if full else "pod-refused", what, goal.name, fix), 30)


def _name(pod: Object) -> str:
    return str(pod["metadata"]["name"])


def _ordinal(pod: Object) -> int:
    """Of a StatefulSet's pod."""
    return int(_name(pod).rpartition("-")[2])


def _pull_failure(pod: Object, events: Sequence[Object]) -> str:
    """What the runtime said of the pull; while the kubelet waits, the container's state does not."""
    said = [str(each.get("message")) for each in _about(pod, events) if each.get("reason") == "Failed"]
    return next((text for text in reversed(said) if "pull" in text), "")


def _about(pod: Object, events: Sequence[Object]) -> List[Object]:
    uid = pod["metadata"]["uid"]
    return [event for event in events if event["involvedObject"].get("uid") == uid]


def fresh(events: Sequence[Object], since: float) -> List[Object]:
    """Events without those of workloads from before a moment. A pod's are its own: another pod has another uid."""
    start = clocks.moment(since)
    return [event for event in events if event["involvedObject"].get("kind") == "Pod" or _at(event) >= start]


def _newest(events: Sequence[Object], reason: str) -> Optional[Object]:
    return max((event for event in events if event.get("reason") == reason), key=_at, default=None)


def _at(event: Object) -> str:
    """When it happened last; such texts are in the order of time."""
    return str(event.get("lastTimestamp") or event.get("eventTime") or event.get("firstTimestamp") or "")


def _condition(pod: Object, kind: str) -> Mapping[str, Any]:
    conditions = (pod.get("status") or {}).get("conditions") or []
    return next((each for each in conditions if each["type"] == kind), {})


def _container(pod: Object) -> Mapping[str, Any]:
    statuses = (pod.get("status") or {}).get("containerStatuses") or []
    return next((each for each in statuses if each["name"] == "agent"), {})


def _shown(text: Any) -> str:
    """A message of the cluster's as a sentence. Of a long one the end: what went wrong last, and why, stands there."""
    return short(str(text or "no reason is given")).rstrip(".") + "."


def row(pod: Object, events: Sequence[Object], planned: str) -> Dict[str, Any]:
    """How one pod is, for a summary."""
    fault = fault_of(pod, events)
    health = LEAVING if is_leaving(pod) else HEALTHY if fault is None else fault.finding.code
    found = [] if fault is None else [{**fault.finding.as_dict(), "level": fault.finding.level}]
    return {
        "name": pod["metadata"]["name"],
        "slot": pod["metadata"]["name"],
        "image": next((each["image"] for each in pod["spec"].get("containers", []) if each["name"] == "agent"), ""),
        "findings": found,
        "release": release_of(pod),
        "planned": planned,
        "health": health,
        "node": pod["spec"].get("nodeName", ""),
        "restarts": restarts(pod),
        "since": (_container(pod).get("state") or {}).get("running", {}).get("startedAt"),
    }
