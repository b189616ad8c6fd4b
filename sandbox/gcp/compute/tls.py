# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates, SSL policies and what speaks TLS with them, as strict as Google."""

from __future__ import annotations

import re
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from sandbox.gcp.compute.resources import Resource, Resources, path_of
from sandbox.gcp.refused import Refused, invalid

MOST_CERTIFICATES = 15
MOST_DOMAINS = 100
DOMAIN = re.compile(r"(?=.{1,253}$)([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")
PUBLIC_FORM = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
FEATURES = {
    "COMPATIBLE": ("TLS_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
                   "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "TLS_RSA_WITH_AES_128_CBC_SHA"),
    "MODERN": ("TLS_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"),
    "RESTRICTED": ("TLS_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
    "FIPS_202205": ("TLS_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
}
"""Some of each profile's."""


def certificate(resource: Resource) -> None:
    """A self-managed one is read, a managed one waits for its domains; the key is never answered."""
    if resource["type"] == "MANAGED":
        _managed(resource)
        return
    if resource["type"] != "SELF_MANAGED" or resource.get("managed"):
        raise invalid("resource.type", resource["type"], "It must be MANAGED with 'managed', or SELF_MANAGED.")
    given = resource.pop("selfManaged", None) or resource
    pem, key = given.get("certificate"), given.pop("privateKey", None)
    if not pem or not key:
        raise Refused(400, "required", "A self-managed certificate needs 'certificate' and 'privateKey'.")
    try:
        first, *_chain = x509.load_pem_x509_certificates(pem.encode())
        private = serialization.load_pem_private_key(key.encode(), None)
    except ValueError:
        raise Refused(400, "sslCertificateCouldNotParseCert", "The SSL certificate could not be parsed.") from None
    if private.public_key().public_bytes(*PUBLIC_FORM) != first.public_key().public_bytes(*PUBLIC_FORM):
        raise Refused(400, "sslCertificateKeyMismatch", "The SSL certificate's key does not match the private key.")
    resource |= {"certificate": pem, "selfManaged": {"certificate": pem}, "_key": key,
                 "expireTime": first.not_valid_after_utc.isoformat(timespec="milliseconds")}
    try:
        names = first.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        resource["subjectAlternativeNames"] = names.get_values_for_type(x509.DNSName)
    except x509.ExtensionNotFound:
        pass


def _managed(resource: Resource) -> None:
    domains = resource.get("managed", {}).get("domains") or []
    if not 1 <= len(domains) <= MOST_DOMAINS or resource.get("certificate") or resource.get("selfManaged"):
        raise invalid("resource.managed.domains", domains, f"From 1 to {MOST_DOMAINS} domains are needed, and no more.")
    for domain in domains:
        if not DOMAIN.fullmatch(domain.rstrip(".")):
            raise invalid("resource.managed.domains", domain, "Must be a domain name; wildcards are not supported.")
    resource["managed"] |= {"status": "PROVISIONING", "domainStatus": dict.fromkeys(domains, "PROVISIONING")}


def policy(resource: Resource) -> None:
    """What a profile goes with."""
    profile, features = resource["profile"], resource.get("customFeatures")
    if (profile == "CUSTOM") != bool(features):
        raise invalid("resource.customFeatures", features, "They go with the profile CUSTOM, and only with it.")
    if resource["minTlsVersion"] == "TLS_1_3" and profile != "RESTRICTED":
        raise invalid("resource.profile", profile, "With TLS 1.3 it must be RESTRICTED.")
    resource["enabledFeatures"] = sorted(features or FEATURES[profile])


def https_proxy(resource: Resource, resources: Resources) -> None:
    """It has certificates, and its URL map does not redirect to HTTPS."""
    links = resource.get("sslCertificates") or []
    if not links and not resource.get("certificateMap"):
        raise Refused(400, "required", "At least one SSL certificate must be specified.")
    if len(links) > MOST_CERTIFICATES or len(set(links)) < len(links):
        raise invalid("resource.sslCertificates", len(links), f"At most {MOST_CERTIFICATES}, each once.")
    _of_kind(links, "sslCertificates")
    _of_kind([resource["sslPolicy"]] if resource.get("sslPolicy") else [], "sslPolicies")
    url_map = resources.get(path_of(resource["urlMap"], ""))
    if url_map.get("defaultUrlRedirect", {}).get("httpsRedirect"):
        raise invalid("resource.urlMap", resource["urlMap"], "httpsRedirect is for target HTTP proxies only.")


def url_map(resource: Resource, resources: Resources) -> None:
    """It leads to a service or redirects, and never both."""
    ways = [name for name in ("defaultService", "defaultUrlRedirect", "defaultRouteAction") if resource.get(name)]
    if len(ways) != 1:
        raise invalid("resource.defaultService", ways, "Exactly one of a default service and a default redirect.")
    redirect: dict[str, Any] = resource.get("defaultUrlRedirect") or {}
    if redirect:
        redirect.setdefault("redirectResponseCode", "MOVED_PERMANENTLY_DEFAULT")
        redirect.setdefault("stripQuery", False)
        if redirect.get("pathRedirect") and redirect.get("prefixRedirect"):
            raise invalid("resource.defaultUrlRedirect", "", "pathRedirect and prefixRedirect exclude each other.")
    if redirect.get("httpsRedirect"):
        for proxy in resources.everywhere("targetHttpsProxies"):
            if path_of(proxy["urlMap"], "").endswith(f"/urlMaps/{resource['name']}"):
                raise invalid("resource.defaultUrlRedirect", "", "httpsRedirect is for target HTTP proxies only.")


def _of_kind(links: list[str], segment: str) -> None:
    for link in links:
        if link.split("/")[-3:-1] != ["global", segment]:
            raise invalid(f"resource.{segment}", link, f"It must be the URL of a global resource of {segment}.")


def key_of(found: Resource) -> str:
    """Certificate, chain and key as PEM; empty for one that Google makes and has not issued."""
    return f"{found['certificate'].strip()}\n{found['_key'].strip()}\n" if found.get("_key") else ""
