# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The DNS record of a fleet on Google Cloud, and how its address remembers it. Pure.

A record is written ``ZONE/NAME``. The address has it in its labels, so that it can be removed when nobody names it any
more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.dns_names import TTL
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.resource import Ref, Resource

#: A label's value has at most 63 characters, and no dots.
LONGEST = 63
ZONE_LABEL, NAME_LABEL = "praxis_dns_zone", "praxis_dns_name"


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
