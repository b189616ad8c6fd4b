# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking at a fleet's network in AWS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import NotFound
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import tags_of
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.network import Network, Part, Wanted, marked

EVERYWHERE = "0.0.0.0/0"


def look(client: AwsClient, wanted: Wanted, made: Part | None = None) -> Network:
    """What there is. Nothing below the VPC when the subnets are the user's own.

    :param made: a VPC that was made a moment ago, which EC2 may not list yet.
    :raises Failed: ``vpc-not-found`` for a given VPC that is not there, ``network-twice`` for two of our own.
    """
    eye = _Look(client, wanted)
    seen, cidr = eye.vpc()
    vpc = seen or made
    if not wanted.subnets:
        return Network(vpc, cidr)
    subnets = eye.subnets(vpc.id) if vpc else {}
    routes = eye.routes(vpc, subnets) if vpc else None
    return Network(vpc, cidr, subnets, eye.gateway(vpc), routes)


@dataclass(frozen=True)
class _Look:
    client: AwsClient
    wanted: Wanted

    def vpc(self) -> tuple[Part | None, str]:
        wanted = self.wanted
        try:
            given = {"VpcIds": [wanted.vpc_id]} if wanted.vpc_id else {}
            found = list(self.client.paginate("ec2", "describe_vpcs", **given))
        except NotFound:
            what = f"There is no VPC {wanted.vpc_id}."
            fix = "Correct provision_vpc (praxis_vpc) or the region."
            raise Failed(Finding("vpc-not-found", what, f"AWS {self.client.region}", fix)) from None
        ours = [each for each in found if wanted.vpc_id or marked(tags_of(each), wanted.fleet, wanted.name)]
        if len(ours) > 1:
            what = f"It has several VPCs: {', '.join(sorted(each['VpcId'] for each in ours))}."
            fix = "Delete those that hold no machines, or take their tags praxis_fleet and praxis_managed_by off."
            raise Failed(Finding("network-twice", what, f"fleet {wanted.fleet}", fix))
        if not ours:
            return None, ""
        id_ = str(ours[0]["VpcId"])
        settings = {} if wanted.vpc_id else {
            "dns_support": self._attribute(id_, "enableDnsSupport"),
            "dns_hostnames": self._attribute(id_, "enableDnsHostnames"),
        }  # fmt: skip
        return Part(id_, tags_of(ours[0]), settings), str(ours[0]["CidrBlock"])

    def _attribute(self, vpc: str, name: str) -> bool:
        answer = self.client.call("ec2", "describe_vpc_attribute", VpcId=vpc, Attribute=name)
        return bool(answer[name[0].upper() + name[1:]]["Value"])

    def subnets(self, vpc: str) -> dict[str, Part]:
        found = self.client.paginate("ec2", "describe_subnets", Filters=[{"Name": "vpc-id", "Values": [vpc]}])
        return {
            str(each["CidrBlock"]): Part(each["SubnetId"], tags_of(each), {"public": each["MapPublicIpOnLaunch"]})
            for each in found
            if each["CidrBlock"] in self.wanted.subnets.values()
        }

    def gateway(self, vpc: Part | None) -> Part | None:
        """The VPC's, or one of ours that is not attached yet."""
        loose: Part | None = None
        for each in self.client.paginate("ec2", "describe_internet_gateways"):
            attached = [where["VpcId"] for where in each.get("Attachments", ())]
            part = Part(each["InternetGatewayId"], tags_of(each), {"vpc": attached[0] if attached else ""})
            if vpc and vpc.id in attached:
                return part
            if not attached and marked(part.tags, self.wanted.fleet, self.wanted.name):
                loose = part
        return loose

    def routes(self, vpc: Part, subnets: Mapping[str, Part]) -> Part | None:
        """The table that is marked as ours, or (its tags may have been edited) serves our subnets."""
        ids = {part.id for part in subnets.values()}
        found: list[tuple[bool, Part]] = []
        filters = [{"Name": "vpc-id", "Values": [vpc.id]}]
        for each in self.client.paginate("ec2", "describe_route_tables", Filters=filters):
            serves = tuple(one["SubnetId"] for one in each["Associations"] if "SubnetId" in one)
            target = {route.get("DestinationCidrBlock"): route.get("GatewayId") for route in each["Routes"]}
            settings = {"default_route": target.get(EVERYWHERE), "serves": serves}
            part = Part(each["RouteTableId"], tags_of(each), settings)
            ours = marked(part.tags, self.wanted.fleet, self.wanted.name)
            if ours or ids.intersection(serves):
                found.append((not ours, part))
        return min(found, key=lambda each: (each[0], each[1].id))[1] if found else None
