# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Security policies in the fake: rules by priority, and which backend service one stands before."""

from __future__ import annotations

import pytest

from sandbox.gcp.compute.kinds import DEFAULT_RULE
from sandbox.gcp.refused import Refused

from .test_compute import GLOBAL, Client

POLICY = f"{GLOBAL}/securityPolicies/ours"


def rule(priority: int, *ranges: str, action: str = "allow") -> dict[str, object]:
    match = {"versionedExpr": "SRC_IPS_V1", "config": {"srcIpRanges": list(ranges)}}
    return {"priority": priority, "action": action, "match": match}


@pytest.fixture
def policy() -> Client:
    """A project with a policy that lets one network in."""
    client = Client()
    rules = [rule(1000, "203.0.113.0/24"), rule(DEFAULT_RULE, "*", action="deny(403)")]
    client("POST", f"{GLOBAL}/securityPolicies", {"name": "ours", "rules": rules})
    return client


def actions(client: Client) -> dict[int, str]:
    return {one["priority"]: one["action"] for one in client("GET", POLICY)["rules"]}


def test_without_a_last_rule_everybody_is_let_in(policy: Client) -> None:
    policy("POST", f"{GLOBAL}/securityPolicies", {"name": "open"})
    [last] = policy("GET", f"{GLOBAL}/securityPolicies/open")["rules"]
    assert (last["priority"], last["action"]) == (DEFAULT_RULE, "allow")


def test_rules_are_added_changed_and_removed_by_priority(policy: Client) -> None:
    before = policy("GET", POLICY)["fingerprint"]
    policy("POST", f"{POLICY}/addRule", rule(1001, "192.0.2.0/24"))
    policy("POST", f"{POLICY}/patchRule", rule(1000, "198.51.100.0/24"), priority="1000")
    found = policy("GET", POLICY)
    assert found["rules"][0]["match"]["config"]["srcIpRanges"] == ["198.51.100.0/24"]
    assert found["fingerprint"] != before
    policy("POST", f"{POLICY}/removeRule", priority="1000")
    assert actions(policy) == {1001: "allow", DEFAULT_RULE: "deny(403)"}


@pytest.mark.parametrize(("method", "body", "query", "said"), [
    ("addRule", rule(1000, "192.0.2.0/24"), {}, "same priorities"),
    ("addRule", rule(1001, *(f"192.0.2.{number}/32" for number in range(11))), {}, "At most 10"),
    ("patchRule", rule(7, "192.0.2.0/24"), {"priority": "7"}, "not found"),
    ("removeRule", None, {"priority": str(DEFAULT_RULE)}, "default rule"),
])  # fmt: skip
def test_what_google_refuses(policy: Client, method: str, body: object, query: dict[str, str], said: str) -> None:
    with pytest.raises(Refused, match=said):
        policy("POST", f"{POLICY}/{method}", body, **query)
    assert actions(policy) == {1000: "allow", DEFAULT_RULE: "deny(403)"}


def test_a_backend_service_gets_its_policy_by_a_method_of_its_own(policy: Client) -> None:
    service = f"{GLOBAL}/backendServices/agents"
    policy("POST", f"{GLOBAL}/healthChecks", {"name": "agents", "type": "HTTP"})
    policy("POST", f"{GLOBAL}/backendServices", {
        "name": "agents", "healthChecks": ["global/healthChecks/agents"], "securityPolicy": POLICY})
    assert "securityPolicy" not in policy("GET", service)
    policy("POST", f"{service}/setSecurityPolicy", {"securityPolicy": POLICY})
    found = policy("GET", service)
    assert found["securityPolicy"].endswith(POLICY)
    policy("PATCH", service, {"timeoutSec": 7, "securityPolicy": None, "fingerprint": found["fingerprint"]})
    assert policy("GET", service)["securityPolicy"] == found["securityPolicy"]
    with pytest.raises(Refused, match="already being used"):
        policy("DELETE", POLICY)
    policy("POST", f"{service}/setSecurityPolicy", {})
    policy("DELETE", POLICY)
