# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compute Engine's resources as data: where each kind lives, how it changes, and what of it cannot. Pure.

Another kind is another row. The facts are those of https://cloud.google.com/compute/docs/reference/rest/v1.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_compare import differences
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.google_list import LAST_RULE

Resource = Mapping[str, Any]


@dataclass(frozen=True)
class Call:
    """One request that changes a field.

    :param settled: whether it may be sent twice: it brings the fingerprint of what it was made from, or sets the whole.
    """

    method: str
    body: Mapping[str, Any] | None
    query: Mapping[str, str] = field(default_factory=dict)
    settled: bool = True


@dataclass(frozen=True)
class Setter:
    """A field that changes by methods of its own.

    :param methods: all that it may need.
    :param calls: the requests, from the wanted value and the resource as it is.
    """

    methods: tuple[str, ...]
    calls: Callable[[Any, Resource], Iterable[Call]]


def _as_it_is(body: Resource) -> Resource:
    return body


@dataclass(frozen=True)
class Kind:
    """One kind of resource.

    :param collection: its segment of the path.
    :param locations: which of ``global``, ``region`` and ``zone`` it can be in.
    :param patched: whether Google has a patch for it.
    :param guarded: whether a patch must bring the fingerprint of what it was made from.
    :param fixed: fields that no request changes once it is made.
    :param written: fields that an insert takes and that Google does not answer as they were given; not compared.
    :param setters: fields with a method of their own.
    :param shown: a body as Google answers it.
    :param offered: whether a user may name it; not where a body may hold a key.
    """

    collection: str
    locations: tuple[str, ...]
    patched: bool = True
    guarded: bool = False
    fixed: frozenset[str] = frozenset()
    written: frozenset[str] = frozenset()
    setters: Mapping[str, Setter] = field(default_factory=dict)
    shown: Callable[[Resource], Resource] = _as_it_is
    offered: bool = True


def _by(method: str, body: Callable[[Any, Resource], dict[str, Any]]) -> Setter:
    """The field's one method, which takes the fingerprint of what it was."""
    return Setter((method,), lambda wanted, current: [Call(method, body(wanted, current))])


def _labels(wanted: Any, current: Resource) -> dict[str, Any]:
    return {"labels": wanted, "labelFingerprint": current.get("labelFingerprint", "")}


def _items(name: str) -> Callable[[Any, Resource], dict[str, Any]]:
    """``tags`` and ``metadata``: the items, and the fingerprint that lies beside them."""
    return lambda wanted, current: {
        "items": wanted.get("items", []),
        "fingerprint": (current.get(name) or {}).get("fingerprint", ""),
    }


def _named_ports(wanted: Any, current: Resource) -> dict[str, Any]:
    return {"namedPorts": wanted, "fingerprint": current.get("fingerprint", "")}


def _private_access(wanted: Any, _current: Resource) -> list[Call]:
    return [Call("setPrivateIpGoogleAccess", {"privateIpGoogleAccess": wanted})]


def _policy(wanted: Any, _current: Resource) -> dict[str, Any]:
    return {"securityPolicy": wanted} if wanted else {}


def _digested(body: Resource) -> Resource:
    """Of the secret of a login's client, Google shows the digest."""
    iap = dict(body.get("iap") or {})
    if not iap.get("oauth2ClientSecret"):
        return body
    return {**body, "iap": {**iap, "oauth2ClientSecretSha256": digest(str(iap.pop("oauth2ClientSecret")))}}


def digest(secret: str) -> str:
    """As Google writes it."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _rules(wanted: Any, current: Resource) -> Iterator[Call]:
    """A security policy's rules, known by their priority: those not wanted go, but for the last, which cannot."""
    there = {int(rule["priority"]): rule for rule in current.get("rules") or ()}
    asked = {int(rule["priority"]): rule for rule in wanted or ()}
    for priority, rule in asked.items():
        if priority not in there:
            yield Call("addRule", rule, settled=False)
        elif differences(there[priority], rule, ""):
            yield Call("patchRule", rule, {"priority": str(priority)})
    for priority in sorted(set(there) - set(asked) - {LAST_RULE}):
        yield Call("removeRule", None, {"priority": str(priority)}, settled=False)


LABELS = {"labels": _by("setLabels", _labels)}
EVERYWHERE = ("global", "region")

KINDS: Mapping[str, Kind] = {
    "address": Kind(
        "addresses", EVERYWHERE, patched=False, setters=LABELS,
        fixed=frozenset({"address", "addressType", "networkTier", "purpose", "subnetwork", "network"}),
    ),
    "backend_service": Kind(
        "backendServices", EVERYWHERE, guarded=True, fixed=frozenset({"loadBalancingScheme"}), shown=_digested,
        setters={"securityPolicy": _by("setSecurityPolicy", _policy)},
    ),
    "firewall": Kind("firewalls", ("global",), fixed=frozenset({"network", "direction"})),
    "forwarding_rule": Kind(
        "forwardingRules", EVERYWHERE, setters=LABELS, fixed=frozenset({
            "IPAddress", "IPProtocol", "portRange", "ports", "loadBalancingScheme", "networkTier", "target",
            "backendService", "network", "subnetwork",
        }),
    ),
    "health_check": Kind("healthChecks", EVERYWHERE),
    "instance": Kind(
        "instances", ("zone",), patched=False,
        fixed=frozenset({"machineType", "serviceAccounts", "canIpForward", "shieldedInstanceConfig", "scheduling"}),
        written=frozenset({"disks", "networkInterfaces"}),
        setters={
            **LABELS,
            "tags": _by("setTags", _items("tags")),
            "metadata": _by("setMetadata", _items("metadata")),
        },
    ),
    "instance_group": Kind(
        "instanceGroups", ("zone",), patched=False, fixed=frozenset({"network"}),
        setters={"namedPorts": _by("setNamedPorts", _named_ports)},
    ),
    "network": Kind("networks", ("global",), fixed=frozenset({"autoCreateSubnetworks", "description"})),
    "network_endpoint_group": Kind(
        "networkEndpointGroups", ("zone",), patched=False,
        fixed=frozenset({"networkEndpointType", "network", "subnetwork", "defaultPort"}),
    ),
    "router": Kind("routers", ("region",), fixed=frozenset({"network"})),
    "security_policy": Kind(
        "securityPolicies", ("global",), guarded=True, fixed=frozenset({"type"}),
        setters={**LABELS, "rules": Setter(("addRule", "patchRule", "removeRule"), _rules)},
    ),
    "ssl_certificate": Kind(
        "sslCertificates", ("global",), patched=False, offered=False, written=frozenset({"privateKey"}),
        fixed=frozenset({"type", "managed", "certificate"}),
    ),
    "ssl_policy": Kind("sslPolicies", ("global",), guarded=True),
    "subnetwork": Kind(
        "subnetworks", ("region",), guarded=True, fixed=frozenset({"network", "ipCidrRange", "purpose", "role"}),
        setters={"privateIpGoogleAccess": Setter(("setPrivateIpGoogleAccess",), _private_access)},
    ),
    "target_http_proxy": Kind("targetHttpProxies", ("global",), guarded=True),  # a regional one has no patch
    "target_https_proxy": Kind("targetHttpsProxies", ("global",), guarded=True),
    "url_map": Kind("urlMaps", EVERYWHERE, guarded=True),
}  # fmt: skip
"""By the name that the module's option ``kind`` takes."""
