# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the inventory's hosts, each a kind of agents, to the objects of a cluster: compiles the settings with the
compiler of a fleet of machines, and asks stores and registry only for what the user leaves open."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.agent.environment import canonical
from ansible_collections.praxis.cloud.plugins.module_utils.agent.identity import peer_id
from ansible_collections.praxis.cloud.plugins.module_utils.finding import ERROR, Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import outside
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.membership import check_members
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.table import Member
from ansible_collections.praxis.cloud.plugins.module_utils.host import tcp
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes import across, mesh, objects, ready, secrets
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes.secrets import SecretObject
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes.settings import MEMBER, KindSettings, read_kind
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes.start import POD
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes.workload import Kind
from ansible_collections.praxis.cloud.plugins.module_utils.secrets import identities
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.reference import Reference
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.stores import stores_of
from ansible_collections.praxis.cloud.plugins.plugin_utils import kubernetes_checks, pod_identities
from ansible_collections.praxis.cloud.plugins.plugin_utils.beside import TARGET, Beside
from ansible_collections.praxis.cloud.plugins.plugin_utils.drafts import Draft
from ansible_collections.praxis.cloud.plugins.plugin_utils.fleet_variables import MemberVariables
from ansible_collections.praxis.cloud.plugins.plugin_utils.kinds import KindPlanner, KindVariables, release
from ansible_collections.praxis.cloud.plugins.plugin_utils.member_places import place
from ansible_collections.praxis.cloud.plugins.plugin_utils.pod_identities import PodIdentities
from ansible_collections.praxis.cloud.plugins.plugin_utils.pods_beside import PodsBeside

MACHINES = "machines"


@dataclass(frozen=True)
class Fleet:
    """What is to be rendered.

    :param warnings: what it goes on with all the same.
    :param machines: its members that are in no cluster, which another deployment keeps.
    """

    kinds: Tuple[Kind, ...]
    pods: Tuple[mesh.Pod, ...]
    warnings: Tuple[Finding, ...]
    machines: Tuple[Member, ...] = ()

    def objects(self) -> List[Dict[str, Any]]:
        return objects.objects(self.kinds, self.pods, self.machines)

    def across(self) -> List[Dict[str, Any]]:
        """Who of the pods and the machines dials whom."""
        return outside.rows(across.outside(across.edges(self.pods, self.machines)))


def plan(members: Sequence[MemberVariables], faults: Sequence[Finding] = ()) -> Fleet:
    """Compile, ask and wire.

    :param members: the inventory's hosts: kinds of agents, and machines of the same fleet.
    :param faults: what is wrong already; reported with everything else.
    :raises Failed: with everything that is wrong, at once.
    """
    return _Planner(members, faults).plan()


def beside(members: Sequence[MemberVariables], faults: Sequence[Finding] = ()) -> Beside:
    """The pods of a fleet as its machines have to know them. Of what the pods run nothing is asked.

    :param members: as for :func:`plan`.
    """
    return _Planner(members, faults).beside()


def found_at(members: Sequence[MemberVariables], faults: Sequence[Finding] = ()) -> Tuple[str, str]:
    """The fleet and its namespace. Nothing is asked.

    :raises Failed: with everything that is wrong with the settings.
    """
    return _Planner(members, faults).found_at()


class _Planner(KindPlanner):
    def __init__(self, members: Sequence[MemberVariables], faults: Sequence[Finding]) -> None:
        super().__init__(members, faults)
        mixed = any(each.target == TARGET for each in members)
        self.machines = [each for each in members if mixed and each.target == MACHINES]
        self.kinds = [each for each in members if not (mixed and each.target == MACHINES)]

    def plan(self) -> Fleet:
        fleet = self.fleet_name()
        settings = self._settings()
        drafts = {name: draft for name, draft in self._drafts(settings).items() if draft is not None}
        named = {name: self._secrets(settings[name], draft) for name, draft in drafts.items()}
        images = self.images(list(drafts.values()))
        seeds = {name: pod_identities.of_kind(self, fleet, settings[name], draft) for name, draft in drafts.items()}
        pods = self._pods(settings, drafts, seeds)
        machines = self._machines(fleet, pods)
        self.stop_at_errors()
        services = tuple(mesh.service_host(settings[name]) for name in drafts if settings[name].role == MEMBER)
        kinds = tuple(
            Kind(
                fleet=fleet,
                settings=settings[name],
                release=release(draft, images[draft.variables.image], _versions(named[name])),
                secrets=named[name],
                identities=seeds[name].secret,
                services=services,
                probe=probe_files(),
            )
            for name, draft in drafts.items()
        )
        self._check_objects(kinds, pods, machines)
        self.stop_at_errors()
        return Fleet(kinds, tuple(pods), self.warnings, tuple(machines))

    def beside(self) -> Beside:
        fleet = self.fleet_name()
        settings = self._settings()
        drafts = {name: draft for name, draft in self._drafts(settings).items() if draft is not None}
        seeds = {name: pod_identities.of_kind(self, fleet, settings[name], draft) for name, draft in drafts.items()}
        pods = self._pods(settings, drafts, seeds)
        errors = tuple(finding for finding in self.findings if finding.level == ERROR)
        return PodsBeside(errors, tuple(pods), self._plaintext()) if pods else Beside(errors)

    def found_at(self) -> Tuple[str, str]:
        fleet, settings = self.fleet_name(), self._settings()
        self.stop_at_errors()
        return fleet, next(iter(settings.values())).namespace

    def _settings(self) -> Dict[str, KindSettings]:
        found: Dict[str, KindSettings] = {}
        for member in self.kinds:
            self.findings += kubernetes_checks.unheld(member)
            try:
                found[member.name] = read_kind(_merged(member), member.name)
            except Failed as error:
                self.findings += error.findings
        self.findings += kubernetes_checks.together(found)
        return found

    def _drafts(self, settings: Mapping[str, KindSettings]) -> Dict[str, Optional[Draft]]:
        found: Dict[str, Optional[Draft]] = {}
        for member in self.kinds:
            if member.name in settings:
                found[member.name] = self.draft(_kind_variables(member, settings[member.name]), member.name)
        return found

    def _secrets(self, settings: KindSettings, draft: Draft) -> SecretObject:
        names = tuple(sorted(draft.sources))
        source, where = settings.secrets, settings.name
        if source.existing:
            written = {canonical(name): str(name) for name in draft.variables.agent_secrets}
            return SecretObject(source.existing, names, keys=written)
        references = {name: given for name, given in draft.sources.items() if isinstance(given, Reference)}
        for name in sorted(set(names) - set(references)):
            what = "%s is a value, and rendered files must not have secret values." % name
            fix = "Write a reference to a secret store, or put it into a Secret and name that (secrets.existing)."
            self.findings.append(Finding("secret-value-rendered", what, where, fix))
        self.findings += secrets.check_references(source, references, "secrets", where)
        references = self.pinned(references)
        name = secrets.versioned_name("%s-secrets" % settings.name, references)
        return SecretObject(name, tuple(sorted(references)), source, references)

    def _pods(
        self,
        settings: Mapping[str, KindSettings],
        drafts: Mapping[str, Draft],
        seeds: Mapping[str, PodIdentities],
    ) -> List[mesh.Pod]:
        pods = []
        for name, draft in drafts.items():
            kind = settings[name]
            for ordinal, own_id in enumerate(seeds[name].peer_ids):
                host = mesh.pod_host(kind, mesh.pod_name(kind.name, ordinal))
                port = draft.variables.p2p_port
                announced = kind.machines.announced(ordinal, port)
                network = draft.variables.network
                pods.append(mesh.Pod(kind.name, ordinal, host, port, own_id, network, *announced))
        members = [pod.as_member() for pod in mesh.in_order(pods)]
        self.findings += check_members("", members) if members else []
        self.findings += kubernetes_checks.announced(pods)
        return pods

    def _machines(self, fleet: str, pods: Sequence[mesh.Pod]) -> List[Member]:
        """The machines of the fleet with their peer ids, where the pods can be one fleet with them."""
        where: Dict[str, Reference] = {}
        addresses = {}
        for each in self.machines:
            try:
                where[each.slot], addresses[each.name] = self.clouds.slot(fleet, each), each.addresses
            except Failed as error:
                self.findings += error.findings
        try:
            found = identities.read(where, stores_of(self.clouds.aws, self.clouds.gcp)) if where else {}
        except Failed as error:
            self.findings += error.findings
            return []
        missing = [slot for slot in where if found[slot].state != identities.PRESENT]
        if missing:
            what = "%d of %d machines have no seed: %s." % (len(missing), len(where), ", ".join(missing))
            fix = "Deploy the machines first (playbooks/deploy.yml): that creates their identities."
            self.findings.append(Finding("no-identity", what, "identities", fix))
        members = [
            place(each, addresses[each.name], peer_id(found[each.slot].seed, each.peer_id_scheme))
            for each in self.machines
            if each.name in addresses and found[each.slot].state == identities.PRESENT
        ]
        if members:
            beside = PodsBeside((), tuple(pods), self._plaintext())
            self.findings += beside.faults(members, {each.name for each in self.machines if each.p2p_plaintext_across})
        return members

    def _plaintext(self) -> bool:
        """Whether all kinds of members allow that they dial machines, and are dialled, through the internet."""
        return all(each.p2p_plaintext_across for each in self.kinds)

    def _check_objects(self, kinds: Sequence[Kind], pods: Sequence[mesh.Pod], machines: Sequence[Member]) -> None:
        made = objects.objects(kinds, pods, machines)
        self.findings += kubernetes_checks.one_object_each(made)
        for each in made:
            if each["kind"] == "ConfigMap":
                self.findings += objects.check_size(each["metadata"]["name"], each["data"])


def probe_files() -> Dict[str, str]:
    """The readiness probe as it runs in the agent's container: without the collection."""
    text = inspect.getsource(ready).replace(tcp.__name__, "tcp")
    return {"ready.py": text, "tcp.py": inspect.getsource(tcp)}


def _merged(member: MemberVariables) -> Dict[str, Any]:
    """``praxis_kubernetes``, and ``praxis_kubernetes_kind`` over it; a section of the second replaces the first's."""
    return {**member.kubernetes, **member.kubernetes_kind}


def _kind_variables(member: MemberVariables, settings: KindSettings) -> KindVariables:
    values = {name: getattr(member, name) for name in member.__dataclass_fields__}
    # Whoever calls the API does so by a name of the cluster's, so the agent's Host filter matters as behind a balancer.
    values.update(name=POD, target_group=values["target_group"] or "kubernetes", docker_socket=False, services=())
    host = mesh.pod_host(settings, POD) if settings.role == MEMBER else "%s-api.%s.svc" % (
        settings.name,
        settings.namespace,
    )
    return KindVariables(**values, host=host)


def _versions(secret: SecretObject) -> Dict[str, str]:
    """What stands for the secrets in a release's id."""
    return {name: str(secret.references.get(name, secret.name)) for name in secret.names}
