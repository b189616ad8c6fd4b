# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet's members on AWS: running instances by their tag, with the host variables of the inventory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.parallel import gathered, map_parallel
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.data import AWS_DEVICE
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import tags_of

PAGE_SIZE = 1000
#: As EC2 calls them, and as Docker does.
ARCHITECTURES = {"x86_64": "amd64", "arm64": "arm64"}
RUNNING, STOPPED = ("pending", "running"), ("stopping", "stopped")


def member_of(instance: Mapping[str, Any], region: str) -> dict[str, Any]:
    """One EC2 instance as DescribeInstances gives it -> name, role and host variables, all plain values.

    ``stopped`` is whether it is switched off, and could be started.
    """
    tags = tags_of(instance)
    return {
        "name": tags.get("Name", ""),
        "role": tags.get("praxis_role", ""),
        "stopped": (instance.get("State") or {}).get("Name") in STOPPED,
        "variables": {
            "praxis_cloud": "aws",
            "praxis_region": region,
            "praxis_zone": instance["Placement"]["AvailabilityZone"],
            "praxis_network": instance.get("VpcId", ""),
            "praxis_instance_id": instance["InstanceId"],
            "praxis_architecture": ARCHITECTURES.get(instance.get("Architecture", ""), ""),
            "praxis_slot": tags.get("praxis_slot", ""),
            "praxis_private_ip": instance.get("PrivateIpAddress", ""),
            "praxis_public_ip": instance.get("PublicIpAddress", ""),
            "praxis_data_volume": _data_volume(instance),
            "praxis_labels": {key: value for key, value in tags.items() if not key.startswith("aws:")},
        },
    }


def _data_volume(instance: Mapping[str, Any]) -> str:
    """The volume that is attached to it for its slot's data; empty without one."""
    attached = {each.get("DeviceName"): each.get("Ebs") or {} for each in instance.get("BlockDeviceMappings") or ()}
    return str(attached.get(AWS_DEVICE, {}).get("VolumeId", ""))


def describe(client: AwsClient, fleet: str) -> list[dict[str, Any]]:
    """The fleet's machines in the client's region, stopped ones too.

    :raises CloudError: when the region cannot be read.
    """
    reservations = client.paginate(
        "ec2",
        "describe_instances",
        Filters=[
            {"Name": "tag:praxis_fleet", "Values": [fleet]},
            {"Name": "instance-state-name", "Values": [*RUNNING, *STOPPED]},
        ],
        MaxResults=PAGE_SIZE,
    )
    return [member_of(instance, client.region) for reservation in reservations for instance in reservation["Instances"]]


def collect(fleet: str, regions: Sequence[str]) -> list[dict[str, Any]]:
    """The fleet's members in all regions.

    :raises Failed: with a finding for every region that cannot be read.
    """
    account = AwsClient(regions[0])
    found = gathered(map_parallel(lambda region: describe(account.in_region(region), fleet), regions))
    return [member for members in found for member in members]
