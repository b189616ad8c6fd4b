# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The slots' EBS volumes. One request observes those of all slots."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_kind import unless_gone
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import Conflict, NotFound
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.parallel import gathered, map_parallel
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Poll
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.slot_disks import not_attached
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.data import AWS_DEVICE
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.machines import Wanted as Machines
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import FLEET_TAG, tag_list, tags_of
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.data_volumes import (
    DATA_TAG,
    DATA_VALUE,
    Volume,
)

#: States of a modification in which the volume has its new size already.
ENLARGED = ("optimizing", "completed")
PAGE_SIZE = 500
#: Seconds for which EC2 may not know what was just made.
LATE = 10.0


@dataclass
class AwsDisks:
    """One fleet's volumes in one region.

    :param machines: what the fleet's machines are called, and their tags.
    """

    client: AwsClient
    machines: Machines
    where: str
    seconds: float = 300.0
    poll: Poll = field(default_factory=Poll)

    def observe(self) -> list[Volume]:
        """Those of all slots."""
        return observe(self.client, self.machines.fleet)

    def read(self, id_: str, _zone: str) -> Volume | None:
        """A volume, be it of a slot or not; None: there is none of that id."""
        try:
            [found] = self._call("describe_volumes", VolumeIds=[id_])["Volumes"]
        except NotFound:
            return None
        return volume(found)

    def name(self, slot: str) -> str:
        """That of a slot's volume."""
        return f"{self.machines.name(slot)}-data"

    def create(self, slot: str, zone: str, size: int, snapshot: str, value: str = DATA_VALUE) -> Volume:
        """Make a slot's volume.

        :param value: of the tag that tells what it is.
        """
        tags = {**self.machines.tags(slot), "Name": self.name(slot), DATA_TAG: value}
        request = {
            "AvailabilityZone": zone,
            "Size": size,
            "VolumeType": "gp3",
            "Encrypted": True,
            # Only a repeated request is to be known by it: what an earlier run made has been observed.
            "ClientToken": str(uuid.uuid4()),
            "TagSpecifications": [{"ResourceType": "volume", "Tags": tag_list(tags)}],
            **({"SnapshotId": snapshot} if snapshot else {}),
        }

        # What it names may be too new to be known.
        made = self.poll.allowed(lambda: self._call("create_volume", **request), NotFound, seconds=LATE)
        return Volume(str(made["VolumeId"]), slot, zone, size)

    def enlarge(self, disk: Volume, size: int) -> None:
        """Make it larger.

        :raises Failed: ``data-not-enlarged``.
        """
        self._call("modify_volume", VolumeId=disk.id, Size=size)

        def state() -> str:
            try:
                answer = self._call("describe_volumes_modifications", VolumeIds=[disk.id])["VolumesModifications"]
            except NotFound:  # not listed yet
                return ""
            return next((str(each["ModificationState"]) for each in answer if each.get("TargetSize") == size), "")

        last, done = self.poll.until(state, lambda found: found in ENLARGED, seconds=self.seconds)
        if not done:
            what = f"{disk.id} does not have {size} GiB after {self.seconds:.0f} s ({last or 'no state is known'})."
            raise Failed(Finding("data-not-enlarged", what, self.where, "Check the volume in EC2, then run this "
                                                                        "again."))

    def attach(self, disk: Volume, machine: str) -> None:
        """Once it is free: a machine that is being terminated lets go of it at its end.

        :raises Failed: ``data-attached``.
        """

        def attempt() -> str:
            try:
                [found] = self._call("describe_volumes", VolumeIds=[disk.id])["Volumes"]
                states = {each["InstanceId"]: str(each["State"]) for each in found.get("Attachments") or ()}
                if not states and found["State"] == "available":
                    self._call("attach_volume", VolumeId=disk.id, InstanceId=machine, Device=AWS_DEVICE)
                    return "attaching"
            except (Conflict, NotFound) as error:
                # Too new to be known; or attached since it was observed, or by a request whose answer was lost.
                return error.finding.what
            return ", ".join(f"{state} to {id_}" for id_, state in states.items()) or str(found["State"])

        wanted = f"attached to {machine}"
        state, done = self.poll.until(attempt, lambda state: state == wanted, seconds=self.seconds)
        if not done:
            command = f"aws ec2 detach-volume --volume-id {disk.id}"
            raise Failed(not_attached(disk, state, machine, command, self.where))

    def detach(self, disk: Volume, machine: str) -> None:
        """Take it from a machine that has it no longer in use, and wait until it is free.

        :raises Failed: ``data-attached``.
        """

        def state() -> str:
            [found] = self._call("describe_volumes", VolumeIds=[disk.id])["Volumes"]
            states = [str(each["State"]) for each in found.get("Attachments") or () if each["State"] != "detached"]
            if states == ["attached"]:
                self._call("detach_volume", VolumeId=disk.id, InstanceId=machine)
            return states[0] if states else str(found["State"])

        last, done = self.poll.until(state, lambda found: found == "available", seconds=self.seconds)
        if not done:
            what = f"The disk of {disk.slot} ({disk.id}) is {last}, and could not be detached from {machine}."
            raise Failed(Finding("data-attached", what, self.where, "See what uses the disk on the machine (fuser -vm "
                                                                    "/var/lib/praxis/data), then run this again."))

    def relabel(self, disk: Volume, value: str) -> None:
        """Say anew what it is."""
        self._call("create_tags", Resources=[disk.id], Tags=tag_list({DATA_TAG: value}))

    def _call(self, operation: str, **params: Any) -> dict[str, Any]:
        # All of these may be sent twice: they name their volume, or carry a token.
        return self.client.call("ec2", operation, idempotent=True, **params)


def observe(client: AwsClient, fleet: str, value: str = DATA_VALUE) -> list[Volume]:
    """The volumes of all slots of a fleet.

    :param value: of the tag that tells what it is; with ``*`` also those that are no slot's any more, or not yet.
    """
    tags = {FLEET_TAG: fleet, DATA_TAG: value}
    filters = [{"Name": f"tag:{key}", "Values": [wanted]} for key, wanted in tags.items()]
    found = client.paginate("ec2", "describe_volumes", Filters=filters, MaxResults=PAGE_SIZE)
    return sorted((volume(each) for each in found), key=lambda each: (each.slot, each.id))


def remove(client: AwsClient, volumes: Sequence[Volume], poll: Poll, seconds: float) -> None:
    """Remove them, once the machines have let go of them; gone ones are no error.

    :raises Failed: the cloud's refusal, where one is still in use by then.
    """

    def one(each: Volume) -> None:
        delete = partial(unless_gone, client, "ec2", "delete_volume", VolumeId=each.id)
        poll.allowed(delete, Conflict, seconds=seconds)

    gathered(map_parallel(one, volumes))


def volume(described: Mapping[str, Any]) -> Volume:
    """A volume in EC2's words."""
    tags = tags_of(described)
    attached = [each for each in described.get("Attachments") or () if each.get("State") != "detached"]
    return Volume(
        id=described["VolumeId"],
        slot=tags.get("praxis_slot", ""),
        zone=described["AvailabilityZone"],
        size=int(described["Size"]),
        machine=attached[0]["InstanceId"] if attached else "",
        device=attached[0].get("Device", "") if attached else "",
        tags=tags,
    )
