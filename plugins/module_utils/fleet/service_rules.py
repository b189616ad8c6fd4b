# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What entries of ``praxis_services`` may not do to each other or to the agent, and what their values may be."""

from __future__ import annotations

import ipaddress
from typing import Any, Collection, Dict, List, Sequence

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.services import Service

VARIABLE = "praxis_services"
#: Paths of the agent's container that are its own, and those below which it can have nothing else: they are read-only.
_OF_THE_AGENT = ("/app/configs", "/keys", "/tmp", "/app")
_READ_ONLY = ("/app/configs/", "/keys/")


def where(name: str, key: str = "") -> str:
    """A service, or one key of it, as findings call it."""
    return "%s[%s]%s" % (VARIABLE, name, "." + key if key else "")


def clashes(services: Sequence[Service], agent_ports: Collection[int]) -> List[Finding]:
    """What several of them, or one of them and the agent, cannot both have."""
    return [*_port_clashes(services, agent_ports), *_mount_clashes(services)]


def _port_clashes(services: Sequence[Service], agent_ports: Collection[int]) -> List[Finding]:
    holders: Dict[int, str] = dict.fromkeys(agent_ports, "the agent")
    findings = []
    for service in services:
        for port in service.ports:
            holder = holders.setdefault(port.published, "the service %s" % service.name)
            if holder != "the service %s" % service.name or service.ports.count(port) > 1:
                fix = "Publish another port of the machine, or no port: the agent reaches the service by its name."
                what = "Port %d of the machine is already used by %s." % (port.published, holder)
                findings.append(Finding("service-port-clash", what, where(service.name, "ports"), fix))
    return list(dict.fromkeys(findings))


def _mount_clashes(services: Sequence[Service]) -> List[Finding]:
    """The agent has a volume at one path, and at each path one volume."""
    places: Dict[str, str] = {}
    volumes: Dict[str, str] = {}
    findings = []
    for service in services:
        for volume in service.volumes:
            if not volume.agent:
                continue
            same = places.setdefault(volume.agent, volume.name) == volume.name
            if not same or volumes.setdefault(volume.name, volume.agent) != volume.agent:
                what = "The agent would have two volumes at %s, or the same volume at two paths." % volume.agent
                fix = "Give each volume one path in the agent's container."
                findings.append(Finding("bad-service", what, where(service.name, "volumes"), fix))
            if volume.agent in _OF_THE_AGENT or volume.agent.startswith(_READ_ONLY):
                fix = "Choose another path, such as /app/shared."
                what = "The agent uses %s itself." % volume.agent
                findings.append(Finding("bad-service", what, where(service.name, "volumes"), fix))
    return findings


def is_anything(_value: Any) -> bool:
    """Any value: others check it."""
    return True


def is_plain(value: Any) -> bool:
    """Text, or a whole number."""
    return isinstance(value, (str, int)) and not isinstance(value, bool)


def is_port(value: Any) -> bool:
    """A TCP port."""
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 65535


def is_ip(value: Any) -> bool:
    """An IPv4 address."""
    try:
        return isinstance(value, str) and ipaddress.ip_address(value).version == 4
    except ValueError:
        return False


def is_address(value: Any) -> bool:
    """An address of a host, or the word for the machine itself."""
    try:
        return isinstance(value, str) and (value == "host-gateway" or bool(ipaddress.ip_address(value)))
    except ValueError:
        return False
