# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private addresses: conflicts and ranges are refused as by EC2, and no subnet may cover the sandbox's own part."""

from __future__ import annotations

import ipaddress
from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.subnets import Subnet, SubnetBackend

from sandbox.aws.cloud import Cloud


def install(cloud: Cloud) -> None:
    """Patch moto's subnets."""

    def request_ip(self: Any, ip: str, instance: Any) -> None:
        address = ipaddress.ip_address(ip)
        if address not in self.cidr:
            raise EC2ClientError("InvalidParameterValue",
                                 f"Address {ip} does not fall within the subnet's address range")
        if address in (*(self.cidr[number] for number in range(4)), self.cidr.broadcast_address):
            raise EC2ClientError("InvalidParameterValue", f"Address {ip} is in subnet's reserved address range")
        if ip in self._subnet_ips or _held(self, ip):
            raise EC2ClientError("InvalidIPAddress.InUse", f"Address {ip} is in use.")
        self._unused_ips.discard(ip)
        self._subnet_ips[ip] = instance

    create = SubnetBackend.create_subnet

    def create_subnet(self: Any, vpc_id: str, cidr_block: str, *args: Any, **kwargs: Any) -> Any:
        reserved = cloud.site.addresses.reserved
        if cidr_block and ipaddress.ip_network(cidr_block, strict=False).overlaps(reserved):
            raise EC2ClientError("InvalidSubnet.Conflict",
                                 f"The CIDR '{cidr_block}' conflicts with {reserved}, the sandbox's own")
        return create(self, vpc_id, cidr_block, *args, **kwargs)

    Subnet.request_ip = request_ip
    SubnetBackend.create_subnet = create_subnet


def _held(subnet: Any, ip: str) -> bool:
    return any(eni.subnet.vpc_id == subnet.vpc_id and
               ip in [item["PrivateIpAddress"] for item in eni.private_ip_addresses]
               for eni in subnet.ec2_backend.enis.values())
