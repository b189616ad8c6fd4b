# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""aws_network, run as a module."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

OPTIONS: dict[str, Any] = {
    "fleet": "alpha",
    "cidr": "10.42.0.0/16",
    "subnets": {"eu-central-1a": "10.42.16.0/20", "eu-central-1b": "10.42.32.0/20"},
    "labels": {"team": "search"},
}
WHOLE = {"VPC": 1, "subnet": 2, "gateway": 1, "routes": 1}
WORDS = ("Subnet", "RouteTable", "InternetGateway", "Vpc")
GONE = {"fleet": "alpha", "state": "absent", "deadline": 1}


def there(cloud: Any) -> Counter[str]:
    """How many there are of each kind, the account's own left out."""
    ec2 = cloud.client("ec2")
    own = {each["VpcId"] for each in ec2.describe_vpcs()["Vpcs"] if not each["IsDefault"]}
    tables = [each for each in ec2.describe_route_tables()["RouteTables"] if each["VpcId"] in own]
    found = Counter({
        "VPC": len(own),
        "subnet": sum(each["VpcId"] in own for each in ec2.describe_subnets()["Subnets"]),
        "gateway": len(ec2.describe_internet_gateways()["InternetGateways"]),
        "routes": sum(not any(one.get("Main") for one in each["Associations"]) for each in tables),
    })  # fmt: skip
    cloud.operations.clear()
    return +found


def test_check_mode_then_made_then_again(run: Any, cloud: Any) -> None:
    predicted = run("aws_network", check=True, **OPTIONS)
    assert (predicted.changed, cloud.changes()) == (True, [])
    assert set(predicted.result["diff"]["after"]) == {
        "VPC praxis-alpha", "subnet praxis-alpha-eu-central-1a", "subnet praxis-alpha-eu-central-1b",
        "internet gateway praxis-alpha", "route table praxis-alpha",
    }  # fmt: skip
    ran = run("aws_network", **OPTIONS)
    assert ran.changed
    assert ran.result["diff"] == predicted.result["diff"]
    assert there(cloud) == WHOLE
    again = run("aws_network", **OPTIONS)
    assert (again.changed, cloud.changes()) == (False, [])
    assert "diff" not in again.result
    assert {key: again.result[key] for key in ("vpc_id", "subnet_ids", "cidr")} == {
        key: ran.result[key] for key in ("vpc_id", "subnet_ids", "cidr")
    }


def test_the_subnets_reach_the_internet(run: Any, cloud: Any) -> None:
    ran = run("aws_network", **OPTIONS)
    ec2 = cloud.client("ec2")
    for id_ in ran.result["subnet_ids"]:
        filters = [{"Name": "association.subnet-id", "Values": [id_]}]
        (table,) = ec2.describe_route_tables(Filters=filters)["RouteTables"]
        assert any(route.get("GatewayId", "").startswith("igw-") for route in table["Routes"])
    vpc = ran.result["vpc_id"]
    assert ec2.describe_vpc_attribute(VpcId=vpc, Attribute="enableDnsHostnames")["EnableDnsHostnames"]["Value"]


@pytest.mark.slow
@pytest.mark.parametrize("fate", ["lost", "Throttling", "InternalError"])
@pytest.mark.parametrize(
    "operation",
    ["CreateVpc", "ModifyVpcAttribute", "CreateSubnet", "ModifySubnetAttribute", "CreateInternetGateway",
     "AttachInternetGateway", "CreateRouteTable", "CreateRoute", "AssociateRouteTable"],
)  # fmt: skip
def test_no_weather_makes_a_second_one(run: Any, cloud: Any, operation: str, fate: str) -> None:
    cloud.weather[operation] = [fate]
    assert run("aws_network", **OPTIONS).changed
    assert cloud.weather[operation] == []
    assert there(cloud) == WHOLE
    assert not run("aws_network", **OPTIONS).changed


def test_what_was_just_made_may_be_unknown_for_a_while(run: Any, cloud: Any) -> None:
    cloud.weather["CreateSubnet"] = ["InvalidVpcID.NotFound", ""]
    cloud.weather["AttachInternetGateway"] = ["InvalidInternetGatewayID.NotFound"]
    run("aws_network", **OPTIONS)
    assert there(cloud) == WHOLE


def test_a_stop_in_the_middle_names_what_is_left_and_the_next_run_goes_on(run: Any, cloud: Any) -> None:
    cloud.weather["CreateInternetGateway"] = ["InternetGatewayLimitExceeded"]
    stopped = run("aws_network", **OPTIONS)
    assert stopped.codes == ["cloud-quota"]
    ec2 = cloud.client("ec2")
    made = [each["VpcId"] for each in ec2.describe_vpcs()["Vpcs"] if not each["IsDefault"]]
    made += [each["SubnetId"] for each in ec2.describe_subnets()["Subnets"] if each["VpcId"] == made[0]]
    assert all(id_ in stopped.result["failure"]["what"] for id_ in made)
    assert len(made) == 3
    assert run("aws_network", **OPTIONS).result["vpc_id"] == made[0]
    assert there(cloud) == WHOLE


def test_edited_tags_lead_to_no_second_network(run: Any, cloud: Any) -> None:
    ran = run("aws_network", **OPTIONS)
    ec2 = cloud.client("ec2")
    ids = [ran.result["vpc_id"], *ran.result["subnet_ids"]]
    ids += [each["InternetGatewayId"] for each in ec2.describe_internet_gateways()["InternetGateways"]]
    ec2.create_tags(Resources=ids, Tags=[{"Key": "praxis_fleet", "Value": "stolen"}, {"Key": "own", "Value": "kept"}])
    predicted = run("aws_network", check=True, **OPTIONS)
    again = run("aws_network", **OPTIONS)
    assert predicted.result["diff"] == again.result["diff"]
    assert again.result["diff"]["before"]["VPC praxis-alpha"] == {"tag": {"praxis_fleet": "stolen"}}
    assert there(cloud) == WHOLE
    assert not run("aws_network", **OPTIONS).changed


def test_a_vpc_of_the_users_own_is_left_as_it_is(run: Any, cloud: Any) -> None:
    ec2 = cloud.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.42.0.0/16")["Vpc"]["VpcId"]
    ran = run("aws_network", **OPTIONS, vpc_id=vpc)
    assert ran.result["vpc_id"] == vpc
    assert there(cloud) == WHOLE
    assert not ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0].get("Tags")
    assert run("aws_network", **GONE).changed
    assert there(cloud) == {"VPC": 1}
    only_looked_at = run("aws_network", fleet="alpha", vpc_id=vpc)
    assert (only_looked_at.changed, only_looked_at.result["cidr"]) == (False, "10.42.0.0/16")


def test_a_vpc_that_is_not_there(run: Any, cloud: Any) -> None:
    assert run("aws_network", **OPTIONS, vpc_id="vpc-0123456789abcdef0").codes == ["vpc-not-found"]
    assert cloud.changes() == []


def test_another_network_than_there_is(run: Any, cloud: Any) -> None:
    run("aws_network", **OPTIONS)
    cloud.operations.clear()
    refused = run("aws_network", **{**OPTIONS, "cidr": "10.43.0.0/16"})
    assert (refused.codes, cloud.changes()) == (["network-differs"], [])
    assert "PRAXIS_VPC_CIDR" in refused.result["msg"]


def test_two_networks_are_named_and_left_alone(run: Any, cloud: Any) -> None:
    first = run("aws_network", **OPTIONS).result["vpc_id"]
    tags = [{"Key": "praxis_fleet", "Value": "alpha"}, {"Key": "praxis_managed_by", "Value": "provision"}]
    second = cloud.client("ec2").create_vpc(
        CidrBlock="10.42.0.0/16", TagSpecifications=[{"ResourceType": "vpc", "Tags": tags}]
    )["Vpc"]["VpcId"]
    cloud.operations.clear()
    refused = run("aws_network", **OPTIONS)
    assert (refused.codes, cloud.changes()) == (["network-twice"], [])
    assert first in refused.result["msg"] and second in refused.result["msg"]


@pytest.mark.parametrize("fate", ["lost", "Throttling", "InternalError"])
def test_removed_whatever_the_weather(run: Any, cloud: Any, fate: str) -> None:
    run("aws_network", **OPTIONS)
    run("aws_network", **{**OPTIONS, "fleet": "beta", "cidr": "10.43.0.0/16"})
    predicted = run("aws_network", check=True, **GONE)
    for operation in ("DetachInternetGateway", *(f"Delete{word}" for word in WORDS)):
        cloud.weather[operation] = [fate]
    ran = run("aws_network", **GONE)
    assert ran.result["removed"] == predicted.result["removed"]
    assert there(cloud)["VPC"] == 1
    cloud.operations.clear()
    assert (run("aws_network", **GONE).changed, cloud.changes()) == (False, [])


def test_what_is_in_use_is_waited_for_and_named(run: Any, cloud: Any) -> None:
    made = run("aws_network", **OPTIONS)
    cloud.weather["DeleteSubnet"] = ["DependencyViolation"] * 9
    stopped = run("aws_network", **GONE)
    assert stopped.codes == ["network-not-gone"]
    assert made.result["vpc_id"] in stopped.result["msg"]
