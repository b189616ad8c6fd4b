# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From where a fleet's API can be reached, and what that demands of its load balancer. Pure.

The agents' API has no authentication of its own. So an API that is meant for the public has a front that has one, and
TLS in front of that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding

INTERNAL, PUBLIC = "internal", "public"
INTERNAL_SCHEME, INTERNET_FACING = "internal", "internet-facing"
ENDPOINTS = ("issuer", "authorization_endpoint", "token_endpoint", "user_info_endpoint")
OIDC = (*ENDPOINTS, "client_id", "client_secret")


@dataclass(frozen=True)
class Exposure:
    """What the user says of it.

    :param wanted: ``internal``, ``public``, or empty for what ``scheme`` says.
    :param scheme: of the load balancer.
    :param tls: whether it answers by HTTPS.
    :param oidc: the settings of its login; empty without one.
    :param accepted: whether the user accepts by name that the API is open to the world.
    """

    wanted: str = ""
    scheme: str = INTERNET_FACING
    tls: bool = False
    oidc: Mapping[str, Any] | None = None
    accepted: bool = False

    @property
    def made_with(self) -> str:
        """The scheme with which the load balancer is made."""
        return INTERNAL_SCHEME if self.wanted == INTERNAL else self.scheme

    @property
    def guarded(self) -> bool:
        """Whether nobody passes the load balancer without having logged in."""
        return self.tls and bool(self.oidc)

    def bad_login(self, oidc: Mapping[str, Any], where: str) -> list[Finding]:
        """What is wrong with the settings of the login."""
        return _bad_oidc(oidc, where)

    def refused(self, where: str) -> list[Finding]:
        """What stands against it."""
        findings = self.bad_login(self.oidc, where) if self.oidc else []
        if self.oidc and not self.tls:
            what = "A login needs HTTPS, and no certificate is set."
            fix = "Set one in provision_certificate (praxis_certificate)."
            findings.append(Finding("login-without-tls", what, where, fix))
        if self.wanted != PUBLIC:
            return findings
        if self.scheme == INTERNAL_SCHEME:
            what = "The settings make the API public, but the load balancer internal."
            fix = "Change provision_api_exposure (praxis_api_exposure) or provision_balancer_scheme."
            findings.append(Finding("exposure-differs", what, where, fix))
        missing = [] if self.tls else ["TLS (provision_certificate, praxis_certificate)"]
        missing += [] if self.oidc else ["a login (provision_oidc, praxis_oidc)"]
        if missing and not self.accepted:
            what = f"The API would be public, without authentication of its own, and it lacks {' and '.join(missing)}."
            fix = (
                "Add what is missing, choose provision_api_exposure=internal, or accept the risk: "
                "provision_open_api_to_world=true (praxis_open_api_to_world)."
            )
            findings.append(Finding("public-without-authentication", what, where, fix))
        return findings


def refuse_existing(exposure: Exposure, where: str, zone: str = "") -> None:
    """:raises Failed: ``front-without-balancer`` when a load balancer of the user's would have to change."""
    asked = {"provision_certificate": exposure.tls, "provision_oidc": exposure.oidc,
             "provision_api_exposure": exposure.wanted, "provision_dns_zone": zone}  # fmt: skip
    named = ", ".join(name for name, value in asked.items() if value)
    if named:
        what = f"An existing load balancer is never changed, and {named} would change it."
        fix = "Set up its listeners yourself, and leave these options empty."
        raise Failed(Finding("front-without-balancer", what, where, fix))


def _bad_oidc(oidc: Mapping[str, Any], where: str) -> list[Finding]:
    place, findings = f"provision_oidc (praxis_oidc), {where}", []
    missing = [name for name in OIDC if not oidc.get(name)]
    if missing:
        fix = f"Set all of {', '.join(OIDC)}."
        findings.append(Finding("bad-oidc", f"The login lacks {', '.join(missing)}.", place, fix))
    for name in ENDPOINTS:
        parts = urlsplit(str(oidc.get(name) or "https://unset"))
        if parts.scheme != "https" or not parts.hostname:
            what = f"{name} is {oidc[name]!r}, and a load balancer only allows https:// URLs."
            fix = "Set it to the https:// URL that the provider's .well-known/openid-configuration shows."
            findings.append(Finding("bad-oidc", what, place, fix))
    return findings


#: Who logs people in at Google's Identity-Aware Proxy.
GOOGLE_ISSUER = "https://accounts.google.com"
CLIENT = ("client_id", "client_secret")


class GoogleExposure(Exposure):
    """The same for Google's load balancer, whose login is the Identity-Aware Proxy (IAP) with Google as the issuer.

    Without a client of the user's, IAP has one of its own.
    """

    def bad_login(self, oidc: Mapping[str, Any], where: str) -> list[Finding]:
        place, findings = f"provision_oidc (praxis_oidc), {where}", []
        strange = [name for name in ENDPOINTS[1:] if oidc.get(name)]
        if strange or oidc.get("issuer") not in (None, GOOGLE_ISSUER):
            named = ", ".join([*(["issuer"] if oidc.get("issuer") else []), *strange])
            what = f"The login sets {named}, but on Google Cloud it is the Identity-Aware Proxy with Google accounts."
            fix = f"Leave the endpoints empty, and set issuer to {GOOGLE_ISSUER}."
            findings.append(Finding("bad-oidc", what, place, fix))
        missing = [name for name in CLIENT if not oidc.get(name)]
        if len(missing) == 1:
            fix = f"Set {' and '.join(CLIENT)}, or neither: then the Identity-Aware Proxy uses its own client."
            findings.append(Finding("bad-oidc", f"The login lacks {missing[0]}.", place, fix))
        return findings

    def refused(self, where: str) -> list[Finding]:
        if self.wanted != INTERNAL:
            return super().refused(where)
        what = "The settings make the API internal, and no internal load balancer can be created on Google Cloud."
        fix = (
            "Set provision_target_group (praxis_target_group) to your own backend service, or create no load "
            "balancer: provision_balancer=false (praxis_balancer)."
        )
        return [Finding("no-internal-balancer", what, where, fix), *super().refused(where)]
