# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cloud DNS: zones, the records in them, and changes that are carried out as a whole or not at all."""

from __future__ import annotations

import ipaddress
import itertools
import re
import threading
from collections.abc import Callable
from typing import Any

from sandbox.gcp.compute.resources import now
from sandbox.gcp.discovery import Call, unanswered
from sandbox.gcp.pages import page
from sandbox.gcp.refused import Refused, not_found

NAME = re.compile(r"(?=.{1,254}$)([a-z0-9_]([-a-z0-9_]{0,61}[a-z0-9])?\.)+")
Record = dict[str, Any]
Key = tuple[str, str]


class Dns:
    """The service. Whether a user may do a thing is for the caller to know."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.zones: dict[tuple[str, str], dict[str, Any]] = {}
        self.records: dict[tuple[str, str], dict[Key, Record]] = {}
        self._numbers = itertools.count(1)
        self._methods: dict[tuple[str, str], Callable[[Call], dict[str, Any]]] = {
            ("managedZones", "create"): self._make_zone,
            ("managedZones", "get"): lambda call: self.zones[self._zone(call)],
            ("managedZones", "list"): self._list_zones,
            ("resourceRecordSets", "list"): self._list,
            ("resourceRecordSets", "get"): lambda call: self._at(call)[1],
            ("resourceRecordSets", "create"): lambda call: self._change(call, [call.body], [])[0],
            ("resourceRecordSets", "patch"): self._patch,
            ("resourceRecordSets", "delete"): self._delete,
            ("changes", "create"): self._make_change,
        }

    def answer(self, call: Call) -> dict[str, Any]:
        """What Google answers.

        :raises Refused: with its error.
        """
        method = self._methods.get((call.method.collection, call.method.name))
        if not method:
            raise unanswered("dns", call.method)
        with self.lock:
            return method(call)

    def _zone(self, call: Call) -> tuple[str, str]:
        key = (call.where["project"], call.where["managedZone"])
        if key not in self.zones:
            raise Refused(404, "notFound", f"The 'parameters.managedZone' resource named '{key[1]}' does not exist.")
        return key

    def _make_zone(self, call: Call) -> dict[str, Any]:
        for name in ("name", "dnsName", "description"):
            if name not in call.body:
                what = f"The 'entity.managedZone.{name}' parameter is required but was missing."
                raise Refused(400, "required", what)
        domain = _checked(call.body["dnsName"], "entity.managedZone.dnsName")
        key = (call.where["project"], call.body["name"])
        if key in self.zones:
            raise _exists("entity.managedZone", key[1])
        self.zones[key] = {"visibility": "public", **call.body, "kind": "dns#managedZone", "creationTime": now(),
                           "id": str(next(self._numbers))}
        servers: Record = {"name": domain, "type": "NS", "ttl": 21600, "rrdatas": ["ns.sandbox.example."]}
        soa: Record = {"name": domain, "type": "SOA", "ttl": 21600,
                       "rrdatas": [f"ns.sandbox.example. a.{domain} 1 2 3 4 5"]}
        self.records[key] = {(each["name"], each["type"]): each for each in (servers, soa)}
        return self.zones[key]

    def _list_zones(self, call: Call) -> dict[str, Any]:
        found = [zone for (project, _name), zone in sorted(self.zones.items()) if project == call.where["project"]]
        return self._paged(call, found, "managedZones")

    def _list(self, call: Call) -> dict[str, Any]:
        name, kind = call.query.get("name"), call.query.get("type")
        if kind and not name:
            raise Refused(400, "required", "The 'parameters.name' parameter is required but was missing.")
        found = [_shown(each) for key, each in sorted(self.records[self._zone(call)].items())
                 if name in (None, key[0]) and kind in (None, key[1])]
        return self._paged(call, found, "rrsets")

    @staticmethod
    def _paged(call: Call, found: list[dict[str, Any]], items: str) -> dict[str, Any]:
        shown, token = page(found, call.query.get("maxResults", ""), call.query.get("pageToken", ""),
                            f"{call.path}?{call.query.get('name', '')}")
        return {"kind": f"dns#{items}ListResponse", items: shown, **({"nextPageToken": token} if token else {})}

    def _at(self, call: Call) -> tuple[Key, Record]:
        key = (call.where["name"], call.where["type"])
        found = self.records[self._zone(call)].get(key)
        if found is None:
            raise not_found(f"entity.rrset {key[0]} ({key[1]})")
        return key, _shown(found)

    def _patch(self, call: Call) -> dict[str, Any]:
        key, old = self._at(call)
        new = {**old, **call.body}
        if (new["name"], new["type"]) != key:
            raise Refused(400, "invalid", "A record's name and type cannot be changed.")
        return self._change(call, [new], [old])[0]

    def _delete(self, call: Call) -> dict[str, Any]:
        _key, old = self._at(call)
        self._change(call, [], [old])
        return {}

    def _make_change(self, call: Call) -> dict[str, Any]:
        additions, deletions = call.body.get("additions") or [], call.body.get("deletions") or []
        if not additions and not deletions:
            raise Refused(400, "required", "The 'entity.change' parameter is required but was missing.")
        self._change(call, additions, deletions)
        return {**call.body, "kind": "dns#change", "id": str(next(self._numbers)), "startTime": now(), "status": "done"}

    def _change(self, call: Call, additions: list[Record], deletions: list[Record]) -> list[Record]:
        """All of it, or none: what goes must be there exactly so, what comes must not be there then."""
        zone = self._zone(call)
        domain, left = self.zones[zone]["dnsName"], dict(self.records[zone])
        for at, record in enumerate(deletions):
            key = (record.get("name", ""), record.get("type", ""))
            if key not in left:
                what = f"The 'entity.change.deletions[{at}]' resource named '{key[0]} ({key[1]})' does not exist."
                raise Refused(404, "notFound", what)
            if _content(left[key]) != _content(record):
                raise Refused(412, "conditionNotMet", f"Precondition not met for 'entity.change.deletions[{at}]'")
            del left[key]
        for at, record in enumerate(additions):
            place = f"entity.change.additions[{at}]"
            made = _completed(record, domain, place)
            key = (made["name"], made["type"])
            if key in left:
                raise _exists(place, f"{key[0]} ({key[1]})")
            there = {type_ for name, type_ in left if name == key[0]}
            if "CNAME" in there or (key[1] == "CNAME" and there):
                what = f"The resource record set '{place}' is invalid because the DNS name '{key[0]}' has a CNAME."
                raise Refused(400, "cnameResourceRecordSetConflict", what)
            left[key] = made
        self.records[zone] = left
        return [_shown(left[(record["name"], record["type"])]) for record in additions]


def _completed(record: Record, domain: str, place: str) -> Record:
    for name in ("name", "type", "rrdatas"):
        if not record.get(name):
            raise Refused(400, "required", f"The '{place}.{name}' parameter is required but was missing.")
    name = _checked(record["name"], f"{place}.name")
    if not f".{name}".endswith(f".{domain}"):
        raise Refused(400, "invalidZoneApex", f"'{place}.name' {name} is not in the zone {domain}.")
    for data in record["rrdatas"]:
        _check_data(record["type"], data, place)
    return {"ttl": 300, **record}


def _check_data(type_: str, data: str, place: str) -> None:
    wrong = Refused(400, "invalid", f"Invalid value for '{place}.rrdata': '{data}'")
    if type_ == "A":
        try:
            ipaddress.IPv4Address(data)
        except ValueError:
            raise wrong from None
    # Outside of quotation marks, a space would begin another string.
    if type_ == "TXT" and not re.fullmatch(r'"[^"]{0,255}"( "[^"]{0,255}")*|[^" ]+', data):
        raise wrong


def _checked(name: str, place: str) -> str:
    if not NAME.fullmatch(name):
        raise Refused(400, "invalid", f"Invalid value for '{place}': '{name}'")
    return name


def _content(record: Record) -> tuple[Any, ...]:
    return record.get("ttl"), sorted(record.get("rrdatas") or ())


def _exists(place: str, name: str) -> Refused:
    return Refused(409, "alreadyExists", f"The resource '{place}' named '{name}' already exists")


def _shown(record: Record) -> Record:
    return {**record, "kind": "dns#resourceRecordSet", "signatureRrdatas": []}
