# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The methods that are more than insert, get, list, patch and delete: one function each, in a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from sandbox.gcp.compute.changes import check_fingerprint
from sandbox.gcp.compute.resources import Resource, Resources, fingerprint, link, now, path_of
from sandbox.gcp.refused import Refused


class World(Protocol):
    """What the resources are in the sandbox: machines that run, a balancer that probes."""

    def instance(self, event: str, instance: Resource) -> Callable[[], bool]:
        """Insert, delete, start, stop, reset a machine, update it from its metadata, or plug in the disks that are
        attached to it; called with the service's lock.
        What is returned says whether that is over, and raises Broken when it was in vain.

        :raises Refused: no such machine can be.
        """

    def disk(self, event: str, disk: Resource, other: Resource) -> None:
        """Resize or delete a disk, make a snapshot of it, or delete one; called with the service's lock.

        :param other: the snapshot; else the disk itself.
        """

    def host_keys(self, instance: Resource) -> list[str]:
        """The public host keys of a machine that runs, a line each."""

    def health(self, service: Resource, address: str, port: int) -> str:
        """How the balancer finds an endpoint of a backend service: HEALTHY or UNHEALTHY; empty for a service that it
        does not serve."""


@dataclass(frozen=True)
class Asked:
    """A verb on a resource.

    :param path: the resource's.
    """

    resource: Resource
    path: str
    project: str
    body: Mapping[str, Any]
    query: Mapping[str, str]
    resources: Resources
    world: World


@dataclass(frozen=True)
class Changed:
    """The verb changed something: it is answered with an operation, over when ``done`` says so."""

    done: Callable[[], bool] = lambda: True


Answer = dict[str, Any] | Changed


def set_labels(asked: Asked) -> Answer:
    if asked.body.get("labelFingerprint") != asked.resource["labelFingerprint"]:
        raise Refused(412, "conditionNotMet", "Labels fingerprint either invalid or resource labels have changed")
    asked.resource["labels"] = dict(asked.body.get("labels") or {})
    asked.resource["labelFingerprint"] = fingerprint(asked.resource["labels"])
    return Changed()


def set_tags(asked: Asked) -> Answer:
    check_fingerprint(asked.body.get("fingerprint"), asked.resource["tags"]["fingerprint"])
    items = list(asked.body.get("items") or [])
    asked.resource["tags"] = {"items": items, "fingerprint": fingerprint(items)}
    return Changed()


def set_metadata(asked: Asked) -> Answer:
    check_fingerprint(asked.body.get("fingerprint"), asked.resource["metadata"]["fingerprint"])
    items = list(asked.body.get("items") or [])
    asked.resource["metadata"] = {"kind": "compute#metadata", "items": items, "fingerprint": fingerprint(items)}
    return Changed(asked.world.instance("update", asked.resource))


def get_guest_attributes(asked: Asked) -> Answer:
    """What the guest agent has published: the machine's host keys."""
    wanted = asked.query.get("queryPath", "")
    items = [{"namespace": "hostkeys", "key": kind, "value": value} for kind, value, *_comment in _host_keys(asked)]
    if wanted not in ("", "hostkeys/") or not items:
        raise Refused(404, "notFound", f"The resource '{wanted}' of type 'Guest Attribute' was not found.")
    return {"kind": "compute#guestAttributes", "queryPath": wanted, "queryValue": {"items": items},
            "selfLink": link(f"{asked.path}/getGuestAttributes/{wanted}")}


def _host_keys(asked: Asked) -> list[list[str]]:
    items = (asked.resource.get("metadata") or {}).get("items") or []
    metadata = {item["key"]: item.get("value", "") for item in items}
    if metadata.get("enable-guest-attributes", "").upper() != "TRUE" or asked.resource["status"] != "RUNNING":
        return []
    return [line.split() for line in asked.world.host_keys(asked.resource)]


def set_service_account(asked: Asked) -> Answer:
    if asked.resource["status"] != "TERMINATED":
        raise Refused(400, "invalid", "The instance must be stopped before its service account is changed.")
    asked.resource["serviceAccounts"] = [dict(asked.body)]
    return Changed()


def set_deletion_protection(asked: Asked) -> Answer:
    asked.resource["deletionProtection"] = asked.query.get("deletionProtection", "true") == "true"
    return Changed()


def start(asked: Asked) -> Answer:
    if asked.resource["status"] == "RUNNING":
        return Changed()
    asked.resource.update(status="PROVISIONING", lastStartTimestamp=now())
    return Changed(asked.world.instance("start", asked.resource))


def stop(asked: Asked) -> Answer:
    if asked.resource["status"] == "TERMINATED":
        return Changed()
    asked.resource.update(status="STOPPING", lastStopTimestamp=now())
    return Changed(asked.world.instance("stop", asked.resource))


def reset(asked: Asked) -> Answer:
    if asked.resource["status"] != "RUNNING":
        raise Refused(400, "resourceNotReady", f"The resource '{asked.path}' is not ready: it is not running.")
    return Changed(asked.world.instance("reset", asked.resource))


def add_instances(asked: Asked) -> Answer:
    members = asked.resource["_members"]
    for path in _instances(asked):
        if path in members:
            raise Refused(400, "memberAlreadyExists", f"Resource '{path}' is already a member of '{asked.path}'.")
        _check_balanced_once(asked, path)
        members.append(path)
        interface = asked.resources.get(path)["networkInterfaces"][0]
        asked.resource.update({name: interface[name] for name in ("network", "subnetwork") if name in interface})
    asked.resource["size"] = len(members)
    return Changed()


def _check_balanced_once(asked: Asked, instance: str) -> None:
    """No machine is in two instance groups that backend services have."""
    balanced = [path_of(backend["group"], "") for service in asked.resources.everywhere("backendServices")
                for backend in service.get("backends") or []]
    others = [path for path in balanced if path != asked.path and asked.path in balanced]
    if any(instance in asked.resources.get(path).get("_members", []) for path in others):
        raise Refused(400, "instanceInMultipleLoadBalancedIgs", f"Validation failed for instance '{instance}': "
                      "instance may belong to at most one load-balanced instance group.")


def remove_instances(asked: Asked) -> Answer:
    members = asked.resource["_members"]
    for path in _instances(asked):
        if path not in members:
            raise Refused(400, "memberNotFound", f"Resource '{path}' is not a member of '{asked.path}'.")
        members.remove(path)
    asked.resource["size"] = len(members)
    return Changed()


def _instances(asked: Asked) -> list[str]:
    zone = "/".join(asked.path.split("/")[:4])
    paths = [asked.resources.referenced(item["instance"], asked.project, "instances")
             for item in asked.body.get("instances") or []]
    for path in paths:
        if not path.startswith(f"{zone}/"):
            raise Refused(400, "invalid", f"'{path}' is in another zone than the group.")
    return paths


def list_instances(asked: Asked) -> Answer:
    state = asked.body.get("instanceState", "ALL")
    items = []
    for path in asked.resource["_members"]:
        machine = asked.resources.get(path)
        if state == "ALL" or machine["status"] == "RUNNING":
            items.append({"instance": machine["selfLink"], "status": machine["status"],
                          "namedPorts": asked.resource.get("namedPorts", [])})
    return {"kind": "compute#instanceGroupsListInstances", "id": asked.path, "items": items,
            "selfLink": link(f"{asked.path}/listInstances")}


def set_named_ports(asked: Asked) -> Answer:
    check_fingerprint(asked.body.get("fingerprint"), asked.resource["fingerprint"])
    asked.resource["namedPorts"] = list(asked.body.get("namedPorts") or [])
    asked.resource["fingerprint"] = fingerprint(asked.resource["namedPorts"])
    return Changed()


def attach_endpoints(asked: Asked) -> Answer:
    known = asked.resource["_endpoints"]
    for endpoint in _endpoints(asked):
        if endpoint not in known:
            known.append(endpoint)
    asked.resource["size"] = len(known)
    return Changed()


def detach_endpoints(asked: Asked) -> Answer:
    known = asked.resource["_endpoints"]
    for endpoint in _endpoints(asked):
        if endpoint not in known:
            raise Refused(400, "invalid", f"The endpoint {endpoint} is not in the group '{asked.path}'.")
        known.remove(endpoint)
    asked.resource["size"] = len(known)
    return Changed()


def _endpoints(asked: Asked) -> list[dict[str, Any]]:
    """Endpoints made whole: instance as a link, address and port filled in."""
    zone = "/".join(asked.path.split("/")[2:4])
    found = []
    for given in asked.body.get("networkEndpoints") or []:
        name = str(given.get("instance", ""))
        path = path_of(name if "/" in name else f"{zone}/instances/{name}", asked.project)
        address = asked.resources.get(path)["networkInterfaces"][0]["networkIP"]
        port = given.get("port") or asked.resource.get("defaultPort")
        if not port:
            raise Refused(400, "required", "A port is needed: the group has no defaultPort.")
        found.append({"instance": link(path), "ipAddress": given.get("ipAddress") or address, "port": int(port)})
    return found


def list_endpoints(asked: Asked) -> Answer:
    items = [{"networkEndpoint": dict(endpoint)} for endpoint in asked.resource["_endpoints"]]
    return {"kind": "compute#networkEndpointGroupsListNetworkEndpoints", "id": asked.path, "items": items}


def get_health(asked: Asked) -> Answer:
    """What the balancer finds for the members of one backend."""
    path = asked.resources.referenced(str(asked.body.get("group", "")), asked.project, "group")
    if link(path) not in [backend["group"] for backend in asked.resource.get("backends", [])]:
        raise Refused(400, "invalid", f"'{path}' is not a backend of '{asked.path}'.")
    group = asked.resources.get(path)
    status = [{"instance": machine["selfLink"], "ipAddress": address, "port": port, "healthState": state}
              for machine, address, port in members(asked.resources, group, asked.resource)
              if (state := asked.world.health(asked.resource, address, port))]
    return {"kind": "compute#backendServiceGroupHealth", **({"healthStatus": status} if status else {})}


def members(resources: Resources, group: Resource, service: Resource) -> list[tuple[Resource, str, int]]:
    """The running machines behind one backend of a service, each with its address and port."""
    found = []
    if "_endpoints" in group:
        for endpoint in group["_endpoints"]:
            machine = resources.get(path_of(endpoint["instance"], ""))
            if machine["status"] == "RUNNING":
                found.append((machine, endpoint["ipAddress"], endpoint["port"]))
        return found
    ports = {item["name"]: item["port"] for item in group.get("namedPorts", [])}
    port = int(ports.get(service.get("portName", "")) or service.get("port") or 80)
    for path in group["_members"]:
        machine = resources.get(path)
        if machine["status"] == "RUNNING":
            found.append((machine, machine["networkInterfaces"][0]["networkIP"], port))
    return found


def set_private_access(asked: Asked) -> Answer:
    asked.resource["privateIpGoogleAccess"] = bool(asked.body.get("privateIpGoogleAccess"))
    return Changed()


VERBS: Mapping[tuple[str, str], Callable[[Asked], Answer]] = {
    ("addresses", "setLabels"): set_labels,
    ("backendServices", "getHealth"): get_health,
    ("forwardingRules", "setLabels"): set_labels,
    ("subnetworks", "setPrivateIpGoogleAccess"): set_private_access,
    ("instanceGroups", "addInstances"): add_instances,
    ("instanceGroups", "listInstances"): list_instances,
    ("instanceGroups", "removeInstances"): remove_instances,
    ("instanceGroups", "setNamedPorts"): set_named_ports,
    ("instances", "getGuestAttributes"): get_guest_attributes,
    ("instances", "reset"): reset,
    ("instances", "setDeletionProtection"): set_deletion_protection,
    ("instances", "setLabels"): set_labels,
    ("instances", "setMetadata"): set_metadata,
    ("instances", "setServiceAccount"): set_service_account,
    ("instances", "setTags"): set_tags,
    ("instances", "start"): start,
    ("instances", "stop"): stop,
    ("networkEndpointGroups", "attachNetworkEndpoints"): attach_endpoints,
    ("networkEndpointGroups", "detachNetworkEndpoints"): detach_endpoints,
    ("networkEndpointGroups", "listNetworkEndpoints"): list_endpoints,
}
"""By kind and method."""
