# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scheme of names and tags."""

from __future__ import annotations

import re

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.machines import Wanted, token
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import (
    LONGEST_FLEET,
    check_fleet,
    check_labels,
    google_names,
    is_marked,
    mark,
    mark_text,
    names,
)

LONGEST = "a" * LONGEST_FLEET
REGION = "ap-southeast-7"  # as long as a region's name gets


@pytest.mark.parametrize("fleet", ["a", "praxis", "team-7", "a1", LONGEST])
def test_a_name_that_clouds_accept(fleet: str) -> None:
    check_fleet(fleet)


@pytest.mark.parametrize(
    "fleet", ["", "Praxis", "7up", "-a", "a-", "a_b", "a.b", "a b", "flotte-é", "a\n", LONGEST + "a"]
)
def test_a_name_that_some_cloud_refuses_is_named_with_the_rule(fleet: str) -> None:
    with pytest.raises(Failed) as caught:
        check_fleet(fleet)
    (finding,) = caught.value.findings
    assert (finding.code, finding.where) == ("bad-fleet-name", "praxis_fleet")
    assert repr(fleet) in finding.what
    assert "25 lower-case letters" in finding.fix


def test_the_longest_fleet_s_names_fit_everywhere() -> None:
    made = names(LONGEST, REGION)
    assert len(made["fleet"]) <= 32  # load balancer, target group
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9]", made["fleet"])
    assert len(made["role"]) <= 64
    assert max(len(made["members_group"]), len(made["balancer_group"])) <= 255
    assert not made["members_group"].startswith("sg-")
    assert len(token(LONGEST, "aws-9999", {}, [], 500_000)) <= 64
    assert len(set(made.values())) == len(made)


def test_two_fleets_share_no_name() -> None:
    one, other = names(LONGEST, REGION), names(LONGEST[:-1] + "b", REGION)
    assert not set(one.values()) & set(other.values())
    assert names("a", REGION)["role"] != names("a", "eu-central-1")["role"]


@pytest.mark.parametrize("fleet", ["a", "praxis", "a" * 23, "a" * 24, LONGEST, "a" * 13 + "-" * 5 + "b" * 7])
def test_google_takes_the_names_of_the_shortest_and_the_longest_fleet(fleet: str) -> None:
    made = google_names(fleet)
    assert re.fullmatch(r"[a-z][-a-z0-9]{4,28}[a-z0-9]", made["account"])
    assert re.fullmatch(r"[a-z][-a-z0-9]{0,61}[a-z0-9]", made["fleet"] + "-p2p-from-v6")


def test_two_fleets_share_no_account() -> None:
    longest = [LONGEST, LONGEST[:-1] + "b", LONGEST[:-1], "praxis"]
    assert len({google_names(fleet)["account"] for fleet in longest}) == len(longest)
    assert google_names("praxis")["account"] == "praxis-praxis"


def test_a_description_carries_the_mark_with_words_beside_it() -> None:
    assert is_marked("kept by hand: %s (see wiki)" % mark_text("alpha"), mark_text("alpha"))
    assert is_marked(mark_text("alpha"), mark_text("alpha"))
    for other in (mark_text("alpha-b"), "praxis_fleet=alpha", "", None):
        assert not is_marked(other, mark_text("alpha"))


def test_machines_carry_the_mark() -> None:
    assert mark("alpha").items() <= Wanted("alpha", ("aws-1",)).tags("aws-1").items()


def test_labels_of_one_s_own() -> None:
    check_labels({"team": "agents", "cost centre": "7", "k" * 128: "v" * 256, "a_.:/=+-@1": "ßé 搜_.:/=+-@", "no": ""})


@pytest.mark.parametrize("key", ["Name", "praxis_fleet", "praxis_anything", "aws:team", "AWS:team", "", "k" * 129])
def test_a_label_that_cannot_be(key: str) -> None:
    with pytest.raises(Failed) as caught:
        check_labels({"team": "agents", key: "x"})
    assert {finding.code for finding in caught.value.findings} == {"bad-label"}
    assert all(repr(key) in finding.what for finding in caught.value.findings)


@pytest.mark.parametrize(
    ("key", "value"), [("team;x", "a"), ("team", "R&D"), ("team", "a\tb"), ("a\nb", ""), ("k", "☃")]
)
def test_characters_that_a_role_s_tags_cannot_have(key: str, value: str) -> None:
    """IAM and Elastic Load Balancing take fewer than EC2, and every resource gets the same tags."""
    with pytest.raises(Failed) as caught:
        check_labels({"team.x": "a", key: value})
    [finding] = caught.value.findings
    assert (finding.code, repr(key) in finding.what, repr(value) in finding.what) == ("bad-label", True, True)


def test_a_label_s_value_has_an_end_too() -> None:
    with pytest.raises(Failed):
        check_labels({"team": "v" * 257})


def test_labels_that_google_takes() -> None:
    check_labels({"team": "agents", "cost-centre": "7", "k" * 63: "v" * 63, "empty": ""}, google=True)


@pytest.mark.parametrize(
    ("key", "value"),
    [("équipe", "rédaction"), ("团队", "搜索-1"), ("team", "7٣"), ("k", "é" * 63), ("команда", "поиск_1")],
)
def test_a_label_of_any_script_that_google_takes(key: str, value: str) -> None:
    check_labels({key: value}, google=True)


@pytest.mark.parametrize(("key", "value"), [("Équipe", "x"), ("team", "Поиск"), ("团" * 43, "x"), ("team", "a·b")])
def test_a_label_of_another_script_that_google_does_not_take(key: str, value: str) -> None:
    with pytest.raises(Failed, match="does not allow"):
        check_labels({key: value}, google=True)


@pytest.mark.parametrize(
    ("key", "value"),
    [("Team", "x"), ("7th", "x"), ("", "x"), ("k" * 64, "x"), ("team", "Search"), ("team", "a b"), ("team", "v" * 64)],
)
def test_a_label_that_google_does_not_take(key: str, value: str) -> None:
    with pytest.raises(Failed) as caught:
        check_labels({key: value}, google=True)
    assert "Google Cloud" in caught.value.findings[0].what
    assert value in caught.value.findings[0].what


def test_a_label_of_the_scheme_s_own_is_refused_on_google_too() -> None:
    with pytest.raises(Failed, match="sets itself"):
        check_labels({"praxis_slot": "gcp-1"}, google=True)
