# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run takes its numbers from one host: what another one has is not ignored without a word."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from ansible.errors import AnsibleError

from ansible_collections.praxis.cloud.plugins.action import fleet_plan
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.plugin_utils.fleet_variables import PLACE
from ansible_collections.praxis.cloud.plugins.plugin_utils.run_variables import RunVariables
from tests import tiers
from tests.unit.plan.made import Account, fleet
from tests.unit.plan.test_actions import PLAN, Site, site

__all__ = ["site"]


class Failing(dict[str, Any]):
    """Variables each of which is a template of something undefined."""

    def __getitem__(self, name: str) -> Any:
        """Nothing."""
        raise AnsibleError(f"{name} is undefined")


def differing(**members: Mapping[str, Any]) -> list[Finding]:
    found = RunVariables()
    for name, variables in members.items():
        found.add(name, variables)
    return found.differing()


@pytest.mark.parametrize(("one", "other"), [
    ({}, {}),
    ({"praxis_batch": 2}, {"praxis_batch": "2"}),
    ({"praxis_batch": None}, {}),
    ({"praxis_batch": ""}, {"praxis_batch": None}),
    ({"praxis_image": "one"}, {"praxis_image": "other"}),
    ({"praxis_hooks": {"plan": "a.yml", "success": "b.yml"}}, {"praxis_hooks": {"success": "b.yml", "plan": "a.yml"}}),
    ({"praxis_hooks": {}}, {"praxis_hooks": None}),
    ({"praxis_hooks": {"plan": "in/aws/../ask.yml"}}, {"praxis_hooks": {"plan": "in/gcp/../ask.yml"}}),
    ({"praxis_record": ""}, {"praxis_record": ""}),
    ({"praxis_soak": 30}, {}),
    ({"praxis_unfinished": "continue"}, {"praxis_unfinished": ""}),
])  # fmt: skip
def test_members_that_agree(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert differing(m1=one, m2=other) == []


@pytest.mark.parametrize(("one", "other", "said"), [
    ({"praxis_batch": 2}, {"praxis_batch": 3}, "2 for m1 and 3 for m2"),
    ({"praxis_batch": 0}, {}, "0 for m1 and not set for m2"),
    ({}, {"praxis_min_available": "50%"}, "not set for m1 and 50% for m2"),
    ({"praxis_unfinished": "refuse"}, {"praxis_unfinished": []}, "refuse for m1 and [] for m2"),
    ({"praxis_hooks": {"plan": "/approve.yml"}}, {}, "approve.yml} for m1 and not set for m2"),
    ({"praxis_hooks": {"plan": "/approve" * 20}}, {"praxis_hooks": {"plan": "/approve" * 21}}, "for m2"),
    ({"praxis_record": ""}, {}, " for m1 and not set for m2"),
    ({"praxis_record": "one"}, {"praxis_record": "other"}, "/other for m2"),
    ({}, Failing(praxis_soak="x"), "not set for m1 and a template that cannot be read for m2"),
])  # fmt: skip
def test_members_that_differ(one: dict[str, Any], other: dict[str, Any], said: str) -> None:
    (found,) = differing(m1=one, m2=other)
    level = "warning" if found.where == "praxis_record" else "error"
    assert (found.code, found.level, found.what.split(" has ")[0]) == ("bad-variable", level, found.where)
    assert said in found.what.replace("'", "").replace('"', "")


@pytest.mark.parametrize(("only", "level"), [(None, "error"), (PLACE, "warning")])
def test_a_rollback_does_not_wait_for_an_inventory(only: frozenset[str] | None, level: str) -> None:
    both = ["m1", "m2"]
    _read, faults, beside = fleet_plan._members(fleet(2, {2: {"batch": 3}}), both, only, both)
    assert [(each.where, each.level) for each in [*faults, *beside]] == [("praxis_batch", level)]
    assert bool(faults) is (level == "error")


def test_who_only_observes_is_told_of_numbers_that_differ() -> None:
    both = ["m1", "m2"]
    _read, faults, beside = fleet_plan._members(fleet(2, {2: {"batch": 3}}), both, None, both, observe=True)
    assert (faults, [(each.where, each.level) for each in beside]) == ([], [("praxis_batch", "warning")])


def test_a_deployment_says_where_members_keep_its_record_and_goes_on() -> None:
    both = ["m1", "m2"]
    _read, faults, beside = fleet_plan._members(fleet(2, {2: {"record": "elsewhere"}}), both, None, both)
    assert (faults, [(each.where, each.level) for each in beside]) == ([], [("praxis_record", "warning")])


@pytest.mark.parametrize("only", [None, PLACE])
def test_members_outside_a_limit_may_have_other_numbers(only: frozenset[str] | None) -> None:
    """The canaries' group has a longer soak, and is deployed by itself."""
    members, faults, beside = fleet_plan._members(fleet(3, {1: {"soak": 600}}), ["m1", "m2", "m3"], only, ["m2", "m3"])
    assert (len(members), faults, beside) == (3, [], [])


@pytest.mark.parametrize(
    ("kept", "restore", "unfinished"),
    [(False, {}, "refuse"), (True, {}, "continue"), (True, {"hosts": {"m1": "snap-1"}}, "refuse")],
)
def test_a_rollback_alone_goes_on_over_a_deployment_that_stopped_whatever_the_variable_says(
    kept: bool, restore: dict[str, Any], unfinished: str
) -> None:
    """It is how such a deployment is undone; a backup is put in where that is allowed."""
    assert fleet_plan._unfinished({"unfinished": "refuse", "restore": restore}, kept) == unfinished


#: A play of status.yml's plan, and of verify.yml's.
OBSERVING = {**PLAN, "vars": {"plan_observe": True}}


@pytest.mark.slow
@pytest.mark.parametrize("wrong", tiers.first([
    {"hooks": "{{ lost }}"},
    {"batch": "many"},
    {"target_group": "agents", "instance_id": ""},
    {"hooks": {"plan": "/there/is/none.yml"}},
    {"min_available": "{{ lost }}"},
    {"record": 7},
], 3), ids=str)  # fmt: skip
def test_what_only_a_deployment_needs_keeps_nobody_from_observing(
    site: Site, empty: Account, wrong: dict[str, Any]
) -> None:
    site.inventory(fleet(2, {1: wrong, 2: wrong}))
    refused = site.play([PLAN], "--check")
    assert refused.rc == 2, refused.printed[-2000:]
    observed = site.play([OBSERVING], "--check")
    assert observed.rc == 0, observed.printed[-2000:]
    result = observed.of("Plan the deployment", "m1")
    assert [item["level"] for item in result["findings"]] == ["warning"], result["findings"]
    assert result["ansible_facts"]["praxis_plan"]["balanced"] is False


@pytest.mark.slow
def test_a_number_of_one_cloud_s_members_is_no_number_of_the_run(site: Site, empty: Account) -> None:
    site.inventory(fleet(2, {2: {"min_available": 2}}))
    played = site.play([PLAN], "--check")
    assert played.rc == 2, played.printed[-2000:]
    (found,) = played.of("Plan the deployment", "m1")["failures"]
    assert (found["code"], found["where"]) == ("bad-variable", "praxis_min_available")
    agreeing = site.play([PLAN], "--check", "-e", "praxis_min_available=1")
    assert agreeing.rc == 0, agreeing.printed[-2000:]
