# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Agents in Amazon ECS: deployments to the sandbox, where tasks are containers and services are an imitation.

The tests go in their order, each from what the one before has left.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from sandbox import docker
from sandbox.client import Client
from sandbox.site import Site

from . import seen
from .conftest import CHECKOUT, HOME, Cloud, Run
from .load import load

NAME, CLUSTER = "leaf", "praxis-praxis"
SERVICE = {"cluster": CLUSTER, "service": NAME}
SERVICE_LIST: dict[str, Any] = {"cluster": CLUSTER, "services": [NAME]}
#: A task that is loaded spares itself when this is there.
SPARED = "/tmp/spared"
#: An address of the sandbox's network that nobody has: what is sent there stays on the bridge.
NOBODY = "/ip4/%s/tcp/4001/p2p/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN"

#: The environment of the agent itself, and not of what has started it.
ENVIRONMENT = """for each in /proc/[0-9]*; do
  case "$(tr '\\0' ' ' < $each/cmdline)" in python*praxis_sdk.main*) cat $each/environ ;; esac
done"""


def locked(*operations: str) -> list[str]:
    """What a run writes that does these, alone."""
    return ["RegisterTaskDefinition", *operations, "DeregisterTaskDefinition"]


def extra(variables: dict[str, Any]) -> dict[str, Any]:
    """Extra variables, named without ``praxis_``."""
    found = {f"praxis_{name}": value for name, value in variables.items()}
    return {**found, "praxis_ecs_kind": {"timeout": 300, **found.pop("praxis_ecs_kind", {})}}


@dataclass
class Agents:
    """The fleet's agents in ECS."""

    cloud: Cloud
    subnets: str
    bootstrap: str
    vpc: str = ""

    def run(self, playbook: str, *arguments: str, expect: int | None = 0, **variables: Any) -> Run:
        """A root playbook on the inventory of ECS."""
        return self.cloud.run(playbook, *arguments, inventory="inventories/ecs", expect=expect,
                              environment=self.environment, variables=extra(variables))  # fmt: skip

    @contextmanager
    def begun(self, playbook: str, **variables: Any) -> Iterator[subprocess.Popen[bytes]]:
        """A root playbook that goes on meanwhile; at the end it is killed if it is there still, its workers are not."""
        command = [str(Path(sys.executable).with_name("ansible-playbook")), playbook, "-i", "inventories/ecs"]
        environment = self.cloud.environment | self.environment
        with subprocess.Popen([*command, "-e", json.dumps(extra(variables))], cwd=CHECKOUT, env=environment,
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              start_new_session=True) as run:  # fmt: skip
            try:
                yield run
            finally:
                if run.poll() is None:
                    os.killpg(run.pid, signal.SIGKILL)

    @property
    def environment(self) -> dict[str, str]:
        """What the inventory asks for."""
        return {"PRAXIS_SUBNETS": self.subnets, "PRAXIS_BOOTSTRAP": self.bootstrap}

    def client(self, service: str) -> Any:
        """The account as its owner sees it, or what scales the service."""
        return boto3.client(service, **self.cloud.administrator)  # type: ignore[call-overload]

    def written(self, mark: list[int]) -> list[str]:
        """The operations since then that changed anything."""
        return [each["operation"] for each in self.cloud.operations(mark) if each["mutating"]]

    def containers(self) -> list[str]:
        """The containers of its tasks."""
        return docker.named("container", Site(HOME.parent).key, "task")

    def left(self) -> list[str]:
        """All that its tasks have in the engine. A task's volumes go after its last container."""
        return [*self.containers(), *docker.named("volume", Site(HOME.parent).key, "task")]

    def revision(self) -> str:
        (service,) = self.client("ecs").describe_services(**SERVICE_LIST)["services"]
        return str(service["taskDefinition"]).rpartition("/")[2]


@pytest.fixture(scope="module")
def agents(cloud: Cloud) -> Agents:
    """Two subnets, and nobody at the other end of the bootstrap list."""
    ec2 = boto3.client("ec2", **cloud.administrator)
    addresses = Site(HOME.parent).addresses
    vpc = ec2.create_vpc(CidrBlock="10.99.0.0/16")["Vpc"]["VpcId"]
    zones = [zone["ZoneName"] for zone in ec2.describe_availability_zones()["AvailabilityZones"]][:2]
    made = [ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.99.{number}.0/24", AvailabilityZone=zone)["Subnet"]["SubnetId"]
            for number, zone in enumerate(zones)]  # fmt: skip
    return Agents(cloud, ",".join(made), NOBODY % addresses.at(250), vpc)


def test_check_mode_foresees_a_first_deployment_and_makes_nothing(agents: Agents) -> None:
    mark = agents.cloud.mark()
    predicted = agents.run("deploy.yml", "--check", "--diff")
    assert agents.written(mark) == [] and predicted.changed == {"leaf": 1}
    assert predicted.summary["plan"]["counts"]["create"] == 9
    done = agents.run("deploy.yml", plan_id=predicted.summary["plan_id"])
    assert done.summary["ok"] and done.changed == {"leaf": 1}
    (row,) = done.summary["services"]
    assert (row["running"], row["desired"], row["rollout"]) == (2, 2, "COMPLETED")
    assert len(agents.containers()) == 2


def test_a_task_is_what_its_definition_allows_and_has_its_secrets(agents: Agents) -> None:
    name = agents.containers()[0]
    found = docker.inspect("container", name)
    assert found is not None
    host = found["HostConfig"]
    assert (host["ReadonlyRootfs"], found["Config"]["User"]) == (True, "10001:10001")
    assert host["CapDrop"] == ["ALL"] and set(host["Tmpfs"]) == {"/tmp", "/app/configs", "/keys"}
    # The agent that runs: its file names it, and the variable that brought the file is gone.
    shown = docker.docker("exec", "--user", "10001:10001", name, "sh", "-c", ENVIRONMENT)
    names = {line.partition("=")[0] for line in shown.split("\0")}
    assert {"OPENAI_API_KEY", "PRAXIS_MASTER_KEY"} <= names and "PRAXISCLOUD_AGENT_FILE" not in names
    own = found["Config"]["Hostname"]
    assert f"name: {own}" in docker.docker("exec", "--user", "10001:10001", name, "cat", f"/app/configs/{own}.yaml")


def test_no_task_definition_holds_a_value(agents: Agents) -> None:
    value = agents.client("secretsmanager").get_secret_value(SecretId="praxis/praxis/agent")["SecretString"]
    definition = agents.client("ecs").describe_task_definition(taskDefinition=f"{CLUSTER}-{NAME}")["taskDefinition"]
    text = json.dumps(definition, default=str)
    values = [each for each in json.loads(value).values() if each]
    assert values and not [each for each in values if each in text]


def test_a_second_deployment_writes_nothing(agents: Agents) -> None:
    mark = agents.cloud.mark()
    again = agents.run("deploy.yml")
    assert again.summary["ok"] and not again.changed
    assert agents.written(mark) == []


def test_a_setting_makes_one_revision(agents: Agents) -> None:
    mark = agents.cloud.mark()
    changed = agents.run("deploy.yml", agent_config={"llm": {"timeout": 7}})
    assert changed.summary["services"][0]["revision"] == f"{CLUSTER}-{NAME}:2"
    assert agents.written(mark) == locked("RegisterTaskDefinition", "UpdateService", "TagResource")


def desired(agents: Agents, tasks: int) -> bool:
    """Whether the service is to have so many tasks, and has them."""
    (service,) = agents.client("ecs").describe_services(**SERVICE_LIST)["services"]
    return bool(service["desiredCount"] == service["runningCount"] == tasks)


def burn(container: str) -> None:
    """Have a task use a core, until :func:`spare` or for three minutes."""
    loop = f"until [ -e {SPARED} ]; do :; done"
    docker.docker("exec", "--detach", "--user", "10001:10001", container, "timeout", "180", "sh", "-c", loop)


def spare(container: str) -> None:
    docker.docker("exec", "--user", "10001:10001", container, "touch", SPARED)


@pytest.mark.repetition  # it is the sandbox's imitation that scales: tests/unit/ecs/test_scaling.py
def test_load_makes_more_tasks_and_its_end_fewer(agents: Agents) -> None:
    # A twentieth of a core: these tests have the machine's cores with others.
    scale = {"min": 2, "max": 3, "cpu": 20, "scale_in_cooldown": 5, "scale_out_cooldown": 5}
    given = {"agent_config": {"llm": {"timeout": 7}}, "ecs_kind": {"autoscaler": scale}}
    agents.run("deploy.yml", **given)
    loaded = agents.containers()
    assert len(loaded) == 2
    sandbox = Client(Site(HOME.parent))
    sandbox.scale_every(4)
    try:
        for each in loaded:
            burn(each)
        seen.wait_for("a third task", lambda: desired(agents, 3), deadline=120)
        mark = agents.cloud.mark()
        assert not agents.run("deploy.yml", **given).changed and agents.written(mark) == []
        (row,) = agents.run("status.yml", **given).summary["services"]
        assert (row["running"], row["desired"]) == (3, 3)
        for each in loaded:
            spare(each)
        seen.wait_for("two tasks", lambda: desired(agents, 2), deadline=240)
    finally:
        sandbox.scale_every(60)
    (service,) = agents.client("ecs").describe_services(**SERVICE_LIST)["services"]
    said = [each["message"] for each in service["events"] if "desired count" in each["message"]]
    assert "to 2: policy praxis-cpu" in said[0] and "to 3: policy praxis-cpu" in said[1]
    agents.run("deploy.yml", agent_config={"llm": {"timeout": 7}})


def test_what_the_autoscaler_wants_stays_and_its_limits_are_corrected(agents: Agents) -> None:
    agents.client("ecs").update_service(**SERVICE, desiredCount=4)
    target = {"ServiceNamespace": "ecs", "ResourceId": f"service/{CLUSTER}/{NAME}"}
    scaling = agents.client("application-autoscaling")
    scaling.register_scalable_target(**target, ScalableDimension="ecs:service:DesiredCount", MaxCapacity=5)
    done = agents.run("deploy.yml", agent_config={"llm": {"timeout": 8}})
    (row,) = done.summary["services"]
    assert (row["running"], row["desired"], row["scale"]) == (4, 4, {"min": 2, "max": 10})
    (named,) = [each for each in done.summary["findings"] if each["code"] == "scaling-edited"]
    assert "max is 5 and not 10" in named["what"]


@pytest.mark.repetition  # tests/unit/ecs plays it against an account in memory
def test_a_crashing_agent_is_rolled_back_and_named(agents: Agents) -> None:
    before = agents.revision()
    failed = agents.run("deploy.yml", expect=2, agent_environment={"STANDIN_FAIL": "crash"})
    found = {each["code"]: each["what"] for each in failed.summary["findings"]}
    assert set(found) >= {"rollout-failed", "service-events", "stopped-tasks", "log-end"}
    assert "Essential container in task exited" in found["stopped-tasks"]
    assert agents.revision() == before
    outcomes = [row["outcome"] for row in agents.run("history.yml").summary["deployments"]]
    assert outcomes == ["failed", "good", "good", "good"]


def test_a_rollback_goes_to_the_revision_before(agents: Agents) -> None:
    assert agents.run("verify.yml", agent_config={"llm": {"timeout": 8}}).summary["ok"]
    agents.run("rollback.yml")
    assert agents.revision() == f"{CLUSTER}-{NAME}:2"
    (row,) = agents.run("status.yml", agent_config={"llm": {"timeout": 7}}).summary["services"]
    assert (row["running"], row["desired"]) == (4, 4)


def test_a_secret_that_the_execution_role_may_not_read_keeps_tasks_from_starting(agents: Agents) -> None:
    role = f"{CLUSTER}-us-east-1-ecs-{NAME}"
    iam = agents.client("iam")
    document = iam.get_role_policy(RoleName=role, PolicyName="execution")["PolicyDocument"]
    kept = [each for each in document["Statement"] if "secretsmanager:GetSecretValue" not in each["Action"]]
    less = {**document, "Statement": kept}
    iam.put_role_policy(RoleName=role, PolicyName="execution", PolicyDocument=json.dumps(less))
    before = agents.containers()
    docker.remove_container(before[0])
    seen.wait_for("a task that may not start", lambda: "AccessDenied" in json.dumps(stopped(agents)), deadline=60)
    mark = agents.cloud.mark()
    done = agents.run("deploy.yml", agent_config={"llm": {"timeout": 7}})
    assert agents.written(mark) == locked("PutRolePolicy") and done.summary["ok"]


def test_a_run_whose_playbook_was_killed_stops_and_the_next_one_goes_on_with_it(agents: Agents) -> None:
    mark = agents.cloud.mark()
    with agents.begun("deploy.yml", agent_config={"llm": {"timeout": 10}}) as run:
        seen.wait_for("the service's update", lambda: "UpdateService" in agents.written(mark), deadline=120)
        assert run.poll() is None, "it waits for the end of its deployment"
    seen.wait_for("the worker's end", lambda: "DeregisterTaskDefinition" in agents.written(mark), deadline=60)
    # Its own lock, the agent's definition, and what says that it has stopped: nobody has judged the release.
    registered = ["RegisterTaskDefinition", "RegisterTaskDefinition", "UpdateService", "RegisterTaskDefinition"]
    assert agents.written(mark) == [*registered, "DeregisterTaskDefinition"]
    mark = agents.cloud.mark()
    done = agents.run("deploy.yml", agent_config={"llm": {"timeout": 10}})
    assert done.summary["ok"] and [each["code"] for each in done.summary["findings"]] == ["unfinished"]
    assert agents.written(mark).count("UpdateService") == 0 and "TagResource" in agents.written(mark)
    again = agents.run("deploy.yml", agent_config={"llm": {"timeout": 10}})
    assert again.summary["findings"] == [] and not again.changed


def stopped(agents: Agents) -> list[str]:
    """Why tasks have stopped."""
    ecs = agents.client("ecs")
    arns = ecs.list_tasks(cluster=CLUSTER, serviceName=NAME, desiredStatus="STOPPED")["taskArns"]
    return [each.get("stoppedReason", "") for each in ecs.describe_tasks(cluster=CLUSTER, tasks=arns)["tasks"]]


@pytest.fixture(scope="module")
def group(agents: Agents) -> Iterator[str]:
    """A load balancer with a target group of addresses, which nobody is in yet; gone when the file has ended."""
    elb, ec2 = agents.client("elbv2"), agents.client("ec2")
    front = ec2.create_security_group(GroupName="front", Description="front", VpcId=agents.vpc)["GroupId"]
    made = elb.create_target_group(
        Name="leaves", Protocol="HTTP", Port=8000, VpcId=agents.vpc, TargetType="ip", HealthCheckPath="/health",
        HealthCheckIntervalSeconds=5, HealthCheckTimeoutSeconds=2, HealthyThresholdCount=2)  # fmt: skip
    arn = str(made["TargetGroups"][0]["TargetGroupArn"])
    delay = {"Key": "deregistration_delay.timeout_seconds", "Value": "5"}
    elb.modify_target_group_attributes(TargetGroupArn=arn, Attributes=[delay])
    balancers = elb.create_load_balancer(Name="front", Subnets=agents.subnets.split(","), SecurityGroups=[front])
    balancer = balancers["LoadBalancers"][0]["LoadBalancerArn"]
    elb.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=80,
                        DefaultActions=[{"Type": "forward", "TargetGroupArn": arn}])  # fmt: skip
    yield arn
    elb.delete_load_balancer(LoadBalancerArn=balancer)
    elb.delete_target_group(TargetGroupArn=arn)


def healthy(agents: Agents, group: str) -> list[str]:
    """The addresses that get requests."""
    found = agents.client("elbv2").describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    return [each["Target"]["Id"] for each in found if each["TargetHealth"]["State"] == "healthy"]


def test_a_service_goes_behind_a_balancer(agents: Agents, group: str) -> None:
    agents.client("ecs").update_service(**SERVICE, desiredCount=2)
    done = agents.run("deploy.yml", target_group=group, agent_config={"llm": {"timeout": 7}})
    assert done.summary["ok"] and len(healthy(agents, group)) == 2
    mark = agents.cloud.mark()
    assert not agents.run("deploy.yml", target_group=group, agent_config={"llm": {"timeout": 7}}).changed
    assert agents.written(mark) == []


def test_a_change_loses_no_request(agents: Agents, group: str) -> None:
    before = healthy(agents, group)
    with load(agents.cloud) as counted:
        agents.run("deploy.yml", target_group=group, agent_config={"llm": {"timeout": 9}})
    after = healthy(agents, group)
    assert len(after) == 2 and not set(before) & set(after)
    assert counted.lost == {}, counted.when
    assert counted.sent > 200


def test_a_bad_release_behind_a_balancer_loses_no_request(agents: Agents, group: str) -> None:
    revision = agents.revision()
    with load(agents.cloud) as counted:
        failed = agents.run("deploy.yml", expect=2, target_group=group, agent_config={"llm": {"timeout": 9}},
                            agent_environment={"STANDIN_FAIL": "crash"})  # fmt: skip
    assert counted.lost == {}, counted.when
    assert counted.sent > 200
    found = {each["code"]: each["what"] for each in failed.summary["findings"]}
    assert set(found) >= {"rollout-failed", "service-events", "stopped-tasks", "log-end"}
    assert agents.revision() == revision
    assert len(healthy(agents, group)) == 2


@pytest.mark.repetition  # tests/unit/ecs plays it against an account in memory
def test_a_task_that_gets_no_requests_is_named(agents: Agents, group: str) -> None:
    taken = healthy(agents, group)[0]
    elb = agents.client("elbv2")
    elb.deregister_targets(TargetGroupArn=group, Targets=[{"Id": taken, "Port": 8000}])
    failed = agents.run("verify.yml", expect=2, target_group=group, agent_config={"llm": {"timeout": 9}})
    (found,) = [each["what"] for each in failed.summary["findings"] if each["code"] == "targets-unhealthy"]
    assert found.startswith("1 of 2 tasks get no requests") and taken in found
    elb.register_targets(TargetGroupArn=group, Targets=[{"Id": taken, "Port": 8000}])
    seen.wait_for("its return", lambda: len(healthy(agents, group)) == 2, deadline=60)
    assert agents.run("verify.yml", target_group=group, agent_config={"llm": {"timeout": 9}}).summary["ok"]


@pytest.mark.repetition  # tests/unit/ecs plays it against an account in memory
def test_limits_that_a_schedule_sets_are_kept_and_its_edits_corrected(agents: Agents, group: str) -> None:
    day = {"name": "day", "schedule": "cron(0 8 ? * MON-FRI *)", "timezone": "Europe/Berlin", "min": 4, "max": 20}
    kind = {"autoscaler": {"requests": 600, "schedules": [day]}}
    given = {"target_group": group, "agent_config": {"llm": {"timeout": 9}}, "ecs_kind": kind}
    mark = agents.cloud.mark()
    predicted = agents.run("deploy.yml", "--check", "--diff", **given)
    assert agents.written(mark) == []
    rows = [(row["action"], row["kind"]) for row in predicted.summary["plan"]["rows"]]
    assert rows == [("create", "scaling policy"), ("create", "scheduled action")]
    agents.run("deploy.yml", plan_id=predicted.summary["plan_id"], **given)
    assert agents.written(mark) == locked("PutScalingPolicy", "PutScheduledAction")
    scaling = agents.client("application-autoscaling")
    target = {"ServiceNamespace": "ecs", "ResourceId": f"service/{CLUSTER}/{NAME}",
              "ScalableDimension": "ecs:service:DesiredCount"}  # fmt: skip
    # What the schedule does at eight o'clock; and what somebody does to the schedule.
    scaling.register_scalable_target(**target, MinCapacity=4, MaxCapacity=20)
    assert not agents.run("deploy.yml", **given).changed
    action = {"MinCapacity": 1, "MaxCapacity": 20}
    scaling.put_scheduled_action(**target, ScheduledActionName="praxis-day", Schedule=day["schedule"],
                                 Timezone=day["timezone"], ScalableTargetAction=action)  # fmt: skip
    done = agents.run("deploy.yml", **given)
    (named,) = [each for each in done.summary["findings"] if each["code"] == "scaling-edited"]
    assert "scheduled action" in named["where"] and done.summary["services"][0]["scale"] == {"min": 4, "max": 20}


@pytest.mark.repetition  # tests/unit/ecs plays it against an account in memory
def test_of_two_deployments_at_the_same_time_one_acts_and_the_other_names_it(agents: Agents, group: str) -> None:
    mark = agents.cloud.mark()

    def deploy(seconds: int) -> Run:
        return agents.run("deploy.yml", expect=None, target_group=group, agent_config={"llm": {"timeout": seconds}})

    with ThreadPoolExecutor(2) as both:
        refused, done = sorted(both.map(deploy, (11, 12)), key=lambda run: -run.rc)
    assert (refused.rc, done.rc) == (2, 0)
    assert done.summary["services"][0]["revision"] == agents.revision()
    (named,) = refused.summary["findings"]
    assert named["code"] == "fleet-locked" and "is at work" in named["what"]
    assert agents.written(mark).count("UpdateService") == 1


#: A server of files beside the agent, out of the stand-in's image, which has Python and curl.
BESIDE: dict[str, Any] = {
    "name": "files", "image": "{{ praxis_image }}",
    "command": ["python", "-m", "http.server", "3002", "--bind", "127.0.0.1", "--directory", "/shared"],
    "secrets": {"TOKEN": "aws-sm://praxis/praxis/agent#OPENAI_API_KEY"},
    "volumes": [{"name": "shared", "target": "/shared", "agent": "/app/shared"}],
    "health": {"test": ["curl", "-fsS", "-m", "3", "http://127.0.0.1:3002/"]},
    "container": {"memory": "128m", "start_period": "5s"},
}  # fmt: skip
WITH_FILES: dict[str, Any] = {
    "ecs_kind": {"cpu": 512}, "container": {"memory": "512m"},
    "agent_environment": {"PRAXIS_SHARED_PATH": "/app/shared"},
    "agent_config": {"llm": {"timeout": 9}, "mcp": {
        "enabled": True, "auto_discovery": False,
        "external_endpoints": [{"name": "files", "url": "http://localhost:3002"}]}},
}  # fmt: skip


def test_services_are_containers_of_the_same_task(agents: Agents, group: str) -> None:
    given = {"target_group": group, **WITH_FILES, "services": [BESIDE]}
    done = agents.run("deploy.yml", **given)
    assert done.summary["ok"] and len(healthy(agents, group)) == 2
    mark = agents.cloud.mark()
    assert not agents.run("deploy.yml", **given).changed and agents.written(mark) == []
    beside = [name for name in agents.containers() if name.endswith("-files")]
    assert len(beside) == 2
    found = docker.inspect("container", beside[0])
    assert found is not None
    host = found["HostConfig"]
    assert (host["ReadonlyRootfs"], found["Config"]["User"], host["CapDrop"]) == (True, "10001:10001", ["ALL"])
    assert host["Memory"] == 128 * 1024 * 1024
    # The agent and the server have one network and one directory, which neither could write to as it was made.
    agent = beside[0].removesuffix("-files")
    docker.docker("exec", agent, "sh", "-c", "echo shared > /app/shared/seen")
    assert docker.docker("exec", agent, "curl", "-fsS", "http://localhost:3002/seen") == "shared"
    environment = docker.docker("exec", beside[0], "sh", "-c", "cat /proc/1/environ | tr '\\0' '\\n'")
    assert [line for line in environment.splitlines() if line.startswith("TOKEN=")]
    assert "TOKEN" not in docker.docker("exec", agent, "env")


def test_a_service_that_ends_takes_its_task_with_it_and_a_bad_one_is_rolled_back(agents: Agents, group: str) -> None:
    given = {"target_group": group, **WITH_FILES}
    before, revision = [name for name in agents.containers() if name.endswith("-files")], agents.revision()
    docker.docker("kill", before[0])
    seen.wait_for("another task in its place", lambda: replaced(agents, before), deadline=120)
    crashing = {**BESIDE, "command": ["sh", "-c", "echo these are the last words; exit 3"]}
    failed = agents.run("deploy.yml", expect=2, services=[crashing], **given)
    found = {each["code"]: each["what"] for each in failed.summary["findings"]}
    assert set(found) >= {"rollout-failed", "stopped-tasks", "log-end"}
    assert "files ended with 3" in found["stopped-tasks"] and "these are the last words" in found["log-end"]
    assert agents.revision() == revision


def replaced(agents: Agents, before: list[str]) -> bool:
    """Whether there are two tasks again, of which one is new."""
    now = [name for name in agents.containers() if name.endswith("-files")]
    return len(now) == 2 and before[0] not in now


def test_a_removal_leaves_nothing(agents: Agents) -> None:
    assert "praxis_confirm_down" in agents.run("down.yml", expect=2).output
    agents.run("down.yml", confirm_down="praxis")
    assert agents.client("logs").describe_log_groups(logGroupNamePrefix="/praxis/praxis")["logGroups"] == []
    found = agents.client("ecs").describe_clusters(clusters=[CLUSTER])["clusters"]
    assert [each for each in found if each["status"] == "ACTIVE"] == []
    seen.wait_for("the end of the tasks", lambda: not agents.left(), deadline=60)
    again = agents.run("down.yml", "--check", confirm_down="praxis")
    assert not again.changed
