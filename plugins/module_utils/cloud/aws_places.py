# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a fleet is already: its VPC, the networks of its subnets, and the zones of its machines. Only reads.

Neither subnets nor machines are moved when other zones are named: a subnet keeps its network, and the load balancer
goes on reaching the zones that machines are in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_kind import Answer, marked, named_alike, where
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_members import PAGE_SIZE
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_network_kinds import SUBNET, VPC
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.machines import LIVE, machine
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import tags_of
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.aws_list import (
    Settings,
    desired,
    subnet_name,
)
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.resource import Resource
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.settings import BALANCER


def vpc_of(client: AwsClient, settings: Settings) -> str:
    """The id of the VPC that the fleet is in, or empty."""
    if settings.existing.vpc:
        return settings.existing.vpc
    own = next(each for each in desired(replace(settings, parts=[])) if each.kind == "vpc")
    return str((VPC.only(client, own) or {}).get("VpcId", ""))


def with_places(client: AwsClient, settings: Settings, vpc: str) -> Settings:
    """The same settings, with what is there already.

    :param vpc: the fleet's.
    """
    there = SUBNET.described(client, vpc_id=[vpc])
    zones = {str(each["SubnetId"]): str(each["AvailabilityZone"]) for each in there}
    placed = [(each["AvailabilityZone"], each["CidrBlock"]) for each in there if _of_the_fleet(each, settings)]
    reached = {zones[each] for each in settings.existing.subnets if each in zones} or {*settings.zones}
    serving: dict[str, str] = {}
    if settings.makes_balancer and BALANCER in settings.parts:
        in_use = {*_subnets_of_machines(client, settings.fleet, vpc)}
        # A load balancer takes one subnet of a zone.
        serving = {zones[each]: each for each in sorted(in_use & {*zones}) if zones[each] not in reached}
    return replace(settings, placed=placed, serving=[*serving.values()])


def _of_the_fleet(subnet: Answer, settings: Settings) -> bool:
    name, tags = subnet_name(settings, subnet["AvailabilityZone"]), tags_of(subnet)
    wanted = Resource("subnet", name, tags=settings.tagged(name))
    # One that has lost its mark is among them, for it to be refused and not made again.
    return marked(tags, wanted) or named_alike(tags, wanted)


def _subnets_of_machines(client: AwsClient, fleet: str, vpc: str) -> Iterator[str]:
    """Asked for by the VPC: a machine whose tags were edited is known by its launch."""
    inside = where({"vpc_id": [vpc]})
    for reservation in client.paginate("ec2", "describe_instances", MaxResults=PAGE_SIZE, **inside):
        for instance in reservation["Instances"]:
            seen = machine(instance, fleet)
            if seen and seen.ours and seen.state in LIVE:
                yield str(instance["SubnetId"])
