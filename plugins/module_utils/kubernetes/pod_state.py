# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pod as the cluster shows it: its release, whether it is ready, and what keeps it from that. Pure.

A workload's own conditions say late and little. What keeps a pod from being ready stands in its container's state, in
its conditions and in its events, and each cause has a finding of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ansible_collections.praxis.cloud.plugins.module_utils.addresses import without_logins
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import clocks
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.step_failure import short

Object = Mapping[str, Any]
RELEASE_LABEL = "praxis.cloud/release"
HEALTHY, LEAVING = "healthy", "leaving"
_IMAGE = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError")
#: The exit code of whoever is killed. Not every runtime says whether the kernel did it at the memory limit.
_KILLED = 137
#: Seconds that a kubelet may take to let a pod go after the time that it was given.
_LATE = 60
#: What a kubelet says of a pod when its volumes are mounted.
_MOUNTED = ("Pulling", "Pulled", "Created", "Started")
#: What the cluster's own autoscaler (the first), or Karpenter, says of a pod for which it makes a node; and what the
#: first one says when it makes none.
_NODE_COMES, _NO_NODE_COMES = ("TriggeredScaleUp", "Nominated"), ("NotTriggerScaleUp", "FailedScaleUp")
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


def release_of(item: Object) -> str:
    """The release of a pod, or of a workload's template."""
    inner = item["spec"].get("template", item)
    return str((inner["metadata"].get("labels") or {}).get(RELEASE_LABEL, ""))


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
    return _unscheduled(pod, events) or _of_container(pod, events) or _unready(pod, events)


def not_gone(pod: Object, now: float) -> Optional[Fault]:
    """That a pod is to be gone for a while, and is still there: only its kubelet can say that it has ended.

    :param now: in seconds since 1970, by the API server's clock.
    """
    until = str(pod["metadata"].get("deletionTimestamp") or "")
    if not until or until >= clocks.moment(now - _LATE):
        return None
    node = pod["spec"].get("nodeName", "")
    what = "The pod should have ended by %s, and its node %s has not confirmed it." % (until, node or "(none)")
    fix = "kubectl get node %s. If it does not come back, remove it from the cluster (kubectl delete node); " % node
    fix += "deleting the pod by force may leave two agents with one identity."
    return Fault(Finding("pod-not-gone", what, name_of(pod), fix))


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


def _unscheduled(pod: Object, events: Sequence[Object]) -> Optional[Fault]:
    condition = _condition(pod, "PodScheduled")
    if condition.get("status") != "False":
        return None
    fix = "Give the cluster a node with that much free, or lower cpu (praxis_kubernetes) and praxis_container.memory."
    what = "The pod cannot be scheduled on a node: %s" % shown(condition.get("message") or condition.get("reason"))
    about = _about(pod, events)
    comes = _is_later(newest(about, *_NODE_COMES), newest(about, *_NO_NODE_COMES))
    return Fault(Finding("pod-unschedulable", what, name_of(pod), fix), patience=None if comes else 180)


def _of_container(pod: Object, events: Sequence[Object]) -> Optional[Fault]:
    status = _container(pod)
    waiting = (status.get("state") or {}).get("waiting") or {}
    reason = waiting.get("reason", "")
    if reason in _IMAGE:
        said = _pull_failure(pod, events) or waiting.get("message") or reason
        fix = (
            "Correct praxis_image, or give the nodes the right to pull it (image_pull_secrets, the role of the nodes)."
        )
        what = "The pod's image cannot be pulled: %s" % shown(said)
        return Fault(Finding("image-pull-failed", what, name_of(pod), fix), patience=15)
    if reason in _CREATE:
        what = "The pod's container cannot be created: %s" % shown(waiting.get("message") or reason)
        fix = "Fix what the cluster's message names, and deploy again."
        return Fault(Finding("container-not-created", what, name_of(pod), fix), patience=30)
    ended = (status.get("state") or {}).get("terminated") or (status.get("lastState") or {}).get("terminated")
    if ended and ended.get("reason") == "OOMKilled":
        what, fix = "The kernel killed the agent at its memory limit.", "Raise praxis_container.memory."
        return Fault(Finding("container-out-of-memory", what, name_of(pod), fix), patience=0)
    if ended and not (status.get("state") or {}).get("running"):
        times = restarts(pod)
        what = "The agent ended with code %s (restarted %d times)." % (ended.get("exitCode"), times)
        fix = "Read its log: kubectl logs --previous %s." % name_of(pod)
        if ended.get("exitCode") == _KILLED:
            fix += " It was killed: by the kubelet (kubectl describe), or by the kernel at praxis_container.memory."
        return Fault(Finding("container-exited", what, name_of(pod), fix), 0 if times > 1 else 60, pod=name_of(pod))
    return None


def _unready(pod: Object, events: Sequence[Object]) -> Fault:
    """It runs, or is about to, and is not ready."""
    about = _about(pod, events)
    mount = newest(about, "FailedMount")
    if mount is not None and not _is_later(newest(about, *_MOUNTED), mount) and not _runs(pod):
        what = "A Secret or ConfigMap that the pod mounts is missing: %s" % shown(mount.get("message"))
        fix = "Create the Secret that the message names; with External Secrets, kubectl describe externalsecret."
        return Fault(Finding("pod-mount-failed", what, name_of(pod), fix), patience=90)
    probe = newest(about, "Unhealthy")
    what = "The pod is not ready yet."
    if probe is not None:
        what = "The pod is not ready: %s" % shown(probe.get("message"))
    fix = "Fix what the probe's message says: the API, the peer id, or live edges. The agent's log: kubectl logs."
    return Fault(Finding("pod-not-ready", what, name_of(pod), fix), pod=name_of(pod))


def name_of(pod: Object) -> str:
    return str(pod["metadata"]["name"])


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


def newest(events: Sequence[Object], *reasons: str) -> Optional[Object]:
    return max((event for event in events if event.get("reason") in reasons), key=_at, default=None)


def _is_later(event: Optional[Object], than: Optional[Object]) -> bool:
    """Whether the first of two events that exclude each other has come after the second."""
    return event is not None and (than is None or _at(event) >= _at(than))


def _at(event: Object) -> str:
    """When it happened last; such texts are in the order of time."""
    return str(event.get("lastTimestamp") or event.get("eventTime") or event.get("firstTimestamp") or "")


def _condition(pod: Object, kind: str) -> Mapping[str, Any]:
    conditions = (pod.get("status") or {}).get("conditions") or []
    return next((each for each in conditions if each["type"] == kind), {})


def _runs(pod: Object) -> bool:
    return bool((_container(pod).get("state") or {}).get("running"))


def _container(pod: Object) -> Mapping[str, Any]:
    statuses = (pod.get("status") or {}).get("containerStatuses") or []
    return next((each for each in statuses if each["name"] == "agent"), {})


def shown(text: Any) -> str:
    """A message of the cluster's as a sentence. Of a long one the end: what went wrong last, and why, stands there."""
    return short(without_logins(str(text or "no reason is given"))).rstrip(".") + "."
