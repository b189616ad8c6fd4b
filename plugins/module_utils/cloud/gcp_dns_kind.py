# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of Cloud DNS that leads a name to the load balancer.

Records have neither labels nor descriptions: one of ours has a second beside it, ``TXT _praxis.NAME``, with the mark.
Both come and go in one change.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import NotFound
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_kind import (
    GcpKind,
    address_of,
)
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.kind import text_of, words_of
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.resource import Observed, Resource

Record = Mapping[str, Any]
_MARK_TTL = 300


@dataclass(frozen=True)
class DnsRecord(GcpKind):
    """A record. Its name on the list, and its id, is ``ZONE/NAME``."""

    unmarked: ClassVar[str] = "no TXT record _praxis.NAME beside it says so"

    def find(self, client: GcpClient, desired: Resource) -> Observed | None:
        there, mark = _records(client, desired.name)
        marked = words_of(" ".join(mark.get("rrdatas", ())).replace('"', "")) if mark else {}
        found = _of_type(there, "A") or next(iter(there), None)
        if found is None:
            # A mark alone is what somebody left who removed the record.
            alone = Observed(self.name, desired.name, desired.name, tags=marked)
            return alone if mark and not desired.present else None
        fields = {name: found.get(name) for name in desired.fields}
        if (wanted := desired.fields.get("rrdatas")) and list(found.get("rrdatas", ())) == _addresses(client, wanted):
            fields["rrdatas"] = wanted
        # Of another type than ours it is somebody's, whatever stands beside it.
        return Observed(self.name, desired.name, desired.name, fields, marked if found["type"] == "A" else {})

    def create(self, client: GcpClient, desired: Resource) -> str:
        zone, name = desired.name.split("/")
        wanted = {"name": f"{name}.", "type": "A", **self._body(client, desired)}
        mark = {"name": f"_praxis.{name}.", "type": "TXT", "ttl": _MARK_TTL, "rrdatas": [f'"{text_of(desired.tags)}"']}
        _there, left = _records(client, desired.name)
        body = {"additions": [wanted, mark], **({"deletions": [left]} if left else {})}
        client.call("dns", "POST", f"{_zone(client, zone)}/changes", body=body)
        return desired.name

    def set_later(self, desired: Resource) -> set[str]:
        return set()

    def set(self, client: GcpClient, desired: Resource, id_: str, names: Collection[str]) -> None:
        zone, name = id_.split("/")
        body = {"name": f"{name}.", "type": "A", **self._body(client, desired)}
        client.call("dns", "PATCH", f"{_zone(client, zone)}/rrsets/{name}./A", body=body, idempotent=True)

    def ready(self, client: GcpClient, id_: str) -> str:
        there, mark = _records(client, id_)
        return "" if there and mark else "pending"

    def remove(self, client: GcpClient, id_: str) -> None:
        there, mark = _records(client, id_)
        gone = [each for each in (_of_type(there, "A"), mark) if each]
        if gone:
            path = f"{_zone(client, id_.split('/')[0])}/changes"
            client.call("dns", "POST", path, body={"deletions": gone}, idempotent=True)

    def gone(self, client: GcpClient, id_: str) -> bool:
        there, mark = _records(client, id_)
        return not (mark or _of_type(there, "A"))

    @staticmethod
    def _body(client: GcpClient, desired: Resource) -> dict[str, Any]:
        return {"ttl": desired.fields["ttl"], "rrdatas": _addresses(client, desired.fields["rrdatas"])}


def left_here(client: GcpClient, record: str, address: str) -> str:
    """The record when nothing remembers it, as after somebody removed the address; empty when it leads to another
    address that the project has: it is no longer, or never was, this load balancer's.

    :param address: the name of the load balancer's own.
    """
    there, mark = _records(client, record)
    found = _of_type(there, "A")
    if found is None or mark is None:
        return record
    listed = client.paginate("compute", f"compute/v1/projects/{client.project}/global/addresses")
    others = {each.get("address") for each in listed if each["name"] != address}
    return "" if others.intersection(found["rrdatas"]) else record


def _addresses(client: GcpClient, links: Sequence[str]) -> list[str]:
    return [address_of(client, link) for link in links]


def _records(client: GcpClient, id_: str) -> tuple[list[Record], Record | None]:
    """What is there under a name, and the mark beside it; of a zone that is gone, nothing."""
    zone, name = id_.split("/")
    path = f"{_zone(client, zone)}/rrsets"
    try:
        there = list(client.paginate("dns", path, "rrsets", {"name": f"{name}."}))
        marks = list(client.paginate("dns", path, "rrsets", {"name": f"_praxis.{name}.", "type": "TXT"}))
    except NotFound:
        return [], None
    # Beside an address these may stand.
    alike = [each for each in there if each["type"] in ("A", "AAAA", "CNAME")]
    return [_given(each) for each in alike], next(map(_given, marks), None)


def _given(record: Record) -> Record:
    """What a change says of a record."""
    return {name: record[name] for name in ("name", "type", "ttl", "rrdatas") if name in record}


def _of_type(records: Sequence[Record], type_: str) -> Record | None:
    return next((each for each in records if each["type"] == type_), None)


def _zone(client: GcpClient, zone: str) -> str:
    return f"dns/v1/projects/{client.project}/managedZones/{zone}"
