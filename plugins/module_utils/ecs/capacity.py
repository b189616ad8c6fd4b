# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``praxis_ecs.capacity``: what tasks run on. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.option_reader import OptionReader

FARGATE, SPOT, EC2 = "FARGATE", "FARGATE_SPOT", "EC2"
_OF_FARGATE = (FARGATE, SPOT)
_KEYS = ("provider", "weight", "base")
_MOST_WEIGHT, _MOST_BASE, _MOST = 1000, 100000, 20
_FIX = "Write FARGATE, FARGATE_SPOT, EC2, a capacity provider's name, or a list of provider, weight and base."


@dataclass(frozen=True, order=True)
class Provider:
    """One capacity provider of a strategy.

    :param weight: its share of the tasks beyond the base.
    :param base: how many tasks are its before any other's.
    """

    provider: str
    weight: int = 1
    base: int = 0

    def request(self) -> dict[str, Any]:
        """As AWS takes it."""
        return {"capacityProvider": self.provider, "weight": self.weight, "base": self.base}


@dataclass(frozen=True)
class Capacity:
    """What tasks run on: the providers of a strategy, or the cluster's own instances by the launch type EC2.

    :param providers: none: the launch type EC2.
    """

    providers: tuple[Provider, ...] = (Provider(FARGATE),)

    @property
    def fargate(self) -> bool:
        """Whether all tasks run on Fargate."""
        return bool(self.providers) and all(each.provider in _OF_FARGATE for each in self.providers)

    @property
    def strategy(self) -> list[dict[str, Any]]:
        """As a service has it: in the order of the names."""
        return [each.request() for each in sorted(self.providers)]


def read(reader: OptionReader, given: Any) -> Capacity:
    """The capacity that ``praxis_ecs`` names; what is wrong with it is the reader's."""
    if given == EC2:
        return Capacity(())
    entries = [{"provider": given}] if isinstance(given, str) else given
    if not isinstance(entries, (list, tuple)) or not entries or len(entries) > _MOST:
        reader.add("capacity", given, _FIX)
        return Capacity()
    found = [each for each in (_provider(reader, entry) for entry in entries) if each]
    names = [each.provider for each in found]
    if len(set(names)) < len(names):
        reader.bad("capacity has a provider twice", "Give each provider one entry.")
    if len({each.provider in _OF_FARGATE for each in found}) > 1:
        reader.bad("capacity mixes Fargate with instances", "ECS allows one of them in a kind: write one kind for "
                                                            "each.")
    if sum(each.base > 0 for each in found) > 1:
        reader.bad("capacity has several bases", "ECS allows one: set base for a single provider.")
    if found and not any(each.weight for each in found):
        reader.bad("capacity gives no provider a weight", "Set weight to 1 or more for at least one provider.")
    return Capacity(tuple(found) or Capacity().providers)


def _provider(reader: OptionReader, entry: Any) -> Provider | None:
    known = isinstance(entry, Mapping) and set(entry) <= set(_KEYS)
    name = entry.get("provider") if known else None
    if not isinstance(name, str) or not name or name == EC2:
        reader.add("capacity", entry, _FIX)
        return None
    numbers = {}
    for key, most in (("weight", _MOST_WEIGHT), ("base", _MOST_BASE)):
        value = entry.get(key, getattr(Provider, key))
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
            reader.add(f"capacity.{key}", value, f"Write a whole number from 0 to {most}.")
            return None
        numbers[key] = value
    return Provider(name, **numbers)


def contradictions(reader: OptionReader, capacity: Capacity, cluster: str, public_ip: bool) -> None:
    """What instances cannot have, and need."""
    if capacity.fargate:
        return
    if not cluster:
        fix = "Set praxis_ecs.cluster to the cluster that has the instances."
        reader.bad("capacity asks for instances, and the cluster that deploy.yml creates has none", fix)
    if public_ip:
        fix = "Remove public_ip; tasks on instances reach ECR through a NAT gateway or VPC endpoints."
        reader.bad("public_ip is true, and a task on an instance has no public address", fix)


def fixed(capacity: Capacity, described: Mapping[str, Any], where: str) -> list[Finding]:
    """That a service would have to change between the launch type EC2 and a strategy, which is not done in place.

    :param described: the service as AWS describes it; empty: there is none.
    """
    if not described:
        return []
    instances = not described.get("capacityProviderStrategy") and described.get("launchType") == EC2
    if instances == (not capacity.providers):
        return []
    what = "The service runs by %s, and praxis_ecs.capacity asks for %s." % (
        ("the launch type EC2", "capacity providers") if instances else ("capacity providers", "the launch type EC2")
    )
    fix = "Give the new service another name (praxis_ecs.name) and remove this one later; or use a capacity provider."
    return [Finding("capacity-fixed", what, where, fix)]
