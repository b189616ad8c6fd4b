# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an account may have in a region, and what it has: asked only for what a plan makes. Only reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_kinds import KINDS
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import CloudError
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.machine_quotas import (
    STANDARD,
    VPCS,
    Use,
    is_standard,
    made,
    over,
    unseen,
)
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.plan import Row

#: How many types of instances one call describes.
_TYPES = 100
_RAISE = "Request a higher quota in Service Quotas, or "
_ALLOW = "Allow servicequotas:GetServiceQuota and ec2:DescribeInstanceTypes (make policies), or check it yourself."


@dataclass(frozen=True)
class AwsQuotas:
    """The quotas of one region.

    :param instance_type: of the machines.
    """

    client: AwsClient
    instance_type: str

    def __call__(self, rows: Sequence[Row]) -> list[Finding]:
        """What does not fit, and what was not looked at."""
        where, found = f"account, AWS {self.client.region}", []
        machines, networks = made(rows), made(rows, KINDS["vpc"].words)
        if machines and is_standard(self.instance_type):
            name = f"Running On-Demand Standard instances ({STANDARD[1]})"
            fix = f"{_RAISE}use fewer or smaller machines (praxis_hosts, praxis_instance_type)."
            found.append(self._found(where, fix, name, lambda: self._processors(name, machines)))
        if networks:
            name = f"VPCs per Region ({VPCS[1]})"
            fix = f"{_RAISE}use an existing VPC (praxis_vpc)."
            found.append(self._found(where, fix, name, lambda: self._networks(name, networks)))
        return [each for each in found if each]

    def _found(self, where: str, fix: str, name: str, ask: Callable[[], Use]) -> Finding | None:
        try:
            return over(ask(), where, fix)
        except CloudError as error:
            return unseen(name, where, error.findings[0].what, _ALLOW)

    def _processors(self, name: str, machines: int) -> Use:
        limit = self._limit(STANDARD)
        running = [{"Name": "instance-state-name", "Values": ["pending", "running"]}]
        types: Counter[str] = Counter()
        for reservation in self.client.paginate("ec2", "describe_instances", Filters=running, MaxResults=1000):
            # What spot instances use is another quota's.
            on_demand = [each for each in reservation["Instances"] if not each.get("InstanceLifecycle")]
            types.update(each["InstanceType"] for each in on_demand if is_standard(each["InstanceType"]))
        known = self._sizes(sorted({*types, self.instance_type}))
        used = sum(known.get(each, 0) * number for each, number in types.items())
        return Use(name, "vCPUs", limit, used, machines * known.get(self.instance_type, 0))

    def _networks(self, name: str, networks: int) -> Use:
        limit, used = self._limit(VPCS), len(list(self.client.paginate("ec2", "describe_vpcs")))
        return Use(name, "VPC" if networks == 1 else "VPCs", limit, used, networks)

    def _limit(self, quota: tuple[str, str]) -> float:
        answer = self.client.call("service-quotas", "get_service_quota", ServiceCode=quota[0], QuotaCode=quota[1])
        return float(answer["Quota"]["Value"])

    def _sizes(self, types: Sequence[str]) -> dict[str, int]:
        """By type, the vCPUs that the quota counts."""
        found = {}
        for start in range(0, len(types), _TYPES):
            asked = types[start : start + _TYPES]
            for each in self.client.paginate("ec2", "describe_instance_types", InstanceTypes=asked):
                found[each["InstanceType"]] = int(each["VCpuInfo"]["DefaultVCpus"])
        return found
