# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What turns the resources observed into those desired: changes, in the order of their references. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.resource import (
    UNKNOWN,
    Ids,
    Key,
    Observed,
    Resource,
)

CREATE, CHANGE, REPLACE, REMOVE = "create", "change", "replace", "remove"
ACTIONS = (CREATE, CHANGE, REPLACE, REMOVE)


@dataclass(frozen=True)
class Field:
    """One field of a change. The name ``tag KEY`` is a tag's."""

    name: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Row:
    """One change as people and programs read it.

    :param id: of the resource that exists; empty for one that will be created.
    :param lost: what goes with it; empty when nothing does.
    """

    action: str
    kind: str
    name: str
    id: str = ""
    fields: tuple[Field, ...] = ()
    lost: str = ""

    def as_dict(self) -> dict[str, Any]:
        """In plain values."""
        return {
            "action": self.action,
            "kind": self.kind,
            "name": self.name,
            "id": self.id,
            "fields": [
                {"field": each.name, "before": plain(each.before), "after": plain(each.after)} for each in self.fields
            ],
            "lost": self.lost,
        }


@dataclass(frozen=True)
class Change:
    """One thing to do to one resource.

    :param resource: with ids in place of references.
    :param observed: what there is; None when nothing.
    """

    action: str
    resource: Resource
    observed: Observed | None = None
    fields: tuple[Field, ...] = field(default=())

    @property
    def loses(self) -> bool:
        """Whether something goes with it."""
        by_field = any(each.name in self.resource.lost_by for each in self.fields)
        return self.action in (REMOVE, REPLACE) or self.action == CHANGE and by_field

    def row(self, words: Mapping[str, str]) -> Row:
        """The same for a table.

        :param words: for each kind, what people call it.
        """
        lost = self.resource.lost if self.loses else ""
        id_ = self.observed.id if self.observed else ""
        return Row(self.action, words[self.resource.kind], self.resource.name, id_, self.fields, lost)


def plain(value: Any) -> Any:
    """A field's value in JSON's types."""
    if isinstance(value, Mapping):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)


def compare(desired: Resource, observed: Observed | None) -> Change | None:
    """What is to be done to one resource, whose references are resolved; None when nothing."""
    if not desired.present:
        return Change(REMOVE, desired, observed) if observed else None
    if observed is None:
        values = {"id": UNKNOWN, **desired.made_with, **desired.fields, "tags": desired.tags}
        return Change(CREATE, desired, None, tuple(Field(name, None, value) for name, value in values.items()))
    differing = [
        Field(name, observed.fields.get(name), value)
        for name, value in desired.fields.items()
        if observed.fields.get(name) != value
    ]
    tags = [
        Field(f"tag {key}", observed.tags.get(key), value)
        for key, value in desired.tags.items()
        if observed.tags.get(key) != value
    ]
    if not differing and not tags:
        return None
    remade = any(each.name in desired.remade_by for each in differing)
    return Change(REPLACE if remade else CHANGE, desired, observed, (*differing, *tags))


def compute(desired: Sequence[Resource], observed: Mapping[Key, Observed]) -> list[Change]:
    """Everything that is to be done, in an order in which it can be done: removals first, from the last to the first,
    but for those whose place is taken before they go.

    What stands on a resource that is replaced is replaced with it.
    """
    ids: Ids = {key: each.id for key, each in observed.items()}
    gone: set[Key] = set()
    changes: list[Change] = []
    for resource in ordered(desired):
        known = {key: id_ for key, id_ in ids.items() if key not in gone}
        change = compare(resource.resolved(known), observed.get(resource.key))
        if change and change.action == CHANGE and resource.refs() & gone:
            change = replace(change, action=REPLACE)
        if change and change.action in (REPLACE, REMOVE):
            gone.add(resource.key)
        if change:
            changes.append(change)
    late = [each for each in changes if each.action == CHANGE and each.resource.goes_last]
    # In their own order, so that who comes last goes first.
    removals = [each for each in changes if each.action == REMOVE and not each.resource.goes_last]
    last = [each for each in changes if each.action == REMOVE and each.resource.goes_last]
    others = [each for each in changes if each.action != REMOVE and each not in late]
    return [*reversed(removals), *others, *late, *reversed(last)]


def ordered(desired: Sequence[Resource]) -> list[Resource]:
    """The list in an order in which each comes after all that it refers to; else as it was.

    :raises ValueError: for a circle, which is a defect of the list.
    """
    listed = {each.key for each in desired}
    waiting, done, result = list(desired), set[Key](), list[Resource]()
    while waiting:
        free = [each for each in waiting if (each.refs() & listed) <= done]
        if not free:
            raise ValueError(f"these refer to each other: {', '.join(sorted(str(each.key) for each in waiting))}")
        result.append(free[0])
        done.add(free[0].key)
        waiting.remove(free[0])
    return result


def counts(rows: Iterable[Row]) -> dict[str, int]:
    """How many rows of each action."""
    actions = [row.action for row in rows]
    return {action: actions.count(action) for action in ACTIONS}


def plan_id(scope: Sequence[str], rows: Iterable[Row]) -> str:
    """A digest of everything that would be done.

    :param scope: what the plan is of: cloud, region, fleet.
    """
    text = json.dumps([list(scope), [row.as_dict() for row in rows]], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def hold(agreed: str, found: str, rows: Sequence[Row], where: str) -> None:
    """Several agreed ids are separated by commas: those of one run in two clouds.

    :raises Failed: ``provision-plan-differs`` when another plan was agreed to than would be carried out now.
    """
    if agreed and found not in agreed.replace(",", " ").split():
        todo = ", ".join(f"{row.action} {row.kind} {row.name}" for row in rows) or "nothing"
        what = f"You agreed to the plan {agreed}, but the plan is now {found}: {todo}."
        fix = f"Read the new plan (--check --diff). To apply it: -e praxis_provision_plan_id={found}."
        raise Failed(Finding("provision-plan-differs", what, where, fix))
