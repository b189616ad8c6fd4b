# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks of Amazon ECS are containers on the sandbox's network: started with what their definition allows, with secrets
fetched under their execution role's policies, and with their log in CloudWatch's when they end.

A task's image is pulled without login from the registry's loopback port, and its host name is its own: of what its
execution role may do, secrets and the log are held to its policies, the image is not.
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
from sandbox.aws import policy
from sandbox.aws.cloud import Cloud
from sandbox.aws.ecs_records import HEALTHY, PENDING, RUNNING, UNHEALTHY, Task
from sandbox.docker import DockerError
from sandbox.site import ACCOUNT, REGION

ROLE = "task"
_HEALTH = {"healthy": HEALTHY, "unhealthy": UNHEALTHY}
LINES = 200
"""So many last lines of a task's output are its log."""


class TaskError(Exception):
    """Why a task cannot begin, in ECS's words."""


class Containers:
    """Runs tasks on this machine's engine."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._definitions: dict[str, dict[str, Any]] = {}

    def start(self, task: Task, definition: dict[str, Any]) -> None:
        """Order its container; what cannot be had ends it."""
        (container,) = definition["containerDefinitions"]
        self._definitions[task.ident] = definition
        try:
            secrets = self._secrets(definition, container)
        except TaskError as error:
            task.end(f"ResourceInitializationError: unable to pull secrets or registry auth: {error}")
            return
        self._cloud.order(task.ident, lambda: self._run(task, container, secrets))

    def observe(self, task: Task) -> None:
        """What the engine says of it."""
        found = docker.inspect("container", self._name(task))
        if found is None and task.status == RUNNING:
            task.end("Task was removed from outside")
        if found is None or found["State"]["Status"] == "created":
            return
        state = found["State"]
        if state["Status"] in ("exited", "dead"):
            self._keep_log(task)
            code = int(state["ExitCode"])
            reason = "OutOfMemoryError: Container killed due to memory usage" if state.get("OOMKilled") else ""
            task.end("Essential container in task exited", code, reason)
            docker.remove_container(self._name(task))
            return
        networks = found["NetworkSettings"]["Networks"]
        task.address = str(networks[self._cloud.site.network]["IPAddress"])
        task.status = RUNNING if state["Running"] else PENDING
        task.health = _HEALTH.get((state.get("Health") or {}).get("Status", ""), task.health)

    def stop(self, task: Task) -> None:
        """Stop its container in the background; its log is kept first."""
        self._cloud.order(task.ident, lambda: self._stop(task))

    def _name(self, task: Task) -> str:
        return self._cloud.site.container(f"task-{task.ident}")

    def _run(self, task: Task, container: dict[str, Any], secrets: dict[str, str]) -> None:
        name, site = self._name(task), self._cloud.site
        environment = {each["name"]: each["value"] for each in container.get("environment") or ()}
        environment.update(secrets)
        image = container["image"].replace(site.registry_name, self._cloud.registry.push)
        host = f"task-{task.ident[:12]}"
        options = ["--name", name, *site.labels(ROLE), "--network", site.network, "--hostname", host]
        options += [word for key in environment for word in ("--env", key)]  # a value is in no argument
        # The client takes an image by digest for one that it has, and asks the registry else.
        command = ["docker", "create", *options, *_limits(container), *_program(container, image)]
        kept = {key: os.environ[key] for key in ("PATH", "HOME", "DOCKER_HOST") if key in os.environ}
        # The client itself would read these.
        inside = {key: value for key, value in environment.items() if key not in kept}
        done = subprocess.run(
            command, env={**inside, **kept}, stdin=subprocess.DEVNULL, capture_output=True, timeout=300, check=False
        )
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip()
            task.end(f"CannotPullContainerError: {said}"[:1000])
            return
        try:
            docker.docker("start", name)
        except DockerError as error:
            task.end(f"CannotStartContainerError: {error}"[:1000])

    def _stop(self, task: Task) -> None:
        name = self._name(task)
        if docker.inspect("container", name):
            container = self._definitions[task.ident]["containerDefinitions"][0]
            docker.docker("stop", "--time", str(container.get("stopTimeout") or 30), name, timeout=200)
            with self._cloud.changes:
                self._keep_log(task)
            docker.remove_container(name)

    def _keep_log(self, task: Task) -> None:
        """The end of its output, where awslogs puts it."""
        definition = self._definitions[task.ident]
        (container,) = definition["containerDefinitions"]
        options = container["logConfiguration"]["options"]
        group, prefix = options["awslogs-group"], options["awslogs-stream-prefix"]
        arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}:log-stream:{prefix}"
        try:
            held = self._held(definition)
        except TaskError:
            return  # its role has gone before it
        if not policy.allowed(held, "logs:PutLogEvents", arn, {}):
            return
        done = subprocess.run(["docker", "logs", "--tail", str(LINES), self._name(task)], stdin=subprocess.DEVNULL,
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


def _limits(container: dict[str, Any]) -> list[str]:
    linux, health = container.get("linuxParameters") or {}, container.get("healthCheck")
    options = ["--user", container["user"]] if container.get("user") else []
    options += ["--read-only"] if container.get("readonlyRootFilesystem") else []
    options += ["--init"] if linux.get("initProcessEnabled") else []
    for name in (linux.get("capabilities") or {}).get("drop") or ():
        options += ["--cap-drop", name]
    for each in linux.get("tmpfs") or ():
        how = ",".join([f"size={each['size']}m", *each.get("mountOptions", ())])
        options += ["--tmpfs", f"{each['containerPath']}:{how}"]
    if health:
        words = health["command"][1:] if health["command"][0] in ("CMD", "CMD-SHELL") else health["command"]
        options += ["--health-cmd", " ".join(words), "--health-interval", f"{health['interval']}s",
                    "--health-timeout", f"{health['timeout']}s", "--health-retries", str(health["retries"]),
                    "--health-start-period", f"{health.get('startPeriod', 0)}s"]  # fmt: skip
    return options


def _program(container: dict[str, Any], image: str) -> list[str]:
    entry = container.get("entryPoint") or []
    first = ["--entrypoint", entry[0]] if entry else []
    return [*first, image, *entry[1:], *(container.get("command") or [])]
