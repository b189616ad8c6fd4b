# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The name of a fleet on AWS: its record in Route 53, and the certificate that AWS makes for it. Pure.

A record is written ``ZONE/NAME``, the zone by its id. Records have no tags: the load balancer has the record in one of
its own, so that it can be removed when nobody names it any more. A certificate has tags, its zone among them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.resource import Ref, Resource

#: The load balancer's tag with its record, and a certificate's with the zone that its validation record is in.
RECORD_TAG, ZONE_TAG = "praxis_dns_record", "praxis_dns_zone"
#: In place of a certificate of the user's, for one that AWS makes.
MANAGED = "managed"
#: The region of CloudFront's certificates.
CLOUDFRONT = "us-east-1"
#: What ACM makes none for: a common name has no more characters.
LONGEST = 64
ISSUED = "ISSUED"
#: States that no certificate leaves again.
USELESS = ("FAILED", "VALIDATION_TIMED_OUT", "REVOKED")
USABLE = "usable"


@dataclass(frozen=True)
class Made:
    """A certificate that was made for this fleet.

    :param domain: the name that it is for.
    :param zone: id of the zone that its validation record is in.
    """

    domain: str
    zone: str
    arn: str


@dataclass(frozen=True)
class Names:
    """What the fleet is called, and what was made for that so far.

    :param record: that leads to the load balancer, ``ZONE/NAME``; empty for none.
    :param known_record: the one that the load balancer's tag names.
    :param validated: the same of the certificate that AWS makes; empty for none.
    :param known: certificates that were made for this fleet.
    """

    record: str = ""
    known_record: str = ""
    validated: str = ""
    known: Sequence[Made] = field(default_factory=tuple)

    @property
    def domain(self) -> str:
        """For which AWS makes a certificate."""
        return self.validated.partition("/")[2]

    @property
    def balancer_tags(self) -> dict[str, str]:
        """By which the load balancer remembers the record."""
        return {RECORD_TAG: self.record} if self.record or self.known_record else {}


def certificate(names: Names, tags: Mapping[str, str], mark: Mapping[str, str]) -> Iterator[Resource]:
    """The certificate with the record by which ACM validates it; those that are for another name, to be removed."""
    for each in names.known:
        if each.domain != names.domain or each.zone != names.validated.partition("/")[0]:
            # The listener has it until then. Without it nobody knows its record any more: who comes last goes first.
            of = {"certificate": each.arn}
            old = f"{each.zone}/{each.domain}"
            yield Resource("certificate", old, {}, of, mark, present=False, goes_last=True)
            yield Resource("validation_record", old, {}, of, mark, present=False, goes_last=True)
    if names.validated:
        zone, _slash, domain = names.validated.partition("/")
        marked = {**tags, "Name": domain, ZONE_TAG: zone}
        lost = "a certificate that will never be issued"
        yield Resource("certificate", names.validated, {"state": USABLE}, {}, marked, frozenset({"state"}), lost=lost)
        validates = {"certificate": Ref("certificate", names.validated)}
        yield Resource("validation_record", names.validated, {"status": ISSUED}, validates, mark)


def records(names: Names, balancer: str, mark: Mapping[str, str]) -> Iterator[Resource]:
    """The record that is wanted, and the one from before, which goes before the load balancer forgets it.

    :param balancer: the load balancer's name on the list.
    """
    known = names.known_record
    if known and known != names.record:
        yield Resource("dns_record", known, {}, {}, mark, present=False, lost=f"the name {known.partition('/')[2]}")
    if names.record:
        yield Resource("dns_record", names.record, {"leads_to": Ref("load_balancer", balancer)}, {}, mark)
