# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The slots' persistent disks. One request observes those of all slots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import Conflict, Invalid, NotFound
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_zones import everywhere
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.kind import tagged
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.parallel import gathered, map_parallel
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Poll
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.slot_disks import not_attached
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.data import GOOGLE_DEVICE
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.machines import Wanted as Machines
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import FLEET_TAG, mark_text
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.data_volumes import (
    DATA_TAG,
    DATA_VALUE,
    Volume,
)

#: A slot may have had other disks, which still have their names.
NAMES = 20
#: Seconds for which Compute Engine may not know what was just made.
LATE = 10.0


@dataclass
class GoogleDisks:
    """One fleet's disks in one project.

    :param machines: what the fleet's machines are called, and their labels.
    """

    client: GcpClient
    machines: Machines
    where: str
    seconds: float = 300.0
    poll: Poll = field(default_factory=Poll)

    def observe(self) -> list[Volume]:
        """Those of all slots, in all zones."""
        return self._observe(f"={DATA_VALUE}")

    def every(self) -> list[Volume]:
        """The same, and those that are no slot's any more, or not yet."""
        return self._observe(":*")

    def _observe(self, value: str) -> list[Volume]:
        wanted = f"labels.{FLEET_TAG}={self.machines.fleet} AND labels.{DATA_TAG}{value}"
        found = everywhere(self.client, self.client.project, "disks", wanted)
        return sorted(map(volume, found), key=lambda each: (each.slot, each.id))

    def read(self, id_: str, zone: str) -> Volume | None:
        """A disk, be it of a slot or not; None: there is none of that name."""
        try:
            return volume(self._get(f"zones/{zone}/disks/{id_}"))
        except NotFound:
            return None

    def name(self, slot: str) -> str:
        """That of a slot's first disk."""
        return f"{self.machines.name(slot)}-data"

    def create(self, slot: str, zone: str, size: int, snapshot: str, value: str = DATA_VALUE) -> Volume:
        """Make a slot's disk, under the first name of its that is free.

        :param value: of the label that tells what it is.
        :raises Failed: ``data-name-taken``.
        """
        source = self._snapshot(snapshot) if snapshot else ""
        body = {
            "description": mark_text(self.machines.fleet),
            "sizeGb": str(size),
            "type": f"zones/{zone}/diskTypes/pd-balanced",
            "labels": {**self.machines.tags(slot), DATA_TAG: value},
            **({"sourceSnapshot": source} if source else {}),
        }
        for number in range(1, NAMES + 1):
            name = self.name(slot) + (f"-{number}" if number > 1 else "")
            make = partial(self._change, "POST", f"zones/{zone}/disks", {"name": name, **body}, f"disk {name}")
            try:
                self.poll.allowed(make, NotFound, seconds=LATE)
            except Conflict:
                # It is there: made by another run meanwhile, or by a request whose answer was lost; or not the slot's,
                # or of other data, which a restoration left that did not get to its end.
                there = self._get(f"zones/{zone}/disks/{name}")
                if not (self._is_of(there, slot, value) and _made_of(there, source)):
                    continue
                return volume(there)
            return Volume(name, slot, zone, size)
        what = f"All names for a disk of {slot} are taken, up to {name}."
        raise Failed(Finding("data-name-taken", what, self.where, "Remove the disks that are not needed, and run this "
                                                                  "again."))

    def enlarge(self, disk: Volume, size: int) -> None:
        """Make it larger."""
        path = f"{_path(disk)}/resize"
        try:
            self._change("POST", path, {"sizeGb": str(size)}, f"disk {disk.id}")
        except Invalid:
            # It may be so large already: enlarged since it was observed, or by a request whose answer was lost.
            if int(self._get(_path(disk))["sizeGb"]) < size:
                raise

    def attach(self, disk: Volume, machine: str) -> None:
        """Once it is free: a machine that is being deleted lets go of it at its end.

        :raises Failed: ``data-attached``.
        """
        link = f"projects/{self.client.project}/{_path(disk)}"
        body = {"source": link, "deviceName": GOOGLE_DEVICE, "mode": "READ_WRITE", "autoDelete": False}
        path = f"zones/{disk.zone}/instances/{machine}/attachDisk"

        def attempt() -> str:
            try:
                users = [_last(each) for each in self._get(_path(disk)).get("users") or ()]
                if not users:
                    self._change("POST", path, body, f"disk {disk.id}")
                    return f"attached to {machine}"
            except (Conflict, NotFound) as error:  # attached since it was observed; or too new to be known
                return error.finding.what
            return f"attached to {', '.join(users)}"

        wanted = f"attached to {machine}"
        state, done = self.poll.until(attempt, lambda state: state == wanted, seconds=self.seconds)
        if not done:
            command = f"gcloud compute instances detach-disk MACHINE --zone {disk.zone} --disk {disk.id}"
            raise Failed(not_attached(disk, state, machine, command, self.where))

    def detach(self, disk: Volume, machine: str) -> None:
        """Take it from a machine that has it no longer in use."""
        path = f"zones/{disk.zone}/instances/{machine}/detachDisk"
        self._change("POST", path, None, f"disk {disk.id}", deviceName=GOOGLE_DEVICE)

    def relabel(self, disk: Volume, value: str) -> None:
        """Say anew what it is."""
        found = self._get(_path(disk))
        labels = {**(found.get("labels") or {}), DATA_TAG: value}
        body = {"labels": labels, "labelFingerprint": found["labelFingerprint"]}
        self._change("POST", f"{_path(disk)}/setLabels", body, f"disk {disk.id}")

    def remove(self, disks: Sequence[Volume]) -> None:
        """Remove them; gone ones are no error."""
        gathered(map_parallel(self._remove, disks))

    def _remove(self, disk: Volume) -> None:
        try:
            self._change("DELETE", _path(disk), None, f"disk {disk.id}")
        except NotFound:
            return

    def _is_of(self, there: Mapping[str, Any], slot: str, value: str) -> bool:
        mine = {FLEET_TAG: self.machines.fleet, DATA_TAG: value, "praxis_slot": slot}
        return tagged(there.get("labels") or {}, mine)

    def _snapshot(self, named: str) -> str:
        return named if "/" in named else f"projects/{self.client.project}/global/snapshots/{named}"

    def _get(self, path: str) -> dict[str, Any]:
        return self.client.call("compute", "GET", self._url(path))

    def _change(self, verb: str, path: str, body: Mapping[str, Any] | None, what: str, **query: str) -> None:
        """A change, until its operation is over."""
        self.client.wait(self.client.change(verb, self._url(path), body, **query), seconds=self.seconds, what=what)

    def _url(self, path: str) -> str:
        return f"compute/v1/projects/{self.client.project}/{path}"


def volume(described: Mapping[str, Any]) -> Volume:
    """A disk in Compute Engine's words."""
    users = [_last(each) for each in described.get("users") or ()]
    labels = dict(described.get("labels") or {})
    return Volume(
        id=described["name"],
        slot=labels.get("praxis_slot", ""),
        zone=_last(described["zone"]),
        size=int(described["sizeGb"]),
        machine=users[0] if users else "",
        device=GOOGLE_DEVICE if users else "",
        tags={**labels, "Name": described["name"]},
    )


def _made_of(there: Mapping[str, Any], source: str) -> bool:
    """Whether a disk was made of this snapshot; empty: of none. Google shows a whole link and takes the end of one."""
    shown = str(there.get("sourceSnapshot") or "")
    return shown.endswith("/" + source.rpartition("projects/")[2]) if source else not shown


def _path(disk: Volume) -> str:
    return f"zones/{disk.zone}/disks/{disk.id}"


def _last(link: str) -> str:
    return link.rpartition("/")[2]
