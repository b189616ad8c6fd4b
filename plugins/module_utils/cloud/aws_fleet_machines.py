# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The machines as a part of a fleet's plan in AWS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_machines import SETTINGS, Launch, Machines, summary
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_target_group import TargetGroup, leave, leaving
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_volumes import AwsDisks
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Poll
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.selector import selector
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.slot_disks import SlotDisks
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.machines import (
    LIVE,
    PROFILE,
    Changes,
    Machine,
    Wanted,
    diff,
    machine,
    slots,
    terminated,
)
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.aws_list import Settings, key_name
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.machine_rows import machine_rows
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.plan import Row
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.resource import UNKNOWN, Ids, resolve
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.settings import BALANCER

SLOT_PREFIX = "aws"


@dataclass
class FleetMachines:
    """One fleet's machines: planned with the ids that are known, made with those that exist by then.

    :param running: after :meth:`apply`, the machines as results have them; empty before.
    """

    client: AwsClient
    options: Mapping[str, Any]
    settings: Settings
    poll: Poll = field(default_factory=Poll)
    changes: Changes = field(default_factory=Changes)
    running: list[dict[str, str]] = field(default_factory=list)
    _seen: list[dict[str, Any]] = field(default_factory=list)
    _image: dict[str, Any] = field(default_factory=dict)
    _volumes: SlotDisks | None = None

    def plan(self, ids: Ids) -> list[Row]:
        """What would be done, as rows. Only reads.

        :raises Failed: slots in dispute, machines to be terminated without leave or with which nobody would serve, no
            image to launch from.
        """
        wanted = self._wanted(ids)
        self._seen = self._machines.observe([group for group in wanted.groups if group != UNKNOWN])
        found = self._found()
        self.changes = diff(wanted, found, allow_shrink=self.options["allow_shrink"])
        if group := self._group(ids):
            leaving(group, self._going, some_stay=bool(wanted.slots))
        if self.changes.launch:
            self._image = self._newest_image()
        where = f"fleet {self.options['fleet']} in {self.client.region}"
        disks = AwsDisks(self.client, wanted, where, float(self.options["deadline"]), self.poll)
        self._volumes = SlotDisks(disks, "aws", self.options["data"], where)
        held = {each.slot: each.id for each in found if each.state in LIVE and each.id not in self.terminated}
        return [*machine_rows(wanted, found, self.changes), *self._volumes.plan(self._zones(wanted), held)]

    def apply(self, ids: Ids) -> None:
        """Carry it out, and wait until every slot has a running machine with an address."""
        wanted, found = self._wanted(ids), self._found()
        # What was unknown has an id by now; nothing else can differ.
        self.changes = diff(wanted, found, allow_shrink=self.options["allow_shrink"])
        launched = {}
        if self.changes:
            staying = replace(self.changes, terminate=())
            launched = self._machines.apply(staying, wanted, self._launch(ids), terminated(found))
            self._let_go(wanted, ids)
        instances = self._settled(wanted)
        if self.changes or not instances:
            instances = self._machines.wait(wanted.groups, wanted.slots, self.options["deadline"], launched)
        self.running = [summary(each, slot) for each, slot in zip(instances, wanted.slots, strict=True)]
        if self._volumes:
            self._volumes.apply(self.running)

    def _let_go(self, wanted: Wanted, ids: Ids) -> None:
        """Terminate the machines that are too many, once the load balancer has let them end their requests."""
        if group := self._group(ids):
            leave(group, self._going, self.poll, some_stay=bool(wanted.slots))
        self._machines.terminate(self.changes.terminate)

    def _group(self, ids: Ids) -> TargetGroup | None:
        """What machines that go are to leave; None where none goes, and while there is none."""
        settings = self.settings
        kept = settings.makes_balancer and BALANCER in settings.parts
        named = settings.existing.target_group or (ids.get(("target_group", settings.name), "") if kept else "")
        if not named or not self.changes.terminate:
            return None
        return TargetGroup(self.client, selector("target_group", named), self.poll)

    @property
    def _going(self) -> set[str]:
        """What a target group may know the machines by that go."""
        going = self.changes.terminate
        return {*going, *(seen.get("PrivateIpAddress", "") for seen in self._seen if seen["InstanceId"] in going)}

    @property
    def launched(self) -> list[str]:
        """The slots that get a machine."""
        return list(self.changes.launch)

    @property
    def there(self) -> int:
        """How many slots have a machine."""
        return int(self.options["hosts"]) - len(self.changes.launch)

    @property
    def terminated(self) -> list[str]:
        """Ids of the instances that go."""
        return list(self.changes.terminate)

    @property
    def _machines(self) -> Machines:
        return Machines(self.client, self.options["fleet"], self.poll)

    def _found(self) -> list[Machine]:
        return [each for each in (machine(seen, self.options["fleet"]) for seen in self._seen) if each]

    def _settled(self, wanted: Wanted) -> list[dict[str, Any]]:
        """The instances as they were seen, when all of them run and have an address; else none."""
        running = {
            each.slot: seen
            for seen, each in zip(self._seen, self._found(), strict=True)
            if each.state == "running" and seen.get("PrivateIpAddress")
        }
        return [running[slot] for slot in wanted.slots] if set(wanted.slots) <= set(running) else []

    def _zones(self, wanted: Wanted) -> dict[str, str]:
        """By slot, the zone that its machine is in or will be in; empty where a subnet of the user's decides that."""
        there = {
            each.slot: str(seen["Placement"]["AvailabilityZone"])
            for seen, each in zip(self._seen, self._found(), strict=True)
            if each.state in LIVE
        }
        zones = [] if self.settings.existing.subnets else [*self.settings.zones]
        new = {slot: zones[number % len(zones)] if zones else "" for number, slot in enumerate(wanted.slots)}
        return {slot: there.get(slot) or new[slot] for slot in wanted.slots}

    def _wanted(self, ids: Ids) -> Wanted:
        settings = self.settings
        profile = settings.existing.instance_profile or settings.role
        return Wanted(
            settings.fleet,
            slots(SLOT_PREFIX, self.options["hosts"]),
            labels=dict(settings.labels),
            groups=tuple(resolve(settings.member_groups, ids)),
            settings={**SETTINGS, PROFILE: profile},
        )

    def _launch(self, ids: Ids) -> Launch:
        options = self.options
        return Launch(
            image_id=self._image.get("ImageId", ""),
            root_device=self._image.get("RootDeviceName", ""),
            root_volume_gb=options["root_volume_gb"],
            instance_type=options["instance_type"],
            # In the zones' order, in which slots take them in turn.
            subnet_ids=tuple(str(resolve(each, ids)) for each in self.settings.subnets),
            key_name=key_name(self.settings),
            instance_profile=self.settings.existing.instance_profile or self.settings.role,
        )

    def _newest_image(self) -> dict[str, Any]:
        """:raises Failed: ``image-not-found``."""
        options = self.options
        if options["image_id"]:
            which: dict[str, Any] = {"Filters": [{"Name": "image-id", "Values": [options["image_id"]]}]}
            said = f"has the id {options['image_id']}"
        else:
            named = {"name": options["image_name"], "state": "available"}
            which = {
                "Owners": [options["image_owner"]],
                "Filters": [{"Name": key, "Values": [value]} for key, value in named.items()],
            }
            said = f"of owner {options['image_owner']} is named {options['image_name']}"
        found = list(self.client.paginate("ec2", "describe_images", **which))
        if not found:
            fix = "Set provision_image_id (praxis_image_id) to a Debian 12 or 13 image."
            what = f"No AMI in {self.client.region} {said}."
            raise Failed(Finding("image-not-found", what, f"fleet {options['fleet']}", fix))
        newest: dict[str, Any] = max(found, key=lambda each: str(each.get("CreationDate", "")))
        return newest
