# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks of Amazon ECS are containers on the sandbox's network: started with what their definition allows, with secrets
fetched under their execution role's policies, and with their log in CloudWatch's when they end.

A task's image is pulled without login from the registry's loopback port, and its host name is its own: of what its
execution role may do, secrets and the log are held to its policies, the image is not. Of a task of several containers,
all are started, each when what it depends on is as it is to be; they have one network, which a further container holds,
as ECS's does, and volumes that go with the task. A container that is not essential may end. File systems of Amazon EFS
are not imitated, nor is a login by ``repositoryCredentials``.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from typing import Any

from moto.iam.models import iam_backends
from moto.logs.models import logs_backends
from moto.secretsmanager.models import secretsmanager_backends

from sandbox import docker
from sandbox.aws import ecs_container, policy
from sandbox.aws.cloud import Cloud
from sandbox.aws.ecs_records import HEALTHY, PENDING, RUNNING, STOPPED, UNHEALTHY, UNKNOWN, Service, Task
from sandbox.aws.ecs_usage import Meter
from sandbox.docker import DockerError
from sandbox.site import ACCOUNT, REGION

ROLE = "task"
AGENT = "agent"
LINES = 200
"""So many last lines of a task's output are its log."""


class TaskError(Exception):
    """Why a task cannot begin, in ECS's words."""


class Containers:
    """Runs tasks on this machine's engine."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._definitions: dict[str, dict[str, Any]] = {}
        self._begun: set[str] = set()
        self._meter = Meter()

    def start(self, task: Task, definition: dict[str, Any]) -> None:
        """Order its containers; what cannot be had ends it."""
        self._definitions[task.ident] = definition
        try:
            secrets = {each["name"]: self._secrets(definition, each) for each in definition["containerDefinitions"]}
            if [each for each in definition.get("volumes") or () if each.get("efsVolumeConfiguration")]:
                raise TaskError("this imitation of ECS has no file systems of Amazon EFS")
        except TaskError as error:
            task.end(f"ResourceInitializationError: unable to pull secrets or registry auth: {error}")
            return
        self._cloud.order(task.ident, lambda: self._create(task, definition, secrets))

    def observe(self, task: Task) -> None:
        """What the engine says of it, and the start of what no longer has to wait."""
        containers = self._definitions[task.ident]["containerDefinitions"]
        found = {each["name"]: docker.inspect("container", self._name(task, each["name"])) for each in containers}
        essential = [each["name"] for each in containers if each.get("essential", True)]
        if task.status == RUNNING and [name for name in essential if found[name] is None]:
            task.end("Task was removed from outside")
            self._cloud.order(task.ident, lambda: self._clear(task))
        there = {name: each for name, each in found.items() if each is not None}
        if task.status == STOPPED or len(there) < len(found):
            return
        states = {name: each["State"] for name, each in there.items()}
        task.containers = [_answered(name, state) for name, state in states.items()]
        ended = [name for name in essential if states[name]["Status"] in ("exited", "dead")]
        never = [each["name"] for each in containers if ecs_container.waits(each, states) == "never"]
        if ended or never:
            self._keep_log(task)
            first = (ended or never)[0]
            state = states[first]
            reason = "OutOfMemoryError: Container killed due to memory usage" if state.get("OOMKilled") else ""
            task.containers = [{**each, "reason": reason} if reason and each["name"] == first else each
                               for each in task.containers]  # fmt: skip
            why = "Essential container in task exited" if ended else f"A dependency of {never[0]} has failed"
            task.end(why, int(state["ExitCode"]), reason)
            self._clear(task)
            return
        for each in containers:
            name = self._name(task, each["name"])
            waiting = states[each["name"]]["Status"] == "created" and name not in self._begun
            if waiting and not ecs_container.waits(each, states):
                self._begun.add(name)
                self._cloud.order(task.ident, lambda name=name: self._begin(task, name))  # type: ignore[misc]
        if [state for state in states.values() if state["Status"] == "created"]:
            return
        holder = docker.inspect("container", self._holder(task)) if len(containers) > 1 else there[essential[0]]
        networks = holder["NetworkSettings"]["Networks"] if holder else {}
        task.address = str((networks.get(self._cloud.site.network) or {}).get("IPAddress", ""))
        task.status = RUNNING
        task.health = _health([states[name] for name in essential], task.health)

    def usage(self, service: Service) -> dict[str, float]:
        """What its running tasks use of their CPU and memory, in percent, on the average since the last look."""
        found = [(task, self._definitions[task.ident]) for task in service.living() if task.status == RUNNING]
        return self._meter.measured(
            ([self._name(task, each["name"]) for each in definition["containerDefinitions"]], definition)
            for task, definition in found
        )

    def stop(self, task: Task) -> None:
        """Stop its containers in the background; their log is kept first."""
        self._cloud.order(task.ident, lambda: self._stop(task))

    def _name(self, task: Task, container: str = AGENT) -> str:
        suffix = "" if container == AGENT else f"-{container}"
        return self._cloud.site.container(f"task-{task.ident}{suffix}")

    def _holder(self, task: Task) -> str:
        """The container that has the network of a task of several."""
        return self._name(task, "network_holder")

    def _volumes(self, task: Task) -> dict[str, str]:
        """The volumes of a task as the engine calls them, by their names in its definition."""
        volumes = self._definitions[task.ident].get("volumes") or ()
        return {each["name"]: self._name(task, f"volume-{each['name']}") for each in volumes}

    def _create(self, task: Task, definition: dict[str, Any], secrets: dict[str, dict[str, str]]) -> None:
        """Make everything of it; :meth:`observe` starts the containers."""
        site, containers = self._cloud.site, definition["containerDefinitions"]
        place = ["--network", site.network, "--hostname", f"task-{task.ident[:12]}"]
        try:
            for name in self._volumes(task).values():
                docker.docker("volume", "create", *site.labels(ROLE), name)
            if len(containers) > 1:
                holder = self._holder(task)
                docker.docker("run", "--detach", "--init", "--name", holder, *site.labels(ROLE), *place, "--entrypoint",
                              "sleep", self._image(containers[0]), "infinity", timeout=300)  # fmt: skip
                place = ["--network", f"container:{holder}"]
            for each in containers:
                self._create_one(task, each, secrets[each["name"]], place)
        except DockerError as error:
            task.end(f"CannotPullContainerError: {error}"[:1000])
            self._clear(task)

    def _image(self, container: dict[str, Any]) -> str:
        return ecs_container.image(container, self._cloud.site.registry_name, self._cloud.registry.push)

    def _create_one(
        self, task: Task, container: dict[str, Any], secrets: dict[str, str], place: list[str]
    ) -> None:
        environment = {each["name"]: each["value"] for each in container.get("environment") or ()}
        environment.update(secrets)
        options = ["--name", self._name(task, container["name"]), *self._cloud.site.labels(ROLE), *place]
        options += [word for key in environment for word in ("--env", key)]  # a value is in no argument
        options += ecs_container.mounts(container, self._volumes(task))
        # The client takes an image by digest for one that it has, and asks the registry else.
        command = ["docker", "create", *options, *ecs_container.limits(container),
                   *ecs_container.program(container, self._image(container))]  # fmt: skip
        kept = {key: os.environ[key] for key in ("PATH", "HOME", "DOCKER_HOST") if key in os.environ}
        # The client itself would read these.
        inside = {key: value for key, value in environment.items() if key not in kept}
        done = subprocess.run(
            command, env={**inside, **kept}, stdin=subprocess.DEVNULL, capture_output=True, timeout=300, check=False
        )
        if done.returncode:
            raise DockerError(done.stderr.decode(errors="replace").strip())

    def _begin(self, task: Task, name: str) -> None:
        try:
            docker.docker("start", name)
        except DockerError as error:
            if task.status == STOPPED:
                return
            task.end(f"CannotStartContainerError: {error}"[:1000])
            self._clear(task)

    def _stop(self, task: Task) -> None:
        """In the opposite order of the starts: what others depend on goes last."""
        for each in self._definitions[task.ident]["containerDefinitions"]:
            name = self._name(task, each["name"])
            if docker.inspect("container", name):
                seconds = str(each.get("stopTimeout") or ecs_container.STOP)
                docker.docker("stop", "--time", seconds, name, timeout=200)
        with self._cloud.changes:
            self._keep_log(task)
        self._clear(task)

    def _clear(self, task: Task) -> None:
        """Remove everything of it."""
        for each in self._definitions[task.ident]["containerDefinitions"]:
            docker.remove_container(self._name(task, each["name"]))
        docker.remove_container(self._holder(task))
        for name in self._volumes(task).values():
            if docker.inspect("volume", name):
                docker.docker("volume", "rm", name)

    def _keep_log(self, task: Task) -> None:
        """The end of its containers' output, where awslogs puts it."""
        definition = self._definitions[task.ident]
        for each in definition["containerDefinitions"]:
            if docker.inspect("container", self._name(task, each["name"])):
                self._keep_log_of(task, definition, each)

    def _keep_log_of(self, task: Task, definition: dict[str, Any], container: dict[str, Any]) -> None:
        options = container["logConfiguration"]["options"]
        group, prefix = options["awslogs-group"], options["awslogs-stream-prefix"]
        arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}:log-stream:{prefix}"
        try:
            held = self._held(definition)
        except TaskError:
            return  # its role has gone before it
        if not policy.allowed(held, "logs:PutLogEvents", arn, {}):
            return
        name = self._name(task, container["name"])
        done = subprocess.run(["docker", "logs", "--tail", str(LINES), name], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False)  # fmt: skip
        backend, stream = logs_backends[ACCOUNT][REGION], f"{prefix}/{container['name']}/{task.ident}"
        lines = done.stdout.decode(errors="replace").splitlines()
        if group in backend.groups and lines:
            now = int(time.time() * 1000)
            backend.create_log_stream(group, stream)
            backend.put_log_events(group, stream, [{"timestamp": now, "message": line} for line in lines])

    def _secrets(self, definition: dict[str, Any], container: dict[str, Any]) -> dict[str, str]:
        """The values, as far as the execution role may read them. Raises TaskError."""
        held, found = self._held(definition), {}
        backend = secretsmanager_backends[ACCOUNT][REGION]
        for each in container.get("secrets") or ():
            arn, key, stage, version = _parts(each["valueFrom"])
            if not policy.allowed(held, "secretsmanager:GetSecretValue", arn, {}):
                raise TaskError(f"AccessDeniedException: the execution role is not allowed to read {arn}")
            try:
                value = backend.get_secret_value(arn, version, stage)["SecretString"]
                found[each["name"]] = str(json.loads(value)[key]) if key else str(value)
            except (KeyError, ValueError) as error:
                raise TaskError(f"retrieved secret did not contain json key {key}") from error
            except Exception as error:
                raise TaskError(f"{type(error).__name__}: {error}") from error
        return found

    def _held(self, definition: dict[str, Any]) -> list[dict[str, Any]]:
        """The inline policies of the execution role; none of a role that there is not."""
        name = str(definition["executionRoleArn"]).rpartition("/")[2]
        for role in iam_backends[ACCOUNT]["aws"].roles.values():
            if role.name == name:
                return [json.loads(text) if isinstance(text, str) else text for text in role.policies.values()]
        raise TaskError(f"the role {name} cannot be assumed")


def _parts(value_from: str) -> tuple[str, str, str, str]:
    """ARN, key, stage and version of a reference."""
    words = value_from.split(":")
    arn, rest = ":".join(words[:7]), [*words[7:], "", "", ""]
    return arn, rest[0], rest[1], rest[2]


def _health(states: list[dict[str, Any]], before: str) -> str:
    """The health of a task by its essential containers that say it."""
    said = {(state.get("Health") or {}).get("Status", "") for state in states} - {""}
    if "unhealthy" in said:
        return UNHEALTHY
    return HEALTHY if said == {"healthy"} else before


def _answered(name: str, state: dict[str, Any]) -> dict[str, Any]:
    """A container as DescribeTasks answers it."""
    found: dict[str, Any] = {"name": name, "lastStatus": RUNNING if state["Running"] else PENDING}
    if state["Status"] in ("exited", "dead"):
        found |= {"lastStatus": STOPPED, "exitCode": int(state["ExitCode"])}
    health = (state.get("Health") or {}).get("Status", "")
    return {**found, "healthStatus": {"healthy": HEALTHY, "unhealthy": UNHEALTHY}.get(health, UNKNOWN)}
