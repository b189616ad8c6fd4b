# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a user points at something that exists: by id, name or ARN, by several of them, or by tags. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding


@dataclass(frozen=True)
class Selector:
    """Either ids (names, ARNs) or tags; with neither, nothing is pointed at."""

    option: str
    ids: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.ids or self.tags)

    def __str__(self) -> str:
        wanted = [f"{key}={value}" for key, value in self.tags.items()] or self.ids
        return f"{'the tags ' if self.tags else ''}{', '.join(wanted)}"

    def filters(self, id_filter: str) -> list[dict[str, Any]]:
        """The same for an EC2 Describe operation.

        :param id_filter: that operation's filter for ids (``vpc-id``).
        """
        if self.ids:
            return [{"Name": id_filter, "Values": list(self.ids)}]
        return [{"Name": f"tag:{key}", "Values": [value]} for key, value in self.tags.items()]

    def accepts(self, tags: Mapping[str, str]) -> bool:
        """Whether a resource with these tags is meant."""
        return bool(self.tags) and all(tags.get(key) == value for key, value in self.tags.items())


def selector(option: str, value: Any) -> Selector:
    """A user's value -> a selector; an empty value points at nothing.

    :param option: the option's name, for messages.
    :param value: an id, a list of ids, or a mapping of tags.
    :raises Failed: ``bad-selector`` for anything else.
    """
    if isinstance(value, Mapping):
        if not all(_is_text(part) for pair in value.items() for part in pair):
            raise _bad(option, "the key or value of a tag is not text")
        return Selector(option, tags={str(key): str(each) for key, each in value.items()})
    ids = [value] if isinstance(value, str) else value
    if ids is None or ids == [""]:
        return Selector(option)
    if not isinstance(ids, Iterable) or not all(_is_text(each) for each in ids):
        raise _bad(option, f"{value!r} is neither an id, a list of ids, nor a mapping of tags")
    return Selector(option, ids=tuple(dict.fromkeys(str(each) for each in ids)))


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _bad(option: str, what: str) -> Failed:
    fix = "Write an id, a list of ids, or tags like {Name: shared}."
    return Failed(Finding("bad-selector", f"The value cannot be read: {what}.", option, fix))
