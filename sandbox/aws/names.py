# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names: certificates that AWS makes are issued when their validation record stands in a public zone of the account,
and not after some time; a record that was removed can be created again. Nobody asks a name server: Route 53's own zones
are looked at."""

from __future__ import annotations

from typing import Any

from moto.acm.models import CertBundle
from moto.route53.exceptions import ResourceRecordAlreadyExists
from moto.route53.models import Route53Backend, route53_backends

from sandbox.aws.cloud import Cloud

_check_by_moto = CertBundle.check
_change_by_moto = Route53Backend.change_resource_record_sets


def install(cloud: Cloud) -> None:
    """Let Route 53 decide."""
    CertBundle.check = check
    Route53Backend.change_resource_record_sets = change


def check(bundle: Any) -> None:
    """In place of moto's, by which it takes a minute."""
    if bundle.type != "AMAZON_ISSUED" or bundle.status != "PENDING_VALIDATION":
        _check_by_moto(bundle)
        return
    wanted = {
        (each["ResourceRecord"]["Name"], each["ResourceRecord"]["Value"])
        for each in bundle.describe()["Certificate"]["DomainValidationOptions"]
    }
    if wanted <= _aliases(bundle.arn.split(":")[4]):
        bundle.status = "ISSUED"


def _aliases(account: str) -> set[tuple[str, str]]:
    """Name and value of all CNAMEs in the account's public zones."""
    zones = [zone for zone in route53_backends[account]["aws"].zones.values() if not zone.private_zone]
    aliases = [record for zone in zones for record in zone.rrsets if record.type == "CNAME"]
    return {(record.name, value) for record in aliases for value in record.records}


def change(backend: Any, zoneid: str, change_list: list[dict[str, Any]]) -> None:
    """moto refuses to create what was there once while a record stands behind it, and lets two be created at once."""
    zone = backend.get_hosted_zone(zoneid)
    there = {(record.name, record.type) for record in zone.rrsets}
    for each in change_list:
        record = each["ResourceRecordSet"]
        name = f"{record['Name'].rstrip('.')}."
        if each["Action"] == "CREATE":
            if (name, record["Type"]) in there:
                raise ResourceRecordAlreadyExists(name=record["Name"], _type=record["Type"])
            while each in zone.rr_changes:
                zone.rr_changes.remove(each)
    _change_by_moto(backend, zoneid, change_list)
