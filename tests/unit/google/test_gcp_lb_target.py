# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""gcp_lb_target: machines into the groups of their zones and out again, with what the balancer says of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_resources import Resources, Wanted
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.modules import gcp_lb_target

from .conftest import PROJECT, Google

pytestmark = pytest.mark.slow

ONE, TWO, FAR = "us-central1-a", "us-central1-b", "europe-west1-b"
MACHINES = {"a-1": ONE, "a-2": ONE, "b-1": TWO, "c-1": FAR}


class Balancer:
    """A backend service with a group in two zones, and machines in three."""

    def __init__(self, google: Google, endpoints: bool) -> None:
        self.google = google
        self.waited: list[float] = []
        self._resources = Resources(GcpClient())
        kind = "networkEndpointGroups" if endpoints else "instanceGroups"
        for zone in (ONE, TWO):
            body = {"defaultPort": 8000} if endpoints else {"namedPorts": [{"name": "http", "port": 8000}]}
            self._make("network_endpoint_group" if endpoints else "instance_group", "agents", zone, body)
        self._make("health_check", "agents", "global", {"type": "HTTP", "httpHealthCheck": {"port": 8000}})
        mode = {"balancingMode": "RATE"} if endpoints else {}
        backends = [{"group": f"zones/{zone}/{kind}/agents", **mode} for zone in (ONE, TWO)]
        self._make("backend_service", "agents", "global", {
            "healthChecks": ["global/healthChecks/agents"], "backends": backends,
            "connectionDraining": {"drainingTimeoutSec": 7}})
        for name, zone in MACHINES.items():
            self._make("instance", name, zone, {
                "machineType": f"zones/{zone}/machineTypes/e2-small", "disks": [{"initializeParams": {}}],
                "networkInterfaces": [{}]})

    def _make(self, kind: str, name: str, location: str, body: dict[str, Any]) -> None:
        wanted = Wanted(kind, name, location, body)
        self._resources.bring(wanted, self._resources.observe(wanted))

    def healthy(self, *names: str) -> None:
        for name in names:
            path = f"projects/{PROJECT}/zones/{MACHINES[name]}/instances/{name}"
            machine = self.google.front.compute.resources.get(path)
            self.google.world.healthy.add(machine["networkInterfaces"][0]["networkIP"])

    def run(self, state: str, *names: str, check: bool = False, **options: Any) -> tuple[dict[str, Any], list[Any]]:
        targets = [{"id": name, "zone": MACHINES[name]} for name in names]
        return gcp_lb_target.run({"backend_service": "agents", "region": "", "targets": targets, "state": state,
                                  "wait": True, "wait_timeout": None, **options}, check)

    def mutations(self) -> list[str]:
        lines = [json.loads(line) for line in self.google.log.path.read_text().splitlines()]
        return [line["operation"] for line in lines if line["mutating"]]


@pytest.fixture(params=[False, True], ids=["instance groups", "endpoint groups"])
def balancer(google: Google, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Balancer:
    """With groups of either kind."""
    for name, value in google.environment.items():
        monkeypatch.setenv(name, value)
    made = Balancer(google, request.param)
    monkeypatch.setattr(gcp_lb_target.time, "sleep", made.waited.append)
    return made


def test_machines_join_the_groups_of_their_zones(balancer):
    balancer.healthy("a-1", "a-2", "b-1")
    before = len(balancer.mutations())
    predicted, _other = balancer.run("present", "a-1", "a-2", "b-1", check=True)
    assert len(balancer.mutations()) == before
    result, findings = balancer.run("present", "a-1", "a-2", "b-1")
    assert not findings and result["changed"] and result["diff"] == predicted["diff"]
    assert [target["state"] for target in result["targets"]] == ["HEALTHY"] * 3
    assert len(balancer.mutations()) == before + 2  # one call a zone
    again, _other = balancer.run("present", "a-1", "a-2", "b-1")
    assert not again["changed"] and "diff" not in again and len(balancer.mutations()) == before + 2


def test_draining_takes_the_service_s_own_time(balancer):
    balancer.healthy("a-1", "b-1")
    balancer.run("present", "a-1", "b-1")
    result, findings = balancer.run("absent", "a-1")
    assert not findings and balancer.waited == [7.0]
    assert result["targets"] == [{"id": "a-1", "zone": ONE, "port": None, "state": ""}]
    again, _other = balancer.run("absent", "a-1")
    assert not again["changed"] and balancer.waited == [7.0]
    assert not balancer.run("present", "b-1")[0]["changed"]


def test_google_may_take_a_machine_out_a_minute_after_its_connections_had_to_end(
    balancer: Balancer, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[float] = []
    wait = GcpClient.wait

    def noted(self: GcpClient, operation: Any, *, seconds: float, **more: Any) -> Any:
        given.append(seconds)
        return wait(self, operation, seconds=seconds, **more)

    monkeypatch.setattr(GcpClient, "wait", noted)
    balancer.run("present", "a-1", wait=False)
    balancer.run("absent", "a-1")
    assert given[1] - given[0] == 7.0 and given[0] > 60


def test_one_that_does_not_become_healthy_is_named(balancer):
    balancer.healthy("a-1")
    result, findings = balancer.run("present", "a-1", "b-1", wait_timeout=0)
    assert [finding.where for finding in findings] == [f"target {TWO}/b-1 of agents"]
    assert "35.191.0.0/16" in findings[0].fix and "UNHEALTHY" in findings[0].what
    assert [target["state"] for target in result["targets"]] == ["HEALTHY", "UNHEALTHY"]


def test_a_zone_without_a_group_is_an_error_before_anything(balancer):
    before = len(balancer.mutations())
    with pytest.raises(Failed) as failed:
        balancer.run("present", "a-1", "c-1")
    assert [finding.code for finding in failed.value.findings] == ["backend-zone"]
    assert len(balancer.mutations()) == before


def test_a_machine_is_in_an_endpoint_group_at_each_of_its_ports(balancer: Balancer, request: Any) -> None:
    """An instance group has one port for all of its machines, whatever is asked for."""
    grouped = "instance groups" in request.node.name
    balancer.healthy("a-1", "a-2")
    balancer.run("present", "a-2")

    def at(port: int) -> dict[str, Any]:
        return {"targets": [{"id": "a-1", "zone": ONE, "port": port}], "wait": False}

    assert balancer.run("present", **at(8001))[0]["changed"]
    moved, _findings = balancer.run("present", **at(8002))
    port = {"port": None if grouped else 8002}
    assert moved["changed"] is not grouped
    assert moved["targets"] == [{"id": "a-1", "zone": ONE, **port, "state": "HEALTHY"}]
    others = [(one["id"], one.get("port")) for one in moved["others"]]
    assert others == ([("a-2", None)] if grouped else [("a-1", 8001), ("a-2", 8000)])
    if not grouped:
        one_less, _findings = balancer.run("absent", **at(8001))
        assert [(one["id"], one.get("port")) for one in one_less["others"]] == [("a-1", 8002), ("a-2", 8000)]
        balancer.run("present", **at(8001))
    gone, _findings = balancer.run("absent", "a-1", wait=False)
    assert gone["targets"] == [{"id": "a-1", "zone": ONE, "port": None, "state": ""}]
    assert [one["id"] for one in gone["others"]] == ["a-2"]


def test_a_service_that_is_not_there(balancer):
    with pytest.raises(Failed, match="no backend service 'other'"):
        balancer.run("present", "a-1", backend_service="other")


def test_a_link_names_the_zone(balancer):
    balancer.healthy("b-1")
    link = f"https://www.googleapis.com/compute/v1/projects/{PROJECT}/zones/{TWO}/instances/b-1"
    result, _other = balancer.run("present", targets=[{"id": link}])
    assert result["targets"] == [{"id": "b-1", "zone": TWO, "port": None, "state": "HEALTHY"}]


def test_transient_error_is_waited_out(balancer):
    balancer.healthy("a-1")
    for kind in ("throttle", "error", "reset"):
        balancer.google.faults.add({"kind": kind, "operations": ["compute:*"], "count": 1})
    assert not balancer.run("present", "a-1")[1]


def test_the_addresses_of_the_load_balancers_that_lead_to_it_are_reported(balancer: Balancer) -> None:
    balancer._make("backend_service", "others", "global", {})
    for name in ("agents", "others"):
        balancer._make("url_map", name, "global", {"defaultService": f"global/backendServices/{name}"})
        balancer._make("target_http_proxy", name, "global", {"urlMap": f"global/urlMaps/{name}"})
        rule = {"target": f"global/targetHttpProxies/{name}", "portRange": "80",
                "loadBalancingScheme": "EXTERNAL_MANAGED"}
        balancer._make("forwarding_rule", name, "global", rule)
    rule = balancer.google.front.compute.resources.get(f"projects/{PROJECT}/global/forwardingRules/agents")
    balancer.healthy("a-1")
    result, findings = balancer.run("present", "a-1")
    assert (result["addresses"], findings) == ([rule["IPAddress"]], [])


def test_a_backend_service_may_be_named_by_its_link(balancer: Balancer) -> None:
    link = f"https://www.googleapis.com/compute/v1/projects/{PROJECT}/global/backendServices/agents"
    result, _findings = balancer.run("present", "a-1", check=True, backend_service=link)
    assert result["backend_service_link"] == link
    with pytest.raises(Failed) as failed:
        balancer.run("present", "a-1", backend_service="regions/europe-west1/backendServices/agents")
    assert [(each.code, each.where) for each in failed.value.findings] == [
        ("backend-service-not-found", "Google regions/europe-west1")]


def test_a_group_that_cannot_be_asked_is_an_error_and_no_empty_one(balancer):
    balancer.healthy("a-1", "b-1")
    balancer.run("present", "a-1", "b-1")
    before = balancer.mutations()
    asked = ["compute:instanceGroups.listInstances", "compute:networkEndpointGroups.listNetworkEndpoints"]
    balancer.google.faults.add({"kind": "error", "code": "forbidden", "status": 403, "operations": asked, "count": 1})
    with pytest.raises(Failed) as stopped:
        balancer.run("absent", "a-1", "b-1")
    assert [finding.code for finding in stopped.value.findings] == ["cloud-denied"]
    assert balancer.mutations() == before
