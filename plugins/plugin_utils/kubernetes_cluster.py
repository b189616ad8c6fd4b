# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet in one cluster: what there is of it, and what a plan would change."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.finding import ERROR, Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes import (
    changes,
    deployments,
    other_identities,
    pod_state,
    resources,
    rollout,
)
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes.changes import Change
from ansible_collections.praxis.cloud.plugins.plugin_utils.kubernetes_api import Api

Object = Mapping[str, Any]


@dataclass(frozen=True)
class Planned:
    """What a run would do.

    :param objects: all objects of the fleet, as this cluster takes them.
    :param changes: those that differ, in the order in which they are made; removals last.
    :param warnings: what it goes on with all the same.
    """

    objects: Sequence[Object]
    changes: Sequence[Change]
    warnings: Sequence[Finding]


@dataclass
class FleetCluster:
    """A fleet in the namespace of a cluster."""

    api: Api
    fleet: str
    namespace: str
    records: List[deployments.Past] = field(default_factory=list)
    unreadable: List[str] = field(default_factory=list)

    def remember(self) -> List[deployments.Past]:
        """The deployments that the cluster keeps of it, newest first."""
        there = self.api.ours(resources.collection("v1", "ConfigMap", self.namespace), self.fleet)
        there = [item for item in there if deployments.is_record(item)]
        self.records, self.unreadable = deployments.read(there)
        return self.records

    def plan(self, objects: Sequence[Object], keep: int) -> Planned:
        """Observe all objects and let the server say what it would make of ours. Nothing is written.

        :raises Failed: with everything that the cluster would refuse.
        """
        served = self.api.served(resources.groups())
        ours, findings = resources.for_cluster(objects, served, self.api.version())
        wrong = [finding for finding in findings if finding.level == ERROR]
        if wrong:
            raise Failed(*wrong)
        there = self._namespace()
        found: List[Change] = []
        wanted: List[Object] = []
        limits = changes.limits(ours)
        for item in ours:
            before = (there if item["kind"] == "Namespace" else self.api.get(resources.path(item))) if there else None
            amiss = changes.foreign(item, before, self.fleet)
            if amiss is not None and item["kind"] == "Namespace":
                continue  # it was here before us, and is not ours to change
            wanted.append(item)
            if amiss is not None:
                wrong.append(amiss)
                continue
            try:
                change = changes.compare(item, before, self.api.apply(item, dry_run=True) if there else item)
            except errors.NotFound:
                change = Change(item, before, item)
            except errors.CloudError as error:
                wrong += error.findings
                continue
            if changes.is_workload(item) and item["metadata"]["name"] in limits:
                change = changes.with_pods(change, item, before, *limits[item["metadata"]["name"]])
            found += [change] if change is not None else []
        if there is None and not any(item["kind"] == "Namespace" for item in ours):
            fix = "Create it (kubectl create namespace), or set praxis_kubernetes.create_namespace: true."
            wrong.append(Finding("no-namespace", "The namespace %s does not exist." % self.namespace, "cluster", fix))
        everything = self.everything(served) if there is not None else []
        wrong += [amiss for item in wanted if (amiss := changes.other_workload(item, everything)) is not None]
        wrong += other_identities.findings(found, self.pods)
        if wrong:
            raise Failed(*wrong)
        if there is not None:
            found += changes.unwanted(everything, wanted, self._needed(objects, keep))
        return Planned(wanted, found, [each for each in findings if each.level != ERROR])

    def _namespace(self) -> Optional[Dict[str, Any]]:
        """The namespace; None when it does not exist.

        :raises Failed: ``namespace-ending``: nothing can be made in it.
        """
        there = self.api.get("/api/v1/namespaces/" + self.namespace)
        if there is not None and (there.get("status") or {}).get("phase") == "Terminating":
            what = "The namespace %s is being removed, and objects cannot be created in it." % self.namespace
            fix = "Wait until it is gone. To see what delays it: kubectl describe namespace %s." % self.namespace
            raise Failed(Finding("namespace-ending", what, "namespace %s" % self.namespace, fix))
        return there

    def require_sight(self) -> None:
        """That this account may see what a verdict is made of, before anything is written.

        :raises CloudError: it may not.
        """
        for what in ("pods", "events"):
            self.api.request("GET", "/api/v1/namespaces/%s/%s" % (self.namespace, what), {"limit": "1"})

    def _needed(self, objects: Sequence[Object], keep: int) -> List[str]:
        """What earlier deployments need that are kept beside this one. What only a forgotten one needs goes with it, in
        the run that forgets it."""
        kept, _forgotten = deployments.kept(self.records, objects, keep)
        return deployments.needed(kept)

    def pods(self) -> List[Dict[str, Any]]:
        """All pods of the fleet."""
        selector = "%s=%s,%s=%s" % (resources.APPLICATION, resources.AGENT, resources.INSTANCE, self.fleet)
        return self.api.listed("/api/v1/namespaces/%s/pods" % self.namespace, labelSelector=selector)

    def everything(self, served: Optional[Sequence[str]] = None) -> List[Dict[str, Any]]:
        """All objects of the fleet but the namespace and the records of deployments."""
        if served is None:
            served = self.api.served(resources.groups())
        found: List[Dict[str, Any]] = []
        for kind, resource in resources.RESOURCES.items():
            version = next((each for each in resource.versions if each == "v1" or each in served), "")
            if version and resource.namespaced:
                found += self.api.ours(resources.collection(version, kind, self.namespace), self.fleet)
        return [item for item in found if not deployments.is_record(item)]

    def elsewhere(self) -> List[Dict[str, Any]]:
        """The fleet's workloads in other namespaces, as far as this account may look there."""
        there: List[Dict[str, Any]] = []
        with suppress(errors.Denied):
            for kind in changes.WORKLOADS:
                there += self.api.ours("/apis/apps/v1/%s" % resources.RESOURCES[kind].plural, self.fleet)
        return [item for item in there if item["metadata"]["namespace"] != self.namespace]

    def remove_pod(self, name: str) -> None:
        """Its workload makes it again."""
        self.api.delete("/api/v1/namespaces/%s/pods/%s" % (self.namespace, name))

    def apply(self, change: Change) -> None:
        """Make one change."""
        if change.after is None:
            self.api.delete(resources.path(change.item))
            return
        if change.pods is not None:
            # Under another name, for ours never names a number beside an autoscaler.
            metadata = {name: change.item["metadata"][name] for name in ("name", "namespace")}
            held = {"apiVersion": change.item["apiVersion"], "kind": change.item["kind"], "metadata": metadata}
            number = {"spec": {"replicas": change.pods}}
            self.api.apply({**held, **number}, manager="%s-replicas" % resources.MANAGER)
        self.api.apply(change.item)

    def see(self, goal: rollout.Goal, since: float = 0.0) -> Optional[rollout.Seen]:
        """A workload as it is now; None when it does not exist.

        :param since: what the workload itself was told before is no news (seconds since 1970, the API server's clock).
        """
        root = "/api/v1/namespaces/%s" % self.namespace
        workload = self.api.get(
            "%s/%s" % (resources.collection("apps/v1", goal.kind, self.namespace), goal.name)
        )
        if workload is None:
            return None
        labels = workload["spec"]["selector"]["matchLabels"]
        selector = ",".join("%s=%s" % each for each in sorted(labels.items()))
        pods = self.api.listed(root + "/pods", labelSelector=selector)
        pods = [pod for pod in pods if (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed")]
        whole = len(pods) == workload["spec"].get("replicas", 1) and all(map(pod_state.is_ready, pods))
        events = [] if whole else self.api.listed(root + "/events")
        return rollout.Seen(workload, pods, pod_state.fresh(events, since))
