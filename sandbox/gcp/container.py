# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GKE as records: clusters and node pools that run no pod, with their states and operations. There is no API server."""

from __future__ import annotations

import base64
import itertools
import threading
from collections.abc import Callable
from typing import Any

from sandbox.gcp.compute.changes import merged
from sandbox.gcp.compute.resources import Resources, fingerprint, now
from sandbox.gcp.discovery import Call, unanswered
from sandbox.gcp.identity import Identities
from sandbox.gcp.refused import Refused, not_found

Record = dict[str, Any]
CLUSTERS, POOLS = "projects.locations.clusters", "projects.locations.clusters.nodePools"
OPERATIONS = "projects.locations.operations"
HOST = "https://container.googleapis.com/v1"
AUTHORITY = b"-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n"
"""No certificate: nobody can connect."""
UPDATES = {"desiredControlPlaneEndpointsConfig": "controlPlaneEndpointsConfig"}


class Container:
    """The service. Whether a user may do a thing is for the caller to know.

    :param lasting: how often an operation, or what it makes, is observed before it is over.
    """

    def __init__(self, compute: Resources, identities: Identities, lasting: int = 0) -> None:
        self.lock = threading.RLock()
        self.lasting = lasting
        self.resources: dict[str, Record] = {}
        self.failing: list[Record] = []
        """Errors that the next operations end with: ``{"code": 8, "message": …}``; then nothing has changed."""
        self._compute, self._identities = compute, identities
        self._operations: dict[str, Record] = {}
        self._left: dict[str, int] = {}
        self._numbers = itertools.count(1)
        self._methods: dict[tuple[str, str], Callable[[Call], Record]] = {
            (CLUSTERS, "create"): self._create, (CLUSTERS, "get"): self._get, (CLUSTERS, "update"): self._update,
            (CLUSTERS, "setResourceLabels"): self._label, (CLUSTERS, "delete"): self._delete,
            (POOLS, "create"): self._create_pool, (POOLS, "get"): self._get, (POOLS, "delete"): self._delete,
            (POOLS, "setAutoscaling"): self._scale, (OPERATIONS, "get"): self._operation,
        }

    def answer(self, call: Call) -> Record:
        """What Google answers.

        :raises Refused: with its error.
        """
        method = self._methods.get((call.method.collection, call.method.name))
        if not method:
            raise unanswered("container", call.method)
        with self.lock:
            return method(call)

    def get(self, path: str) -> Record:
        """A cluster (``projects/P/locations/L/clusters/C``) or node pool as it is stored."""
        if path not in self.resources:
            raise not_found(path)
        return self.resources[path]

    def _get(self, call: Call) -> Record:
        path = _path(call)
        found = self.get(path)
        if self._left.get(path, 0):
            self._left[path] -= 1
        elif found["status"] == "PROVISIONING":
            found["status"] = "RUNNING"
        elif found["status"] == "STOPPING":
            self._forget(path)
            raise not_found(path)
        return found

    def _create(self, call: Call) -> Record:
        body = call.body.get("cluster") or {}
        path = f"{call.path.removeprefix('v1/')}/{body.get('name', '')}"
        self._require_new(path)
        if bool(body.get("autopilot", {}).get("enabled")) == bool(body.get("nodePools")):
            raise Refused(400, "INVALID_ARGUMENT", "Cluster.initial_node_count must be greater than zero.")
        for kind in ("network", "subnetwork"):
            self._compute.get(body[kind])
        ranges = {each["rangeName"] for each in self._compute.get(body["subnetwork"]).get("secondaryIpRanges", [])}
        policy = body["ipAllocationPolicy"]
        for named in (policy["clusterSecondaryRangeName"], policy["servicesSecondaryRangeName"]):
            if named not in ranges:
                raise Refused(400, "INVALID_ARGUMENT", f"Pod secondary range \"{named}\" does not exist.")
        nodes = (body.get("autoscaling") or {}).get("autoprovisioningNodePoolDefaults") or {}
        pools = [self._pool(each) for each in body.pop("nodePools", [])]
        if not pools:
            self._require_account(nodes.get("serviceAccount"))
        endpoint = f"192.0.2.{next(self._numbers) % 250 + 1}"
        self._put(path, {
            **body, "status": "PROVISIONING", "endpoint": endpoint, "createTime": now(), "currentMasterVersion":
            body.get("initialClusterVersion", "1.34.1-gke.1"), "location": call.where["locationsId"],
            "masterAuth": {"clusterCaCertificate": base64.b64encode(AUTHORITY).decode()},
            "labelFingerprint": fingerprint(body.get("resourceLabels")), "selfLink": f"{HOST}/{path}"})
        for pool in pools:
            self._put(f"{path}/nodePools/{pool['name']}", pool)
        return self._started(call, "CREATE_CLUSTER")

    def _create_pool(self, call: Call) -> Record:
        pool = self._pool(call.body.get("nodePool") or {})
        cluster = call.path.removeprefix("v1/").removesuffix("/nodePools")
        self._require_running(cluster)
        if self.resources[cluster].get("autopilot", {}).get("enabled"):
            raise Refused(400, "INVALID_ARGUMENT", "Autopilot clusters do not support this operation.")
        self._require_new(f"{cluster}/nodePools/{pool['name']}")
        self._put(f"{cluster}/nodePools/{pool['name']}", pool)
        return self._started(call, "CREATE_NODE_POOL")

    def _update(self, call: Call) -> Record:
        path, wanted = _path(call), call.body.get("update") or {}
        self._require_running(path)
        if len(wanted) != 1:
            raise Refused(400, "INVALID_ARGUMENT", "Exactly one update must be given.")
        for name, value in wanted.items():
            if name not in UPDATES:
                raise unanswered("container", call.method)
            if not self.failing:
                self.resources[path][UPDATES[name]] = merged(self.resources[path].get(UPDATES[name]), value)
        return self._started(call, "UPDATE_CLUSTER")

    def _label(self, call: Call) -> Record:
        path = _path(call)
        self._require_running(path)
        found = self.resources[path]
        if call.body.get("labelFingerprint") != found["labelFingerprint"]:
            raise Refused(400, "FAILED_PRECONDITION", "Labels could not be set due to fingerprint mismatch.",
                          "FAILED_PRECONDITION")
        found["resourceLabels"] = call.body.get("resourceLabels") or {}
        found["labelFingerprint"] = fingerprint(found["resourceLabels"])
        return self._started(call, "UPDATE_CLUSTER")

    def _scale(self, call: Call) -> Record:
        path = _path(call)
        self._require_running(path)
        if not self.failing:
            self.resources[path]["autoscaling"] = call.body["autoscaling"]
        return self._started(call, "UPDATE_CLUSTER")

    def _delete(self, call: Call) -> Record:
        path = _path(call)
        self._require_running(path)
        for each in [one for one in self.resources if one == path or one.startswith(f"{path}/")]:
            self.resources[each]["status"], self._left[each] = "STOPPING", self.lasting
        if not self.lasting:
            self._forget(path)
        return self._started(call, "DELETE_CLUSTER")

    def _pool(self, body: Record) -> Record:
        self._require_account((body.get("config") or {}).get("serviceAccount"))
        scaling = body.get("autoscaling") or {}
        if scaling.get("totalMinNodeCount", 0) > scaling.get("totalMaxNodeCount", 0):
            raise Refused(400, "INVALID_ARGUMENT", "Node pool autoscaling limits are not in order.")
        return {**body, "status": "PROVISIONING"}

    def _require_account(self, email: str | None) -> None:
        if not email or not self._identities.known(email):
            raise Refused(400, "INVALID_ARGUMENT", f'Service account "{email}" does not exist.')

    def _require_new(self, path: str) -> None:
        if path in self.resources:
            raise Refused(409, "ALREADY_EXISTS", f"Already exists: {path}.")

    def _require_running(self, path: str) -> None:
        if self.get(path)["status"] != "RUNNING":
            what = f"{path} is running incompatible operation, and has status {self.resources[path]['status']}."
            raise Refused(400, "FAILED_PRECONDITION", what, "FAILED_PRECONDITION")

    def _put(self, path: str, record: Record) -> None:
        self.resources[path], self._left[path] = record, self.lasting

    def _forget(self, path: str) -> None:
        for each in [one for one in self.resources if one == path or one.startswith(f"{path}/")]:
            del self.resources[each]

    def _started(self, call: Call, kind: str) -> Record:
        place = f"projects/{call.where['projectsId']}/locations/{call.where['locationsId']}"
        name = f"operation-{next(self._numbers)}"
        found: Record = {"name": name, "operationType": kind, "status": "RUNNING", "startTime": now(),
                         "selfLink": f"{HOST}/{place}/operations/{name}"}
        if self.failing:
            found["_error"] = self.failing.pop(0)
        self._operations[f"{place}/operations/{name}"], self._left[name] = found, self.lasting
        return _shown(found)

    def _operation(self, call: Call) -> Record:
        path = call.path.removeprefix("v1/")
        if path not in self._operations:
            raise not_found(path)
        found = self._operations[path]
        if self._left[found["name"]]:
            self._left[found["name"]] -= 1
        else:
            found["status"] = "DONE"
            found |= {"error": found["_error"]} if "_error" in found else {}
        return _shown(found)


def _path(call: Call) -> str:
    return call.path.removeprefix("v1/").partition(":")[0]


def _shown(found: Record) -> Record:
    return {name: value for name, value in found.items() if not name.startswith("_")}
