# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""aws_machines, run as a module."""

from __future__ import annotations

from typing import Any

import pytest

#: What EC2 says of a role, and of a profile, that was made a moment ago.
UNPASSED = "UnauthorizedOperation: User a is not authorized to perform: iam:PassRole on resource: b"
UNSEEN = "InvalidParameterValue: Value (member) for parameter iamInstanceProfile.name is invalid"


@pytest.fixture
def options(cloud: Any) -> dict[str, Any]:
    """A network of two zones and what a launch needs."""
    ec2 = cloud.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"eu-central-1{zone}")["Subnet"]
        for number, zone in enumerate("ab", start=1)
    ]
    group = ec2.create_security_group(GroupName="member", Description="members", VpcId=vpc)["GroupId"]
    image = ec2.register_image(Name="debian", RootDeviceName="/dev/xvda")["ImageId"]
    cloud.operations.clear()
    return {
        "fleet": "alpha",
        "hosts": 3,
        "subnet_ids": [subnet["SubnetId"] for subnet in subnets],
        "security_group_ids": [group],
        "image_id": image,
        "labels": {"team": "search"},
    }


def instances(cloud: Any) -> dict[str, dict[str, Any]]:
    """Live instances by their tag Name."""
    found = {}
    for reservation in cloud.client("ec2").describe_instances()["Reservations"]:
        for each in reservation["Instances"]:
            if each["State"]["Name"] != "terminated":
                found[next(tag["Value"] for tag in each["Tags"] if tag["Key"] == "Name")] = each
    cloud.operations.clear()
    return found


def edit(cloud: Any, instance: str, **tags: str) -> None:
    pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
    cloud.client("ec2").create_tags(Resources=[instance], Tags=pairs)
    cloud.operations.clear()


@pytest.mark.parametrize("missing", ["fleet", "hosts"])
def test_a_missing_argument(run: Any, options: dict[str, Any], missing: str) -> None:
    del options[missing]
    assert missing in run("aws_machines", **options).result["msg"]


@pytest.mark.slow
def test_check_mode_then_launch_then_again(run: Any, cloud: Any, options: dict[str, Any]) -> None:
    predicted = run("aws_machines", check=True, **options)
    assert (predicted.changed, cloud.changes()) == (True, [])
    assert predicted.result["launched"] == ["aws-1", "aws-2", "aws-3"]
    assert predicted.result["machines"] == []

    ran = run("aws_machines", **options)
    assert cloud.changes() == ["RunInstances"] * 3
    assert ran.result["diff"] == predicted.result["diff"]
    assert [(each["slot"], each["name"], each["zone"]) for each in ran.result["machines"]] == [
        ("aws-1", "alpha-aws-1", "eu-central-1a"),
        ("aws-2", "alpha-aws-2", "eu-central-1b"),
        ("aws-3", "alpha-aws-3", "eu-central-1a"),
    ]

    again = run("aws_machines", **options)
    assert (again.changed, cloud.changes()) == (False, [])
    assert "diff" not in again.result
    assert again.result["machines"] == ran.result["machines"]


def test_before_there_is_a_network_check_mode_knows_what_would_come(run: Any, cloud: Any) -> None:
    ran = run("aws_machines", check=True, fleet="alpha", hosts=1)
    assert ran.result["diff"]["after"]["aws-1"]["id"] == "(known after apply)"
    assert run("aws_machines", fleet="alpha", hosts=1).codes == ["launch-incomplete"]
    assert cloud.changes() == []


@pytest.mark.slow
def test_edits_are_undone_without_a_new_machine(run: Any, cloud: Any, options: dict[str, Any]) -> None:
    run("aws_machines", **options)
    before = instances(cloud)
    edit(cloud, before["alpha-aws-1"]["InstanceId"], Name="x", praxis_fleet="stolen", praxis_slot="aws-9")
    edit(cloud, before["alpha-aws-2"]["InstanceId"], own="kept")
    cloud.client("ec2").stop_instances(InstanceIds=[before["alpha-aws-3"]["InstanceId"]])
    cloud.operations.clear()

    predicted = run("aws_machines", check=True, **options)
    assert cloud.changes() == []
    ran = run("aws_machines", **options)
    assert ran.result["diff"] == predicted.result["diff"]
    assert sorted(cloud.changes()) == ["CreateTags", "StartInstances"]
    after = instances(cloud)
    assert {name: each["InstanceId"] for name, each in after.items()} == {
        name: each["InstanceId"] for name, each in before.items()
    }
    assert {"Key": "own", "Value": "kept"} in after["alpha-aws-2"]["Tags"]
    assert not run("aws_machines", **options).changed


@pytest.mark.slow
def test_a_terminated_machine_is_replaced_in_its_slot(run: Any, cloud: Any, options: dict[str, Any]) -> None:
    run("aws_machines", **options)
    dead = instances(cloud)["alpha-aws-2"]
    cloud.client("ec2").terminate_instances(InstanceIds=[dead["InstanceId"]])
    cloud.operations.clear()
    assert run("aws_machines", **options).result["launched"] == ["aws-2"]
    new = instances(cloud)["alpha-aws-2"]
    assert new["InstanceId"] != dead["InstanceId"]
    assert new["ClientToken"] != dead["ClientToken"]


@pytest.mark.slow
def test_shrinking_must_be_allowed(run: Any, cloud: Any, options: dict[str, Any]) -> None:
    run("aws_machines", **options)
    cloud.operations.clear()
    fewer = {**options, "hosts": 1}
    refused = run("aws_machines", **fewer)
    assert (refused.codes, cloud.changes()) == (["would-shrink"], [])
    allowed = run("aws_machines", **fewer, allow_shrink=True)
    assert cloud.changes() == ["TerminateInstances"]
    assert len(allowed.result["terminated"]) == 2
    assert list(instances(cloud)) == ["alpha-aws-1"]


@pytest.mark.slow
def test_absent_takes_this_fleets_own_and_nothing_else(run: Any, cloud: Any, options: dict[str, Any]) -> None:
    run("aws_machines", **options)
    run("aws_machines", **{**options, "fleet": "beta", "hosts": 1})
    mine = instances(cloud)["alpha-aws-3"]["InstanceId"]
    stranger = cloud.client("ec2").run_instances(
        ImageId=options["image_id"],
        MinCount=1,
        MaxCount=1,
        TagSpecifications=[
            {
                "ResourceType": "instance",
                "Tags": [{"Key": "Name", "Value": "bastion"}, {"Key": "praxis_fleet", "Value": "alpha"}],
            }
        ],
    )["Instances"][0]["InstanceId"]
    cloud.operations.clear()
    gone = {"fleet": "alpha", "state": "absent"}
    predicted = run("aws_machines", check=True, **gone)
    assert (len(predicted.result["terminated"]), cloud.changes()) == (3, [])
    ran = run("aws_machines", **gone)
    assert cloud.changes() == ["TerminateInstances"]
    assert mine in ran.result["terminated"]
    assert stranger not in ran.result["terminated"]
    assert set(instances(cloud)) == {"beta-aws-1", "bastion"}
    assert not run("aws_machines", **gone).changed


def test_a_foreign_machine_in_our_slot_is_named(run: Any, cloud: Any, options: dict[str, Any]) -> None:
    tags = {"Name": "mine", "praxis_fleet": "alpha", "praxis_slot": "aws-1"}
    cloud.client("ec2").run_instances(
        ImageId=options["image_id"],
        MinCount=1,
        MaxCount=1,
        TagSpecifications=[
            {"ResourceType": "instance", "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
        ],
    )
    cloud.operations.clear()
    assert run("aws_machines", **options).codes == ["slot-taken"]
    assert cloud.changes() == []


@pytest.mark.slow
@pytest.mark.parametrize("fate", ["RequestLimitExceeded", "InvalidGroup.NotFound", "InvalidSubnetID.NotFound",
                                  UNPASSED, UNSEEN])
def test_a_refused_launch_is_sent_again(run: Any, cloud: Any, options: dict[str, Any], fate: str) -> None:
    cloud.fault["RunInstances"] = [fate]
    one = {**options, "hosts": 1}
    assert len(run("aws_machines", **one).result["machines"]) == 1
    assert len(instances(cloud)) == 1
    assert not run("aws_machines", **one).changed


@pytest.mark.slow
def test_a_launch_whose_answer_is_lost_is_sent_again_with_its_token(
    run: Any, cloud: Any, options: dict[str, Any]
) -> None:
    """By the token EC2 knows the request; the cloud in this process does not observe it, and so makes two."""
    cloud.fault["RunInstances"] = ["lost"]
    run("aws_machines", **{**options, "hosts": 1})
    reservations = cloud.client("ec2").describe_instances()["Reservations"]
    tokens = [each["ClientToken"] for reservation in reservations for each in reservation["Instances"]]
    assert len(tokens) == 2
    assert len(set(tokens)) == 1


@pytest.mark.slow
def test_a_launch_that_fails_beside_one_that_does_not_names_both(
    run: Any, cloud: Any, options: dict[str, Any]
) -> None:
    cloud.fault["RunInstances"] = ["InsufficientInstanceCapacity"]
    stopped = run("aws_machines", **options)
    assert stopped.codes == ["cloud-quota", "machines-half-made"]
    made = instances(cloud)
    assert len(made) == 2
    assert all(each["InstanceId"] in stopped.result["msg"] for each in made.values())
    assert len(run("aws_machines", **options).result["launched"]) == 1


@pytest.mark.slow
def test_surplus_stays_while_a_slot_has_no_machine(run: Any, cloud: Any, options: dict[str, Any]) -> None:
    run("aws_machines", **options)
    cloud.client("ec2").terminate_instances(InstanceIds=[instances(cloud)["alpha-aws-1"]["InstanceId"]])
    cloud.fault["RunInstances"] = ["InsufficientInstanceCapacity"]
    stopped = run("aws_machines", **{**options, "hosts": 1}, allow_shrink=True)
    assert stopped.codes == ["cloud-quota"]
    assert set(instances(cloud)) == {"alpha-aws-2", "alpha-aws-3"}


@pytest.mark.slow
def test_a_new_machine_gives_out_its_role_for_a_token_only(run: Any, cloud: Any, options: dict[str, Any]) -> None:
    run("aws_machines", **{**options, "hosts": 1})
    assert [each["MetadataOptions"]["HttpTokens"] for each in instances(cloud).values()] == ["required"]


@pytest.mark.slow
def test_a_machine_that_is_not_listed_in_time_is_named(run: Any, cloud: Any, options: dict[str, Any]) -> None:
    """EC2 lists a new machine late: here, never."""
    cloud.hidden = True
    try:
        stopped = run("aws_machines", **{**options, "hosts": 1, "deadline": 1})
    finally:
        cloud.hidden = False
    [made] = list(instances(cloud).values())
    assert stopped.codes == ["machines-not-running"]
    assert f"aws-1 ({made['InstanceId']}, not listed)" in stopped.result["msg"]


@pytest.mark.slow
def test_a_machine_that_is_stopping_keeps_no_other_from_being_started(
    run: Any, cloud: Any, options: dict[str, Any]
) -> None:
    """EC2 refuses StartInstances whole for one that is still stopping: the others start, and it when it has stopped."""
    run("aws_machines", **options)
    ids = {name: each["InstanceId"] for name, each in instances(cloud).items()}
    cloud.client("ec2").stop_instances(InstanceIds=list(ids.values()))
    cloud.operations.clear()
    cloud.fault["StartInstances"] = ["IncorrectInstanceState"]
    again = run("aws_machines", **options)
    assert again.changed and len(again.result["machines"]) == 3
    assert {each["State"]["Name"] for each in instances(cloud).values()} == {"running"}


@pytest.mark.slow
def test_a_hop_limit_that_was_raised_is_one_again(run: Any, cloud: Any, options: dict[str, Any]) -> None:
    """With two hops a container reaches the machine's role: what is set at launch is also kept."""
    run("aws_machines", **options)
    raised, *others = [each["InstanceId"] for each in instances(cloud).values()]
    cloud.client("ec2").modify_instance_metadata_options(
        InstanceId=raised, HttpTokens="required", HttpPutResponseHopLimit=2
    )
    cloud.operations.clear()
    predicted = run("aws_machines", check=True, **options)
    assert (predicted.changed, cloud.changes()) == (True, [])
    assert "metadata_hops" in str(predicted.result["diff"])
    assert run("aws_machines", **options).changed
    assert cloud.changes() == ["ModifyInstanceMetadataOptions"]
    there = instances(cloud).values()
    hops = {each["InstanceId"]: each["MetadataOptions"]["HttpPutResponseHopLimit"] for each in there}
    assert hops == dict.fromkeys([raised, *others], 1)
    assert not run("aws_machines", **options).changed


@pytest.mark.slow
@pytest.mark.parametrize("operation", ["CreateTags", "ModifyInstanceAttribute", "ModifyInstanceMetadataOptions"])
def test_one_machine_that_cannot_be_changed_keeps_no_other_from_its_changes(
    run: Any, cloud: Any, options: dict[str, Any], operation: str
) -> None:
    """The others are changed, started and launched, and the one is named."""
    run("aws_machines", **{**options, "hosts": 2})
    ids = [each["InstanceId"] for each in instances(cloud).values()]
    ec2 = cloud.client("ec2")
    other = ec2.create_security_group(
        GroupName="other", Description="o", VpcId=ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    )["GroupId"]
    for id_ in ids:
        edit(cloud, id_, praxis_role="edited")
        ec2.modify_instance_attribute(InstanceId=id_, Groups=[other])
        ec2.modify_instance_metadata_options(InstanceId=id_, HttpTokens="optional")
    ec2.stop_instances(InstanceIds=ids)
    cloud.operations.clear()
    cloud.fault[operation] = ["UnauthorizedOperation"]
    stopped = run("aws_machines", **options)
    assert stopped.codes == ["cloud-denied", "machines-half-made"]
    after = instances(cloud)
    assert [each["State"]["Name"] for each in after.values()] == ["running"] * 3
    assert not run("aws_machines", **options).codes
    assert not run("aws_machines", **options).changed


@pytest.mark.slow
@pytest.mark.parametrize("fate", ["IncorrectInstanceState", UNPASSED, UNSEEN])
def test_a_profile_that_a_machine_cannot_take_yet_is_given_to_it_later(
    run: Any, cloud: Any, options: dict[str, Any], fate: str
) -> None:
    """EC2 answers IncorrectInstanceState for one that is neither running nor stopped; the profile, and the role in it,
    may have been made by the same run."""
    run("aws_machines", **{**options, "hosts": 1})
    iam = cloud.client("iam")
    iam.create_instance_profile(InstanceProfileName="member")
    cloud.operations.clear()
    cloud.fault["AssociateIamInstanceProfile"] = [fate]
    done = run("aws_machines", **{**options, "hosts": 1, "instance_profile": "member"})
    assert done.changed and not done.codes
    [one] = instances(cloud).values()
    assert one["IamInstanceProfile"]["Arn"].endswith("/member")


@pytest.mark.slow
@pytest.mark.parametrize(("edited", "setting"), [
    ({"HttpTokens": "optional"}, "metadata_tokens"),
    ({"HttpEndpoint": "disabled"}, "metadata_endpoint"),
])  # fmt: skip
def test_other_metadata_options_are_kept_as_they_were_launched(
    run: Any, cloud: Any, options: dict[str, Any], edited: dict[str, Any], setting: str
) -> None:
    run("aws_machines", **{**options, "hosts": 1})
    [one] = instances(cloud).values()
    cloud.client("ec2").modify_instance_metadata_options(InstanceId=one["InstanceId"], **edited)
    assert setting in str(run("aws_machines", check=True, **{**options, "hosts": 1}).result["diff"])
    assert run("aws_machines", **{**options, "hosts": 1}).changed
    [one] = instances(cloud).values()
    assert (one["MetadataOptions"]["HttpTokens"], one["MetadataOptions"]["HttpEndpoint"]) == ("required", "enabled")


@pytest.mark.parametrize("way", ["DisableApiTermination", "disk"])
@pytest.mark.slow
def test_what_somebody_protects_from_its_removal_stays_protected(
    run: Any, cloud: Any, options: dict[str, Any], way: str
) -> None:
    """A machine against its termination, or its disk against going with it: no edit that a run undoes."""
    options["root_device"] = "/dev/sda1"
    run("aws_machines", **{**options, "hosts": 1})
    [one] = instances(cloud).values()
    disk = {"DeviceName": "/dev/sda1", "Ebs": {"DeleteOnTermination": False}}
    edit_: dict[str, Any] = {"BlockDeviceMappings": [disk]} if way == "disk" else {way: {"Value": True}}
    cloud.client("ec2").modify_instance_attribute(InstanceId=one["InstanceId"], **edit_)
    cloud.operations.clear()
    assert not run("aws_machines", **{**options, "hosts": 1}).changed
    assert cloud.changes() == []


@pytest.mark.slow
def test_one_machine_that_may_not_be_terminated_keeps_no_other(run: Any, cloud: Any, options: dict[str, Any]) -> None:
    run("aws_machines", **options)
    ids = {name: each["InstanceId"] for name, each in instances(cloud).items()}
    protected = ids["alpha-aws-2"]
    cloud.client("ec2").modify_instance_attribute(InstanceId=protected, DisableApiTermination={"Value": True})
    cloud.operations.clear()
    stopped = run("aws_machines", **{**options, "hosts": 0, "state": "absent"})
    assert stopped.result.get("failures") and protected in stopped.result["msg"]
    assert set(instances(cloud)) == {"alpha-aws-2"}
