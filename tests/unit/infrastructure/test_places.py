# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Other zones than those that a fleet in AWS was made in: for new machines; what is there stays, and is reached."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_network_kinds import SUBNET
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import tags_of
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.resource import Resource
from tests.unit.conftest import REGION, Cloud
from tests.unit.infrastructure.account import FLEET, Account, rows

pytestmark = pytest.mark.slow

A, B, C = (f"{REGION}{letter}" for letter in "abc")
ONE, TWO, THREE = "10.42.16.0/20", "10.42.32.0/20", "10.42.48.0/20"


@pytest.fixture
def account(cloud: Cloud) -> Account:
    return Account(cloud)


def subnets(cloud: Cloud) -> dict[str, tuple[str, str]]:
    """Zone and network by name."""
    mine = [{"Name": "tag:praxis_fleet", "Values": [FLEET]}]
    found = cloud.client("ec2").describe_subnets(Filters=mine)["Subnets"]
    return {tags_of(each)["Name"]: (each["AvailabilityZone"], each["CidrBlock"]) for each in found}


def zones(made: dict[str, Any]) -> dict[str, str]:
    return {each["slot"]: each["zone"] for each in made["machines"]}


def balanced(cloud: Cloud) -> list[str]:
    """The zones that the load balancer reaches."""
    (found,) = cloud.client("elbv2").describe_load_balancers()["LoadBalancers"]
    return sorted(each["ZoneName"] for each in found["AvailabilityZones"])


def test_new_machines_go_into_the_zones_that_are_named_now(account: Account) -> None:
    account.present(hosts=2)
    made = account.present(hosts=4, zones=[B, C])
    assert zones(made) == {"aws-1": A, "aws-2": B, "aws-3": B, "aws-4": C}
    assert subnets(account.cloud) == {
        f"praxis-{FLEET}-{A}": (A, ONE), f"praxis-{FLEET}-{B}": (B, TWO), f"praxis-{FLEET}-{C}": (C, THREE)
    }  # fmt: skip
    assert ("create", "subnet", f"praxis-{FLEET}-{C}") in rows(made)
    assert balanced(account.cloud) == [A, B, C]
    assert rows(account.present(hosts=4, zones=[B, C])) == []
    assert rows(account.present(hosts=4, zones=[C, B])) == []
    account.absent()
    assert account.resources() == {}


def test_a_zone_that_is_named_no_longer_is_reached_while_a_machine_is_in_it(account: Account) -> None:
    account.present(hosts=3, zones=[A, B, C])
    assert rows(account.present(hosts=3, zones=[A, B])) == []
    assert balanced(account.cloud) == [A, B, C]
    account.present(hosts=2, zones=[A, B], allow_shrink=True)
    account.present(hosts=2, zones=[A, B])
    assert balanced(account.cloud) == [A, B]


def test_a_machine_whose_tags_were_edited_is_reached_and_a_stranger_s_subnet_is_not(account: Account) -> None:
    ec2, three = account.cloud.client("ec2"), account.present(hosts=3, zones=[A, B, C])["machines"][2]["instance_id"]
    ec2.delete_tags(Resources=[three], Tags=[{"Key": "praxis_fleet"}])
    account.present(hosts=3, zones=[A, B])
    assert balanced(account.cloud) == [A, B, C]
    (found,) = ec2.describe_instances(InstanceIds=[three])["Reservations"]
    ec2.terminate_instances(InstanceIds=[three])
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "praxis_fleet", "Value": FLEET}]}]
    image, subnet = account.options["image_id"], found["Instances"][0]["SubnetId"]
    ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, SubnetId=subnet, TagSpecifications=tags)
    account.present(hosts=2, zones=[A, B], allow_shrink=True)
    assert balanced(account.cloud) == [A, B]


def test_subnets_of_the_user_s_that_are_named_no_longer_are_reached_while_machines_are_in_them(
    account: Account,
) -> None:
    ec2 = account.cloud.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    theirs = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.9.{number}.0/24", AvailabilityZone=zone)["Subnet"]["SubnetId"]
        for number, zone in enumerate((A, B, C))
    ]
    account.present(hosts=3, subnets=theirs)
    assert rows(account.present(hosts=3, subnets=theirs[:2])) == []
    assert balanced(account.cloud) == [A, B, C]


def test_a_subnet_that_has_lost_its_mark_is_refused_and_not_made_again(account: Account) -> None:
    account.present(hosts=2)
    ec2, name = account.cloud.client("ec2"), f"praxis-{FLEET}-{A}"
    (found,) = ec2.describe_subnets(Filters=[{"Name": "tag:Name", "Values": [name]}])["Subnets"]
    ec2.delete_tags(Resources=[found["SubnetId"]], Tags=[{"Key": "praxis_managed_by"}])
    with pytest.raises(Failed) as refused:
        account.present(hosts=2, zones=[B, A])
    assert [each.code for each in refused.value.findings] == ["not-managed"]


def test_a_vpc_of_the_user_s_may_have_subnets_without_a_network_of_ipv4() -> None:
    """EC2 leaves the network out of the description of a subnet that has IPv6 alone; moto has none such."""

    class Vpc:
        def paginate(self, *_what: str, **_which: Any) -> list[dict[str, Any]]:
            return [{"SubnetId": "subnet-6", "Ipv6Native": True}]

    wanted = Resource("subnet", "one", made_with={"vpc": "vpc-1", "zone": A, "cidr": ONE})
    assert SUBNET.find(Vpc(), wanted) is None  # type: ignore[arg-type]
