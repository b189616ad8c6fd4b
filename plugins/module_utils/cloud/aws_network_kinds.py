# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VPC, subnets, internet gateway and route table.

EC2 gives VPCs, gateways and route tables no name of their own and (VPCs, gateways) takes no client token, so they are
known by their tags, and a creation whose answer was lost is not sent again before it was seen that it did not happen.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_kind import (
    Answer,
    Ec2Kind,
    known,
    marked,
    named_alike,
    unless_gone,
)
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import Invalid
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.parallel import gathered, map_parallel
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import FLEET_TAG, MANAGED_TAG, tags_of
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.resource import Observed, Resource

EVERYWHERE = "0.0.0.0/0"
_ATTRIBUTES = {"dns_support": "EnableDnsSupport", "dns_hostnames": "EnableDnsHostnames"}


def _fleet(desired: Resource) -> str:
    return f"fleet {desired.tags.get(FLEET_TAG, '')}"


@dataclass(frozen=True)
class Vpc(Ec2Kind):
    """The fleet's own VPC."""

    def find(self, client: AwsClient, desired: Resource) -> Observed | None:
        """:raises Failed: ``network-twice`` for two of ours, ``network-differs`` for one of another network."""
        found = self.only(client, desired)
        if not found:
            return None
        id_, cidr = str(found["VpcId"]), found["CidrBlock"]
        if cidr != desired.made_with["cidr"] and self.ours(tags_of(found), desired):
            what = f"The VPC {id_} has the network {cidr}, and the settings ask for {desired.made_with['cidr']}."
            fix = (
                "A VPC's network cannot be changed: set provision_vpc_cidr (PRAXIS_VPC_CIDR) to it, or choose another "
                "name for the fleet."
            )
            raise Failed(Finding("network-differs", what, _fleet(desired), fix))

        def attribute(name: str) -> bool:
            wanted = name[0].lower() + name[1:]
            answer = client.call("ec2", "describe_vpc_attribute", VpcId=id_, Attribute=wanted)
            return bool(answer[name]["Value"])

        values = gathered(map_parallel(attribute, _ATTRIBUTES.values()))
        return Observed(self.name, desired.name, id_, dict(zip(_ATTRIBUTES, values, strict=True)), tags_of(found))

    def only(self, client: AwsClient, desired: Resource) -> Answer | None:
        """The description of ours. Without one, that of one of others with the name: to be refused, for it may be the
        fleet's own that has lost its mark.

        :raises Failed: ``network-twice`` for two of ours.
        """
        there = self.described(client)
        ours = [each for each in there if marked(tags_of(each), desired)]
        if len(ours) > 1:
            what = f"The fleet has several VPCs: {', '.join(sorted(each['VpcId'] for each in ours))}."
            fix = (
                "Delete the VPCs that have no machines, or remove their tags praxis_fleet and praxis_managed_by. "
                "(down.yml would remove the fleet with all its VPCs.)"
            )
            raise Failed(Finding("network-twice", what, _fleet(desired), fix))
        return next(iter([*ours, *(each for each in there if named_alike(tags_of(each), desired))]), None)

    def create(self, client: AwsClient, desired: Resource) -> str:
        """Of two runs at once, each makes its own. One that sees the other's takes its own away, for a fleet has one.

        :raises Failed: ``provisioned-meanwhile``.
        """
        cidr, tags = desired.made_with["cidr"], self.specification(desired)
        id_ = str(client.call("ec2", "create_vpc", CidrBlock=cidr, TagSpecifications=tags)["Vpc"]["VpcId"])
        ours = [str(each["VpcId"]) for each in self.described(client) if marked(tags_of(each), desired)]
        others = sorted({*ours} - {id_})
        if others:
            self.remove(client, id_)
            what = f"Another run created {', '.join(others)} for it at the same time. This run removed its own, {id_}."
            fix = "Wait until the other run has ended, then run this again."
            raise Failed(Finding("provisioned-meanwhile", what, _fleet(desired), fix))
        return id_

    def set(self, client: AwsClient, desired: Resource, id_: str, names: Collection[str]) -> None:
        for name in names:
            attribute: Answer = {_ATTRIBUTES[name]: {"Value": desired.fields[name]}}
            client.call("ec2", "modify_vpc_attribute", idempotent=True, VpcId=id_, **attribute)

    def remove(self, client: AwsClient, id_: str) -> None:
        client.call("ec2", "delete_vpc", idempotent=True, VpcId=id_)


@dataclass(frozen=True)
class Subnet(Ec2Kind):
    """A subnet, known by its network in the VPC."""

    found_by: ClassVar[Collection[str]] = ("vpc",)

    def find(self, client: AwsClient, desired: Resource) -> Observed | None:
        what = desired.made_with
        found = self.described(client, vpc_id=[what["vpc"]])
        for each in found:
            if each.get("CidrBlock") == what["cidr"]:  # one with IPv6 alone has none
                fields = {"public": bool(each["MapPublicIpOnLaunch"])}
                return Observed(self.name, desired.name, each["SubnetId"], fields, tags_of(each))
        return None

    def create(self, client: AwsClient, desired: Resource) -> str:
        what = desired.made_with
        place = {"VpcId": what["vpc"], "AvailabilityZone": what["zone"], "CidrBlock": what["cidr"]}
        made = client.call("ec2", "create_subnet", TagSpecifications=self.specification(desired), **place)
        return str(made["Subnet"]["SubnetId"])

    def set(self, client: AwsClient, desired: Resource, id_: str, names: Collection[str]) -> None:
        public = {"Value": desired.fields["public"]}
        client.call("ec2", "modify_subnet_attribute", idempotent=True, SubnetId=id_, MapPublicIpOnLaunch=public)

    def remove(self, client: AwsClient, id_: str) -> None:
        client.call("ec2", "delete_subnet", idempotent=True, SubnetId=id_)


@dataclass(frozen=True)
class Gateway(Ec2Kind):
    """The internet gateway: the VPC's, or one of ours that is not attached yet."""

    found_last: ClassVar[bool] = True

    def find(self, client: AwsClient, desired: Resource) -> Observed | None:
        vpc, loose = desired.fields["vpc"], None
        for each in self.described(client):
            attached = [one["VpcId"] for one in each.get("Attachments", ())]
            tags = tags_of(each)
            if vpc in attached:
                # A VPC of the user's own may have one of its own, which is used as it is.
                if desired.made_with["vpc_of_the_user"] and MANAGED_TAG not in tags:
                    tags = {**tags, **desired.tags}
                return Observed(self.name, desired.name, each["InternetGatewayId"], {"vpc": vpc}, tags)
            if not attached and marked(tags, desired):
                loose = Observed(self.name, desired.name, each["InternetGatewayId"], {"vpc": ""}, tags)
        return loose

    def create(self, client: AwsClient, desired: Resource) -> str:
        tags = self.specification(desired)
        made = client.call("ec2", "create_internet_gateway", TagSpecifications=tags)
        return str(made["InternetGateway"]["InternetGatewayId"])

    def set(self, client: AwsClient, desired: Resource, id_: str, names: Collection[str]) -> None:
        vpc = desired.fields["vpc"]
        client.call("ec2", "attach_internet_gateway", idempotent=True, InternetGatewayId=id_, VpcId=vpc)

    def remove(self, client: AwsClient, id_: str) -> None:
        for found in self.described(client, internet_gateway_id=[id_]):
            for each in found.get("Attachments", ()):
                vpc = each["VpcId"]
                try:
                    unless_gone(client, "ec2", "detach_internet_gateway", InternetGatewayId=id_, VpcId=vpc)
                except Invalid as error:
                    if error.reason != "Gateway.NotAttached":
                        raise
        client.call("ec2", "delete_internet_gateway", idempotent=True, InternetGatewayId=id_)


@dataclass(frozen=True)
class RouteTable(Ec2Kind):
    """The table that is marked as ours, or (its tags may have been edited) serves our subnets."""

    found_by: ClassVar[Collection[str]] = ("vpc",)
    found_last: ClassVar[bool] = True

    def find(self, client: AwsClient, desired: Resource) -> Observed | None:
        wanted = {name: id_ for name, id_ in desired.fields.items() if name.startswith("serves ")}
        found: list[tuple[bool, str, Observed]] = []
        for each in self.described(client, vpc_id=[desired.made_with["vpc"]]):
            serves = {one["SubnetId"] for one in each["Associations"] if "SubnetId" in one}
            target = {route.get("DestinationCidrBlock"): route.get("GatewayId") for route in each["Routes"]}
            fields = {"default_route": target.get(EVERYWHERE)}
            fields |= {name: id_ if id_ in serves else None for name, id_ in wanted.items()}
            ours = marked(tags_of(each), desired)
            if ours or serves.intersection(filter(known, wanted.values())):
                table = Observed(self.name, desired.name, each["RouteTableId"], fields, tags_of(each))
                found.append((not ours, table.id, table))
        return min(found)[2] if found else None

    def create(self, client: AwsClient, desired: Resource) -> str:
        vpc, tags = desired.made_with["vpc"], self.specification(desired)
        made = client.call("ec2", "create_route_table", VpcId=vpc, TagSpecifications=tags)
        return str(made["RouteTable"]["RouteTableId"])

    def set(self, client: AwsClient, desired: Resource, id_: str, names: Collection[str]) -> None:
        (table,) = self.described(client, route_table_id=[id_])
        for name in names:
            if name == "default_route":
                there = any(route.get("DestinationCidrBlock") == EVERYWHERE for route in table["Routes"])
                route = {"DestinationCidrBlock": EVERYWHERE, "GatewayId": desired.fields[name]}
                operation = "replace_route" if there else "create_route"
                client.call("ec2", operation, idempotent=True, RouteTableId=id_, **route)
            else:
                self._serve(client, id_, desired.fields[name])

    def _serve(self, client: AwsClient, id_: str, subnet: str) -> None:
        for table in self.described(client, **{"association.subnet_id": [subnet]}):
            for each in table["Associations"]:
                if each.get("SubnetId") == subnet and table["RouteTableId"] != id_:
                    old = each["RouteTableAssociationId"]
                    client.call("ec2", "replace_route_table_association", idempotent=True, AssociationId=old,
                                RouteTableId=id_)  # fmt: skip
                    return
        client.call("ec2", "associate_route_table", idempotent=True, RouteTableId=id_, SubnetId=subnet)

    def remove(self, client: AwsClient, id_: str) -> None:
        for table in self.described(client, route_table_id=[id_]):
            for each in _serving(table):
                unless_gone(client, "ec2", "disassociate_route_table", AssociationId=each["RouteTableAssociationId"])
        client.call("ec2", "delete_route_table", idempotent=True, RouteTableId=id_)


def _serving(table: Answer) -> list[Answer]:
    return [each for each in table.get("Associations", ()) if not each.get("Main")]


VPC = Vpc("vpc", "VPC", "describe_vpcs", "VpcId", "vpc")
SUBNET = Subnet("subnet", "subnet", "describe_subnets", "SubnetId", "subnet")
GATEWAY = Gateway("gateway", "internet gateway", "describe_internet_gateways", "InternetGatewayId", "internet-gateway")
ROUTE_TABLE = RouteTable("route_table", "route table", "describe_route_tables", "RouteTableId", "route-table")
