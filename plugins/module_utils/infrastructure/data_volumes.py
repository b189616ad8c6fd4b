# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A disk a slot for the agents' data: what there should be, what there is, and what lies between. Pure.

A disk belongs to its slot, whichever machine has the slot. It is made, attached and enlarged; never made smaller, and
never removed but by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.plan import (
    CHANGE,
    CREATE,
    REMOVE,
    Field,
    Row,
)
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.resource import UNKNOWN

KIND = "data volume"
#: The tag (on Google Cloud, the label) that tells a slot's disk from the machine's own, which has the same other tags.
DATA_TAG, DATA_VALUE = "praxis_data", "slot"
#: What that tag says of a disk that a restored one has taken the place of; and of one that is on its way there.
REPLACED, RESTORING = "replaced", "restoring"
LOST = "everything that the slot's agent has stored"


@dataclass(frozen=True)
class Volume:
    """A disk as the cloud shows it.

    :param size: GiB.
    :param machine: the one that it is attached to; empty: none.
    :param device: the name that it is attached as.
    """

    id: str
    slot: str
    zone: str
    size: int
    machine: str = ""
    device: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Wanted:
    """What there should be.

    :param slots: each with the zone of its machine; empty: not known before the machine is there.
    :param size: GiB.
    :param snapshots: by slot, what a disk that has to be made is made of.
    """

    slots: Mapping[str, str]
    size: int
    snapshots: Mapping[str, str] = field(default_factory=dict)


def wanted(given: Mapping[str, Any], slots: Mapping[str, str]) -> Wanted:
    """What ``praxis_data`` with a size asks for.

    :param slots: as :class:`Wanted` has them.
    """
    named = given.get("snapshot") or {}
    snapshots = dict(named) if isinstance(named, Mapping) else dict.fromkeys(slots, str(named))
    return Wanted(slots, int(given["size"]), snapshots)


def by_slot(volumes: Iterable[Volume], where: str) -> dict[str, Volume]:
    """The slots' disks.

    :raises Failed: ``data-volumes-several`` for each slot that has more than one.
    """
    found: dict[str, Volume] = {}
    several: dict[str, list[str]] = {}
    for each in volumes:
        if each.slot in found:
            several.setdefault(each.slot, [found[each.slot].id]).append(each.id)
        found[each.slot] = each
    if several:
        fix = f"Remove the tag or label {DATA_TAG} from the disks that do not belong to the slot, and run this again."
        raise Failed(*(
            Finding("data-volumes-several", f"The slot {slot} has {len(ids)} disks: {', '.join(ids)}.", where, fix)
            for slot, ids in several.items()
        ))  # fmt: skip
    return found


def check(want: Wanted, found: Mapping[str, Volume], where: str) -> list[Finding]:
    """Why the disks that there are cannot be what is wanted: nothing has been touched when this is said."""
    findings = []
    for slot, zone in want.slots.items():
        disk = found.get(slot)
        if disk and disk.size > want.size:
            what = f"The disk of {slot} ({disk.id}) has {disk.size} GiB, and praxis_data.size is {want.size}."
            fix = f"A disk cannot be made smaller: set praxis_data.size to {disk.size} or more."
            findings.append(Finding("data-shrink", what, where, fix))
        if disk and zone and disk.zone != zone:
            what = f"The disk of {slot} ({disk.id}) is in {disk.zone}, and its machine is in {zone}."
            fix = (
                f"Set praxis_zones as it was. Or make a snapshot of the disk, remove its tag or label {DATA_TAG}, and "
                "set praxis_data.snapshot."
            )
            findings.append(Finding("data-zone", what, where, fix))
    return findings


def rows(want: Wanted, found: Mapping[str, Volume], machines: Mapping[str, str], name: Mapping[str, str]) -> list[Row]:
    """What would be done, a row a disk.

    :param machines: by slot, the id of its machine; none where there is none yet.
    :param name: by slot, that of its disk.
    """
    made = []
    for slot, zone in want.slots.items():
        disk, machine = found.get(slot), machines.get(slot, UNKNOWN)
        if disk is None:
            fields = {"id": UNKNOWN, "size": want.size, "zone": zone or UNKNOWN, "encrypted": True, "machine": machine}
            if slot in want.snapshots:
                fields["snapshot"] = want.snapshots[slot]
            made.append(Row(CREATE, KIND, name[slot], "", tuple(Field(key, None, fields[key]) for key in fields)))
            continue
        changes = []
        if disk.size < want.size:
            changes.append(Field("size", disk.size, want.size))
        if disk.machine != machine:
            changes.append(Field("machine", disk.machine or None, machine))
        if changes:
            made.append(Row(CHANGE, KIND, name[slot], disk.id, tuple(changes)))
    return made


def removals(volumes: Sequence[Volume]) -> list[Row]:
    """Rows for disks that are removed."""
    return [Row(REMOVE, KIND, each.tags.get("Name") or each.id, each.id, (), LOST) for each in volumes]


def kept(volumes: Iterable[Volume]) -> dict[str, list[dict[str, Any]]]:
    """Disks that stay, for results: the slots', and those that are no slot's any more, or not yet."""
    found: dict[str, list[dict[str, Any]]] = {"data_volumes": [], "replaced_volumes": []}
    for each in volumes:
        kind = "data_volumes" if each.tags.get(DATA_TAG) == DATA_VALUE else "replaced_volumes"
        found[kind].append({"id": each.id, "slot": each.slot, "zone": each.zone, "size": each.size})
    return found
