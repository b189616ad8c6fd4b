# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Google's own client libraries, unchanged, against the sandbox's Google: a check on the sandbox."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import google_crc32c
import pytest
from google.api_core import exceptions
from google.auth import impersonated_credentials
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import Request as Transport
from google.cloud import compute_v1, secretmanager_v1
from google.oauth2 import service_account

from .conftest import PROJECT, Google

ZONE = "us-central1-a"
SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]


@pytest.fixture
def credentials(google: Google, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The controller's key, and a process that goes through the proxy."""
    for name, value in google.environment.items():
        monkeypatch.setenv(name, value)
    return service_account.Credentials.from_service_account_file(str(google.key_file), scopes=SCOPES)


def body(name: str, **labels: str) -> compute_v1.Instance:
    return compute_v1.Instance(
        name=name, machine_type=f"zones/{ZONE}/machineTypes/e2-small", labels=labels,
        disks=[compute_v1.AttachedDisk(boot=True, initialize_params=compute_v1.AttachedDiskInitializeParams(
            source_image="projects/debian-cloud/global/images/family/debian-12"))],
        network_interfaces=[compute_v1.NetworkInterface()])


@pytest.mark.slow
def test_an_instance_from_insert_to_delete(google, credentials):
    client = compute_v1.InstancesClient(credentials=credentials)
    client.insert(project=PROJECT, zone=ZONE, instance_resource=body("one", praxis_fleet="praxis")).result(timeout=20)
    found = client.get(project=PROJECT, zone=ZONE, instance="one")
    assert (found.status, dict(found.labels)) == ("RUNNING", {"praxis_fleet": "praxis"})
    assert found.network_interfaces[0].network_i_p.startswith("10.77.")
    assert found.machine_type.endswith(f"/projects/{PROJECT}/zones/{ZONE}/machineTypes/e2-small")
    listed = compute_v1.AggregatedListInstancesRequest(project=PROJECT, filter="labels.praxis_fleet=praxis")
    assert [one.name for _other, scope in client.aggregated_list(request=listed) for one in scope.instances] == ["one"]
    client.delete(project=PROJECT, zone=ZONE, instance="one").result(timeout=20)
    with pytest.raises(exceptions.NotFound, match="was not found"):
        client.get(project=PROJECT, zone=ZONE, instance="one")
    assert google.world.events == [("insert", "one"), ("delete", "one")]


def test_an_operation_that_ends_in_an_error_is_reported(google, credentials):
    google.front.compute.failing.append({"code": "QUOTA_EXCEEDED", "message": "Quota 'CPUS' exceeded."})
    client = compute_v1.InstancesClient(credentials=credentials)
    operation = client.insert(project=PROJECT, zone=ZONE, instance_resource=body("one"))
    with pytest.raises(exceptions.GoogleAPICallError, match="CPUS"):
        operation.result(timeout=20)
    assert list(client.list(project=PROJECT, zone=ZONE)) == []


@pytest.mark.slow
def test_many_pages_are_one_list(google, credentials):
    client = compute_v1.InstancesClient(credentials=credentials)
    for number in range(7):
        client.insert(project=PROJECT, zone=ZONE, instance_resource=body(f"m-{number}")).result(timeout=20)
    request = compute_v1.ListInstancesRequest(project=PROJECT, zone=ZONE, max_results=3)
    assert [one.name for one in client.list(request=request)] == [f"m-{number}" for number in range(7)]


def test_a_balancer_of_an_instance_group_answers_health(google, credentials):
    compute_v1.InstancesClient(credentials=credentials).insert(
        project=PROJECT, zone=ZONE, instance_resource=body("one")).result(timeout=20)
    groups = compute_v1.InstanceGroupsClient(credentials=credentials)
    groups.insert(project=PROJECT, zone=ZONE, instance_group_resource=compute_v1.InstanceGroup(
        name="group", named_ports=[compute_v1.NamedPort(name="http", port=8000)])).result(timeout=20)
    groups.add_instances(
        project=PROJECT, zone=ZONE, instance_group="group", instance_groups_add_instances_request_resource={
            "instances": [{"instance": f"projects/{PROJECT}/zones/{ZONE}/instances/one"}]}).result(timeout=20)
    check = {"name": "check", "type_": "HTTP", "http_health_check": {"port": 8000, "request_path": "/health"}}
    compute_v1.HealthChecksClient(credentials=credentials).insert(
        project=PROJECT, health_check_resource=check).result(timeout=20)
    services = compute_v1.BackendServicesClient(credentials=credentials)
    services.insert(project=PROJECT, backend_service_resource={
        "name": "api", "health_checks": ["global/healthChecks/check"],
        "backends": [{"group": f"zones/{ZONE}/instanceGroups/group"}]}).result(timeout=20)
    asked = {"group": f"https://www.googleapis.com/compute/v1/projects/{PROJECT}/zones/{ZONE}/instanceGroups/group"}

    def health() -> list[tuple[str, int, str]]:
        found = services.get_health(project=PROJECT, backend_service="api", resource_group_reference_resource=asked)
        return [(one.ip_address, one.port, one.health_state) for one in found.health_status]

    [(address, port, state)] = health()
    assert (port, state) == (8000, "UNHEALTHY")
    google.world.healthy.add(address)
    assert health() == [(address, 8000, "HEALTHY")]


def test_secrets_with_versions_and_checksums(google, credentials):
    client = secretmanager_v1.SecretManagerServiceClient(credentials=credentials, transport="rest")
    parent = f"projects/{PROJECT}"
    secret = client.create_secret(parent=parent, secret_id="key", secret={"replication": {"automatic": {}}})
    data = b"a value \xff"
    crc = google_crc32c.value(data)
    client.add_secret_version(parent=secret.name, payload={"data": data, "data_crc32c": crc})
    with pytest.raises(exceptions.BadRequest, match="checksum"):
        client.add_secret_version(parent=secret.name, payload={"data": data, "data_crc32c": crc + 1})
    found = client.access_secret_version(name=f"{secret.name}/versions/latest")
    assert (found.payload.data, found.payload.data_crc32c, found.name) == (data, crc, f"{secret.name}/versions/1")
    client.disable_secret_version(name=found.name)
    with pytest.raises(exceptions.BadRequest, match="DISABLED"):
        client.access_secret_version(name=f"{secret.name}/versions/latest")
    client.destroy_secret_version(name=found.name)
    with pytest.raises(exceptions.BadRequest, match="DESTROYED"):
        client.access_secret_version(name=found.name)
    with pytest.raises(exceptions.NotFound):
        client.access_secret_version(name=f"{secret.name}/versions/9")


def test_a_missing_right_is_reported(google, credentials):
    google.front.access.revoke(google.email, f"projects/{PROJECT}")
    google.front.access.grant(google.email, ["compute.*.list"], f"projects/{PROJECT}")
    with pytest.raises(exceptions.Forbidden, match=r"compute\.instances\.create"):
        compute_v1.InstancesClient(credentials=credentials).insert(
            project=PROJECT, zone=ZONE, instance_resource=body("one"))
    client = secretmanager_v1.SecretManagerServiceClient(credentials=credentials, transport="rest")
    with pytest.raises(exceptions.Forbidden, match=r"secretmanager\.versions\.access"):
        client.access_secret_version(name=f"projects/{PROJECT}/secrets/none/versions/latest")


def test_a_repeated_request_makes_one_instance(google, credentials):
    client = compute_v1.InstancesClient(credentials=credentials)
    asked = {"project": PROJECT, "zone": ZONE, "instance_resource": body("one"),
             "request_id": "0f2b7f4e-9f3c-4b0e-8d5b-0a1b2c3d4e5f"}
    first = client.insert(request=asked)
    second = client.insert(request=asked)
    assert first.name == second.name
    assert google.world.events == [("insert", "one")]


def test_the_log_tells_reads_from_changes(google, credentials):
    client = compute_v1.InstancesClient(credentials=credentials)
    list(client.list(project=PROJECT, zone=ZONE))
    client.insert(project=PROJECT, zone=ZONE, instance_resource=body("one")).result(timeout=20)
    lines = [json.loads(line) for line in google.log.path.read_text().splitlines()]
    assert [(line["operation"], line["mutating"]) for line in lines][:2] == [
        ("instances.list", False), ("instances.insert", True)]
    assert {line["access_key"] for line in lines} == {google.email}


def test_impersonation(google, credentials):
    other = google.front.identities.create("other", PROJECT)
    google.front.access.grant(other.email, ["compute.instances.list"], f"projects/{PROJECT}")
    acting = impersonated_credentials.Credentials(credentials, other.email, SCOPES)
    with pytest.raises(RefreshError, match="getAccessToken"):
        acting.refresh(Transport())
    other.impersonators.add(google.email)
    assert list(compute_v1.InstancesClient(credentials=acting).list(project=PROJECT, zone=ZONE)) == []


@pytest.mark.slow
def test_an_unmodified_inventory_plugin_finds_the_instances(google, credentials, tmp_path):
    client = compute_v1.InstancesClient(credentials=credentials)
    client.insert(project=PROJECT, zone=ZONE, instance_resource=body("one", praxis_fleet="praxis")).result(timeout=20)
    source = tmp_path / "praxis.gcp.yml"
    source.write_text(json.dumps({
        "plugin": "google.cloud.gcp_compute", "projects": [PROJECT], "zones": [ZONE], "hostnames": ["name"],
        "auth_kind": "serviceaccount", "service_account_file": str(google.key_file),
        "filters": ["labels.praxis_fleet = praxis"]}))
    listed = subprocess.run([sys.executable, "-m", "ansible", "inventory", "-i", str(source), "--list"], check=False,
                            capture_output=True, text=True, timeout=60, env={**os.environ, **google.environment})
    assert listed.returncode == 0, listed.stderr
    assert "one" in json.loads(listed.stdout)["_meta"]["hostvars"], listed.stdout + listed.stderr
