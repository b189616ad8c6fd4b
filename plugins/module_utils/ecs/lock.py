# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet's lock in ECS: revisions of a task definition that nothing ever runs. Pure.

ECS has no conditional write, but it numbers the revisions of a family: of two registrations at the same moment one has
the lower number. Whoever holds the lowest active revision holds the lock, and everybody else sees it. The only clock is
ECS's, which writes down when a revision was registered.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.ecs.settings import KindSettings
from ansible_collections.praxis.cloud.plugins.module_utils.finding import WARNING, Finding

#: Seconds that a deployment needs beside the waiting for its services.
_REST = 600
#: The code of what a run that stopped before its end has left.
UNFINISHED = "unfinished"


def family(fleet: str) -> str:
    """The lock's family. A kind's name begins with no hyphen, so none of its definitions is called like that."""
    return f"praxis-{fleet}--lock"


def lease(kinds: Sequence[KindSettings]) -> int:
    """Seconds that a deployment may take: each service's own, the way back, and its targets."""
    return sum(2 * kind.timeout + kind.grace for kind in kinds) + _REST


def definition(fleet: str, deployment: Mapping[str, Any], seconds: int) -> dict[str, Any]:
    """The request that registers a revision, without tags.

    :param deployment: ``run``, ``owner`` and ``reason``.
    :param seconds: for which it holds; 0 for a run that has stopped before its end.
    """
    about = {"run": deployment["run"], "owner": deployment["owner"], "reason": deployment["reason"], "lease": seconds}
    environment = [{"name": name, "value": str(value)} for name, value in about.items()]
    container = {"name": "lock", "image": "scratch", "memory": 6, "essential": True, "environment": environment}
    return {"family": family(fleet), "requiresCompatibilities": ["EC2"], "containerDefinitions": [container]}


@dataclass(frozen=True)
class Ticket:
    """One revision.

    :param at: when it was registered, in seconds by ECS's clock.
    :param lease: seconds for which it holds.
    """

    arn: str
    revision: int
    active: bool
    at: float
    run: str
    owner: str
    reason: str
    lease: int

    @property
    def where(self) -> str:
        """What findings call it."""
        return self.arn.rpartition("/")[2]


def ticket(described: Mapping[str, Any]) -> Ticket:
    """A revision as ECS describes it."""
    (container,) = described["containerDefinitions"]
    about = {each["name"]: each["value"] for each in container.get("environment") or ()}
    seconds = about.get("lease", "")
    return Ticket(
        str(described["taskDefinitionArn"]),
        int(described["revision"]),
        described.get("status") == "ACTIVE",
        described["registeredAt"].timestamp(),
        about.get("run", ""),
        about.get("owner", "somebody"),
        about.get("reason", "deployment"),
        int(seconds) if seconds.isdigit() else 0,
    )


def left(there: Ticket, now: float) -> float:
    """Seconds for which it still holds."""
    return there.at + there.lease - now


def before(mine: Ticket, others: Sequence[Ticket]) -> list[Ticket]:
    """Those that were there first and have not been given back."""
    return [each for each in others if each.active and each.revision < mine.revision]


def holder(mine: Ticket, others: Sequence[Ticket], take_over: str = "") -> Ticket | None:
    """Who has the lock in place of this run; None when it has it itself.

    :param take_over: the run that is known to be dead.
    """
    dead = (take_over, mine.run)  # an own one whose registration was answered late
    alive = [each for each in before(mine, others) if left(each, mine.at) > 0 and each.run not in dead]
    return min(alive, key=lambda each: each.revision) if alive else None


def locked(there: Ticket, now: float) -> Finding:
    """That another run is at work."""
    what = f"Deployment {there.run} of {there.owner} ({there.reason}) is at work"
    what += f"; its lock ends by itself in {left(there, now):.0f} s."
    fix = "Wait for its end (-e praxis_lock_wait=SECONDS). If you know that it is dead: "
    return Finding("fleet-locked", what, there.where, f"{fix}-e praxis_take_over={there.run}.")


def abandoned(others: Sequence[Ticket], now: float, take_over: str = "") -> list[Ticket]:
    """The locks of runs that have stopped before their end.

    :param now: by the clock of who asks, which is not ECS's.
    :param take_over: the run that is known to be dead.
    """
    active = sorted((each for each in others if each.active), key=lambda each: each.revision)
    return [each for each in active if left(each, now) <= 0 or each.run == take_over]


def seen(others: Sequence[Ticket], now: float, take_over: str = "") -> list[Finding]:
    """What a run says that needs no lock itself: who holds it, and since when; and who stopped before its end. The
    parameters are those of :func:`abandoned`."""
    dead = abandoned(others, now, take_over)
    alive = sorted((each for each in others if each.active and each not in dead), key=lambda each: each.revision)
    return [*map(unfinished, dead), *(at_work(each, now) for each in alive[:1])]


def at_work(there: Ticket, now: float) -> Finding:
    """That another run is at work, for one that only observes."""
    since = datetime.datetime.fromtimestamp(there.at, datetime.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    refused = locked(there, now)
    what = refused.what.replace("is at work", f"is at work since {since}")
    return replace(refused, what=what, level=WARNING)


def unfinished(there: Ticket) -> Finding:
    """That a run has stopped before its end: its time is over, or somebody knows that it is dead."""
    what = f"Deployment {there.run} of {there.owner} ({there.reason}) stopped before its end."
    fix = "Nothing to do if this run ended well; else deploy again, or roll back (make rollback)."
    return Finding(UNFINISHED, what, there.where, fix, WARNING)
