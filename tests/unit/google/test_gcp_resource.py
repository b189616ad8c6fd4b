# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""gcp_resource: what counts as a difference, and every kind from nothing to gone, through the module itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_compare import differences, same
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_kinds import KINDS, LAST_RULE
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_resources import Resources, Wanted
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Retry
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.modules import gcp_resource
from sandbox.gcp import discovery
from tests import tiers

from .conftest import PROJECT, Google
from .made import certificate

pytestmark = pytest.mark.slow

ZONE, REGION = "us-central1-a", "us-central1"
LINK = f"https://www.googleapis.com/compute/v1/projects/{PROJECT}/"


@pytest.mark.parametrize(("current", "wanted", "is_same"), [
    (5, 5, True), ("5", 5, True), (5, "5", True), (5, 6, False),
    (True, True, True), (True, "true", False), (False, None, False),
    ("RUNNING", "RUNNING", True),
    (f"{LINK}global/networks/n", "global/networks/n", True),
    (f"{LINK}global/networks/n", f"projects/{PROJECT}/global/networks/n", True),
    (f"{LINK}global/networks/n", f"https://a.host/compute/beta/projects/{PROJECT}/global/networks/n", True),
    (f"{LINK}global/networks/n", "global/networks/m", False),
    (f"{LINK}global/networks/n", "projects/another/global/networks/n", False),
    ("80-80", "80", True), ("80-81", "80", False),
    (["a", "b"], ["b", "a"], True), (["a", "a"], ["a", "b"], False), (["a"], ["a", "a"], False),
    (["a", "b"], ["a"], False), (["a"], [], False),
    ([{"IPProtocol": "tcp", "ports": ["1", "2"]}], [{"ports": ["2", 1], "IPProtocol": "tcp"}], True),
    ({"a": 1, "filled in": 2}, {"a": 1}, True), ({"a": 1}, {"a": 1, "b": 2}, False),
    ({}, {"a": []}, True), ({}, {"a": ""}, True), ({}, {"a": False}, True), ({}, {"a": 0}, False),
    ({"a": 1}, {"a": None}, False), ({}, {"a": {"b": False}}, True), ({}, {"a": {"b": True}}, False),
    (1, 1.0, True), (0.5, 0.5, True), (1, 0.5, False),
])  # fmt: skip
def test_what_counts_as_the_same(current, wanted, is_same):
    assert same(current, wanted, PROJECT) is is_same


def test_a_difference_has_its_path():
    current = {"timeoutSec": 30, "connectionDraining": {"drainingTimeoutSec": 0}, "backends": []}
    wanted = {"timeoutSec": 60, "connectionDraining": {"drainingTimeoutSec": 5}, "description": "x"}
    assert [(one.path, one.before, one.after) for one in differences(current, wanted, PROJECT)] == [
        ("timeoutSec", 30, 60), ("connectionDraining.drainingTimeoutSec", 0, 5), ("description", None, "x")]


JSON = st.recursive(st.booleans() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3)
                    | st.dictionaries(st.text(max_size=3), inner, max_size=3), max_leaves=8)


@given(st.dictionaries(st.text(max_size=3), JSON, max_size=4))
def test_a_resource_is_as_itself(resource):
    assert differences(resource, resource, PROJECT) == []


@given(st.lists(JSON, max_size=4), st.randoms(use_true_random=False))
def test_order_is_no_difference(items, random):
    other = list(items)
    random.shuffle(other)
    assert same(items, other, PROJECT)


@pytest.mark.parametrize("name", sorted(KINDS))
def test_a_row_says_what_the_discovery_document_says(name):
    row, document = KINDS[name], discovery.load("compute.v1")
    for location in row.locations:
        place = {"global": "global", "region": f"regions/{REGION}", "zone": f"zones/{ZONE}"}[location]
        path = f"/compute/v1/projects/{PROJECT}/{place}/{row.collection}/a-name"
        document.call("GET", path, [], b"")
        document.call("DELETE", path, [("requestId", "x")], b"")
        if row.patched:
            method = document.call("PATCH", path, [("requestId", "x")], b"{}").method
            known = document.resolve(method.spec["request"])["properties"]
            assert row.fixed | row.written <= set(known)
            assert not row.guarded or "fingerprint" in known
        for method in (method for setter in row.setters.values() for method in setter.methods):
            document.call("POST", f"{path}/{method}", [], b"{}")


def rule(priority: int, *ranges: str, action: str = "allow") -> dict[str, Any]:
    """A rule of a security policy."""
    match = {"versionedExpr": "SRC_IPS_V1", "config": {"srcIpRanges": list(ranges)}}
    return {"priority": priority, "action": action, "match": match}


LAST = rule(LAST_RULE, "*", action="deny(403)")
BODIES: Mapping[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "network": ("global", {"autoCreateSubnetworks": False}, {"routingConfig": {"routingMode": "GLOBAL"}}),
    "subnetwork": (REGION, {"network": "global/networks/base", "ipCidrRange": "10.77.4.0/24"},
                   {"privateIpGoogleAccess": True}),
    "router": (REGION, {"network": "global/networks/base"}, {"nats": [
        {"name": "out", "natIpAllocateOption": "AUTO_ONLY",
         "sourceSubnetworkIpRangesToNat": "ALL_SUBNETWORKS_ALL_IP_RANGES"}]}),
    "firewall": ("global", {"network": "global/networks/base", "sourceTags": ["praxis"],
                            "allowed": [{"IPProtocol": "tcp", "ports": ["4001"]}]}, {"priority": 900}),
    "address": (REGION, {"description": "ours"}, {"labels": {"praxis_fleet": "praxis"}}),
    "health_check": ("global", {"type": "HTTP", "httpHealthCheck": {"port": 8000, "requestPath": "/health"}},
                     {"checkIntervalSec": 10}),
    "instance_group": (ZONE, {"namedPorts": [{"name": "http", "port": 8000}]},
                       {"namedPorts": [{"name": "http", "port": 8001}]}),
    "network_endpoint_group": (ZONE, {"defaultPort": 8000, "network": "global/networks/base"}, {}),
    "backend_service": ("global", {"protocol": "HTTP", "healthChecks": ["global/healthChecks/base"],
                                   "backends": [{"group": f"zones/{ZONE}/instanceGroups/base"}]},
                        {"timeoutSec": 86400, "connectionDraining": {"drainingTimeoutSec": 60},
                         "securityPolicy": "global/securityPolicies/base"}),
    "security_policy": ("global", {"rules": [rule(1000, "203.0.113.0/24"), rule(1001, "192.0.2.0/24"), LAST]},
                        {"rules": [rule(1000, "198.51.100.0/24"), rule(1002, "192.0.2.0/24"), LAST],
                         "labels": {"praxis_fleet": "praxis"}}),
    "url_map": ("global", {"defaultService": "global/backendServices/base"}, {"description": "changed"}),
    "target_http_proxy": ("global", {"urlMap": "global/urlMaps/base"}, {"urlMap": "global/urlMaps/other"}),
    "ssl_certificate": ("global", {"type": "MANAGED", "managed": {"domains": ["agents.example.org"]}}, {}),
    "ssl_policy": ("global", {"profile": "MODERN"}, {"minTlsVersion": "TLS_1_2"}),
    "target_https_proxy": ("global", {"urlMap": "global/urlMaps/base",
                                      "sslCertificates": ["global/sslCertificates/base"]},
                           {"sslPolicy": "global/sslPolicies/base"}),
    "forwarding_rule": ("global", {"target": "global/targetHttpProxies/base", "portRange": "80"},
                        {"labels": {"praxis_fleet": "praxis"}}),
    "instance": (ZONE, {"machineType": f"zones/{ZONE}/machineTypes/e2-small", "disks": [{"initializeParams": {}}],
                        "networkInterfaces": [{"network": "global/networks/base"}], "labels": {"a": "b"},
                        "tags": {"items": ["praxis"]}}, {"labels": {"a": "c"}, "tags": {"items": ["praxis", "p2p"]}}),
}
"""By kind: location, a first body, and what is to change later."""

BASE = (
    ("network", "base", "global", {"autoCreateSubnetworks": False}),
    ("health_check", "base", "global", {"type": "HTTP"}),
    ("instance_group", "base", ZONE, {}),
    ("backend_service", "base", "global", {"healthChecks": ["global/healthChecks/base"]}),
    ("security_policy", "base", "global", {}),
    ("url_map", "base", "global", {"defaultService": "global/backendServices/base"}),
    ("url_map", "other", "global", {"defaultService": "global/backendServices/base"}),
    ("ssl_policy", "base", "global", {}),
    ("target_http_proxy", "base", "global", {"urlMap": "global/urlMaps/base"}),
)


@pytest.fixture
def resources(google: Google, monkeypatch: pytest.MonkeyPatch) -> Resources:
    """The project's resources, with what the others refer to."""
    for name, value in google.environment.items():
        monkeypatch.setenv(name, value)
    certificate(google, "base")
    made = Resources(GcpClient(retry=Retry(deadline=20, base=0.01, cap=0.02)))
    for kind, name, location, body in BASE:
        wanted = Wanted(kind, name, location, body)
        made.bring(wanted, made.observe(wanted))
    return made


def mutations(google: Google) -> int:
    return sum(json.loads(line)["mutating"] for line in google.log.path.read_text().splitlines())


def test_every_kind_has_a_row_here():
    assert set(BODIES) == set(KINDS)
    assert set(KINDS) - set(gcp_resource.ARGUMENTS["kind"]["choices"]) == {"ssl_certificate"}


@pytest.mark.parametrize("kind", tiers.first(sorted(KINDS), 6))
def test_a_kind_from_nothing_to_gone(google, resources, kind):
    location, first, more = BODIES[kind]
    for body in (first, {**first, **more}):
        wanted = Wanted(kind, "one", location, body)
        before = mutations(google)
        predicted = gcp_resource.present(resources, wanted, check_mode=True)
        assert mutations(google) == before
        done = gcp_resource.present(resources, wanted, check_mode=False)
        expected = body is first or bool(more)
        assert done["changed"] == predicted["changed"] == expected
        assert done.get("diff") == predicted.get("diff") and bool(done.get("diff")) == expected
        before = mutations(google)
        again = gcp_resource.present(resources, wanted, check_mode=False)
        assert not again["changed"] and "diff" not in again and mutations(google) == before
    gone = Wanted(kind, "one", location)
    assert gcp_resource.absent(resources, gone, check_mode=True)["changed"]
    assert gcp_resource.absent(resources, gone, check_mode=False)["changed"]
    assert not gcp_resource.absent(resources, gone, check_mode=False)["changed"]


def test_what_was_edited_by_hand_is_named_and_restored(google, resources):
    wanted = Wanted("firewall", "one", "global", BODIES["firewall"][1])
    gcp_resource.present(resources, wanted, check_mode=False)
    google.front.compute.resources.get(f"projects/{PROJECT}/global/firewalls/one")["sourceTags"] = ["everybody"]
    predicted = gcp_resource.present(resources, wanted, check_mode=True)
    assert "sourceTags" in predicted["diff"]["before"] and "everybody" in predicted["diff"]["before"]
    assert gcp_resource.present(resources, wanted, check_mode=False)["resource"]["sourceTags"] == ["praxis"]


def test_what_cannot_change_is_an_error_that_names_it(resources):
    wanted = Wanted("subnetwork", "one", REGION, BODIES["subnetwork"][1])
    gcp_resource.present(resources, wanted, check_mode=False)
    other = Wanted("subnetwork", "one", REGION, {**wanted.body, "ipCidrRange": "10.77.9.0/24"})
    with pytest.raises(Failed) as failed:
        gcp_resource.present(resources, other, check_mode=True)
    [finding] = failed.value.findings
    assert finding.code == "resource-fixed" and "ipCidrRange" in finding.what and "10.77.9.0/24" in finding.what


def test_a_stale_fingerprint_is_read_again(google, resources):
    wanted = Wanted("backend_service", "base", "global", {"timeoutSec": 60})
    found = resources.observe(wanted)
    other = Wanted("backend_service", "base", "global", {"description": "somebody else's"})
    resources.bring(other, resources.observe(other))
    after = resources.bring(wanted, found)
    assert (after["timeoutSec"], after["description"]) == (60, "somebody else's")


def test_one_that_somebody_else_makes_meanwhile_is_taken(google, resources):
    wanted = Wanted("firewall", "one", "global", BODIES["firewall"][1])
    found = resources.observe(wanted)
    resources.bring(wanted, found)
    assert resources.bring(wanted, found)["name"] == "one"


@pytest.mark.parametrize("kind", ["throttle", "error", "reset"])
def test_an_answer_that_is_lost_makes_nothing_twice(google, resources, kind):
    google.faults.add({"kind": kind, "operations": ["compute:firewalls.insert"], "count": 2})
    wanted = Wanted("firewall", "one", "global", BODIES["firewall"][1])
    assert gcp_resource.present(resources, wanted, check_mode=False)["changed"]


def test_an_operation_that_fails_is_reported(google, resources):
    google.front.compute.failing.append({"code": "QUOTA_EXCEEDED", "message": "Quota 'FIREWALLS' exceeded."})
    with pytest.raises(errors.QuotaExceeded, match="FIREWALLS"):
        gcp_resource.present(resources, Wanted("firewall", "one", "global", BODIES["firewall"][1]), check_mode=False)


def test_what_is_in_use_cannot_be_removed(resources):
    with pytest.raises(errors.Conflict, match="being used"):
        gcp_resource.absent(resources, Wanted("url_map", "base"), check_mode=False)


def test_a_place_that_cannot_be(resources):
    with pytest.raises(Failed, match="not in a zone"):
        resources.observe(Wanted("network", "one", ZONE))


def test_only_the_rules_that_differ_are_touched(google, resources):
    first, more = BODIES["security_policy"][1:]
    gcp_resource.present(resources, Wanted("security_policy", "one", "global", first), check_mode=False)
    before = mutations(google)
    gcp_resource.present(resources, Wanted("security_policy", "one", "global", more), check_mode=False)
    lines = [json.loads(line) for line in google.log.path.read_text().splitlines()]
    changes = [line["operation"].partition(".")[2] for line in lines if line["mutating"]]
    assert sorted(changes[-4:]) == ["addRule", "patchRule", "removeRule", "setLabels"]
    assert mutations(google) == before + 4
    found = google.front.compute.resources.get(f"projects/{PROJECT}/global/securityPolicies/one")["rules"]
    assert sorted(one["priority"] for one in found) == [1000, 1002, LAST_RULE]


def test_a_policy_stands_before_a_backend_service_and_is_taken_away(resources):
    for wanted in ("global/securityPolicies/base", None):
        done = gcp_resource.present(resources, Wanted("backend_service", "base", "global", {"securityPolicy": wanted}),
                                    check_mode=False)
        assert done["changed"] and ("securityPolicy" in done["resource"]) == bool(wanted)


MARK = "praxis_fleet=praxis praxis_managed_by=provision"


@pytest.mark.parametrize("kind", tiers.first(sorted(set(BODIES) - {"instance"}), 6))
def test_what_is_made_with_a_mark_is_known_by_it(google, resources, kind):
    location, *bodies = BODIES[kind]
    first, more = ({name: value for name, value in body.items() if name != "description"} for body in bodies)
    for body in (first, {**first, **more}):
        made = gcp_resource.present(resources, Wanted(kind, "one", location, body, mark=MARK), check_mode=False)
        assert made["resource"]["description"] == MARK
    predicted = gcp_resource.present(resources, Wanted(kind, "two", location, first, mark=MARK), check_mode=True)
    assert MARK in predicted["diff"]["after"]
    segment = KINDS[kind].collection
    [found] = [one for path, one in google.front.compute.resources.of_kind(PROJECT, segment) if path.endswith("/one")]
    found["description"] = f"{MARK} (kept by the platform team)"
    ours = Wanted(kind, "one", location, first, mark=MARK)
    assert not gcp_resource.present(resources, Wanted(kind, "one", location, {}, mark=MARK), False)["changed"]
    found["description"] = "somebody else's, praxis_fleet=praxis"
    before = mutations(google)
    with pytest.raises(Failed) as failed:
        gcp_resource.present(resources, ours, check_mode=True)
    assert failed.value.findings[0].code == "resource-not-ours" and MARK in failed.value.findings[0].fix
    assert not gcp_resource.absent(resources, ours, check_mode=False)["changed"]
    assert mutations(google) == before
    found["description"] = MARK
    assert gcp_resource.absent(resources, ours, check_mode=False)["changed"]
    assert resources.find(ours) is None


def test_as_ansible_runs_it(google, tmp_path):
    command = [sys.executable, "-m", "ansible", "adhoc", "localhost", "-m", "praxis.cloud.gcp_resource", "--diff",
               "-e", f"ansible_python_interpreter={sys.executable}", "-a",
               json.dumps({"kind": "network", "name": "one", "mark": "ours",
                           "body": {"autoCreateSubnetworks": False, "description": "A network,"}})]
    ran = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120,
                         env={**os.environ, **google.environment})
    assert ran.returncode == 0 and "CHANGED" in ran.stdout and '"autoCreateSubnetworks": false' in ran.stdout, ran
    assert '"description": "A network, ours"' in ran.stdout
