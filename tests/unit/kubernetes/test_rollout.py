# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdict on a rollout: when it is done, and what each cause of a failure is called."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes import pod_state, rollout
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes.canary import partition
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes.rollout import Goal, Seen
from tests.unit.kubernetes.made import agent, found

GOAL = Goal("StatefulSet", "agent", "new", least=2, deadline=600)


def pod(ordinal: int = 0, release: str = "new", ready: bool = True, **status: Any) -> dict[str, Any]:
    container = {"name": "agent", "restartCount": 0, "state": {"running": {}}, **status.pop("container", {})}
    conditions = [{"type": "Ready", "status": str(ready)}, *status.pop("conditions", [])]
    return {
        "metadata": {"name": f"agent-{ordinal}", "uid": f"uid-{ordinal}", "labels": {pod_state.RELEASE_LABEL: release}},
        "spec": {"nodeName": "node-1"},
        "status": {"phase": "Running", "conditions": conditions, "containerStatuses": [container], **status},
    }


def seen(*pods: dict[str, Any], events: list[dict[str, Any]] | None = None, **status: Any) -> Seen:
    count = status.pop("replicas", 2)
    workload = {
        "kind": "StatefulSet",
        "metadata": {"name": "agent", "generation": 3},
        "spec": {"replicas": count, "minReadySeconds": 30, "template": {"metadata": {"labels": {
            pod_state.RELEASE_LABEL: status.pop("release", "new")}}}},
        "status": {"observedGeneration": 3, "updatedReplicas": count, "readyReplicas": count,
                   "availableReplicas": count, **status},
    }  # fmt: skip
    return Seen(workload, pods, events or [])


def event(reason: str, message: str, uid: str = "uid-0", **about: str) -> dict[str, Any]:
    return {"reason": reason, "message": message, "involvedObject": {"uid": uid, **about}, "lastTimestamp": "2026"}


def at(said: dict[str, Any], moment: str) -> dict[str, Any]:
    return {**said, "lastTimestamp": moment}


def only(state: Seen) -> pod_state.Fault:
    (fault,) = rollout.faults(state, GOAL)
    assert all(fault.finding.as_dict().values())
    return fault


def test_all_pods_ready_on_the_release_is_the_end() -> None:
    assert rollout.is_done(seen(pod(0), pod(1)), GOAL)


@pytest.mark.parametrize(
    "state",
    [
        seen(pod(0), pod(1), observedGeneration=2),
        seen(pod(0), pod(1), updatedReplicas=1),
        seen(pod(0), pod(1), availableReplicas=1),
        seen(pod(0), pod(1), release="old"),
        seen(pod(0), pod(1, ready=False)),
        seen(pod(0), pod(1, release="old")),
        seen(pod(0)),
        seen(pod(0), pod(1), pod(2, release="old")),
        seen(pod(0), replicas=1),
    ],
)
def test_it_goes_on_while_anything_is_open(state: Seen) -> None:
    assert not rollout.is_done(state, GOAL)


def test_a_pod_that_leaves_is_no_fault_and_no_end() -> None:
    leaving = pod(1, ready=False)
    leaving["metadata"]["deletionTimestamp"] = "2026"
    assert not rollout.is_done(seen(pod(0), leaving), GOAL)
    assert rollout.faults(seen(pod(0), leaving), GOAL) == []


def test_a_signed_address_is_quoted_without_its_signature() -> None:
    said = 'failed to pull: Get "https://store.example/layer?X-Amz-Signature=planted": i/o timeout'
    assert pod_state.shown(said) == 'failed to pull: Get "https://store.example/layer?…": i/o timeout.'


def test_an_image_that_cannot_be_pulled_is_named_by_what_the_runtime_said() -> None:
    waiting = {"state": {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}}}
    fault = only(seen(pod(0, ready=False, container=waiting), pod(1), events=[
        event("Failed", "Failed to pull image: manifest unknown"), event("Failed", "Error: ErrImagePull"),
    ]))  # fmt: skip
    assert (fault.finding.code, fault.finding.where) == ("image-pull-failed", "agent-0")
    assert "manifest unknown" in fault.finding.what


def test_a_long_message_is_quoted_with_its_end_which_names_the_cause() -> None:
    name = "123456789012.dkr.ecr.us-east-1.amazonaws.com/team/agent@sha256:" + "0" * 64
    said = f'Failed to pull image "{name}": rpc error: code = Unknown desc = failed to pull and unpack image "{name}": '
    said += f'failed to resolve reference "{name}": {name}: not found'
    waiting = {"state": {"waiting": {"reason": "ErrImagePull"}}}
    fault = only(seen(pod(0, ready=False, container=waiting), pod(1), events=[event("Failed", said)]))
    assert fault.finding.what.endswith(": not found.")


def test_a_pod_that_fits_on_no_node() -> None:
    condition = {"type": "PodScheduled", "status": "False", "message": "0/3: Insufficient cpu"}
    fault = only(seen(pod(0, ready=False, conditions=[condition], containerStatuses=[]), pod(1)))
    assert fault.finding.code == "pod-unschedulable" and "Insufficient cpu" in fault.finding.what
    assert fault.patience is not None and fault.patience > 60, "a cluster's autoscaler needs time for a node"


UNSCHEDULED = {"type": "PodScheduled", "status": "False", "message": "0/3: Insufficient cpu"}


@pytest.mark.parametrize("reason", ["TriggeredScaleUp", "Nominated"])
def test_a_node_that_is_being_made_for_a_pod_is_waited_for(reason: str) -> None:
    """The cluster's autoscaler says it of the pod. A node may take longer than three minutes."""
    without = at(event("NotTriggerScaleUp", "pod didn't trigger scale-up"), "2026-01-01T00:00:10Z")
    made = at(event(reason, "1 node more"), "2026-01-01T00:00:20Z")
    waiting = pod(0, ready=False, conditions=[UNSCHEDULED], containerStatuses=[])
    assert only(seen(waiting, pod(1), events=[made, without])).patience is None
    gives_up = at(event("NotTriggerScaleUp", "max node group size reached"), "2026-01-01T00:05:00Z")
    assert only(seen(waiting, pod(1), events=[made, without, gives_up])).patience == 180
    other = at(event(reason, "1 node more", uid="uid-1"), "2026-01-01T00:00:20Z")
    assert only(seen(waiting, pod(1), events=[other])).patience == 180, "it was for another pod"


def test_a_quota_that_is_full() -> None:
    message = 'pods "agent-1" is forbidden: exceeded quota: small'
    full = event("FailedCreate", message, "", kind="StatefulSet", name="agent")
    assert only(seen(pod(0), events=[full])).finding.code == "quota-exceeded"


def test_what_admission_refuses() -> None:
    refused = event("FailedCreate", "violates PodSecurity", "", kind="ReplicaSet", name="agent-5c8f")
    assert only(seen(pod(0), events=[refused])).finding.code == "pod-refused"


def test_another_workload_s_events_are_not_its_own() -> None:
    other = event("FailedCreate", "exceeded quota", "", kind="StatefulSet", name="agent-two-three")
    assert rollout.faults(seen(pod(0), events=[other]), GOAL) == []


def test_the_end_of_memory() -> None:
    killed = {"restartCount": 1, "state": {"running": {}}, "lastState": {"terminated": {"reason": "OOMKilled"}}}
    assert only(seen(pod(0, ready=False, container=killed), pod(1))).finding.code == "container-out-of-memory"


def test_a_kill_of_which_the_runtime_does_not_say_why_may_be_the_end_of_memory() -> None:
    killed = {"restartCount": 2, "state": {"terminated": {"reason": "Error", "exitCode": 137}}}
    finding = only(seen(pod(0, ready=False, container=killed), pod(1))).finding
    assert finding.code == "container-exited" and "praxis_container.memory" in finding.fix


def test_a_crash_is_certain_when_it_comes_again() -> None:
    def crashed(times: int) -> Seen:
        state = {"waiting": {"reason": "CrashLoopBackOff"}}
        last = {"terminated": {"reason": "Error", "exitCode": 3}}
        return seen(pod(0, ready=False, container={"restartCount": times, "state": state, "lastState": last}), pod(1))

    assert only(crashed(2)).finding.code == "container-exited" and "code 3" in only(crashed(2)).finding.what
    assert only(crashed(2)).patience == 0 and only(crashed(1)).patience and only(crashed(2)).pod == "agent-0"


def test_a_probe_s_own_words() -> None:
    said = event("Unhealthy", "Readiness probe failed: 0 of 1 live edges to 1 pods")
    fault = only(seen(pod(0, ready=False), pod(1), events=[said]))
    assert fault.finding.code == "pod-not-ready" and "0 of 1 live edges" in fault.finding.what
    assert fault.patience is None, "only the deadline ends a start"


def test_a_secret_that_is_not_there() -> None:
    said = event("FailedMount", 'MountVolume.SetUp failed: secret "keys" not found')
    creating = {"state": {"waiting": {"reason": "ContainerCreating"}}}
    assert only(seen(pod(0, ready=False, container=creating), pod(1), events=[said])).finding.code == "pod-mount-failed"


@pytest.mark.parametrize("next_step", ["Pulling", "Pulled"])
def test_a_secret_that_has_come_is_no_fault_while_the_image_is_pulled(next_step: str) -> None:
    """The External Secrets Operator makes it some seconds after the pod is there, and the kubelet has complained."""
    creating = pod(0, ready=False, container={"state": {"waiting": {"reason": "ContainerCreating"}}})
    missing = at(event("FailedMount", 'secret "keys" not found'), "2026-01-01T00:00:04Z")
    came = at(event(next_step, "Pulling image"), "2026-01-01T00:00:06Z")
    fault = only(seen(creating, pod(1), events=[came, missing]))
    assert fault.finding.code == "pod-not-ready" and fault.patience is None
    again = at(event("FailedMount", 'configmap "agent-1" not found'), "2026-01-01T00:09:00Z")
    assert only(seen(creating, pod(1), events=[came, missing, again])).finding.code == "pod-mount-failed"


def test_a_pod_of_the_release_before_is_no_fault_of_the_new_one() -> None:
    assert rollout.faults(seen(pod(0), pod(1, release="old", ready=False)), GOAL) == []


def test_goals_are_read_from_the_objects() -> None:
    made = agent(autoscaler={"min": 3, "max": 5})
    (goal,) = rollout.goals(made)
    workload = found(made, "StatefulSet")
    assert (goal.kind, goal.name, goal.least) == ("StatefulSet", "agent", 3)
    assert goal.release == workload["spec"]["template"]["metadata"]["labels"][pod_state.RELEASE_LABEL]
    startup = workload["spec"]["template"]["spec"]["containers"][0]["startupProbe"]
    assert goal.deadline > startup["failureThreshold"] * startup["periodSeconds"]


#: The canary of two pods: ordinal 1 alone.
CANARY = Goal("StatefulSet", "agent", "new", least=2, deadline=600, partition=1)


def test_a_canary_is_done_while_the_pods_below_it_run_the_release_before() -> None:
    assert rollout.is_done(seen(pod(0, release="old"), pod(1), updatedReplicas=1), CANARY)
    assert rollout.is_done(seen(pod(0, release="old"), pod(1), pod(2), replicas=3, updatedReplicas=2), CANARY)
    broken = seen(pod(0, release="old", ready=False), pod(1), updatedReplicas=1, readyReplicas=1, availableReplicas=1)
    assert rollout.is_done(broken, CANARY), "the release may be what repairs it"


@pytest.mark.parametrize(
    "state",
    [
        seen(pod(0, release="old"), pod(1), updatedReplicas=1, observedGeneration=2),
        seen(pod(0, release="old"), pod(1, release="old"), updatedReplicas=0),
        seen(pod(0, release="old"), pod(1, ready=False), updatedReplicas=1),
        seen(pod(0, release="old"), updatedReplicas=0),
        seen(pod(0, release="old"), pod(1), updatedReplicas=1, availableReplicas=1),
        seen(pod(0, release="old"), pod(1), updatedReplicas=1, release="old"),
        seen(pod(0, release="old"), pod(1), replicas=3, updatedReplicas=1),
    ],
)
def test_a_canary_goes_on_while_anything_of_it_is_open(state: Seen) -> None:
    assert not rollout.is_done(state, CANARY)


def test_a_canary_that_the_autoscaler_takes_away_has_shown_nothing() -> None:
    """It may have crashed: nobody runs the release, so nobody has judged it."""
    gone = seen(pod(0, release="old"), replicas=1, updatedReplicas=0)
    assert not rollout.is_done(gone, CANARY)
    (fault,) = rollout.faults(gone, CANARY)
    assert fault.finding.code == "canary-gone" and all(fault.finding.as_dict().values())
    assert fault.patience is not None and fault.patience > 30, "the load may ask for it again"
    assert rollout.faults(seen(pod(0), replicas=1), GOAL) == [], "there is no canary"


@pytest.mark.parametrize(
    ("pods", "canary", "above"), [(2, 1, 1), (5, 2, 3), (2, 2, 0), (2, 3, 0), (1, 1, 0), (4, 0, 0)]
)
def test_as_many_pods_as_the_canary_has_lie_above_the_partition(pods: int, canary: int, above: int) -> None:
    assert partition(pods, canary) == above


def test_a_row_says_what_is_wrong() -> None:
    assert pod_state.row(pod(0), [], "new")["health"] == pod_state.HEALTHY
    assert pod_state.row(pod(0, ready=False), [], "new")["health"] == "pod-not-ready"
