# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Machines wanted, machines found, and the difference."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.machines import (
    GOOGLE,
    Changes,
    Machine,
    Wanted,
    diff,
    machine,
    picture,
    slots,
    token,
)

WANTED = Wanted(
    "alpha", slots("aws", 2), labels={"team": "search"}, groups=("sg-1",), settings={"metadata_tokens": "required"}
)


def held(slot: str, id_: str = "", **other: Any) -> Machine:
    """A machine exactly as it should be, but for what is named."""
    exact = {"slot": slot, "state": "running", "tags": WANTED.tags(slot), "groups": ("sg-1",)}
    return Machine(**{"id": id_ or f"i-{slot}", **exact, "settings": WANTED.settings, **other})


ONE, TWO = held("aws-1"), held("aws-2")


def test_slots_count_from_one() -> None:
    assert slots("aws", 3) == ("aws-1", "aws-2", "aws-3")
    assert slots("aws", 0) == ()


def test_nothing_to_do() -> None:
    changes = diff(WANTED, [ONE, TWO], allow_shrink=False)
    assert changes == Changes()
    assert not changes


def test_missing_machines_are_launched() -> None:
    assert diff(WANTED, [TWO], allow_shrink=False) == Changes(launch=("aws-1",))
    assert diff(WANTED, [], allow_shrink=False) == Changes(launch=("aws-1", "aws-2"))


@pytest.mark.parametrize("state", ["terminated", "shutting-down"])
def test_a_gone_machine_holds_no_slot(state: str) -> None:
    assert diff(WANTED, [replace(ONE, state=state), TWO], allow_shrink=False) == Changes(launch=("aws-1",))


def test_what_was_edited_is_restored_and_what_was_added_stays() -> None:
    tags = {**ONE.tags, "Name": "renamed", "cost-centre": "7"}
    del tags["team"]
    changes = diff(WANTED, [replace(ONE, tags=tags), TWO], allow_shrink=False)
    assert changes == Changes(retag={"i-aws-1": {"Name": "alpha-aws-1", "team": "search"}})


def test_state_groups_and_metadata() -> None:
    optional = {"metadata_tokens": "optional", "theirs": "stays"}
    found = [replace(ONE, state="stopped"), replace(TWO, groups=("sg-1", "sg-2"), settings=optional)]
    assert diff(WANTED, found, allow_shrink=False) == Changes(
        start=("i-aws-1",), regroup=("i-aws-2",), reset={"i-aws-2": {"metadata_tokens": "required"}}
    )
    assert diff(replace(WANTED, groups=()), found, allow_shrink=False).regroup == ()


def test_surplus_is_refused_unless_allowed() -> None:
    third = held("aws-3")
    with pytest.raises(Failed) as caught:
        diff(WANTED, [ONE, TWO, third], allow_shrink=False)
    assert [finding.code for finding in caught.value.findings] == ["would-shrink"]
    assert "aws-3 (i-aws-3)" in str(caught.value)
    assert diff(WANTED, [ONE, TWO, third], allow_shrink=True) == Changes(terminate=("i-aws-3",))


def test_a_strangers_machine_is_never_touched() -> None:
    stranger = held("home-1", ours=False, tags={"praxis_fleet": "alpha"})
    assert not diff(WANTED, [ONE, TWO, stranger], allow_shrink=True)


def test_a_strangers_machine_in_our_slot_and_a_double_one_are_named() -> None:
    with pytest.raises(Failed) as caught:
        diff(WANTED, [replace(ONE, ours=False), TWO, held("aws-2", "i-twin")], allow_shrink=False)
    assert [finding.code for finding in caught.value.findings] == ["slot-taken", "slot-twice"]
    assert "i-aws-2 and i-twin" in str(caught.value)


def instance(token: str = "", tags: dict[str, str] | None = None) -> dict[str, Any]:
    return {
        "InstanceId": "i-1",
        "ClientToken": token,
        "State": {"Name": "running"},
        "Tags": [{"Key": key, "Value": value} for key, value in (tags or {}).items()],
        "SecurityGroups": [{"GroupId": "sg-1"}],
        "MetadataOptions": {"HttpTokens": "required"},
    }


def test_a_machine_is_known_by_its_token_whatever_its_tags_say() -> None:
    made = token("alpha", "aws-7", {}, [], 0)
    found = machine(instance(made, {"praxis_fleet": "stolen", "praxis_slot": "aws-9"}), "alpha")
    assert found is not None
    assert (found.slot, found.ours) == ("aws-7", True)


def test_another_fleets_machine_is_not_ours() -> None:
    # `alpha-aws` made this one: its name begins like alpha's tokens.
    made = token("alpha-aws", "aws-1", {}, [], 0)
    assert machine(instance(made, {"praxis_fleet": "alpha-aws"}), "alpha") is None
    assert machine(instance(), "alpha") is None


def test_a_machine_made_elsewhere_is_known_by_tag_and_ours_when_adopted() -> None:
    tags = {"praxis_fleet": "alpha", "praxis_slot": "aws-1"}
    found, adopted = (
        machine(instance("", tags), "alpha"),
        machine(instance("", {**tags, "praxis_managed_by": "provision"}), "alpha"),
    )
    assert found is not None
    assert adopted is not None
    assert (found.slot, found.ours, adopted.ours) == ("aws-1", False, True)


def test_a_token_is_the_same_for_a_retry_and_new_for_a_replacement() -> None:
    first = token("alpha", "aws-1", {"ImageId": "ami-1"}, [], 500_000)
    assert first == token("alpha", "aws-1", {"ImageId": "ami-1"}, [], 500_000)
    others = {
        token("alpha", "aws-1", {"ImageId": "ami-2"}, [], 500_000),
        token("alpha", "aws-1", {"ImageId": "ami-1"}, ["i-gone"], 500_000),
        token("alpha", "aws-1", {"ImageId": "ami-1"}, [], 500_001),
        token("alpha", "aws-2", {"ImageId": "ami-1"}, [], 500_000),
        token("beta", "aws-1", {"ImageId": "ami-1"}, [], 500_000),
    }
    assert len(others | {first}) == 6
    assert len(token("f" * 25, "aws-1000", {}, [], 500_000)) <= 64


def test_the_picture_shows_only_what_changes() -> None:
    found = [replace(ONE, state="stopped", tags={**ONE.tags, "Name": "x"})]
    shown = picture(WANTED, found, diff(WANTED, found, allow_shrink=False))
    assert shown["before"] == {"i-aws-1": {"state": "stopped", "tags": {"Name": "x"}}}
    assert shown["after"]["i-aws-1"] == {"state": "running", "tags": {"Name": "alpha-aws-1"}}
    assert shown["after"]["aws-2"]["id"] == "(known after apply)"
    found = [replace(ONE, settings={"metadata_tokens": "optional"}), TWO]
    shown = picture(WANTED, found, diff(WANTED, found, allow_shrink=False))
    assert shown["before"] == {"i-aws-1": {"metadata_tokens": "optional"}}
    assert shown["after"] == {"i-aws-1": {"metadata_tokens": "required"}}


def test_on_google_a_machine_has_labels_and_its_name_is_none_of_them() -> None:
    wanted = replace(WANTED, words=GOOGLE)
    assert wanted.tags("gcp-1") == {
        "team": "search",
        "praxis_role": "agent",
        "praxis_slot": "gcp-1",
        "praxis_fleet": "alpha",
        "praxis_managed_by": "provision",
    }
    found = [replace(ONE, tags={}, groups=("other",)), TWO]
    shown = picture(wanted, found, diff(wanted, found, allow_shrink=False))["after"]["i-aws-1"]
    assert shown == {"labels": wanted.tags("aws-1"), "network_tags": ["sg-1"]}


def test_fewer_machines_than_none_are_refused() -> None:
    """With leave to shrink, all would be terminated for a number that nobody means."""
    assert slots("aws", 0) == ()
    with pytest.raises(Failed, match="-1 machines are asked for"):
        slots("aws", -1)
