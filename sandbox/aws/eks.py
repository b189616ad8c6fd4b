# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Add-ons, access entries and Pod Identity associations of EKS clusters, which moto lacks: an imitation.

There is no API server: nothing is installed, and nobody logs in. Each request is held to botocore's model of it. An
add-on's state moves on when it is looked at, so that no test depends on the time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import utcnow
from moto.eks import urls
from moto.eks.exceptions import InvalidParameterException, ResourceInUseException
from moto.eks.responses import EKSResponse
from moto.moto_api._internal import mock_random

from sandbox.aws import eks_access
from sandbox.aws.cloud import Cloud
from sandbox.aws.eks_records import Contents, Record, arn_of, checked, cluster_of, contents, free, held, new, refused

LOOKS = 2
"""How many descriptions show an add-on in passing, before it is what it becomes."""
VERSION = "v1.0.0-eksbuild.1"
"""The one that an add-on has when nobody names another."""
KNOWN_ADDONS = ("vpc-cni", "kube-proxy", "coredns", "metrics-server", "eks-pod-identity-agent", "aws-ebs-csi-driver")
PATHS = {f"{{0}}/clusters/(?P<name>[^/]+)/{each}{more}$": urls.response.dispatch
         for each in ("addons", "access-entries", "pod-identity-associations") for more in ("", "/(?P<rest>.+)")}
_make, _make_nodes = EKSResponse.create_cluster, EKSResponse.create_nodegroup
_tag = EKSResponse.tag_resource


def create_cluster(response: Any) -> ActionResult:
    """As moto does it; whoever asks is given an entry."""
    answer = _make(response)
    access = response._get_param("accessConfig") or {}
    made = contents(answer.result["cluster"])
    made.mode = access.get("authenticationMode", made.mode)
    if access.get("bootstrapClusterCreatorAdminPermissions", True):
        caller, everything = f"arn:aws:iam::{response.current_account}:user/{response.access_key}", "ClusterAdmin"
        eks_access.entry(answer.result["cluster"], {"principalArn": caller, "type": "STANDARD"})
        policy = eks_access.policy(caller, everything, {"type": "cluster"})
        made.policies[caller] = {f"AmazonEKS{everything}Policy": policy}
    return answer


def create_nodegroup(response: Any) -> ActionResult:
    """As moto does it; its nodes are given an entry."""
    answer = _make_nodes(response)
    cluster = response.eks_backend.describe_cluster(response._get_param("name"))
    role = response._get_param("nodeRole")
    if role not in contents(cluster).entries:
        eks_access.entry(cluster, {"principalArn": role, "type": "EC2_LINUX"})
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


def create_addon(response: Any) -> ActionResult:
    """It is CREATING until it was looked at."""
    params = checked(response)
    cluster, name = cluster_of(response, params), params["addonName"]
    made = contents(cluster)
    free(made.addons, name, "addon")
    if name not in KNOWN_ADDONS:
        raise refused(InvalidParameterException, f"Addon {name} specified is not supported.")
    arn = arn_of(cluster, "addon", name, str(mock_random.uuid4()))
    names = ("addonName", "addonVersion", "configurationValues", "serviceAccountRoleArn")
    record = {"addonVersion": VERSION, **new(params, arn, "addonArn", *names), "health": {"issues": []}}
    made.addons[name] = record
    _associate(cluster, record, params)
    _move(made, record, "CREATING", "ACTIVE")
    return ActionResult({"addon": dict(record)})


def describe_addon(response: Any) -> ActionResult:
    """As it is now."""
    params = checked(response)
    made = contents(cluster_of(response, params))
    record = held(made.addons, params["addonName"], "addon")
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
    params = checked(response)
    cluster = cluster_of(response, params)
    made = contents(cluster)
    record = held(made.addons, params["addonName"], "addon")
    if record["status"] in ("CREATING", "UPDATING", "DELETING"):
        raise refused(ResourceInUseException, f"Addon {params['addonName']} is {record['status']}.")
    record |= {name: params[name] for name in ("addonVersion", "configurationValues") if name in params}
    _associate(cluster, record, params)
    _move(made, record, "UPDATING", "ACTIVE")
    update = {"id": str(mock_random.uuid4()), "status": "InProgress", "type": "AddonUpdate", "createdAt": utcnow()}
    return ActionResult({"update": update})


def _associate(cluster: Any, addon: Record, params: Mapping[str, Any]) -> None:
    """Those associations take the place of all that the add-on has; where none are given, they stay."""
    if "podIdentityAssociations" not in params:
        return
    there, arn = contents(cluster).associations, addon["addonArn"]
    for ident in [ident for ident, each in there.items() if each.get("ownerArn") == arn]:
        del there[ident]
    owned = {"clusterName": cluster.name, "namespace": "kube-system", "ownerArn": arn}
    made = [eks_access.association(cluster, {**owned, **each}) for each in params["podIdentityAssociations"]]
    addon.pop("podIdentityAssociations", None)
    if made:
        addon["podIdentityAssociations"] = [each["associationArn"] for each in made]


def delete_addon(response: Any) -> ActionResult:
    """It is DELETING until it was looked at."""
    params = checked(response)
    made = contents(cluster_of(response, params))
    record = held(made.addons, params["addonName"], "addon")
    if record["status"] != "DELETING":
        _move(made, record, "DELETING", None)
    return ActionResult({"addon": dict(record)})


def list_addons(response: Any) -> ActionResult:
    """Their names."""
    return ActionResult({"addons": sorted(contents(cluster_of(response, checked(response))).addons)})


def _move(made: Contents, record: Record, through: str, becomes: str | None) -> None:
    record["status"] = through
    made.moving[record["addonName"]] = LOOKS, becomes


_ACCESS = (
    *(f"{verb}_access_entry" for verb in ("create", "describe", "update", "delete")), "list_access_entries",
    "associate_access_policy", "disassociate_access_policy", "list_associated_access_policies",
    *(f"{verb}_pod_identity_association" for verb in ("create", "describe", "update", "delete")),
    "list_pod_identity_associations",
)  # fmt: skip
OPERATIONS: dict[str, Callable[[Any], Any]] = {
    **{each.__name__: each for each in (create_cluster, create_nodegroup, tag_resource, create_addon, describe_addon,
                                        update_addon, delete_addon, list_addons)},
    **{name: getattr(eks_access, name) for name in _ACCESS},
}  # fmt: skip
"""What is answered here and not by moto."""


def install(_cloud: Cloud) -> None:
    """Answer for what clusters have in them."""
    for name, operation in OPERATIONS.items():
        setattr(EKSResponse, name, operation)
    urls.url_paths.update(PATHS)
