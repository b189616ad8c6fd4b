# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked for against what Google answers: defaults, links and order are no differences. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ABSENT = object()
"""In place of a field that is not there."""

_HOST = re.compile(r"^https?://[^/]+/(compute/[a-z0-9]+/)?")
_PARTIAL = re.compile(r"^(global|zones|regions)/")
_SINGLE_PORT = re.compile(r"^(\d+)-\1$")


@dataclass(frozen=True)
class Difference:
    """One field that is not as wanted. Paths are dotted; a list that differs is one difference."""

    path: str
    before: Any
    after: Any

    @property
    def field(self) -> str:
        """The resource's own field that the path begins with."""
        return self.path.partition(".")[0]


def differences(current: Mapping[str, Any], wanted: Mapping[str, Any], project: str) -> list[Difference]:
    """Where a resource is not as wanted. What is not mentioned is not compared; a null wants the field gone.

    :param project: what links without a project mean.
    """
    return list(_compare(current, wanted, project, ""))


def _compare(current: Any, wanted: Any, project: str, path: str) -> Iterator[Difference]:
    if isinstance(wanted, Mapping) and isinstance(current, Mapping):
        for name, value in wanted.items():
            yield from _compare(current.get(name, ABSENT), value, project, f"{path}.{name}" if path else str(name))
    elif not same(current, wanted, project):
        yield Difference(path, None if current is ABSENT else current, wanted)


def same(current: Any, wanted: Any, project: str) -> bool:
    """Whether a value is the wanted one as far as Google is concerned."""
    if isinstance(wanted, Mapping) and current in (ABSENT, None):
        return all(same(ABSENT, value, project) for value in wanted.values())
    if wanted is None or current is ABSENT:
        # Google leaves out what is empty.
        return current in (ABSENT, None) and (wanted is False or wanted in (None, "", [], {}))
    if isinstance(wanted, Mapping):
        return isinstance(current, Mapping) and not differences(current, wanted, project)
    if isinstance(wanted, (list, tuple)):
        return isinstance(current, list) and _same_items(current, wanted, project)
    if isinstance(wanted, bool) or isinstance(current, bool):
        return current is wanted
    if isinstance(wanted, float) and isinstance(current, (int, float)):
        return current == wanted
    return plain(current, project) == plain(wanted, project)


def _same_items(current: Sequence[Any], wanted: Sequence[Any], project: str) -> bool:
    """The same items in any order, each taken once.

    An item may be as several wanted ones are (what is not mentioned is not compared), so who takes which is a matching
    of two sides: a wanted item may push another one to its second choice.
    """
    if len(current) != len(wanted):
        return False
    choices = [[at for at, one in enumerate(current) if same(one, item, project)] for item in wanted]
    taken: dict[int, int] = {}

    def place(item: int, seen: set[int]) -> bool:
        for at in choices[item]:
            if at not in seen:
                seen.add(at)
                if at not in taken or place(taken[at], seen):
                    taken[at] = item
                    return True
        return False

    return all(place(item, set()) for item in range(len(wanted)))


def plain(value: Any, project: str) -> str:
    """A scalar as text to compare: 64-bit numbers travel as text, links have several forms, and so have ports.

    ``https://www.googleapis.com/compute/v1/projects/p/global/networks/n``, ``projects/p/global/networks/n`` and
    ``global/networks/n`` are one network.
    """
    text = _HOST.sub("", str(value))
    if _PARTIAL.match(text):
        text = f"projects/{project}/{text}"
    return _SINGLE_PORT.sub(r"\1", text)


def picture(value: Mapping[str, Any]) -> str:
    """A body for a diff: fields in their order, one a line."""
    return json.dumps(value, indent=2, sort_keys=True) + "\n" if value else ""
