# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The machines of a fleet as a table for a person: who was logged in to, and who was not asked. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.fleet.render import NONE, Column, clean, table

#: By heading, the key of a machine.
_COLUMNS = {"MACHINE": "name", "SLOT": "slot", "INSTANCE": "instance_id", "ZONE": "zone",
            "PRIVATE": "private_ip", "PUBLIC": "public_ip"}  # fmt: skip


def lines(
    machines: Sequence[Mapping[str, Any]],
    answered: Collection[str] = (),
    silent: Collection[str] = (),
    unlisted: Collection[str] = (),
) -> list[str]:
    """A line a machine, under the headings.

    :param answered: the names of those that a login was tried on, and let it in or not.
    :param silent: those of them that let nobody in.
    :param unlisted: those that the inventory does not have.
    """
    names = [str(each.get("name") or "") for each in machines]
    columns = [Column(word, [_cell(each.get(key)) for each in machines]) for word, key in _COLUMNS.items()]
    logins = [(_login(name, answered, silent, unlisted), "") for name in names]
    return table([*columns, Column("LOGIN", logins)])


def _cell(value: Any) -> tuple[str, str]:
    return clean(value or "") or NONE, ""


def _login(name: str, answered: Collection[str], silent: Collection[str], unlisted: Collection[str]) -> str:
    if name in silent:
        return "no"
    if name in unlisted:
        return "unlisted"
    return "ok" if name in answered else NONE
