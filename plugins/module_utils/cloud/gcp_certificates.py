# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The user's certificate, observed in Compute Engine before anything is touched. Only reads."""

from __future__ import annotations

import datetime
import time
from collections.abc import Mapping
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import NotFound
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_compare import plain
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.certificates import (
    ISSUED,
    Certificate,
    misplaced_link,
    missing,
    unfit,
)

#: One that Google makes is issued only when the load balancer has it, so what is not ready yet can be used.
_NEVER = ("PROVISIONING_FAILED_PERMANENTLY",)


def link_of(client: GcpClient, named: str) -> str:
    """A certificate's link, from the project on.

    :param named: its name, or any form of its link.
    """
    return plain(named if "/" in named or ":" in named else f"global/sslCertificates/{named}", client.project)


def require_usable(client: GcpClient, link: str, host: str) -> None:
    """Refuse a certificate that the load balancer could not use, or that clients would not accept.

    :param host: the name by which clients reach the load balancer; empty when it is not known.
    :raises Failed: ``bad-certificate``, ``certificate-elsewhere``, ``certificate-not-found``, ``certificate-expired``,
        ``certificate-not-issued``, ``certificate-mismatch``.
    """
    elsewhere = misplaced_link(link, client.project)
    if elsewhere:
        raise Failed(elsewhere)
    findings = unfit(described(client, link), host, time.time())
    if findings:
        raise Failed(*findings)


def described(client: GcpClient, link: str) -> Certificate:
    """:raises Failed: ``certificate-not-found``."""
    try:
        found = client.call("compute", "GET", f"compute/v1/{link}")
    except NotFound:
        raise Failed(missing(link)) from None
    managed: Mapping[str, Any] = found.get("managed") or {}
    status = str(managed.get("status", ""))
    names = sorted({*(found.get("subjectAlternativeNames") or ()), *(managed.get("domains") or ())})
    return Certificate(link, status if status in _NEVER else ISSUED, names, _moment(found.get("expireTime")),
                       "Create another one from the renewed certificate")  # fmt: skip


def _moment(text: str | None) -> float | None:
    """RFC 3339, as seconds since 1970."""
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() if text else None
