# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Making a fleet's network in AWS.

EC2 gives VPCs, gateways and route tables no name of their own and (VPCs, gateways) takes no client token, so a creation
whose answer was lost is never sent again before a look has shown that it did not happen.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_network_look import EVERYWHERE, look
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import (
    CloudError,
    Conflict,
    NotFound,
    Unavailable,
)
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Poll
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import tag_list
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.network import (
    Change,
    Network,
    Part,
    Wanted,
    diff,
)

#: Seconds in which one change must be made, and seen to be made when its answer was lost.
DEADLINE = 120.0
#: Seconds for which EC2 may not show what it has just made.
LATE = 10.0


@dataclass
class AwsNetwork:
    """One fleet's network in one region."""

    client: AwsClient
    wanted: Wanted
    poll: Poll = field(default_factory=Poll)
    there: Network = field(default_factory=Network)
    """What was seen last, and what was made since: EC2 may show the latter late."""

    def look(self) -> Network:
        """What there is.

        :raises Failed: ``vpc-not-found`` for a given VPC that is not there, ``network-twice`` for two of our own.
        """
        seen = look(self.client, self.wanted, self.there.vpc)
        self.there = Network(
            vpc=seen.vpc,
            cidr=seen.cidr or self.there.cidr,
            subnets={**self.there.subnets, **seen.subnets},
            gateway=seen.gateway or self.there.gateway,
            routes=seen.routes or self.there.routes,
        )
        return self.there

    def apply(self, changes: Iterable[Change]) -> None:
        """Make the changes, in their order.

        :raises Failed: the change that could not be made, and what is left made.
        """
        for change in changes:
            try:
                self._make(change)
            except CloudError as error:
                raise self._unfinished(change, error) from None

    def _make(self, change: Change) -> None:
        """Until it is made. An answer that is lost or contradicts us is looked into before anything is sent again."""
        end = self.poll.clock() + DEADLINE
        while True:
            try:
                self._act(change)
            except (Unavailable, Conflict, NotFound) as error:
                failure: CloudError = error
            else:
                return
            seconds = LATE if isinstance(failure, Unavailable) else self.poll.interval
            _left, made = self.poll.until(self._left, lambda left: change.key not in left, seconds=seconds)
            if made:
                return
            if self.poll.clock() >= end:
                raise failure

    def _left(self) -> set[tuple[str, str, str]]:
        return {change.key for change in diff(self.wanted, self.look())}

    def _act(self, change: Change) -> None:
        if change.verb == "create":
            getattr(self, f"_create_{change.kind}")(change)
        elif change.verb == "tag":
            self._set("create_tags", Resources=[self._id(change)], Tags=tag_list(change.after))
        else:
            getattr(self, f"_set_{change.verb}")(change)

    def _id(self, change: Change) -> str:
        """The id of the part that a change is about."""
        if change.kind == "subnet":
            return self.there.subnets[self.wanted.subnets[change.zone]].id
        part: Part | None = getattr(self.there, change.kind)
        return part.id if part else ""

    def _create(self, word: str, kind: str, name: str = "", **params: Any) -> tuple[dict[str, Any], Part]:
        """Not idempotent, so the client does not send it again by itself unless it certainly had no effect."""
        tags = self.wanted.tags(name)
        specification = [{"ResourceType": kind, "Tags": tag_list(tags)}]
        operation = f"create_{kind.replace('-', '_')}"
        made = self.client.call("ec2", operation, TagSpecifications=specification, **params)[word]
        return made, Part(made[f"{word}Id"], tags, {"serves": ()})

    def _create_vpc(self, change: Change) -> None:
        made, part = self._create("Vpc", "vpc", CidrBlock=self.wanted.cidr)
        self._know(vpc=part, cidr=made["CidrBlock"])

    def _create_subnet(self, change: Change) -> None:
        cidr, name = self.wanted.subnets[change.zone], self.wanted.subnet_name(change.zone)
        where = {"VpcId": self._vpc_id(), "AvailabilityZone": change.zone, "CidrBlock": cidr}
        self._know(subnets={**self.there.subnets, cidr: self._create("Subnet", "subnet", name, **where)[1]})

    def _create_gateway(self, change: Change) -> None:
        self._know(gateway=self._create("InternetGateway", "internet-gateway")[1])

    def _create_routes(self, change: Change) -> None:
        self._know(routes=self._create("RouteTable", "route-table", VpcId=self._vpc_id())[1])

    def _set_dns_support(self, change: Change) -> None:
        self._set("modify_vpc_attribute", VpcId=self._vpc_id(), EnableDnsSupport={"Value": True})

    def _set_dns_hostnames(self, change: Change) -> None:
        self._set("modify_vpc_attribute", VpcId=self._vpc_id(), EnableDnsHostnames={"Value": True})

    def _set_public(self, change: Change) -> None:
        self._set("modify_subnet_attribute", SubnetId=self._id(change), MapPublicIpOnLaunch={"Value": True})

    def _set_vpc(self, change: Change) -> None:
        self._set("attach_internet_gateway", InternetGatewayId=self._id(change), VpcId=self._vpc_id())

    def _set_default_route(self, change: Change) -> None:
        operation = "replace_route" if change.before else "create_route"
        gateway = self.there.gateway.id if self.there.gateway else ""
        route = {"DestinationCidrBlock": EVERYWHERE, "GatewayId": gateway}
        self._set(operation, RouteTableId=self._id(change), **route)

    def _set_serves(self, change: Change) -> None:
        subnet = self.there.subnets[self.wanted.subnets[change.zone]].id
        filters = [{"Name": "association.subnet-id", "Values": [subnet]}]
        for table in self.client.paginate("ec2", "describe_route_tables", Filters=filters):
            for each in table["Associations"]:
                if each.get("SubnetId") == subnet and table["RouteTableId"] != self._id(change):
                    old = each["RouteTableAssociationId"]
                    self._set("replace_route_table_association", AssociationId=old, RouteTableId=self._id(change))
                    return
        self._set("associate_route_table", RouteTableId=self._id(change), SubnetId=subnet)

    def _set(self, operation: str, **params: Any) -> None:
        # All of these name what they change: a second request changes nothing more, or is refused as a conflict.
        self.client.call("ec2", operation, idempotent=True, **params)

    def _know(self, **parts: Any) -> None:
        self.there = Network(**{**vars(self.there), **parts})

    def _vpc_id(self) -> str:
        return self.there.vpc.id if self.there.vpc else ""

    def _unfinished(self, change: Change, error: CloudError) -> Failed:
        parts = [self.there.vpc, *self.there.subnets.values(), self.there.gateway, self.there.routes]
        ids = ", ".join(part.id for part in parts if part) or "nothing"
        finding = error.finding
        what = f"Could not {change}: {finding.what} There is so far: {ids}."
        fix = f"{finding.fix} A second run goes on from what is there; down.yml removes it."
        return Failed(Finding(finding.code, what, f"fleet {self.wanted.fleet}, {finding.where}", fix))
