# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes of machines as rows of a plan. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.fleet.machines import Changes, Machine, Wanted, picture
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.plan import CHANGE, CREATE, REMOVE, Field, Row

KIND = "machine"
DISK_LOST = "the machine's disk; the slot's identity stays in the secret store"


def machine_rows(wanted: Wanted, found: Iterable[Machine], changes: Changes) -> list[Row]:
    """A row a machine; removals first."""
    known = {each.id: each for each in found}
    shown = picture(wanted, known.values(), changes)
    removed = [Row(REMOVE, KIND, _name(wanted, known[id_]), id_, (), DISK_LOST) for id_ in changes.terminate]
    created = [Row(CREATE, KIND, wanted.name(slot), "", _fields({}, shown["after"][slot])) for slot in changes.launch]
    changed = [
        Row(CHANGE, KIND, _name(wanted, known[id_]), id_, _fields(shown["before"][id_], after))
        for id_, after in shown["after"].items()
        if id_ in known and id_ not in changes.terminate
    ]
    return [*removed, *changed, *created]


def _name(wanted: Wanted, machine: Machine) -> str:
    return wanted.name(machine.slot) if machine.slot else machine.id


def _fields(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Field, ...]:
    return tuple(Field(name, before.get(name), value) for name, value in after.items())
