# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is put into a fleet's EKS cluster: add-ons, who may log in, and the roles of its pods; and its OIDC provider
beside it. Pure."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.resource import Ref, Resource

#: Without the last of them, no autoscaler knows how busy its pods are.
ADDONS = ("vpc-cni", "kube-proxy", "coredns", "metrics-server")
#: Gives pods the credentials of their association.
AGENT = "eks-pod-identity-agent"
#: By kind, in the order in which they are made, what goes with one that is removed.
LOST = {
    "oidc_provider": "the role in AWS of every pod that has one by an annotation of its service account",
    "access_entry": "that principal's access to the cluster's API",
    "addon": "EKS's management of it; what runs in the cluster stays",
    "pod_identity": "those pods' role in AWS",
}
_PRINCIPAL = re.compile(r"arn:aws[\w-]*:iam::\d{12}:(role|user)/\S+")
_ROLE = re.compile(r"arn:aws[\w-]*:iam::\d{12}:role/\S+")
_POLICY = re.compile(r"[A-Za-z]\w*Policy")
_OWN_GROUPS = "system:"
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_ACCOUNT = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
Wrong = tuple[str, str]


@dataclass(frozen=True)
class Addon:
    """An add-on of EKS's.

    :param version: empty for the one that EKS takes at creation, which is then left alone.
    :param configuration: values of the add-on's own schema; None to leave them alone.
    :param pod_identity: ``role`` of each ``service_account`` of its pods; None to leave them alone.
    """

    name: str
    version: str = ""
    configuration: Mapping[str, Any] | None = None
    pod_identity: Sequence[Mapping[str, str]] | None = None

    @property
    def kept(self) -> dict[str, Any]:
        """What of it is kept as it is said here."""
        kept: dict[str, Any] = {"version": self.version} if self.version else {}
        if self.configuration is not None:
            kept["configuration"] = canonical(self.configuration)
        if self.pod_identity is not None:
            kept["roles"] = {each["service_account"]: each["role"] for each in self.pod_identity}
        return kept


@dataclass(frozen=True)
class Access:
    """A principal of IAM's that may log in to the cluster.

    :param policy: name of one of EKS's access policies; empty for none.
    :param namespaces: in which it holds; none for the whole cluster.
    :param groups: of Kubernetes, to which bindings in the cluster give roles.
    """

    principal: str
    policy: str = ""
    namespaces: Sequence[str] = ()
    groups: Sequence[str] = ()


@dataclass(frozen=True)
class Grant:
    """One access policy of a principal, and where it holds."""

    policy: str
    namespaces: Sequence[str] = ()

    def __str__(self) -> str:
        return f"{self.policy} in {', '.join(self.namespaces) or 'the whole cluster'}"


@dataclass(frozen=True)
class PodIdentity:
    """The role of the pods of one service account, by EKS Pod Identity.

    :param role: ARN of a role whose trust names pods.eks.amazonaws.com.
    """

    service_account: str
    role: str
    namespace: str = "praxis"

    @property
    def name(self) -> str:
        """By which it is known in the cluster."""
        return f"{self.namespace}/{self.service_account}"


@dataclass(frozen=True)
class Contents:
    """What is to be in the cluster.

    :param addons: None for those that a cluster needs, with the Pod Identity agent only where it is used.
    :param oidc: whether IAM knows the cluster's issuer, so that roles can trust its service accounts (IRSA).
    """

    addons: Sequence[Addon] | None = None
    access: Sequence[Access] = ()
    pod_identity: Sequence[PodIdentity] = ()
    oidc: bool = False

    @property
    def wanted_addons(self) -> list[Addon]:
        """Those named, or else those of a cluster that has none yet."""
        if self.addons is not None:
            return [*self.addons]
        return [Addon(each) for each in (*ADDONS, *([AGENT] if self.pod_identity else []))]


def resources(
    contents: Contents, cluster: str, tagged: Callable[[str], Mapping[str, str]]
) -> Iterator[Resource]:
    """In the order in which they are made: add-ons become active on nodes only, and an association needs the agent."""
    there = {"cluster": Ref("eks_cluster", cluster)}

    def resource(kind: str, name: str, fields: Mapping[str, Any]) -> Resource:
        return Resource(kind, name, fields, there, tagged(name), lost=LOST[kind])

    if contents.oidc:
        yield resource("oidc_provider", cluster, {})
    for principal in dict.fromkeys(each.principal for each in contents.access):
        mine = [each for each in contents.access if each.principal == principal]
        policies = [Grant(each.policy, sorted({*each.namespaces})) for each in mine if each.policy]
        groups = sorted({group for each in mine for group in each.groups})
        yield resource("access_entry", principal, {"policies": sorted(policies, key=str), "groups": groups})
    for addon in contents.wanted_addons:
        yield resource("addon", addon.name, {"active": True, **addon.kept})
    for pods in contents.pod_identity:
        yield resource("pod_identity", pods.name, {"role": pods.role})


def canonical(configuration: Any) -> str:
    """An add-on's configuration as the one text that stands for it."""
    return json.dumps(configuration, sort_keys=True)


def wrong(contents: Contents) -> Iterator[Wrong]:
    """What cannot be, and what to do about it."""
    addons = [each.name for each in contents.wanted_addons]
    yield from _twice("add-on", addons)
    of_addons = [(each.name, pods) for each in contents.wanted_addons for pods in each.pod_identity or ()]
    if (contents.pod_identity or of_addons) and AGENT not in addons:
        yield f"Pod Identity needs the add-on {AGENT}.", f"Add {AGENT} to addons, or leave addons out."
    for access in contents.access:
        if not _PRINCIPAL.fullmatch(access.principal):
            fix = "Write arn:aws:iam::ACCOUNT:role/NAME or user/NAME; for a session, the ARN of its role."
            yield f"The principal {access.principal!r} is no ARN of a role or user.", fix
        if access.policy and not _POLICY.fullmatch(access.policy):
            fix = "Write one of EKS's access policies by its name, such as AmazonEKSEditPolicy."
            yield f"{access.policy!r} is not the name of an access policy.", fix
        if not (access.policy or access.groups):
            yield f"{access.principal} gets neither a policy nor groups.", "Set policy or groups for this principal."
        if access.namespaces and not access.policy:
            yield f"{access.principal} has namespaces, but no policy.", "Set policy, which is then valid in them."
        yield from _no_names("namespace", _LABEL, access.namespaces)
        for group in access.groups:
            if not group.strip() or group.startswith(_OWN_GROUPS):
                yield f"EKS does not allow the group {group!r}.", f"Use another group, without {_OWN_GROUPS}."
    admitted = [f"{each.principal} with {each.policy or 'groups'}" for each in contents.access]
    yield from _twice("access entry", admitted)
    for pods in contents.pod_identity:
        yield from _no_names("namespace", _LABEL, [pods.namespace])
    given = [(each.service_account, each.role) for each in contents.pod_identity]
    for account, role in [*given, *((pods["service_account"], pods["role"]) for _name, pods in of_addons)]:
        if not _ROLE.fullmatch(role):
            yield f"The role {role!r} is no ARN of a role.", "Write arn:aws:iam::ACCOUNT:role/NAME."
        yield from _no_names("service account", _ACCOUNT, [account])
    named = [f"{name}'s {pods['service_account']}" for name, pods in of_addons]
    yield from _twice("service account with a role", [*(each.name for each in contents.pod_identity), *named])


def _no_names(what: str, form: re.Pattern[str], names: Iterable[str]) -> Iterator[Wrong]:
    for each in names:
        if not form.fullmatch(each):
            yield f"{each!r} is not a name for a {what}.", "Use a name that Kubernetes allows: a-z, 0-9 and -."


def _twice(what: str, names: Iterable[str]) -> Iterator[Wrong]:
    for name, number in Counter(names).items():
        if number > 1:
            yield f"The {what} {name} is listed {number} times.", "Name it once."
