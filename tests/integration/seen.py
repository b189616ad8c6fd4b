# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The machines seen past the product: containers, TCP tables and files, read by the tests themselves."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import Any

from .conftest import Cloud, Machine

P2P_PORT = 4001


def container(cloud: Cloud, machine: Machine, service: str = "agent") -> dict[str, Any]:
    """What the machine's own engine says of the container of the agent, or of a service beside it."""
    label = "--filter label=com.docker.compose"
    inside = cloud.on(machine, f"docker ps -aq {label}.project=praxis {label}.service={service}").split()
    assert len(inside) == 1, f"{machine.name} has {len(inside)} containers of {service}"
    return json.loads(cloud.on(machine, f"docker inspect {inside[0]}"))[0]


def started(cloud: Cloud) -> dict[str, str]:
    """When each machine's agent was started."""
    return {item.name: container(cloud, item)["State"]["StartedAt"] for item in cloud.machines()}


def releases(cloud: Cloud) -> dict[str, str]:
    """Each machine's current release."""
    return {item.name: cloud.on(item, "basename $(readlink /opt/praxis/current)").strip() for item in cloud.machines()}


def peer_id(cloud: Cloud, machine: Machine) -> str:
    """What the agent itself says."""
    return json.loads(cloud.on(machine, "python3 -c \"import urllib.request as u;"
                                        "print(u.urlopen('http://127.0.0.1:8000/p2p/info').read().decode())\""))["peer_id"]


def connections(cloud: Cloud, machine: Machine, p2p_port: int = P2P_PORT) -> set[tuple[str, int, bool]]:
    """Established P2P connections in the container's TCP table: remote address, source port, whether it dialled."""
    pid = container(cloud, machine)["State"]["Pid"]
    found = set()
    for line in cloud.on(machine, f"cat /proc/{pid}/net/tcp").splitlines()[1:]:
        fields = line.split()
        (_here, local), (there, remote) = (_address(text) for text in fields[1:3])
        if fields[3] == "01" and remote == p2p_port:
            found.add((there, local, True))
        elif fields[3] == "01" and local == p2p_port:
            found.add((there, remote, False))
    return found


def edges(cloud: Cloud, p2p_port: int = P2P_PORT) -> set[tuple[str, str]]:
    """The pairs of machines that hold the same connection at both ends."""
    machines = cloud.machines()
    tables = {item.name: connections(cloud, item, p2p_port) for item in machines}
    return {
        tuple(sorted((one.name, other.name)))
        for one in machines
        for other in machines
        for address, port, dialled in tables[one.name]
        if dialled and address in (other.ip, other.public_ip)
        and {(one.ip, port, False), (one.public_ip, port, False)} & tables[other.name]
    }


def all_pairs(cloud: Cloud) -> set[tuple[str, str]]:
    names = sorted(item.name for item in cloud.machines())
    return {(one, other) for index, one in enumerate(names) for other in names[index + 1:]}


def began(task: str, output: str, times: int = 1) -> bool:
    """Whether a run's output shows a task, a role's or the playbook's own, so many times: in so many batches."""
    return len(re.findall(rf"TASK \[([\w.]+ : )?{re.escape(task)}\]", output)) >= times


def wait_for(what: str, condition: Callable[[], Any], deadline: float = 60, pause: float = 0.5) -> Any:
    """The condition's first true value.

    :raises AssertionError: naming what was waited for.
    """
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"waited {deadline:g} s for: {what}"
        time.sleep(pause)


def _address(text: str) -> tuple[str, int]:
    address, port = text.split(":")
    return ".".join(str(byte) for byte in reversed(bytes.fromhex(address))), int(port, 16)
