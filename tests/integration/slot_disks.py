# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The disks of a fleet's slots as the account's owner sees and handles them, past the product, on either cloud."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from .conftest import HOME, Cloud
from .owner import AwsOwner, GoogleOwner


@dataclass(frozen=True)
class Disk:
    """A disk.

    :param device: where a machine has it.
    :param image: what is on it, as the computer that the sandbox runs on has it.
    :param snapshot: what it was made of; empty: it was blank.
    :param attached: whether a machine has it.
    """

    id: str
    device: str
    image: Path
    snapshot: str
    attached: bool


class Disks(ABC):
    """Those of one fleet."""

    #: What the names of its slots begin with, and the GiB of its disks.
    SLOT: str
    SIZE: int
    #: The operations of one member's way out of service, to another disk, and back.
    RESTORED: tuple[str, ...]

    def __init__(self, fleet: str) -> None:
        self.fleet = fleet

    @staticmethod
    @abstractmethod
    def moves(operation: str) -> bool:
        """Whether an operation changes a disk, whose it is, or who gets requests."""

    @abstractmethod
    def of_slots(self, what: str = "slot") -> dict[str, Disk]:
        """The slots' disks, by slot.

        :param what: they say to be.
        """

    @abstractmethod
    def terminate(self, machine: str) -> None:
        """Remove a machine, and wait until it is gone."""

    @abstractmethod
    def detach(self, disk: Disk, machine: str) -> None:
        """Take a disk from a machine."""

    @abstractmethod
    def snapshot(self, disk: Disk, name: str) -> str:
        """Make a snapshot of a disk; what names it."""

    @abstractmethod
    def bring(self, machine: str) -> str:
        """Attach a blank disk of nobody's to a machine; where the machine has it."""


class AwsDisks(Disks):
    SLOT, SIZE = "aws", 1
    RESTORED = ("DeregisterTargets", "CreateVolume", "DetachVolume", "AttachVolume", "RegisterTargets")

    @staticmethod
    def moves(operation: str) -> bool:
        return operation.endswith(("Volume", "Targets"))

    def __init__(self, cloud: Cloud, fleet: str) -> None:
        super().__init__(fleet)
        self.ec2 = boto3.client("ec2", **AwsOwner(cloud.environment, HOME).keys)

    def of_slots(self, what: str = "slot") -> dict[str, Disk]:
        wanted = {"praxis_fleet": self.fleet, "praxis_data": what}
        filters = [{"Name": f"tag:{key}", "Values": [value]} for key, value in wanted.items()]
        found = self.ec2.describe_volumes(Filters=filters)["Volumes"]
        return {next(tag["Value"] for tag in each["Tags"] if tag["Key"] == "praxis_slot"): self._disk(each)
                for each in found}

    def terminate(self, machine: str) -> None:
        self.ec2.terminate_instances(InstanceIds=[machine])
        self.ec2.get_waiter("instance_terminated").wait(InstanceIds=[machine], WaiterConfig={"Delay": 1})

    def detach(self, disk: Disk, machine: str) -> None:
        self.ec2.detach_volume(VolumeId=disk.id, InstanceId=machine)

    def snapshot(self, disk: Disk, name: str) -> str:
        return str(self.ec2.create_snapshot(VolumeId=disk.id)["SnapshotId"])

    def bring(self, machine: str) -> str:
        [found] = self.ec2.describe_instances(InstanceIds=[machine])["Reservations"][0]["Instances"]
        made = self.ec2.create_volume(AvailabilityZone=found["Placement"]["AvailabilityZone"], Size=self.SIZE)
        self.ec2.attach_volume(VolumeId=made["VolumeId"], InstanceId=machine, Device="/dev/sdg")
        return _device(made["VolumeId"])

    def _disk(self, each: dict[str, Any]) -> Disk:
        id_ = each["VolumeId"]
        return Disk(id_, _device(id_), HOME / "aws" / "volumes" / f"{id_}.img", each.get("SnapshotId", ""),
                    each["State"] == "in-use")


class GoogleDisks(Disks):
    SLOT, SIZE = "gcp", 10
    RESTORED = ("instanceGroups.removeInstances", "disks.insert", "instances.detachDisk", "instances.attachDisk",
                "instanceGroups.addInstances")

    @staticmethod
    def moves(operation: str) -> bool:
        return operation.startswith("disks.") and not operation.endswith("setLabels") or operation.endswith(
            ("Disk", "Instances"))

    def __init__(self, cloud: Cloud, fleet: str) -> None:
        super().__init__(fleet)
        self.owner = GoogleOwner(cloud.environment, HOME)

    def of_slots(self, what: str = "slot") -> dict[str, Disk]:
        mine = {"praxis_fleet": self.fleet, "praxis_data": what}
        found = [each for each in self._all() if mine.items() <= each.get("labels", {}).items()]
        return {each["labels"]["praxis_slot"]: self._disk(each) for each in found}

    def terminate(self, machine: str) -> None:
        self.owner.finish(self.owner.call("DELETE", self._machine(machine)))

    def detach(self, disk: Disk, machine: str) -> None:
        done = self.owner.call("POST", f"{self._machine(machine)}/detachDisk", deviceName="praxis-data")
        self.owner.finish(done)

    def snapshot(self, disk: Disk, name: str) -> str:
        [link] = [each["selfLink"] for each in self._all() if each["name"] == disk.id]
        self.owner.finish(self.owner.call("POST", f"{link}/createSnapshot", {"name": name}))
        return name

    def bring(self, machine: str) -> str:
        there = self._machine(machine)
        zone = there.split("/instances/")[0]
        made = self.owner.call("POST", f"{zone}/disks", {"name": "theirs", "sizeGb": str(self.SIZE)})
        self.owner.finish(made)
        body = {"source": made["targetLink"], "deviceName": "theirs"}
        self.owner.finish(self.owner.call("POST", f"{there}/attachDisk", body))
        return "/dev/disk/by-id/google-theirs"

    def _all(self) -> list[dict[str, Any]]:
        return list(self.owner.scoped("aggregated/disks"))

    def _machine(self, name: str) -> str:
        [link] = [each["selfLink"] for each in self.owner.scoped("aggregated/instances") if each["name"] == name]
        return link

    def _disk(self, each: dict[str, Any]) -> Disk:
        return Disk(each["name"], "/dev/disk/by-id/google-praxis-data", HOME / "gcp" / "disks" / f"{each['id']}.img",
                    each.get("sourceSnapshot", "").rpartition("/")[2], bool(each.get("users")))


def _device(volume: str) -> str:
    return f"/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_{volume.replace('-', '')}"


def disks_of(cloud: Cloud, fleet: str) -> Disks:
    return {"aws": AwsDisks, "gcp": GoogleDisks}[cloud.name](cloud, fleet)
