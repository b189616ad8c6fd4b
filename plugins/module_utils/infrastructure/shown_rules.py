# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A security group's rules as plans show them: whom each admits, and whether one admits all that another does. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_network

from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.settings import is_within

#: As ``str(Rule)`` writes it (aws_rules.py).
_SHOWN = re.compile(r"(-?\w+) (-?\d+)(?:-(\d+))? from (.+?)(?: \((.*)\))?")
#: All protocols, and so all ports.
_ALL = "-1"
WHOLE_IPV4 = "0.0.0.0/0"


@dataclass(frozen=True)
class Shown:
    """One rule.

    :param words: its description, which admits nobody.
    """

    protocol: str
    first: int
    last: int
    source: str
    words: str = ""

    @property
    def admitted(self) -> tuple[str, int, int, str]:
        """Whom it lets in where."""
        return self.protocol, self.first, self.last, self.source

    def includes(self, other: Shown) -> bool:
        """Whether it admits all that the other one does."""
        ports = self.first <= other.first and other.last <= self.last
        fits = self.protocol == _ALL or (self.protocol == other.protocol and ports)
        return fits and (self.source == other.source or within(other.source, self.source))


def read(text: str) -> Shown | None:
    """The rule of a text; None where it is none."""
    found = _SHOWN.fullmatch(text)
    if not found:
        return None
    protocol, first, last, source, words = found.groups()
    return Shown(protocol, int(first), int(last or first), source, words or "")


def within(source: str, network: str) -> bool:
    """Whether all of a source is in a network. Of a group's machines it is known only of the whole of IPv4."""
    if "/" not in network:
        return False
    if "/" not in source:
        return network == WHOLE_IPV4
    return is_within(ip_network(source), ip_network(network))
