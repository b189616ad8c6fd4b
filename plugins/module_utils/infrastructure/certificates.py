# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a certificate can serve a fleet's load balancer. Pure."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.dns_names import plain_name

_LINK = re.compile(r"projects/(?P<project>[^/]+)/(?P<scope>global|regions/[^/]+)/sslCertificates/[a-z][-a-z0-9]*")
_ARN = re.compile(r"arn:(?P<partition>aws[a-z-]*):acm:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):certificate/[\w-]+")
ISSUED, PENDING, EXPIRED = "ISSUED", "PENDING_VALIDATION", "EXPIRED"


@dataclass(frozen=True)
class Certificate:
    """A certificate as its store shows it.

    :param id: its ARN or link.
    :param status: in the words of AWS Certificate Manager; of Google's, its own where it will never be issued.
    :param names: host names that it is for; one of them may begin with ``*.``.
    :param ends: when it expires, in seconds since 1970; None for one that was never issued.
    :param renewal: what to do when it has expired.
    """

    id: str
    status: str
    names: Sequence[str] = ()
    ends: float | None = None
    renewal: str = "Renew or import it again (the ARN stays)"


def misplaced(arn: str, region: str, account: str) -> Finding | None:
    """A finding for what no load balancer of this region and account can use.

    :param account: the caller's; empty while it is not known.
    """
    where = f"certificate {arn}"
    found = _ARN.fullmatch(arn)
    if not found:
        what = "The value is not the ARN of a certificate in AWS Certificate Manager."
        fix = (
            "Set it to an ARN like arn:aws:acm:REGION:ACCOUNT:certificate/ID. Another authority's certificate can be "
            "imported into ACM."
        )
        return Finding("bad-certificate", what, where, fix)
    if found["region"] != region:
        what = f"The certificate is in {found['region']}, and the load balancer would be in {region}."
        fix = f"Request or import the certificate in {region}: a load balancer uses only those of its own region."
        return Finding("certificate-elsewhere", what, where, fix)
    if account and found["account"] != account:
        what = f"The certificate is in the account {found['account']}, and the load balancer would be in {account}."
        fix = f"Request or import the certificate in the account {account}."
        return Finding("certificate-elsewhere", what, where, fix)
    return None


def misplaced_link(link: str, project: str) -> Finding | None:
    """The same for what Google's global load balancer of this project cannot use.

    :param link: from the project on.
    """
    where = f"certificate {link}"
    found = _LINK.fullmatch(link)
    if not found:
        what = "The value is not the name or link of an SSL certificate of Compute Engine."
        fix = "Use a link like projects/PROJECT/global/sslCertificates/NAME (gcloud compute ssl-certificates list)."
        return Finding("bad-certificate", what, where, fix)
    if found["scope"] != "global":
        what = f"The certificate is in {found['scope'].rpartition('/')[2]}, and the load balancer is global."
        fix = "Create the certificate again with --global: a load balancer uses only those of its own scope."
        return Finding("certificate-elsewhere", what, where, fix)
    if found["project"] != project:
        what = f"The certificate is in the project {found['project']}, and the load balancer would be in {project}."
        fix = f"Create it in the project {project}."
        return Finding("certificate-elsewhere", what, where, fix)
    return None


def missing(id_: str) -> Finding:
    """That there is no such certificate.

    :param id_: its ARN, or Google's link.
    """
    fix = "Correct provision_certificate (praxis_certificate), or leave it empty for plain HTTP."
    return Finding("certificate-not-found", "The certificate does not exist.", f"certificate {id_}", fix)


def unfit(certificate: Certificate, host: str, now: float) -> list[Finding]:
    """Findings for a certificate with which clients would refuse the connection, or AWS the listener.

    :param host: the name by which clients reach the load balancer; empty when it is not known.
    """
    where, findings = f"certificate {certificate.id}", []
    ended = certificate.ends is not None and certificate.ends <= now
    if certificate.status == EXPIRED or ended:
        when = f" on {day(certificate.ends)}" if certificate.ends is not None else ""
        fix = f"{certificate.renewal}, or set another certificate in provision_certificate (praxis_certificate)."
        findings.append(Finding("certificate-expired", f"It expired{when}.", where, fix))
    elif certificate.status != ISSUED:
        what = f"The certificate is in the state {certificate.status}: a listener needs one in the state ISSUED."
        fix = (
            "Create its validation records in DNS, wait until ACM shows it as issued, and run this again."
            if certificate.status == PENDING
            else "Request a new certificate, and set it in provision_certificate (praxis_certificate)."
        )
        findings.append(Finding("certificate-not-issued", what, where, fix))
    if host and not any(covers(name, host) for name in certificate.names):
        names = ", ".join(certificate.names) or "no name"
        what = f"The certificate is for {names}, and clients ask for {host}: they would refuse it."
        fix = "Use a certificate for that name, or correct provision_dns_name (praxis_dns_name)."
        findings.append(Finding("certificate-mismatch", what, where, fix))
    return findings


def covers(name: str, host: str) -> bool:
    """Whether a certificate's name is for this host, as RFC 6125 has it: a wildcard stands for one whole label."""
    name, host = plain_name(name), plain_name(host)
    if name.startswith("*."):
        label, _dot, rest = host.partition(".")
        return bool(label) and rest == name[2:]
    return name == host


def day(moment: float) -> str:
    """A moment's date, in UTC."""
    return datetime.datetime.fromtimestamp(moment, datetime.UTC).strftime("%Y-%m-%d")
