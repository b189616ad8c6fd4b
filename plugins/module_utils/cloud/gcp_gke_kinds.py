# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A GKE cluster and its node pool.

GKE makes and changes in minutes: each of the two has a field ``running``, which is set by waiting. Their versions are
Google's affair, by the cluster's channel.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_credentials import SCOPE
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_kind import GcpKind
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_service_accounts import unless_young
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.kind import DescribedKind, text_of, words_of
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.google_cluster import PODS, SERVICES
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.resource import Observed, Resource

Answer = Mapping[str, Any]

#: While Google upgrades a cluster by itself, it can be used.
_USABLE = ("RUNNING", "RECONCILING")
_FAILED = ("ERROR", "DEGRADED", "RUNNING_WITH_ERROR")


def cluster_path(project: str, location: str, name: str) -> str:
    """A cluster's own path in the API."""
    return f"projects/{project}/locations/{location}/clusters/{name}"


class GkeKind(GcpKind, DescribedKind[GcpClient]):
    """What has a state, and changes by operations of the container API. Its id is its path."""

    awaited: ClassVar[bool] = True

    def described(self, client: GcpClient, id_: str) -> dict[str, Any]:
        return client.call("container", "GET", f"v1/{id_}")

    def update(self, client: GcpClient, desired: Resource, id_: str, found: Answer, names: Collection[str]) -> None:
        """Bring these fields of it to what is desired."""
        raise NotImplementedError

    def set_later(self, desired: Resource) -> set[str]:
        """A creation takes all; what is left is to wait for it."""
        return {"running"}

    def set(self, client: GcpClient, desired: Resource, id_: str, names: Collection[str]) -> None:
        """Change what differs, once it is there.

        :raises errors.Conflict: it is not there yet.
        """
        found = self.described(client, id_)
        state = found.get("status", "")
        if state in _FAILED:
            fix = "Correct what GKE's message names; remove the resource if it never ran. Then run this again."
            raise errors.Invalid(f"GKE says {state}{_conditions(found)}.", id_, fix, code="gke-failed")
        if state not in _USABLE:
            raise errors.Conflict(f"Its state is {state}.", id_, "Wait until its state is RUNNING, then run this "
                                                                 "again.")
        self.update(client, desired, id_, found, names)

    def begin(self, client: GcpClient, id_: str, body: Mapping[str, Any]) -> None:
        """Begin to make it."""
        try:
            client.call("container", "POST", f"v1/{id_.rpartition('/')[0]}", body=body)
        except errors.Invalid as error:
            raise unless_young(error) from None

    def change(self, client: GcpClient, id_: str, verb: str, method: str, body: Mapping[str, Any] | None) -> None:
        """One change, until its operation is over."""
        operation = client.call("container", verb, f"v1/{id_}{method}", body=body, idempotent=True)
        self.over(client, id_, operation)

    def over(self, client: GcpClient, id_: str, operation: Answer) -> None:
        """Wait until an operation on this one is over."""
        place = "/".join(id_.split("/")[:4])
        path = f"v1/{place}/operations/{operation['name']}"
        client.wait(operation, seconds=self.deadline, what=id_, service="container", path=path)

    def remove(self, client: GcpClient, id_: str) -> None:
        self.change(client, id_, "DELETE", "", None)


@dataclass(frozen=True)
class GkeCluster(GkeKind):
    """A cluster, of Autopilot or with one node pool of the same name. Its version, its channel and whether its nodes
    are private are set at creation."""

    def foreseen(self, client: GcpClient, desired: Resource) -> str:
        return cluster_path(client.project, desired.made_with["location"], desired.name)

    def find(self, client: GcpClient, desired: Resource) -> Observed | None:
        id_ = self.foreseen(client, desired)
        try:
            found = self.described(client, id_)
        except errors.NotFound:
            return None
        labels, wanted = found.get("resourceLabels") or {}, desired.fields.get("labels", {})
        fields = {
            "running": found.get("status") in _USABLE,
            "public_from": _public_from(found),
            "labels": {key: labels.get(key) for key in wanted},
        }
        return Observed(self.name, desired.name, id_, fields, words_of(found.get("description")))

    def create(self, client: GcpClient, desired: Resource) -> str:
        id_ = self.foreseen(client, desired)
        self.begin(client, id_, {"cluster": new_cluster(desired, client.project)})
        return id_

    def update(self, client: GcpClient, desired: Resource, id_: str, found: Answer, names: Collection[str]) -> None:
        fields = desired.fields
        if "public_from" in names and _public_from(found) != fields["public_from"]:
            # The API takes one field at a time.
            wanted = {"desiredControlPlaneEndpointsConfig": _endpoints(fields["public_from"])}
            self.change(client, id_, "PUT", "", {"update": wanted})
        if "labels" in names:
            labels = {**(found.get("resourceLabels") or {}), **fields["labels"]}
            guarded = {"resourceLabels": labels, "labelFingerprint": found.get("labelFingerprint", "")}
            self.change(client, id_, "POST", ":setResourceLabels", guarded)


@dataclass(frozen=True)
class NodePool(GkeKind):
    """A node pool. It is made with its cluster, and known by its nodes' labels, since it has no description."""

    found_by: ClassVar[Collection[str]] = ("cluster",)
    unmarked: ClassVar[str] = "its labels do not say so"

    def find(self, client: GcpClient, desired: Resource) -> Observed | None:
        id_ = f"{desired.made_with['cluster']}/nodePools/{desired.name}"
        try:
            found = self.described(client, id_)
        except errors.NotFound:
            return None
        scaling = found.get("autoscaling") or {}
        on = bool(scaling.get("enabled"))
        fields = {
            "running": found.get("status") in _USABLE,
            "min": int(scaling.get("totalMinNodeCount") or 0) if on else None,
            "max": int(scaling.get("totalMaxNodeCount") or 0) if on else None,
        }
        labels = (found.get("config") or {}).get("resourceLabels") or {}
        return Observed(self.name, desired.name, id_, fields, dict(labels))

    def create(self, client: GcpClient, desired: Resource) -> str:
        id_ = f"{desired.made_with['cluster']}/nodePools/{desired.name}"
        if self.find(client, desired) is None:  # a new cluster has it already
            self.begin(client, id_, {"nodePool": new_pool(desired)})
        return id_

    def update(self, client: GcpClient, desired: Resource, id_: str, found: Answer, names: Collection[str]) -> None:
        if {"min", "max"} & set(names):
            limits = _limits(desired.fields["min"], desired.fields["max"])
            self.change(client, id_, "POST", ":setAutoscaling", {"autoscaling": limits})


def new_cluster(desired: Resource, project: str) -> dict[str, Any]:
    """The body by which a cluster is made."""
    made_with, fields = desired.made_with, desired.fields
    body: dict[str, Any] = {
        "name": desired.name,
        "description": text_of(desired.tags),
        "resourceLabels": dict(fields["labels"]),
        "network": made_with["network"],
        "subnetwork": made_with["subnetwork"],
        "ipAllocationPolicy": {
            "useIpAliases": True,
            "clusterSecondaryRangeName": PODS,
            "servicesSecondaryRangeName": SERVICES,
        },
        "networkConfig": {"defaultEnablePrivateNodes": made_with["private_nodes"]},
        "controlPlaneEndpointsConfig": _endpoints(fields["public_from"]),
        "releaseChannel": {"channel": made_with["channel"]},
    }
    if made_with["version"]:
        body["initialClusterVersion"] = made_with["version"]
    if made_with["autopilot"]:
        nodes = {"serviceAccount": made_with["account"], "oauthScopes": [SCOPE]}
        # Its pods have identities of Google's (Workload Identity) by themselves.
        return {
            **body,
            "autopilot": {"enabled": True},
            "autoscaling": {"autoprovisioningNodePoolDefaults": nodes},
        }
    located = {"locations": list(made_with["zones"])} if made_with["zones"] else {}
    return {
        **body,
        **located,
        "workloadIdentityConfig": {"workloadPool": f"{project}.svc.id.goog"},
        "nodePools": [new_pool(desired)],
    }


def new_pool(desired: Resource) -> dict[str, Any]:
    """The body by which a node pool is made, alone or with its cluster."""
    made_with = {**desired.made_with, **desired.fields}
    return {
        "name": desired.name,
        "initialNodeCount": 1,  # in each zone
        "autoscaling": _limits(made_with["min"], made_with["max"]),
        "management": {"autoRepair": True, "autoUpgrade": True},
        "networkConfig": {"enablePrivateNodes": made_with["private_nodes"]},
        "config": {
            "machineType": made_with["instance_type"],
            "serviceAccount": made_with["account"],
            "oauthScopes": [SCOPE],
            "resourceLabels": dict(desired.tags),
            # Pods ask GKE's own metadata server, which gives them their identity and never the node's.
            "workloadMetadataConfig": {"mode": "GKE_METADATA"},
            "shieldedInstanceConfig": {"enableSecureBoot": True, "enableIntegrityMonitoring": True},
        },
    }


def _limits(least: int, most: int) -> dict[str, Any]:
    return {"enabled": True, "totalMinNodeCount": least, "totalMaxNodeCount": most}


def _endpoints(public_from: Collection[str]) -> dict[str, Any]:
    """Where the API server answers: inside the network always, to the internet as far as it is named."""
    blocks = [{"cidrBlock": each} for each in public_from]
    admitted = {"enabled": True, "cidrBlocks": blocks, "gcpPublicCidrsAccessEnabled": False}
    by_address = {"enabled": True, "enablePublicEndpoint": bool(blocks), "authorizedNetworksConfig": admitted}
    return {"ipEndpointsConfig": by_address, "dnsEndpointConfig": {"allowExternalTraffic": False}}


def _public_from(found: Answer) -> list[str]:
    """From where it answers through the internet, whoever says so and by which of its ways in."""
    endpoints = found.get("controlPlaneEndpointsConfig") or {}
    by_address = endpoints.get("ipEndpointsConfig") or {}
    admitted = by_address.get("authorizedNetworksConfig") or {}
    blocks = sorted(str(each["cidrBlock"]) for each in admitted.get("cidrBlocks") or ())
    open_: list[str] = []
    if by_address.get("enablePublicEndpoint"):
        open_ = blocks if admitted.get("enabled") else ["0.0.0.0/0"]
        open_ += ["Google Cloud"] if admitted.get("gcpPublicCidrsAccessEnabled") else []
    if (endpoints.get("dnsEndpointConfig") or {}).get("allowExternalTraffic"):
        open_ += ["by its DNS name"]
    return open_


def _conditions(found: Answer) -> str:
    said = [str(each.get("message", "")).rstrip(".") for each in found.get("conditions") or ()]
    return f": {'; '.join(said)}" if said else ""
