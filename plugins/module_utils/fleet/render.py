# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text for a person: tables, ages, findings. Pure: who prints it says how wide it may be and what a colour is."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, replace
from typing import Any, Callable, Iterable, List, Mapping, Optional, Sequence, Tuple

#: A text and one of ``good``, ``bad``, ``warning``, or nothing, to the text in that colour.
Paint = Callable[[str, str], str]
#: A cell's text and its colour.
Cell = Tuple[str, str]

GAP = "  "
NONE = "-"
CUT = "…"
#: Characters of a release's id that tell two of them apart on a screen.
SHORT = 8
_UNITS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


@dataclass(frozen=True)
class Column:
    """A column of a table.

    :param rank: on a screen that is too narrow, columns go by their rank, the highest first; those of rank 0 stay.
    """

    heading: str
    cells: Sequence[Cell]
    rank: int = 0

    @property
    def width(self) -> int:
        return max(len(text) for text in (self.heading, *(text for text, _colour in self.cells)))


def plain(text: str, colour: str) -> str:
    """No colours."""
    return text


def table(columns: Sequence[Column], width: Optional[int] = None, paint: Paint = plain) -> List[str]:
    """A table's lines, columns aligned; whatever a cell's text holds, it is one line.

    :param width: characters in a line; None: any number. When only columns of rank 0 are left and they do not fit
        either, the first one is cut.
    """
    shown = [replace(each, cells=[(clean(text), colour) for text, colour in each.cells]) for each in columns]
    while width is not None and _width(shown) > width and any(column.rank for column in shown):
        shown.remove(max(shown, key=lambda column: column.rank))
    space = [column.width for column in shown]
    if width is not None and _width(shown) > width:
        space[0] = max(4, space[0] - (_width(shown) - width))
    lines = [_line([(column.heading, "") for column in shown], space, paint)]
    for cells in zip(*(column.cells for column in shown)):
        lines.append(_line(cells, space, paint))
    return lines


def age(seconds: Optional[float]) -> str:
    """How long, in its two largest units: ``3d4h``, ``5m2s``, ``40s``."""
    if seconds is None or seconds < 0:
        return NONE
    left = int(seconds)
    parts: List[Tuple[int, str]] = []
    for unit, size in _UNITS:
        count, left = divmod(left, size)
        if count or parts or unit == "s":
            parts.append((count, unit))
    return "".join("%d%s" % part for part in parts[:2] if part[0] or len(parts) == 1)


def summary(found: Mapping[str, Any], width: Optional[int] = None, paint: Paint = plain) -> List[str]:
    """A playbook's summary: a table of the members, what was found, and the verdict."""
    lines = table(_columns(found["members"]), width, paint)
    if any(_strays(row) for row in found["members"]):
        lines.append("* not the planned release")
    for address in found.get("balancer") or []:
        lines.append("load balancer: http://%s" % clean(address))
    for item in by_level(found["findings"]):
        lines += ["", *finding(item, width, paint)]
    kept = ["record: %s" % clean(found["record"])] if found.get("record") else []
    return [*lines, "", *kept, _verdict(found, paint)]


def by_level(findings: Iterable[Mapping[str, Any]]) -> List[Mapping[str, Any]]:
    """The findings, the errors first."""
    return sorted(findings, key=lambda item: str(item.get("level") or "error") != "error")


def finding(item: Mapping[str, Any], width: Optional[int] = None, paint: Paint = plain) -> List[str]:
    """A finding: what is wrong and where, and under it the fix."""
    level = str(item.get("level") or "error")
    text = "%s: %s: %s" % (level, clean(item["where"]), clean(item["what"]))
    head, *more = wrap(text, width, "  ")
    return [paint(level, "bad" if level == "error" else "warning") + head[len(level) :], *more] + wrap(
        "  " + clean(item["fix"]), width, "  "
    )


def wrap(text: str, width: Optional[int], indent: str) -> List[str]:
    """A text as lines, those after the first indented."""
    if width is None:
        return [text]
    options = {"break_long_words": False, "break_on_hyphens": False}
    return textwrap.wrap(text, max(width, 20), subsequent_indent=indent, **options) or [""]  # type: ignore[arg-type]


def grid(items: Sequence[str], width: int, rows: int) -> List[str]:
    """Items side by side: on one line, or in columns of one width. What does not fit on so many lines is counted."""
    if len(GAP.join(items)) <= width:
        return [GAP.join(items)]
    cell = max(map(len, items))
    count = max(1, (width + len(GAP)) // (cell + len(GAP)))
    lines = [list(items[start : start + count]) for start in range(0, len(items), count)][: max(1, rows)]
    left = len(items) - sum(map(len, lines))
    while left and lines[-1] and len(lines[-1]) * (cell + len(GAP)) + len("and %d more" % left) > width:
        lines[-1].pop()
        left += 1
    if left:
        lines[-1].append("and %d more" % left)
    return [GAP.join(item.ljust(cell) for item in line).rstrip() for line in lines]


def clean(text: Any) -> str:
    """A text in one line and without control characters: a log's last words must not steer a terminal."""
    words = " ".join(str(text).split())
    return "".join(letter if letter.isprintable() else "?" for letter in words)


def _width(columns: Sequence[Column]) -> int:
    return sum(column.width for column in columns) + len(GAP) * (len(columns) - 1)


def _line(cells: Sequence[Cell], space: Sequence[int], paint: Paint) -> str:
    parts = []
    for place, ((text, colour), width) in enumerate(zip(cells, space)):
        shown = text if len(text) <= width else text[: width - 1] + CUT
        padding = "" if place == len(cells) - 1 else " " * (width - len(shown))
        parts.append((paint(shown, colour) if colour else shown) + padding)
    return GAP.join(parts).rstrip()


def _columns(rows: Sequence[Mapping[str, Any]]) -> List[Column]:
    columns = [
        Column("MEMBER", [(str(row["name"]), "") for row in rows]),
        Column("SLOT", [(str(row["slot"]), "") for row in rows], 6),
        Column("ZONE", [(row["zone"] or NONE, "") for row in rows], 4),
        Column("RELEASE", [_release(row) for row in rows], 2),
        Column("HEALTH", [_health(row) for row in rows]),
        Column("EDGES", [_edges(row) for row in rows], 1),
        Column("SINCE", [(age(row["up"]), "") for row in rows], 3),
    ]
    if any(row["restarts"] for row in rows):
        columns.append(Column("RESTARTS", [_restarts(row) for row in rows], 5))
    return columns


def _strays(row: Mapping[str, Any]) -> bool:
    return bool(row["release"]) and row["release"] != row["planned"]


def _release(row: Mapping[str, Any]) -> Cell:
    if not row["release"]:
        return NONE, ""
    short = clean(row["release"])[:SHORT]
    return (short + "*", "warning") if _strays(row) else (short, "")


def _health(row: Mapping[str, Any]) -> Cell:
    health = clean(row["health"])
    return health, "good" if health == "healthy" else "warning" if health.startswith("(") else "bad"


def _edges(row: Mapping[str, Any]) -> Cell:
    live, expected = row["edges"]["live"], row["edges"]["expected"]
    if live is None:
        return NONE, ""
    return "%d/%d" % (live, expected), "" if live >= expected else "warning"


def _restarts(row: Mapping[str, Any]) -> Cell:
    count = row["restarts"]
    return (NONE, "") if count is None else (str(count), "warning" if count else "")


def _verdict(found: Mapping[str, Any], paint: Paint) -> str:
    levels = [item.get("level") for item in found["findings"]]
    counts = [(levels.count("error"), "error"), (levels.count("warning"), "warning")]
    parts = [counted(number, word) for number, word in counts if number]
    members = counted(len(found["members"]), "member")
    parts.append("%s, %s" % (members, _mesh(found["edges"], found.get("unobserved_edges", 0))))
    word = paint("good", "good") if found["ok"] else paint("bad", "bad")
    return "fleet %s: %s; %s" % (clean(found["fleet"]), word, "; ".join(parts))


def _mesh(edges: Mapping[str, Any], unobserved: int) -> str:
    """The edges in words: those that nobody has observed are not counted among the missing ones."""
    if not unobserved:
        return "%d of %d edges live" % (edges["live"], edges["planned"])
    if not edges["planned"]:
        return "%s not observed" % counted(unobserved, "edge")
    return "%d of %d edges live, %d not observed" % (edges["live"], edges["planned"], unobserved)


def counted(number: int, word: str) -> str:
    """A number and what it counts, in the singular or the plural."""
    return "%d %s%s" % (number, word, "" if number == 1 else "s")
