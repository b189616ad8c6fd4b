# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a change does to a resource, and what Google refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.gcp import discovery
from sandbox.gcp.compute.catalogue import catalogue
from sandbox.gcp.compute.changes import merged
from sandbox.gcp.compute.service import Compute
from sandbox.gcp.refused import Refused

from .conftest import PROJECT, ZONES, World

GLOBAL = f"projects/{PROJECT}/global"
REGION = f"projects/{PROJECT}/regions/us-central1"
ZONE = f"projects/{PROJECT}/zones/us-central1-a"


class Client:
    """Requests in short: a path, a body, the answer."""

    def __init__(self) -> None:
        self.world = World()
        self.compute = Compute("10.77.0.0/16", self.world)
        self.compute.operations.seconds = 0.0
        catalogue(self.compute.resources, PROJECT, ZONES, ("e2-small",), {})

    def __call__(self, verb: str, path: str, body: Any = None, **query: str) -> dict[str, Any]:
        text = b"" if body is None else json.dumps(body).encode()
        call = discovery.load("compute.v1").call(verb, f"/compute/v1/{path}", list(query.items()), text)
        return self.compute.answer(call, "someone")

    def network(self) -> None:
        self("POST", f"{GLOBAL}/networks", {"name": "net", "autoCreateSubnetworks": False})

    def machine(self, name: str, **fields: Any) -> None:
        self("POST", f"{ZONE}/instances", {
            "name": name, "machineType": "zones/us-central1-a/machineTypes/e2-small",
            "disks": [{"initializeParams": {}, "boot": True}], "networkInterfaces": [{}], **fields})


@pytest.fixture
def client() -> Client:
    """An empty project."""
    return Client()


def test_what_was_not_said_is_filled_in(client):
    client.network()
    client("POST", f"{GLOBAL}/firewalls", {
        "name": "p2p", "network": "global/networks/net", "allowed": [{"IPProtocol": "tcp", "ports": ["4001"]}]})
    found = client("GET", f"{GLOBAL}/firewalls/p2p")
    assert (found["direction"], found["priority"], found["sourceRanges"]) == ("INGRESS", 1000, ["0.0.0.0/0"])
    assert found["network"] == f"https://www.googleapis.com/compute/v1/{GLOBAL}/networks/net"


@pytest.mark.parametrize(("collection", "body", "said"), [
    ("global/networks", {"name": "other"}, "autoCreateSubnetworks"),
    ("global/firewalls", {"name": "f", "network": "global/networks/none", "allowed": [{"IPProtocol": "tcp"}]},
     "does not exist"),
    ("global/firewalls", {"name": "f", "network": "global/networks/net"}, "Exactly one"),
    ("global/healthChecks", {"name": "h"}, "resource.type"),
    ("global/healthChecks", {"name": "h", "type": "HTTP", "timeoutSec": 9, "checkIntervalSec": 5}, "timeoutSec"),
    ("regions/us-central1/subnetworks", {"name": "s", "network": "global/networks/net"}, "ipCidrRange"),
    ("regions/us-central1/subnetworks",
     {"name": "s", "network": "global/networks/net", "ipCidrRange": "10.77.0.0/25"}, "conflicts"),
    ("zones/us-central1-a/instances", {"name": "i"}, "machineType"),
])
def test_what_google_insists_on(client, collection, body, said):
    client.network()
    client("POST", f"{REGION}/subnetworks",
           {"name": "first", "network": "global/networks/net", "ipCidrRange": "10.77.0.0/24"})
    with pytest.raises(Refused, match=said):
        client("POST", f"projects/{PROJECT}/{collection}", body)


def test_a_name_is_given_once(client):
    client.network()
    with pytest.raises(Refused, match="already exists") as refused:
        client.network()
    assert refused.value.code == 409


def test_what_is_in_use_stays(client):
    client.network()
    subnetwork = {"name": "s", "network": "global/networks/net", "ipCidrRange": "10.77.0.0/24"}
    client("POST", f"{REGION}/subnetworks", subnetwork)
    with pytest.raises(Refused, match="already being used"):
        client("DELETE", f"{GLOBAL}/networks/net")
    client("DELETE", f"{REGION}/subnetworks/s")
    client("DELETE", f"{GLOBAL}/networks/net")


def test_a_change_needs_the_fingerprint_it_was_made_from(client):
    client("POST", f"{GLOBAL}/healthChecks", {"name": "h", "type": "HTTP"})
    client("POST", f"{GLOBAL}/backendServices", {"name": "api", "healthChecks": ["global/healthChecks/h"]})
    path = f"{GLOBAL}/backendServices/api"
    old = client("GET", path)["fingerprint"]
    with pytest.raises(Refused, match="must be given"):
        client("PATCH", path, {"timeoutSec": 60})
    client("PATCH", path, {"timeoutSec": 60, "fingerprint": old})
    found = client("GET", path)
    assert found["timeoutSec"] == 60 and found["protocol"] == "HTTP" and found["fingerprint"] != old
    with pytest.raises(Refused) as refused:
        client("PATCH", path, {"timeoutSec": 90, "fingerprint": old})
    assert refused.value.code == 412


def test_labels_are_set_against_their_own_fingerprint(client):
    client.machine("one", labels={"a": "b"})
    path = f"{ZONE}/instances/one"
    mark = client("GET", path)["labelFingerprint"]
    client("POST", f"{path}/setLabels", {"labels": {"a": "c"}, "labelFingerprint": mark})
    assert client("GET", path)["labels"] == {"a": "c"}
    with pytest.raises(Refused) as refused:
        client("POST", f"{path}/setLabels", {"labels": {}, "labelFingerprint": mark})
    assert refused.value.code == 412


def test_two_machines_have_two_addresses(client):
    client.machine("one")
    client.machine("two")
    found = [client("GET", f"{ZONE}/instances/{name}")["networkInterfaces"][0]["networkIP"] for name in ("one", "two")]
    assert len(set(found)) == 2
    with pytest.raises(Refused, match="already being used"):
        client.machine("three", networkInterfaces=[{"networkIP": found[0]}])


def test_a_deleted_machine_is_in_no_group(client):
    client.machine("one")
    client("POST", f"{ZONE}/instanceGroups", {"name": "group"})
    members = {"instances": [{"instance": "zones/us-central1-a/instances/one"}]}
    client("POST", f"{ZONE}/instanceGroups/group/addInstances", members)
    with pytest.raises(Refused, match="already a member"):
        client("POST", f"{ZONE}/instanceGroups/group/addInstances", members)
    client("DELETE", f"{ZONE}/instances/one")
    assert client("POST", f"{ZONE}/instanceGroups/group/listInstances", {})["items"] == []
    assert client("GET", f"{ZONE}/instanceGroups/group")["size"] == 0


def test_an_operation_that_fails_makes_nothing(client):
    client.compute.failing.append({"code": "QUOTA_EXCEEDED", "message": "no more"})
    answer = client("POST", f"{GLOBAL}/networks", {"name": "net", "autoCreateSubnetworks": False})
    done = client("GET", f"{GLOBAL}/operations/{answer['name']}")
    assert done["status"] == "DONE" and done["error"]["errors"][0]["code"] == "QUOTA_EXCEEDED"
    assert client("GET", f"{GLOBAL}/networks").get("items") == []


def test_an_operation_takes_its_time(client):
    moment = [0.0]
    client.compute.operations.clock = lambda: moment[0]
    client.compute.operations.seconds = 5.0
    answer = client("POST", f"{GLOBAL}/networks", {"name": "net", "autoCreateSubnetworks": False})
    path = f"{GLOBAL}/operations/{answer['name']}"
    assert client("GET", path)["status"] == "RUNNING"
    client.compute.operations.sleep = lambda seconds: moment.__setitem__(0, moment[0] + seconds)
    assert client("POST", f"{path}/wait")["status"] == "DONE"


def test_what_is_known_but_not_built_says_so(client):
    with pytest.raises(Refused) as refused:
        client("POST", f"{ZONE}/instances/one/addNetworkInterface", {})
    assert refused.value.code == 501


@pytest.mark.parametrize(("old", "new", "then"), [
    ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
    ({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}}, {"a": {"b": 3, "c": 2}}),
    ({"a": 1, "b": 2}, {"a": None}, {"b": 2}),
    ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
    ({"a": {"b": 1}}, {"a": 5}, {"a": 5}),
])
def test_a_patch(old, new, then):
    assert merged(old, new) == then
