# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Of every kind of Google's, a field edited by hand is named in the plan, and restored. A kind needs a row."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_infrastructure_kinds import kinds
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.data import GOOGLE_DEVICE
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.data_volumes import KIND as DATA_VOLUME
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.google_list import KIND_PARTS
from tests.unit.infrastructure.account import FLEET, HOST, rows

from .conftest import PROJECT
from .made import ONE, REGION, dns
from .project import NAME, Project

Edit = Callable[[Project], None]
CLUSTER = f"projects/{PROJECT}/locations/{REGION}/clusters/{NAME}"
#: A cluster in place of machines.
GKE = {"parts": ["network", "cluster"], "hosts": 0, "cluster": {"autopilot": False}}


pytestmark = pytest.mark.slow


def patch(path: str, **fields: object) -> Edit:
    """An edit by the resource's own patch, with the fingerprint that Google asks for."""

    def edit(project: Project) -> None:
        found = project.get(path)
        guard = {"fingerprint": found["fingerprint"]} if "fingerprint" in found else {}
        project.edit("PATCH", path, {**fields, **guard})

    return edit


def relabel(path: str) -> Edit:
    """Somebody else's label in the place of ours."""

    def edit(project: Project) -> None:
        body = {"labels": {"praxis_fleet": "stolen"}, "labelFingerprint": project.get(path)["labelFingerprint"]}
        project.edit("POST", f"{path}/setLabels", body)

    return edit


def service_account(project: Project, name: str = NAME) -> None:
    project.provision().client.call(
        "iam", "PATCH", f"v1/projects/{PROJECT}/serviceAccounts/{name}@{PROJECT}.iam.gserviceaccount.com",
        body={"serviceAccount": {"displayName": "Somebody"}, "updateMask": "displayName"})  # fmt: skip


def instance_group(project: Project) -> None:
    path = f"zones/{ONE}/instanceGroups/{NAME}"
    ports = {"namedPorts": [{"name": "api", "port": 9}], "fingerprint": project.get(path)["fingerprint"]}
    project.edit("POST", f"{path}/setNamedPorts", ports)


def security_policy(project: Project) -> None:
    """The rule for whom no other is for."""
    rest = {"priority": 2147483647, "action": "allow"}
    path = f"projects/{PROJECT}/global/securityPolicies/{NAME}/patchRule"
    client = project.provision().client
    client.call("compute", "POST", f"compute/v1/{path}", body=rest, query={"priority": "2147483647"})


def url_map(project: Project) -> None:
    elsewhere(project)
    patch(f"global/urlMaps/{NAME}", defaultService="global/backendServices/elsewhere")(project)


def target_http_proxy(project: Project) -> None:
    project.edit("POST", "global/urlMaps", {
        "name": "elsewhere", "defaultService": f"global/backendServices/{NAME}"})
    patch(f"global/targetHttpProxies/{NAME}", urlMap="global/urlMaps/elsewhere")(project)


def target_https_proxy(project: Project) -> None:
    """Then TLS 1.0 will do."""
    patch(f"global/targetHttpsProxies/{NAME}", sslPolicy=None)(project)


def elsewhere(project: Project) -> None:
    project.edit("POST", "global/backendServices", {
        "name": "elsewhere", "healthChecks": [f"global/healthChecks/{NAME}"],
        "loadBalancingScheme": "EXTERNAL_MANAGED", "protocol": "HTTP"})


def record(project: Project) -> None:
    path = f"projects/{PROJECT}/managedZones/agents/rrsets/{HOST}./A"
    dns(project.google, "PATCH", path, {"name": f"{HOST}.", "type": "A", "rrdatas": ["192.0.2.66"]})


def machine(project: Project) -> None:
    """The keys of its metadata: whose they are may log in."""
    path = f"zones/{ONE}/instances/alpha-gcp-1"
    metadata = project.get(path)["metadata"]
    items = [each for each in metadata["items"] if each["key"] != "ssh-keys"]
    items.append({"key": "ssh-keys", "value": "mallory:ssh-ed25519 AAAA"})
    project.edit("POST", f"{path}/setMetadata", {"items": items, "fingerprint": metadata["fingerprint"]})


def data_volume(project: Project) -> None:
    """Without its disk, the agent does not start."""
    path = f"compute/v1/projects/{PROJECT}/zones/{ONE}/instances/alpha-gcp-1/detachDisk"
    project.client().call("compute", "POST", path, query={"deviceName": GOOGLE_DEVICE})


def private_access(project: Project) -> None:
    """Then nodes without a public address do not reach Google's own services."""
    project.edit("POST", f"regions/{REGION}/subnetworks/{NAME}/setPrivateIpGoogleAccess", {
        "privateIpGoogleAccess": False})


def node_account(project: Project) -> None:
    service_account(project, f"node-{FLEET}")


def gke_cluster(project: Project) -> None:
    """Then everybody reaches its API server."""
    admitted = {"ipEndpointsConfig": {"authorizedNetworksConfig": {"enabled": False}}}
    project.client().call("container", "PUT", f"v1/{CLUSTER}", body={"update": {
        "desiredControlPlaneEndpointsConfig": {"ipEndpointsConfig": {"enablePublicEndpoint": True}}}})
    project.client().call("container", "PUT", f"v1/{CLUSTER}", body={"update": {
        "desiredControlPlaneEndpointsConfig": admitted}})


def gke_labels(project: Project) -> None:
    """Somebody else's label in the place of ours."""
    found = project.google.front.container.get(CLUSTER)
    project.client().call("container", "POST", f"v1/{CLUSTER}:setResourceLabels", body={
        "resourceLabels": {"praxis_fleet": "stolen"}, "labelFingerprint": found["labelFingerprint"]})


def node_pool(project: Project) -> None:
    scaling = {"enabled": True, "totalMinNodeCount": 1, "totalMaxNodeCount": 99}
    project.client().call("container", "POST", f"v1/{CLUSTER}/nodePools/{NAME}:setAutoscaling", body={
        "autoscaling": scaling})


#: By kind, the edit and the field that it is about; None where nothing of what is kept can be edited at all.
EDITS: dict[str, tuple[Edit, str] | None] = {
    "network": None,
    "subnetwork": None,
    "firewall": (patch(f"global/firewalls/{NAME}-p2p", disabled=True), "disabled"),
    "service_account": (service_account, "displayName"),
    "instance_group": (instance_group, "namedPorts"),
    "health_check": (patch(f"global/healthChecks/{NAME}", httpHealthCheck={"requestPath": "/elsewhere"}),
                     "httpHealthCheck"),
    "security_policy": (security_policy, "rules"),
    "backend_service": (patch(f"global/backendServices/{NAME}", timeoutSec=30), "timeoutSec"),
    "url_map": (url_map, "defaultService"),
    "target_http_proxy": (target_http_proxy, "urlMap"),
    "ssl_certificate": None,
    "ssl_policy": (patch(f"global/sslPolicies/{NAME}", profile="COMPATIBLE"), "profile"),
    "target_https_proxy": (target_https_proxy, "sslPolicy"),
    "address": (relabel(f"global/addresses/{NAME}"), "labels"),
    "forwarding_rule": (relabel(f"global/forwardingRules/{NAME}"), "labels"),
    "dns_record": (record, "rrdatas"),
    "machine": (machine, "ssh-keys"),
    "data volume": (data_volume, "machine"),
}  # fmt: skip
OF_A_CLUSTER: dict[str, tuple[Edit, str] | None] = {
    "router": (patch(f"regions/{REGION}/routers/{NAME}", nats=[]), "nats"),
    "node_account": (node_account, "displayName"),
    "project_role": None,
    "gke_cluster": (gke_cluster, "public_from"),
    "node_pool": (node_pool, "max"),
}
#: Of kinds that other fleets have too, what a cluster's are beside.
BESIDE: dict[str, tuple[Edit, str]] = {"subnetwork": (private_access, "privateIpGoogleAccess")}
DONE = {kind: row for kind, row in EDITS.items() if row}


def test_every_kind_has_a_row_and_a_part() -> None:
    assert {*kinds(), "machine", DATA_VOLUME} == {*EDITS, *OF_A_CLUSTER}
    assert set(kinds()) == set(KIND_PARTS)


def test_a_field_edited_by_hand_is_named_and_restored(project: Project) -> None:
    project.secure(data={"size": 10})
    project.present()
    before = project.resources()
    for edit, _field in DONE.values():
        edit(project)
    edited, mark = project.resources(), project.mark()

    predicted = project.present(check=True)
    assert project.changes(mark) == []
    words = {kind.words: name for name, kind in kinds().items()}
    named = {words.get(row["kind"], row["kind"]): [each["field"] for each in row["fields"]]
             for row in predicted["plan"]["rows"]}  # fmt: skip
    assert named == {kind: [field] for kind, (_edit, field) in DONE.items()}
    assert {row["action"] for row in predicted["plan"]["rows"]} == {"change"}
    assert project.present()["plan"] == predicted["plan"]
    mark = project.mark()
    assert rows(project.present()) == []
    assert project.changes(mark) == []
    assert project.resources() == edited
    assert edited == {**before, "backendServices": 2, "urlMaps": 3}


def test_a_field_of_a_cluster_edited_by_hand_is_named_and_restored(project: Project) -> None:
    project.options |= GKE
    project.present()
    edits = {kind: row for kind, row in {**OF_A_CLUSTER, **BESIDE}.items() if row}
    for edit, _field in edits.values():
        edit(project)
    gke_labels(project)
    predicted = project.present(check=True)
    words = {kind.words: name for name, kind in kinds().items()}
    named = {words[row["kind"]]: [each["field"] for each in row["fields"]] for row in predicted["plan"]["rows"]}
    wanted = {kind: [field] for kind, (_edit, field) in edits.items()}
    assert named == {**wanted, "gke_cluster": ["public_from", "labels"]}
    assert project.present()["plan"] == predicted["plan"]
    assert rows(project.present()) == []


def test_a_rule_with_another_target_is_made_anew_and_keeps_its_address(project: Project) -> None:
    """Of what cannot be changed, only what nothing is lost by: that needs no leave."""
    address = project.present()["balancer"]
    target_http_proxy(project)
    project.edit("POST", "global/targetHttpProxies", {"name": "elsewhere", "urlMap": "global/urlMaps/elsewhere"})
    rule = project.google.front.compute.resources.get(f"projects/{PROJECT}/global/forwardingRules/{NAME}")
    rule["target"] = rule["target"].replace(NAME, "elsewhere")
    fixed = project.present()
    assert ("replace", "forwarding rule", NAME) in rows(fixed)
    assert fixed["balancer"] == address == project.get(f"global/forwardingRules/{NAME}")["IPAddress"]
    assert rows(project.present()) == []
