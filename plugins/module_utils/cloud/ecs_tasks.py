# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tasks of one service of Amazon ECS: those that there are, where they are, and how they ended. Only reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import CloudError, Invalid, NotFound
from ansible_collections.praxis.cloud.plugins.module_utils.ecs import rollout
from ansible_collections.praxis.cloud.plugins.module_utils.ecs.task_definition import CONTAINER

#: Stopped tasks and lines of a log that are asked for.
_STOPPED, _LINES = 10, 8


@dataclass(frozen=True)
class Tasks:
    """All of one service.

    :param log_group: where their log is.
    """

    client: AwsClient
    cluster: str
    service: str
    log_group: str

    def of_status(self, status: str) -> list[dict[str, Any]]:
        """Those that are to be in this state."""
        asked: dict[str, Any] = {"cluster": self.cluster, "serviceName": self.service, "desiredStatus": status}
        try:
            arns = list(self.client.paginate("ecs", "list_tasks", **asked))
        except (NotFound, Invalid):
            return []
        found: list[dict[str, Any]] = []
        for start in range(0, len(arns), 100):
            some = arns[start : start + 100]
            found += self.client.call("ecs", "describe_tasks", cluster=self.cluster, tasks=some)["tasks"]
        return found

    def addresses(self) -> dict[str, str]:
        """The addresses of those that run, by their ids."""
        running = [task for task in self.of_status("RUNNING") if task.get("lastStatus") == "RUNNING"]
        return {_id(each): _address(each) for each in running}

    def unhealthy(self) -> list[str]:
        """The ids of those whose health check fails."""
        return [_id(each) for each in self.of_status("RUNNING") if each.get("healthStatus") == "UNHEALTHY"]

    def living(self) -> list[dict[str, Any]]:
        """Those that have not ended yet."""
        stopping = [each for each in self.of_status("STOPPED") if each.get("lastStatus") != "STOPPED"]
        return [*self.of_status("RUNNING"), *stopping]

    def stopped(self, deployment: str) -> list[dict[str, Any]]:
        """The last ones of a deployment that are to be stopped, the newest first."""
        found = [each for each in self.of_status("STOPPED") if each.get("startedBy") in (deployment, None, "")]
        return sorted(found, key=lambda each: str(each.get("stoppedAt", "")), reverse=True)[:_STOPPED]

    def log_end(self, stopped: Sequence[Mapping[str, Any]]) -> list[str]:
        """The last lines of the newest of these that has written any."""
        for each in rollout.telling(stopped)[:3]:
            for container in rollout.ended_badly(each, CONTAINER):
                if lines := self._log_of(container, _id(each)):
                    return lines
        return []

    def _log_of(self, container: str, task: str) -> list[str]:
        stream = f"{self.service}/{container}/{task}"
        asked: dict[str, Any] = {"logGroupName": self.log_group, "logStreamName": stream, "limit": _LINES}
        try:
            events = self.client.call("logs", "get_log_events", startFromHead=False, **asked)["events"]
        except CloudError:
            return []  # evidence that there is none of must not hide the failure itself
        return [str(event["message"]) for event in events]


def _address(task: Mapping[str, Any]) -> str:
    """The address of a task's network interface."""
    for attachment in task.get("attachments") or ():
        for each in attachment.get("details") or ():
            if each.get("name") == "privateIPv4Address":
                return str(each["value"])
    return "no address"


def _id(task: Mapping[str, Any]) -> str:
    return str(task["taskArn"]).rpartition("/")[2]
