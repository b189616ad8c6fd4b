# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A GKE cluster by the engine, against the sandbox's container API: records, states and operations, and no pod."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.google_cluster import NODE_ROLES
from tests.unit.infrastructure.account import FLEET, rows

from .conftest import PROJECT
from .made import REGION, operations
from .project import NAME, Project

CLUSTER = f"projects/{PROJECT}/locations/{REGION}/clusters/{NAME}"
POOL = f"{CLUSTER}/nodePools/{NAME}"
NODES = f"node-{FLEET}@{PROJECT}.iam.gserviceaccount.com"
FROM = "203.0.113.7/32"
AROUND = [("create", kind, name) for kind, name in (
    ("network", NAME), ("subnetwork", NAME), ("router", NAME), ("node service account", f"node-{FLEET}"),
    *(("project role", role) for role in NODE_ROLES), ("GKE cluster", NAME))]  # fmt: skip


@pytest.fixture
def gke(project: Project) -> Project:
    """A project for a cluster in place of machines."""
    project.options |= {"parts": ["network", "cluster"], "cluster": {"public_from": [FROM]}, "hosts": 0}
    return project


def standard(project: Project, **cluster: Any) -> Project:
    """The same with a node pool."""
    project.options["cluster"] = {**project.options["cluster"], "autopilot": False, **cluster}
    return project


def stored(project: Project, path: str = CLUSTER) -> dict[str, Any]:
    return dict(project.google.front.container.get(path))


def test_a_cluster_of_autopilot_and_all_around_it_as_check_mode_says(gke: Project) -> None:
    predicted = gke.present(check=True)
    assert gke.changes() == []
    assert rows(predicted) == AROUND
    made = gke.present()
    assert made["plan"] == predicted["plan"]
    found = stored(gke)
    assert found["status"] == "RUNNING" and found["autopilot"] == {"enabled": True}
    assert found["autoscaling"]["autoprovisioningNodePoolDefaults"]["serviceAccount"] == NODES
    assert found["networkConfig"] == {"defaultEnablePrivateNodes": True}
    assert found["releaseChannel"] == {"channel": "REGULAR"}
    subnetwork = gke.get(f"regions/{REGION}/subnetworks/{NAME}")
    assert [each["rangeName"] for each in subnetwork["secondaryIpRanges"]] == ["pods", "services"]
    assert subnetwork["privateIpGoogleAccess"] is True
    (nat,) = gke.get(f"regions/{REGION}/routers/{NAME}")["nats"]
    assert nat["subnetworks"][0]["name"].endswith(f"/subnetworks/{NAME}")
    mark = gke.mark()
    assert rows(gke.present()) == []
    assert gke.changes(mark) == []


def test_a_second_run_only_reads(gke: Project) -> None:
    standard(gke).present()
    before = len(operations(gke.google))
    gke.present()
    asked = operations(gke.google)[before:]
    assert asked
    assert {each.rpartition(".")[2] for each in asked} <= {"get", "list", "aggregatedList", "getIamPolicy"}


def test_nodes_have_two_roles_and_all_other_grants_of_the_project_stay(gke: Project) -> None:
    policies = gke.google.front.projects.bindings
    when = {"title": "later", "expression": "request.time < timestamp('2030-01-01T00:00:00Z')"}
    theirs: list[dict[str, Any]] = [
        {"role": NODE_ROLES[0], "members": ["user:a@example.org"]},
        {"role": NODE_ROLES[1], "members": ["user:b@example.org"], "condition": when},
    ]
    policies[f"projects/{PROJECT}"] = [dict(each) for each in theirs]
    gke.present()
    member = f"serviceAccount:{NODES}"
    assert policies[f"projects/{PROJECT}"] == [
        {"role": NODE_ROLES[0], "members": [member, "user:a@example.org"]}, theirs[1],
        {"role": NODE_ROLES[1], "members": [member]}]  # fmt: skip
    gke.absent()
    assert policies[f"projects/{PROJECT}"] == theirs


def test_an_account_of_the_user_s_with_the_nodes_name_keeps_its_roles(gke: Project) -> None:
    gke.google.front.identities.create(f"node-{FLEET}", PROJECT)
    policies = gke.google.front.projects.bindings
    granted = [{"role": role, "members": [f"serviceAccount:{NODES}"]} for role in NODE_ROLES]
    policies[f"projects/{PROJECT}"] = [dict(each) for each in granted]
    assert rows(gke.absent()) == []
    assert policies[f"projects/{PROJECT}"] == granted


def test_a_cluster_with_a_node_pool_that_goes_in_reverse_order(gke: Project) -> None:
    standard(gke, min=2, max=5, instance_type="n2-standard-4")
    assert rows(gke.present()) == [*AROUND, ("create", "node pool", NAME)]
    pool = stored(gke, POOL)
    assert pool["status"] == "RUNNING"
    assert pool["autoscaling"] == {"enabled": True, "totalMinNodeCount": 2, "totalMaxNodeCount": 5}
    assert pool["config"]["machineType"] == "n2-standard-4" and pool["config"]["serviceAccount"] == NODES
    assert pool["config"]["workloadMetadataConfig"] == {"mode": "GKE_METADATA"}
    assert stored(gke)["workloadIdentityConfig"] == {"workloadPool": f"{PROJECT}.svc.id.goog"}
    predicted = gke.absent(check=True)
    made = [*AROUND, ("create", "node pool", NAME)]
    assert rows(predicted) == [("remove", kind, name) for _create, kind, name in reversed(made)]
    assert gke.absent()["plan"] == predicted["plan"]
    assert gke.resources() == {}
    assert gke.absent()["changed"] is False


def test_a_cluster_that_takes_time_is_waited_for_and_so_is_its_end(gke: Project) -> None:
    gke.google.front.container.lasting = 7
    standard(gke).present()
    assert (stored(gke)["status"], stored(gke, POOL)["status"]) == ("RUNNING", "RUNNING")
    gke.absent()
    assert gke.resources() == {}


def test_limits_change_and_a_version_never_does(gke: Project) -> None:
    standard(gke).present()
    standard(gke, min=2, max=9, version="1.35", channel="rapid", instance_type="n2-standard-8")
    assert rows(gke.present()) == [("change", "node pool", NAME)]
    assert stored(gke, POOL)["autoscaling"]["totalMaxNodeCount"] == 9
    assert gke.changes()[-1].endswith("setAutoscaling")
    assert rows(gke.present()) == []


def test_an_api_server_without_networks_answers_inside_alone(gke: Project) -> None:
    gke.options["cluster"] = {}
    gke.present()
    admitted = stored(gke)["controlPlaneEndpointsConfig"]["ipEndpointsConfig"]
    assert admitted["enablePublicEndpoint"] is False and admitted["authorizedNetworksConfig"]["cidrBlocks"] == []


@pytest.mark.parametrize("opened", [
    {"ipEndpointsConfig": {"authorizedNetworksConfig": {"cidrBlocks": [{"cidrBlock": "0.0.0.0/0"}]}}},
    {"ipEndpointsConfig": {"authorizedNetworksConfig": {"enabled": False}}},
    {"ipEndpointsConfig": {"authorizedNetworksConfig": {"gcpPublicCidrsAccessEnabled": True}}},
    {"dnsEndpointConfig": {"allowExternalTraffic": True}},
])  # fmt: skip
@pytest.mark.slow
def test_whoever_opens_the_api_server_by_hand_is_seen(gke: Project, opened: dict[str, Any]) -> None:
    gke.present()
    client = gke.client()
    client.call("container", "PUT", f"v1/{CLUSTER}", body={"update": {"desiredControlPlaneEndpointsConfig": opened}})
    (row,) = gke.present(check=True)["plan"]["rows"]
    assert [each["field"] for each in row["fields"]] == ["public_from"]
    gke.present()
    assert rows(gke.present()) == []


def test_a_node_pool_that_somebody_removed_comes_back(gke: Project) -> None:
    standard(gke).present()
    gke.client().call("container", "DELETE", f"v1/{POOL}")
    assert rows(gke.present()) == [("create", "node pool", NAME)]
    assert rows(gke.present()) == []


def theirs(project: Project, **fields: Any) -> None:
    """The cluster of our name is somebody else's."""
    project.google.front.container.get(CLUSTER).update(description="", **fields)


def pool_theirs(project: Project) -> None:
    project.google.front.container.get(POOL)["config"]["resourceLabels"] = {"team": "search"}


@pytest.mark.parametrize(("edit", "kind"), [(theirs, "GKE cluster"), (pool_theirs, "node pool")])
def test_what_somebody_else_made_is_refused_and_stays(gke: Project, edit: Callable[[Project], None], kind: str) -> None:
    standard(gke).present()
    edit(gke)
    before = gke.resources()
    with pytest.raises(Failed, match=f"A {kind} named {NAME}") as failed:
        gke.present()
    assert [each.code for each in failed.value.findings] == ["not-managed"]
    assert gke.resources() == before
    if kind == "GKE cluster":
        gke.google.front.container.get(POOL)["config"]["resourceLabels"] = {}
        gke.absent()
        assert stored(gke)["status"] == stored(gke, POOL)["status"] == "RUNNING"


def test_a_cluster_of_another_name_and_place(gke: Project) -> None:
    standard(gke, name="theirs", location=f"{REGION}-a")
    gke.present(zones=[f"{REGION}-a", f"{REGION}-b"])
    found = stored(gke, f"projects/{PROJECT}/locations/{REGION}-a/clusters/theirs")
    assert found["locations"] == [f"{REGION}-a", f"{REGION}-b"]
    gke.absent()
    assert gke.resources() == {}


def test_a_network_of_the_user_s_is_used_as_it_is(gke: Project) -> None:
    for path, body in (("global/networks", {"name": "net", "autoCreateSubnetworks": False}),
                       (f"regions/{REGION}/subnetworks", {
                           "name": "net", "network": f"projects/{PROJECT}/global/networks/net",
                           "ipCidrRange": "10.9.0.0/20", "secondaryIpRanges": [
                               {"rangeName": "pods", "ipCidrRange": "10.10.0.0/16"},
                               {"rangeName": "services", "ipCidrRange": "10.11.0.0/20"}]})):  # fmt: skip
        gke.edit("POST", path, body)
    gke.options |= {"network": "net", "subnetwork": "net"}
    gke.present()
    assert gke.resources() == {"clusters": 1, "networks": 1, "roles": 2, "serviceAccounts": 1, "subnetworks": 1}
    assert stored(gke)["subnetwork"].endswith("/subnetworks/net")
    gke.absent(network=None, subnetwork=None)
    assert gke.get("global/networks/net")


def test_what_google_says_of_a_failed_change_is_said(gke: Project) -> None:
    standard(gke).present()
    gke.google.front.container.failing.append({"code": 8, "message": "Insufficient quota to satisfy the request."})
    with pytest.raises(Failed, match="Insufficient quota") as failed:
        standard(gke, max=9).present()
    assert "RESOURCE_EXHAUSTED" in str(failed.value)


def test_a_cluster_that_failed_is_named_with_its_conditions(gke: Project) -> None:
    gke.present()
    said = [{"canonicalCode": "RESOURCE_EXHAUSTED", "message": "Not all instances are running."}]
    gke.google.front.container.get(CLUSTER).update(status="ERROR", conditions=said)
    with pytest.raises(Failed, match=r"GKE says ERROR: Not all instances are running\.") as failed:
        gke.present()
    assert [each.code for each in failed.value.findings] == ["gke-failed"]


def test_a_cluster_that_google_upgrades_is_no_difference(gke: Project) -> None:
    gke.present()
    gke.google.front.container.get(CLUSTER)["status"] = "RECONCILING"
    assert rows(gke.present()) == []


@pytest.mark.parametrize(("cluster", "words"), [
    ({"min": 4}, "limits are min 4, max 3"), ({"name": "A"}, "no cluster named"), ({"channel": "slow"}, "no channel"),
    ({"location": "us-central1-a"}, "is a zone"), ({"public_from": ["2001:db8::/64"]}, "only allows IPv4"),
    ({"name": "a" * 41}, "no cluster named"), ({"location": "europe-west1"}, "is not in us-central1"),
])  # fmt: skip
def test_settings_that_cannot_be_are_refused_before_anything_is_made(
    gke: Project, cluster: dict[str, Any], words: str
) -> None:
    with pytest.raises(Failed, match=words) as failed:
        gke.present(cluster=cluster)
    assert [each.code for each in failed.value.findings] == ["bad-cluster"]
    assert gke.changes() == []


@pytest.mark.slow
@pytest.mark.parametrize("refused", ["container:projects.locations.clusters.create",
                                     "cloudresourcemanager:projects.setIamPolicy"])
def test_an_account_that_is_not_known_everywhere_yet_is_waited_for(gke: Project, refused: str) -> None:
    gke.google.faults.add({"kind": "error", "status": 400, "code": "INVALID_ARGUMENT", "operations": [refused],
                           "message": f"Service account {NODES} does not exist.", "count": 2})  # fmt: skip
    gke.present()
    assert rows(gke.present()) == []


@pytest.mark.parametrize("lost", ["container:projects.locations.clusters.create",
                                  "cloudresourcemanager:projects.setIamPolicy"])
def test_an_answer_that_is_lost_is_asked_for(gke: Project, lost: str) -> None:
    gke.google.faults.add({"kind": "lose", "operations": [lost], "count": 1})
    gke.present()
    assert rows(gke.present()) == []
    assert len(gke.google.front.container.resources) == 1
