# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tasks run on: Fargate, Spot, providers of a cluster, instances; written when it differs, refused when it cannot
be."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.validate import validate_parameters

from ansible_collections.praxis.cloud.plugins.module_utils.ecs import service
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from tests.unit.ecs.conftest import Account
from tests.unit.ecs.made import ROLE, codes, kind
from tests.unit.ecs.test_task_definition import shape

MIXED = [{"provider": "FARGATE", "base": 2}, {"provider": "FARGATE_SPOT", "weight": 4}]
INSTANCES = {"capacity": "EC2", "cluster": "theirs"}


def asked(ecs: dict[str, Any], **values: Any) -> dict[str, Any]:
    """The request that creates a service, held to the SDK's model."""
    made = service.service(kind(ecs, **values), "praxis-demo-leaf", ["sg-0c0c0c0c"])
    validate_parameters(made, shape("ecs", "CreateService"))
    return made


def test_without_it_tasks_run_on_fargate() -> None:
    assert asked({})["capacityProviderStrategy"] == [{"capacityProvider": "FARGATE", "weight": 1, "base": 0}]
    assert kind().definition(ROLE)["requiresCompatibilities"] == ["FARGATE"]


def test_a_strategy_has_a_base_and_weights() -> None:
    assert asked({"capacity": MIXED})["capacityProviderStrategy"] == [
        {"capacityProvider": "FARGATE", "weight": 1, "base": 2},
        {"capacityProvider": "FARGATE_SPOT", "weight": 4, "base": 0},
    ]


def test_instances_by_launch_type_or_by_provider() -> None:
    made = asked(INSTANCES)
    assert made["launchType"] == "EC2" and "capacityProviderStrategy" not in made and "platformVersion" not in made
    provided = asked({"capacity": "blue", "cluster": "theirs"})
    assert provided["capacityProviderStrategy"][0]["capacityProvider"] == "blue"
    assert "launchType" not in provided and "platformVersion" not in provided


def test_on_instances_containers_get_no_new_privileges_and_any_size() -> None:
    definition = kind(INSTANCES, container={"memory": "700m"}).definition(ROLE)
    validate_parameters(definition, shape("ecs", "RegisterTaskDefinition"))
    assert definition["requiresCompatibilities"] == ["EC2"] and definition["memory"] == "700"
    (agent,) = definition["containerDefinitions"]
    assert agent["dockerSecurityOptions"] == ["no-new-privileges"]
    assert "dockerSecurityOptions" not in kind().definition(ROLE)["containerDefinitions"][0]


WRONG: dict[str, dict[str, Any]] = {
    "no text": {"capacity": 7},
    "nothing": {"capacity": []},
    "a launch type in a strategy": {"capacity": [{"provider": "EC2"}], "cluster": "theirs"},
    "unknown key": {"capacity": [{"provider": "FARGATE", "share": 1}]},
    "a weight below 0": {"capacity": [{"provider": "FARGATE", "weight": -1}]},
    "no weight": {"capacity": [{"provider": "FARGATE", "weight": 0}]},
    "twice": {"capacity": [{"provider": "FARGATE"}, {"provider": "FARGATE"}]},
    "two bases": {"capacity": [{"provider": "FARGATE", "base": 1}, {"provider": "FARGATE_SPOT", "base": 1}]},
    "Fargate and instances": {"capacity": [{"provider": "FARGATE"}, {"provider": "blue"}], "cluster": "theirs"},
    "instances in a cluster that is made": {"capacity": "EC2"},
    "instances with a public address": {**INSTANCES, "public_ip": True},
}


@pytest.mark.parametrize("given", WRONG.values(), ids=WRONG)
def test_what_cannot_be_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(Failed) as raised:
        kind(given)
    assert set(codes(raised.value)) == {"bad-ecs-setting"}


@pytest.mark.slow
def test_a_strategy_is_written_when_it_differs_and_its_order_means_nothing(account: Account) -> None:
    account.deploy()
    rows = account.fleet({"capacity": MIXED}).plan()[1]
    assert [field.name for row in rows for field in row.fields] == ["capacityProviderStrategy"]
    assert account.cloud.changes() == []
    assert account.deploy({"capacity": MIXED}) == (["UpdateService"], [])
    assert account.deploy({"capacity": MIXED[::-1]}) == ([], [])
    assert account.deploy() == (["UpdateService"], [])


@pytest.mark.slow
def test_a_service_does_not_change_between_launch_type_and_strategy(account: Account) -> None:
    account.cloud.client("ecs").create_cluster(clusterName="theirs")
    assert account.deploy(INSTANCES)[1] == []
    assert account.deploy(INSTANCES) == ([], [])
    with pytest.raises(Failed) as raised:
        account.fleet({"cluster": "theirs"})
    assert codes(raised.value) == ["capacity-fixed"]
    account.deploy({"name": "other", "cluster": "theirs"})
    with pytest.raises(Failed) as raised:
        account.fleet({**INSTANCES, "name": "other"})
    assert codes(raised.value) == ["capacity-fixed"]
