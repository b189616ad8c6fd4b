# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deployments to ECS against moto and the sandbox's imitation of its services."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.ecs_revisions import HISTORY
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.ecs_rollout import wait_for
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from tests.unit.ecs.conftest import CRASHING, Account
from tests.unit.ecs.made import ACCOUNT, REGION, codes


@pytest.mark.slow
def test_a_first_deployment_makes_everything_and_the_second_nothing(account: Account) -> None:
    changes, found = account.deploy()
    assert found == []
    assert changes == [
        "CreateCluster", "CreateLogGroup", "PutRetentionPolicy", "CreateRole", "PutRolePolicy", "CreateSecurityGroup",
        "RegisterTaskDefinition", "CreateService", "RegisterScalableTarget", "PutScalingPolicy", "TagResource",
    ]  # fmt: skip
    fleet = account.fleet()
    assert fleet.plan()[1] == [] and fleet.wait() == []
    assert account.deploy() == ([], [])


@pytest.mark.slow
def test_observing_changes_nothing(account: Account) -> None:
    fleet = account.fleet()
    _id, rows = fleet.plan()
    assert [row.action for row in rows] == ["create"] * 9
    assert account.cloud.changes() == []


@pytest.mark.slow
def test_a_setting_changed_makes_one_revision(account: Account) -> None:
    account.deploy()
    fleet = account.fleet(agent_config={"llm": {"timeout": 7}})
    rows = fleet.plan()[1]
    assert [(row.action, row.kind) for row in rows] == [("change", "task definition"), ("change", "service")]
    assert "agent.settings.llm.timeout" in {field.name for field in rows[0].fields}
    changes, found = account.deploy(agent_config={"llm": {"timeout": 7}})
    assert (changes, found) == (["RegisterTaskDefinition", "UpdateService", "TagResource"], [])
    assert account.deploy(agent_config={"llm": {"timeout": 7}}) == ([], [])


@pytest.mark.slow
def test_no_value_of_a_secret_is_anywhere(account: Account) -> None:
    account.deploy()
    ecs = account.cloud.client("ecs")
    definition = ecs.describe_task_definition(taskDefinition="praxis-demo-leaf")["taskDefinition"]
    assert "planted-openai" not in json.dumps(definition, default=str)
    (secret,) = definition["containerDefinitions"][0]["secrets"]
    version = account.cloud.client("secretsmanager").describe_secret(SecretId="llm")["VersionIdsToStages"]
    assert secret["valueFrom"].endswith(f":openai::{next(iter(version))}")


@pytest.mark.slow
def test_a_crashing_image_is_rolled_back_and_named(account: Account) -> None:
    account.deploy()
    before = account.fleet().services[0].revision
    _changes, found = account.deploy(image=CRASHING)
    assert found == ["rollout-failed", "service-events", "stopped-tasks"]
    service = account.fleet(image=CRASHING).services[0]
    assert service.revision == before
    assert [row["outcome"] for row in service.history()] == ["failed", "good"]


@pytest.mark.slow
def test_a_release_whose_place_somebody_else_took_has_not_failed(account: Account) -> None:
    account.deploy()
    before = str(account.fleet().services[0].described["taskDefinition"])
    fleet = account.fleet(agent_config={"agent": {"description": "the next"}})
    fleet.apply()
    account.cloud.client("ecs").update_service(cluster="praxis-demo", service="leaf", taskDefinition=before)
    assert [finding.code for finding in fleet.wait()] == ["rollout-replaced"]
    assert [row["outcome"] for row in account.fleet().services[0].history()] == ["", "good"]


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_crashing_first_deployment_fails(account: Account) -> None:
    _changes, found = account.deploy(image=CRASHING)
    assert found[0] == "rollout-failed"


@pytest.mark.slow
def test_what_the_autoscaler_wants_stays(account: Account) -> None:
    account.deploy()
    named = {"cluster": "praxis-demo", "service": "leaf"}
    account.cloud.client("ecs").update_service(**named, desiredCount=4)
    account.deploy(agent_config={"llm": {"timeout": 7}})
    row = account.fleet(agent_config={"llm": {"timeout": 7}}).rows()[0]
    assert (row["running"], row["desired"]) == (4, 4)


@pytest.mark.slow
def test_a_maximum_changed_by_hand_is_named_and_corrected(account: Account) -> None:
    account.deploy()
    scaling = account.cloud.client("application-autoscaling")
    named = {"ServiceNamespace": "ecs", "ResourceId": "service/praxis-demo/leaf"}
    scaling.register_scalable_target(**named, ScalableDimension="ecs:service:DesiredCount", MaxCapacity=3)
    (row,) = account.fleet().plan()[1]
    assert (row.action, row.kind) == ("change", "scalable target")
    assert [(field.name, field.before, field.after) for field in row.fields] == [("max", 3, 10)]
    assert account.deploy() == (["RegisterScalableTarget"], [])


@pytest.mark.slow
def test_a_fixed_number_takes_the_autoscaler_away(account: Account) -> None:
    account.deploy()
    changes, found = account.deploy({"desired_count": 3})
    assert found == []
    assert sorted(changes) == ["DeleteScalingPolicy", "DeregisterScalableTarget", "UpdateService"]
    assert account.fleet({"desired_count": 3}).rows()[0]["desired"] == 3


@pytest.mark.slow
def test_a_rollback_goes_to_the_last_revision_that_was_good(account: Account) -> None:
    account.deploy()
    account.deploy(agent_config={"llm": {"timeout": 7}})
    account.deploy(image=CRASHING)
    fleet = account.fleet()
    ((service, arn),) = fleet.goals("")[0]
    assert arn.endswith(":1")
    service.go_to(arn)
    assert wait_for(service) == []
    assert account.fleet().services[0].revision == "praxis-demo-leaf:1"
    with pytest.raises(Failed) as raised:
        account.fleet().goals("")
    assert codes(raised.value) == ["no-goal"]
    with pytest.raises(Failed):
        account.fleet().goals("9")


@pytest.mark.slow
def test_a_rollback_knows_more_revisions_than_a_history_shows(account: Account) -> None:
    account.deploy()
    account.deploy(agent_config={"llm": {"timeout": 7}})
    others(account)
    # The circuit breaker has gone back beyond all of them.
    ((_service, arn),) = account.fleet().goals("")[0]
    assert arn.endswith("/praxis-demo-leaf:1")
    account.deploy(agent_config={"llm": {"timeout": 9}})
    ((_service, arn),) = account.fleet().goals("")[0]
    assert arn.endswith("/praxis-demo-leaf:2")
    ((_service, arn),) = account.fleet().goals("leaf:1")[0]
    assert arn.endswith("/praxis-demo-leaf:1")
    account.cloud.client("ecs").deregister_task_definition(taskDefinition="praxis-demo-leaf:1")
    for none in ("1", "0", "last"):
        with pytest.raises(Failed) as raised:
            account.fleet().goals(none)
        assert codes(raised.value) == ["no-goal"]


def others(account: Account) -> None:
    """As many more revisions of the family as a history shows, none of them good."""
    agent = [{"name": "agent", "image": "it", "memory": 128}]
    tags = [{"key": key, "value": value} for key, value in account.fleet().kinds[0].tags.items()]
    named: dict[str, Any] = {"family": "praxis-demo-leaf", "tags": tags}
    for _each in range(HISTORY):
        account.cloud.client("ecs").register_task_definition(**named, containerDefinitions=agent)


@pytest.mark.slow
def test_a_service_of_others_is_never_taken(account: Account) -> None:
    account.deploy()
    ecs = account.cloud.client("ecs")
    service = next(iter(account.scheduler.services.values()))
    service.asked["tags"] = []
    with pytest.raises(Failed) as raised:
        account.fleet()
    assert codes(raised.value) == ["not-managed"]
    assert ecs.describe_services(cluster="praxis-demo", services=["leaf"])["services"]


@pytest.mark.slow
def test_a_removal_leaves_nothing(account: Account) -> None:
    account.deploy()
    others(account)
    ecs, fleet = account.cloud.client("ecs"), account.fleet()
    rows = fleet.gone()
    assert {row.action for row in rows} == {"remove"}
    revisions = [row.name for row in rows if row.kind == "task definition"]
    assert revisions == [f"praxis-demo-leaf:{number}" for number in range(HISTORY + 1, 0, -1)]
    fleet.remove()
    assert account.fleet().gone() == []
    assert ecs.list_task_definitions(familyPrefix="praxis-demo-leaf", status="ACTIVE")["taskDefinitionArns"] == []
    assert account.cloud.client("logs").describe_log_groups(logGroupNamePrefix="/praxis")["logGroups"] == []
    assert REGION in fleet.where


@pytest.mark.slow
def test_a_role_whose_tags_somebody_edited_stays_with_its_policy(account: Account) -> None:
    account.deploy()
    iam = account.cloud.client("iam")
    role = f"praxis-demo-{REGION}-ecs-leaf"
    iam.tag_role(RoleName=role, Tags=[{"Key": "Name", "Value": "somebody's"}])
    fleet = account.fleet()
    assert not {row.kind for row in fleet.gone()} & {"role", "role policy"}
    fleet.remove()
    assert iam.list_role_policies(RoleName=role)["PolicyNames"] == ["execution"]


@pytest.mark.slow
def test_a_removal_takes_what_settings_no_longer_name(account: Account) -> None:
    data = {"file_system": "fs-0a1b2c3d4e5f60718", "access_point": "fsap-0f1e2d3c4b5a69788"}
    account.deploy(data=data)
    _removed(account, {})
    account.deploy(data=data)
    _removed(account, THEIRS)


@pytest.mark.slow
def test_a_removal_leaves_what_others_made_under_its_names(account: Account) -> None:
    iam, logs = account.cloud.client("iam"), account.cloud.client("logs")
    role = "praxis-demo-eu-central-1-ecs-leaf"
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
    iam.create_role(RoleName=role, AssumeRolePolicyDocument="{}", Tags=[{"Key": "praxis_fleet", "Value": "demo"}])
    iam.put_role_policy(RoleName=role, PolicyName="execution", PolicyDocument=json.dumps(policy))
    logs.create_log_group(logGroupName="/praxis/demo/leaf")
    fleet = account.fleet(THEIRS)
    assert fleet.gone() == []
    fleet.remove()
    assert iam.list_role_policies(RoleName=role)["PolicyNames"] == ["execution"]
    assert logs.describe_log_groups()["logGroups"]


#: The user's own in place of all that is made but the cluster.
THEIRS = {
    "execution_role": f"arn:aws:iam::{ACCOUNT}:role/theirs",
    "task_role": f"arn:aws:iam::{ACCOUNT}:role/theirs",
    "log_group": "/theirs",
    "security_groups": ["sg-0c0c0c0c"],
}


def _removed(account: Account, settings: dict[str, Any]) -> None:
    """A removal with these settings has left nothing."""
    fleet = account.fleet(settings)
    fleet.gone()
    fleet.remove()
    client = account.cloud.client
    assert client("iam").list_roles()["Roles"] == client("logs").describe_log_groups()["logGroups"] == []
    groups = client("ec2").describe_security_groups()["SecurityGroups"]
    assert {each["GroupName"] for each in groups} == {"default"}
    assert all(each["status"] == "INACTIVE" for each in _clusters(account))


def _clusters(account: Account) -> list[Any]:
    ecs = account.cloud.client("ecs")
    found: list[Any] = ecs.describe_clusters(clusters=ecs.list_clusters()["clusterArns"])["clusters"]
    return found


@pytest.mark.slow
def test_a_health_names_what_is_missing(account: Account) -> None:
    assert [finding.code for finding in account.fleet().judge()] == ["not-deployed"]
    account.deploy()
    assert account.fleet().judge() == []
    task = next(account.scheduler.tasks())
    task.end("killed")
    assert [finding.code for finding in account.fleet().judge()] == ["tasks-missing"]


# -- behind a balancer


@pytest.mark.slow
def test_a_balancer_is_let_in_and_its_targets_are_the_gate(account: Account) -> None:
    arn, front = account.balancer()
    assert account.deploy(target_group=arn)[1] == []
    assert account.deploy(target_group=arn) == ([], [])
    groups = account.cloud.client("ec2").describe_security_groups()["SecurityGroups"]
    (made,) = [each for each in groups if each["GroupName"] == "praxis-demo-ecs-leaf"]
    (rule,) = made["IpPermissions"]
    assert rule["FromPort"] == 8000 and [each["GroupId"] for each in rule["UserIdGroupPairs"]] == [front]
    assert account.fleet(target_group=arn).judge() == []
    address = next(account.scheduler.tasks()).address
    account.cloud.health[address] = [("unhealthy", "Target.Timeout", "Request timed out")]
    (found,) = account.fleet(target_group=arn).judge()
    assert found.code == "targets-unhealthy" and f"({address}): unhealthy, Request timed out" in found.what
    # A deployment that has nothing to do ends badly, too.
    assert account.deploy(target_group=arn) == ([], ["targets-unhealthy"])


@pytest.mark.slow
def test_a_release_whose_targets_are_not_healthy_is_not_good(account: Account) -> None:
    arn, _front = account.balancer()
    fleet = account.fleet(target_group=arn)
    fleet.apply()
    for number in range(1, 4):
        script = [("healthy", "", ""), ("unhealthy", "Target.Timeout", "Request timed out")]
        account.cloud.health[f"10.9.1.{number}"] = script
    assert [finding.code for finding in fleet.wait()] == ["targets-unhealthy"]
    assert [row["outcome"] for row in fleet.services[0].history()] == [""]


@pytest.mark.slow
def test_a_service_leaves_a_balancer_that_is_no_longer_named(account: Account) -> None:
    arn, _front = account.balancer()
    account.deploy(target_group=arn)
    rows = account.fleet().plan()[1]
    (changed,) = [field for row in rows if row.kind == "service" for field in row.fields]
    assert (changed.name, changed.after) == ("loadBalancers", [])
    assert changed.before[0]["targetGroupArn"] == arn
    changes, found = account.deploy()
    assert found == [] and "UpdateService" in changes
    assert account.deploy() == ([], [])
    states = account.cloud.client("elbv2").describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
    assert states == []


def test_a_target_group_that_nothing_forwards_to_is_refused(account: Account) -> None:
    arn, _front = account.balancer(served=False)
    with pytest.raises(Failed) as raised:
        account.fleet(target_group=arn)
    assert codes(raised.value) == ["target-group-unused"]


# -- scaling by requests and by the clock


DAY = {"name": "day", "schedule": "cron(0 8 ? * MON-FRI *)", "timezone": "Europe/Berlin", "min": 4, "max": 20}
NIGHT = {"name": "night", "schedule": "cron(0 20 * * ? *)", "timezone": "Europe/Berlin", "min": 2, "max": 10}
TARGET = {"ServiceNamespace": "ecs", "ResourceId": "service/praxis-demo/leaf",
          "ScalableDimension": "ecs:service:DesiredCount"}  # fmt: skip


@pytest.mark.slow
def test_requests_are_counted_by_target_group(account: Account) -> None:
    arn, _front = account.balancer()
    account.deploy({"autoscaler": {"requests": 600}}, target_group=arn)
    scaling = account.cloud.client("application-autoscaling")
    policies = scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]
    by_name = {each["PolicyName"]: each["TargetTrackingScalingPolicyConfiguration"] for each in policies}
    tracking = by_name["praxis-requests"]
    label = tracking["PredefinedMetricSpecification"]["ResourceLabel"]
    assert label.startswith("app/front/") and label.endswith(arn.rpartition(":")[2]) and "/targetgroup/leaf/" in label
    assert tracking["TargetValue"] == 600.0 and sorted(by_name) == ["praxis-cpu", "praxis-requests"]
    assert account.deploy({"autoscaler": {"requests": 600}}, target_group=arn) == ([], [])
    assert account.deploy(target_group=arn) == (["DeleteScalingPolicy"], [])


@pytest.mark.slow
def test_schedules_are_made_kept_and_removed(account: Account) -> None:
    both, one = {"autoscaler": {"schedules": [DAY, NIGHT]}}, {"autoscaler": {"schedules": [DAY]}}
    changes, found = account.deploy(both)
    assert found == [] and changes.count("PutScheduledAction") == 2
    assert account.deploy(both) == ([], [])
    scaling = account.cloud.client("application-autoscaling")
    # Somebody else's stays.
    scaling.put_scheduled_action(**TARGET, ScheduledActionName="theirs", Schedule="rate(1 day)",
                                 ScalableTargetAction={"MinCapacity": 1})  # fmt: skip
    (row,) = account.fleet(one).plan()[1]
    assert (row.action, row.kind, row.name) == ("remove", "scheduled action", "service/praxis-demo/leaf#praxis-night")
    assert account.deploy(one) == (["DeleteScheduledAction"], [])
    left = scaling.describe_scheduled_actions(ServiceNamespace="ecs")["ScheduledActions"]
    assert sorted(each["ScheduledActionName"] for each in left) == ["praxis-day", "theirs"]
    fleet = account.fleet(one)
    assert ("remove", "scheduled action") in {(row.action, row.kind) for row in fleet.gone()}
    fleet.remove()
    left = scaling.describe_scheduled_actions(ServiceNamespace="ecs")["ScheduledActions"]
    assert [each["ScheduledActionName"] for each in left] == ["theirs"]


@pytest.mark.slow
def test_a_schedule_changed_by_hand_is_corrected(account: Account) -> None:
    given = {"autoscaler": {"schedules": [DAY]}}
    account.deploy(given)
    scaling, limits = account.cloud.client("application-autoscaling"), {"MinCapacity": 4, "MaxCapacity": 20}
    scaling.put_scheduled_action(**TARGET, ScheduledActionName="praxis-day", Schedule=DAY["schedule"],
                                 Timezone="UTC", ScalableTargetAction=limits)  # fmt: skip
    (row,) = account.fleet(given).plan()[1]
    assert [(field.name, field.before, field.after) for field in row.fields] == [("Timezone", "UTC", DAY["timezone"])]
    assert account.deploy(given) == (["PutScheduledAction"], [])


@pytest.mark.slow
def test_limits_that_a_schedule_has_set_are_no_edit(account: Account) -> None:
    given = {"autoscaler": {"schedules": [DAY]}}
    account.deploy(given)
    scaling = account.cloud.client("application-autoscaling")
    scaling.register_scalable_target(**TARGET, MinCapacity=4, MaxCapacity=20)
    fleet = account.fleet(given)
    assert fleet.plan()[1] == [] and fleet.rows()[0]["scale"] == {"min": 4, "max": 20}
    scaling.register_scalable_target(**TARGET, MinCapacity=4, MaxCapacity=19)
    (row,) = account.fleet(given).plan()[1]
    assert [(field.name, field.before, field.after) for field in row.fields] == [("max", 19, 10)]


@pytest.mark.slow
def test_a_schedule_that_will_not_come_again_is_none(account: Account) -> None:
    once = {"autoscaler": {"schedules": [{"name": "once", "schedule": "at(2020-01-01T00:00:00)", "min": 3}]}}
    assert "PutScheduledAction" not in account.deploy(once)[0]
    assert account.deploy(once) == ([], [])
