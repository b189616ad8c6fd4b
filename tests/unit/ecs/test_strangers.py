# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A kind that was taken out of the inventory, or has another name now, is named and goes with the fleet."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.ecs.conftest import Account
from tests.unit.ecs.made import REGION
from tests.unit.ecs.test_fleet import DAY
from tests.unit.ecs.test_least_privilege import POLICY
from tests.unit.ecs.test_verbs import written
from tests.unit.infrastructure.enforcement import Operator

#: The policy of those who may not list services.
EARLIER = {
    **POLICY,
    "Statement": [
        {**each, "Action": [action for action in each["Action"] if action != "ecs:ListServices"]}
        for each in POLICY["Statement"]
    ],
}


def deployed(account: Account, **old: Any) -> None:
    """The kinds ``leaf`` and ``old``; the second is in no inventory from now on.

    :param old: what ``praxis_ecs`` says of it.
    """
    kinds = {"leaf": account.variables(), "old": account.variables(old, slot="old")}
    assert account.verb_of("deployed", kinds)["ok"]


@pytest.mark.slow
def test_a_kind_that_the_inventory_no_longer_has_is_named(account: Account) -> None:
    deployed(account)
    for state, check in (("plan", False), ("deployed", True), ("deployed", False), ("status", False)):
        done = account.verb(state, check)
        (found,) = done["findings"]
        assert (found["code"], found["level"]) == ("not-in-inventory", "warning") and done["ok"]
        assert "service old, cluster praxis-demo" in found["where"] and "2 of 2 tasks run" in found["what"]
        assert "--cluster praxis-demo --service old" in found["fix"]


@pytest.mark.slow
def test_a_removal_takes_everything_of_a_kind_that_the_inventory_no_longer_has(account: Account) -> None:
    deployed(account, autoscaler={"schedules": [DAY]})
    removed = account.verb("absent")
    assert ("service", "old") in {(row["kind"], row["name"]) for row in removed["plan"]["rows"]}
    assert "DeleteCluster" in written(account)
    client = account.cloud.client
    assert client("ecs").list_task_definitions(status="ACTIVE")["taskDefinitionArns"] == []
    assert client("logs").describe_log_groups()["logGroups"] == []
    assert [each for each in client("iam").list_roles()["Roles"] if REGION in each["RoleName"]] == []
    scaling, named = client("application-autoscaling"), {"ServiceNamespace": "ecs"}
    assert scaling.describe_scalable_targets(**named)["ScalableTargets"] == []
    assert scaling.describe_scheduled_actions(**named)["ScheduledActions"] == []
    ours = [{"Name": "tag:praxis_fleet", "Values": ["demo"]}]
    assert client("ec2").describe_security_groups(Filters=ours)["SecurityGroups"] == []
    assert not account.verb("absent")["changed"]


@pytest.mark.slow
def test_a_service_of_others_in_the_cluster_is_none_of_ours(account: Account) -> None:
    account.verb("deployed")
    ecs = account.cloud.client("ecs")
    (service,) = ecs.describe_services(cluster="praxis-demo", services=["leaf"])["services"]
    tags = [{"key": "praxis_fleet", "value": "demo"}]
    made = {"cluster": "praxis-demo", "taskDefinition": service["taskDefinition"], "desiredCount": 1, "tags": tags}
    for number in range(12):
        ecs.create_service(serviceName=f"theirs{number}", launchType="FARGATE", **made,
                           networkConfiguration=service["networkConfiguration"])  # fmt: skip
    assert account.fleet().left() == []


@pytest.mark.slow
@pytest.mark.parametrize(("old", "seen"), [({}, ["old"]), ({"desired_count": 2}, [])])
def test_who_may_not_list_services_sees_those_that_are_scaled(
    account: Account, old: dict[str, Any], seen: list[str]
) -> None:
    deployed(account, **old)
    fleet = account.fleet()
    for policy, names in ((POLICY, ["old"]), (EARLIER, seen)):
        with Operator().only(policy):
            assert [each.kind.name for each in fleet.left()] == names
