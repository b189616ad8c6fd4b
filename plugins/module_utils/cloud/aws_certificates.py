# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The user's certificate, observed in AWS Certificate Manager before anything is touched. Only reads."""

from __future__ import annotations

import time

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import NotFound
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.certificates import (
    Certificate,
    misplaced,
    unfit,
)


def require_usable(client: AwsClient, arn: str, host: str) -> None:
    """Refuse a certificate that the load balancer could not use, or that clients would not accept.

    :param host: the name by which clients reach the load balancer; empty when it is not known.
    :raises Failed: ``bad-certificate``, ``certificate-elsewhere``, ``certificate-not-found``, ``certificate-expired``,
        ``certificate-not-issued``, ``certificate-mismatch``.
    """
    elsewhere = misplaced(arn, client.region, "")
    elsewhere = elsewhere or misplaced(arn, client.region, client.call("sts", "get_caller_identity")["Account"])
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
        fix = "Correct provision_certificate (praxis_certificate), or leave it empty for plain HTTP."
        raise Failed(Finding("certificate-not-found", "There is none.", f"certificate {arn}", fix)) from None
    names = {found.get("DomainName", ""), *found.get("SubjectAlternativeNames", ())} - {""}
    ends = found.get("NotAfter")
    return Certificate(arn, str(found["Status"]), sorted(names), ends.timestamp() if ends else None)
