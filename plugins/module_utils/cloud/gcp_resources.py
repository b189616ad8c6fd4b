# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One Compute resource brought to what is wanted: observe, compare, insert or change, wait."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_compare import Difference, differences
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_kinds import KINDS, Call, Kind
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import is_marked

ATTEMPTS = 5
"""How often a change is begun anew when somebody else was quicker."""


@dataclass(frozen=True)
class Wanted:
    """A resource as it should be.

    :param location: ``global``, a region or a zone.
    :param body: Google's own fields; those not mentioned are left alone.
    :param deadline: seconds that each operation may take.
    :param mark: words that stand in the description of everything made here; empty for a resource that need not have
        been made here.
    """

    kind: str
    name: str
    location: str = "global"
    body: Mapping[str, Any] = field(default_factory=dict)
    deadline: float = 300.0
    mark: str = ""

    @property
    def row(self) -> Kind:
        """What is known of the kind."""
        return KINDS[self.kind]

    @property
    def new(self) -> dict[str, Any]:
        """The body by which it is made. What must not be there is not mentioned."""
        return {"name": self.name, **({"description": self.mark} if self.mark else {}), **_without_nulls(self.body)}

    def owns(self, resource: Mapping[str, Any]) -> bool:
        """Whether what is there under this name was made here, as far as that counts."""
        return is_marked(resource.get("description"), self.mark)

    def __str__(self) -> str:
        return f"{self.kind} {self.name} ({self.location})"


@dataclass(frozen=True)
class Found:
    """An observation of it.

    :param resource: None when there is none.
    """

    resource: Mapping[str, Any] | None
    changes: Sequence[Difference] = ()


class Resources:
    """The resources of one project."""

    def __init__(self, client: GcpClient) -> None:
        self._client = client

    def find(self, wanted: Wanted) -> Mapping[str, Any] | None:
        """What is there under this name, whoever made it."""
        try:
            return self._client.call("compute", "GET", self._path(wanted))
        except errors.NotFound:
            return None

    def observe(self, wanted: Wanted) -> Found:
        """What is there, and what of it is not as wanted.

        :raises Failed: ``resource-fixed`` when something differs that cannot be changed, ``resource-not-ours`` when it
            was made by somebody else; or a CloudError.
        """
        resource = self.find(wanted)
        if resource is None:
            return Found(None)
        if not wanted.owns(resource):
            raise Failed(not_ours(wanted))
        changes = self.compared(wanted, resource)
        refuse_fixed(wanted, changes)
        return Found(resource, changes)

    def compared(self, wanted: Wanted, resource: Mapping[str, Any]) -> list[Difference]:
        """What of it is not as wanted."""
        body = {name: value for name, value in wanted.row.shown(wanted.body).items() if name not in wanted.row.written}
        return differences(resource, body, self._client.project)

    def bring(self, wanted: Wanted, found: Found) -> Mapping[str, Any]:
        """Make it or change it, starting from an observation; the resource as it is then.

        :raises CloudError: Google refused, or did not finish in time.
        """
        for attempt in range(1, ATTEMPTS + 1):
            try:
                if found.resource is None:
                    self.insert(wanted)
                elif found.changes:
                    self._change(wanted, found)
            except errors.Conflict:
                # Somebody else made or changed it since the observation: their state is the one to compare with.
                if attempt == ATTEMPTS:
                    raise
            found = self.observe(wanted)
            if found.resource is not None and not found.changes:
                return found.resource
        raise errors.Conflict(
            f"It was changed {ATTEMPTS} times and still differs from the settings: "
            f"{', '.join(change.path for change in found.changes) or 'it is gone again'}.",
            str(wanted),
            "Find out who else changes it. If nobody does, remove from the body the fields that Google rewrites.",
        )

    def remove(self, wanted: Wanted) -> None:
        """Delete it and wait until it is gone; one that is gone is no error.

        :raises CloudError: it is in use, protected, or not gone in time.
        """
        try:
            self.delete(wanted)
        except errors.NotFound:
            return

    def delete(self, wanted: Wanted) -> None:
        """The same, and one that is gone raises NotFound."""
        self._done(wanted, "DELETE", self._path(wanted), None)

    def link(self, wanted: Wanted) -> str:
        """Its link, from the project on."""
        scope = location_of(wanted)
        return f"projects/{self._client.project}/{scope}/{wanted.row.collection}/{wanted.name}"

    def insert(self, wanted: Wanted) -> None:
        """Make it.

        :raises CloudError: Google refused, or did not finish in time.
        """
        path = self._path(wanted).rpartition("/")[0]
        self._done(wanted, "POST", path, wanted.new)

    def _change(self, wanted: Wanted, found: Found) -> None:
        """Fields with a method of their own first, then the rest in one patch."""
        current: Mapping[str, Any] = found.resource or {}
        fields = dict.fromkeys(change.field for change in found.changes)
        for name in fields:
            if setter := wanted.row.setters.get(name):
                for call in setter.calls(_merged(current.get(name), wanted.body[name]), current):
                    self._set(wanted, call)
        patch = {name: wanted.body[name] for name in fields if name not in wanted.row.setters}
        if patch:
            if wanted.row.guarded:
                patch["fingerprint"] = current["fingerprint"]
            self._done(wanted, "PATCH", self._path(wanted), patch)

    def _set(self, wanted: Wanted, call: Call) -> None:
        """A change by a method of its own, which may know no id of a request."""
        path = f"{self._path(wanted)}/{call.method}"
        operation = self._client.call(
            "compute", "POST", path, body=call.body, query=call.query or None, idempotent=call.settled
        )
        self._client.wait(operation, seconds=wanted.deadline, what=str(wanted))

    def _done(self, wanted: Wanted, verb: str, path: str, body: Mapping[str, Any] | None) -> None:
        """A change, until its operation is over."""
        operation = self._client.change(verb, path, body)
        self._client.wait(operation, seconds=wanted.deadline, what=str(wanted))

    def _path(self, wanted: Wanted) -> str:
        return f"compute/v1/{self.link(wanted)}"


def location_of(wanted: Wanted) -> str:
    """``global``, ``regions/R`` or ``zones/Z``.

    :raises Failed: ``resource-location`` when the kind cannot be there.
    """
    location = wanted.location
    word = "global" if location == "global" else "zone" if location.count("-") >= 2 else "region"
    if word not in wanted.row.locations:
        raise Failed(
            Finding(
                "resource-location",
                f"A {wanted.kind} is not in a {word}.",
                str(wanted),
                f"Set location to a {' or a '.join(wanted.row.locations)}.",
            )
        )
    return "global" if word == "global" else f"{word}s/{location}"


def refuse_fixed(wanted: Wanted, changes: Iterable[Difference], but_for: Collection[str] = ()) -> None:
    """:raises Failed: ``resource-fixed`` for each difference that no request can change.

    :param but_for: fields for which the resource may be made anew.
    """
    fixed = [each for each in changes if each.field not in but_for and not _changeable(wanted.row, each)]
    if fixed:
        raise Failed(*(_fixed(wanted, change) for change in fixed))


def _changeable(row: Kind, change: Difference) -> bool:
    return change.field in row.setters or (row.patched and change.field not in row.fixed)


def _without_nulls(body: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _without_nulls(value) if isinstance(value, Mapping) else value
        for name, value in body.items()
        if value is not None
    }


def not_ours(wanted: Wanted) -> Finding:
    return Finding(
        "resource-not-ours",
        "The resource exists already, and praxis.cloud did not create it: its description does not say so.",
        str(wanted),
        f"Choose another name, remove it, or hand it over by writing {wanted.mark!r} into its description.",
    )


def _fixed(wanted: Wanted, change: Difference) -> Finding:
    return Finding(
        "resource-fixed",
        f"{change.path} is {change.before!r} and cannot be changed to {change.after!r}.",
        str(wanted),
        "Set the value that it has, or remove it (state=absent) and create it again.",
    )


def _merged(current: Any, wanted: Any) -> Any:
    """Labels are a mapping in which those not mentioned stay; a null takes one away. Anything else is as wanted."""
    if not isinstance(wanted, Mapping) or not isinstance(current, Mapping) or "items" in wanted:
        return wanted
    both = {**current, **wanted}
    return {name: value for name, value in both.items() if value is not None}
