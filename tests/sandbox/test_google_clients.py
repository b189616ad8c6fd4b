# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Google's own client libraries and Google's own collection, unmodified, against the sandbox as it is served, with
machines that run. A check on the sandbox: what they expect is not ours to choose."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import google_auth_httplib2
import google_crc32c
import googleapiclient.discovery
import pytest
from google.api_core import exceptions
from google.cloud import compute_v1, secretmanager_v1

from sandbox.client import Client
from sandbox.site import CHECKOUT, PROJECT
from tests.sandbox.google import ZONES, Google
from tests.sandbox.support import Shell

#: The lane "google" runs the product on this side of the sandbox.
pytestmark = [pytest.mark.sandbox, pytest.mark.repetition]


@pytest.fixture
def shell(sandbox: Client, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    """What `. .sandbox/env` leaves, in this process too."""
    script = f". {sandbox.site.home}/env; env -0"
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    found = dict(line.split("=", 1) for line in done.stdout.split("\0") if line)
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    return found


def test_compute(shell: Mapping[str, str], google_machines: tuple[Shell, Shell]) -> None:
    client = compute_v1.InstancesClient()
    pages = client.aggregated_list(request=compute_v1.AggregatedListInstancesRequest(project=PROJECT, max_results=1))
    found = {one.name: one for _scope, inside in pages for one in inside.instances}
    interface = found["google-2"].network_interfaces[0]
    assert (interface.network_i_p, interface.access_configs[0].nat_i_p) == (
        google_machines[1].ident, google_machines[1].address)
    mark = found["google-2"].label_fingerprint
    client.set_labels(project=PROJECT, zone=ZONES[1], instance="google-2", instances_set_labels_request_resource={
        "labels": {"praxis_fleet": "conformance"}, "label_fingerprint": mark}).result(timeout=30)
    labelled = client.list(request=compute_v1.ListInstancesRequest(
        project=PROJECT, zone=ZONES[1], filter="labels.praxis_fleet = conformance"))
    assert [one.name for one in labelled] == ["google-2"]
    with pytest.raises(exceptions.Forbidden, match=r"compute\.routes\.delete"):
        compute_v1.RoutesClient().delete(project=PROJECT, route="any")


def test_secret_manager(shell: Mapping[str, str]) -> None:
    client = secretmanager_v1.SecretManagerServiceClient(transport="rest")
    found = client.access_secret_version(name=f"projects/{PROJECT}/secrets/praxis_praxis_agent/versions/latest")
    assert {"OPENAI_API_KEY", "PRAXIS_MASTER_KEY"} == json.loads(found.payload.data).keys()
    assert found.payload.data_crc32c == google_crc32c.value(found.payload.data)
    parent = f"projects/{PROJECT}"
    made = client.create_secret(parent=parent, secret_id="praxis_praxis_identity_gcp-1",
                                secret={"replication": {"automatic": {}}, "labels": {"praxis_slot": "gcp-1"}})
    client.delete_secret(name=made.name)
    with pytest.raises(exceptions.Forbidden, match="IAM_PERMISSION_DENIED"):
        client.get_secret(name=f"{parent}/secrets/somebodys")


def test_the_older_library(sandbox: Client, google: Google, google_machines: tuple[Shell, Shell]) -> None:
    """google-api-python-client; by the plain endpoint, since httplib2 knows no proxy without a library that is not
    among our requirements."""
    assert google.call("GET", "zones")["items"]  # and so there is a token
    compute = googleapiclient.discovery.build(
        "compute", "v1", http=google_auth_httplib2.AuthorizedHttp(google.credentials), static_discovery=True,
        client_options={"api_endpoint": f"{sandbox.state()['endpoints']['gcp']}/compute/v1/"})
    found = compute.instances().get(project=PROJECT, zone=ZONES[0], instance="google-1").execute()
    assert found["status"] == "RUNNING"


def test_an_inventory_and_a_module_of_googles_collection(shell: Mapping[str, str], google: Google, tmp_path: Path,
                                                         google_machines: tuple[Shell, Shell]) -> None:
    """The plugin finds the machines, and they are reached at the addresses that it tells."""
    source = tmp_path / "conformance.gcp.yml"
    source.write_text(json.dumps({
        "plugin": "google.cloud.gcp_compute", "projects": [PROJECT], "zones": list(ZONES), "auth_kind": "application",
        "hostnames": ["name"], "filters": ["status = RUNNING"],
        "compose": {"ansible_host": "networkInterfaces[0].accessConfigs[0].natIP"}}))
    environment = {**os.environ, **shell, "ANSIBLE_DEPRECATION_WARNINGS": "false", "ANSIBLE_HOST_KEY_CHECKING": "false",
                   "ANSIBLE_REMOTE_USER": "praxis", "ANSIBLE_CONFIG": str(tmp_path / "none.cfg")}
    play = tmp_path / "play.yml"
    play.write_text(json.dumps([{
        "hosts": "all", "gather_facts": False, "tasks": [
            {"ansible.builtin.raw": "hostname", "register": "said", "changed_when": False},
            {"ansible.builtin.assert": {"that": "said.stdout | trim == inventory_hostname"}},
            {"google.cloud.gcp_compute_network_info": {
                "project": PROJECT, "auth_kind": "application", "filters": ["name = conformance"]},
             "delegate_to": "localhost", "run_once": True, "register": "network",
             "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}},
            {"ansible.builtin.assert": {"that": "network.resources | length == 1"}, "run_once": True}]}]))
    done = subprocess.run(["ansible-playbook", "-i", str(source), str(play)], cwd=CHECKOUT, capture_output=True,
                          text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    for name in ("google-1", "google-2"):
        assert f"{name} " in done.stdout.partition("PLAY RECAP")[2]
