# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates of AWS Certificate Manager: the user's, observed before anything is touched, and a fleet's own."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_caller import caller
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_kind import AwsKind
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import NotFound
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.kind import tagged
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.parallel import gathered, map_parallel
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import tag_list
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.aws_dns import (
    CLOUDFRONT,
    USABLE,
    USELESS,
    ZONE_TAG,
    Made,
)
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.certificates import (
    Certificate,
    misplaced,
    missing,
    unfit,
)
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.dns_names import plain_name
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.resource import Observed, Resource

#: How regions begin whose partition has no CloudFront of the others.
_NO_CLOUDFRONT = ("cn-", "eu-iso", "eusc-", "us-gov-", "us-iso")
#: All that a certificate of ACM's may have.
KEY_TYPES = ["RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1", "EC_secp521r1"]


def require_usable(client: AwsClient, arn: str, host: str) -> None:
    """Refuse a certificate that the load balancer could not use, or that clients would not accept.

    :param host: the name by which clients reach the load balancer; empty when it is not known.
    :raises Failed: ``bad-certificate``, ``certificate-elsewhere``, ``certificate-not-found``, ``certificate-expired``,
        ``certificate-not-issued``, ``certificate-mismatch``.
    """
    elsewhere = misplaced(arn, client.region, "")
    elsewhere = elsewhere or misplaced(arn, client.region, caller(client).account)
    if elsewhere:
        raise Failed(elsewhere)
    findings = unfit(described(client, arn), host, time.time())
    if findings:
        raise Failed(*findings)


def described(client: AwsClient, arn: str) -> Certificate:
    """:raises Failed: ``certificate-not-found``."""
    try:
        found = client.call("acm", "describe_certificate", CertificateArn=arn)["Certificate"]
    except NotFound:
        raise Failed(missing(arn)) from None
    names = {found.get("DomainName", ""), *found.get("SubjectAlternativeNames", ())} - {""}
    ends = found.get("NotAfter")
    return Certificate(arn, str(found["Status"]), sorted(names), ends.timestamp() if ends else None)


@dataclass(frozen=True)
class ManagedCertificate(AwsKind):
    """One that ACM makes and renews. Its name on the list is ``ZONE/NAME``: the zone proves whose the name is."""

    by_creation: ClassVar[frozenset[str]] = frozenset({"state"})

    def find(self, client: AwsClient, desired: Resource) -> Observed | None:
        for made, status, tags in _requested(client, {}, desired.name.partition("/")[2]):
            if _key(made) == desired.name:
                state = status if status in USELESS else USABLE
                return Observed(self.name, desired.name, made.arn, {"state": state}, tags)
        return None

    def create(self, client: AwsClient, desired: Resource) -> str:
        domain = desired.name.partition("/")[2]
        made = client.call("acm", "request_certificate", DomainName=domain, ValidationMethod="DNS",
                           Tags=tag_list(desired.tags))  # fmt: skip
        return str(made["CertificateArn"])

    def tag(self, client: AwsClient, desired: Resource, id_: str, tags: Mapping[str, str]) -> None:
        client.call("acm", "add_tags_to_certificate", idempotent=True, CertificateArn=id_, Tags=tag_list(tags))

    def owned(self, client: AwsClient, tags: Mapping[str, str], name: str) -> list[Observed]:
        return [Observed(self.name, _key(made), made.arn, {}, found)
                for made, _status, found in _requested(client, tags)]  # fmt: skip

    def remove(self, client: AwsClient, id_: str) -> None:
        client.call("acm", "delete_certificate", idempotent=True, CertificateArn=id_)


def made_for(client: AwsClient, tags: Mapping[str, str]) -> list[Made]:
    """Certificates that were made for who has these tags."""
    return [made for made, _status, _tags in _requested(client, tags)]


def needing(client: AwsClient, record: str, tags: Mapping[str, str]) -> list[str]:
    """ARNs of certificates that ACM renews by a validation record, but for those that were made for who has these tags.

    A record serves all certificates of the account for one name, of all regions:
    https://docs.aws.amazon.com/acm/latest/userguide/dns-validation.html. Looked at are the client's region and
    CloudFront's.

    :param record: its name.
    """
    ours = {made.arn for made in made_for(client, tags)}
    regions = [client.region]
    if client.region != CLOUDFRONT and not client.region.startswith(_NO_CLOUDFRONT):
        regions.append(CLOUDFRONT)
    return [arn for region in regions for arn in _renewed_by(client.in_region(region), record) if arn not in ours]


def _renewed_by(client: AwsClient, record: str) -> list[str]:
    domain = record.partition(".")[2]
    asked = [
        str(each["CertificateArn"])
        # Without their types ACM lists those with RSA keys of 2048 bits alone.
        for each in client.paginate("acm", "list_certificates", Includes={"keyTypes": KEY_TYPES})
        if each.get("Type") == "AMAZON_ISSUED" and _may_be_for(each, domain)
    ]

    def renewed(arn: str) -> bool:
        try:
            found = client.call("acm", "describe_certificate", CertificateArn=arn)["Certificate"]
        except NotFound:
            return False
        names = [each.get("ResourceRecord", {}).get("Name", "") for each in found.get("DomainValidationOptions", ())]
        return found["Status"] not in USELESS and record in map(plain_name, names)

    return [arn for arn, yes in zip(asked, gathered(map_parallel(renewed, asked)), strict=True) if yes]


def _may_be_for(listed: Mapping[str, Any], domain: str) -> bool:
    """Whether a certificate may be for a name or its wildcard, which have one record. A list shows the first names."""
    shown = listed.get("SubjectAlternativeNameSummaries")
    if shown is None or listed.get("HasAdditionalSubjectAlternativeNames"):
        return True
    return not {domain, f"*.{domain}"}.isdisjoint(shown)


def _requested(client: AwsClient, tags: Mapping[str, str], domain: str = "") -> list[tuple[Made, str, dict[str, str]]]:
    """Certificates that ACM makes and that carry these tags, with their status and all their tags.

    :param domain: the name that they are for; empty for any.
    """
    asked = [
        each
        for each in client.paginate("acm", "list_certificates")
        if each.get("Type") == "AMAZON_ISSUED" and domain in ("", each["DomainName"])
    ]

    def tags_of_one(one: Mapping[str, Any]) -> dict[str, str]:
        try:
            listed = client.call("acm", "list_tags_for_certificate", CertificateArn=one["CertificateArn"])["Tags"]
        except NotFound:
            return {}
        return {each["Key"]: each.get("Value", "") for each in listed}

    found = []
    for each, there in zip(asked, gathered(map_parallel(tags_of_one, asked)), strict=True):
        if there and tagged(there, tags):
            made = Made(str(each["DomainName"]), there.get(ZONE_TAG, ""), str(each["CertificateArn"]))
            found.append((made, str(each.get("Status", "")), there))
    return found


def _key(made: Made) -> str:
    return f"{made.zone}/{made.domain}"


CERTIFICATE = ManagedCertificate("certificate", "certificate")
