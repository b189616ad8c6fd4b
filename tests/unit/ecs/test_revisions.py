# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Revisions of task definitions: whose they are."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from tests.unit.ecs.conftest import Account
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
