# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The balancer in front of tasks, and whether it finds them healthy. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding

HEALTHY = "healthy"
#: What a load balancer's ARN has before its name, where it counts requests.
_APPLICATION = "app/"


@dataclass(frozen=True)
class Balancer:
    """What stands in front of tasks.

    :param target_group: its ARN.
    :param load_balancer: ARN of the one that forwards to it.
    :param security_groups: that one's, from which its requests and its health checks come.
    """

    target_group: str
    load_balancer: str = ""
    security_groups: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """By which CloudWatch knows the requests of this target group; empty where none are counted."""
        name = self.load_balancer.partition(":loadbalancer/")[2]
        return f"{name}/{self.target_group.rpartition(':')[2]}" if name.startswith(_APPLICATION) else ""


def unhealthy(tasks: Mapping[str, str], targets: Mapping[str, str], where: str) -> list[Finding]:
    """That tasks run and get no requests.

    :param tasks: their addresses, by id.
    :param targets: what the balancer says of each address: ``healthy``, or the state with its reason.
    """
    bad = {task: targets.get(address, "not registered") for task, address in tasks.items()}
    named = [f"{task[:8]} ({tasks[task]}): {state}" for task, state in sorted(bad.items()) if state != HEALTHY]
    if not named:
        return []
    what = f"{len(named)} of {len(tasks)} tasks get no requests from the load balancer: {', '.join(named)}."
    fix = "Admit the load balancer at the API's port (praxis_ecs.api_from), and check the target group's health check."
    return [Finding("targets-unhealthy", what, where, fix)]
