# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each API call that changes something around a service of ECS fails in turn: nothing is there twice or orphaned."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_ecs_kinds import KINDS
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import CloudError
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.plan import Row
from tests import tiers
from tests.unit.conftest import READS
from tests.unit.ecs.conftest import Account
from tests.unit.ecs.made import REGION
from tests.unit.ecs.test_fleet import DAY, NIGHT
from tests.unit.infrastructure.faults import RIDDEN_OUT, Disturb, Fate, completed_by_the_next, disturbing, ridden_out

SCALED = {"autoscaler": {"schedules": [DAY, NIGHT]}}
WHOLE = {
    "Clusters": 1, "LogGroups": 1, "Policies": 1, "Roles": 1, "ScalableTargets": 1, "ScalingPolicies": 1,
    "ScheduledActions": 2, "SecurityGroups": 1, "Services": 1, "TaskDefinitions": 1,
}  # fmt: skip


@dataclass
class Owner:
    """The fleet of one kind in an account, every kind of resource around its service included."""

    account: Account

    def present(self) -> dict[str, Any]:
        fleet = self.account.fleet(SCALED)
        rows = fleet.plan()[1]
        fleet.apply()
        assert fleet.wait() == []
        return _result(rows)

    def absent(self) -> dict[str, Any]:
        fleet = self.account.fleet(SCALED)
        rows = fleet.gone()
        fleet.remove()
        return _result(rows)

    def resources(self) -> dict[str, int]:
        """How many there are of each kind; of services those that run, of task definitions the active ones."""
        client = self.account.cloud.client
        iam = client("iam")
        scaling, named = client("application-autoscaling"), {"ServiceNamespace": "ecs"}
        roles = [each["RoleName"] for each in iam.list_roles()["Roles"] if REGION in each["RoleName"]]
        mine = [{"Name": "tag:praxis_fleet", "Values": ["demo"]}]
        definitions = client("ecs").list_task_definitions(familyPrefix="praxis-demo-leaf", status="ACTIVE")
        # moto lists those that were removed, too.
        listed = client("ecs").describe_clusters(clusters=client("ecs").list_clusters()["clusterArns"])["clusters"]
        clusters = [each["clusterArn"] for each in listed if each["status"] == "ACTIVE"]
        found = {
            "Clusters": clusters,
            "LogGroups": client("logs").describe_log_groups(logGroupNamePrefix="/praxis")["logGroups"],
            "Policies": [each for role in roles for each in iam.list_role_policies(RoleName=role)["PolicyNames"]],
            "Roles": roles,
            "ScalableTargets": scaling.describe_scalable_targets(**named)["ScalableTargets"],
            "ScalingPolicies": scaling.describe_scaling_policies(**named)["ScalingPolicies"],
            "ScheduledActions": scaling.describe_scheduled_actions(**named)["ScheduledActions"],
            "SecurityGroups": client("ec2").describe_security_groups(Filters=mine)["SecurityGroups"],
            "Services": [one for each in clusters for one in client("ecs").list_services(cluster=each)["serviceArns"]],
            "TaskDefinitions": definitions["taskDefinitionArns"],
        }  # fmt: skip
        self.account.cloud.operations.clear()
        return {kind: len(each) for kind, each in found.items() if each}


def _result(rows: list[Row]) -> dict[str, Any]:
    return {"plan": {"rows": [row.as_dict() for row in rows]}}


def _disturbing(monkeypatch: pytest.MonkeyPatch, spared: Collection[str] = ()) -> Disturb:
    return disturbing(
        monkeypatch,
        AwsClient,
        reads=lambda to: to[1] in spared or to[1].title().replace("_", "").startswith(READS),
        remembered=lambda more: False,
        what="It was so in this test.",
    )


@pytest.fixture
def disturb(monkeypatch: pytest.MonkeyPatch) -> Disturb:
    return _disturbing(monkeypatch)


@pytest.fixture
def disturb_the_engine(monkeypatch: pytest.MonkeyPatch) -> Disturb:
    """The calls about the service and its definition go well: a run does not repeat those by itself."""
    return _disturbing(monkeypatch, ("register_task_definition", "create_service", "tag_resource"))


def test_every_kind_is_in_what_these_runs_make(account: Account) -> None:
    rows = account.fleet(SCALED).plan()[1]
    assert {row.kind for row in rows} == {*(kind.words for kind in KINDS.values()), "service", "task definition"}


@pytest.mark.slow
@pytest.mark.parametrize("carried_out", tiers.first([True, False]))
def test_a_run_that_stops_at_any_call_is_completed_by_the_next(
    account: Account, disturb: Disturb, carried_out: bool
) -> None:
    completed_by_the_next(Owner(account), disturb, WHOLE, carried_out=carried_out, calls=(10, 7))


@RIDDEN_OUT
@pytest.mark.slow
def test_one_run_rides_it_out(
    account: Account, disturb_the_engine: Disturb, kind: type[CloudError], carried_out: bool
) -> None:
    fate = Fate(kind, carried_out=carried_out, lets_through=None)
    ridden_out(Owner(account), disturb_the_engine, fate, WHOLE, 9)
