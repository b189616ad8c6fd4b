# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rollback takes back what the last run has moved, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.ecs.conftest import Account
from tests.unit.ecs.test_verbs import killed

Kinds = dict[str, dict[str, Any]]


def two(account: Account, one: int, two: int) -> Kinds:
    """The kinds ``one`` and ``two``, each with a timeout of its own."""
    return {
        name: account.variables(slot=name, agent_config={"llm": {"timeout": seconds}})
        for name, seconds in (("one", one), ("two", two))
    }


def revisions(done: dict[str, Any]) -> dict[str, int]:
    """By service, the number of the revision that runs."""
    return {each["name"]: int(each["revision"].rpartition(":")[2]) for each in done["services"]}


def deploy(account: Account, kinds: Kinds) -> dict[str, int]:
    done = account.verb_of("deployed", kinds)
    assert done["ok"]
    return revisions(done)


@pytest.mark.slow
def test_a_kind_that_the_last_deployment_did_not_move_stays(account: Account) -> None:
    deploy(account, two(account, 5, 5))
    deploy(account, two(account, 6, 6))
    assert deploy(account, two(account, 7, 6)) == {"one": 3, "two": 2}
    done = account.verb_of("rolled_back", two(account, 7, 6))
    assert done["ok"] and revisions(done) == {"one": 2, "two": 2}
    assert [row["name"] for row in done["plan"]["rows"]] == ["one"]
    # The run before it moved both.
    assert revisions(account.verb_of("rolled_back", two(account, 7, 6))) == {"one": 1, "two": 1}


@pytest.mark.slow
def test_a_revision_that_is_deployed_again_was_moved_by_the_run_that_did_it(account: Account) -> None:
    deploy(account, two(account, 5, 5))
    deploy(account, two(account, 6, 6))
    account.verb_of("rolled_back", two(account, 6, 6), args={"to": "one:1"})
    assert deploy(account, two(account, 6, 6)) == {"one": 2, "two": 2}
    assert revisions(account.verb_of("rolled_back", two(account, 6, 6))) == {"one": 1, "two": 2}


@pytest.mark.slow
def test_a_kind_without_a_goal_does_not_keep_the_others(account: Account) -> None:
    one = {"one": two(account, 5, 5)["one"]}
    deploy(account, one)
    assert deploy(account, two(account, 6, 5)) == {"one": 2, "two": 1}
    done = account.verb_of("rolled_back", two(account, 6, 5))
    assert revisions(done) == {"one": 1, "two": 1} and done["ok"]
    (found,) = done["findings"]
    assert (found["code"], found["level"]) == ("no-goal", "warning") and "service two" in found["where"]


@pytest.mark.slow
def test_revisions_that_no_run_has_signed_are_goals_and_all_go_back(account: Account) -> None:
    for seconds in (5, 6):
        fleet = account.fleet_of(**two(account, seconds, seconds))
        fleet.apply()
        assert fleet.wait() == []
    assert revisions(account.verb_of("rolled_back", two(account, 6, 6))) == {"one": 1, "two": 1}


@pytest.mark.slow
def test_a_run_that_was_killed_before_it_moved_anything_has_nothing_to_take_back(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy(account, two(account, 5, 5))
    deploy(account, two(account, 6, 6))
    killed(account, monkeypatch, "RegisterTaskDefinition", 2, lambda: account.verb_of("deployed", two(account, 7, 7)))
    foreseen = account.verb_of("rolled_back", two(account, 7, 7), check=True)
    assert not foreseen["changed"] and [each["code"] for each in foreseen["findings"]] == ["unfinished"]
    done = account.verb_of("rolled_back", two(account, 7, 7))
    assert done["ok"] and not done["changed"] and revisions(done) == {"one": 2, "two": 2}
    assert [each["code"] for each in done["findings"]] == ["unfinished"]
    # The lock is free again, and what is asked for now is the way back of a fleet at rest.
    assert revisions(account.verb_of("rolled_back", two(account, 7, 7))) == {"one": 1, "two": 1}


@pytest.mark.slow
def test_what_a_killed_run_moved_goes_back_and_nothing_else(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    deploy(account, two(account, 5, 5))
    deploy(account, two(account, 6, 6))
    killed(account, monkeypatch, "UpdateService", 1, lambda: account.verb_of("deployed", two(account, 7, 7)))
    assert revisions(account.verb_of("status", two(account, 7, 7))) == {"one": 3, "two": 2}
    assert revisions(account.verb_of("rolled_back", two(account, 7, 7))) == {"one": 2, "two": 2}


@pytest.mark.slow
def test_a_run_that_continues_a_killed_one_is_taken_back_whole(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy(account, two(account, 5, 5))
    killed(account, monkeypatch, "UpdateService", 1, lambda: account.verb_of("deployed", two(account, 6, 6)))
    assert deploy(account, two(account, 6, 6)) == {"one": 2, "two": 2}
    assert revisions(account.verb_of("rolled_back", two(account, 6, 6))) == {"one": 1, "two": 1}


@pytest.mark.slow
def test_a_rollback_that_was_killed_is_continued_and_goes_no_further(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seconds in (5, 6, 7):
        deploy(account, two(account, seconds, seconds))
    killed(account, monkeypatch, "UpdateService", 1, lambda: account.verb_of("rolled_back", two(account, 7, 7)))
    assert revisions(account.verb_of("status", two(account, 7, 7))) == {"one": 2, "two": 3}
    assert revisions(account.verb_of("rolled_back", two(account, 7, 7))) == {"one": 2, "two": 2}
