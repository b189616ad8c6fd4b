# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Operations: every change is answered with one, and is over some time later, well or badly."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox.gcp.compute.resources import Resources, link, now
from sandbox.gcp.refused import not_found

ERRORS = {"QUOTA_EXCEEDED": (403, "FORBIDDEN"), "ZONE_RESOURCE_POOL_EXHAUSTED": (503, "SERVICE UNAVAILABLE"),
          "INTERNAL_ERROR": (500, "INTERNAL SERVER ERROR")}
"""The HTTP status that goes with an operation's error."""
WAIT = 10.0
"""Seconds for which ``wait`` holds its answer. Google: two minutes at most, and it may answer before the end."""


class Broken(Exception):
    """A change that did not succeed.

    :param code: Google's word, ``ZONE_RESOURCE_POOL_EXHAUSTED``.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.error = {"code": code, "message": message}


@dataclass
class Operation:
    """One change under way.

    :param ready: whether it is over; it raises Broken when that is in vain.
    :param error: ``{"code": …, "message": …}`` when it ends badly.
    """

    fields: dict[str, Any]
    ready: Callable[[], bool]
    error: dict[str, str] | None = None
    ended: str = ""

    def view(self) -> dict[str, Any]:
        """As it is answered now."""
        try:
            if not self.ended and self.ready():
                self.ended = now()
        except Broken as broken:
            self.ended, self.error = now(), broken.error
        if not self.ended:
            return {**self.fields, "status": "RUNNING", "progress": 0}
        done = {**self.fields, "status": "DONE", "progress": 100, "endTime": self.ended}
        if self.error:
            status, message = ERRORS.get(self.error["code"], (400, "BAD REQUEST"))
            done |= {"error": {"errors": [self.error]}, "httpErrorStatusCode": status, "httpErrorMessage": message}
        return done


@dataclass
class Operations:
    """All operations, by path.

    :param seconds: how long one takes at least.
    """

    resources: Resources
    seconds: float = 0.05
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _all: dict[str, Operation] = field(default_factory=dict)
    _requests: dict[tuple[str, str], str] = field(default_factory=dict)

    def repeated(self, user: str, request_id: str) -> dict[str, Any] | None:
        """The operation that an earlier request with the same requestId was answered with."""
        path = self._requests.get((user, request_id)) if request_id else None
        return self._all[path].view() if path else None

    def start(self, kind: str, target: str, target_id: str, user: str, request_id: str = "",
              done: Callable[[], bool] = lambda: True, error: dict[str, str] | None = None) -> dict[str, Any]:
        """An operation on the resource at a path: its first view.

        :param kind: the method, ``insert``.
        :param done: what must hold, beside the time, for it to be over.
        """
        words = target.split("/")
        scope = "/".join(words[:4]) if words[2] in ("zones", "regions") else "/".join(words[:3])
        name = f"operation-{self.resources.number()}"
        path = f"{scope}/operations/{name}"
        fields = {"kind": "compute#operation", "id": self.resources.number(), "name": name, "operationType": kind,
                  "targetLink": link(target), "targetId": target_id, "user": user, "insertTime": now(),
                  "startTime": now(), "selfLink": link(path)}
        if words[2] in ("zones", "regions"):
            fields[words[2].removesuffix("s")] = link(scope)
        until = self.clock() + self.seconds
        self._all[path] = Operation(fields, lambda: self.clock() >= until and done(), error)
        if request_id:
            self._requests[user, request_id] = path
        return self._all[path].view()

    def get(self, path: str) -> dict[str, Any]:
        """One operation.

        :raises Refused: there is none.
        """
        if path not in self._all:
            raise not_found(path)
        return self._all[path].view()

    def wait(self, path: str) -> dict[str, Any]:
        """One operation, at its end or after a while. To be called without the service's lock."""
        until = self.clock() + WAIT
        while (found := self.get(path))["status"] != "DONE" and self.clock() < until:
            self.sleep(0.02)
        return found

    def within(self, scope: str) -> list[dict[str, Any]]:
        """The operations of a zone, a region, or the project's global ones."""
        return [one.view() for path, one in self._all.items() if path.startswith(f"{scope}/")]
