# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of Google Cloud resources: what is on it, its order, who may reach whom, and what is to be removed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.google_front import Front
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.google_list import (
    FIREWALL_RULES,
    KIND_PARTS,
    PARTS,
    Existing,
    Settings,
    desired,
    removable,
)
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.plan import compute, ordered
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.resource import Observed, Ref, Resource
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.settings import (
    CLUSTER,
    Balancer,
    Open,
    across,
)

MARK = {"praxis_fleet": "alpha", "praxis_managed_by": "provision"}
SETTINGS = Settings(
    fleet="alpha", name="praxis-alpha", account="praxis-alpha", open=Open(inside="10.42.0.0/16"), region="r-1",
    cidr="10.42.0.0/16", group_zones=("r-1-a", "r-1-b"), mark=MARK, labels={"team": "search"},
)  # fmt: skip
MEMBERS = ["firewall"] * 3
FRONT = ["instance_group", "instance_group", "address", "security_policy", "health_check", "backend_service",
         "url_map", "target_http_proxy", "forwarding_rule"]  # fmt: skip
OWN = Existing(network="n", subnetwork="s", network_tags=("theirs",), service_account="a@b", backend_service="theirs")


def kinds(settings: Settings) -> list[str]:
    return [each.kind for each in desired(settings) if each.present]


def fields(settings: Settings, kind: str, name: str = "praxis-alpha") -> dict[str, Any]:
    (found,) = [each for each in desired(settings) if (each.kind, each.name) == (kind, name)]
    return dict(found.fields)


@pytest.mark.parametrize(
    ("settings", "listed"),
    [
        (SETTINGS, ["network", "subnetwork", *MEMBERS, "service_account", *FRONT]),
        (replace(SETTINGS, existing=replace(OWN, backend_service=""), groups=["balancer"]), FRONT),
        (replace(SETTINGS, existing=OWN, groups=[]), []),
        (replace(SETTINGS, balancer=Balancer(wanted=False), groups=["member"]),
         ["network", "subnetwork", *MEMBERS, "service_account"]),
        (replace(SETTINGS, parts=["firewall"]), ["network", *MEMBERS, "security_policy"]),
        (replace(SETTINGS, parts=["network"]), ["network", "subnetwork"]),
        (replace(SETTINGS, parts=["machines"]), ["network", "subnetwork", "service_account"]),
        (replace(SETTINGS, existing=Existing(network="n"), parts=["firewall"], groups=["member"]), MEMBERS),
    ],
)  # fmt: skip
def test_what_is_on_the_list(settings: Settings, listed: list[str]) -> None:
    assert kinds(settings) == listed
    ordered(desired(settings))  # no circle
    assert all(each.tags == MARK for each in desired(settings))
    assert set(KIND_PARTS.values()) < {*PARTS, CLUSTER}


def test_who_may_reach_the_members() -> None:
    open_ = Open(inside="10.42.0.0/16", ssh_from=["203.0.113.7", "2001:db8::/64"], api_from=["203.0.113.0/24"],
                 p2p_from=["198.51.100.1", "2001:db8::1"])  # fmt: skip
    rules = {each.name: each.fields for each in desired(replace(SETTINGS, open=open_)) if each.kind == "firewall"}
    opened = {
        name.removeprefix("praxis-alpha-"): (rule["allowed"][0]["ports"], rule["sourceTags"], rule["sourceRanges"])
        for name, rule in rules.items() if rule
    }  # fmt: skip
    assert opened == {
        "p2p": (["4001"], ["praxis-alpha"], []),
        "p2p-from": (["4001"], [], ["198.51.100.1/32"]),
        "p2p-from-v6": (["4001"], [], ["2001:db8::1/128"]),
        "api": (["8000"], [], ["130.211.0.0/22", "203.0.113.0/24", "35.191.0.0/16"]),
        "ssh": (["22"], [], ["10.42.0.0/16", "203.0.113.7/32"]),
        "ssh-v6": (["22"], [], ["2001:db8::/64"]),
    }
    # One without a source would be for everybody: it is there to be removed.
    settings = replace(SETTINGS, open=open_, parts=["firewall"])
    gone = [each for each in desired(settings) if not each.present]
    assert [(each.kind, each.name, each.fields) for each in gone] == [("firewall", "praxis-alpha-api-v6", {})]
    without = replace(SETTINGS, api_from_google=False)
    assert "praxis-alpha-api" not in [each.name for each in desired(without) if each.present]


def test_whom_no_rule_of_the_load_balancer_is_for_is_refused() -> None:
    many = [f"198.51.{number}.0/24" for number in range(23)]
    rules = fields(replace(SETTINGS, open=Open(inside="", balancer_from=many)), "security_policy")["rules"]
    assert [(rule["priority"], rule["action"], len(rule["match"]["config"]["srcIpRanges"])) for rule in rules] == [
        (1000, "allow", 10), (1001, "allow", 10), (1002, "allow", 3), (2147483647, "deny(403)", 1)]  # fmt: skip
    assert rules[-1]["match"]["config"]["srcIpRanges"] == ["*"]


def test_the_load_balancer_is_wired_and_protected() -> None:
    service = fields(SETTINGS, "backend_service")
    assert service["securityPolicy"] == Ref("security_policy", "praxis-alpha")
    assert [each["group"] for each in service["backends"]] == [
        Ref("instance_group", "r-1-a/praxis-alpha"), Ref("instance_group", "r-1-b/praxis-alpha")]  # fmt: skip
    assert fields(replace(SETTINGS, groups=["member"]), "backend_service")["securityPolicy"] == ""
    slow = replace(SETTINGS, balancer=Balancer(health_interval=3))
    assert fields(slow, "health_check")["timeoutSec"] == 3


def test_with_a_certificate_https_is_there_before_http_redirects_to_it() -> None:
    listed = [each.key for each in desired(replace(SETTINGS, front=Front("certificate"))) if each.present]
    assert [key for key in listed if key not in {each.key for each in desired(SETTINGS) if each.present}] == [
        ("ssl_policy", "praxis-alpha"), ("target_https_proxy", "praxis-alpha"),
        ("forwarding_rule", "praxis-alpha-https"), ("url_map", "praxis-alpha-redirect"),
    ]  # fmt: skip
    assert listed.index(("forwarding_rule", "praxis-alpha-https")) < listed.index(("target_http_proxy", "praxis-alpha"))
    gone = [each for each in desired(SETTINGS) if not each.present and each.kind != "firewall"]
    assert all(each.goes_last for each in gone)
    assert [each.name for each in gone if each.lost] == ["praxis-alpha-https"]


def test_everything_that_may_have_been_made_can_be_removed_the_last_first() -> None:
    made = {each.key for each in desired(SETTINGS)}
    gone = removable(SETTINGS)
    assert made <= {each.key for each in gone}
    rules = {each.name for each in gone if each.kind == "firewall"}
    assert rules == {f"praxis-alpha-{each}" for each in FIREWALL_RULES}
    assert not any(each.present for each in gone)
    assert all(each.tags == MARK for each in gone)
    there = {each.key: Observed(each.kind, each.name, each.name, tags=MARK) for each in desired(SETTINGS)}
    removed = [change.resource.key for change in compute(gone, there)]
    refs: dict[Any, Resource] = {each.key: each for each in desired(SETTINGS)}
    for at, key in enumerate(removed):
        assert not refs[key].refs() & set(removed[:at]), key
    assert [each.kind for each in removable(replace(SETTINGS, parts=["firewall"]))] == [
        *["firewall"] * 7, "security_policy"]  # fmt: skip


def test_members_elsewhere_are_one_address_each() -> None:
    members = [{"network": "own", "address": "198.51.100.1"}, {"network": "other", "address": "198.51.100.2"},
               {"network": "", "address": "198.51.100.3"}, {"network": "other", "address": ""}]  # fmt: skip
    assert across(members, "own") == ["198.51.100.2/32"]
