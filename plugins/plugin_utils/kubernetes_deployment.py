# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A deployment to a cluster: lock, apply, watch; then a record, or the deployment before it again."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Sequence, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.finding import ERROR, WARNING, Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes import (
    canary,
    changes,
    deployments,
    objects,
    pod_state,
    resources,
    rollout,
)
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes.changes import Change
from ansible_collections.praxis.cloud.plugins.plugin_utils import kubernetes_secrets
from ansible_collections.praxis.cloud.plugins.plugin_utils.kubernetes_cluster import FleetCluster, Planned
from ansible_collections.praxis.cloud.plugins.plugin_utils.kubernetes_lock import Lock
from ansible_collections.praxis.cloud.plugins.plugin_utils.kubernetes_watch import Watch

Object = Mapping[str, Any]
OUT_OF_MESH = "pod-out-of-mesh"
#: What is said of the asker, or by nobody. A login may be unknown for as long as who knows logins is away.
_NO_ANSWER = (errors.Unavailable, errors.Throttled, errors.Expired)
#: Seconds that the probe may take. The kubelet gives it 30, and calls a pod unready after the third time.
_PROBE = 90.0


class Source(NamedTuple):
    """What a run deploys: the fleet's objects as they were planned for any cluster, and the id of that plan."""

    objects: Sequence[Object]
    plan_id: str


@dataclass
class Deployment:
    """One run.

    :param deployment: its ``run``, ``owner`` and ``reason``.
    :param keep: how many good deployments stay known.
    :param canary_pods: how many pods of each kind of members get a release before the others.
    """

    cluster: FleetCluster
    lock: Lock
    watch: Watch
    deployment: Mapping[str, Any]
    keep: int
    canary_pods: int = 0
    findings: List[Finding] = field(default_factory=list)

    def run(self, choose: Callable[[], Source], planned: Planned) -> Tuple[Source, Planned]:
        """Apply what is planned and judge it. What is wrong is in :attr:`findings`.

        :param choose: what is deployed, by the records of the moment.
        :param planned: what was planned without the Lease.
        :return: what was chosen and planned under the Lease: until then another run may have written.
        """
        self.cluster.require_sight()
        namespace = self._namespace(planned)
        with self.lock.holding():
            self.cluster.remember()
            source = choose()
            planned = self.cluster.plan(source.objects, self.keep)
            self._deploy(source, planned)
        return source, replace(planned, changes=[*namespace, *planned.changes])

    def _deploy(self, source: Source, planned: Planned) -> None:
        made = changes.in_order([change for change in planned.changes if not change.is_late])
        try:
            goals = rollout.goals(planned.objects)
            bad = self._spread(canary.stages(made, goals, self.canary_pods))
            bad = bad or kubernetes_secrets.missing(self.cluster, planned.objects, self.lock.require)
            if not bad and objects.have_machines(planned.objects):
                bad = self._meet_machines(goals)
        except _NO_ANSWER:
            raise  # that says nothing of the release: what is open here is the next run's
        except errors.CloudError as error:
            bad = list(error.findings)
        outcome = deployments.GOOD
        if bad:
            self.findings += bad
            outcome = self._roll_back()
        else:
            self._remove([change for change in planned.changes if change.is_late])
        self._finish(source, outcome)

    def _spread(self, stages: Sequence[canary.Stage]) -> List[Finding]:
        """Apply and judge one stage after the other; what is wrong with the first that is bad."""
        bad: List[Finding] = []
        for number, stage in enumerate(stages):
            if number:
                self.watch.say("the canary is good, and the other pods follow")
            self._make(stage.changes)
            bad = self.watch.all(stage.goals)
            if bad:
                break
        return bad

    def _meet_machines(self, goals: Sequence[rollout.Goal]) -> List[Finding]:
        """Restart, one at a time, the pods that have no edge to machines which answer: a machine that has restarted
        does not dial, where only pods can. What is wrong with the edges after it."""
        for lonely in probe(self.cluster, goals, gate=True):
            if lonely.code != OUT_OF_MESH:
                return [lonely]
            self.watch.say("%s is restarted, so that it dials again" % lonely.where)
            self.lock.require_write()
            self.cluster.remove_pod(lonely.where)
            bad = self.watch.all(goals)
            if bad:
                return bad
        return probe(self.cluster, goals, machines=True, gate=True)

    def _namespace(self, planned: Planned) -> List[Change]:
        """The Lease needs it."""
        made = [change for change in planned.changes if change.item["kind"] == "Namespace" and change.before is None]
        for change in made:
            self.cluster.apply(change)
        return made

    def _roll_back(self) -> str:
        """Return the fleet to the last good deployment: what that one did not have goes. All of the fleet, and not what
        this run has touched: a run that stopped before it may have applied the same settings, or others."""
        good = deployments.newest(self.cluster.records)
        if good is None:
            what = "There is no good deployment to roll back to, so the cluster is left as it is."
            fix = "Fix what is wrong and deploy again, or remove the fleet (down.yml)."
            self.findings.append(Finding("no-earlier-deployment", what, "rollback", fix, WARNING))
            return deployments.BAD
        self.watch.say("rolling back to deployment %s" % good.run)
        try:
            planned = self.cluster.plan(good.objects, self.keep)
            back = planned.changes
            # An autoscaler undoes the number that is written back, and a workload's pods take the place of others. What
            # pods read stays until none of this release is left.
            self._make(changes.in_order([change for change in back if change.is_workload or not change.is_late]))
            bad = self.watch.all(rollout.goals(planned.objects))
            if not bad:
                self._make([change for change in back if change.is_late and not change.is_workload])
        except Failed as error:
            bad = list(error.findings)
        if bad:
            said = " ".join(str(each) for each in bad)
            what = "The fleet could not be rolled back to deployment %s: %s" % (good.run, said)
            fix = "Fix what the message names, and run this: rollback.yml -e praxis_to=%s." % deployments.NEWEST
            self.findings.append(Finding("not-rolled-back", what, self.cluster.fleet, fix))
            return deployments.BAD
        what = "The fleet was rolled back to deployment %s." % good.run
        gone = [change.name for change in back if change.after is None]
        what += " What was added since is removed: %s." % ", ".join(gone) if gone else ""
        fix = "Fix the errors and deploy again."
        self.findings.append(Finding("rolled-back", what, self.cluster.fleet, fix, WARNING))
        return deployments.ROLLED_BACK

    def _make(self, made: Sequence[Change]) -> None:
        for change in made:
            self.lock.require_write()
            self.cluster.apply(change)

    def _remove(self, late: Sequence[Change]) -> None:
        """Remove what a good deployment has no more. One that stays is an error, and the deployment is good all the
        same: without its record nothing could lead back to it. The next run removes the rest."""
        try:
            self._make(late)
        except errors.CloudError as error:
            self.findings += error.findings

    def _finish(self, source: Source, outcome: str) -> None:
        """Keep what was deployed, and forget the oldest in the place of a good one. A repair of the newest good one has
        its record already."""
        self.lock.require_write()
        records, good = self.cluster.records, outcome == deployments.GOOD
        path = resources.collection("v1", "ConfigMap", self.cluster.namespace)
        if not good or not deployments.is_newest(records, source.objects):
            past = self._past(source, outcome)
            # Its name is this run's.
            self.cluster.api.create_once(path, deployments.written(past, self.cluster.fleet, self.cluster.namespace))
        for one in deployments.kept(records, source.objects, self.keep)[1] if good else ():
            self.cluster.api.delete("%s/%s" % (path, deployments.record_name(one, self.cluster.fleet)))

    def _past(self, source: Source, outcome: str) -> deployments.Past:
        return deployments.Past(
            run=self.deployment["run"],
            number=1 + max((one.number for one in self.cluster.records), default=0),
            owner=self.deployment["owner"],
            reason=self.deployment["reason"],
            at=self.cluster.api.now,
            outcome=outcome,
            plan_id=source.plan_id,
            releases=deployments.releases(source.objects),
            objects=tuple(source.objects),
        )


def observe(cluster: FleetCluster, goals: Sequence[rollout.Goal]) -> Dict[str, Any]:
    """How the fleet is now: ``members``, and ``findings`` of what is not as it should be."""
    rows: List[Dict[str, Any]] = []
    findings: List[Finding] = []
    for goal in goals:
        seen = cluster.see(goal)
        if seen is None:
            what = "The %s %s does not exist." % (goal.kind, goal.name)
            findings.append(Finding("workload-missing", what, goal.name, "Deploy (deploy.yml)."))
            continue
        pods = sorted(seen.pods, key=lambda pod: (len(pod["metadata"]["name"]), pod["metadata"]["name"]))
        rows += [pod_state.row(pod, seen.events, goal.release) for pod in pods]
        stray = [pod["metadata"]["name"] for pod in pods if pod_state.release_of(pod) != goal.release]
        if stray:
            what = "These pods do not run the planned release %s: %s." % (goal.release[:8], ", ".join(stray))
            findings.append(Finding("other-release", what, goal.name, "Deploy (deploy.yml).", WARNING))
        there = (pod_state.fault_of(pod, seen.events) for pod in pods)
        faults = [fault.finding for fault in there if fault is not None]
        findings += faults
        wanted = seen.workload["spec"].get("replicas", 1)
        if not faults and len([pod for pod in pods if pod_state.is_ready(pod)]) < max(wanted, goal.least):
            what = "%d pods are wanted, and fewer are ready." % max(wanted, goal.least)
            fix = "Run kubectl describe with the pods that are not ready: it shows what the cluster waits for."
            findings.append(Finding("pods-missing", what, goal.name, fix))
    return {"members": rows, "findings": findings}


def probe(
    cluster: FleetCluster, goals: Sequence[rollout.Goal], machines: bool = False, gate: bool = False
) -> List[Finding]:
    """What the probe of identity and live edges says in each pod at this moment, by the kernel's own tables.

    :param machines: edges to the fleet's machines are required, whether these answer or not.
    :param gate: whether a release is judged by it: that nobody answered is no verdict then.
    :raises CloudError: nobody answered a gate.
    """
    found: List[Finding] = []
    for goal in goals:
        seen = cluster.see(goal)
        for pod in seen.pods if seen is not None else ():
            if not pod_state.is_ready(pod):
                continue  # that is a finding already
            name = pod["metadata"]["name"]
            # A pod of an earlier release has the probe of then, which may not know the word.
            more = ["--require-machines"] if machines and pod_state.release_of(pod) == goal.release else []
            try:
                code, said = cluster.api.execute(cluster.namespace, name, [*rollout.probe_of(pod), *more], _PROBE)
            except errors.CloudError as error:
                if gate and isinstance(error, _NO_ANSWER):
                    raise
                what = "The probe could not be run in the pod. %s" % error.finding.what
                found.append(Finding("pod-unseen", what, name, error.finding.fix))
                continue
            if code is None:
                fix = "Run this again. kubectl exec shows whether the pod's node answers."
                found.append(Finding("pod-unseen", "The probe could not be run in the pod: %s." % said, name, fix))
            elif code:
                fix = "Restart the pod, so that it dials again: kubectl delete pod %s." % name
                found.append(Finding(OUT_OF_MESH, "The pod is ready, but its probe says now: %s." % said, name, fix))
    return found


def is_error(findings: Sequence[Finding]) -> bool:
    return any(finding.level == ERROR for finding in findings)
