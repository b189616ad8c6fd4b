# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine of infrastructure: observe all resources of a list at once, compare, apply in the order of references.

A creation is sent once. When its answer is lost, or contradicts us, the engine asks whether the resource exists before
it sends anything again; everything else names what it changes, and may be sent twice.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import (
    CloudError,
    Conflict,
    NotFound,
    NotPassed,
    Unavailable,
)
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.kind import Client, Kind, tagged
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.parallel import gathered, map_parallel
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Poll
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.plan import (
    CREATE,
    REMOVE,
    REPLACE,
    Change,
    compare,
    compute,
)
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.resource import (
    UNKNOWN,
    Key,
    Observed,
    Resource,
)

#: Seconds in which one change must be made, and seen to be made when its answer was lost.
DEADLINE = 120.0
#: Seconds for which a cloud may not show what it has just made.
LATE = 10.0


@dataclass
class Engine(Generic[Client]):
    """One list of resources in one region.

    :param desired: the list.
    :param table: the cloud's kinds, in the order in which they are created.
    :param kinds: which kinds are kept; the others are observed only.
    :param where: whose they are, for findings.
    :param seconds: how long to wait until what was created can be used, and what is removed is gone.
    """

    client: Client
    desired: Sequence[Resource]
    table: Mapping[str, Kind[Client]]
    kinds: Collection[str] = ()
    where: str = ""
    seconds: float = 600.0
    poll: Poll = field(default_factory=Poll)
    observed: dict[Key, Observed] = field(default_factory=dict)
    ids: dict[Key, str] = field(default_factory=dict)
    _foreseen: dict[Key, str] = field(default_factory=dict)
    _created: list[str] = field(default_factory=list)
    _awaited: list[Resource] = field(default_factory=list)

    def observe(self) -> list[Change]:
        """What there is, asked for in as many rounds as references demand, and what is to be done about it.

        :raises Failed: the cloud's refusals; ``not-managed`` for each resource that others made.
        """
        waiting, seen = list(self.desired), set[Key]()
        foreseen = {each.key: self.table[each.kind].foreseen(self.client, each) for each in self.desired}
        self._foreseen = {key: id_ for key, id_ in foreseen.items() if id_}
        listed = {each.key for each in self.desired}
        while waiting:
            now = [each for each in waiting if self._finds_with(each) & listed <= seen]
            for resource, found in zip(now, gathered(map_parallel(self.find, now)), strict=True):
                seen.add(resource.key)
                if found:
                    self.observed[resource.key] = found
                    self.ids[resource.key] = found.id
            waiting = [each for each in waiting if each.key not in seen]
        self._refuse_foreign()
        return [each for each in compute(self._judged(), self.observed) if each.resource.kind in self.kinds]

    def find(self, resource: Resource) -> Observed | None:
        """One resource as it is now; None while it, or what it lies in, does not exist."""
        kind, desired = self.table[resource.kind], resource.resolved({**self._foreseen, **self.ids})
        values = {**desired.made_with, **desired.fields}
        if any(values[name] == UNKNOWN for name in kind.found_by):
            return None
        return kind.find(self.client, desired)

    def _judged(self) -> list[Resource]:
        """The list without what is not ours: it is not removed, and what may be anybody's is left as it is."""
        return [each for each in self.desired if not self._left_alone(each)]

    def _left_alone(self, resource: Resource) -> bool:
        found, kind = self.observed.get(resource.key), self.table[resource.kind]
        if found is None:
            return False
        if resource.present:
            return kind.anybodys and not kind.ours(found.tags, resource)
        if resource.tags and not kind.belongs:
            return not tagged(found.tags, resource.tags)
        return any(self._left_alone(each) for each in self.desired if each.key in resource.refs())

    def _refuse_foreign(self) -> None:
        there = [(each, self.observed[each.key]) for each in self.desired if each.present and each.key in self.observed]
        if findings := [finding for each in there for finding in self._foreign(*each)]:
            raise Failed(*findings)

    def _foreign(self, resource: Resource, found: Observed) -> list[Finding]:
        """What is wrong with one that others made."""
        kind = self.table[resource.kind]
        if kind.anybodys or kind.ours(found.tags, resource):
            return []
        named = f"A {kind.words} named {resource.name} ({found.id})"
        what = f"{named} exists already, and praxis.cloud did not create it ({kind.unmarked})."
        return [Finding("not-managed", what, self.where, kind.unmarked_fix)]

    def apply(self, changes: Sequence[Change]) -> None:
        """Make the changes: removals first, then what is new and what differs, in the order of references, and then
        the removals whose place is taken by then.

        :raises Failed: the change that could not be made, and what was made so far.
        """
        gone = [each for each in changes if each.action == REMOVE and not each.resource.goes_last]
        gone += [each for each in reversed(changes) if each.action == REPLACE]
        self._remove(gone)
        listed = {each.key: each for each in self.desired}
        for change in changes:
            if change.action != REMOVE:
                self._named(change, self._make, change, listed[change.resource.key])
        self._remove([each for each in changes if each.action == REMOVE and each.resource.goes_last])

    def _remove(self, changes: Sequence[Change]) -> None:
        for change in changes:
            if change.observed:
                self._named(change, self.remove, change.observed)
                self.ids.pop(change.resource.key, None)

    def _named(self, change: Change, act: Callable[..., None], *arguments: Any) -> None:
        """Do it; a refusal says what could not be done."""
        try:
            act(*arguments)
        except CloudError as error:
            finding, resource = error.finding, change.resource
            so_far = ", ".join([*dict.fromkeys(self._created)]) or "nothing"
            what = f"Could not {change.action} {self.table[resource.kind].words} {resource.name}: {finding.what}"
            what = f"{what} This run created so far: {so_far}."
            fix = f"{finding.fix} Run this again: it continues with what exists (down.yml removes it)."
            raise Failed(Finding(finding.code, what, f"{self.where}, {finding.where}", fix)) from None

    def _make(self, change: Change, resource: Resource) -> None:
        kind = self.table[resource.kind]
        if change.action in (CREATE, REPLACE):
            self._create(resource)
            names, tags = kind.set_later(resource), {}
        else:
            names = {each.name for each in change.fields if each.name in resource.fields}
            tags = {each.name[4:]: each.after for each in change.fields if each.name.startswith("tag ")}
        if names or tags:
            self._set(resource, names, tags)

    def _create(self, resource: Resource) -> None:
        kind, end = self.table[resource.kind], self.poll.clock() + DEADLINE
        while True:
            try:
                id_ = kind.create(self.client, resource.resolved(self.ids))
                break
            except (Unavailable, Conflict, NotFound, NotPassed) as error:
                # Its answer may be lost, or what it needs may be too new to be known.
                seconds = LATE if isinstance(error, Unavailable) else self.poll.interval
                found, _there = self.poll.until(lambda: self.find(resource), bool, seconds=seconds)
                if found:
                    if findings := self._foreign(resource, found):
                        raise Failed(*findings) from None
                    id_ = found.id
                    break
                if self.poll.clock() >= end:
                    raise
        self.ids[resource.key] = id_
        self._created.append(f"{self.table[resource.kind].words} {id_}")
        self._awaited.append(resource)

    def _set(self, resource: Resource, names: Collection[str], tags: Mapping[str, str]) -> None:
        kind, id_ = self.table[resource.kind], self.ids[resource.key]
        end = self.poll.clock() + (self.seconds if kind.awaited else DEADLINE)
        while True:
            desired = resource.resolved(self.ids)
            try:
                if tags:
                    kind.tag(self.client, desired, id_, tags)
                if names:
                    kind.set(self.client, desired, id_, names)
                return
            except (Unavailable, Conflict, NotFound) as error:
                failure: CloudError = error
            _left, done = self.poll.until(
                lambda: self._left(resource, {*names, *(f"tag {key}" for key in tags)}),
                lambda left: not left,
                seconds=self.poll.interval,
            )
            if done:
                return
            if self.poll.clock() >= end:
                raise failure

    def _left(self, resource: Resource, names: Collection[str]) -> set[str]:
        """Which of these fields and tags are not as desired."""
        found = self.find(resource)
        if found is None:
            return set(names)  # made a moment ago, and not shown yet
        change = compare(resource.resolved(self.ids), found)
        return {each.name for each in change.fields if each.name in names} if change else set()

    def remove(self, observed: Observed) -> None:
        """Remove one and wait until it is gone. What uses it may outlive its owner by a minute: that is waited for.

        :raises Failed: ``infrastructure-not-gone``.
        """
        kind = self.table[observed.kind]

        def attempt() -> CloudError | None:
            try:
                kind.remove(self.client, observed.id)
            except NotFound:
                return None
            except Conflict as error:
                return error
            return None

        error, done = self.poll.until(attempt, lambda error: error is None, seconds=self.seconds)
        if done:
            _gone, done = self.poll.until(lambda: kind.gone(self.client, observed.id), bool, seconds=self.seconds)
        if not done:
            what = f"Still there after {self.seconds:.0f} s: {kind.words} {observed.name} ({observed.id})."
            reason = f" {error.finding.what}" if error else ""
            fix = "Remove what uses it, then run this again."
            raise Failed(Finding("infrastructure-not-gone", f"{what}{reason}", self.where, fix))

    def wait(self) -> None:
        """Wait until everything that was created can be used.

        :raises Failed: ``infrastructure-not-ready``.
        """
        for resource in self._awaited:
            kind, id_ = self.table[resource.kind], self.ids[resource.key]
            state, _done = self.poll.until(partial(kind.ready, self.client, id_), operator.not_, seconds=self.seconds)
            if state:
                what = f"The {kind.words} {resource.name} is in the state {state} after {self.seconds:.0f} s."
                fix = "Check it in the cloud's console, then run this again."
                raise Failed(Finding("infrastructure-not-ready", what, self.where, fix))

    def fact(self, resource: Resource, name: str, check_mode: bool) -> str:
        """A fact of one resource, as it is after the run: :data:`UNKNOWN` while nothing has created it."""
        seen = self.observed.get(resource.key)
        if not check_mode and (seen is None or seen.id != self.ids.get(resource.key)):
            seen = self.find(resource)
        return seen.facts[name] if seen else UNKNOWN

    def _finds_with(self, resource: Resource) -> set[Key]:
        """What must have been observed before this one can be."""
        kind = self.table[resource.kind]
        if kind.found_last:
            return resource.refs()
        values = {**resource.made_with, **resource.fields}
        return Resource("", "", {name: values[name] for name in kind.found_by}).refs()
