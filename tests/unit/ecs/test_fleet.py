# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deployments to ECS against moto and the sandbox's imitation of its services."""

from __future__ import annotations

import json
import time

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from tests.unit.ecs.conftest import CRASHING, Account
from tests.unit.ecs.made import REGION, codes


def test_a_first_deployment_makes_everything_and_the_second_nothing(account: Account) -> None:
    changes, found = account.deploy()
    assert found == []
    assert changes == [
        "CreateCluster", "CreateLogGroup", "PutRetentionPolicy", "CreateRole", "PutRolePolicy", "CreateSecurityGroup",
        "RegisterTaskDefinition", "CreateService", "RegisterScalableTarget", "PutScalingPolicy", "TagResource",
    ]  # fmt: skip
    assert account.fleet().plan()[1] == []
    assert account.deploy() == ([], [])


def test_observing_changes_nothing(account: Account) -> None:
    fleet = account.fleet()
    _id, rows = fleet.plan()
    assert [row.action for row in rows] == ["create"] * 9
    assert account.cloud.changes() == []


def test_a_setting_changed_makes_one_revision(account: Account) -> None:
    account.deploy()
    fleet = account.fleet(agent_config={"llm": {"timeout": 7}})
    rows = fleet.plan()[1]
    assert [(row.action, row.kind) for row in rows] == [("change", "task definition"), ("change", "service")]
    assert "agent.settings.llm.timeout" in {field.name for field in rows[0].fields}
    changes, found = account.deploy(agent_config={"llm": {"timeout": 7}})
    assert (changes, found) == (["RegisterTaskDefinition", "UpdateService", "TagResource"], [])
    assert account.deploy(agent_config={"llm": {"timeout": 7}}) == ([], [])


def test_no_value_of_a_secret_is_anywhere(account: Account) -> None:
    account.deploy()
    ecs = account.cloud.client("ecs")
    definition = ecs.describe_task_definition(taskDefinition="praxis-demo-leaf")["taskDefinition"]
    assert "planted-openai" not in json.dumps(definition, default=str)
    (secret,) = definition["containerDefinitions"][0]["secrets"]
    version = account.cloud.client("secretsmanager").describe_secret(SecretId="llm")["VersionIdsToStages"]
    assert secret["valueFrom"].endswith(f":openai::{next(iter(version))}")


def test_a_crashing_image_is_rolled_back_and_named(account: Account) -> None:
    account.deploy()
    before = account.fleet().services[0].revision
    _changes, found = account.deploy(image=CRASHING)
    assert found == ["rollout-failed", "service-events", "stopped-tasks"]
    service = account.fleet(image=CRASHING).services[0]
    assert service.revision == before
    assert [row["outcome"] for row in service.history()] == ["failed", "good"]


def test_a_crashing_image_names_its_tasks_reasons_and_its_log(account: Account) -> None:
    account.deploy()
    fleet = account.fleet(image=CRASHING)
    fleet.apply()
    logs, now = account.cloud.client("logs"), int(time.time() * 1000)
    for _step in range(10):
        account.scheduler.step()
    ended = [task.ident for task in account.scheduler.tasks() if task.exit_code == 3]
    assert len(ended) >= 3
    for ident in ended:
        stream = {"logGroupName": "/praxis/demo/leaf", "logStreamName": f"leaf/agent/{ident}"}
        logs.create_log_stream(**stream)
        logs.put_log_events(**stream, logEvents=[{"timestamp": now, "message": "the last words"}])
    found = {finding.code: finding.what for finding in fleet.wait()}
    assert found["log-end"] == "the last words"
    assert "planted crash" in found["stopped-tasks"]
    assert "rolling back" in found["service-events"]


def test_a_crashing_first_deployment_fails(account: Account) -> None:
    _changes, found = account.deploy(image=CRASHING)
    assert found[0] == "rollout-failed"


def test_what_the_autoscaler_wants_stays(account: Account) -> None:
    account.deploy()
    named = {"cluster": "praxis-demo", "service": "leaf"}
    account.cloud.client("ecs").update_service(**named, desiredCount=4)
    account.deploy(agent_config={"llm": {"timeout": 7}})
    row = account.fleet(agent_config={"llm": {"timeout": 7}}).rows()[0]
    assert (row["running"], row["desired"]) == (4, 4)


def test_a_maximum_changed_by_hand_is_named_and_corrected(account: Account) -> None:
    account.deploy()
    scaling = account.cloud.client("application-autoscaling")
    named = {"ServiceNamespace": "ecs", "ResourceId": "service/praxis-demo/leaf"}
    scaling.register_scalable_target(**named, ScalableDimension="ecs:service:DesiredCount", MaxCapacity=3)
    (row,) = account.fleet().plan()[1]
    assert (row.action, row.kind) == ("change", "scalable target")
    assert [(field.name, field.before, field.after) for field in row.fields] == [("max", 3, 10)]
    assert account.deploy() == (["RegisterScalableTarget"], [])


def test_a_fixed_number_takes_the_autoscaler_away(account: Account) -> None:
    account.deploy()
    changes, found = account.deploy({"desired_count": 3})
    assert found == []
    assert sorted(changes) == ["DeleteScalingPolicy", "DeregisterScalableTarget", "UpdateService"]
    assert account.fleet({"desired_count": 3}).rows()[0]["desired"] == 3


def test_a_rollback_goes_to_the_last_revision_that_was_good(account: Account) -> None:
    account.deploy()
    account.deploy(agent_config={"llm": {"timeout": 7}})
    account.deploy(image=CRASHING)
    fleet = account.fleet()
    ((service, arn),) = fleet.goals("")
    assert arn.endswith(":1")
    service.go_to(arn)
    assert service.wait() == []
    assert account.fleet().services[0].revision == "praxis-demo-leaf:1"
    with pytest.raises(Failed) as raised:
        account.fleet().goals("")
    assert codes(raised.value) == ["no-goal"]
    with pytest.raises(Failed):
        account.fleet().goals("9")


def test_a_service_of_others_is_never_taken(account: Account) -> None:
    account.deploy()
    ecs = account.cloud.client("ecs")
    service = next(iter(account.scheduler.services.values()))
    service.asked["tags"] = []
    with pytest.raises(Failed) as raised:
        account.fleet()
    assert codes(raised.value) == ["not-managed"]
    assert ecs.describe_services(cluster="praxis-demo", services=["leaf"])["services"]


def test_a_removal_leaves_nothing(account: Account) -> None:
    account.deploy()
    fleet = account.fleet()
    rows = fleet.gone()
    assert {row.action for row in rows} == {"remove"}
    fleet.remove()
    assert account.fleet().gone() == []
    ecs = account.cloud.client("ecs")
    assert ecs.list_task_definitions(familyPrefix="praxis-demo-leaf", status="ACTIVE")["taskDefinitionArns"] == []
    assert account.cloud.client("logs").describe_log_groups(logGroupNamePrefix="/praxis")["logGroups"] == []
    assert REGION in fleet.where


def test_a_health_names_what_is_missing(account: Account) -> None:
    assert [finding.code for finding in account.fleet().judge()] == ["not-deployed"]
    account.deploy()
    assert account.fleet().judge() == []
    task = next(account.scheduler.tasks())
    task.end("killed")
    assert [finding.code for finding in account.fleet().judge()] == ["tasks-missing"]
