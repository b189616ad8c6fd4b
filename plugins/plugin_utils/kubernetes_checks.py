# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with kinds of agents for a cluster, each by itself and together. Nothing is asked."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence, Set, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.finding import ERROR, WARNING, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes import mesh, resources
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes.settings import MEMBER, KindSettings
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes.workload import OF_THE_POD
from ansible_collections.praxis.cloud.plugins.plugin_utils.beside import TARGET
from ansible_collections.praxis.cloud.plugins.plugin_utils.fleet_variables import MemberVariables
from ansible_collections.praxis.cloud.plugins.plugin_utils.kinds import without_effect

#: Variables of machines that say nothing in a cluster, and what does instead.
_WITHOUT_EFFECT = {
    "target_group": "A Service stands before the pods: let your Ingress or Gateway point at it.",
    "docker_daemon": "The cluster manages its nodes: set up their runtime there.",
    "private_ip": "Pods get their addresses from the cluster.",
    "public_ip": "Pods get their addresses from the cluster.",
}
_LIMITS_WITHOUT_EFFECT = {
    "pids": "The kubelet's podPidsLimit holds for all pods of a node.",
    "log_size": "The kubelet's containerLogMaxSize holds for all pods of a node.",
    "log_files": "The kubelet's containerLogMaxFiles holds for all pods of a node.",
}


def unheld(member: MemberVariables) -> List[Finding]:
    """The variables that say what a cluster does not do: those that the agent would miss stop the run."""
    found = []
    if member.target != TARGET:
        fix = "Set praxis_target: kubernetes, or run deploy.yml for machines."
        found.append(Finding("not-a-kubernetes-kind", "praxis_target is %s." % member.target, member.name, fix))
    if member.docker_socket:
        fix = "Remove it: with a node's Docker socket in a pod, every peer could control the node."
        found.append(_unheld("praxis_docker_socket", member.name, fix, ERROR))
    if member.services:
        fix = "Deploy the services to the cluster with your own manifests."
        found.append(_unheld("praxis_services", member.name, fix, ERROR))
    if member.address != "private":
        fix = "Remove it: pods dial each other by their names in the cluster."
        found.append(_unheld("praxis_address", member.name, fix, ERROR))
    for name in sorted(OF_THE_POD.keys() & member.agent_environment.keys()):
        what = "%s is given twice: the cluster sets it in each pod, and the pod is started and judged by it." % name
        found.append(Finding("given-twice", what, member.name, "Use another variable for the agent."))
    for name, fix in without_effect(member, _WITHOUT_EFFECT, _LIMITS_WITHOUT_EFFECT):
        found.append(_unheld(name, member.name, fix, WARNING))
    pulls = {**member.kubernetes, **member.kubernetes_kind}.get("image_pull_secrets")
    if member.registries and not pulls:
        fix = "Create a pull secret with this login, and add it to praxis_kubernetes.image_pull_secrets."
        found.append(_unheld("praxis_registries", member.name, fix, WARNING))
    return found


def _unheld(what: str, where: str, fix: str, level: str) -> Finding:
    return Finding("not-on-kubernetes", "%s has no effect on Kubernetes." % what, where, fix, level)


def announced(pods: Sequence[mesh.Pod]) -> List[Finding]:
    """That two pods are announced to machines at one place. A node's port is the same on all nodes."""
    holders: Dict[Tuple[str, int], List[str]] = {}
    for pod in pods:
        if pod.announced:
            alone = pod.announced_port == pod.port  # a load balancer's
            holders.setdefault((pod.announced if alone else "", pod.announced_port), []).append(pod.name)
    fix = "Give each kind its own machines.port, with a port for each of its pods; or give each pod its own address."
    what = "%s are announced at the same port %d."
    return [
        Finding("shared-address", what % (" and ".join(names), port), "inventory", fix)
        for (_address, port), names in holders.items()
        if len(names) > 1
    ]


def together(settings: Mapping[str, KindSettings]) -> List[Finding]:
    """Why these kinds cannot be one fleet."""
    findings = []
    spaces = sorted({each.namespace for each in settings.values()})
    if len(spaces) > 1:
        what = "The kinds are in several namespaces: %s." % ", ".join(spaces)
        fix = "Set praxis_kubernetes.namespace once: P2P is admitted from the agents of one namespace."
        findings.append(Finding("several-namespaces", what, "inventory", fix))
    taken: Set[str] = set()
    for name, each in settings.items():
        if each.name in taken:
            what = "Another kind has the name %s too." % each.name
            findings.append(Finding("shared-name", what, name, "Give each kind its own name "
                                                               "(praxis_kubernetes_kind.name)."))
        taken.add(each.name)
    if settings and all(each.role != MEMBER for each in settings.values()):
        fix = "Give one kind the role member: leaves dial only members."
        findings.append(Finding("no-members", "All kinds are leaves.", "inventory", fix))
    return findings


def one_cluster(kinds: Mapping[str, Mapping[str, Any]]) -> List[Finding]:
    """That kinds name several clusters: a run is about one, and takes the first kind's.

    :param kinds: the variables of each.
    """
    findings = []
    for name in ("praxis_cluster", "praxis_kubeconfig", "praxis_kube_context"):
        given = {each: str(values.get(name) or "") for each, values in kinds.items()}
        if len(set(given.values())) > 1:
            what = "The kinds have several values of %s, and a run is about one cluster." % name
            fix = "Set it once for all of them. A fleet in another cluster has an inventory of its own."
            findings.append(Finding("several-clusters", what, "inventory", fix))
    return findings


def one_object_each(made: Sequence[Mapping[str, Any]]) -> List[Finding]:
    """That two kinds would make one object: the one's Service of the API, say, has the name of the other's own."""
    makers: Dict[str, List[str]] = {}
    for each in made:
        kind = each["metadata"].get("labels", {}).get(resources.COMPONENT, "")
        makers.setdefault(resources.name(each), []).append(kind)
    fix = "Give one of the kinds another name. A service account that kinds share is created by one of them only "
    fix += "(service_account.create: false for the others)."
    return [
        Finding("shared-name", "The kinds %s would both make %s." % (" and ".join(kinds), name), "inventory", fix)
        for name, kinds in makers.items()
        if len(kinds) > 1
    ]
