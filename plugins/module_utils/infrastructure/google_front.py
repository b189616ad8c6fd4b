# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How Google's load balancer answers: HTTP alone, or HTTPS with HTTP redirected to it. Pure.

It is the global external one, so its certificates, policies and proxies are global, too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.aws_listeners import Hidden
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.resource import Ref, Resource

HTTP, HTTPS = "80", "443"
SCHEME = "EXTERNAL_MANAGED"
#: TLS 1.2 and 1.3, ciphers with forward secrecy. A proxy without a policy still speaks TLS 1.0.
TLS_POLICY: Mapping[str, Any] = {"profile": "MODERN", "minTlsVersion": "TLS_1_2"}
#: The request's own host, path and query stay.
REDIRECT: Mapping[str, Any] = {
    "httpsRedirect": True, "redirectResponseCode": "MOVED_PERMANENTLY_DEFAULT", "stripQuery": False,
    "hostRedirect": None, "pathRedirect": None, "prefixRedirect": None,
}  # fmt: skip
LOGIN_LOST = "the login before the API: everyone who reaches the load balancer reaches the API"
HTTPS_LOST = "HTTPS: port 443 no longer answers, and port 80 answers in plain text"
#: Kinds that a load balancer has for HTTPS alone, in the order in which they are created.
HTTPS_KINDS = ("ssl_policy", "ssl_certificate", "target_https_proxy")


@dataclass(frozen=True)
class Front:
    """What clients find before the backend service.

    :param certificate: link of a certificate of the user's; empty for none.
    :param domain: for which Google makes one; empty where the user has one, or for plain HTTP.
    :param known_certificates: names of those that were made for this fleet so far.
    :param policy: link of an SSL policy of the user's; empty for one that is made.
    :param login: whether everybody has to pass the Identity-Aware Proxy.
    :param client_id: of the login's client; empty for one of Google's own.
    :param version: of the client's secret.
    :param record: of Cloud DNS that leads to the load balancer, ``ZONE/NAME``; empty for none.
    :param known_record: the one that the address's labels name.
    :param sample_rate: which part of the requests is logged, from 0 to 1; None leaves the logs as they are.
    """

    certificate: str = ""
    domain: str = ""
    known_certificates: Sequence[str] = ()
    policy: str = ""
    login: bool = False
    client_id: str = ""
    version: str = ""
    secret: Hidden = Hidden("")
    record: str = ""
    known_record: str = ""
    sample_rate: float | None = None

    @property
    def secure(self) -> bool:
        """Whether it answers by HTTPS."""
        return bool(self.certificate or self.domain)


def certificate_name(name: str, domain: str) -> str:
    """Of the certificate that Google makes. It carries the domain's digest: for another domain it is another one."""
    return f"{name}-{hashlib.sha256(domain.encode()).hexdigest()[:8]}"


def guard(front: Front) -> dict[str, Any]:
    """The backend service's fields by which a login stands before it, and requests are logged."""
    iap: dict[str, Any] = {"enabled": front.login}
    if front.client_id:
        iap |= {"oauth2ClientId": front.client_id, "oauth2ClientSecret": f"version {front.version}"}
    rate = front.sample_rate
    logs = {} if rate is None else {"logConfig": {"enable": True, "sampleRate": rate} if rate else {"enable": False}}
    return {"iap": iap, **logs}


def way(name: str, front: Front, labels: Mapping[str, str]) -> Iterator[Resource]:
    """What leads to the backend service, HTTPS before what redirects to it."""
    yield Resource("url_map", name, {"defaultService": Ref("backend_service", name)})
    yield from _secure(name, front, labels) if front.secure else no_https(name, front, goes_last=True)
    url_map = Ref("url_map", _redirect(name) if front.secure else name)
    yield Resource("target_http_proxy", name, {"urlMap": url_map})
    yield _rule(name, name, HTTP, Ref("target_http_proxy", name), labels)


def no_https(name: str, front: Front, *, goes_last: bool = False) -> Iterator[Resource]:
    """What HTTPS was made of, to be removed.

    :param goes_last: because HTTP takes its place, and leads no longer there by then.
    """
    yield Resource("ssl_policy", name, present=False, goes_last=goes_last)
    for each in front.known_certificates:
        yield Resource("ssl_certificate", each, present=False, goes_last=goes_last)
    yield Resource("target_https_proxy", name, present=False, goes_last=goes_last)
    yield Resource("forwarding_rule", _rule_name(name), present=False, lost=HTTPS_LOST, goes_last=goes_last)
    yield Resource("url_map", _redirect(name), present=False, goes_last=goes_last)


def _secure(name: str, front: Front, labels: Mapping[str, str]) -> Iterator[Resource]:
    # One of ours goes where the user has another, as soon as the proxy has that one.
    yield Resource("ssl_policy", name, {} if front.policy else TLS_POLICY, present=not front.policy, goes_last=True)
    made = certificate_name(name, front.domain) if front.domain else ""
    for each in front.known_certificates:
        if each != made:
            yield Resource("ssl_certificate", each, present=False, goes_last=True)
    if made:
        yield Resource("ssl_certificate", made, {"type": "MANAGED", "managed": {"domains": [front.domain]}})
    yield Resource("target_https_proxy", name, {
        "urlMap": Ref("url_map", name),
        "sslCertificates": [Ref("ssl_certificate", made) if made else front.certificate],
        "sslPolicy": front.policy or Ref("ssl_policy", name),
        # With a map, Google would ignore the certificate.
        "certificateMap": None,
    })  # fmt: skip
    yield _rule(_rule_name(name), name, HTTPS, Ref("target_https_proxy", name), labels, HTTPS_LOST)
    # A map has a service or a redirect, and never both.
    yield Resource("url_map", _redirect(name), {"defaultUrlRedirect": REDIRECT, "defaultService": None})


def _rule(name: str, address: str, port: str, target: Ref, labels: Mapping[str, str], lost: str = "") -> Resource:
    rule = {
        "loadBalancingScheme": SCHEME, "IPAddress": Ref("address", address), "IPProtocol": "TCP", "portRange": port,
        "target": target, "labels": labels,
    }  # fmt: skip
    return Resource("forwarding_rule", name, rule, remade_by=frozenset(rule) - {"labels"}, lost=lost)


def _rule_name(name: str) -> str:
    return f"{name}-https"


def _redirect(name: str) -> str:
    return f"{name}-redirect"
