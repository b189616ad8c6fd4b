# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compute Engine as a whole: a call goes in, an answer comes out."""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.aws.faults import Strike
from sandbox.gcp.compute.addresses import users_of
from sandbox.gcp.compute.changes import changed, made
from sandbox.gcp.compute.disk_verbs import DISK_VERBS
from sandbox.gcp.compute.disks import note_users
from sandbox.gcp.compute.kinds import KINDS, Place
from sandbox.gcp.compute.operations import Broken, Operations
from sandbox.gcp.compute.policies import POLICY_VERBS
from sandbox.gcp.compute.resources import Resource, Resources, fingerprint, link, parent_of, shown
from sandbox.gcp.compute.verbs import VERBS, Asked, Changed, World
from sandbox.gcp.discovery import Call, unanswered
from sandbox.gcp.filters import matcher
from sandbox.gcp.pages import page
from sandbox.gcp.refused import Refused, not_found

EXHAUSTED = "The resource '{scope}' does not have enough resources available to fulfill the request."
ZONAL = ("instances", "instanceGroups", "networkEndpointGroups", "machineTypes", "disks")
OPERATIONS = ("zoneOperations", "regionOperations", "globalOperations")


@dataclass(frozen=True)
class _Leaving:
    """A machine on its way out; or in, and then it stays unless that is in vain."""

    path: str
    resource: Resource
    done: Callable[[], bool]
    stays: bool = False


class Compute:
    """The service.

    :param network: the sandbox's network, from which addresses come.
    :param public: the part of it that external addresses come from.
    """

    def __init__(self, network: str, world: World, public: str = "") -> None:
        self.resources = Resources()
        self.operations = Operations(self.resources)
        self.lock = threading.RLock()
        self.failing: list[dict[str, str]] = []
        """Errors that the next operations end with, in order: ``{"code": "QUOTA_EXCEEDED", "message": …}``."""
        self.missed: Callable[[Resource], bool] = lambda instance: False
        """Whether an observation misses an instance, because it is so new; asked once an observation."""
        self.network = network
        self.public = public or str(list(ipaddress.IPv4Network(network).subnets(new_prefix=22))[3])
        self._world = world
        self._leaving: list[_Leaving] = []

    def answer(self, call: Call, user: str, strike: Strike | None = None) -> dict[str, Any]:
        """What Google answers.

        :param strike: what happens to the change: it ends in an error, never ends, or comes after somebody else's.
        :raises Refused: with its error.
        """
        if call.method.collection in OPERATIONS:
            return self._operation(call)
        with self.lock:
            if before := self.operations.repeated(user, call.query.get("requestId", "")):
                return before
            self._settle()
            if strike and strike.kind in ("fail", "hang"):
                return self._in_vain(call, user, strike)
            if strike and strike.kind == "stale":
                disturb(self.resources.get(_target(call)))
            return self._resource(call, user)

    def _in_vain(self, call: Call, user: str, strike: Strike) -> dict[str, Any]:
        """An operation that does nothing, and ends in an error or never."""
        path = _target(call)
        if call.method.name == "insert" and path in self.resources:
            raise Refused(409, "alreadyExists", f"The resource '{path}' already exists")
        found = {"id": self.resources.number()} if call.method.name == "insert" else self.resources.get(path)
        scope = "/".join(path.split("/")[:4])
        error = {"code": strike.code, "message": strike.message or EXHAUSTED.format(scope=scope)}
        return self.operations.start(call.method.name, path, found["id"], user, call.query.get("requestId", ""),
                                     lambda: strike.kind == "fail", error)

    def _operation(self, call: Call) -> dict[str, Any]:
        if call.method.name == "wait":
            return self.operations.wait(call.path.removesuffix("/wait"))
        with self.lock:
            if call.method.name == "get":
                return self.operations.get(call.path)
            if call.method.name == "list":
                return self._listed(call, self.operations.within(parent_of(call.path)), "operation")
        raise unanswered("compute", call.method)

    def _resource(self, call: Call, user: str) -> dict[str, Any]:
        name = call.method.name
        words = call.path.split("/")
        if name in ("insert", "list"):
            segment = words[-1]
        elif name == "aggregatedList":
            return self._aggregated(call, words[-1])
        elif name == "getFromFamily":
            return shown(self.resources.get(call.path))
        elif name in ("get", "delete", "patch", "update"):
            segment = words[-2]
            if name == "get" and segment == "instances" and self.missed(self.resources.get(call.path)):
                raise not_found(call.path)
        else:
            return self._verb(call, user, words[-3])
        if segment not in KINDS:
            if name == "get":
                return shown(self.resources.get(call.path))
            if name == "list":
                return self._listed(call, self.resources.within(call.path), segment.removesuffix("s"))
            raise unanswered("compute", call.method)
        return self._standard(call, user, segment)

    def _standard(self, call: Call, user: str, segment: str) -> dict[str, Any]:
        kind, name = KINDS[segment], call.method.name
        if name == "list":
            return self._listed(call, self.resources.within(call.path), kind.singular)
        if name == "get":
            return self._found(call.path, segment)
        if name == "delete":
            return self._delete(call, user, segment)
        path = f"{call.path}/{call.body.get('name', '')}" if name == "insert" else call.path
        place = Place(call.where["project"], path, self.resources, self.network, self.public)
        if name == "insert":
            return self._insert(call, user, segment, place)
        resource = changed(self.resources.get(path), call.body, kind, place, whole=name == "update")
        self.resources.put(path, resource)
        return self._started(call, user, path, resource)

    def _found(self, path: str, segment: str) -> dict[str, Any]:
        """A resource as it is answered; of a backend service, also what refers to it, of a network its subnetworks."""
        found = shown(self.resources.get(path))
        if segment not in ("backendServices", "networks"):
            return found
        users = self.resources.users(path)
        if segment == "networks":
            inside = [link(user) for user in users if user.split("/")[-2] == "subnetworks"]
            return {**found, "subnetworks": inside} if inside else found
        return {**found, "usedBy": [{"reference": link(user)} for user in users]} if users else found

    def _insert(self, call: Call, user: str, segment: str, place: Place) -> dict[str, Any]:
        if place.path in self.resources:
            raise Refused(409, "alreadyExists", f"The resource '{place.path}' already exists")
        if self.failing:  # the operation is taken on, and makes nothing
            return self._started(call, user, place.path, {"id": self.resources.number()})
        resource = made(call.body, KINDS[segment], place)
        change = Changed()
        if segment == "instances":
            change = Changed(self._world.instance("insert", resource))
            self._leaving.append(_Leaving(place.path, resource, change.done, stays=True))
        self.resources.put(place.path, resource)
        return self._started(call, user, place.path, resource, change)

    def _delete(self, call: Call, user: str, segment: str) -> dict[str, Any]:
        resource = self.resources.get(call.path)
        held_by = KINDS[segment].held_by
        users = [user for user in self.resources.users(call.path) if held_by is None or user.split("/")[-2] in held_by]
        if segment == "addresses":
            users += users_of(resource["address"], self.resources)
        for other in users:
            if segment != "instances":
                what = f"The {KINDS[segment].singular} resource '{call.path}'"
                raise Refused(400, "resourceInUseByAnotherResource", f"{what} is already being used by '{other}'")
        if resource.get("deletionProtection"):
            raise Refused(400, "resourceNotDeletable", f"'{call.path}' is protected against deletion.")
        if segment in ("disks", "snapshots"):
            self._world.disk("delete" if segment == "disks" else "discard", resource, resource)
        if segment != "instances":
            self.resources.remove(call.path)
            return self._started(call, user, call.path, resource)
        self._leave_groups(call.path)
        resource.update(status="STOPPING", _leaving=True)
        done = self._world.instance("delete", resource)
        self._leaving.append(_Leaving(call.path, resource, done))
        self._settle()
        return self._started(call, user, call.path, resource, Changed(done))

    def _settle(self) -> None:
        """Machines that are gone by now, or never came, are no resources any more."""
        for one in list(self._leaving):
            try:
                if not one.done():
                    continue
                gone = not one.stays
            except Broken:
                gone = one.stays
            self._leaving.remove(one)
            if gone and one.path in self.resources and self.resources.get(one.path) is one.resource:
                self.resources.remove(one.path)
        note_users(self.resources)

    def _leave_groups(self, path: str) -> None:
        """A deleted machine is in no group."""
        for group in self.resources.everywhere("instanceGroups"):
            group["_members"] = [member for member in group["_members"] if member != path]
            group["size"] = len(group["_members"])
        for group in self.resources.everywhere("networkEndpointGroups"):
            group["_endpoints"] = [one for one in group["_endpoints"] if one["instance"] != link(path)]
            group["size"] = len(group["_endpoints"])

    def _verb(self, call: Call, user: str, segment: str) -> dict[str, Any]:
        verb = {**VERBS, **POLICY_VERBS, **DISK_VERBS}.get((segment, call.method.name))
        if not verb:
            raise unanswered("compute", call.method)
        path = parent_of(call.path)
        resource = self.resources.get(path)
        answer = verb(Asked(resource, path, call.where["project"], call.body, call.query, self.resources, self._world))
        return self._started(call, user, path, resource, answer) if isinstance(answer, Changed) else answer

    def _started(self, call: Call, user: str, path: str, resource: Resource,
                 change: Changed = Changed()) -> dict[str, Any]:  # noqa: B008  # it is frozen
        error = self.failing.pop(0) if self.failing else None
        return self.operations.start(call.method.name, path, resource["id"], user, call.query.get("requestId", ""),
                                     change.done, error)

    def _listed(self, call: Call, found: list[Resource], singular: str) -> dict[str, Any]:
        if singular == "instance":
            found = [one for one in found if not self.missed(one)]
        items, token = self._page(call, [shown(one) for one in found])
        return {"kind": f"compute#{singular}List", "id": call.path, "items": items, "selfLink": link(call.path),
                **({"nextPageToken": token} if token else {})}

    def _aggregated(self, call: Call, segment: str) -> dict[str, Any]:
        singular = KINDS[segment].singular if segment in KINDS else segment.removesuffix("s")
        found = [shown(one) for _other, one in self.resources.of_kind(call.where["project"], segment)
                 if segment != "instances" or not self.missed(one)]
        chosen, token = self._page(call, found)
        items: dict[str, dict[str, Any]] = {}
        for one in chosen:
            scope = "/".join(one["selfLink"].removeprefix(link("")).split("/")[2:-2])
            items.setdefault(scope, {}).setdefault(segment, []).append(one)
        for scope in self._scopes(call.where["project"], segment):
            items.setdefault(scope, {"warning": {
                "code": "NO_RESULTS_ON_PAGE", "data": [{"key": "scope", "value": scope}],
                "message": f"There are no results for scope '{scope}' on this page."}})
        return {"kind": f"compute#{singular}AggregatedList", "id": call.path, "items": items,
                "selfLink": link(call.path), **({"nextPageToken": token} if token else {})}

    def _scopes(self, project: str, segment: str) -> list[str]:
        """Where in a project such resources can be; an aggregated list names each."""
        kinds = ["zones"] if segment in ZONAL else ["regions"]
        there = [path for kind in kinds for path, _resource in self.resources.of_kind(project, kind)]
        found = ["/".join(path.split("/")[2:]) for path in there]
        return found if segment in ZONAL else [*found, "global"]

    def _page(self, call: Call, found: list[Resource]) -> tuple[list[Resource], str]:
        wanted = call.query.get("filter", "")
        return page([one for one in found if matcher(wanted)(one)], call.query.get("maxResults", ""),
                    call.query.get("pageToken", ""), f"{call.path}?{wanted}")


def _target(call: Call) -> str:
    """The path of what a call changes."""
    name = call.method.name
    if name == "insert":
        return f"{call.path}/{call.body.get('name', '')}"
    return call.path if name in ("delete", "patch", "update") else parent_of(call.path)


def disturb(resource: Resource) -> None:
    """Have somebody else change a resource: what was read of it before is no longer what is there."""
    for place in (resource, resource.get("tags"), resource.get("metadata")):
        for name in ("fingerprint", "labelFingerprint"):
            if place and name in place:
                place[name] = fingerprint(["somebody else", place[name]])
