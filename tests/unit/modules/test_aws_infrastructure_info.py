# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""aws_infrastructure_info, run as a module."""

from __future__ import annotations

from typing import Any

import pytest


def tagged(kind: str, **tags: str) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}]


@pytest.fixture
def theirs(cloud: Any) -> dict[str, Any]:
    """What somebody else made, by id; all of it has a tag of its own."""
    ec2, elb, iam = (cloud.client(name) for name in ("ec2", "elbv2", "iam"))
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16", TagSpecifications=tagged("vpc", team="platform"))["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(
            VpcId=vpc, CidrBlock=f"10.9.{number}.0/24", AvailabilityZone=f"eu-central-1{zone}",
            TagSpecifications=tagged("subnet", team="platform", zone=zone),
        )["Subnet"]["SubnetId"]
        for number, zone in ((2, "b"), (1, "a"))
    ]  # fmt: skip
    group = ec2.create_security_group(
        GroupName="agents", Description="agents", VpcId=vpc, TagSpecifications=tagged("security-group", team="platform")
    )["GroupId"]
    balancer = elb.create_load_balancer(
        Name="shared", Subnets=subnets, SecurityGroups=[group], Tags=[{"Key": "team", "Value": "platform"}]
    )["LoadBalancers"][0]
    target_group = elb.create_target_group(
        Name="agents", Protocol="HTTP", Port=8000, VpcId=vpc, TargetType="instance",
        Tags=[{"Key": "team", "Value": "platform"}],
    )["TargetGroups"][0]["TargetGroupArn"]  # fmt: skip
    elb.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTP", Port=80,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": target_group}],
    )  # fmt: skip
    ec2.create_key_pair(KeyName="ops", TagSpecifications=tagged("key-pair", team="platform"))
    iam.create_instance_profile(InstanceProfileName="ops")
    cloud.operations.clear()
    return {
        "vpc": vpc, "subnets": subnets, "security_groups": [group], "load_balancer": balancer["LoadBalancerArn"],
        "target_group": target_group, "key_name": "ops", "instance_profile": "ops",
    }  # fmt: skip


def test_nothing_given_asks_nothing(run: Any, cloud: Any) -> None:
    found = run("aws_infrastructure_info", fleet="alpha", target_group="praxis-alpha", subnets=[], vpc="").result
    assert cloud.operations == []
    assert (found["vpc"], found["subnets"], found["load_balancer"], found["target_group"]) == ({}, [], {}, "")
    assert found["names"]["fleet"] == "praxis-alpha"
    assert found["mark"] == {"praxis_fleet": "alpha", "praxis_managed_by": "provision"}


@pytest.mark.slow
def test_by_id_and_by_tags_is_the_same_and_only_reads(run: Any, cloud: Any, theirs: dict[str, Any]) -> None:
    by_id = run("aws_infrastructure_info", fleet="alpha", **theirs)
    tags = {option: {"team": "platform"} for option in theirs if option != "instance_profile"}
    by_tags = run("aws_infrastructure_info", fleet="alpha", **tags, instance_profile="ops")
    assert (by_id.codes, by_tags.codes, cloud.changes()) == ([], [], [])
    found = dict(by_id.result)
    assert found.pop("invocation") != by_tags.result["invocation"]
    assert found == {key: value for key, value in by_tags.result.items() if key != "invocation"}
    assert found["vpc"] == {"id": theirs["vpc"], "cidr": "10.9.0.0/16"}
    assert found["subnets"] == theirs["subnets"][::-1]  # by zone
    assert found["load_balancer"]["security_groups"] == theirs["security_groups"]
    assert found["target_group"] == theirs["target_group"]
    assert (found["key_name"], found["instance_profile"]) == ("ops", "ops")


def test_subnets_tell_the_vpc_and_a_target_group_its_balancer(run: Any, theirs: dict[str, Any]) -> None:
    found = run("aws_infrastructure_info", fleet="a", subnets={"team": "platform"}, target_group="agents").result
    assert found["vpc"]["id"] == theirs["vpc"]
    assert found["load_balancer"]["arn"] == theirs["load_balancer"]


@pytest.mark.parametrize("option", ["vpc", "subnets", "security_groups", "key_name", "instance_profile"])
@pytest.mark.parametrize("value", ["none", {"team": "nobody"}])
def test_what_is_not_there_is_named(run: Any, option: str, value: Any) -> None:
    ran = run("aws_infrastructure_info", fleet="alpha", **{option: value})
    by_name_only = option == "instance_profile" and value != "none"
    assert ran.codes == ["bad-selector" if by_name_only else "infrastructure-not-found"]
    assert ran.result["failure"]["where"].startswith(option)


@pytest.mark.slow
@pytest.mark.parametrize("option", ["load_balancer", "target_group"])
@pytest.mark.parametrize("value", ["none", {"team": "nobody"}])
def test_a_balancer_that_is_not_there_is_named(run: Any, theirs: dict[str, Any], option: str, value: Any) -> None:
    ran = run("aws_infrastructure_info", fleet="alpha", **{**theirs, option: value})
    assert ran.codes == [f"{option.replace('_', '-')}-not-found"]


def test_all_that_is_missing_is_reported_at_once(run: Any, theirs: dict[str, Any]) -> None:
    given = {**theirs, "vpc": "vpc-none", "subnets": [*theirs["subnets"], "subnet-none"], "key_name": "none"}
    ran = run("aws_infrastructure_info", fleet="alpha", **given)
    assert ran.codes == ["infrastructure-not-found"] * 3
    assert "subnet-none" in ran.result["msg"]
    assert theirs["subnets"][0] not in ran.result["msg"]


def test_tags_that_two_have(run: Any, cloud: Any, theirs: dict[str, Any]) -> None:
    cloud.client("ec2").create_vpc(CidrBlock="10.8.0.0/16", TagSpecifications=tagged("vpc", team="platform"))
    ran = run("aws_infrastructure_info", fleet="alpha", vpc={"team": "platform"})
    assert ran.codes == ["infrastructure-ambiguous"]
    cloud.client("elbv2").create_target_group(
        Name="more", Protocol="HTTP", Port=8000, VpcId=theirs["vpc"], Tags=[{"Key": "team", "Value": "platform"}]
    )
    ran = run("aws_infrastructure_info", fleet="alpha", target_group={"team": "platform"}, vpc=theirs["vpc"])
    assert ran.codes == ["target-group-ambiguous"]


@pytest.mark.slow
def test_things_of_another_vpc(run: Any, cloud: Any, theirs: dict[str, Any]) -> None:
    other = cloud.client("ec2").create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    ran = run("aws_infrastructure_info", fleet="alpha", **{**theirs, "vpc": other})
    assert ran.codes == ["other-vpc"] * 5  # two subnets, a group, the balancer, the target group
    alone = run("aws_infrastructure_info", fleet="alpha", security_groups=theirs["security_groups"])
    assert alone.codes == ["other-vpc"]
    assert "its own VPC" in alone.result["msg"]


@pytest.mark.slow
def test_an_existing_balancer_is_never_changed(run: Any, cloud: Any, theirs: dict[str, Any]) -> None:
    ran = run("aws_infrastructure_info", fleet="alpha", vpc=theirs["vpc"], load_balancer="shared")
    assert ran.codes == ["target-group-needed"]
    cloud.client("elbv2").create_target_group(Name="idle", Protocol="HTTP", Port=8000, VpcId=theirs["vpc"])
    for more in ({}, {"load_balancer": "shared"}):
        ran = run("aws_infrastructure_info", fleet="alpha", vpc=theirs["vpc"], target_group="idle", **more)
        assert ran.codes == ["target-group-unattached"]


@pytest.mark.slow
def test_a_target_group_of_addresses(run: Any, cloud: Any, theirs: dict[str, Any]) -> None:
    cloud.client("elbv2").create_target_group(
        Name="addresses", Protocol="HTTP", Port=8000, VpcId=theirs["vpc"], TargetType="ip"
    )
    ran = run("aws_infrastructure_info", fleet="alpha", vpc=theirs["vpc"], target_group="addresses")
    assert "target-type" in ran.codes


@pytest.mark.slow
def test_one_zone_is_enough_only_without_a_balancer_to_make(run: Any, theirs: dict[str, Any]) -> None:
    one = {"fleet": "alpha", "subnets": theirs["subnets"][:1]}
    assert run("aws_infrastructure_info", **one).codes == ["one-zone"]
    assert run("aws_infrastructure_info", **one, balancer=False).codes == []
    assert run("aws_infrastructure_info", **one, target_group="agents").codes == []


def test_names_are_checked_before_anything_is_asked(run: Any, cloud: Any) -> None:
    assert run("aws_infrastructure_info", fleet="Alpha").codes == ["bad-fleet-name"]
    assert run("aws_infrastructure_info", fleet="alpha", labels={"Name": "x"}).codes == ["bad-label"]
    assert run("aws_infrastructure_info", fleet="alpha", vpc=["a", 7]).codes == ["bad-selector"]
    assert cloud.operations == []
