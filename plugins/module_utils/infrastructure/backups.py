# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups of the slots' disks: what there is, which is restored, which are too many. Pure.

A backup has a name, which is the time at which it was begun, and a snapshot for each slot. A snapshot that was begun
and not completed (nobody saw the file system stand still until its end) is never chosen. The name comes from the clock
of whoever made it; which is the newest the cloud's clock says.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import mark

#: The tag (on Google Cloud, the label) of a snapshot that has the backup's name.
BACKUP_TAG = "praxis_backup"
STATE_TAG = "praxis_backup_state"
STARTED, COMPLETE = "started", "complete"
NEWEST = "newest"
_NAME = re.compile(r"[0-9]{8}t[0-9]{6}z")


@dataclass(frozen=True)
class Backup:
    """A slot's part of a backup.

    :param id: the snapshot's.
    :param size: of its disk, GiB.
    :param complete: it holds the file system as it stood still, and the cloud has copied all of it.
    :param began: when the cloud began it, seconds since 1970.
    """

    id: str
    name: str
    slot: str
    size: int
    complete: bool
    began: float

    def as_dict(self) -> dict[str, Any]:
        """For results."""
        return {"backup": self.name, "slot": self.slot, "snapshot": self.id, "size": self.size,
                "complete": self.complete}  # fmt: skip


def names(backups: Iterable[Backup]) -> list[str]:
    """What there is, by name, the oldest first."""
    return sorted({each.name for each in backups})


def name_at(moment: float) -> str:
    """The name of a backup that is begun now: lower case, for Google's labels have no capitals."""
    return time.strftime("%Y%m%dt%H%M%Sz", time.gmtime(moment))


def check_name(name: str) -> None:
    """:raises Failed: ``bad-backup-name``."""
    if not _NAME.fullmatch(name):
        fix = "Set praxis_backup to a name that restore.yml lists, such as 20261128t220823z, or to %s." % NEWEST
        raise Failed(Finding("bad-backup-name", "%r is not the name of a backup." % name, "praxis_backup", fix))


def tags(fleet: str, slot: str, name: str, state: str) -> dict[str, str]:
    """What tells a snapshot of ours."""
    return {**mark(fleet), "praxis_slot": slot, BACKUP_TAG: name, STATE_TAG: state}


def backup(id_: str, size: int, found: Mapping[str, str], copied: bool, began: datetime) -> Backup:
    """A snapshot of ours, by its tags."""
    complete = copied and found.get(STATE_TAG) == COMPLETE
    return Backup(id_, found.get(BACKUP_TAG, ""), found.get("praxis_slot", ""), size, complete, began.timestamp())


def ordered(backups: Iterable[Backup]) -> list[Backup]:
    """The oldest backup first, with the snapshots of all its slots. It began with the first of them."""
    found = list(backups)
    began = {each.name: each.began for each in sorted(found, key=lambda each: -each.began)}
    return sorted(found, key=lambda each: (began[each.name], each.name, each.slot, each.id))


def chosen(backups: Iterable[Backup], wanted: str, slots: Sequence[str], where: str) -> dict[str, Backup]:
    """By slot, what is restored. All of it is of one backup: data of two times may not go together.

    :param wanted: the backup's name, or :data:`NEWEST`: the newest that has all of these slots.
    :raises Failed: ``bad-backup-name``, ``backup-missing``.
    """
    if wanted != NEWEST:
        check_name(wanted)
    by_name: dict[str, dict[str, Backup]] = {}
    for each in ordered(backups):
        if each.complete:
            by_name.setdefault(each.name, {})[each.slot] = each
    whole = [name for name in by_name if by_name[name].keys() >= set(slots)]
    if wanted == NEWEST and whole:
        wanted = whole[-1]
    elif wanted not in whole:
        lacking = sorted(set(slots).difference(by_name.get(wanted, {})))
        what = "No backup has all of these slots: %s." % ", ".join(sorted(slots))
        if wanted != NEWEST:
            what = "The backup %s has no complete snapshot of %s." % (wanted, ", ".join(lacking))
        known = ", ".join(by_name) or "none"
        fix = "Choose another backup (there are: %s), or restore some slots only: -e praxis_slots=SLOT." % known
        raise Failed(Finding("backup-missing", what, where, fix))
    return {slot: by_name[wanted][slot] for slot in slots}


def surplus(backups: Iterable[Backup], keep: Mapping[str, int]) -> list[Backup]:
    """What is removed. Incomplete ones stay: nobody knows whether somebody is at work on them.

    :param keep: by slot, how many complete ones it keeps; 0, or none, keeps all.
    """
    by_slot: dict[str, list[Backup]] = {}
    for each in backups:
        if each.complete and keep.get(each.slot):
            by_slot.setdefault(each.slot, []).append(each)
    newest_first = [sorted(one, key=lambda each: each.began, reverse=True) for one in by_slot.values()]
    return ordered(each for one in newest_first for each in one[keep[one[0].slot] :])
