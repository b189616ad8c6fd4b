# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A playbook of the user's own that imports ours, with variables of members in its ``vars``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from ansible.errors import AnsibleError

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.plugin_utils import play_variables
from ansible_collections.praxis.cloud.plugins.plugin_utils.fleet_variables import PLACE
from tests import tiers
from tests.unit.plan.made import IMAGE, REPOSITORY, Account, fleet
from tests.unit.plan.test_actions import CHECKOUT, FREE, LOCAL, Site, site

__all__ = ["site"]

OTHER = f"{REPOSITORY}:2.0"


class Play:
    """A task, and the play that it is of."""

    def __init__(self, variables: Mapping[str, Any]) -> None:
        self._variables = dict(variables)

    def get_play(self) -> Play:
        return self

    def get_vars(self) -> dict[str, Any]:
        return self._variables


def unseen(given: Mapping[str, Any], only: frozenset[str] | None = None, **members: Mapping[str, Any]) -> list[Finding]:
    """What is found of a play with these variables, where the first member's are what its tasks see beside them."""
    task_vars = {**next(iter(members.values())), **given, "hostvars": members}
    return play_variables.unseen(Play(given), task_vars, template, list(members), only)


def template(value: Any) -> Any:
    if value == "{{ lost }}":
        raise AnsibleError("lost is undefined")
    return value


@pytest.mark.parametrize("given", [
    {},
    {"praxis_image": "one"},
    {"praxis_image": None, "praxis_batch": 3, "praxis_plan": "{{ lost }}", "own": 1},
    {"praxis_agent_environment": {"A": "b"}},
], ids=str)  # fmt: skip
def test_what_members_have_too_may_stand_there(given: dict[str, Any]) -> None:
    """So may a run's own, which the play's tasks read."""
    own = {"praxis_agent_environment": {"A": "b"}}
    members = {name: own | ({"praxis_image": "one"} if given.get("praxis_image") else {}) for name in ("m1", "m2")}
    assert unseen(given, **members) == []


@pytest.mark.parametrize(("given", "m2", "where", "named"), [
    ({"praxis_image": "two"}, {"praxis_image": "one"}, ["praxis_image"], "m1, m2"),
    ({"praxis_image": "one"}, {}, ["praxis_image"], "for m2,"),
    ({"praxis_image": "{{ lost }}"}, {"praxis_image": "one"}, ["praxis_image"], "m1, m2"),
    ({"praxis_agent_secrets": {"A": "b"}, "praxis_fleet": "x"}, {}, ["praxis_agent_secrets", "praxis_fleet"], "m2"),
], ids=str)  # fmt: skip
def test_what_a_member_does_not_have_so_is_named(
    given: dict[str, Any], m2: dict[str, Any], where: list[str], named: str
) -> None:
    found = unseen(given, m1={"praxis_image": "one"}, m2=m2)
    assert [(each.code, each.where) for each in found] == [("bad-variable", each) for each in where]
    assert all(named in each.what and each.where in each.what for each in found)


def test_only_what_is_read_counts() -> None:
    given = {"praxis_image": "two", "praxis_region": "eu-central-1"}
    assert [each.where for each in unseen(given, PLACE, m1={}, m2={})] == ["praxis_region"]


@pytest.mark.slow
def test_a_plan_is_not_made_without_what_its_importer_says(site: Site, empty: Account) -> None:
    """Another image would be deployed than the one that stands in the user's playbook."""
    site.inventory(fleet(2))
    book = [{"import_playbook": str(CHECKOUT / "playbooks/plan.yml"), "vars": {"praxis_image": OTHER}}]
    refused = site.play(book)
    assert refused.rc == 2, refused.printed[-3000:]
    (found,) = refused.of("Plan the deployment", "m1")["failures"]
    assert (found["code"], found["where"]) == ("bad-variable", "praxis_image")
    # What stands above the play's variables stands above the members', too.
    given = site.play(book, "-e", f"praxis_image={IMAGE}").of("Plan the deployment", "m1")
    assert given["status"] == "ok", given


@pytest.mark.slow
def test_an_importer_may_say_how_long_other_deployments_are_waited_for(site: Site, empty: Account) -> None:
    """As `-e praxis_lock_wait=30` and the inventory do: else the run is refused at once."""
    site.inventory({name: {**found, **site.shell(name, "exit 3")} for name, found in fleet(2).items()})
    before = {**LOCAL, "tasks": [{"ansible.builtin.debug": {"msg": "A first play has no hostvars yet."}}]}
    played = site.play([before, {**FREE, "vars": {"free_force": "true", "praxis_lock_wait": 30}}])
    asked = [each["host"] for each in played.results if each["task"] == "Ask the host whom to wait for"]
    assert sorted(asked) == ["m1", "m2"], played.printed[-3000:]


#: The first four name hosts of plays by what their own tasks have found.
CONDITIONAL = tiers.only(["deploy.yml", "restore.yml", "rollback.yml", "provision.yml", "status.yml", "doctor.yml"],
                         "deploy.yml".__eq__)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("playbook", CONDITIONAL)
def test_a_playbook_that_is_imported_on_a_condition_is_left_out_whole(
    site: Site, empty: Account, playbook: str
) -> None:
    """And what the user's playbook imports behind it is not."""
    site.inventory({name: {**found, **site.host(name, "exit 3")} for name, found in fleet(2).items()})
    after = {**LOCAL, "tasks": [{"name": "after", "ansible.builtin.debug": {"msg": "still here"}}]}
    played = site.play([{"import_playbook": str(CHECKOUT / playbook), "when": "go | default(false)"}, after])
    assert played.rc == 0, played.printed[-3000:]
    assert {each["task"] for each in played.results if each["status"] != "skipped"} == {"after"}
    assert not site.was_sent("m1")
