# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast a release may spread, its batches forward and back, and who is watched meanwhile. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Collection, Dict, List, Mapping, Optional, Sequence, Union

from ansible_collections.praxis.cloud.plugins.module_utils.fleet.outcomes import serving
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.table import Table

#: A number of members, or a percentage of the fleet: ``2``, ``"25%"``.
Share = Union[int, str]
#: Members that a host has observed again before its batch, at most: they are asked one after the other.
WATCHED = 8


@dataclass(frozen=True)
class Pace:
    """How fast a release may spread.

    :param batch: members that are activated at a time.
    :param canary: members of the first batch.
    :param min_available: members that stay in service; None: all that can be reached but a batch.
    :param max_unreachable: members that are left out when they cannot be reached; with more of them nothing is done.
    """

    batch: Share = 1
    canary: int = 1
    min_available: Optional[Share] = None
    max_unreachable: int = 0

    def size(self, total: int) -> int:
        """Members of a batch in a fleet of so many."""
        return max(1, _share(self.batch, total))

    def batches(self, total: int, alone: int = 0) -> int:
        """Batches that a fleet of so many is at most split into, zones apart.

        :param alone: those of them that are activated each alone.
        """
        size = self.size(total)
        alone = alone if size < total else 0
        rest = max(0, total - alone - min(self.canary, size))
        return -(-rest // size) + alone + (1 if total > alone else 0)

    def floor(self, known: int, whole: int) -> int:
        """Members that have to stay in service.

        :param known: those that can be reached, of the ``whole`` fleet. A batch is as large as the fleet says.
        """
        if self.min_available is None:
            return max(0, known - self.size(whole))
        return _share(self.min_available, known, up=True)


def _share(value: Share, total: int, up: bool = False) -> int:
    """So many, or that percentage of the total, rounded down or up."""
    if isinstance(value, int):
        return value
    hundredths = total * int(value.rstrip("%"))
    return -(-hundredths // 100) if up else hundredths // 100


def split(table: Table, names: Sequence[str], pace: Pace, broken: Collection[str] = ()) -> List[List[str]]:
    """Batches of these members, in their order: the canary, then so many at a time, then each alone those that others
    depend on.

    No batch takes all members of a zone, if the zone has several and the fleet has several zones. Neither holds when
    all of the fleet is asked for at once.

    :param broken: those that do not serve: nobody can depend on one of them now.
    """
    total = len(table.members)
    size = pace.size(total)
    alone = [name for name in names if size < total and table.members[name].last and name not in broken]
    alone.sort(key=lambda name: table.members[name].last)
    zones: Dict[str, int] = {}
    for member in table.members.values():
        zones[member.zone] = zones.get(member.zone, 0) + 1
    left = [name for name in names if name not in alone]
    found: List[List[str]] = []
    while left:
        most = min(size, pace.canary) if not found else size
        batch: List[str] = []
        taken: Dict[str, int] = {}
        for name in left:
            zone = table.members[name].zone
            empties = len(zones) > 1 and size < total and 1 < zones[zone] == taken.get(zone, 0) + 1
            if not empties:
                batch.append(name)
                taken[zone] = taken.get(zone, 0) + 1
            if len(batch) == most:
                break
        left = [name for name in left if name not in batch]
        found.append(batch)
    return found + [[name] for name in alone]


def roll_back(
    table: Table,
    touched: Collection[str],
    observations: Mapping[str, Mapping[str, Any]],
    pace: Pace,
    out: Collection[str] = (),
    worst: Collection[str] = (),
    new: Collection[str] = (),
    floor: int = 0,
) -> List[List[str]]:
    """The members to roll back, in batches: those that do not serve all at once, for nothing is lost by it, then those
    that are out of service, then those that crash, the others, and the new ones, each as they would be activated; but
    fewer at a time, where so many could not leave.

    :param out: the batch that failed: it has not been put into service again, and nobody puts it in with that release.
    :param worst: those whose agents have been started again. They may be out of service, too, and nobody puts them in:
        too few others may be left for anybody else to leave.
    :param new: those that have nothing to go back to: they serve until the others have gone back.
    :param floor: members, of those that were observed, that have to stay in service.
    """
    well = serving(table, observations)
    names = [name for name in table.order if name in touched]
    # Who is down and is rolled back serves again by then, as far as anybody knows.
    able = well.union(name for name in names if name in observations and name not in new)
    size = max(1, min(pace.size(len(table.members)), len(able) - floor))
    broken = [name for name in names if name not in well]
    idle = [name for name in names if name in well and name in out]
    serve = [name for name in names if name in well and name not in out]
    whole = replace(pace, batch=size, canary=size)
    turn = {name: 0 if name in worst else 2 if name in new else 1 for name in serve}
    found = [group for group in (broken, idle) if group]
    for number in range(3):
        found += split(table, [name for name in serve if turn[name] == number], whole)
    return found


def watch(groups: Sequence[Sequence[str]]) -> Dict[str, List[str]]:
    """Who is observed again before a batch: the earlier batches, but for the last one, which has just been.

    Each host of the batch is given its share. Of a large share a part is taken, another one each time.
    """
    found: Dict[str, List[str]] = {}
    for number, group in enumerate(groups):
        earlier = [name for before in groups[: max(0, number - 1)] for name in before]
        for place, name in enumerate(group):
            share = earlier[place :: len(group)]
            step = max(1, -(-len(share) // WATCHED))
            found[name] = share[number % step :: step]
    return found
