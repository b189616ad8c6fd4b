# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A task definition: what is in it, what AWS's own model takes, and when two of them mean the same."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from functools import cache
from typing import Any

import botocore.session
import pytest
from botocore.validate import validate_parameters
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.praxis.cloud.plugins.module_utils.ecs import access, service
from ansible_collections.praxis.cloud.plugins.module_utils.ecs.meaning import normal, same
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from tests.unit.ecs.made import (
    ACCOUNT,
    ARN,
    BOOTSTRAP,
    IMAGE,
    REGION,
    ROLE,
    SECRETS,
    VERSION,
    codes,
    kind,
    plan,
    variables,
)

#: Which operation takes which file, and of which service.
OPERATIONS = {
    "task-definition": ("ecs", "RegisterTaskDefinition"),
    "service": ("ecs", "CreateService"),
    "scalable-target": ("application-autoscaling", "RegisterScalableTarget"),
    "scaling-policy": ("application-autoscaling", "PutScalingPolicy"),
    "scheduled-action": ("application-autoscaling", "PutScheduledAction"),
}


@cache
def shape(service_name: str, operation: str) -> Any:
    model = botocore.session.get_session().get_service_model(service_name)
    return model.operation_model(operation).input_shape


def test_every_file_is_what_the_cli_takes() -> None:
    day = {"name": "day", "schedule": "cron(0 8 ? * MON-FRI *)", "timezone": "Europe/Berlin", "min": 4}
    scale = {"memory": 80, "schedules": [day]}
    files = plan(rendered=True, leaf=variables({"autoscaler": scale})).files()
    seen = set()
    for name, text in files.items():
        what = name.removesuffix(".json").rpartition(".")[2]
        seen.add(what)
        validate_parameters(json.loads(text), shape(*OPERATIONS[what]))
        assert set(json.loads(text)) <= set(shape(*OPERATIONS[what]).members), name
    assert seen == set(OPERATIONS)
    assert sum("scaling-policy" in name for name in files) == 2


def test_the_documented_example_scales_from_2_to_10_at_70_percent() -> None:
    made = kind()
    target, (policy,) = service.scalable_target(made), service.scaling_policies(made)
    assert (target["MinCapacity"], target["MaxCapacity"]) == (2, 10)
    assert target["ResourceId"] == "service/praxis-demo/leaf"
    tracking = policy["TargetTrackingScalingPolicyConfiguration"]
    assert tracking["TargetValue"] == 70.0
    metric = tracking["PredefinedMetricSpecification"]["PredefinedMetricType"]
    assert metric == "ECSServiceAverageCPUUtilization"


def test_secrets_are_references_with_their_versions() -> None:
    (container,) = kind().definition(ROLE)["containerDefinitions"]
    assert container["secrets"] == [
        {"name": name, "valueFrom": f"{ARN}:{name}::{VERSION}"} for name in sorted(SECRETS)
    ]
    assert not set(SECRETS) & {each["name"] for each in container["environment"]}


def test_the_container_can_do_little() -> None:
    definition = kind().definition(ROLE)
    (container,) = definition["containerDefinitions"]
    assert container["user"] == "10001:10001" and container["readonlyRootFilesystem"] is True
    assert container["linuxParameters"]["capabilities"] == {"drop": ["ALL"]}
    in_memory = {each["containerPath"] for each in container["linuxParameters"]["tmpfs"]}
    assert in_memory == {"/tmp", "/app/configs", "/keys"}
    assert "taskRoleArn" not in definition
    assert "privileged" not in container
    assert container["image"] == IMAGE


def test_a_service_can_be_rolled_back_and_not_entered() -> None:
    made = service.service(kind(), "praxis-demo-leaf", ["sg-0c0c0c0c"])
    assert made["deploymentConfiguration"]["deploymentCircuitBreaker"] == {"enable": True, "rollback": True}
    assert made["enableExecuteCommand"] is False
    assert made["networkConfiguration"]["awsvpcConfiguration"]["assignPublicIp"] == "DISABLED"
    assert made["desiredCount"] == 2


def test_the_number_of_tasks_is_kept_only_where_nothing_scales() -> None:
    assert "desiredCount" not in service.kept(kind(), "family", ["sg-0c0c0c0c"])
    fixed = kind({"desired_count": 3})
    assert service.kept(fixed, "family", ["sg-0c0c0c0c"])["desiredCount"] == 3
    assert "leaf.scalable-target.json" not in plan(leaf=variables({"desired_count": 3})).files()


def test_the_execution_role_has_what_suffices() -> None:
    policy = access.execution_policy(kind(), ACCOUNT)
    granted = {action: each["Resource"] for each in policy["Statement"] for action in each["Action"]}
    assert granted == {
        "logs:CreateLogStream": [f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/praxis/demo/leaf:*"],
        "logs:PutLogEvents": [f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/praxis/demo/leaf:*"],
        "ecr:GetAuthorizationToken": ["*"],
        "ecr:BatchGetImage": [f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/praxis"],
        "ecr:GetDownloadUrlForLayer": [f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/praxis"],
        "secretsmanager:GetSecretValue": [ARN],
    }


# -- what AWS makes of a definition


def answered(definition: dict[str, Any], seed: int) -> dict[str, Any]:
    """A definition as DescribeTaskDefinition answers it: in another order, with defaults and with what AWS adds."""
    chance = random.Random(seed)
    found = copy.deepcopy(definition)
    for container in found["containerDefinitions"]:
        for port in container["portMappings"]:
            port.setdefault("hostPort", port["containerPort"])
            port.setdefault("protocol", "tcp")
        for name in ("environment", "secrets", "portMappings"):
            chance.shuffle(container[name])
        container["linuxParameters"]["capabilities"]["add"] = []
        chance.shuffle(container["linuxParameters"]["tmpfs"])
        for each in container["linuxParameters"]["tmpfs"]:
            chance.shuffle(each["mountOptions"])
        container["logConfiguration"]["secretOptions"] = []
        container |= {"cpu": 0, "mountPoints": [], "volumesFrom": [], "systemControls": []}
    keys = list(found)
    chance.shuffle(keys)
    return {
        **{key: found[key] for key in keys},
        "taskDefinitionArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/praxis-demo-leaf:7",
        "revision": 7,
        "status": "ACTIVE",
        "volumes": [],
        "placementConstraints": [],
        "requiresAttributes": [{"name": "com.amazonaws.ecs.capability.task-iam-role"}],
        "compatibilities": ["EC2", "FARGATE"],
        "registeredAt": "2026-11-28",
        "registeredBy": f"arn:aws:iam::{ACCOUNT}:root",
        "enableFaultInjection": False,
    }


@given(st.integers(), st.dictionaries(st.from_regex(r"[A-Z]{1,8}", fullmatch=True), st.text(max_size=5), max_size=3))
def test_what_aws_answers_means_what_was_sent(seed: int, environment: dict[str, str]) -> None:
    definition = BASE | {"containerDefinitions": [with_environment(environment)]}
    assert same(definition, answered(definition, seed))


BASE = kind().definition(ROLE)


def with_environment(environment: dict[str, str]) -> dict[str, Any]:
    container = copy.deepcopy(BASE["containerDefinitions"][0])
    container["environment"] += [{"name": name, "value": value} for name, value in environment.items()]
    return dict(container)


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all plain values."""
    if isinstance(value, dict):
        return [found for key, each in value.items() for found in leaves(each, (*path, key))]
    if isinstance(value, list):
        return [found for index, each in enumerate(value) for found in leaves(each, (*path, index))]
    return [path]


def changed(definition: dict[str, Any], path: tuple[Any, ...]) -> dict[str, Any]:
    found = copy.deepcopy(definition)
    inner: Any = found
    for key in path[:-1]:
        inner = inner[key]
    value = inner[path[-1]]
    inner[path[-1]] = not value if isinstance(value, bool) else value + 1 if isinstance(value, int) else value + "x"
    return found


# In a network of its own a container's port is the host's, whatever the definition says of it.
MEANT = [path for path in leaves(BASE) if path[-1] != "hostPort"]


@pytest.mark.parametrize("path", MEANT, ids=lambda path: ".".join(map(str, path)))
def test_every_value_means_something(path: tuple[Any, ...]) -> None:
    assert not same(BASE, changed(BASE, path))


@given(st.permutations(range(4)))
def test_the_order_of_a_command_means_something(order: list[int]) -> None:
    other = copy.deepcopy(BASE)
    entry = BASE["containerDefinitions"][0]["entryPoint"]
    other["containerDefinitions"][0]["entryPoint"] = [entry[index] for index in order]
    assert same(BASE, other) == (other == BASE)


def test_an_empty_variable_is_not_the_same_as_none() -> None:
    assert normal(BASE | {"containerDefinitions": [with_environment({"EMPTY": ""})]}) != normal(BASE)


# -- what cannot be


Wrong = tuple[str, Callable[[], object]]
WRONG: list[Wrong] = [
    ("unknown-ecs-setting", lambda: kind({"subnet": ["subnet-0a0a0a0a"]})),
    ("bad-ecs-setting", lambda: kind({"bootstrap": []})),
    ("bad-ecs-setting", lambda: kind({"bootstrap": ["10.0.0.5:4001"]})),
    ("bad-ecs-setting", lambda: kind({"subnets": None})),
    ("bad-ecs-setting", lambda: kind({"desired_count": 2, "autoscaler": {"max": 3}})),
    ("bad-ecs-setting", lambda: kind({"autoscaler": {"min": 4, "max": 3}})),
    ("bad-ecs-setting", lambda: kind({"cpu": 300})),
    ("bad-ecs-setting", lambda: kind({"minimum_healthy_percent": 100, "maximum_percent": 100})),
    ("bad-ecs-setting", lambda: kind({"api_from": ["sg-0d0d0d0d"]})),
    ("bad-ecs-setting", lambda: kind({"security_groups": None, "api_from": ["999.0.0.0/8"]})),
    ("bad-ecs-setting", lambda: kind({"security_groups": None, "api_from": ["10.0.0.0/99"]})),
    ("bad-ecs-setting", lambda: kind({"security_groups": None, "api_from": [10]})),
    ("bad-ecs-setting", lambda: kind({"bootstrap": [BOOTSTRAP[0].replace("10.0.0.5", "10.0.0.500")]})),
    ("bad-ecs-setting", lambda: kind({"bootstrap": [BOOTSTRAP[0].replace("ip4", "ip6")]})),
    ("bad-ecs-setting", lambda: kind({"bootstrap": [BOOTSTRAP[0].replace("4001", "70000")]})),
    ("bad-ecs-setting", lambda: kind({"edges": 3})),
    ("bad-ecs-setting", lambda: kind({"edges": 2, "bootstrap": [BOOTSTRAP[0], BOOTSTRAP[0].replace("4001", "4002")]})),
    ("bad-ecs-setting", lambda: kind({"cpu": 256.0})),
    ("bad-ecs-setting", lambda: kind({"retention": 30.0})),
    ("fargate-size", lambda: kind(container={"memory": "700m"})),
    ("ecs-too-long", lambda: kind(container={"start_period": "6m"})),
    ("ecs-secret-store", lambda: kind(agent_secrets={"OPENAI_API_KEY": "gcp-sm://a-project/key?version=7"})),
    ("ecs-secret-key", lambda: kind(agent_secrets={"OPENAI_API_KEY": f"aws-sm://{ARN}#a:b?version={VERSION}"})),
    ("secret-value-rendered", lambda: kind(agent_secrets={"OPENAI_API_KEY": "planted"})),
    ("not-an-ecs-kind", lambda: kind(target="machines")),
    ("not-on-ecs", lambda: kind(docker_socket=True)),
    ("not-on-ecs", lambda: kind(slot="leaf-1")),
    ("not-on-ecs", lambda: kind(identity_store="aws-sm")),
    ("bad-ecs-setting", lambda: kind({"slots": 3})),
    ("bad-ecs-setting", lambda: kind({"identities": "aws-sm"})),
    ("task-definition-too-large", lambda: kind(agent_config={"agent": {"description": "x" * 66000}})),
    ("security-group-unknown", lambda: plan(rendered=True, leaf=variables({"security_groups": None}))),
    ("shared-name", lambda: plan(one=variables({"name": "leaf"}), two=variables({"name": "leaf"}))),
]


@pytest.mark.parametrize(("code", "made"), WRONG, ids=[f"{index}-{code}" for index, (code, _made) in enumerate(WRONG)])
def test_what_cannot_be_is_refused_by_name(code: str, made: Callable[[], object]) -> None:
    with pytest.raises(Failed) as raised:
        made()
    assert code in codes(raised.value)
    assert "planted" not in str(raised.value)


def test_sources_are_written_as_ec2_keeps_them() -> None:
    """It answers an address's network and the short form, so that any other text would be a change in each run."""
    given = ["10.0.0.5/8", "10.0.0.0/8", "192.0.2.7", "2001:0DB8::/32", "sg-0d0d0d0d", "pl-0d0d0d0d"]
    made = kind({"security_groups": None, "api_from": given})
    assert made.settings.api_from == ("10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32", "sg-0d0d0d0d", "pl-0d0d0d0d")


def test_a_machine_among_the_kinds_is_told_where_machines_belong() -> None:
    with pytest.raises(Failed) as raised:
        kind(target="machines")
    assert "in the group praxis alone" in raised.value.findings[0].fix
