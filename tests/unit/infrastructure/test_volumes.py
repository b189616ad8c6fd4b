# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The slots' disks in an AWS account: made once, attached to whoever has the slot, never smaller, kept at the end."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_backups import AwsBackups
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_members import member_of
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_volumes import AwsDisks, volume
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.slot_disks import put_in_place
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.machines import Wanted
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.data_volumes import REPLACED, RESTORING
from tests.unit.conftest import REGION, Cloud
from tests.unit.infrastructure.account import FLEET, Account, rows
from tests.unit.infrastructure.test_account import codes

pytestmark = pytest.mark.slow

DATA = {"size": 4}


def volumes(cloud: Cloud) -> dict[str, dict[str, Any]]:
    """The data volumes by slot."""
    filters = [{"Name": "tag:praxis_data", "Values": ["slot"]}]
    found = cloud.client("ec2").describe_volumes(Filters=filters)["Volumes"]
    by_slot = {next(tag["Value"] for tag in each["Tags"] if tag["Key"] == "praxis_slot"): each for each in found}
    assert len(by_slot) == len(found)
    cloud.operations.clear()
    return by_slot


def instances(cloud: Cloud) -> dict[str, dict[str, Any]]:
    """The live instances by slot."""
    found = [each for one in cloud.client("ec2").describe_instances()["Reservations"] for each in one["Instances"]]
    live = [each for each in found if each["State"]["Name"] == "running"]
    cloud.operations.clear()
    return {next(tag["Value"] for tag in each["Tags"] if tag["Key"] == "praxis_slot"): each for each in live}


def holders(cloud: Cloud) -> dict[str, str]:
    """By slot, the instance that has its disk."""
    return {slot: each["Attachments"][0]["InstanceId"] for slot, each in volumes(cloud).items()}


@pytest.fixture
def account(cloud: Cloud) -> Account:
    return Account(cloud, {"hosts": 2, "data": DATA, "balancer": False})


def test_each_slot_gets_a_disk_as_predicted_and_the_second_run_asks_once_for_all(account: Account) -> None:
    cloud = account.cloud
    predicted = account.present(check=True)
    made = account.present(plan_id=predicted["plan"]["id"])
    assert [row for row in rows(made) if row[1] == "data volume"] == [
        ("create", "data volume", f"{FLEET}-aws-1-data"), ("create", "data volume", f"{FLEET}-aws-2-data"),
    ]  # fmt: skip
    found, there = volumes(cloud), instances(cloud)
    assert holders(cloud) == {slot: each["InstanceId"] for slot, each in there.items()}
    for slot, each in found.items():
        assert (each["Size"], each["Encrypted"], each["VolumeType"]) == (4, True, "gp3")
        assert each["AvailabilityZone"] == there[slot]["Placement"]["AvailabilityZone"]
        tags = {tag["Key"]: tag["Value"] for tag in each["Tags"]}
        assert (tags["praxis_fleet"], tags["praxis_managed_by"]) == (FLEET, "provision")
    assert len({each["AvailabilityZone"] for each in found.values()}) == 2
    again = account.present()
    assert rows(again) == []
    assert cloud.operations.count("DescribeVolumes") == 1
    assert cloud.changes() == []


def test_without_a_size_nothing_is_asked_of_disks(account: Account) -> None:
    for data in ({}, {"path": "/srv/praxis"}):
        account.present(data=data)
        assert "DescribeVolumes" not in account.cloud.operations
    assert volumes(account.cloud) == {}


def test_the_next_machine_of_a_slot_has_its_disk(account: Account) -> None:
    cloud = account.cloud
    account.present()
    before = volumes(cloud)
    gone = instances(cloud)["aws-2"]["InstanceId"]
    cloud.client("ec2").terminate_instances(InstanceIds=[gone])
    made = account.present()
    assert ("change", "data volume", f"{FLEET}-aws-2-data") in rows(made)
    after = volumes(cloud)
    assert {slot: each["VolumeId"] for slot, each in after.items()} == {
        slot: each["VolumeId"] for slot, each in before.items()
    }
    assert holders(cloud)["aws-2"] == instances(cloud)["aws-2"]["InstanceId"] != gone


def test_a_disk_grows_and_is_never_made_smaller(account: Account) -> None:
    cloud = account.cloud
    account.present()
    larger = account.present(data={"size": 6})
    assert [row["fields"] for row in larger["plan"]["rows"]] == [[{"field": "size", "before": 4, "after": 6}]] * 2
    assert {each["Size"] for each in volumes(cloud).values()} == {6}
    with pytest.raises(Failed) as refused:
        account.present(data={"size": 5})
    assert codes(refused) == ["data-shrink", "data-shrink"]
    assert cloud.changes() == []


def test_a_machine_in_another_zone_than_its_disk_is_refused_before_anything_is_made(account: Account) -> None:
    cloud = account.cloud
    account.present()
    zones = sorted(each["AvailabilityZone"] for each in volumes(cloud).values())
    cloud.client("ec2").terminate_instances(InstanceIds=[each["InstanceId"] for each in instances(cloud).values()])
    with pytest.raises(Failed) as refused:
        account.present(zones=[*reversed(zones)])
    assert codes(refused) == ["data-zone", "data-zone"]
    assert instances(cloud) == {}


def test_two_disks_of_one_slot_are_refused(account: Account) -> None:
    cloud = account.cloud
    account.present()
    (one, *_others) = volumes(cloud).values()
    cloud.client("ec2").create_volume(AvailabilityZone=one["AvailabilityZone"], Size=4, TagSpecifications=[
        {"ResourceType": "volume", "Tags": one["Tags"]}])  # fmt: skip
    with pytest.raises(Failed) as refused:
        account.present()
    assert codes(refused) == ["data-volumes-several"]


def test_a_disk_that_another_machine_has_is_not_taken_away_from_it(account: Account) -> None:
    cloud = account.cloud
    account.present()
    ec2 = cloud.client("ec2")
    one, there = volumes(cloud)["aws-1"], instances(cloud)
    ec2.detach_volume(VolumeId=one["VolumeId"], InstanceId=there["aws-1"]["InstanceId"], Device="/dev/sdf")
    ec2.attach_volume(VolumeId=one["VolumeId"], InstanceId=there["aws-2"]["InstanceId"], Device="/dev/sdg")
    with pytest.raises(Failed) as refused:
        account.present()
    assert codes(refused) == ["data-attached"]
    assert holders(cloud)["aws-1"] == there["aws-2"]["InstanceId"]


def test_a_slot_that_has_no_disk_yet_gets_one_of_its_snapshot(account: Account) -> None:
    cloud = account.cloud
    account.present(hosts=1)
    kept = volumes(cloud)["aws-1"]["VolumeId"]
    snapshot = cloud.client("ec2").create_snapshot(VolumeId=kept)["SnapshotId"]
    account.present(data={**DATA, "snapshot": snapshot})
    found = volumes(cloud)
    assert (found["aws-1"]["VolumeId"], found["aws-2"]["SnapshotId"]) == (kept, snapshot)


def test_removal_keeps_the_disks_and_names_them_unless_asked_to_remove_them(account: Account) -> None:
    cloud = account.cloud
    account.present()
    ids = {slot: each["VolumeId"] for slot, each in volumes(cloud).items()}
    gone = account.absent()
    assert {each["slot"]: each["id"] for each in gone["data_volumes"]} == ids
    assert {slot: each["State"] for slot, each in volumes(cloud).items()} == dict.fromkeys(ids, "available")
    account.present()
    assert {slot: each["VolumeId"] for slot, each in volumes(cloud).items()} == ids
    predicted = account.absent(check=True, remove_data=True)
    assert [row["lost"] != "" for row in predicted["plan"]["rows"] if row["kind"] == "data volume"] == [True, True]
    assert sorted(volumes(cloud)) == sorted(ids)
    assert account.absent(remove_data=True)["data_volumes"] == []
    assert volumes(cloud) == {}


@pytest.mark.parametrize("value", [REPLACED, RESTORING, "mine"])
def test_a_removal_knows_disks_that_are_no_slot_s_any_more_and_backups(account: Account, value: str) -> None:
    """A restored disk takes the place of another, which stays and costs."""
    cloud = account.cloud
    account.present()
    found = {slot: each["VolumeId"] for slot, each in volumes(cloud).items()}
    other = AwsDisks(account.client(), Wanted(FLEET, ("aws-1",)), "here").create("aws-1", f"{REGION}a", 4, "", value)
    AwsBackups(account.client(), FLEET).start(found["aws-1"], "", "aws-1", "20261128t220823z", 5.0)
    predicted, kept = account.absent(check=True), account.absent()
    for one in (predicted, kept):
        assert {each["id"] for each in one["data_volumes"]} == {*found.values()}
        assert [(each["id"], each["slot"]) for each in one["replaced_volumes"]] == [(other.id, "aws-1")]
        assert one["backups"] == ["20261128t220823z"]
    gone = account.absent(remove_data=True)
    assert (gone["data_volumes"], gone["replaced_volumes"]) == ([], [])
    assert gone["backups"] == ["20261128t220823z"]
    assert cloud.client("ec2").describe_volumes(VolumeIds=[])["Volumes"] == []


def test_the_inventory_knows_the_disk_by_the_name_that_it_is_attached_as(account: Account) -> None:
    cloud = account.cloud
    account.present()
    ids = {slot: each["VolumeId"] for slot, each in volumes(cloud).items()}
    bare = {"InstanceId": "i-1", "Placement": {"AvailabilityZone": "a"}}
    every = {**instances(cloud), "aws-3": bare}
    found = {slot: member_of(each, REGION)["variables"]["praxis_data_volume"] for slot, each in every.items()}
    assert found == {**ids, "aws-3": ""}


def test_a_snapshot_is_known_by_its_tags_and_complete_once_that_is_said(account: Account) -> None:
    account.present(hosts=1)
    disk = volume(volumes(account.cloud)["aws-1"])
    backups = AwsBackups(account.client(), FLEET)
    id_ = backups.start(disk.id, disk.zone, disk.slot, "20261128t220823z", 5.0)
    # Somebody's own, of the same disk.
    account.cloud.client("ec2").create_snapshot(VolumeId=disk.id)
    (one,) = backups.observe()
    assert (one.id, one.name, one.slot, one.size, one.complete) == (id_, "20261128t220823z", "aws-1", 4, False)
    backups.complete(id_)
    assert [each.complete for each in backups.observe()] == [True]
    assert AwsBackups(account.client(), "another").observe() == []
    backups.remove(id_)
    backups.remove(id_)
    assert backups.observe() == []


def test_a_disk_in_the_place_of_another_leaves_provisioning_nothing_to_do(account: Account) -> None:
    account.present(hosts=1)
    old = volume(volumes(account.cloud)["aws-1"])
    snapshot = account.cloud.client("ec2").create_snapshot(VolumeId=old.id)["SnapshotId"]
    disks = AwsDisks(account.client(), Wanted(FLEET, ("aws-1",)), "here", 5.0, account.poll())
    new = disks.create("aws-1", old.zone, 4, snapshot, RESTORING)
    assert rows(account.present(hosts=1)) == []
    put_in_place(disks, old, new, old.machine)
    assert volumes(account.cloud)["aws-1"]["VolumeId"] == new.id
    assert holders(account.cloud) == {"aws-1": old.machine}
    assert rows(account.present(hosts=1)) == []
    [found] = account.cloud.client("ec2").describe_volumes(VolumeIds=[old.id])["Volumes"]
    assert (found["State"], {"Key": "praxis_data", "Value": "replaced"} in found["Tags"]) == ("available", True)
