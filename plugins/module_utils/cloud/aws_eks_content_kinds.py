# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is put into an EKS cluster: add-ons, access entries, and Pod Identity associations."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_eks_kind import EksKind, EksStateKind
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_kind import Answer, unless_gone
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.kind import tagged
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.eks_contents import Grant, canonical
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.resource import Observed, Resource


class ContentKind(EksKind):
    """What belongs to one cluster. Others' stay in it."""

    found_by: ClassVar[Collection[str]] = ("cluster",)

    def named(self, client: AwsClient, cluster: str) -> Iterator[str]:
        """The ids of all that the cluster has.

        :raises errors.NotFound: when there is no such cluster.
        """
        raise NotImplementedError

    def observed(self, client: AwsClient, id_: str) -> Observed:
        """One of them.

        :raises errors.NotFound: when it is gone.
        """
        raise NotImplementedError

    def find(self, client: AwsClient, desired: Resource) -> Observed | None:
        return self._if_there(client, f"{desired.made_with['cluster']}/{desired.name}")

    def owned(self, client: AwsClient, tags: Mapping[str, str], name: str) -> list[Observed]:
        """Those of the cluster of this name."""
        try:
            ids = list(self.named(client, name))
        except errors.NotFound:
            return []
        found = [self._if_there(client, each) for each in ids]
        return [each for each in found if each and tagged(each.tags, tags)]

    def _if_there(self, client: AwsClient, id_: str) -> Observed | None:
        try:
            return self.observed(client, id_)
        except errors.NotFound:
            return None


@dataclass(frozen=True)
class Addon(EksStateKind, ContentKind):
    """An add-on. One that somebody else put on does as well: it is left as it is."""

    anybodys: ClassVar[bool] = True
    by_creation: ClassVar[Collection[str]] = ("version", "configuration", "roles")
    #: One whose pods have no place yet is degraded, and recovers; one whose update failed may be updated again.
    failed: ClassVar[Collection[str]] = ("CREATE_FAILED", "DELETE_FAILED")
    settled: ClassVar[Collection[str]] = ("ACTIVE", "DEGRADED", "UPDATE_FAILED")

    def described(self, client: AwsClient, id_: str) -> Answer:
        cluster, _slash, name = id_.partition("/")
        return dict(client.call("eks", "describe_addon", clusterName=cluster, addonName=name)["addon"])

    def named(self, client: AwsClient, cluster: str) -> Iterator[str]:
        return (f"{cluster}/{each}" for each in client.paginate("eks", "list_addons", clusterName=cluster))

    def observed(self, client: AwsClient, id_: str) -> Observed:
        found = self.described(client, id_)
        fields = {
            "active": found["status"] == "ACTIVE",
            "version": found["addonVersion"],
            "configuration": _configured(found.get("configurationValues")),
            "roles": _roles(client, found),
        }
        return Observed(self.name, found["addonName"], id_, fields, dict(found.get("tags") or {}))

    def create(self, client: AwsClient, desired: Resource) -> str:
        cluster = desired.made_with["cluster"]
        client.call(
            "eks",
            "create_addon",
            clusterName=cluster,
            addonName=desired.name,
            # A new cluster has some of them already, of EKS's own making and not as add-ons.
            resolveConflicts="OVERWRITE",
            tags=dict(desired.tags),
            **_settings(desired.fields),
        )
        return f"{cluster}/{desired.name}"

    def update(self, client: AwsClient, desired: Resource, found: Answer, names: Collection[str]) -> bool:
        wanted = _settings({name: value for name, value in desired.fields.items() if name in names})
        there = {**found, "configurationValues": _configured(found.get("configurationValues"))}
        if "roles" in names:
            there |= _settings({"roles": _roles(client, found)})
        if all(there[name] == value for name, value in wanted.items()):
            return False
        client.call(
            "eks",
            "update_addon",
            idempotent=True,
            clusterName=found["clusterName"],
            addonName=desired.name,
            # What somebody set in the cluster, and not in the add-on's configuration, stays.
            resolveConflicts="PRESERVE",
            **_settings(desired.fields),
        )
        return True

    def remove(self, client: AwsClient, id_: str) -> None:
        """EKS cares for it no longer. What runs in the cluster stays: without some of them no pod has a network."""
        cluster, _slash, name = id_.partition("/")
        client.call("eks", "delete_addon", idempotent=True, clusterName=cluster, addonName=name, preserve=True)


@dataclass(frozen=True)
class AccessEntry(ContentKind):
    """A principal that may log in. It has exactly the access policies and groups that are desired."""

    by_creation: ClassVar[Collection[str]] = ("groups",)
    unmarked_fix: ClassVar[str] = "Leave this principal out of praxis_eks.access: its entry then stays as it is."

    def described(self, client: AwsClient, id_: str) -> Answer:
        return dict(client.call("eks", "describe_access_entry", **_entry(id_))["accessEntry"])

    def named(self, client: AwsClient, cluster: str) -> Iterator[str]:
        return (f"{cluster}/{each}" for each in client.paginate("eks", "list_access_entries", clusterName=cluster))

    def observed(self, client: AwsClient, id_: str) -> Observed:
        found = self.described(client, id_)
        groups = sorted(found.get("kubernetesGroups") or ())
        fields = {"policies": sorted(_grants(client, id_), key=str), "groups": groups}
        return Observed(self.name, found["principalArn"], id_, fields, dict(found.get("tags") or {}))

    def create(self, client: AwsClient, desired: Resource) -> str:
        id_ = f"{desired.made_with['cluster']}/{desired.name}"
        client.call(
            "eks",
            "create_access_entry",
            type="STANDARD",
            kubernetesGroups=desired.fields["groups"],
            tags=dict(desired.tags),
            **_entry(id_),
        )
        return id_

    def set(self, client: AwsClient, desired: Resource, id_: str, names: Collection[str]) -> None:
        if "groups" in names:
            groups = desired.fields["groups"]
            client.call("eks", "update_access_entry", idempotent=True, kubernetesGroups=groups, **_entry(id_))
        if "policies" in names:
            self._grant(client, desired, id_)

    def _grant(self, client: AwsClient, desired: Resource, id_: str) -> None:
        """What is too much goes first, a policy that holds in other namespaces too."""
        entry, there, wanted = _entry(id_), _grants(client, id_), desired.fields["policies"]
        policies = f"arn:{desired.name.split(':')[1]}:eks::aws:cluster-access-policy"
        for each in (one for one in there if one not in wanted):
            arn = f"{policies}/{each.policy}"
            unless_gone(client, "eks", "disassociate_access_policy", policyArn=arn, **entry)
        for each in (one for one in wanted if one not in there):
            scope = {"type": "namespace", "namespaces": list(each.namespaces)}
            scope = scope if each.namespaces else {"type": "cluster"}
            arn = f"{policies}/{each.policy}"
            client.call(
                "eks", "associate_access_policy", idempotent=True, policyArn=arn, accessScope=scope, **entry
            )

    def remove(self, client: AwsClient, id_: str) -> None:
        client.call("eks", "delete_access_entry", idempotent=True, **_entry(id_))


@dataclass(frozen=True)
class PodIdentity(ContentKind):
    """The role of the pods of one service account. EKS gives it an id of its own."""

    unmarked_fix: ClassVar[str] = "Leave this service account out of praxis_eks.pod_identity: its role then stays."

    def described(self, client: AwsClient, id_: str) -> Answer:
        answer = client.call("eks", "describe_pod_identity_association", **_association(id_))
        return dict(answer["association"])

    def named(self, client: AwsClient, cluster: str, **only: str) -> Iterator[str]:
        found = client.paginate("eks", "list_pod_identity_associations", clusterName=cluster, **only)
        return (f"{cluster}/{each['associationId']}" for each in found)

    def observed(self, client: AwsClient, id_: str) -> Observed:
        found = self.described(client, id_)
        name = f"{found['namespace']}/{found['serviceAccount']}"
        return Observed(self.name, name, id_, {"role": found["roleArn"]}, dict(found.get("tags") or {}))

    def find(self, client: AwsClient, desired: Resource) -> Observed | None:
        try:
            found = list(self.named(client, desired.made_with["cluster"], **_pods(desired.name)))
        except errors.NotFound:
            return None
        return self._if_there(client, found[0]) if found else None

    def create(self, client: AwsClient, desired: Resource) -> str:
        cluster, role = desired.made_with["cluster"], desired.fields["role"]
        made = client.call(
            "eks",
            "create_pod_identity_association",
            clusterName=cluster,
            roleArn=role,
            tags=dict(desired.tags),
            **_pods(desired.name),
        )
        return f"{cluster}/{made['association']['associationId']}"

    def set_later(self, desired: Resource) -> set[str]:
        return set()

    def set(self, client: AwsClient, desired: Resource, id_: str, names: Collection[str]) -> None:
        role = desired.fields["role"]
        client.call("eks", "update_pod_identity_association", idempotent=True, roleArn=role, **_association(id_))

    def remove(self, client: AwsClient, id_: str) -> None:
        client.call("eks", "delete_pod_identity_association", idempotent=True, **_association(id_))


def _settings(fields: Mapping[str, Any]) -> dict[str, Any]:
    """As EKS takes them."""
    names = {"version": "addonVersion", "configuration": "configurationValues"}
    given = {parameter: fields[name] for name, parameter in names.items() if name in fields}
    if "roles" in fields:
        roles = sorted(fields["roles"].items())
        given["podIdentityAssociations"] = [{"serviceAccount": account, "roleArn": role} for account, role in roles]
    return given


def _roles(client: AwsClient, addon: Answer) -> dict[str, str]:
    """The roles of an add-on's own associations, by service account."""
    found = {}
    for arn in addon.get("podIdentityAssociations") or ():
        with contextlib.suppress(errors.NotFound):
            one = POD_IDENTITY.described(client, f"{addon['clusterName']}/{arn.rpartition('/')[2]}")
            found[str(one["serviceAccount"])] = str(one["roleArn"])
    return found


def _configured(text: Any) -> str:
    """EKS keeps the text that it was given, JSON or YAML."""
    try:
        return canonical(json.loads(text or "{}"))
    except ValueError:
        return str(text)


def _entry(id_: str) -> dict[str, Any]:
    cluster, _slash, principal = id_.partition("/")
    return {"clusterName": cluster, "principalArn": principal}


def _grants(client: AwsClient, id_: str) -> list[Grant]:
    found = client.paginate("eks", "list_associated_access_policies", **_entry(id_))
    return [
        Grant(each["policyArn"].rpartition("/")[2], sorted(each["accessScope"].get("namespaces") or ()))
        for each in found
    ]


def _association(id_: str) -> dict[str, Any]:
    cluster, _slash, association = id_.partition("/")
    return {"clusterName": cluster, "associationId": association}


def _pods(name: str) -> dict[str, Any]:
    namespace, _slash, account = name.partition("/")
    return {"namespace": namespace, "serviceAccount": account}


ACCESS_ENTRY = AccessEntry("access_entry", "access entry")
ADDON = Addon("addon", "add-on")
POD_IDENTITY = PodIdentity("pod_identity", "Pod Identity association")
