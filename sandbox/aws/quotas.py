# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Service quotas: moto has those of VPCs; here is that of instances, too. Nothing is refused because of one."""

from __future__ import annotations

from typing import Any

from moto.servicequotas.models import ServiceQuotasBackend

from sandbox.aws.cloud import Cloud

VALUES = {("ec2", "L-1216C47A"): 1152.0}
"""vCPUs of running on-demand standard instances."""
_moto = ServiceQuotasBackend.get_service_quota


def get_service_quota(self: Any, service_code: str, quota_code: str) -> dict[str, Any]:
    """A quota of VALUES, or of moto's."""
    value = VALUES.get((service_code, quota_code))
    if value is None:
        return _moto(self, service_code, quota_code)
    return {"ServiceCode": service_code, "QuotaCode": quota_code, "Value": value, "Unit": "None", "Adjustable": True}


def install(cloud: Cloud) -> None:
    """Answer for the instances' quota."""
    del cloud
    ServiceQuotasBackend.get_service_quota = get_service_quota
