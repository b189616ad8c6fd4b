# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The slots' disks as a part of a fleet's plan, on every cloud. One observation for those of all slots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.parallel import gathered, map_parallel
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.data import check_data
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure import data_volumes
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.data_volumes import (
    DATA_VALUE,
    REPLACED,
    Volume,
)
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.plan import Row


class Disks(Protocol):
    """One fleet's disks, as a cloud has them."""

    def observe(self) -> list[Volume]:
        """Those of all slots."""

    def read(self, id_: str, zone: str) -> Volume | None:
        """A disk, be it of a slot or not; None: there is none of that id."""

    def create(self, slot: str, zone: str, size: int, snapshot: str, value: str = DATA_VALUE) -> Volume:
        """Make a slot's disk.

        :param size: GiB.
        :param snapshot: what it is made of; empty: it is blank.
        :param value: of the tag that tells what it is.
        """

    def enlarge(self, disk: Volume, size: int) -> None:
        """Make it larger, and wait until it is."""

    def attach(self, disk: Volume, machine: str) -> None:
        """Attach it, once it is free, and wait until it is attached.

        :raises Failed: ``data-attached``.
        """

    def detach(self, disk: Volume, machine: str) -> None:
        """Take it from a machine that has it no longer in use, and wait until it is free."""

    def relabel(self, disk: Volume, value: str) -> None:
        """Say anew what it is."""

    def name(self, slot: str) -> str:
        """That of a slot's disk."""


@dataclass
class SlotDisks:
    """What ``praxis_data`` asks of a cloud.

    :param cloud: ``aws`` or ``gcp``.
    :param data: ``praxis_data``; without a size nothing is made and nothing is touched.
    """

    disks: Disks
    cloud: str
    data: Mapping[str, Any]
    where: str
    _seen: list[Volume] = field(default_factory=list)

    def plan(self, zones: Mapping[str, str], machines: Mapping[str, str]) -> list[Row]:
        """What would be done, as rows. Only reads.

        :param zones: by slot, the zone that its machine is in or will be in; empty where that is not known.
        :param machines: by slot, the id of the machine that has it and stays.
        :raises Failed: ``bad-data``, ``data-shrink``, ``data-zone``, ``data-volumes-several``.
        """
        if self.data and (findings := check_data(self.data, self.where, self.cloud)):
            raise Failed(*findings)
        if not self.data.get("size"):
            return []
        self._seen = self.disks.observe()
        want = data_volumes.wanted(self.data, zones)
        found = data_volumes.by_slot(self._seen, self.where)
        if findings := data_volumes.check(want, found, self.where):
            raise Failed(*findings)
        return data_volumes.rows(want, found, machines, {slot: self.disks.name(slot) for slot in zones})

    def apply(self, running: Sequence[Mapping[str, str]]) -> None:
        """Carry it out, on machines that run.

        :param running: the machines as results have them.
        :raises Failed: what could not be made; ``data-zone``, ``data-attached``, ``data-not-enlarged``.
        """
        if not self.data.get("size"):
            return
        want = data_volumes.wanted(self.data, {each["slot"]: each["zone"] for each in running})
        found = data_volumes.by_slot(self._seen, self.where)
        # A machine that was launched since may be in another zone than could be known.
        if findings := data_volumes.check(want, found, self.where):
            raise Failed(*findings)
        gathered(map_parallel(lambda machine: self._keep(want, found.get(machine["slot"]), machine), running))

    def _keep(self, want: data_volumes.Wanted, disk: Volume | None, machine: Mapping[str, str]) -> None:
        if disk is None:
            slot = machine["slot"]
            disk = self.disks.create(slot, machine["zone"], want.size, want.snapshots.get(slot, ""))
        elif disk.size < want.size:
            self.disks.enlarge(disk, want.size)
        if disk.machine != machine["instance_id"]:
            self.disks.attach(disk, machine["instance_id"])


def put_in_place(disks: Disks, old: Volume, new: Volume, machine: str) -> None:
    """Give a slot another disk. Its machine does not use the old one any more; that stays, as replaced.

    Whoever stops in between leaves two disks that say to be the slot's, or one that is attached to nobody: provisioning
    refuses the first, and attaches the other. It never finds a slot without a disk.
    """
    disks.detach(old, machine)
    disks.relabel(new, DATA_VALUE)
    disks.relabel(old, REPLACED)
    disks.attach(new, machine)


def not_attached(disk: Volume, state: str, machine: str, command: str, where: str) -> Finding:
    """That a disk is not where its slot is.

    :param state: what it is instead.
    :param command: how somebody takes it from where it is.
    """
    what = f"The disk of {disk.slot} ({disk.id}) is {state} and not attached to {machine}, which has the slot."
    fix = f"When nothing writes to the disk, detach it ({command}), and run this again."
    return Finding("data-attached", what, where, fix)
