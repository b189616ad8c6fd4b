# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Add-ons, access entries and Pod Identity associations of EKS clusters, which moto lacks: an imitation.

They are records of moto's cluster, and go with it. There is no API server: nothing is installed, and nobody logs in.
Each request is held to botocore's model of it. An add-on's state moves on when it is looked at, so that no test depends
on the time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.model import Shape, StructureShape
from botocore.session import get_session
from botocore.validate import ParamValidator
from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import utcnow
from moto.eks import urls
from moto.eks.exceptions import (
    InvalidParameterException,
    InvalidRequestException,
    ResourceInUseException,
    ResourceNotFoundException,
)
from moto.eks.responses import EKSResponse
from moto.moto_api._internal import mock_random

from sandbox.aws.cloud import Cloud

LOOKS = 2
"""How many descriptions show an add-on in passing, before it is what it becomes."""
VERSION = "v1.0.0-eksbuild.1"
"""The one that an add-on has when nobody names another."""
KNOWN_ADDONS = ("vpc-cni", "kube-proxy", "coredns", "metrics-server", "eks-pod-identity-agent", "aws-ebs-csi-driver")
KNOWN_POLICIES = tuple(f"AmazonEKS{each}Policy" for each in ("Admin", "ClusterAdmin", "AdminView", "Edit", "View"))
PATHS = {f"{{0}}/clusters/(?P<name>[^/]+)/{each}{more}$": urls.response.dispatch
         for each in ("addons", "access-entries", "pod-identity-associations") for more in ("", "/(?P<rest>.+)")}
_PRINCIPAL = re.compile(r"arn:aws[\w-]*:iam::(?P<account>\d{12}):(?P<kind>role|user)/(?P<name>\S+)")
Record = dict[str, Any]
_make, _make_nodes = EKSResponse.create_cluster, EKSResponse.create_nodegroup
_tag = EKSResponse.tag_resource


@dataclass
class Contents:
    """What one cluster has.

    :param mode: how callers log in.
    :param moving: by add-on, how many more descriptions show it in passing, and its state then; None: it is gone then.
    """

    mode: str = "CONFIG_MAP"
    addons: dict[str, Record] = field(default_factory=dict)
    entries: dict[str, Record] = field(default_factory=dict)
    policies: dict[str, dict[str, Record]] = field(default_factory=dict)
    associations: dict[str, Record] = field(default_factory=dict)
    moving: dict[str, tuple[int, str | None]] = field(default_factory=dict)


def contents(cluster: Any) -> Contents:
    """Those of a cluster of moto's."""
    found: Contents = vars(cluster).setdefault("contents", Contents())
    return found


def _refused(kind: type[Any], message: str) -> Any:
    return kind(message=message)


def _checked(response: Any) -> Record:
    """The request's parameters, as botocore's model allows them."""
    operation = get_session().get_service_model("eks").operation_model(response._get_action())
    response.parse_parameters(response.normalized_request)
    params, shape = dict(response.params), operation.input_shape
    assert shape, "Each of these operations takes something."
    report = ParamValidator().validate(params, shape)
    wrong = report.generate_report() if report.has_errors() else _unlisted(params, shape)
    if wrong:
        raise _refused(InvalidParameterException, wrong)
    return params


def _unlisted(value: Any, shape: Shape) -> str:
    """What is none of the words that the model lists, which the SDK does not check."""
    if isinstance(shape, StructureShape):
        return "".join(_unlisted(value[name], each) for name, each in shape.members.items() if name in value)
    listed = getattr(shape, "enum", None) or [value]
    return "" if value in listed else f"{value!r} is none of {', '.join(listed)}. "


def _cluster(response: Any, params: Mapping[str, Any]) -> Any:
    return response.eks_backend.describe_cluster(params["clusterName"])


def _arn(response: Any, cluster: Any, what: str) -> str:
    return f"{cluster.arn.rpartition(':')[0]}:{what.replace('CLUSTER', cluster.name, 1)}"


def _held(records: Mapping[str, Record], name: str, what: str) -> Record:
    if name not in records:
        raise _refused(ResourceNotFoundException, f"No {what} found: {name}.")
    return records[name]


def _free(records: Mapping[str, Record], name: str, what: str) -> None:
    if name in records:
        raise _refused(ResourceInUseException, f"The specified {what} {name} is already in use on this cluster.")


def _new(params: Mapping[str, Any], arn: str, arn_name: str, *names: str) -> Record:
    """A record of these parameters."""
    now = utcnow()
    kept = {name: params[name] for name in ("clusterName", *names) if name in params}
    return {**kept, arn_name: arn, "tags": dict(params.get("tags") or {}), "createdAt": now, "modifiedAt": now}


# -- clusters


def create_cluster(response: Any) -> ActionResult:
    """As moto does it; whoever asks is given an entry."""
    answer = _make(response)
    access = response._get_param("accessConfig") or {}
    made = contents(answer.result["cluster"])
    made.mode = access.get("authenticationMode", made.mode)
    if access.get("bootstrapClusterCreatorAdminPermissions", True):
        caller = f"arn:aws:iam::{response.current_account}:user/{response.access_key}"
        _entry(response, answer.result["cluster"], {"principalArn": caller, "type": "STANDARD"})
        made.policies[caller]["AmazonEKSClusterAdminPolicy"] = _policy(caller, "ClusterAdmin", {"type": "cluster"})
    return answer


def create_nodegroup(response: Any) -> ActionResult:
    """As moto does it; its nodes are given an entry."""
    answer = _make_nodes(response)
    cluster = response.eks_backend.describe_cluster(response._get_param("name"))
    role = response._get_param("nodeRole")
    if role not in contents(cluster).entries:
        _entry(response, cluster, {"principalArn": role, "type": "EC2_LINUX"})
    return answer


def tag_resource(response: Any) -> EmptyResult:
    """Of what is here, of node groups, and of what moto tags."""
    arn, tags = response._extract_arn_from_path(), response._get_param("tags")
    for cluster in response.eks_backend.clusters.values():
        made = contents(cluster)
        for each in (*made.addons.values(), *made.entries.values(), *made.associations.values()):
            if arn in each.values():
                each["tags"].update(tags)
                return EmptyResult()
        for group in cluster.nodegroups.values():
            if group.arn == arn:
                group.tags.update(tags)
                return EmptyResult()
    answer: EmptyResult = _tag(response)
    return answer


# -- add-ons


def create_addon(response: Any) -> ActionResult:
    """It is CREATING until it was looked at."""
    params = _checked(response)
    cluster, name = _cluster(response, params), params["addonName"]
    made = contents(cluster)
    _free(made.addons, name, "addon")
    if name not in KNOWN_ADDONS:
        raise _refused(InvalidParameterException, f"Addon {name} specified is not supported.")
    arn = _arn(response, cluster, f"addon/CLUSTER/{name}/{mock_random.uuid4()}")
    names = ("addonName", "addonVersion", "configurationValues", "serviceAccountRoleArn")
    record = {"addonVersion": VERSION, **_new(params, arn, "addonArn", *names), "health": {"issues": []}}
    made.addons[name] = record
    _move(made, record, "CREATING", "ACTIVE")
    return ActionResult({"addon": dict(record)})


def describe_addon(response: Any) -> ActionResult:
    """As it is now."""
    params = _checked(response)
    made = contents(_cluster(response, params))
    record = _held(made.addons, params["addonName"], "addon")
    shown = dict(record)
    looks, becomes = made.moving.pop(record["addonName"], (0, record["status"]))
    if looks > 1:
        made.moving[record["addonName"]] = looks - 1, becomes
    elif becomes is None:
        del made.addons[record["addonName"]]
    else:
        record["status"] = becomes
    return ActionResult({"addon": shown})


def update_addon(response: Any) -> ActionResult:
    """It is UPDATING until it was looked at."""
    params = _checked(response)
    made = contents(_cluster(response, params))
    record = _held(made.addons, params["addonName"], "addon")
    if record["status"] in ("CREATING", "UPDATING", "DELETING"):
        raise _refused(ResourceInUseException, f"Addon {params['addonName']} is {record['status']}.")
    record |= {name: params[name] for name in ("addonVersion", "configurationValues") if name in params}
    _move(made, record, "UPDATING", "ACTIVE")
    update = {"id": str(mock_random.uuid4()), "status": "InProgress", "type": "AddonUpdate", "createdAt": utcnow()}
    return ActionResult({"update": update})


def delete_addon(response: Any) -> ActionResult:
    """It is DELETING until it was looked at."""
    params = _checked(response)
    made = contents(_cluster(response, params))
    record = _held(made.addons, params["addonName"], "addon")
    if record["status"] != "DELETING":
        _move(made, record, "DELETING", None)
    return ActionResult({"addon": dict(record)})


def list_addons(response: Any) -> ActionResult:
    """Their names."""
    return ActionResult({"addons": sorted(contents(_cluster(response, _checked(response))).addons)})


def _move(made: Contents, record: Record, through: str, becomes: str | None) -> None:
    record["status"] = through
    made.moving[record["addonName"]] = LOOKS, becomes


# -- access entries


def create_access_entry(response: Any) -> ActionResult:
    """Refused where a ConfigMap says who may log in, and for what is no principal of IAM's."""
    params = _checked(response)
    cluster, principal = _cluster(response, params), params["principalArn"]
    if contents(cluster).mode == "CONFIG_MAP":
        what = "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP]."
        raise _refused(InvalidRequestException, what)
    if not _PRINCIPAL.fullmatch(principal):
        raise _refused(InvalidParameterException, "The specified principalArn is invalid: invalid principal.")
    _free(contents(cluster).entries, principal, "access entry resource")
    return ActionResult({"accessEntry": _entry(response, cluster, {"type": "STANDARD", **params})})


def _entry(response: Any, cluster: Any, params: Mapping[str, Any]) -> Record:
    principal = params["principalArn"]
    named = _PRINCIPAL.fullmatch(principal)
    path = f"{named['kind']}/{named['account']}/{named['name']}" if named else "user/0/unknown"
    arn = _arn(response, cluster, f"access-entry/CLUSTER/{path}/{mock_random.uuid4()}")
    record = _new({"clusterName": cluster.name, **params}, arn, "accessEntryArn", "principalArn", "type")
    record |= {"username": principal, "kubernetesGroups": list(params.get("kubernetesGroups") or ())}
    contents(cluster).entries[principal] = record
    contents(cluster).policies[principal] = {}
    return record


def describe_access_entry(response: Any) -> ActionResult:
    """One."""
    params = _checked(response)
    entries = contents(_cluster(response, params)).entries
    return ActionResult({"accessEntry": dict(_held(entries, params["principalArn"], "access entry"))})


def list_access_entries(response: Any) -> ActionResult:
    """Their principals."""
    return ActionResult({"accessEntries": sorted(contents(_cluster(response, _checked(response))).entries)})


def delete_access_entry(response: Any) -> EmptyResult:
    """With its policies."""
    params = _checked(response)
    made = contents(_cluster(response, params))
    _held(made.entries, params["principalArn"], "access entry")
    del made.entries[params["principalArn"]], made.policies[params["principalArn"]]
    return EmptyResult()


def associate_access_policy(response: Any) -> ActionResult:
    """Those of EKS's that are known here, for whom is no node."""
    params = _checked(response)
    made, principal = contents(_cluster(response, params)), params["principalArn"]
    entry, scope = _held(made.entries, principal, "access entry"), params["accessScope"]
    name = params["policyArn"].rpartition(":cluster-access-policy/")[2]
    if name not in KNOWN_POLICIES:
        raise _refused(InvalidParameterException, f"The policyArn parameter format is not valid: {params['policyArn']}")
    if (scope.get("type") == "namespace") != bool(scope.get("namespaces")):
        raise _refused(InvalidParameterException, "The scope and its namespaces do not agree.")
    if entry["type"] != "STANDARD":
        raise _refused(InvalidRequestException, f"An entry of the type {entry['type']} takes no access policy.")
    made.policies[principal][name] = _policy(principal, name.removeprefix("AmazonEKS").removesuffix("Policy"), scope)
    return ActionResult({"clusterName": params["clusterName"], "principalArn": principal,
                         "associatedAccessPolicy": made.policies[principal][name]})


def _policy(principal: str, name: str, scope: Mapping[str, Any]) -> Record:
    arn = f"arn:{principal.split(':')[1]}:eks::aws:cluster-access-policy/AmazonEKS{name}Policy"
    return {"policyArn": arn, "accessScope": {"namespaces": [], **scope}, "associatedAt": utcnow()}


def disassociate_access_policy(response: Any) -> EmptyResult:
    """One of an entry's."""
    params = _checked(response)
    made, name = contents(_cluster(response, params)), params["policyArn"].rpartition("/")[2]
    _held(made.entries, params["principalArn"], "access entry")
    _held(made.policies[params["principalArn"]], name, "associated access policy")
    del made.policies[params["principalArn"]][name]
    return EmptyResult()


def list_associated_access_policies(response: Any) -> ActionResult:
    """Those of an entry."""
    params = _checked(response)
    made, principal = contents(_cluster(response, params)), params["principalArn"]
    _held(made.entries, principal, "access entry")
    return ActionResult({"clusterName": params["clusterName"], "principalArn": principal,
                         "associatedAccessPolicies": list(made.policies[principal].values())})


# -- Pod Identity


def create_pod_identity_association(response: Any) -> ActionResult:
    """One for each service account."""
    params = _checked(response)
    cluster = _cluster(response, params)
    made = contents(cluster)
    names = {f"{each['namespace']}/{each['serviceAccount']}": each for each in made.associations.values()}
    _free(names, f"{params['namespace']}/{params['serviceAccount']}", "association for the service account")
    ident = f"a-{mock_random.get_random_string(17).lower()}"
    arn = _arn(response, cluster, f"podidentityassociation/CLUSTER/{ident}")
    record = _new(params, arn, "associationArn", "namespace", "serviceAccount", "roleArn") | {"associationId": ident}
    made.associations[ident] = record
    return ActionResult({"association": record})


def describe_pod_identity_association(response: Any) -> ActionResult:
    """One."""
    params = _checked(response)
    return ActionResult({"association": _association(response, params)})


def update_pod_identity_association(response: Any) -> ActionResult:
    """Its role."""
    params = _checked(response)
    record = _association(response, params)
    record |= {"roleArn": params.get("roleArn", record["roleArn"])}
    return ActionResult({"association": record})


def delete_pod_identity_association(response: Any) -> ActionResult:
    """One."""
    params = _checked(response)
    record = _association(response, params)
    del contents(_cluster(response, params)).associations[record["associationId"]]
    return ActionResult({"association": record})


def list_pod_identity_associations(response: Any) -> ActionResult:
    """Those of a namespace, of a service account, or all."""
    params = _checked(response)
    wanted = {name: params[name] for name in ("namespace", "serviceAccount") if name in params}
    shown = ("clusterName", "namespace", "serviceAccount", "associationArn", "associationId")
    found = [{name: each[name] for name in shown} for each in contents(_cluster(response, params)).associations.values()
             if wanted.items() <= each.items()]
    return ActionResult({"associations": found})


def _association(response: Any, params: Mapping[str, Any]) -> Record:
    return _held(contents(_cluster(response, params)).associations, params["associationId"], "association")


OPERATIONS: dict[str, Callable[[Any], Any]] = {
    each.__name__: each
    for each in (
        create_cluster, create_nodegroup, tag_resource,
        create_addon, describe_addon, update_addon, delete_addon, list_addons,
        create_access_entry, describe_access_entry, list_access_entries, delete_access_entry,
        associate_access_policy, disassociate_access_policy, list_associated_access_policies,
        create_pod_identity_association, describe_pod_identity_association, update_pod_identity_association,
        delete_pod_identity_association, list_pod_identity_associations,
    )
}  # fmt: skip
"""What is answered here and not by moto."""


def install(_cloud: Cloud) -> None:
    """Answer for what clusters have in them."""
    for name, operation in OPERATIONS.items():
        setattr(EKSResponse, name, operation)
    urls.url_paths.update(PATHS)
