# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The DNS record of a fleet on Google Cloud, and how its address remembers it. Pure.

A record is written ``ZONE/NAME``. The address has it in its labels, so that it can be removed when nobody names it any
more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.resource import Ref, Resource

TTL = 300
ZONE_LABEL, NAME_LABEL = "praxis_dns_zone", "praxis_dns_name"
#: A label's value has no dots and at most 63 characters; a host's name has no underscores.
_NAME = re.compile(r"(?=.{1,63}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+")


def record(zone: str, name: str) -> str:
    """As the list has it; empty without a zone."""
    return f"{zone}/{plain_name(name)}" if zone else ""


def plain_name(name: str) -> str:
    """A host's name in small letters, without the root's dot."""
    return name.lower().rstrip(".")


def bad_name(zone: str, domain: str, name: str, where: str) -> list[Finding]:
    """A finding for a name that no record in this zone can have.

    :param domain: the zone's own.
    """
    place, host = f"provision_dns_name (praxis_dns_name), {where}", plain_name(name)
    fix = f"Give a name below {domain or 'the domain of the zone'}, such as agents.{domain or 'example.org'}."
    if not host:
        what = f"There is a zone for a record ({zone}), and no name."
    elif not _NAME.fullmatch(host):
        what = f"{host!r} is no name of a host, or has more than 63 characters."
    elif domain and not f".{host}".endswith(f".{plain_name(domain)}"):
        what = f"{host} is not in the zone {zone}, which is for {plain_name(domain)}."
    else:
        return []
    return [Finding("bad-dns-name", what, place, fix)]


def remembered(labels: Mapping[str, str]) -> str:
    """The record that an address's labels name; empty when they name none."""
    zone, name = labels.get(ZONE_LABEL, ""), labels.get(NAME_LABEL, "")
    return f"{zone}/{name.replace('_', '.')}" if zone and name else ""


def labels_of(wanted: str, known: str) -> dict[str, str | None]:
    """The address's labels for a record; a null takes one away.

    :param known: the record that they name now.
    """
    if wanted:
        zone, name = wanted.split("/")
        return {ZONE_LABEL: zone, NAME_LABEL: name.replace(".", "_")}
    return {ZONE_LABEL: None, NAME_LABEL: None} if known else {}


def records(address: str, wanted: str, known: str) -> Iterator[Resource]:
    """The record that is wanted, and the one from before, which goes before the address forgets it.

    :param address: the address's name on the list.
    """
    if known and known != wanted:
        yield Resource("dns_record", known, present=False, lost=f"the name {known.partition('/')[2]}")
    if wanted:
        yield Resource("dns_record", wanted, {"ttl": TTL, "rrdatas": [Ref("address", address)]})
