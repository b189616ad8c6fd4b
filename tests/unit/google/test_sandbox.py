# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox's Google without a network: who needs what, which address is next, whom the balancer serves, faults."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from sandbox.aws.faults import GOOGLE_KINDS, Faults
from sandbox.balancer import Server, _age, configuration
from sandbox.gcp import discovery, guest
from sandbox.gcp.access import Access, needs
from sandbox.gcp.balancing import HEALTHY, UNHEALTHY, serving, verdict
from sandbox.gcp.compute.addresses import public_address
from sandbox.gcp.compute.resources import Resources
from sandbox.gcp.container_registry import named
from sandbox.gcp.refused import Refused
from sandbox.problem import Problem
from sandbox.routing import Routing, Target

from .conftest import PROJECT
from .test_compute import GLOBAL, REGION, ZONE, Client

EMAIL = "someone@a-project.iam.gserviceaccount.com"


def call(verb: str, path: str, body: Any = None, api: str = "compute", query: tuple[tuple[str, str], ...] = ()) -> Any:
    text = b"" if body is None else json.dumps(body).encode()
    prefix = "/compute/v1/" if api == "compute" else "/v1/"
    return discovery.load(f"{api}.v1").call(verb, prefix + path, list(query), text)


@pytest.fixture
def client() -> Client:
    """An empty project."""
    return Client()


@pytest.mark.parametrize(("verb", "path", "body", "permissions"), [
    ("GET", f"{GLOBAL}/forwardingRules/r", None, {"compute.globalForwardingRules.get"}),
    ("GET", f"{REGION}/forwardingRules/r", None, {"compute.forwardingRules.get"}),
    ("PATCH", f"{GLOBAL}/firewalls/f", {}, {"compute.firewalls.update", "compute.networks.updatePolicy"}),
    ("POST", f"{ZONE}/instanceGroups/g/addInstances", {}, {"compute.instanceGroups.update", "compute.instances.use"}),
    ("POST", f"{GLOBAL}/backendServices",
     {"backends": [{"group": "zones/z/networkEndpointGroups/g"}], "healthChecks": ["global/healthChecks/h"]},
     {"compute.backendServices.create", "compute.networkEndpointGroups.use", "compute.healthChecks.useReadOnly"}),
    ("POST", f"{ZONE}/instances",
     {"disks": [{}], "networkInterfaces": [{"subnetwork": "s", "accessConfigs": [{}]}], "labels": {"a": "b"},
      "serviceAccounts": [{"email": "agents"}]},
     {"compute.instances.create", "compute.disks.create", "compute.subnetworks.use",
      "compute.subnetworks.useExternalIp", "compute.instances.setLabels",
      "compute.instances.setServiceAccount", "iam.serviceAccounts.actAs"}),
])
def test_what_a_call_needs(verb, path, body, permissions):
    assert {permission for permission, _other in needs("compute", call(verb, path, body))} == permissions


def test_a_grant_is_for_a_path_and_what_is_below():
    access = Access()
    access.grant(EMAIL, ["secretmanager.versions.*"], f"projects/{PROJECT}/secrets/praxis_*")
    path = f"projects/{PROJECT}/secrets"
    access.check("secretmanager", call("GET", f"{path}/praxis_one/versions/1:access", api="secretmanager"), EMAIL)
    with pytest.raises(Refused, match=r"versions\.access"):
        access.check("secretmanager", call("GET", f"{path}/other/versions/1:access", api="secretmanager"), EMAIL)
    with pytest.raises(Refused, match=r"secrets\.get"):
        access.check("secretmanager", call("GET", f"{path}/praxis_one", api="secretmanager"), EMAIL)


def test_a_grant_on_one_thing_is_none_on_those_whose_names_begin_like_it():
    access = Access()
    access.grant(EMAIL, ["*"], f"projects/{PROJECT}/secrets/one")
    allowed = [name for name in ("one", "one/versions/1", "oneself", "on")
               if access.allows(EMAIL, "secretmanager.secrets.get", f"projects/{PROJECT}/secrets/{name}")]
    assert allowed == ["one", "one/versions/1"]


@pytest.mark.parametrize(("all_if_none", "up", "ready"), [
    (True, (True, False), ["a"]), (False, (True, False), ["a"]), (True, (False, False), ["a", "b"]),
    (False, (False, False), [])])
def test_requests_go_to_the_healthy(all_if_none, up, ready):
    """Where there are none, on AWS to all, on Google Cloud to nobody."""
    states = {}
    routing = Routing(SimpleNamespace(state=states.__setitem__), all_if_none)
    servers = [Server(each, True, "L7OK" if each else "L7STS", "", 0, "drain") for each in up]
    routing._route({name: (Target(name, "10.0.0.1", 8000, 8000), server) for name, server in zip("ab", servers)})
    assert [name for name, state in states.items() if state == "ready"] == ready


def test_external_addresses_go_round():
    resources = Resources()
    given = [public_address(resources, "10.77.12.0/29") for _time in range(4)]
    assert given == ["10.77.12.4", "10.77.12.5", "10.77.12.4", "10.77.12.5"]
    resources.put("projects/p/regions/r/addresses/a", {"address": "10.77.12.4"})
    assert [public_address(resources, "10.77.12.0/29") for _time in range(2)] == ["10.77.12.5"] * 2
    resources.put("projects/p/regions/r/addresses/b", {"address": "10.77.12.5"})
    with pytest.raises(Refused, match="no free address"):
        public_address(resources, "10.77.12.0/29")


def test_a_machine_without_an_external_address_is_translated_to_nothing(client):
    client.machine("one", metadata={"items": [{"key": "ssh-keys", "value": "a:ssh-ed25519 K\n\nb:ssh-ed25519 L"}]})
    client.machine("two", networkInterfaces=[{"accessConfigs": [{}]}])
    one, two = (client.compute.resources.get(f"{ZONE}/instances/{name}") for name in ("one", "two"))
    assert guest.ssh_keys(one) == "a:ssh-ed25519 K\nb:ssh-ed25519 L\n"
    files = guest.files(one, ["10.77.128.0/24"])
    assert files["/etc/sandbox/external"].content == b""
    assert b"ip saddr" not in files["/etc/sandbox/translation"].content
    text = guest.files(two, ["10.77.128.0/24"])["/etc/sandbox/translation"].content.decode()
    assert f"ip saddr set {guest.external_address(two)}" in text and "!= { 10.77.128.0/24 }" in text
    shown = client("GET", f"{ZONE}/instances/two")
    assert not any(name.startswith("_") for name in shown["networkInterfaces"][0]["accessConfigs"][0])


def balanced(client: Client, port: dict[str, Any]) -> None:
    """One machine behind a backend service, without a forwarding rule."""
    client.machine("one")
    client("POST", f"{ZONE}/instanceGroups", {"name": "g", "namedPorts": [
        {"name": "http", "port": 8000}, {"name": "health", "port": 8001}]})
    client("POST", f"{ZONE}/instanceGroups/g/addInstances", {"instances": [{"instance": f"{ZONE}/instances/one"}]})
    client("POST", f"{GLOBAL}/healthChecks", {"name": "h", "type": "HTTP", "httpHealthCheck": {
        "requestPath": "/health", **port}})
    client("POST", f"{GLOBAL}/backendServices", {
        "name": "api", "healthChecks": ["global/healthChecks/h"], "timeoutSec": 77, "backends": [
            {"group": f"{ZONE}/instanceGroups/g"}]})
    client("POST", f"{GLOBAL}/urlMaps", {"name": "m", "defaultService": "global/backendServices/api"})
    client("POST", f"{GLOBAL}/targetHttpProxies", {"name": "p", "urlMap": "global/urlMaps/m"})


@pytest.mark.parametrize(("port", "dialled"), [
    ({"port": 9000}, 9000), ({"portSpecification": "USE_SERVING_PORT"}, 8000),
    ({"portSpecification": "USE_NAMED_PORT", "portName": "health"}, 8001)])
def test_whom_the_balancer_serves(client, port, dialled):
    balanced(client, port)
    assert serving(client.compute.resources) is None
    rule = {"name": "r", "target": "global/targetHttpProxies/p", "portRange": "80"}
    client("POST", f"{GLOBAL}/forwardingRules", rule)
    served = serving(client.compute.resources)
    assert served and served.timeout == 77 and served.check and served.check.path == "/health"
    [target] = served.targets.values()
    assert (target.port, target.check_port) == (8000, dialled)
    assert [place[1] for place in served.places] == [80]
    client.compute.resources.get(f"{ZONE}/instances/one")["status"] = "TERMINATED"
    assert serving(client.compute.resources).targets == {}


@pytest.mark.parametrize(("server", "state", "why"), [
    (Server(False, False, "INI", "", 0, "drain"), UNHEALTHY, ""),
    (Server(True, True, "L7OK", "200", 0, "ready"), HEALTHY, "200"),
    (Server(False, True, "L7STS", "503", 0, "ready"), UNHEALTHY, "503"),
    (Server(False, True, "L4TOUT", "", 0, "ready"), UNHEALTHY, "Timeout"),
    (Server(False, True, "L4CON", "", 0, "ready"), UNHEALTHY, "refused"),
])
def test_a_finding_in_googles_words(server, state, why):
    found, said = verdict(server)
    assert found == state and why in said


@pytest.mark.parametrize(("text", "seconds"), [
    ("age=4s", 4), ("age=1m3s", 63), ("age=1h2m", 3720), ("age=2d1h", 176400)])
def test_an_age(text, seconds):
    assert _age(f"0x1: proto=tcpv4 {text} calls=1") == seconds


def test_without_a_rule_a_balancer_answers_nowhere():
    assert "frontend" not in configuration(None, 60, ())
    assert "bind 10.77.12.4:80" in configuration(None, 60, ("10.77.12.4:80",))


@pytest.mark.parametrize(("host", "name", "resource", "image"), [
    ("us-central1-docker.pkg.dev", "praxis-sandbox/praxis/praxis-agent",
     "projects/praxis-sandbox/locations/us-central1/repositories/praxis", "praxis-agent"),
    ("us.gcr.io", "praxis-sandbox/praxis-agent", "projects/praxis-sandbox/locations/us/repositories/us.gcr.io",
     "praxis-agent"),
    ("us-central1-docker.pkg.dev", "praxis-sandbox/other/x",
     "projects/praxis-sandbox/locations/us-central1/repositories/other", "unknown/praxis-sandbox/other/x"),
])
def test_an_images_name(host, name, resource, image):
    assert named(host, name) == (resource, image)


def test_a_cloud_without_googles_faults():
    with pytest.raises(Problem, match="has no fault"):
        Faults(without=GOOGLE_KINDS).add({"kind": "hang"})


@pytest.mark.parametrize(("kind", "traits", "struck"), [
    ("page", {"page"}, True), ("page", {"change"}, False), ("stale", {"change"}, False),
    ("stale", {"change", "fingerprint"}, True), ("fail", {"change"}, True), ("fail", set(), False),
    ("quota", set(), False), ("error", set(), True)])
def test_a_fault_strikes_only_what_it_is_for(kind, traits, struck):
    faults = Faults()
    faults.add({"kind": kind})
    assert (faults.choose("compute", "networks.list", "", traits) is not None) == struck


def test_a_service_account_from_create_to_delete(google):
    accounts, path = google.front.accounts, f"projects/{PROJECT}/serviceAccounts"
    made = accounts.answer(call("POST", path, {"accountId": "praxis-agents"}, "iam"))
    email = made["email"]
    assert made["name"] == f"{path}/{email}"
    with pytest.raises(Refused, match="already exists"):
        accounts.answer(call("POST", path, {"accountId": "praxis-agents"}, "iam"))
    with pytest.raises(Refused, match="between 6 and 30"):
        accounts.answer(call("POST", path, {"accountId": "short"}, "iam"))
    patch = {"serviceAccount": {"displayName": "Agents"}, "updateMask": "displayName"}
    accounts.answer(call("PATCH", f"{path}/{email}", patch, "iam"))
    listed = accounts.answer(call("GET", path, None, "iam"))["accounts"]
    assert {one["email"]: one.get("displayName") for one in listed}[email] == "Agents"
    token = google.front.identities.issue(email)
    accounts.answer(call("DELETE", f"{path}/{email}", None, "iam"))
    with pytest.raises(Refused, match="Unknown service account"):
        accounts.answer(call("GET", f"{path}/{email}", None, "iam"))
    with pytest.raises(Refused, match="invalid authentication"):
        google.front.identities.who(f"Bearer {token}")
