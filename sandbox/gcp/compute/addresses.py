# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses: which are taken, which is the next, and who has an external one."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Any

from sandbox.gcp.compute.resources import Resource, Resources
from sandbox.gcp.refused import Refused, invalid


def used_addresses(resources: Resources) -> Iterable[str]:
    """Every address that something has."""
    for machine in resources.everywhere("instances"):
        yield from (interface["networkIP"] for interface in machine["networkInterfaces"])
        yield from (access.get("natIP", "") for access in access_configs(machine))
    for one in resources.everywhere("addresses"):
        yield one.get("address", "")
    for one in resources.everywhere("forwardingRules"):
        yield one.get("IPAddress", "")


def free_address(resources: Resources, network: str) -> str:
    """The first address of a network that nothing has; the first ones are the gateway's and Google's own."""
    return str(_free(resources, ipaddress.IPv4Network(network), 4))


def public_address(resources: Resources, network: str) -> str:
    """An external address: the next one, so that one that is released is not had again at once."""
    hosts = ipaddress.IPv4Network(network)
    found = _free(resources, hosts, resources.turn)
    resources.turn = (int(found) - int(hosts.network_address) + 1) % hosts.num_addresses
    return str(found)


def _free(resources: Resources, hosts: ipaddress.IPv4Network, first: int) -> ipaddress.IPv4Address:
    used, end = set(used_addresses(resources)), hosts.num_addresses - 2
    for number in (*range(first, end), *range(4, min(first, end))):
        if str(hosts[number]) not in used:
            return hosts[number]
    raise Refused(400, "resourceExhausted", f"The range {hosts} has no free address.", "RESOURCE_EXHAUSTED")


def give_address(access: dict[str, Any], resources: Resources, public: str) -> None:
    """An external address for as long as the machine runs."""
    access["natIP"] = public_address(resources, public)
    access["_ephemeral"] = True


def check_reserved(wanted: str, project: str, resources: Resources) -> None:
    """Raise Refused unless an external address is one of the project's own, and free."""
    known = [one["address"] for _other, one in resources.of_kind(project, "addresses")]
    if wanted not in known:
        raise invalid("resource.networkInterfaces[0].accessConfigs[0].natIP", wanted,
                      "The specified external IP address was not found in the project.")
    if users_of(wanted, resources):
        raise Refused(400, "externalIpInUse", f"External IP address: {wanted} is already in-use.")


def access_configs(machine: Resource) -> list[dict[str, Any]]:
    """What gives a machine external addresses."""
    return [access for interface in machine["networkInterfaces"] for access in interface.get("accessConfigs", [])]


def users_of(address: str, resources: Resources) -> list[str]:
    """The links of the machines and forwarding rules that have an external address."""
    rules = [rule["selfLink"] for rule in resources.everywhere("forwardingRules") if rule["IPAddress"] == address]
    return rules + [machine["selfLink"] for machine in resources.everywhere("instances")
                    if address in (access.get("natIP") for access in access_configs(machine))]
