# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What EC2's operations need: what is made with its tags in the request, what exists with the tags that it has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from moto.ec2.models import ec2_backends
from moto.iam.models import iam_backends

from sandbox.aws.need import Need, borne, once, requested, words
from sandbox.site import ACCOUNT

KINDS = {"i": "instance", "sg": "security-group", "subnet": "subnet", "vpc": "vpc", "vol": "volume", "snap": "snapshot",
         "igw": "internet-gateway", "rtb": "route-table", "eni": "network-interface", "ami": "image",
         "eipalloc": "elastic-ip", "key": "key-pair"}
#: What an operation makes.
MADE = {
    "CreateVpc": "vpc", "CreateSubnet": "subnet", "CreateInternetGateway": "internet-gateway",
    "CreateRouteTable": "route-table", "CreateSecurityGroup": "security-group", "CreateVolume": "volume",
    "CreateSnapshot": "snapshot", "ImportKeyPair": "key-pair", "RunInstances": "instance",
}
#: Where an operation names what exists. A gateway's id in a route is not asked for.
NAMED = ("InstanceId", "InstanceIds", "GroupId", "Groups", "SubnetId", "VpcId", "VolumeId", "SnapshotId",
         "RouteTableId", "InternetGatewayId", "NetworkInterfaceId", "Resources", "AllocationId", "ImageId",
         "SecurityGroupIds")
#: What a machine's disk and its network interface are made with.
BESIDE = ("network-interface", "volume")
MACHINES = "ec2.amazonaws.com"
_GIVES = ("RunInstances", "AssociateIamInstanceProfile", "ReplaceIamInstanceProfileAssociation")


def needs(response: Any, operation: str) -> list[Need]:
    """Everything that an operation needs."""
    if operation.startswith(("Describe", "Get")):
        return [Need(f"ec2:{operation}", "*")]
    found = [*_made(response, operation), *_existing(response, operation), *_passes(response, operation)]
    return once(found) or [Need(f"ec2:{operation}", "*")]


def _made(response: Any, operation: str) -> Iterator[Need]:
    """What is made, and the tags that it is given."""
    if operation not in MADE:
        return
    given = {each["ResourceType"]: each.get("Tags") for each in response._get_param("TagSpecifications") or ()}
    kinds = (MADE[operation], *(BESIDE if operation == "RunInstances" else ()))
    for kind in kinds:
        yield Need(f"ec2:{operation}", _new(response, kind), requested(given.get(kind)))
    for kind, tags in given.items():
        context = {**requested(tags), "ec2:CreateAction": operation}
        yield Need("ec2:CreateTags", _new(response, kind), context)


def _new(response: Any, kind: str) -> str:
    """Its id is made with it; a key pair and nothing else is known by its name."""
    return _arn(response, kind, response._get_param("KeyName") if kind == "key-pair" else "*")


def _existing(response: Any, operation: str) -> Iterator[Need]:
    interfaces = response._get_param("NetworkInterfaces") or []
    ids = [ident for each in interfaces for ident in [each.get("SubnetId"), *each.get("Groups", [])] if ident]
    ids += [*words(response, *NAMED), *_associated(response, operation)]
    given = requested(response._get_param("Tags")) if operation == "CreateTags" else {}
    for ident in ids:
        kind = KINDS.get(ident.partition("-")[0], "*")
        pair = _key_pair(response, ident) if kind == "key-pair" else None
        tags = _backend(response).tags.get(ident, {})
        arn = _arn(response, kind, pair.key_name if pair else ident)
        yield Need(f"ec2:{operation}", arn, {**borne(tags), **given})
    name = response._get_param("KeyName")
    if name and operation not in ("ImportKeyPair", "CreateKeyPair"):
        pair = _backend(response).key_pairs.get(name)
        tags = _backend(response).tags.get(pair.id, {}) if pair else {}
        yield Need(f"ec2:{operation}", _arn(response, "key-pair", name), borne(tags))
    elif ident := response._get_param("KeyPairId"):
        pair = _key_pair(response, ident)
        named = pair.key_name if pair else ident
        yield Need(f"ec2:{operation}", _arn(response, "key-pair", named), borne(_backend(response).tags.get(ident, {})))


def _associated(response: Any, operation: str) -> Iterator[str]:
    """What an association joins: a route table with its subnet, or a machine with its profile. The table that a subnet
    leaves for another is taken to be none of the resources: the reference lists one table, and the request names it."""
    ident = response._get_param("AssociationId")
    if not ident:
        return
    for table in _backend(response).route_tables.values():
        if ident in table._associations:
            yield from () if operation.startswith("Replace") else (table.id,)
            yield table._associations[ident]
    for machine, joined in _backend(response).iam_instance_profile_associations.items():
        if joined.association_id == ident:
            yield machine


def _passes(response: Any, operation: str) -> Iterator[Need]:
    """Giving an instance a role needs iam:PassRole on the role."""
    profile = response._get_param("IamInstanceProfile") or {}
    name = profile.get("Name") or str(profile.get("Arn", "")).rpartition("/")[2]
    if operation not in _GIVES:
        return
    for known in iam_backends[ACCOUNT]["aws"].get_instance_profiles():
        if known.name == name:
            yield from (Need("iam:PassRole", role.arn, {"iam:PassedToService": MACHINES}) for role in known.roles)


def _backend(response: Any) -> Any:
    return ec2_backends[ACCOUNT][response.region]


def _key_pair(response: Any, ident: str) -> Any:
    return next((each for each in _backend(response).key_pairs.values() if each.id == ident), None)


def _arn(response: Any, kind: str, ident: str) -> str:
    """Images and snapshots belong to nobody."""
    owner = "" if kind in ("image", "snapshot") else ACCOUNT
    return f"arn:aws:ec2:{response.region}:{owner}:{kind}/{ident}"
