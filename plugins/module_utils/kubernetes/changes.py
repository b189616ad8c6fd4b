# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a deployment changes in a cluster: objects as they are, against what the server would make of ours. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Collection, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.finding import WARNING, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.release import digest
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes import resources
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes.resources import INSTANCE, MANAGED_BY, MANAGER

Object = Mapping[str, Any]
#: What the server writes into an object by itself.
_SERVERS = ("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink")
WORKLOADS = ("StatefulSet", "Deployment")
SCALER = "HorizontalPodAutoscaler"
CREATE, CHANGE, REMOVE = "create", "change", "remove"


@dataclass(frozen=True)
class Change:
    """One object that differs.

    :param item: as we want it; of one that goes, as it is.
    :param before: as it is; None: it does not exist.
    :param after: as the server would make it; None: it goes.
    :param pods: of a workload, the number of pods that is written once in the place of its autoscaler.
    """

    item: Object
    before: Optional[Object]
    after: Optional[Object]
    pods: Optional[int] = None

    @property
    def name(self) -> str:
        return resources.name(self.item)

    @property
    def verb(self) -> str:
        if self.after is None:
            return REMOVE
        return CREATE if self.before is None else CHANGE

    @property
    def is_late(self) -> bool:
        """Whether it waits for a good verdict: a removal. An autoscaler's does not: while it is there, it undoes the
        number of pods that is written in its place."""
        return self.after is None and self.item["kind"] != SCALER

    @property
    def allows_fewer(self) -> bool:
        """Whether it is an autoscaler's whose most pods become fewer."""
        if self.item["kind"] != SCALER or self.before is None or self.after is None:
            return False
        return bool(self.after["spec"]["maxReplicas"] < self.before["spec"].get("maxReplicas", 0))

    @property
    def is_workload(self) -> bool:
        """Whether it may replace pods."""
        return is_workload(self.item)


def is_workload(item: Object) -> bool:
    """Whether an object has pods."""
    return item["kind"] in WORKLOADS


def plain(item: Optional[Object]) -> Dict[str, Any]:
    """An object without what the server writes into it."""
    if item is None:
        return {}
    found = {key: value for key, value in item.items() if key != "status"}
    found["metadata"] = {key: value for key, value in item["metadata"].items() if key not in _SERVERS}
    return found


def is_ours(item: Object, fleet: str) -> bool:
    """Whether this collection has made it for this fleet."""
    labels = item["metadata"].get("labels") or {}
    return bool(labels.get(MANAGED_BY) == MANAGER and labels.get(INSTANCE) == fleet)


def is_applied(item: Object) -> bool:
    """Whether it was applied under our name, so that a field that we no longer name goes."""
    managers = item["metadata"].get("managedFields") or []
    return any(each.get("manager") == MANAGER and each.get("operation") == "Apply" for each in managers)


def compare(item: Object, before: Optional[Object], after: Object) -> Optional[Change]:
    """The change of one object; None when there is none.

    :param after: the server's answer to a dry run; the object itself where it could not be asked.
    """
    if before is not None and plain(before) == plain(after) and is_applied(before):
        return None
    return Change(item, before, after)


def foreign(item: Object, before: Optional[Object], fleet: str) -> Optional[Finding]:
    """That an object of this name exists and is not ours. A namespace may be anybody's."""
    if before is None or is_ours(before, fleet):
        return None
    what = "%s exists, and does not belong to the fleet %s." % (resources.name(item), fleet)
    fix = "Remove or rename it, or give the kind or the namespace another name."
    return Finding("object-foreign", what, item["metadata"].get("namespace", "cluster"), fix)


def other_workload(item: Object, there: Sequence[Object]) -> Optional[Finding]:
    """That a kind has become a member, or a leaf, under its name: the pods of both workloads have the same labels, so
    that neither would ever be whole.

    :param there: all objects of the fleet in the cluster.
    """
    name = item["metadata"]["name"]
    kinds = {each["kind"] for each in there if is_workload(each) and each["metadata"]["name"] == name}
    if not is_workload(item) or not kinds or item["kind"] in kinds:
        return None
    what = "In the cluster it is a %s, and a %s with the same pods would be created beside it."
    what %= (", ".join(sorted(kinds)), item["kind"])
    fix = "Give the new kind another name (praxis_kubernetes_kind.name), and remove this one when the new one serves."
    return Finding("role-fixed", what, name, fix)


def left_elsewhere(there: Sequence[Object], namespace: str) -> List[Finding]:
    """That a fleet runs in other namespaces as well, a finding for each.

    :param there: its workloads in them.
    :param namespace: the one that the settings name.
    """
    found = []
    for other in sorted({item["metadata"]["namespace"] for item in there}):
        named = [resources.name(item) for item in there if item["metadata"]["namespace"] == other]
        what = "%s in it also belongs to this fleet: if both have the same slots, two agents have one identity."
        fix = "When the fleet serves in %s, remove the other one: down.yml with praxis_kubernetes.namespace: %s. "
        fix += "If it is another fleet, give it another praxis_fleet."
        where = "namespace %s" % other
        found.append(Finding("left-in-namespace", what % ", ".join(named), where, fix % (namespace, other), WARNING))
    return found


def unwanted(there: Sequence[Object], wanted: Sequence[Object], kept: Collection[str]) -> List[Change]:
    """The objects of ours that nothing names any more, the last made first.

    :param there: all objects of the fleet in the cluster.
    :param kept: names that earlier deployments need, as :func:`resources.name` has them.
    """
    names = {resources.name(item) for item in wanted} | set(kept)
    gone = [item for item in there if resources.name(item) not in names]
    order = list(resources.RESOURCES)
    gone.sort(key=lambda item: (-order.index(item["kind"]), item["metadata"]["name"]))
    return [Change(item, item, None) for item in gone]


def amiss(found: Sequence[Change], deployed: Collection[str], where: str) -> List[Finding]:
    """What a status says of the changes that a deployment would make. Where a workload is missing, the status says that
    by itself, and what else a deployment would do is left out.

    :param deployed: names of the objects that the newest good deployment has made.
    :param where: the fleet.
    """
    new = [change for change in found if change.verb == CREATE and not change.is_workload]
    gone = [change.name for change in new if change.name in deployed]
    findings = []
    if gone:
        fix = "Deploy: that creates them again."
        findings.append(Finding("object-missing", "Somebody has removed %s." % ", ".join(gone), where, fix))
    rest = [change for change in found if change.name not in gone]
    if rest and not any(change.is_workload and change.verb == CREATE for change in rest):
        what = "A deployment would %s." % ", ".join("%s %s" % (change.verb, change.name) for change in rest)
        findings.append(Finding("not-as-planned", what, where, "Read the plan (plan.yml), and deploy.", WARNING))
    return findings


def limits(objects: Sequence[Object]) -> Dict[str, Tuple[int, int]]:
    """The fewest and the most pods, by the name of the workload that an autoscaler is for."""
    scalers = (item["spec"] for item in objects if item["kind"] == SCALER)
    return {spec["scaleTargetRef"]["name"]: (spec["minReplicas"], spec["maxReplicas"]) for spec in scalers}


def with_pods(
    change: Optional[Change], item: Object, before: Optional[Object], least: int, most: int
) -> Optional[Change]:
    """The change of a workload that an autoscaler is for, with the number of pods that it needs us to write.

    :param change: without that; None: there is none.
    :param least: pods that its autoscaler brings about.
    :param most: likewise. Pods above them find neither list nor key.
    """
    if before is None or "replicas" in item["spec"]:
        return change
    there = before["spec"].get("replicas", 1)
    pods = min(there, most) if there else least
    # An autoscaler leaves a workload alone that somebody has scaled to zero, and brings too many pods down by itself.
    if not (there == 0 or change and (pods < there or _loses_replicas(before))):
        return change
    after = (change.after if change else None) or before
    return Change(item, before, {**after, "spec": {**after["spec"], "replicas": pods}}, pods)


def _loses_replicas(before: Object) -> bool:
    """Whether an autoscaler takes over a number of pods that was ours: without a word of somebody else the server would
    set it to one."""
    fields = (
        each.get("fieldsV1") or {}
        for each in before["metadata"].get("managedFields") or []
        if each.get("manager") == MANAGER and each.get("operation") == "Apply"
    )
    return any("f:replicas" in (each.get("f:spec") or {}) for each in fields)


def in_order(found: Sequence[Change]) -> List[Change]:
    """Changes in the order in which they are made: what goes, then an autoscaler that has to allow fewer pods before
    others are replaced, then the rest as it is."""
    return sorted(found, key=lambda change: 0 if change.after is None else 1 if change.allows_fewer else 2)


def plan_id(fleet: str, objects: Sequence[Object]) -> str:
    """Four short digests joined by hyphens, as of a fleet of machines: members, image, settings and secret versions."""
    members, images, settings, secrets = [], [], [], []
    made = {item["spec"]["target"]["name"] for item in objects if item["kind"] == "ExternalSecret"}
    for item in objects:
        kind, named = item["kind"], resources.name(item)
        if kind == "ExternalSecret" and item["spec"]["target"].get("immutable"):
            secrets.append([named, item["spec"]])
        elif kind in (SCALER, "ExternalSecret") or (kind == "ConfigMap" and "immutable" not in item):
            members.append([named, item.get("spec"), item.get("data")])
        elif kind in WORKLOADS:
            pod = item["spec"]["template"]["spec"]
            images.append([named, [container["image"] for container in pod["containers"]]])
            members.append([named, item["spec"].get("replicas")])
            settings.append([named, _without_versions(item, made)])
        elif kind == "ConfigMap":  # its name is the release's, which covers the image as well
            settings.append(["ConfigMap", item["data"]])
        else:
            settings.append([named, {key: value for key, value in item.items() if key != "apiVersion"}])
    return "-".join(digest([fleet, part])[:8] for part in (members, images, settings, secrets))


def _without_versions(item: Object, made: Collection[str]) -> Any:
    """A workload without what the other parts of the id say of it: image, number of pods, secrets and release.

    :param made: names of the Secrets that the fleet's ExternalSecrets make; any other is there, and a setting.
    """
    spec = {key: value for key, value in item["spec"].items() if key not in ("template", "replicas")}
    pod = item["spec"]["template"]["spec"]
    inner = {key: value for key, value in pod.items() if key not in ("containers", "volumes")}
    containers = [
        {key: value for key, value in container.items() if key != "image"} for container in pod["containers"]
    ]
    secrets = [volume["secret"] for volume in pod["volumes"] if "secret" in volume]
    return [spec, inner, containers, [secret for secret in secrets if secret["secretName"] not in made]]
