# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An EKS cluster, its managed node group, and the roles of both. What is put into it is in aws_eks_content_kinds.py."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_access_kinds import (
    NamedKind,
    Role,
    role_arn,
)
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_eks_kind import EksStateKind
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_kind import Answer
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.kind import tagged
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.aws_cluster import role_names
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.resource import Observed, Resource


@dataclass(frozen=True)
class ClusterRole(Role):
    """A role with policies of AWS's own. Others that somebody attaches stay."""

    def find(self, client: AwsClient, desired: Resource) -> Observed | None:
        found = super().find(client, desired)
        if not found:
            return None
        there = _attached(client, desired.name)
        policies = [each for each in desired.fields.get("policies", ()) if each in there]
        return Observed(self.name, found.name, found.id, {**found.fields, "policies": policies}, found.tags)

    def owned(self, client: AwsClient, tags: Mapping[str, str], name: str) -> list[Observed]:
        """Those of the cluster and of its nodes.

        :param name: what both begin with.
        """
        there = (self.find(client, Resource(self.name, each)) for each in role_names(name))
        return [each for each in there if each and tagged(each.tags, tags)]

    def set(self, client: AwsClient, desired: Resource, id_: str, names: Collection[str]) -> None:
        super().set(client, desired, id_, names)
        if "policies" not in names:
            return
        partition = role_arn(client, id_).split(":")[1]
        there = _attached(client, id_)
        for each in (one for one in desired.fields["policies"] if one not in there):
            arn = f"arn:{partition}:iam::aws:policy/{each}"
            client.call("iam", "attach_role_policy", idempotent=True, RoleName=id_, PolicyArn=arn)


@dataclass(frozen=True)
class EksCluster(EksStateKind, NamedKind):
    """A control plane. Its version and how callers log in are set at creation."""

    by_creation: ClassVar[Collection[str]] = ("public_from", "private", "logging")

    def described(self, client: AwsClient, id_: str) -> Answer:
        return dict(client.call("eks", "describe_cluster", name=id_)["cluster"])

    def find(self, client: AwsClient, desired: Resource) -> Observed | None:
        try:
            found = self.described(client, desired.name)
        except errors.NotFound:
            return None
        fields = {"active": found["status"] == "ACTIVE", **_endpoint(found), "logging": _logged(found)}
        return Observed(self.name, desired.name, desired.name, fields, dict(found.get("tags") or {}))

    def create(self, client: AwsClient, desired: Resource) -> str:
        made_with, fields = desired.made_with, desired.fields
        vpc = {"subnetIds": list(made_with["subnets"]), **_endpoint_settings(fields)}
        try:
            client.call(
                "eks",
                "create_cluster",
                name=desired.name,
                roleArn=role_arn(client, made_with["role"]),
                resourcesVpcConfig=vpc,
                # Who creates it gets an access entry, and no ConfigMap in the cluster says who else may log in.
                accessConfig={"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": True},
                logging=_logging_settings(fields["logging"], enabled=True),
                tags=dict(desired.tags),
                **({"version": made_with["version"]} if made_with["version"] else {}),
            )
        except errors.Invalid as error:
            raise _unless_young_role(error) from None
        return desired.name

    def update(self, client: AwsClient, desired: Resource, found: Answer, names: Collection[str]) -> bool:
        fields, there = desired.fields, _endpoint(found)
        # One call changes the endpoint or the logging, and not both.
        if any(each in names and there[each] != fields[each] for each in there):
            settings: dict[str, Any] = {"resourcesVpcConfig": _endpoint_settings(fields)}
        elif "logging" in names and _logged(found) != fields["logging"]:
            types = [*fields["logging"]]
            logging = _logging_settings(types, enabled=True)["clusterLogging"]
            off = [each for each in _logged(found) if each not in types]
            logging += _logging_settings(off, enabled=False)["clusterLogging"]
            settings = {"logging": {"clusterLogging": logging}}
        else:
            return False
        client.call("eks", "update_cluster_config", idempotent=True, **{"name": desired.name, **settings})
        return True

    def remove(self, client: AwsClient, id_: str) -> None:
        client.call("eks", "delete_cluster", idempotent=True, name=id_)


@dataclass(frozen=True)
class NodeGroup(EksStateKind):
    """A managed node group; its id is CLUSTER/NAME. How many nodes there are is its own affair between the limits."""

    found_by: ClassVar[Collection[str]] = ("cluster",)
    by_creation: ClassVar[Collection[str]] = ("min", "max")

    def described(self, client: AwsClient, id_: str) -> Answer:
        cluster, _slash, name = id_.rpartition("/")
        answer = client.call("eks", "describe_nodegroup", clusterName=cluster, nodegroupName=name)
        return dict(answer["nodegroup"])

    def find(self, client: AwsClient, desired: Resource) -> Observed | None:
        id_ = f"{desired.made_with['cluster']}/{desired.name}"
        try:
            found = self.described(client, id_)
        except errors.NotFound:
            return None
        scaling = found["scalingConfig"]
        fields = {"active": found["status"] == "ACTIVE", "min": scaling["minSize"], "max": scaling["maxSize"]}
        return Observed(self.name, desired.name, id_, fields, dict(found.get("tags") or {}))

    def owned(self, client: AwsClient, tags: Mapping[str, str], name: str) -> list[Observed]:
        """The node group of the cluster's name."""
        found = self.find(client, Resource(self.name, name, made_with={"cluster": name}))
        return [found] if found and tagged(found.tags, tags) else []

    def create(self, client: AwsClient, desired: Resource) -> str:
        made_with, fields = desired.made_with, desired.fields
        try:
            client.call(
                "eks",
                "create_nodegroup",
                clusterName=made_with["cluster"],
                nodegroupName=desired.name,
                nodeRole=role_arn(client, made_with["role"]),
                subnets=list(made_with["subnets"]),
                instanceTypes=[made_with["instance_type"]],
                scalingConfig={"minSize": fields["min"], "maxSize": fields["max"], "desiredSize": made_with["desired"]},
                tags=dict(desired.tags),
            )
        except errors.Invalid as error:
            raise _unless_young_role(error) from None
        return f"{made_with['cluster']}/{desired.name}"

    def update(self, client: AwsClient, desired: Resource, found: Answer, names: Collection[str]) -> bool:
        least, most, there = desired.fields["min"], desired.fields["max"], found["scalingConfig"]
        if not {"min", "max"} & set(names) or (there["minSize"], there["maxSize"]) == (least, most):
            return False
        # EKS refuses limits that the number of nodes is not between.
        sized = min(max(there["desiredSize"], least), most)
        number = {"desiredSize": sized} if sized != there["desiredSize"] else {}
        client.call(
            "eks",
            "update_nodegroup_config",
            idempotent=True,
            clusterName=found["clusterName"],
            nodegroupName=desired.name,
            scalingConfig={"minSize": least, "maxSize": most, **number},
        )
        return True

    def remove(self, client: AwsClient, id_: str) -> None:
        cluster, _slash, name = id_.rpartition("/")
        client.call("eks", "delete_nodegroup", idempotent=True, clusterName=cluster, nodegroupName=name)


def _attached(client: AwsClient, role: str) -> set[str]:
    found = client.paginate("iam", "list_attached_role_policies", RoleName=role)
    return {str(each["PolicyName"]) for each in found}


def _endpoint(found: Answer) -> dict[str, Any]:
    there = found.get("resourcesVpcConfig") or {}
    public = there.get("publicAccessCidrs") or [] if there.get("endpointPublicAccess") else []
    return {"public_from": sorted(public), "private": bool(there.get("endpointPrivateAccess"))}


def _endpoint_settings(fields: Mapping[str, Any]) -> dict[str, Any]:
    networks = list(fields["public_from"])
    limited = {"publicAccessCidrs": networks} if networks else {}
    return {"endpointPublicAccess": bool(networks), "endpointPrivateAccess": fields["private"], **limited}


def _logged(found: Answer) -> list[str]:
    groups = (found.get("logging") or {}).get("clusterLogging") or ()
    return sorted(name for each in groups if each.get("enabled") for name in each["types"])


def _logging_settings(types: Collection[str], *, enabled: bool) -> dict[str, Any]:
    return {"clusterLogging": [{"types": list(types), "enabled": enabled}] if types else []}


def _unless_young_role(error: errors.Invalid) -> errors.Conflict | errors.Invalid:
    """EKS does not see a role for some seconds after IAM has made it."""
    if "role" not in error.finding.what.lower():
        return error
    return errors.Conflict(error.finding.what, error.finding.where, error.finding.fix, reason=error.reason)


CLUSTER_ROLE = ClusterRole("cluster_role", "cluster role")
EKS_CLUSTER = EksCluster("eks_cluster", "EKS cluster")
NODE_GROUP = NodeGroup("node_group", "node group")
