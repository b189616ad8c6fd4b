# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may log in to a cluster of EKS, and the roles of its pods: an imitation. Nobody is let in by it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import utcnow
from moto.eks.exceptions import InvalidParameterException, InvalidRequestException
from moto.moto_api._internal import mock_random

from sandbox.aws.eks_records import Record, arn_of, checked, cluster_of, contents, free, held, new, refused

KNOWN_POLICIES = tuple(f"AmazonEKS{each}Policy" for each in ("Admin", "ClusterAdmin", "AdminView", "Edit", "View"))
_PRINCIPAL = re.compile(r"arn:aws[\w-]*:iam::(?P<account>\d{12}):(?P<kind>role|user)/(?P<name>\S+)")


def create_access_entry(response: Any) -> ActionResult:
    """Refused where a ConfigMap says who may log in, and for what is no principal of IAM's."""
    params = checked(response)
    cluster, principal = cluster_of(response, params), params["principalArn"]
    if contents(cluster).mode == "CONFIG_MAP":
        what = "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP]."
        raise refused(InvalidRequestException, what)
    if not _PRINCIPAL.fullmatch(principal):
        raise refused(InvalidParameterException, "The specified principalArn is invalid: invalid principal.")
    _check_groups(params)
    free(contents(cluster).entries, principal, "access entry resource")
    return ActionResult({"accessEntry": entry(cluster, {"type": "STANDARD", **params})})


def update_access_entry(response: Any) -> ActionResult:
    """Its groups."""
    params = checked(response)
    record = held(contents(cluster_of(response, params)).entries, params["principalArn"], "access entry")
    _check_groups(params)
    record |= {"kubernetesGroups": params.get("kubernetesGroups", record["kubernetesGroups"])}
    return ActionResult({"accessEntry": dict(record)})


def _check_groups(params: Mapping[str, Any]) -> None:
    """EKS gives nobody a group of Kubernetes' own."""
    for group in params.get("kubernetesGroups") or ():
        if group.startswith("system:"):
            what = f"The kubernetes group name {group} is invalid, it cannot start with system:"
            raise refused(InvalidParameterException, what)


def entry(cluster: Any, params: Mapping[str, Any]) -> Record:
    """A new one."""
    principal = params["principalArn"]
    named = _PRINCIPAL.fullmatch(principal)
    assert named, principal
    path = (named["kind"], named["account"], named["name"])
    arn = arn_of(cluster, "access-entry", *path, str(mock_random.uuid4()))
    record = new({"clusterName": cluster.name, **params}, arn, "accessEntryArn", "principalArn", "type")
    record |= {"username": principal, "kubernetesGroups": list(params.get("kubernetesGroups") or ())}
    contents(cluster).entries[principal] = record
    contents(cluster).policies[principal] = {}
    return record


def describe_access_entry(response: Any) -> ActionResult:
    """One."""
    params = checked(response)
    entries = contents(cluster_of(response, params)).entries
    return ActionResult({"accessEntry": dict(held(entries, params["principalArn"], "access entry"))})


def list_access_entries(response: Any) -> ActionResult:
    """Their principals."""
    return ActionResult({"accessEntries": sorted(contents(cluster_of(response, checked(response))).entries)})


def delete_access_entry(response: Any) -> EmptyResult:
    """With its policies."""
    params = checked(response)
    made = contents(cluster_of(response, params))
    held(made.entries, params["principalArn"], "access entry")
    del made.entries[params["principalArn"]], made.policies[params["principalArn"]]
    return EmptyResult()


def associate_access_policy(response: Any) -> ActionResult:
    """Those of EKS's that are known here, for whom is no node."""
    params = checked(response)
    made, principal = contents(cluster_of(response, params)), params["principalArn"]
    found, scope = held(made.entries, principal, "access entry"), params["accessScope"]
    name = params["policyArn"].rpartition(":cluster-access-policy/")[2]
    if name not in KNOWN_POLICIES:
        raise refused(InvalidParameterException, f"The policyArn parameter format is not valid: {params['policyArn']}")
    if (scope.get("type") == "namespace") != bool(scope.get("namespaces")):
        raise refused(InvalidParameterException, "The scope and its namespaces do not agree.")
    if found["type"] != "STANDARD":
        raise refused(InvalidRequestException, f"An entry of the type {found['type']} takes no access policy.")
    made.policies[principal][name] = policy(principal, name.removeprefix("AmazonEKS").removesuffix("Policy"), scope)
    return ActionResult({"clusterName": params["clusterName"], "principalArn": principal,
                         "associatedAccessPolicy": made.policies[principal][name]})


def policy(principal: str, name: str, scope: Mapping[str, Any]) -> Record:
    """An access policy of EKS's, as it is associated."""
    arn = f"arn:{principal.split(':')[1]}:eks::aws:cluster-access-policy/AmazonEKS{name}Policy"
    return {"policyArn": arn, "accessScope": {"namespaces": [], **scope}, "associatedAt": utcnow()}


def disassociate_access_policy(response: Any) -> EmptyResult:
    """One of an entry's."""
    params = checked(response)
    made, name = contents(cluster_of(response, params)), params["policyArn"].rpartition("/")[2]
    held(made.entries, params["principalArn"], "access entry")
    held(made.policies[params["principalArn"]], name, "associated access policy")
    del made.policies[params["principalArn"]][name]
    return EmptyResult()


def list_associated_access_policies(response: Any) -> ActionResult:
    """Those of an entry."""
    params = checked(response)
    made, principal = contents(cluster_of(response, params)), params["principalArn"]
    held(made.entries, principal, "access entry")
    return ActionResult({"clusterName": params["clusterName"], "principalArn": principal,
                         "associatedAccessPolicies": list(made.policies[principal].values())})


def create_pod_identity_association(response: Any) -> ActionResult:
    """One for each service account."""
    params = checked(response)
    return ActionResult({"association": association(cluster_of(response, params), params)})


def association(cluster: Any, params: Mapping[str, Any]) -> Record:
    """A new one."""
    made = contents(cluster)
    names = {f"{each['namespace']}/{each['serviceAccount']}": each for each in made.associations.values()}
    free(names, f"{params['namespace']}/{params['serviceAccount']}", "association for the service account")
    ident = f"a-{mock_random.get_random_string(17).lower()}"
    arn = arn_of(cluster, "podidentityassociation", ident)
    record = new(params, arn, "associationArn", "namespace", "serviceAccount", "roleArn", "ownerArn")
    made.associations[ident] = record | {"associationId": ident}
    return made.associations[ident]


def describe_pod_identity_association(response: Any) -> ActionResult:
    """One."""
    params = checked(response)
    return ActionResult({"association": _association(response, params)})


def update_pod_identity_association(response: Any) -> ActionResult:
    """Its role."""
    params = checked(response)
    record = _association(response, params)
    record |= {"roleArn": params.get("roleArn", record["roleArn"])}
    return ActionResult({"association": record})


def delete_pod_identity_association(response: Any) -> ActionResult:
    """One."""
    params = checked(response)
    record = _association(response, params)
    del contents(cluster_of(response, params)).associations[record["associationId"]]
    return ActionResult({"association": record})


def list_pod_identity_associations(response: Any) -> ActionResult:
    """Those of a namespace, of a service account, or all."""
    params = checked(response)
    wanted = {name: params[name] for name in ("namespace", "serviceAccount") if name in params}
    shown = ("clusterName", "namespace", "serviceAccount", "associationArn", "associationId")
    there = contents(cluster_of(response, params)).associations.values()
    found = [{name: each[name] for name in shown} for each in there if wanted.items() <= each.items()]
    return ActionResult({"associations": found})


def _association(response: Any, params: Mapping[str, Any]) -> Record:
    return held(contents(cluster_of(response, params)).associations, params["associationId"], "association")
