# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services beside the agent as containers of its task, and what ECS does not have of them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from botocore.validate import validate_parameters

from ansible_collections.praxis.cloud.plugins.module_utils.ecs import access, rollout
from ansible_collections.praxis.cloud.plugins.module_utils.ecs.meaning import differences, same
from ansible_collections.praxis.cloud.plugins.module_utils.finding import WARNING, Failed
from tests.unit.ecs.conftest import Account
from tests.unit.ecs.made import ACCOUNT, ARN, IMAGE, REGION, ROLE, VERSION, codes, kind, plan, variables
from tests.unit.ecs.test_task_definition import answered, changed, leaves, shape

TOOLS = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/tools@sha256:" + "7" * 64
FILES: dict[str, Any] = {
    "name": "files",
    "image": TOOLS,
    "command": ["python3", "/tools/server.py"],
    "environment": {"ROOT": "/shared", "PORT": "3002"},
    "secrets": {"TOKEN": f"aws-sm://{ARN}#TOKEN?version={VERSION}"},
    "volumes": [{"name": "shared", "target": "/shared", "agent": "/app/shared"}],
    "health": {"test": ["curl", "-fsS", "http://127.0.0.1:3002/health"]},
    "container": {"memory": "128m", "start_period": "10s"},
}
CACHE = {"name": "cache", "image": TOOLS, "args": ["--quiet"], "container": {"memory": "64m"}}


def services(*entries: dict[str, Any], ecs: dict[str, Any] | None = None, **values: Any) -> Any:
    return kind({"cpu": 512, **(ecs or {})}, services=list(entries), container={"memory": "512m"}, **values)


def containers(definition: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in definition["containerDefinitions"]}


def test_a_service_is_a_container_of_the_task_as_hard_as_the_agent() -> None:
    definition = services(FILES, CACHE).definition(ROLE)
    validate_parameters(definition, shape("ecs", "RegisterTaskDefinition"))
    found = containers(definition)
    assert list(found) == ["agent", "cache", "files", "volume_owner"]
    files = found["files"]
    assert files["user"] == "10001:10001" and files["readonlyRootFilesystem"] is True and files["essential"] is True
    assert files["linuxParameters"]["capabilities"] == {"drop": ["ALL"]}
    assert [each["containerPath"] for each in files["linuxParameters"]["tmpfs"]] == ["/tmp"]
    assert files["secrets"] == [{"name": "TOKEN", "valueFrom": f"{ARN}:TOKEN::{VERSION}"}]
    assert files["entryPoint"] == ["python3", "/tools/server.py"] and "command" not in files
    assert "entryPoint" not in found["cache"] and found["cache"]["command"] == ["--quiet"]
    assert files["healthCheck"]["command"] == ["CMD", "curl", "-fsS", "http://127.0.0.1:3002/health"]
    assert files["healthCheck"]["startPeriod"] == 10
    assert "portMappings" not in files


def test_the_agent_waits_for_its_services() -> None:
    agent = containers(services(FILES, CACHE).definition(ROLE))["agent"]
    waits = {each["containerName"]: each["condition"] for each in agent["dependsOn"]}
    assert waits == {"files": "HEALTHY", "cache": "START", "volume_owner": "SUCCESS"}


def test_a_volume_is_of_the_task_and_of_the_containers_user() -> None:
    definition = services(FILES, CACHE).definition(ROLE)
    found = containers(definition)
    assert definition["volumes"] == [{"name": "shared"}]
    assert found["files"]["mountPoints"] == [
        {"sourceVolume": "shared", "containerPath": "/shared", "readOnly": False}
    ]
    assert found["agent"]["mountPoints"][0]["containerPath"] == "/app/shared"
    owner = found["volume_owner"]
    assert owner["essential"] is False and owner["image"] == IMAGE and owner["readonlyRootFilesystem"] is True
    assert "ALL" not in owner["linuxParameters"]["capabilities"]["drop"]
    assert "CHOWN" not in owner["linuxParameters"]["capabilities"]["drop"]
    assert {"SETUID", "NET_RAW", "DAC_OVERRIDE"} <= set(owner["linuxParameters"]["capabilities"]["drop"])
    assert "environment" not in owner and "secrets" not in owner


def test_the_owner_gives_volumes_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = containers(services(FILES).definition(ROLE))["volume_owner"]
    _python, *words = owner["entryPoint"]
    (tmp_path / "sitecustomize.py").write_text("import os\nos.chown = lambda *given: print(*given)\n")
    done = subprocess.run([sys.executable, *words, *owner["command"]], capture_output=True, text=True, check=True,
                          env={"PYTHONPATH": str(tmp_path)})  # fmt: skip
    assert done.stdout == "/volumes/shared 10001 10001\n"


def test_without_volumes_nothing_gives_any_away() -> None:
    definition = services(CACHE).definition(ROLE)
    assert list(containers(definition)) == ["agent", "cache"] and "volumes" not in definition


def test_a_task_holds_all_its_containers() -> None:
    # 512 + 128 + 64 MiB: the next size that Fargate has for 512 units.
    definition = services(FILES, CACHE).definition(ROLE)
    assert definition["memory"] == "1024"
    found = containers(definition)
    assert [found[name]["memory"] for name in ("agent", "files", "cache")] == [512, 128, 64]
    assert "memory" not in containers(kind().definition(ROLE))["agent"]
    with pytest.raises(Failed) as raised:
        services({**CACHE, "container": {"memory": "4g"}})
    assert codes(raised.value) == ["fargate-size"]


def test_the_execution_role_reaches_what_all_containers_need() -> None:
    other = f"{ARN[:-6]}-c3D4e5"
    made = services({**FILES, "secrets": {"TOKEN": f"aws-sm://{other}#TOKEN?version={VERSION}"}})
    granted = {
        action: each["Resource"]
        for each in access.execution_policy(made, ACCOUNT)["Statement"]
        for action in each["Action"]
    }
    assert granted["secretsmanager:GetSecretValue"] == sorted([ARN, other])
    assert granted["ecr:BatchGetImage"] == [
        f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{name}" for name in ("praxis", "tools")
    ]


def test_what_aws_answers_of_several_containers_means_what_was_sent() -> None:
    definition = services(FILES, CACHE).definition(ROLE)
    for container in definition["containerDefinitions"]:
        container.setdefault("portMappings", [])
        container["linuxParameters"].setdefault("tmpfs", [])
        for name in ("environment", "secrets"):
            container.setdefault(name, [])
    back = answered(definition, 1)
    for each, sent in zip(back["containerDefinitions"], definition["containerDefinitions"], strict=True):
        each["mountPoints"] = sent.get("mountPoints", [])
    back["containerDefinitions"].reverse()
    back["volumes"] = [{"name": "shared", "host": {}}]
    assert same(definition, back)


BASE = services(FILES, CACHE).definition(ROLE)


@pytest.mark.parametrize(
    "path",
    [path for path in leaves(BASE) if path[0] in ("volumes", "containerDefinitions") and path[-1] != "hostPort"],
    ids=lambda path: ".".join(map(str, path)),
)
def test_every_value_of_several_containers_means_something(path: tuple[Any, ...]) -> None:
    assert not same(BASE, changed(BASE, path))


def test_a_diff_names_the_service_and_the_setting() -> None:
    after = services({**FILES, "environment": {"ROOT": "/shared", "PORT": "3003"}}, CACHE).definition(ROLE)
    assert differences(BASE, after) == [("files.environment.PORT", "3002", "3003")]


# -- what ECS has not


def endpoint(url: str) -> dict[str, Any]:
    return {"mcp": {"enabled": True, "auto_discovery": False, "external_endpoints": [{"name": "files", "url": url}]}}


REFUSED = [
    ("praxis_services[files].files", {"files": [{"target": "/a", "content": "x"}]}, {}),
    ("praxis_services[files].extra_hosts", {"extra_hosts": {"db": "10.0.0.9"}}, {}),
    ("praxis_services[files].ports", {"ports": [{"published": 3002}]}, {}),
    ("praxis_services[files].health.retries", {"health": {"test": "true", "retries": 11}}, {}),
    ("praxis_services[files].health.interval", {"health": {"test": "true", "interval": "2s"}}, {}),
    ("praxis_services[files].container.start_period", {"container": {"start_period": "6m"}}, {}),
    ("praxis_services[files].container.stop_grace", {"container": {"stop_grace": "3m"}}, {}),
    ("praxis_services[files]", {}, {"agent_config": endpoint("http://files:3002")}),
]


@pytest.mark.parametrize(("where", "entry", "values"), REFUSED, ids=[each[0] for each in REFUSED])
def test_what_ecs_has_not_is_refused_and_the_setting_named(
    where: str, entry: dict[str, Any], values: dict[str, Any]
) -> None:
    with pytest.raises(Failed) as raised:
        services({**FILES, **entry}, **values)
    assert set(codes(raised.value)) <= {"not-on-ecs", "ecs-too-long"}
    assert where in {finding.where for finding in raised.value.findings}


def test_an_endpoint_names_a_service_at_localhost() -> None:
    made = services(FILES, agent_config=endpoint("http://localhost:3002"))
    assert "http://localhost:3002" in made.document
    with pytest.raises(Failed) as raised:
        services(FILES, agent_config=endpoint("http://files:3002"))
    (finding,) = raised.value.findings
    assert "Write http://localhost:3002" in finding.fix


def test_limits_that_ecs_has_not_are_warned_of() -> None:
    planned = plan(leaf=variables({"cpu": 512}, services=[{**CACHE, "container": {"memory": "64m", "pids": 9}}]))
    (warning,) = [each for each in planned.warnings if each.where.startswith("praxis_services")]
    assert (warning.where, warning.level) == ("praxis_services[cache].container.pids", WARNING)


def test_a_value_of_a_services_secret_is_refused_and_not_shown() -> None:
    with pytest.raises(Failed) as raised:
        services({**FILES, "secrets": {"TOKEN": "planted-value"}})
    assert codes(raised.value) == ["secret-value-rendered"] and "planted" not in str(raised.value)
    assert "praxis_services[files].secrets.TOKEN" in raised.value.findings[0].what


# -- registries with a login

LOGIN = f"{ARN[:-6]}-e5F6a7"
PRIVATE = "registry.example.org/tools@sha256:" + "8" * 64


def entry(**given: Any) -> dict[str, Any]:
    known = {"username": f"aws-sm://{LOGIN}#username", "password": f"aws-sm://{LOGIN}#password"}
    return {"server": "registry.example.org", **known, **given}


def test_a_login_is_a_secret_that_ecs_fetches() -> None:
    made = services({**CACHE, "image": PRIVATE}, registries=[entry()])
    definition = made.definition(ROLE)
    validate_parameters(definition, shape("ecs", "RegisterTaskDefinition"))
    found = containers(definition)
    assert found["cache"]["repositoryCredentials"] == {"credentialsParameter": LOGIN}
    assert "repositoryCredentials" not in found["agent"]
    (held,) = [
        each["Resource"]
        for each in access.execution_policy(made, ACCOUNT)["Statement"]
        if "secretsmanager:GetSecretValue" in each["Action"]
    ]
    assert held == sorted([ARN, LOGIN])
    agent = containers(kind(image=PRIVATE, registries=[entry()]).definition(ROLE))["agent"]
    assert agent["repositoryCredentials"] == {"credentialsParameter": LOGIN}


@pytest.mark.parametrize(
    "given",
    [
        {"password": "planted-password"},
        {"password": f"aws-sm://{ARN}#password"},
        {"password": f"aws-sm://{LOGIN}#token"},
        {"username": f"aws-sm://{LOGIN}#username?version={VERSION}", "password": f"aws-sm://{LOGIN}#password?version={VERSION}"},
        {"ca": "/dev/null"},
    ],
    ids=lambda given: next(iter(given)),
)  # fmt: skip
def test_a_login_that_ecs_cannot_use_is_refused_with_a_reason(given: dict[str, Any]) -> None:
    with pytest.raises(Failed) as raised:
        services({**CACHE, "image": PRIVATE}, registries=[entry(**given)])
    found = [each for each in raised.value.findings if each.where == "praxis_registries[registry.example.org]"]
    assert [each.code for each in found] == ["not-on-ecs"] and "planted" not in str(raised.value)


# -- in an account


@pytest.mark.slow
def test_a_service_changed_is_one_revision_and_the_second_run_writes_nothing(account: Account) -> None:
    given = {"container": {"memory": "512m"}}
    one = [{**FILES, "secrets": {"TOKEN": "aws-sm://llm#openai"}}]
    assert account.deploy({"cpu": 512}, services=one, **given)[1] == []
    assert account.deploy({"cpu": 512}, services=one, **given) == ([], [])
    two = [{**one[0], "environment": {"ROOT": "/shared", "PORT": "3003"}}]
    changes, found = account.deploy({"cpu": 512}, services=two, **given)
    assert (changes, found) == (["RegisterTaskDefinition", "UpdateService", "TagResource"], [])
    ecs = account.cloud.client("ecs")
    text = json.dumps(ecs.describe_task_definition(taskDefinition="praxis-demo-leaf")["taskDefinition"], default=str)
    assert "planted-openai" not in text and ":openai::" in text


def test_the_log_of_the_container_that_failed_is_read_first() -> None:
    task = {"containers": [{"name": "agent", "exitCode": 143}, {"name": "files", "exitCode": 3}, {"name": "cache"}]}
    assert rollout.ended_badly(task, "agent") == ["files", "agent"]
    assert rollout.ended_badly({"containers": [{"name": "agent", "exitCode": 1}]}, "agent") == ["agent"]
