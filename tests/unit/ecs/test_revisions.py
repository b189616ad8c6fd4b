# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Revisions of task definitions: whose they are, and how their deployments ended."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from tests.unit.ecs.conftest import CRASHING, Account
from tests.unit.ecs.made import codes

#: Of two fleets, the kinds whose definitions have one name: ``praxis-a-b-c``.
OURS, OTHERS = ("a-b", "c"), ("a", "b-c")


def variables(account: Account, whose: tuple[str, str], **values: Any) -> dict[str, Any]:
    fleet, kind = whose
    return {kind: account.variables(fleet=fleet, slot=kind, **values)}


def deploy(account: Account, whose: tuple[str, str], **values: Any) -> str:
    """Deploy, and the revision that runs then."""
    fleet = account.fleet_of(**variables(account, whose, **values))
    fleet.apply()
    assert fleet.wait() == []
    return fleet.services[0].revision


@pytest.mark.slow
def test_another_fleet_s_revisions_of_the_same_family_are_none_of_ours(account: Account) -> None:
    assert deploy(account, OTHERS) == "praxis-a-b-c:1"
    assert deploy(account, OURS) == "praxis-a-b-c:2"
    fleet = account.fleet_of(**variables(account, OURS))
    for goal in ("", "c:1"):
        with pytest.raises(Failed) as raised:
            fleet.goals(goal)
        assert codes(raised.value) == ["no-goal"]
    assert [row["revision"] for row in fleet.history()] == [2]
    rows = fleet.gone()
    assert [row.name for row in rows if row.kind == "task definition"] == ["praxis-a-b-c:2"]
    fleet.remove()
    active = account.cloud.client("ecs").list_task_definitions(familyPrefix="praxis-a-b-c", status="ACTIVE")
    assert [arn.rpartition("/")[2] for arn in active["taskDefinitionArns"]] == ["praxis-a-b-c:1"]


@pytest.mark.slow
def test_a_revision_that_no_task_has_run_is_not_good_until_one_has(account: Account) -> None:
    none = {"ecs_": {"desired_count": 0}}
    account.verb("deployed")
    assert account.verb("deployed", image=CRASHING, **none)["ok"], "nothing runs, and nothing is to"
    assert outcomes(account) == ["untried", "good"]
    # It is no failure either: only who deployed it takes it back.
    account.verb("deployed", agent_config={"llm": {"timeout": 7}}, **none)
    with pytest.raises(Failed) as raised:
        account.fleet().goals("leaf:9")
    assert codes(raised.value) == ["no-goal"]
    ((_service, arn),) = account.fleet().goals("")[0]
    assert arn.endswith(":1"), "of those before it, the one that tasks have run"
    account.verb("deployed", agent_config={"llm": {"timeout": 7}}, ecs_={"desired_count": 1})
    assert outcomes(account) == ["good", "untried", "good"]


@pytest.mark.slow
def test_a_revision_that_failed_stays_so_where_no_task_runs_it(account: Account) -> None:
    assert not account.verb("deployed", image=CRASHING)["ok"]
    account.verb("deployed", image=CRASHING, ecs_={"desired_count": 0})
    assert outcomes(account) == ["failed"]


def outcomes(account: Account) -> list[str]:
    """How the deployments of all revisions ended, the newest first."""
    return [row["outcome"] for row in account.verb("history")["deployments"]]
