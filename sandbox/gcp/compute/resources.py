# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The resources of all projects, by path; and how the names of resources are written."""

from __future__ import annotations

import base64
import datetime
import hashlib
import itertools
import json
import re
import secrets
from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.gcp.refused import invalid, not_found

LINK = "https://www.googleapis.com/compute/v1/"
"""What a resource's selfLink begins with, whatever host it was asked from."""

Resource = dict[str, Any]


def link(path: str) -> str:
    """A path as Google writes it in an answer."""
    return LINK + path


def path_of(reference: str, project: str) -> str:
    """The path that a reference means: a link of any host, ``projects/…``, or one without its project."""
    path = re.sub(r"^https?://[^/]+/(compute/v1/)?", "", reference).strip("/")
    return path if path.startswith("projects/") else f"projects/{project}/{path}"


def parent_of(path: str) -> str:
    """The path of the collection that a resource is in."""
    return path.rpartition("/")[0]


def fingerprint(value: Any) -> str:
    """Eight bytes that change with the value."""
    text = json.dumps(value, sort_keys=True)
    return base64.b64encode(hashlib.sha256(text.encode()).digest()[:8]).decode()


def now() -> str:
    """The time as Google writes it."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")


class Resources:
    """What exists. Not safe for threads by itself: the service holds one lock."""

    def __init__(self) -> None:
        self._found: dict[str, Resource] = {}
        # No two sandboxes' machines have one number: host keys are known by it, past the sandbox's end.
        self._numbers = itertools.count(4_000_000_000_000_000_000 + secrets.randbelow(10**18))
        self.turn = 4
        """Where in the range of external addresses the next one is looked for."""

    def number(self) -> str:
        """A new resource's id."""
        return str(next(self._numbers))

    def __contains__(self, path: str) -> bool:
        return path in self._found

    def get(self, path: str) -> Resource:
        """A resource; the caller may change it.

        :raises Refused: there is none.
        """
        if path not in self._found:
            raise not_found(path)
        return self._found[path]

    def put(self, path: str, resource: Resource) -> None:
        """Add or replace a resource."""
        self._found[path] = resource

    def remove(self, path: str) -> None:
        """Remove a resource that is there."""
        del self._found[path]

    def within(self, collection: str) -> list[Resource]:
        """The resources directly in a collection's path, by name."""
        return [one for path, one in sorted(self._found.items()) if parent_of(path) == collection]

    def of_kind(self, project: str, segment: str) -> list[tuple[str, Resource]]:
        """All of one kind in a project, with their paths: zonal, regional and global ones."""
        head = f"projects/{project}/"
        return [(path, one) for path, one in sorted(self._found.items())
                if path.startswith(head) and path.split("/")[-2] == segment]

    def everywhere(self, segment: str) -> Iterator[Resource]:
        """All of one kind in all projects."""
        return (one for path, one in list(self._found.items()) if path.split("/")[-2] == segment)

    def referenced(self, reference: str, project: str, field: str) -> str:
        """The path of a resource that is referred to and exists.

        :raises Refused: it does not.
        """
        path = path_of(reference, project)
        if path not in self._found:
            raise invalid(f"resource.{field}", reference, "The referenced resource does not exist.")
        return path

    def users(self, path: str) -> list[str]:
        """The paths of the resources that refer to this one."""
        target = link(path)
        return [other for other, one in sorted(self._found.items()) if other != path and target in _strings(one)]


def _strings(value: Any) -> set[str]:
    if isinstance(value, Mapping):
        return set().union(*(_strings(inner) for name, inner in value.items() if name != "selfLink"))
    if isinstance(value, list):
        return set().union(*map(_strings, value))
    return {value} if isinstance(value, str) else set()


def shown(resource: Resource) -> Resource:
    """A resource as it is answered: a copy, without what only the fake knows (names that begin with an underscore)."""
    found: Resource = _seen(resource)
    return found


def _seen(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _seen(inner) for name, inner in value.items() if not name.startswith("_")}
    return [_seen(item) for item in value] if isinstance(value, list) else value
