# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of desired resources, its order, its rules, and the plan made of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.aws_list import (
    KIND_PARTS,
    Existing,
    Settings,
    desired,
    subnets_of,
)
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.aws_rules import (
    Quotas,
    Rule,
    fitted,
    rule_count,
)
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.plan import compute, hold, ordered, plan_id
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.resource import (
    UNKNOWN,
    Observed,
    Ref,
    Resource,
)
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.settings import (
    FIREWALL,
    Balancer,
    Open,
    canonical,
    refuse_world,
)
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.table import lines

SETTINGS = Settings(
    fleet="alpha", name="praxis-alpha", role="praxis-alpha-r", open=Open(inside="10.42.0.0/16"),
    vpc_cidr="10.42.0.0/16", zones=("a", "b"), public_key="ssh-ed25519 AAAA me", labels={"team": "search"},
)  # fmt: skip
WORDS = dict(zip(KIND_PARTS, KIND_PARTS, strict=True))
OWN = Existing(vpc="vpc-1", subnets=("subnet-1", "subnet-2"), security_groups=("sg-1",), key_name="mine",
               instance_profile="mine")  # fmt: skip


def kinds(settings: Settings) -> list[str]:
    return [each.kind for each in desired(settings) if each.present]


@pytest.mark.parametrize(
    ("settings", "listed"),
    [
        (SETTINGS, ["vpc", "subnet", "subnet", "gateway", "route_table", "security_group", "security_group", "role",
                    "instance_profile", "key_pair", "target_group", "load_balancer", "listener"]),
        (replace(SETTINGS, existing=OWN, groups=["balancer"]),
         ["security_group", "target_group", "load_balancer", "listener"]),
        (replace(SETTINGS, existing=replace(OWN, target_group="tg"), groups=[]), []),
        (replace(SETTINGS, existing=Existing(vpc="vpc-1"), balancer=Balancer(wanted=False), groups=[]),
         ["subnet", "subnet", "gateway", "route_table", "role", "instance_profile", "key_pair"]),
        (replace(SETTINGS, parts=[FIREWALL]), ["vpc", "security_group", "security_group"]),
    ],
)  # fmt: skip
def test_the_list(settings: Settings, listed: list[str]) -> None:
    assert kinds(settings) == listed


def test_everything_carries_the_mark_and_the_users_own_tags() -> None:
    for each in desired(SETTINGS):
        if each.present and each.kind != "listener":
            marks = {"praxis_fleet": "alpha", "praxis_managed_by": "provision", "Name": each.name}
            assert each.tags == {"team": "search", **marks}


def test_each_comes_after_all_that_it_refers_to() -> None:
    listed = [each.key for each in ordered(list(reversed(desired(SETTINGS))))]
    for each in desired(SETTINGS):
        assert all(listed.index(key) < listed.index(each.key) for key in each.refs() if key in listed)


def test_a_circle_is_a_defect() -> None:
    with pytest.raises(ValueError, match="refer to each other"):
        ordered([Resource("a", "a", {"b": Ref("b", "b")}), Resource("b", "b", {"a": Ref("a", "a")})])


def test_of_nothing_every_reference_is_known_after_apply() -> None:
    changes = compute(desired(SETTINGS), {})
    shown = {each.resource.key: {one.name: one.after for one in each.fields} for each in changes}
    assert {each.action for each in changes} == {"create"}
    assert shown["subnet", "praxis-alpha-a"]["vpc"] == UNKNOWN
    assert shown["load_balancer", "praxis-alpha"]["subnets"] == [UNKNOWN, UNKNOWN]
    assert "tcp 8000 from (known after apply) (API from the load balancer)" in [
        str(rule) for rule in shown["security_group", "praxis-alpha-member"]["rules"]
    ]


def as_they_should_be(resources: list[Resource]) -> dict[tuple[str, str], Observed]:
    """What is observed of a fleet that is whole."""
    ids = {each.key: f"{each.kind}-{each.name}" for each in resources if each.present}
    return {
        each.key: Observed(each.kind, each.name, ids[each.key], each.resolved(ids).fields, each.tags)
        for each in resources
        if each.present
    }


def test_a_whole_fleet_needs_nothing() -> None:
    assert compute(desired(SETTINGS), as_they_should_be(desired(SETTINGS))) == []


def test_another_scheme_replaces_the_load_balancer_and_what_stands_on_it_and_says_what_is_lost() -> None:
    inner = desired(replace(SETTINGS, balancer=Balancer(scheme="internal")))
    changes = compute(inner, as_they_should_be(desired(SETTINGS)))
    assert [(each.action, each.resource.kind) for each in changes] == [
        ("replace", "load_balancer"), ("replace", "listener"),
    ]  # fmt: skip
    text = "\n".join(lines("alpha", [each.row(WORDS) for each in changes], "1234", done=False))
    assert "-/+ load_balancer praxis-alpha" in text
    assert "scheme: internet-facing -> internal" in text
    assert "lost: its address" in text
    assert "0 to create, 0 to change, 2 to replace, 0 to remove; plan 1234" in text


def test_another_api_port_replaces_the_target_group_and_its_listener() -> None:
    other = desired(replace(SETTINGS, open=Open(inside="10.42.0.0/16", api_port=8001)))
    changes = compute(other, as_they_should_be(desired(SETTINGS)))
    assert [(each.action, each.resource.kind) for each in changes] == [
        ("change", "security_group"), ("replace", "target_group"), ("replace", "listener"),
    ]  # fmt: skip


def test_without_a_load_balancer_the_one_that_exists_goes_before_its_target_group() -> None:
    off = desired(replace(SETTINGS, balancer=Balancer(wanted=False)))
    changes = compute(off, as_they_should_be(desired(SETTINGS)))
    assert [(each.action, each.resource.kind) for each in changes] == [
        ("remove", "load_balancer"), ("remove", "target_group"),
    ]  # fmt: skip


def test_of_rules_the_table_shows_only_what_comes_and_what_goes() -> None:
    more = desired(replace(SETTINGS, open=Open(inside="10.42.0.0/16", ssh_from=["203.0.113.7"])))
    (change,) = compute(more, as_they_should_be(desired(SETTINGS)))
    text = lines("alpha", [change.row(WORDS)], "1234", done=True)
    assert text[1:] == [
        "  ~   security_group praxis-alpha-member  security_group-praxis-alpha-member",
        "        rules: + tcp 22 from 203.0.113.7/32 (SSH)",
        "  0 created, 1 changed, 0 replaced, 0 removed; plan 1234",
    ]


def test_a_plan_that_was_agreed_to_is_held() -> None:
    rows = [each.row(WORDS) for each in compute(desired(SETTINGS), {})]
    id_ = plan_id(("aws", "r", "alpha"), rows)
    hold("", id_, rows, "alpha")
    hold(id_, id_, rows, "alpha")
    for other in (plan_id(("aws", "r", "alpha"), rows[1:]), plan_id(("aws", "r", "beta"), rows)):
        with pytest.raises(Failed) as refused:
            hold(id_, other, rows, "alpha")
        assert [each.code for each in refused.value.findings] == ["provision-plan-differs"]


# -- rules


def across(number: int, apart: int) -> list[str]:
    """Addresses of so many members elsewhere."""
    return [f"198.51.{each * apart // 256}.{each * apart % 256}" for each in range(number)]


def test_sixty_members_elsewhere_whose_addresses_lie_together_are_merged_to_fit() -> None:
    """64 addresses from a boundary on are one network; nobody else is admitted, and what fits is left as it is."""
    settings = replace(SETTINGS, open=Open(inside="10.42.0.0/16", p2p_from=across(64, 1)))
    (member,) = [each for each in desired(settings) if each.name == "praxis-alpha-member"]
    assert "tcp 4001 from 198.51.0.0/26 (Peer to peer with members elsewhere)" in map(str, member.fields["rules"])
    few = replace(SETTINGS, open=Open(inside="10.42.0.0/16", p2p_from=across(4, 1)))
    (member,) = [each for each in desired(few) if each.name == "praxis-alpha-member"]
    assert sum(rule.port == 4001 for rule in member.fields["rules"]) == 1 + 4


def test_sixty_members_elsewhere_far_apart_are_a_finding_before_anything_is_touched() -> None:
    settings = replace(SETTINGS, open=Open(inside="10.42.0.0/16", p2p_from=across(60, 4)))
    with pytest.raises(Failed) as refused:
        desired(settings)
    (finding,) = refused.value.findings
    assert finding.code == "rules-over-quota"
    assert "63 rules" in finding.what
    assert "60 of them are port 4001" in finding.what
    assert [each.kind for each in desired(replace(settings, quotas=Quotas(rules=63)))].count("security_group") == 2


@pytest.mark.parametrize(
    ("opened", "group", "counted", "named"),
    [
        ({"p2p_from": across(60, 4)}, "member", "60 of them are port 4001", "praxis_p2p_plaintext_across"),
        ({"api_from": across(60, 4)}, "member", "60 of them are port 8000", "praxis_api_from"),
        ({"ssh_from": across(60, 4)}, "member", "61 of them are port 22", "praxis_ssh_from"),
        ({"balancer_from": across(35, 4), "listener_ports": [80, 443]}, "balancer", "72 of them are ports 80, 443",
         "praxis_balancer_from"),
        ({"api_from_groups": [f"sg-{each}" for each in range(60)]}, "member", "61 of them are port 8000",
         "fewer groups"),
    ],
)  # fmt: skip
def test_too_many_rules_are_of_the_setting_that_asks_for_most(
    opened: dict[str, Any], group: str, counted: str, named: str
) -> None:
    with pytest.raises(Failed) as refused:
        desired(replace(SETTINGS, open=Open(inside="10.42.0.0/16", **opened)))
    (finding,) = refused.value.findings
    assert (finding.code, finding.where) == ("rules-over-quota", f"security group praxis-alpha-{group}")
    assert counted in finding.what
    settings = ("praxis_p2p_plaintext_across", "praxis_api_from", "praxis_ssh_from", "praxis_balancer_from")
    assert [each for each in (*settings, "fewer groups") if each in finding.fix] == [named]


def test_a_machine_in_more_groups_than_the_account_allows_is_a_finding_before_anything_is_touched() -> None:
    own = [f"sg-{number}" for number in range(6)]
    settings = replace(SETTINGS, existing=Existing(security_groups=own))
    with pytest.raises(Failed) as refused:
        desired(settings)
    (finding,) = refused.value.findings
    assert (finding.code, finding.where) == ("groups-over-quota", "praxis_security_groups")
    assert "6 security groups" in finding.what and "sg-5" in finding.what
    assert desired(replace(settings, quotas=Quotas(groups=6)))
    assert desired(replace(settings, existing=Existing(security_groups=own[:5])))


@given(st.lists(st.ip_addresses(v=4).map(str), min_size=1, max_size=40))
def test_merging_lets_in_exactly_the_same(addresses: list[str]) -> None:
    import ipaddress

    rules = [Rule(4001, canonical(each), "why") for each in dict.fromkeys(addresses)]
    merged = fitted(rules, 0)
    inside = [ipaddress.ip_network(str(rule.source)) for rule in merged]
    assert sum(each.num_addresses for each in inside) == len(rules)
    assert all(any(ipaddress.ip_address(each) in network for network in inside) for each in addresses)


def test_rules_are_counted_as_aws_counts_them() -> None:
    networks = ["10.0.0.0/8", "10.1.0.0/16", "2001:db8::/32"]
    rules = [*(Rule(1, each) for each in networks), Rule(1, Ref("security_group", "x"))]
    assert rule_count(rules) == 3


@pytest.mark.parametrize("world", ["0.0.0.0/0", "::/0", "1.2.3.4/0"])
@pytest.mark.parametrize("option", ["api_from", "p2p_from", "balancer_from"])
def test_the_world_must_be_asked_for_by_name(option: str, world: str) -> None:
    options: dict[str, Any] = {option: [world]}
    open_ = Open(inside="10.0.0.0/8", **options)
    (finding,) = refuse_world(open_, api=False, p2p=False)
    assert (finding.code, world in finding.what) == ("open-to-world", True)
    assert refuse_world(open_, api=True, p2p=True) == []


@pytest.mark.parametrize("world", [
    ["0.0.0.0/1", "128.0.0.0/1"], ["::/1", "8000::/1"], ["2000::/3"], ["0.0.0.0/2"], ["::ffff:0:0/1"],
    [f"{first}.0.0.0/8" for first in range(256)],
])  # fmt: skip
def test_the_world_in_parts_is_the_world(world: list[str]) -> None:
    """Halves admit whom the whole admits, and all of IPv6 that is routed is a part of it by length alone."""
    (finding,) = refuse_world(Open(inside="10.0.0.0/8", p2p_from=[*world, "2001:db8::/32"]), api=False, p2p=False)
    assert (finding.code, world[0] in finding.what) == ("open-to-world", True)


@pytest.mark.parametrize("own", [
    ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"], ["9.0.0.0/8"], ["fc00::/7"], ["fd00::/8"], ["2a01:4f8::/29"],
    ["10.0.0.0/8", "12.0.0.0/8"],
])  # fmt: skip
def test_a_large_network_of_one_owner_is_not_the_world(own: list[str]) -> None:
    open_ = Open(inside="10.0.0.0/8", api_from=own, p2p_from=own, balancer_from=own)
    assert refuse_world(open_, api=False, p2p=False) == []


@pytest.mark.parametrize(
    ("text", "network"),
    [("10.1.2.3/8", "10.0.0.0/8"), ("203.0.113.7", "203.0.113.7/32"), ("2001:DB8::1", "2001:db8::1/128")],
)
def test_networks_are_written_as_ec2_writes_them(text: str, network: str) -> None:
    assert canonical(text) == network


def test_what_is_no_network() -> None:
    with pytest.raises(Failed) as refused:
        canonical("here")
    assert refused.value.findings[0].code == "bad-network"


@pytest.mark.parametrize(("network", "count"), [("10.0.0.0/25", 1), ("10.0.0.0/16", 16), ("2001:db8::/32", 1)])
def test_what_cannot_be_cut(network: str, count: int) -> None:
    with pytest.raises(ValueError, match=r".+"):
        subnets_of(network, count)


def test_a_zone_keeps_its_network_and_a_new_one_gets_a_free_one() -> None:
    moved = replace(SETTINGS, zones=("c", "b"), placed=[("b", "10.42.32.0/20"), ("a", "10.42.16.0/20")])
    made = {each.name: each.made_with["cidr"] for each in desired(moved) if each.kind == "subnet"}
    assert made == {"praxis-alpha-c": "10.42.48.0/20", "praxis-alpha-b": "10.42.32.0/20"}
    # A part of another size is left out of the way, too.
    assert subnets_of("10.42.0.0/17", 1, ["10.42.8.0/22"]) == ["10.42.16.0/21"]
    with pytest.raises(ValueError, match="beside the 2 existing ones; use at most 13 new zones"):
        subnets_of("10.42.0.0/16", 14, ["10.42.16.0/20", "10.42.32.0/20"])


@pytest.mark.parametrize(("interval", "timeout"), [(5, 4), (6, 5), (10, 5), (300, 5)])
def test_a_health_check_ends_before_the_next_one(interval: int, timeout: int) -> None:
    asked = replace(SETTINGS, balancer=Balancer(health_interval=interval))
    (group,) = [each for each in desired(asked) if each.kind == "target_group"]
    assert group.fields["health_timeout"] == timeout


def test_a_fleet_needs_two_zones() -> None:
    with pytest.raises(Failed) as refused:
        desired(replace(SETTINGS, zones=("a",)))
    assert refused.value.findings[0].code == "one-zone"
