# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user says of a fleet's infrastructure, the same on every cloud. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.aws_dns import Names
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.aws_listeners import Tls

#: What a run may be about. The others are observed, so that references to them are known, and left as they are.
NETWORK, FIREWALL, ACCESS, KEY, MACHINES, BALANCER = "network", "firewall", "access", "key", "machines", "balancer"
#: On AWS alone, and only for who names it: fleets of machines have none.
CLUSTER = "cluster"
#: Bits of the widest network that is one owner's, by version of IP. A wider one has addresses of everybody.
_WIDEST = {4: 8, 6: 16}
#: IPv6 that nobody routes through the internet, and that a site may name as a whole.
_LOCAL = ipaddress.IPv6Network("fc00::/7")
TARGETS_LOST = "the registration of its targets; the next deployment registers them again"


@dataclass(frozen=True)
class Open:
    """What is open to whom, as the user says it."""

    inside: str
    api_port: int = 8000
    p2p_port: int = 4001
    listener_ports: Sequence[int] = (80,)
    ssh_from: Sequence[str] = ()
    api_from: Sequence[str] = ()
    api_from_groups: Sequence[str] = ()
    p2p_from: Sequence[str] = ()
    balancer_from: Sequence[str] = ()


@dataclass(frozen=True)
class Balancer:
    """How the load balancer is made.

    :param scheme: from where it is reached; on AWS alone.
    :param idle_timeout: seconds for which a connection may be silent; on Google Cloud, may last.
    :param access_logs: where they are written, on AWS alone; empty leaves them as they are.
    :param tls: HTTPS and the login before the API, on AWS alone.
    :param names: its record and the certificate that is made for it, on AWS alone.
    """

    wanted: bool = True
    scheme: str = "internet-facing"
    idle_timeout: int = 3600
    health_path: str = "/health"
    health_interval: int = 10
    deregistration_delay: int = 60
    access_logs: str = ""
    tls: Tls = field(default_factory=Tls)
    names: Names = field(default_factory=Names)


def canonical(network: str) -> str:
    """A network as clouds write it: an address has a length, and no bit beyond the length is set.

    :raises Failed: ``bad-network``.
    """
    try:
        return str(ipaddress.ip_network(network.strip(), strict=False))
    except ValueError as error:
        fix = "Write networks like 203.0.113.0/24 or 2001:db8::/64."
        raise Failed(Finding("bad-network", f"{network!r} is not a network: {error}.", "firewall", fix)) from None


def networks(named: Iterable[str]) -> list[str]:
    """Networks as clouds write them, each once, in order."""
    return sorted({canonical(each) for each in named if each})


def across(members: Iterable[Mapping[str, Any]], own: str) -> list[str]:
    """Members in other networks than this one, one address each. Those whose network is not known are not admitted.

    :param members: each with ``network`` and ``address``.
    """
    known = [each for each in members if each.get("network") and each.get("address")]
    return networks(str(each["address"]) for each in known if each["network"] != own)


def of_everybody(named: Iterable[str]) -> list[str]:
    """Those of these networks that are too wide to be one owner's, by themselves or with those beside them: the whole
    internet, be it in halves, or a large part of it."""
    parsed = {each: ipaddress.ip_network(canonical(each)) for each in named if each}
    versions = [[one for one in parsed.values() if one.version == version] for version in _WIDEST]
    merged = [one for each in versions for one in ipaddress.collapse_addresses(each)]  # type: ignore[type-var]
    wide = [one for one in merged if one.prefixlen < _WIDEST[one.version] and not is_within(one, _LOCAL)]
    return [each for each, one in parsed.items() if any(is_within(one, other) for other in wide)]


def is_within(inner: Any, outer: Any) -> bool:
    """Whether all of a network is in another one."""
    return bool(inner.version == outer.version and inner.subnet_of(outer))


def refuse_world(open_: Open, *, api: bool, p2p: bool) -> list[Finding]:
    """A finding for each option that names the whole internet, or a large part of it, without leave.

    :param api: whether the API may be open to the world.
    :param p2p: whether the peer-to-peer port may be.
    """
    asked = (
        ("firewall_api_from and firewall_balancer_from", [*open_.api_from, *open_.balancer_from], api,
         "firewall_open_api_to_world", "praxis_open_api_to_world", "the agents' API has no authentication."),
        ("firewall_p2p_from", open_.p2p_from, p2p, "firewall_open_p2p_to_world", "praxis_open_p2p_to_world",
         "the agents' peer-to-peer port is neither encrypted nor authenticated."),
    )  # fmt: skip
    findings = []
    for names, networks, allowed, switch, variable, why in asked:
        world = of_everybody(networks)
        if world and not allowed:
            said = ", ".join(world[:4]) + (f" and {len(world) - 4} more" if len(world) > 4 else "")
            what = f"{names} name the whole internet, or a large part of it ({said}): {why}"
            fix = f"List your own networks, or accept the risk: set {switch}=true ({variable})."
            findings.append(Finding("open-to-world", what, "firewall", fix))
    return findings
