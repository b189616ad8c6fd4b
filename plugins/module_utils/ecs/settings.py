# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``praxis_ecs``, checked: what a kind of agents is to be in Amazon ECS. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.ecs import capacity, edges, schedules
from ansible_collections.praxis.cloud.plugins.module_utils.ecs.capacity import Capacity
from ansible_collections.praxis.cloud.plugins.module_utils.ecs.schedules import Schedule
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.option_reader import (
    OptionReader,
    listed,
    matches,
    number,
    truth,
    word,
)
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.settings import canonical

VARIABLE = "praxis_ecs"
#: CPU units of a Fargate task -> the least and the most memory that it may have, and the step between sizes, in MiB.
SIZES: Mapping[int, tuple[int, int, int]] = {
    256: (512, 2048, 0),
    512: (1024, 4096, 1024),
    1024: (2048, 8192, 1024),
    2048: (4096, 16384, 1024),
    4096: (8192, 30720, 1024),
    8192: (16384, 61440, 4096),
    16384: (32768, 122880, 8192),
}
_SMALLEST = (512, 1024, 2048)
#: What CloudWatch Logs takes as days.
RETENTION = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
#: Seconds that AWS takes at most, and what for.
LONGEST_START, LONGEST_STOP = 300, 120
#: What gives agents an identity that lasts in Kubernetes, or might here; and what to do in its place.
_OF_SLOTS = frozenset({"identities", "identity", "peer_ids", "seeds", "slot", "slots"})
NO_SLOT = "Remove it: a task has no slot. Run agents that need a lasting peer id on machines or in Kubernetes."
_NAME = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9_-]{0,98}[a-zA-Z0-9])?")
_GROUP = re.compile(r"[A-Za-z0-9_./#-]{1,512}")
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+")
_SUBNET, _SECURITY_GROUP = re.compile(r"subnet-[0-9a-f]{8,17}"), re.compile(r"sg-[0-9a-f]{8,17}")
_GROUP_OR_LIST = re.compile(r"(?:sg|pl)-[0-9a-f]{8,17}")
_MULTIADDR = re.compile(r"/(ip4|ip6|dns|dns4|dns6)/([A-Za-z0-9.:_-]+)/tcp/([0-9]{1,5})/p2p/[A-Za-z0-9]{40,64}")
_MOST_PORTS = 65535


@dataclass(frozen=True)
class Autoscaler:
    """How many tasks there are: by load, from ``min`` to ``max``.

    :param cpu: percent of the task's CPU that the tasks are to use on average.
    :param memory: the same of memory; 0: it does not count.
    :param requests: how many of the balancer's requests each task is to get in a minute; 0: they do not count.
    :param schedules: other limits from points in time on.
    :param scale_in_cooldown: seconds after a task was taken away before the next one may be.
    :param scale_out_cooldown: the same for tasks that are added.
    """

    min: int = 2
    max: int = 10
    cpu: int = 70
    memory: int = 0
    requests: int = 0
    scale_in_cooldown: int = 300
    scale_out_cooldown: int = 60
    schedules: tuple[Schedule, ...] = ()


@dataclass(frozen=True)
class KindSettings:
    """What ``praxis_ecs`` says of one kind of agents.

    :param name: the service's.
    :param cluster: the cluster's; empty: the fleet's own.
    :param bootstrap: multiaddrs of the fleet's stable members, which every task dials.
    :param edges: live edges that each task needs, where members are in the inventory; 0: nobody looks.
    :param desired_count: a fixed number of tasks; None: the autoscaler decides.
    :param cpu: CPU units of a task.
    :param capacity: what tasks run on.
    :param security_groups: the user's; without any, one is made.
    :param api_from: who may call the API, where the security group is made.
    :param execution_role: ARN of the user's; without one, one is made.
    :param task_role: ARN of the role of the agent itself; without one it has none, and no credentials.
    :param retention: days for which the log is kept.
    :param timeout: seconds in which a deployment has to be complete.
    :param grace: seconds for which a new task's health at the balancer does not count.
    """

    name: str
    cluster: str = ""
    bootstrap: tuple[str, ...] = ()
    edges: int = 1
    desired_count: int | None = None
    autoscaler: Autoscaler = Autoscaler()
    cpu: int = 256
    capacity: Capacity = Capacity()
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()
    api_from: tuple[str, ...] = ()
    public_ip: bool = False
    execution_role: str = ""
    task_role: str = ""
    log_group: str = ""
    retention: int = 30
    minimum_healthy_percent: int = 100
    maximum_percent: int = 200
    circuit_breaker: bool = True
    grace: int = 60
    timeout: int = 1800
    execute_command: bool = False

    @property
    def minimum(self) -> int:
        """The number of tasks to begin with."""
        return self.autoscaler.min if self.desired_count is None else self.desired_count

    @property
    def least(self) -> int:
        """The fewest tasks that any of its limits allows, those of schedules included."""
        if self.desired_count is not None:
            return self.desired_count
        scheduled = [each.min for each in self.autoscaler.schedules if each.min is not None]
        return min([self.autoscaler.min, *scheduled])

    @property
    def fewest(self) -> int:
        """The fewest tasks that there are while there are any; 0 only where there are never any."""
        return self.least if self.desired_count is not None else max(1, self.least)

    @property
    def scales(self) -> bool:
        """Whether the load decides on the number of tasks."""
        return self.desired_count is None


def read_kind(given: Mapping[str, Any], name: str, deployed: bool = True) -> KindSettings:
    """One kind's settings.

    :param given: ``praxis_ecs`` with what ``praxis_ecs_kind`` lays over it.
    :param name: the inventory's name of it.
    :param deployed: whether they have to be enough for a deployment; for a removal they may lack something.
    :raises Failed: with everything that is unknown, missing, or cannot be.
    """
    reader = OptionReader(VARIABLE, "ecs", name)
    for promised in sorted(_OF_SLOTS & set(given)):
        reader.bad(f"{promised} is set, and a task creates a new identity at each start", NO_SLOT)
    values = reader.section("", {key: value for key, value in given.items() if key not in _OF_SLOTS}, _TOP)
    values.setdefault("name", name)
    if fault := _fault_of_name(values["name"]):
        reader.add("name", values["name"], fault)
    if reader.findings:
        raise Failed(*reader.findings)
    values["autoscaler"] = _autoscaler(reader, values.get("autoscaler", {}))
    values["capacity"] = capacity.read(reader, values.get("capacity", capacity.FARGATE))
    values["api_from"] = [as_kept(each) for each in values.get("api_from", ())]
    for several in ("bootstrap", "subnets", "security_groups", "api_from"):
        values[several] = tuple(dict.fromkeys(values.get(several, ())))
    settings = KindSettings(**values)
    if deployed:
        _contradictions(reader, settings, given)
    if reader.findings:
        raise Failed(*reader.findings)
    return settings


def _autoscaler(reader: OptionReader, given: Mapping[str, Any]) -> Autoscaler:
    plain = Autoscaler(**{name: value for name, value in given.items() if name != "schedules"})
    planned = schedules.read(reader, "autoscaler.schedules", given.get("schedules", ()), plain.min, plain.max)
    return replace(plain, schedules=planned)


def _contradictions(reader: OptionReader, settings: KindSettings, given: Mapping[str, Any]) -> None:
    scale = settings.autoscaler
    capacity.contradictions(reader, settings.capacity, settings.cluster, settings.public_ip)
    if not settings.scales and "autoscaler" in given:
        fix = "Remove desired_count (then the autoscaler decides), or remove autoscaler."
        reader.bad("desired_count and autoscaler are both given", fix)
    if scale.min > scale.max:
        reader.bad(f"autoscaler.min is {scale.min} and autoscaler.max {scale.max}", "Make max the larger one.")
    if not settings.bootstrap:
        fix = "Set it to multiaddrs of members on machines (make status shows the members): nobody dials a task."
        reader.bad("bootstrap names no member to dial", fix)
    dialled = len(set(edges.peer_ids(settings.bootstrap)))
    if settings.bootstrap and settings.edges > dialled:
        fix = "Lower edges, or name more members in bootstrap: a task is connected to nobody else."
        reader.bad(f"edges is {settings.edges}, and bootstrap names {dialled} to dial", fix)
    if not settings.subnets:
        reader.bad("subnets is empty", "Set subnets to the ids of the tasks' subnets, in two zones.")
    if settings.security_groups and settings.api_from:
        fix = "Remove api_from and admit the callers in your own groups, or remove security_groups."
        reader.bad("api_from is given, and security groups of yours are not changed", fix)
    fewest = settings.fewest
    # ECS rounds the minimum up and the maximum down, to whole tasks.
    least, most = -(-fewest * settings.minimum_healthy_percent // 100), fewest * settings.maximum_percent // 100
    if fewest and least >= fewest >= most:
        tasks = "1 task" if fewest == 1 else f"{fewest} tasks"
        what = f"minimum_healthy_percent and maximum_percent allow none of {tasks} to be replaced"
        reader.bad(what, "Raise maximum_percent, or lower minimum_healthy_percent: ECS counts in whole tasks.")


def sizes(cpu: int) -> list[int]:
    """The memory that a Fargate task with so much CPU may have, in MiB."""
    least, most, step = SIZES[cpu]
    return list(range(least, most + 1, step)) if step else list(_SMALLEST)


def as_kept(source: str) -> str:
    """A source as EC2 keeps it, which answers networks in their shortest form.

    :raises Failed: it is no network, and no id either.
    """
    return source if _GROUP_OR_LIST.fullmatch(source) else canonical(source)


def _source(value: Any) -> str:
    """What to write instead of a source; empty where it is one."""
    try:
        good = isinstance(value, str) and bool(as_kept(value))
    except Failed:
        good = False
    return "" if good else "Write ids of security groups or prefix lists, or ranges such as 10.0.0.0/8."


def _multiaddr(value: Any) -> str:
    """What to write instead of a multiaddr; empty where it can be dialled."""
    found = _MULTIADDR.fullmatch(value) if isinstance(value, str) else None
    good = found is not None and 0 < int(found[3]) <= _MOST_PORTS
    if found and found[1] in ("ip4", "ip6"):
        try:
            good = good and ipaddress.ip_address(found[2]).version == int(found[1][-1])
        except ValueError:
            good = False
    return "" if good else "Write multiaddrs such as /ip4/10.0.0.5/tcp/4001/p2p/12D3…."


_fault_of_name = matches(_NAME, "Use up to 100 letters, digits, hyphens and underscores.")
_role = matches(_ROLE, "Write the role's ARN.")
_percent = number(1, 1000)
_TOP: Mapping[str, Any] = {
    "name": _fault_of_name,
    "cluster": _fault_of_name,
    "bootstrap": listed(_multiaddr, "texts"),
    "edges": number(0, 32),
    "desired_count": number(0, 5000),
    "autoscaler": {
        "min": number(0, 5000),
        "max": number(1, 5000),
        "cpu": number(1, 100),
        "memory": number(0, 100),
        "requests": number(0, 1000000),
        "scale_in_cooldown": number(0, 86400),
        "scale_out_cooldown": number(0, 86400),
        "schedules": lambda value: "",  # read by themselves
    },
    "cpu": word(tuple(SIZES)),
    "capacity": lambda value: "",  # read by itself
    "subnets": listed(matches(_SUBNET, "Write ids of subnets."), "ids of subnets"),
    "security_groups": listed(matches(_SECURITY_GROUP, "Write ids of security groups."), "ids of security groups"),
    "api_from": listed(_source, "sources"),
    "public_ip": truth,
    "execution_role": _role,
    "task_role": _role,
    "log_group": matches(_GROUP, "Write the log group's name."),
    "retention": word(RETENTION),
    "minimum_healthy_percent": number(0, 100),
    "maximum_percent": number(100, 200),
    "circuit_breaker": truth,
    "grace": number(0, 3600),
    "timeout": number(10, 14400),
    "execute_command": truth,
}
