# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of a fleet's two security groups, worked out of ports and networks. Pure."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.resource import Ref
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.settings import Open, networks

#: The service by which the Service Quotas API knows the quotas, and the code of each.
QUOTA_SERVICE = "vpc"
QUOTAS = {"rules": "L-0EA8095F", "groups": "L-2AFB9258"}
#: What is reported of more than the quotas allow.
OVER_QUOTA = ("rules-over-quota", "groups-over-quota")

_P2P, _API, _SSH = "Peer to peer with members elsewhere", "API from named networks", "SSH"
_THROUGH = "API through the load balancer"
#: By the reason of rules, how to have fewer of them.
_FEWER = {
    _P2P: "Give the members in the other networks addresses in one network (a NAT gateway, a tunnel), and set "
          "praxis_p2p_from to it in place of praxis_p2p_plaintext_across",
    _API: "Name fewer and larger networks in praxis_api_from",
    _SSH: "Name fewer and larger networks in praxis_ssh_from",
    _THROUGH: "Name fewer and larger networks in praxis_balancer_from: each counts for every port",
}
_FEWER_GROUPS = "List fewer groups that may reach the API"


@dataclass(frozen=True)
class Quotas:
    """What an account allows: AWS's own defaults. An account may have higher ones.

    :param rules: inbound rules a group, for IPv4 and IPv6 each.
    :param groups: security groups a machine's network interface.
    """

    rules: int = 60
    groups: int = 5


@dataclass(frozen=True)
class Rule:
    """Who may open which TCP ports.

    :param source: a network, the id of a security group, or a reference to one.
    :param protocol: ``tcp``; what is found may have others, and port ranges.
    """

    port: int
    source: str | Ref
    why: str = ""
    last: int = -1
    protocol: str = "tcp"

    def __str__(self) -> str:
        ports = str(self.port) if self.last in (-1, self.port) else f"{self.port}-{self.last}"
        return f"{self.protocol} {ports} from {self.source}" + (f" ({self.why})" if self.why else "")

    @property
    def is_network(self) -> bool:
        """Whether the source is a network."""
        return isinstance(self.source, str) and "/" in self.source


def member_rules(open_: Open, member: Ref, balancer: Ref | None) -> list[Rule]:
    """The rules of the members' group.

    :param balancer: the load balancer's group, when it is one of ours.
    """
    rules = [Rule(open_.p2p_port, member, "Peer to peer between members")]
    groups = [balancer] if balancer else []
    rules += [Rule(open_.api_port, group, "API from the load balancer") for group in groups]
    rules += [Rule(open_.api_port, group, "API from the load balancer") for group in sorted(set(open_.api_from_groups))]
    rules += _rules(open_.p2p_port, open_.p2p_from, _P2P)
    rules += _rules(open_.api_port, open_.api_from, _API)
    return rules + _rules(22, [open_.inside, *open_.ssh_from], _SSH)


def balancer_rules(open_: Open) -> list[Rule]:
    """The rules of the load balancer's group."""
    inside = [open_.inside, *open_.balancer_from]
    return [rule for port in open_.listener_ports for rule in _rules(port, inside, _THROUGH)]


def _rules(port: int, named: Iterable[str], why: str) -> list[Rule]:
    return [Rule(port, network, why) for network in networks(named)]


def fitted(rules: Sequence[Rule], quota: int) -> list[Rule]:
    """The same rules, adjacent networks merged into one where there are more than the quota allows.

    Merging admits exactly whom the rules admit. What fits is left as it is.
    """
    if rule_count(rules) <= quota:
        return list(rules)
    merged = [rule for rule in rules if not rule.is_network]
    for port, why in dict.fromkeys((rule.port, rule.why) for rule in rules if rule.is_network):
        sources = [str(rule.source) for rule in rules if rule.is_network and (rule.port, rule.why) == (port, why)]
        v4 = ipaddress.collapse_addresses(ipaddress.IPv4Network(each) for each in sources if ":" not in each)
        v6 = ipaddress.collapse_addresses(ipaddress.IPv6Network(each) for each in sources if ":" in each)
        merged += [Rule(port, str(each), why) for each in (*v4, *v6)]
    return merged


def overlap(one: Rule, other: Rule) -> bool:
    """Whether both admit somebody alike to the same ports."""
    if (one.protocol, one.port, one.last) != (other.protocol, other.port, other.last):
        return False
    if not (one.is_network and other.is_network):
        return one.source == other.source
    first, second = (ipaddress.ip_network(str(each.source), strict=False) for each in (one, other))
    return first.overlaps(second)


def rule_count(rules: Iterable[Rule]) -> int:
    """How many rules AWS counts of the kind of address that has more: a group as a source counts for both."""
    rules = list(rules)
    groups = sum(not rule.is_network for rule in rules)
    v6 = sum(rule.is_network and ":" in str(rule.source) for rule in rules)
    return groups + max(v6, len(rules) - groups - v6)


def too_many_groups(groups: Sequence[str], quota: int) -> Finding | None:
    """A finding when machines would be in more groups than the account allows."""
    if len(groups) <= quota:
        return None
    what = (
        f"A machine would be in {len(groups)} security groups, and the account allows {quota} (quota "
        f"{QUOTAS['groups']}, security groups per network interface): {', '.join(groups)}."
    )
    fix = (
        "Name fewer groups, with the rules of several in one, or request a higher quota (up to 16) in Service Quotas."
    )
    return Finding("groups-over-quota", what, "praxis_security_groups", fix)


def too_many(name: str, rules: Sequence[Rule], quota: int) -> Finding | None:
    """A finding when a group would have more rules than the account allows."""
    number = rule_count(rules)
    if number <= quota:
        return None
    most = Counter(rule.why for rule in rules).most_common(1)[0][0]
    ports = [rule.port for rule in rules if rule.why == most]
    named = ", ".join(map(str, sorted({*ports})))
    what = (
        f"The security group would have {number} rules, and the account allows {quota} in a group (quota "
        f"{QUOTAS['rules']}, inbound rules per security group): {len(ports)} of them are "
        f"port{'s' * (len({*ports}) > 1)} {named}, {most}."
    )
    fix = f"{_FEWER.get(most, _FEWER_GROUPS)}, or request a higher quota in Service Quotas."
    return Finding("rules-over-quota", what, f"security group {name}", fix)
