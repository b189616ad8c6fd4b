# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Google fills in and insists on, one row for each kind of resource.

The facts are those of https://cloud.google.com/compute/docs/reference/rest/v1; the discovery document does not hold
them.
"""

from __future__ import annotations

import hashlib
import ipaddress
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.gcp.compute import disks, tls
from sandbox.gcp.compute.addresses import (
    check_reserved,
    free_address,
    give_address,
    public_address,
    used_addresses,
)
from sandbox.gcp.compute.resources import Resource, Resources, fingerprint, link, now, path_of
from sandbox.gcp.refused import Refused, invalid


@dataclass(frozen=True)
class Place:
    """Where a resource is made: its project, its path, and the resources around it."""

    project: str
    path: str
    resources: Resources
    network: str
    """The sandbox's network, ``10.7.0.0/16``: where an interface without a subnetwork gets its address."""
    public: str
    """Where external addresses come from."""

    @property
    def scope(self) -> str:
        """``zones/us-central1-a``, ``regions/us-central1`` or ``global``."""
        words = self.path.split("/")
        return "/".join(words[2:4]) if words[2] in ("zones", "regions") else "global"


Fill = Callable[[Resource, Place], None]
DEFAULT_RULE = 2147483647
"""Priority of a security policy's last rule."""
MOST_RANGES = 10
"""Address ranges that a rule of a security policy may have."""


@dataclass(frozen=True)
class Kind:
    """One kind of resource.

    :param singular: Google's name of one, as in ``compute#backendService``.
    :param required: what an insert cannot do without.
    :param references: dotted fields that hold other resources' links; lists on the way are entered.
    :param defaults: what Google answers when nothing was said.
    :param fill: what depends on the rest of the resource or on others.
    :param guarded: a change must bring the fingerprint it was made from.
    :param labelled: it has labels, with a fingerprint of their own.
    :param output: fields that an insert or a patch may hold and that do not count.
    :param held_by: the kinds that one cannot be removed for while they refer to it; None: all.
    """

    singular: str
    required: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    defaults: Mapping[str, Any] | None = None
    fill: Fill = lambda resource, place: None
    guarded: bool = False
    labelled: bool = False
    output: tuple[str, ...] = ()
    held_by: tuple[str, ...] | None = None


def subnetwork(resource: Resource, place: Place) -> None:
    """A subnetwork has a gateway, and shares no address with another of its network."""
    try:
        wanted = ipaddress.IPv4Network(resource["ipCidrRange"])
    except ValueError:
        raise invalid("resource.ipCidrRange", resource["ipCidrRange"], "It must be an IPv4 range.") from None
    for path, other in place.resources.of_kind(place.project, "subnetworks"):
        if path != place.path and other["network"] == resource["network"] and wanted.overlaps(
                ipaddress.IPv4Network(other["ipCidrRange"])):
            raise invalid("resource.ipCidrRange", resource["ipCidrRange"],
                          f"It conflicts with the range of '{path}' ({other['ipCidrRange']}).")
    resource["gatewayAddress"] = str(wanted[1])


def firewall(resource: Resource, place: Place) -> None:
    """Exactly one of allowed and denied; a rule without a source is for everybody."""
    if bool(resource.get("allowed")) == bool(resource.get("denied")):
        raise Refused(400, "invalid", "Exactly one of 'allowed' and 'denied' must be given.")
    resource.setdefault("network", link(f"projects/{place.project}/global/networks/default"))
    side = "source" if resource["direction"] == "INGRESS" else "destination"
    if not any(resource.get(f"{side}{what}") for what in ("Ranges", "Tags", "ServiceAccounts")):
        resource[f"{side}Ranges"] = ["0.0.0.0/0"]
    if resource.get("sourceTags") and resource.get("sourceServiceAccounts"):
        raise Refused(400, "invalid", "sourceTags and sourceServiceAccounts cannot be used together.")


def health_check(resource: Resource, place: Place) -> None:
    """The part that goes with the type has a port, or names where it comes from."""
    words = {"HTTP": "httpHealthCheck", "HTTPS": "httpsHealthCheck", "HTTP2": "http2HealthCheck",
             "TCP": "tcpHealthCheck", "SSL": "sslHealthCheck", "GRPC": "grpcHealthCheck"}
    name = words.get(resource.get("type", ""))
    if not name:
        raise invalid("resource.type", resource.get("type"), f"It must be one of: {', '.join(words)}.")
    spec = resource.setdefault(name, {})
    if resource["type"] in ("HTTP", "HTTPS", "HTTP2"):
        spec.setdefault("requestPath", "/")
    if resource["type"] != "GRPC":
        spec.setdefault("proxyHeader", "NONE")
    if "port" not in spec and spec.get("portSpecification") not in ("USE_NAMED_PORT", "USE_SERVING_PORT"):
        spec["port"] = 443 if resource["type"] in ("HTTPS", "HTTP2", "SSL") else 80
    if resource["timeoutSec"] > resource["checkIntervalSec"]:
        raise invalid("resource.timeoutSec", resource["timeoutSec"], "It must not exceed checkIntervalSec.")


def backend_service(resource: Resource, place: Place) -> None:
    """A backend has a balancing mode; the service has a port name."""
    if resource.get("iap"):
        _proxied(resource["iap"], resource)
    logs = resource["logConfig"]
    if logs["enable"]:
        logs.setdefault("sampleRate", 1)
    if not 0 <= float(logs.get("sampleRate", 0)) <= 1:
        raise invalid("resource.logConfig.sampleRate", logs["sampleRate"], "Must be from 0 to 1.")
    resource.setdefault("portName", "http" if resource["protocol"] == "HTTP" else resource["protocol"].lower())
    for backend in resource.get("backends", []):
        negs = "networkEndpointGroups" in backend["group"]
        backend.setdefault("balancingMode", "RATE" if negs else "UTILIZATION")
        backend.setdefault("capacityScaler", 1)
        if negs and backend["balancingMode"] == "UTILIZATION":
            raise invalid("resource.backends.balancingMode", "UTILIZATION",
                          "Network endpoint groups are balanced by RATE or CONNECTION.")


def _proxied(iap: dict[str, Any], service: Resource) -> None:
    """The Identity-Aware Proxy: a client's id and secret, or neither; of the secret, only its digest is shown."""
    secret = iap.pop("oauth2ClientSecret", None)
    if secret:
        iap["oauth2ClientSecretSha256"] = hashlib.sha256(secret.encode()).hexdigest()
    if bool(iap.get("oauth2ClientId")) != bool(iap.get("oauth2ClientSecretSha256")):
        raise invalid("resource.iap", iap.get("oauth2ClientId"), "A client has an id and a secret.")
    if iap.get("enabled") and service.get("enableCDN"):
        raise invalid("resource.iap.enabled", True, "It cannot be used together with Cloud CDN.")


def address(resource: Resource, place: Place) -> None:
    """An external address out of the sandbox's network, unless one was asked for; or one of a subnetwork."""
    if not resource.get("address"):
        subnet = place.resources.get(path_of(resource["subnetwork"], "")) if resource.get("subnetwork") else None
        resource["address"] = (free_address(place.resources, subnet["ipCidrRange"]) if subnet
                               else public_address(place.resources, place.public))
    resource["status"] = "RESERVED"


def forwarding_rule(resource: Resource, place: Place) -> None:
    """An address, and ports as a range; of two rules, one port of one address is one's."""
    ports = str(resource.get("portRange") or "")
    if ports and "-" not in ports:
        resource["portRange"] = f"{ports}-{ports}"
    if not resource.get("IPAddress"):
        resource["IPAddress"] = public_address(place.resources, place.public)
    elif "/addresses/" in resource["IPAddress"]:
        path = place.resources.referenced(resource["IPAddress"], place.project, "IPAddress")
        resource["IPAddress"] = place.resources.get(path)["address"]
    for path, other in place.resources.of_kind(place.project, "forwardingRules"):
        if path != place.path and all(other.get(name) == resource.get(name)
                                      for name in ("IPAddress", "IPProtocol", "portRange")):
            raise Refused(400, "invalid", f"Invalid value for field 'resource.IPAddress': '{resource['IPAddress']}'. "
                                          "Specified IP address is in-use and would result in a conflict.")


def instance(resource: Resource, place: Place) -> None:
    """A machine: disks and interfaces as Google answers them, addresses, fingerprints."""
    if not resource.get("disks"):
        raise Refused(400, "required", "Invalid value for field 'resource.disks': ''. At least one disk is needed.")
    if not resource.get("networkInterfaces"):
        raise Refused(400, "required", "At least one network interface is required.")
    for index, interface in enumerate(resource["networkInterfaces"]):
        _interface(interface, index, place)
    for index, disk in enumerate(resource["disks"]):
        _disk(disk, index, resource, place)
    resource |= {"_made": time.time(), "status": "PROVISIONING", "lastStartTimestamp": now(),
                 "cpuPlatform": "Unknown CPU Platform", "startRestricted": False,
                 "deletionProtection": resource.get("deletionProtection", False)}
    resource["tags"] = {**resource.get("tags", {}), "fingerprint": fingerprint(resource.get("tags", {}).get("items"))}
    metadata = {"kind": "compute#metadata", **resource.get("metadata", {})}
    resource["metadata"] = {**metadata, "fingerprint": fingerprint(metadata.get("items"))}
    resource.setdefault("scheduling", {"automaticRestart": True, "onHostMaintenance": "MIGRATE", "preemptible": False,
                                       "provisioningModel": "STANDARD"})


def _interface(interface: dict[str, Any], index: int, place: Place) -> None:
    used = set(used_addresses(place.resources))
    subnet = None
    if reference := interface.get("subnetwork"):
        subnet = place.resources.get(path_of(reference, place.project))
        interface["network"] = subnet["network"]
    wanted = interface.get("networkIP")
    if wanted and wanted in used:
        raise Refused(409, "alreadyExists", f"IP '{wanted}' is already being used by another resource.")
    if not wanted:
        interface["networkIP"] = free_address(place.resources, subnet["ipCidrRange"] if subnet else place.network)
    interface |= {"name": f"nic{index}", "kind": "compute#networkInterface", "stackType": "IPV4_ONLY",
                  "fingerprint": fingerprint(interface)}
    for access in interface.get("accessConfigs", []):
        access.setdefault("type", "ONE_TO_ONE_NAT")
        access.setdefault("name", "External NAT")
        access.setdefault("networkTier", "PREMIUM")
        access["kind"] = "compute#accessConfig"
        if access.get("natIP"):
            check_reserved(access["natIP"], place.project, place.resources)
        else:
            give_address(access, place.resources, place.public)


def _disk(disk: dict[str, Any], index: int, owner: Resource, place: Place) -> None:
    made = disk.pop("initializeParams", None)
    if made is None and "source" not in disk:
        raise invalid(f"resource.disks[{index}]", "", "Either a source or initializeParams must be given.")
    name = (made or {}).get("diskName") or (owner["name"] if not index else f"{owner['name']}-{index}")
    disk |= {"kind": "compute#attachedDisk", "index": index, "interface": "SCSI",
             "deviceName": disk.get("deviceName", f"persistent-disk-{index}"),
             "mode": disk.get("mode", "READ_WRITE"), "type": disk.get("type", "PERSISTENT"),
             "boot": disk.get("boot", not index), "autoDelete": disk.get("autoDelete", False),
             "source": disk.get("source") or link(f"projects/{place.project}/{place.scope}/disks/{name}"),
             "diskSizeGb": str((made or {}).get("diskSizeGb") or disk.get("diskSizeGb") or 10)}
    disk["_image"] = (made or {}).get("sourceImage", "")


def instance_group(resource: Resource, place: Place) -> None:
    """An unmanaged group, empty at first."""
    resource |= {"size": 0, "_members": []}


def endpoint_group(resource: Resource, place: Place) -> None:
    """A zonal group of endpoints, empty at first."""
    resource |= {"size": 0, "_endpoints": []}


def security_policy(resource: Resource, place: Place) -> None:
    """There is a rule for whom no other is for; unless it is given, it lets everybody in."""
    rules = resource.setdefault("rules", [])
    if not any(rule["priority"] == DEFAULT_RULE for rule in rules):
        everybody = {"versionedExpr": "SRC_IPS_V1", "config": {"srcIpRanges": ["*"]}}
        rules.append({"priority": DEFAULT_RULE, "action": "allow", "match": everybody})
    if len({rule["priority"] for rule in rules}) < len(rules):
        raise invalid("resource.rules", "", "Cannot have rules with the same priorities.")
    resource["rules"] = [policy_rule(rule) for rule in rules]


def policy_rule(rule: Mapping[str, Any]) -> Resource:
    """A rule of a security policy as Google takes it."""
    ranges = rule.get("match", {}).get("config", {}).get("srcIpRanges", [])
    if len(ranges) > MOST_RANGES:
        raise invalid("resource.match.config.srcIpRanges", len(ranges), f"At most {MOST_RANGES} are taken.")
    return {"kind": "compute#securityPolicyRule", "preview": False, "description": "", **rule}


KINDS: Mapping[str, Kind] = {
    "networks": Kind("network", required=("autoCreateSubnetworks",), output=("subnetworks",), defaults={
        "mtu": 1460, "routingConfig": {"routingMode": "REGIONAL"}, "networkFirewallPolicyEnforcementOrder":
        "AFTER_CLASSIC_FIREWALL"}),
    "subnetworks": Kind("subnetwork", required=("ipCidrRange", "network"), references=("network",), guarded=True,
                        fill=subnetwork, defaults={
        "privateIpGoogleAccess": False, "purpose": "PRIVATE", "stackType": "IPV4_ONLY",
        "privateIpv6GoogleAccess": "DISABLE_GOOGLE_ACCESS"}),
    "routers": Kind("router", references=("network", "nats.subnetworks.name"), defaults={
        "encryptedInterconnectRouter": False}),
    "firewalls": Kind("firewall", references=("network",), fill=firewall, defaults={
        "direction": "INGRESS", "priority": 1000, "disabled": False, "logConfig": {"enable": False}}),
    "addresses": Kind("address", labelled=True, references=("network", "subnetwork"), fill=address, defaults={
        "addressType": "EXTERNAL", "networkTier": "PREMIUM", "description": ""}),
    "instances": Kind("instance", labelled=True, required=("machineType",), fill=instance, references=(
        "machineType", "networkInterfaces.network", "networkInterfaces.subnetwork")),
    "disks": Kind("disk", labelled=True, references=("sourceSnapshot",), held_by=("instances",), fill=lambda resource,
                  place: disks.disk(resource, place.project, place.scope, place.resources)),
    "snapshots": Kind("snapshot", labelled=True, held_by=()),
    "instanceGroups": Kind("instanceGroup", references=("network",), fill=instance_group, guarded=True),
    "networkEndpointGroups": Kind("networkEndpointGroup", references=("network", "subnetwork"), fill=endpoint_group,
                                  defaults={"networkEndpointType": "GCE_VM_IP_PORT"}),
    "healthChecks": Kind("healthCheck", fill=health_check, defaults={
        "checkIntervalSec": 5, "timeoutSec": 5, "healthyThreshold": 2, "unhealthyThreshold": 2,
        "logConfig": {"enable": False}}),
    "securityPolicies": Kind("securityPolicy", labelled=True, guarded=True, fill=security_policy, defaults={
        "type": "CLOUD_ARMOR", "description": ""}),
    "backendServices": Kind("backendService", references=("healthChecks", "backends.group"), fill=backend_service,
                            guarded=True, output=("securityPolicy", "usedBy"), defaults={
        "protocol": "HTTP", "timeoutSec": 30, "sessionAffinity": "NONE", "loadBalancingScheme": "EXTERNAL",
        "connectionDraining": {"drainingTimeoutSec": 0}, "affinityCookieTtlSec": 0, "enableCDN": False,
        "description": "", "logConfig": {"enable": False}}),
    "urlMaps": Kind("urlMap", references=("defaultService", "pathMatchers.defaultService",
                                          "pathMatchers.pathRules.service"), guarded=True,
                    fill=lambda resource, place: tls.url_map(resource, place.resources)),
    "sslCertificates": Kind("sslCertificate", fill=lambda resource, place: tls.certificate(resource), defaults={
        "type": "SELF_MANAGED"}),
    "sslPolicies": Kind("sslPolicy", guarded=True, fill=lambda resource, place: tls.policy(resource), defaults={
        "profile": "COMPATIBLE", "minTlsVersion": "TLS_1_0", "postQuantumKeyExchange": "DEFAULT"}),
    "targetHttpsProxies": Kind("targetHttpsProxy", required=("urlMap",), references=(
        "urlMap", "sslCertificates", "sslPolicy"), guarded=True, defaults={"quicOverride": "NONE"},
        fill=lambda resource, place: tls.https_proxy(resource, place.resources)),
    "targetHttpProxies": Kind("targetHttpProxy", required=("urlMap",), references=("urlMap",), guarded=True,
                              defaults={"proxyBind": False}),
    "forwardingRules": Kind("forwardingRule", labelled=True, fill=forwarding_rule, references=(
        "target", "network", "subnetwork", "backendService"), defaults={
        "IPProtocol": "TCP", "loadBalancingScheme": "EXTERNAL", "networkTier": "PREMIUM"}),
}
"""By the segment of the path: regional and global ones are of one kind."""
