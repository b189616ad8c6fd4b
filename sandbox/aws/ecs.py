# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Amazon ECS: moto keeps clusters and task definitions, `ecs_services` imitates services, and tasks are what a runner
makes of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

from moto.core.responses import ActionResult
from moto.ecs.exceptions import ECSException, InvalidParameterException, ServiceNotFoundException
from moto.ecs.models import ecs_backends
from moto.ecs.responses import EC2ContainerServiceResponse
from moto.elbv2.models import elbv2_backends

from sandbox.aws.ecs_records import DEACTIVATING, RUNNING, STOPPED, Service, Task, now
from sandbox.aws.ecs_services import Runner, Scheduler, Targets

ROUND = 0.5
"""Seconds between two rounds of the services."""
OPERATIONS = (
    "create_service", "update_service", "describe_services", "delete_service", "list_tasks", "describe_tasks",
    "delete_cluster", "register_task_definition", "list_task_definitions",
)  # fmt: skip
"""What is answered here and not by moto."""
_ANSWERED = (
    "taskDefinitionArn", "family", "revision", "containerDefinitions", "executionRoleArn", "taskRoleArn", "cpu",
    "memory", "networkMode", "requiresCompatibilities", "runtimePlatform", "volumes", "status",
)  # fmt: skip


def described(definition: Any) -> dict[str, Any]:
    """A task definition of moto's, as its API answers it."""
    names = {"taskDefinitionArn": "arn", "containerDefinitions": "container_definitions", "networkMode": "network_mode",
             "executionRoleArn": "execution_role_arn", "taskRoleArn": "task_role_arn",
             "requiresCompatibilities": "requires_compatibilities", "runtimePlatform": "runtime_platform"}  # fmt: skip
    return {name: getattr(definition, names.get(name, name), None) for name in _ANSWERED}


def install(runner: Runner, changes: AbstractContextManager[Any], targets: Targets | None = None) -> Scheduler:
    """Answer questions about services and tasks from a scheduler.

    :param changes: held while services move.
    :param targets: the target groups in front of services.
    """
    scheduler = Scheduler(runner, targets)
    make, forget = EC2ContainerServiceResponse.create_service, EC2ContainerServiceResponse.delete_cluster
    register = EC2ContainerServiceResponse.register_task_definition
    listed = EC2ContainerServiceResponse.list_task_definitions

    def held(self: Any, name: str) -> Service:
        found = scheduler.services.get((_last(self._get_param("cluster", "default")), _last(name)))
        if found is None or found.status == "INACTIVE":
            raise ServiceNotFoundException
        return found

    def create_service(self: Any) -> ActionResult:
        cluster, name = _last(self._get_param("cluster", "default")), self._get_param("serviceName")
        there = scheduler.services.get((cluster, name))
        if there and there.status != "INACTIVE":
            raise InvalidParameterException("Creation of service was not idempotent." if there.status == "ACTIVE" else
                                            "Unable to Start a service that is still Draining.")
        _require_served(self)
        made = make(self).result["service"]
        definition = described(self.ecs_backend.describe_task_definition(self._get_param("taskDefinition")))
        arn = definition["taskDefinitionArn"]
        asked = {**self._get_params(), "clusterArn": made.cluster_arn, "taskDefinition": arn}
        return ActionResult({"service": scheduler.create(made.arn, cluster, asked, definition).described()})

    def update_service(self: Any) -> ActionResult:
        service = held(self, self._get_param("service"))
        _require_served(self)
        asked = {key: value for key, value in self._get_params().items() if key not in ("cluster", "service")}
        definition = None
        if named := asked.get("taskDefinition"):
            definition = described(self.ecs_backend.describe_task_definition(named))
            asked["taskDefinition"] = definition["taskDefinitionArn"]
        scheduler.update(service, asked, definition)
        return ActionResult({"service": service.described()})

    def describe_services(self: Any) -> ActionResult:
        cluster = _last(self._get_param("cluster", "default"))
        self.ecs_backend._get_cluster(cluster)
        found, failures = [], []
        for name in self._get_param("services", []):
            service = scheduler.services.get((cluster, _last(name)))
            found += [service.described()] if service else []
            failures += [] if service else [{"arn": name, "reason": "MISSING"}]
        return ActionResult({"services": found, "failures": failures})

    def delete_service(self: Any) -> ActionResult:
        service = held(self, self._get_param("service"))
        if service.desired and not self._get_param("force", False):
            raise InvalidParameterException("The service cannot be stopped while it is scaled above 0.")
        scheduler.delete(service)
        self.ecs_backend.services.pop(f"{service.cluster}:{service.name}", None)
        return ActionResult({"service": service.described()})

    def tasks(self: Any) -> Iterator[Task]:
        cluster = _last(self._get_param("cluster", "default"))
        self.ecs_backend._get_cluster(cluster)
        return (task for task in scheduler.tasks() if task.cluster == cluster)

    def list_tasks(self: Any) -> ActionResult:
        wanted, service = self._get_param("desiredStatus") or RUNNING, _last(self._get_param("serviceName") or "")
        found = [task for task in tasks(self) if service in ("", task.service)]
        arns = [_arn(self, task) for task in found if _is_to_stop(task) == (wanted == STOPPED)]
        return ActionResult({"taskArns": arns})

    def describe_tasks(self: Any) -> ActionResult:
        wanted = {_last(name) for name in self._get_param("tasks", [])}
        return ActionResult({"tasks": [_task(self, task) for task in tasks(self) if task.ident in wanted],
                             "failures": []})  # fmt: skip

    def delete_cluster(self: Any) -> ActionResult:
        cluster = _last(self._get_param("cluster", "default"))
        for service in scheduler.services.values():
            if service.cluster == cluster and service.status == "ACTIVE":
                raise ECSException("ClusterContainsServicesException", "The cluster contains services.")
        if [task for task in scheduler.tasks() if task.cluster == cluster and task.status != STOPPED]:
            raise ECSException("ClusterContainsTasksException", "The cluster contains tasks that have not stopped.")
        return forget(self)

    def register_task_definition(self: Any) -> ActionResult:
        answer = register(self)
        answer.result["taskDefinition"].registered_at = now()
        return answer

    def list_task_definitions(self: Any) -> ActionResult:
        arns = listed(self).result["taskDefinitionArns"]
        return ActionResult({"taskDefinitionArns": arns[::-1] if self._get_param("sort") == "DESC" else arns})

    answers = (create_service, update_service, describe_services, delete_service, list_tasks, describe_tasks,
               delete_cluster, register_task_definition, list_task_definitions)  # fmt: skip
    for name, answer in zip(OPERATIONS, answers, strict=True):
        setattr(EC2ContainerServiceResponse, name, _locked(answer, changes))
    return scheduler


def _locked(operation: Any, changes: AbstractContextManager[Any]) -> Any:
    def locked(self: Any) -> Any:
        with changes:
            return operation(self)

    return locked


def watch(scheduler: Scheduler, changes: AbstractContextManager[Any], say: Any) -> None:
    """Move the services in the background until the process ends."""

    def run() -> None:
        never = threading.Event()
        while not never.wait(ROUND):
            try:
                with changes:
                    scheduler.step()
            except Exception as error:  # noqa: BLE001  (the loop outlives what one round meets, and says it)
                say(f"services of ECS: {error!r}")

    threading.Thread(target=run, name="ecs", daemon=True).start()


def _require_served(response: Any) -> None:
    """Of target groups, ECS takes those of addresses, and only when a load balancer forwards to them."""
    groups = elbv2_backends[response.current_account][response.region].target_groups
    for each in response._get_param("loadBalancers") or ():
        arn = each["targetGroupArn"]
        group = groups.get(arn)
        if group is None or group.target_type != "ip":
            raise InvalidParameterException(f"The provided target group {arn} has target type "
                                            f"{group and group.target_type}, which is incompatible with awsvpc.")
        if not group.load_balancer_arns:
            raise InvalidParameterException(f"The target group with targetGroupArn {arn} does not have an "
                                            "associated load balancer.")


def _is_to_stop(task: Task) -> bool:
    return task.status in (DEACTIVATING, STOPPED)


def _last(text: str) -> str:
    return text.rpartition("/")[2]


def _arn(response: Any, task: Task) -> str:
    return f"arn:aws:ecs:{response.region}:{response.current_account}:task/{task.cluster}/{task.ident}"


def _task(response: Any, task: Task) -> dict[str, Any]:
    container: dict[str, Any] = {"name": "agent", "lastStatus": task.status, "healthStatus": task.health}
    container |= {"exitCode": task.exit_code} if task.exit_code is not None else {}
    container |= {"reason": task.reason} if task.reason else {}
    backend = ecs_backends[response.current_account][response.region]
    network = {"name": "privateIPv4Address", "value": task.address}
    return {
        "taskArn": _arn(response, task), "clusterArn": backend._get_cluster(task.cluster).arn,
        "taskDefinitionArn": task.definition, "startedBy": task.deployment, "group": f"service:{task.service}",
        "lastStatus": task.status, "desiredStatus": STOPPED if _is_to_stop(task) else RUNNING,
        "healthStatus": task.health, "createdAt": task.created,
        "containers": task.containers or [container],
        "attachments": [{"type": "ElasticNetworkInterface", "status": "ATTACHED", "details": [network]}],
        **({"stoppedReason": task.stopped_reason} if task.stopped_reason else {}),
        **({"stoppedAt": task.stopped} if task.stopped else {}),
    }  # fmt: skip
