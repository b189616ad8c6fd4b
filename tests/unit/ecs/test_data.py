# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Data of tasks on Amazon EFS: rendered, held to the SDK's model, deployed to moto. No file system is mounted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.validate import validate_parameters

from ansible_collections.praxis.cloud.plugins.module_utils.ecs import resources
from ansible_collections.praxis.cloud.plugins.module_utils.ecs.meaning import same
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from tests.unit.ecs.conftest import Account
from tests.unit.ecs.made import ACCOUNT, REGION, ROLE, codes, kind, plan, variables
from tests.unit.ecs.test_task_definition import changed, leaves, shape

SYSTEM, POINT = "fs-0a1b2c3d4e5f60718", "fsap-0f1e2d3c4b5a69788"
DATA = {"file_system": SYSTEM, "access_point": POINT}
TASK_ROLE = f"arn:aws:iam::{ACCOUNT}:role/tasks"
PLACE = f"arn:aws:elasticfilesystem:{REGION}:{ACCOUNT}"


def definition(**values: Any) -> dict[str, Any]:
    return kind({"task_role": TASK_ROLE}, data=DATA, **values).definition(ROLE)


def test_the_agent_has_a_directory_of_the_file_system() -> None:
    made = definition()
    validate_parameters(made, shape("ecs", "RegisterTaskDefinition"))
    (volume,) = made["volumes"]
    assert volume["efsVolumeConfiguration"] == {
        "fileSystemId": SYSTEM,
        "rootDirectory": "/",
        "transitEncryption": "ENABLED",
        "authorizationConfig": {"accessPointId": POINT, "iam": "ENABLED"},
    }
    (agent,) = made["containerDefinitions"]
    assert agent["mountPoints"] == [{"sourceVolume": volume["name"], "containerPath": "/data", "readOnly": False}]
    assert {"name": "PRAXIS_SHARED_PATH", "value": "/data/shared"} in agent["environment"]
    assert made["taskRoleArn"] == TASK_ROLE


def test_arns_are_taken_for_ids() -> None:
    arns = {"file_system": f"{PLACE}:file-system/{SYSTEM}", "access_point": f"{PLACE}:access-point/{POINT}"}
    assert same(definition(), kind({"task_role": TASK_ROLE}, data=arns).definition(ROLE))


@pytest.mark.parametrize("path", leaves(definition()["volumes"]), ids=lambda path: ".".join(map(str, path)))
def test_every_value_of_the_volume_means_something(path: tuple[Any, ...]) -> None:
    assert not same(definition(), changed(definition(), ("volumes", *path)))


def test_what_aws_adds_to_a_volume_means_nothing() -> None:
    answered = definition()
    answered["volumes"][0] |= {"host": None, "dockerVolumeConfiguration": None}
    answered["volumes"][0]["efsVolumeConfiguration"]["transitEncryptionPort"] = None
    assert same(definition(), answered)


WRONG: list[tuple[str, dict[str, Any]]] = [
    ("path", {"path": "/srv/praxis"}),
    ("size", {"size": 20}),
    ("no access point", {"file_system": SYSTEM}),
    ("no file system", {"access_point": POINT}),
    ("a name", {"file_system": "shared", "access_point": POINT}),
    ("the other's", {"file_system": POINT, "access_point": SYSTEM}),
]


@pytest.mark.parametrize("given", [each for _name, each in WRONG], ids=[name for name, _each in WRONG])
def test_what_is_no_file_system_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(Failed) as raised:
        kind({"task_role": TASK_ROLE}, data=given)
    assert set(codes(raised.value)) == {"bad-data"}


def test_a_volume_of_a_service_is_never_where_the_data_is() -> None:
    service = {"name": "cache", "image": "a/b@sha256:" + "7" * 64,
               "volumes": [{"name": "v", "target": "/v", "agent": "/data/v"}]}  # fmt: skip
    with pytest.raises(Failed) as raised:
        kind({"task_role": TASK_ROLE, "cpu": 512}, data=DATA, services=[service])
    assert codes(raised.value) == ["bad-service"]


@pytest.mark.slow
def test_tasks_are_given_a_role_for_that_directory_and_nothing_else(account: Account) -> None:
    changes, found = account.deploy(data=DATA)
    assert found == [] and changes.count("CreateRole") == 2 and changes.count("PutRolePolicy") == 2
    assert account.deploy(data=DATA) == ([], [])
    role = f"praxis-demo-{REGION}-ecs-leaf.data"
    iam, ecs = account.cloud.client("iam"), account.cloud.client("ecs")
    policy = iam.get_role_policy(RoleName=role, PolicyName="data")["PolicyDocument"]
    (statement,) = policy["Statement"]
    assert statement["Action"] == ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"]
    assert statement["Resource"] == [f"{PLACE}:file-system/{SYSTEM}"]
    through = {"elasticfilesystem:AccessPointArn": f"{PLACE}:access-point/{POINT}"}
    assert statement["Condition"] == {"StringEquals": through}
    there = ecs.describe_task_definition(taskDefinition="praxis-demo-leaf")["taskDefinition"]
    assert there["taskRoleArn"] == f"arn:aws:iam::{ACCOUNT}:role/{role}"
    fleet = account.fleet(data=DATA)
    fleet.gone()
    fleet.remove()
    assert iam.list_roles()["Roles"] == []


@pytest.mark.slow
def test_a_role_of_yours_is_left_as_it_is(account: Account) -> None:
    changes, found = account.deploy({"task_role": TASK_ROLE}, data=DATA)
    assert found == [] and changes.count("CreateRole") == 1


def test_rendering_writes_the_policy_of_the_tasks_role() -> None:
    files = plan(rendered=True, leaf=variables({"task_role": TASK_ROLE}, data=DATA)).files()
    assert "leaf.task-role-policy.json" not in files
    given = variables({"task_role": TASK_ROLE}, data=DATA)
    assert json.loads(files["leaf.task-definition.json"])["volumes"] and given


@pytest.mark.slow
def test_each_of_two_kinds_has_a_policy_of_its_own(account: Account) -> None:
    planned = plan(one=account.variables(slot="one"), two=account.variables(slot="two"))
    fleet = account.fleet().__class__(
        planned.aws, planned.name, planned.kinds, planned.definition, planned.account, planned.partition, account.poll()
    )
    fleet.observe()
    fleet.apply()
    iam = account.cloud.client("iam")
    for name in ("one", "two"):
        role = f"praxis-demo-{REGION}-ecs-{name}"
        document = json.dumps(iam.get_role_policy(RoleName=role, PolicyName="execution")["PolicyDocument"])
        assert f"/praxis/demo/{name}:" in document


def test_a_removal_asks_for_no_role_that_cannot_be() -> None:
    """AWS refuses a question for a name of more than 64 characters."""
    name = "l" * 33
    roles = [each.name for each in resources.removed([kind({"name": name})]) if each.kind == "role"]
    assert roles == [f"praxis-demo-{REGION}-ecs-{name}"]
