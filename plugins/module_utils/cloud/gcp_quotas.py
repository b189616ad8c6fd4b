# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a project may have in a region, and what it has: asked only for what a plan makes. Only reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import CloudError
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_instance import Launch
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.machine_quotas import (
    Use,
    made,
    over,
    processors_metric,
    unseen,
)
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.plan import Row

_FIX = "Request a higher quota (IAM & Admin, Quotas), or use fewer or smaller machines (praxis_hosts, {more})."
_ALLOW = "Grant compute.regions.get and compute.machineTypes.get on the project (make policies CLOUD=gcp)."


@dataclass(frozen=True)
class GcpQuotas:
    """The quotas of one region.

    :param launch: how machines are made.
    """

    client: GcpClient
    region: str
    launch: Launch

    def __call__(self, rows: Sequence[Row]) -> list[Finding]:
        """What does not fit, and what was not looked at."""
        machines, where = made(rows), f"project {self.client.project}, {self.region}"
        if not machines:
            return []
        try:
            held = self._get(f"regions/{self.region}").get("quotas") or ()
            quotas = {each["metric"]: (float(each["limit"]), float(each["usage"])) for each in held}
            asked = self._asked(machines)
        except CloudError as error:
            return [unseen("of machines", where, error.findings[0].what, _ALLOW)]
        found = []
        for metric, (unit, more, variable) in asked.items():
            if metric in quotas:
                limit, used = quotas[metric]
                found.append(over(Use(metric, unit, limit, used, more), where, _FIX.format(more=variable)))
        return [each for each in found if each]

    def _asked(self, machines: int) -> dict[str, tuple[str, float, str]]:
        """By metric, its unit, how much of it the machines would use, and what to set to use less."""
        kind = self.launch.machine_type
        processors = int(self._get(f"zones/{self.launch.zones[0]}/machineTypes/{kind}")["guestCpus"])
        asked: dict[str, tuple[str, float, str]] = {
            processors_metric(kind): ("vCPUs", machines * processors, "praxis_instance_type"),
            "INSTANCES": ("instances", machines, "praxis_hosts"),
            # Balanced disks are counted with SSDs.
            "SSD_TOTAL_GB": ("GB", machines * self.launch.root_volume_gb, "praxis_root_volume_gb"),
        }
        if self.launch.public_address:
            asked["IN_USE_ADDRESSES"] = ("addresses", machines, "praxis_public_address")
        return asked

    def _get(self, path: str) -> dict[str, Any]:
        return self.client.call("compute", "GET", f"compute/v1/projects/{self.client.project}/{path}")
