# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Amazon ECS's tasks in the target groups of the account's load balancer: it is moto's groups that hold them, and the
loop of `health` that carries them to HAProxy and finds how they are."""

from __future__ import annotations

from typing import Any

from sandbox.aws.cloud import Cloud

GONE = ("unused", "the target group does not exist")


class TargetGroups:
    """Registers and deregisters by address."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def register(self, group: str, address: str, port: int) -> None:
        """Have this address in the group."""
        if found := self._group(group):
            found.register([{"Id": address, "Port": port}])

    def deregister(self, group: str, address: str, port: int) -> None:
        """Begin to drain it."""
        if found := self._group(group):
            found.deregister([{"Id": address, "Port": port}])

    def state(self, group: str, address: str, port: int) -> tuple[str, str]:
        """State and description, in the words of DescribeTargetHealth."""
        found = self._group(group)
        if not found:
            return GONE
        health = found.health_for({"Id": address, "Port": port}, self._cloud.ec2())
        return str(health.status), str(health.description or "")

    def _group(self, arn: str) -> Any:
        return self._cloud.elbv2().target_groups.get(arn)
