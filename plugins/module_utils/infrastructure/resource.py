# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One desired resource, one observed resource, and a reference from one to another. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any

#: In place of what only the apply will know: an id, an address.
UNKNOWN = "(known after apply)"

Key = tuple[str, str]
Ids = Mapping[Key, str]


@dataclass(frozen=True)
class Ref:
    """The id of another resource of the same list."""

    kind: str
    name: str

    @property
    def key(self) -> Key:
        """By which the list knows it."""
        return self.kind, self.name


@dataclass(frozen=True)
class Resource:
    """One resource as it should be.

    :param fields: what is kept: observed, compared, and restored when somebody edits it.
    :param made_with: what is needed to create it and cannot change afterwards, or is how it is recognised.
    :param tags: those that it must have; others may stand beside them.
    :param remade_by: names of fields that the cloud cannot change: another value means a replacement.
    :param present: false for what is to be removed where it exists and is ours.
    :param lost: what goes with it when it is removed or replaced.
    :param lost_by: names of fields whose change loses the same.
    :param goes_last: whether it is removed or changed after all other changes: one of them takes its place, or stands
        before what it opens.
    """

    kind: str
    name: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    made_with: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    remade_by: frozenset[str] = frozenset()
    present: bool = True
    lost: str = ""
    lost_by: frozenset[str] = frozenset()
    goes_last: bool = False

    @property
    def key(self) -> Key:
        """By which the list knows it."""
        return self.kind, self.name

    def refs(self) -> set[Key]:
        """The resources that must exist before this one; its references to itself are no reason to wait."""
        return {ref.key for ref in _refs([*self.fields.values(), *self.made_with.values()])} - {self.key}

    def resolved(self, ids: Ids) -> Resource:
        """The same with ids in place of references, :data:`UNKNOWN` for those that do not exist yet."""
        return replace(
            self,
            fields={name: resolve(value, ids) for name, value in self.fields.items()},
            made_with={name: resolve(value, ids) for name, value in self.made_with.items()},
        )


@dataclass(frozen=True)
class Observed:
    """One resource as the cloud shows it.

    :param fields: for each of the desired resource's fields, what there is, in the same form.
    :param facts: what else is handed over: an address.
    """

    kind: str
    name: str
    id: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)


def resolve(value: Any, ids: Ids) -> Any:
    """A value with ids in place of references."""
    if isinstance(value, Ref):
        return ids.get(value.key, UNKNOWN)
    if isinstance(value, Mapping):
        return {name: resolve(each, ids) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        # What lists hold has no order for any kind: they are compared sorted.
        return sorted((resolve(each, ids) for each in value), key=str)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{each.name: resolve(getattr(value, each.name), ids) for each in fields(value)})
    return value


def _refs(value: Any) -> Iterator[Ref]:
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, Mapping):
        yield from _refs(list(value.values()))
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _refs(each)
    elif is_dataclass(value) and not isinstance(value, type):
        yield from _refs([getattr(value, each.name) for each in fields(value)])
