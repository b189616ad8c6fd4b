# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan of infrastructure as a table for people, and as before and after for a diff. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.plan import (
    CHANGE,
    CREATE,
    REMOVE,
    REPLACE,
    Field,
    Row,
    counts,
    plain,
)

SIGNS = {CREATE: "+", CHANGE: "~", REPLACE: "-/+", REMOVE: "-"}
#: By whether it was done: (it is a prediction, it was done).
_WORDS = {
    CREATE: ("to create", "created"),
    CHANGE: ("to change", "changed"),
    REPLACE: ("to replace", "replaced"),
    REMOVE: ("to remove", "removed"),
}
#: Fields of a creation that say nothing which its name and kind do not.
_QUIET = frozenset({"id", "tags", "public_key", "trust", "description", "vpc_of_the_user"})
LONGEST = 110


def lines(title: str, rows: Sequence[Row], id_: str, done: bool) -> list[str]:
    """The table: a line a change, one more for each field that changes and for what is lost, and the counts.

    :param title: whose plan it is.
    :param done: whether the changes were made; else they are a prediction.
    """
    wide = max((len(f"{row.kind} {row.name}") for row in rows), default=0)
    text = [title]
    for row in rows:
        head = f"  {SIGNS[row.action]:<3} {f'{row.kind} {row.name}':<{wide}}  {_aside(row)}"
        text.append(head.rstrip())
        if row.action in (CHANGE, REPLACE):
            text += [f"        {line}" for each in row.fields for line in _field(each)]
        if row.lost:
            text.append(f"        lost: {row.lost}")
    number = counts(rows)
    said = ", ".join(f"{number[action]} {_WORDS[action][done]}" for action in _WORDS)
    text.append(f"  {said if rows else 'nothing to do'}; plan {id_}")
    return text


def _aside(row: Row) -> str:
    if row.action != CREATE:
        return row.id
    shown = [f"{each.name}={_short(each.after)}" for each in row.fields if each.name not in _QUIET]
    return _cut(", ".join(shown))


def _field(each: Field) -> Iterator[str]:
    """Old and new; of a list or a mapping only what goes and what comes."""
    before, after = plain(each.before), plain(each.after)
    if isinstance(before, list) and isinstance(after, list):
        yield from (f"{each.name}: - {_short(one)}" for one in before if one not in after)
        yield from (f"{each.name}: + {_short(one)}" for one in after if one not in before)
        return
    yield f"{each.name}: {_short(before)} -> {_short(after)}"


def _short(value: Any) -> str:
    value = plain(value)
    if value is None:
        return "(none)"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(_short(each) for each in value)}]"
    if isinstance(value, Mapping):
        return _cut("{" + ", ".join(f"{name}={_short(each)}" for name, each in value.items()) + "}")
    return " ".join(str(value).splitlines())


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def picture(rows: Iterable[Row]) -> dict[str, dict[str, Any]]:
    """Before and after by resource, for a diff: only what changes."""
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for row in rows:
        thing = f"{row.kind} {row.name}"
        if row.action == REMOVE:
            before[thing] = {"id": row.id}
            continue
        after[thing] = {each.name: plain(each.after) for each in row.fields}
        if row.action != CREATE:
            before[thing] = {each.name: plain(each.before) for each in row.fields}
    return {"before": before, "after": after}
