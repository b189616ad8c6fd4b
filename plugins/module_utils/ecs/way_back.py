# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which kinds a rollback takes back: those that the last run has moved. Pure.

Each revision of a task definition carries the run that has deployed it last, with the number of that run's lock. ECS
gives these numbers, so a later run has a higher one, whatever the controllers' clocks say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.praxis.cloud.plugins.module_utils.ecs.lock import Ticket

#: The tag of a task definition that names the run.
RUN_TAG = "praxis_run"
#: The reason in the lock of a rollback.
ROLLBACK = "rollback"


@dataclass(frozen=True, order=True)
class Run:
    """A run that deployed.

    :param number: of its lock; 0: none is known.
    """

    number: int = 0
    ident: str = ""

    @property
    def tags(self) -> dict[str, str]:
        """By which a revision names it."""
        return {RUN_TAG: f"{self.number}:{self.ident}"} if self.number else {}


#: Where none is known.
NOBODY = Run()


def run_of(tags: Mapping[str, str]) -> Run:
    """The run that a revision names. One of before that, or one that others registered, names none."""
    number, _colon, ident = tags.get(RUN_TAG, "").partition(":")
    return Run(int(number), ident) if number.isdecimal() else NOBODY


@dataclass(frozen=True)
class Stand:
    """Where a service is.

    :param run: that has deployed what it runs.
    :param good: whether that deployment was complete; else it goes back whoever deployed it.
    :param newest: the run that has deployed the newest revision there is.
    """

    run: Run
    good: bool
    newest: Run


def moved(stands: Mapping[str, Stand], left: Sequence[Ticket] = ()) -> set[str]:
    """The services to take back.

    A run that stopped before its end is the last one: what it has moved goes back, and what it had not come to stays. A
    rollback that stopped is continued: what still runs the last deployment goes back, and the rest is there already.

    :param stands: by the service's name.
    :param left: the locks that such runs have left.
    """
    dead = {each.run for each in left}
    back = {name for name, each in stands.items() if not each.good or each.run.ident in dead}
    if not left:
        # Where no revision names a run, all are of one.
        last = max((each.run for each in stands.values()), default=NOBODY)
    elif any(each.reason == ROLLBACK for each in left):
        last = max((each.newest for each in stands.values()), default=NOBODY)
    else:
        return back
    return back | {name for name, each in stands.items() if each.run == last and (last.number or not left)}
