# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which members others depend on: they are activated last, each alone. Pure.

The mesh says nothing of it: in a full mesh, and on the rings of a large fleet, all members have about the same number
of edges. What tells them apart is whose address stands in the settings of others: an MCP endpoint, an agent's URL.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Dict, Iterator, List, Mapping, Set

from ansible_collections.praxis.cloud.plugins.module_utils.agent.checks import texts
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.release import Release

if TYPE_CHECKING:  # the plan is made with this file
    from ansible_collections.praxis.cloud.plugins.module_utils.fleet.table import Member

#: What a member's ``praxis_activate`` may say: as others' settings have it; last in any case; like everybody.
AUTO, LAST, ANY = WORDS = ("auto", "last", "any")
_WORD = re.compile(r"[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*")
_HOST = re.compile(r"(?:://(?:[^/@\s]*@)?|/dns[46]?/)([A-Za-z0-9._-]+)")


def dependents(members: Mapping[str, Member], releases: Mapping[str, Release]) -> Dict[str, Set[str]]:
    """By member, the others whose settings or plain variables name its address, its peer id, or its name as a host.

    Values of secrets are not known here.
    """
    by_word: Dict[str, List[str]] = {}
    for name, member in members.items():
        for word in {*member.addresses, member.public_address, member.peer_id or ""}.difference([""]):
            by_word.setdefault(word, []).append(name)
    by_name = {name.lower(): name for name in members}
    found: Dict[str, Set[str]] = {name: set() for name in members}
    for name, release in releases.items():
        here = members[name]
        for text in texts([dict(release.settings), dict(release.environment)]):
            named = [by_name[host] for host in _hosts(text) if host in by_name]
            for word in set(_WORD.findall(text)):
                named += [other for other in by_word.get(word, []) if _means(word, members[other], here)]
            for other in named:
                found[other].add(name)
    return {name: others.difference([name]) for name, others in found.items()}


def places(members: Mapping[str, Member], releases: Mapping[str, Release]) -> Dict[str, int]:
    """By member, its place among those that are activated last, each alone, the greatest last; 0: not one of them.

    Where others depend on all members alike, nobody is one of them for that.
    """
    counts = {name: len(others) for name, others in dependents(members, releases).items()}
    least = min(counts.values(), default=0)
    found = {}
    for name, member in members.items():
        more = counts[name] if counts[name] > least else 0
        found[name] = {AUTO: more, LAST: len(members) + counts[name], ANY: 0}[member.activate]
    return found


def _means(word: str, member: Member, here: Member) -> bool:
    """Whether a word in the settings of a member is about another one: two networks may use the same addresses."""
    return word in (*member.seen_from(here), member.public_address, member.peer_id)


def _hosts(text: str) -> Iterator[str]:
    """The hosts of the URLs and multiaddrs in a text, each with the shorter names that it begins with."""
    for host in _HOST.findall(text.lower()):
        parts = host.split(".")
        for end in range(len(parts), 0, -1):
            yield ".".join(parts[:end])
