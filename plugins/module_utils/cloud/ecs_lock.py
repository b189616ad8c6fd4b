# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock of a fleet in ECS: taken, waited for, and given back."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_ecs_kinds import lower_list
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import Invalid, NotFound
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Poll
from ansible_collections.praxis.cloud.plugins.module_utils.ecs import lock
from ansible_collections.praxis.cloud.plugins.module_utils.ecs.lock import Ticket
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import mark
from ansible_collections.praxis.cloud.plugins.module_utils.playbook import Playbook

#: So many numbers below one's own are asked for one by one: a list may not show yet what was registered a moment ago.
NEWEST = 5
#: Seconds in which ECS shows what it has numbered; and in which it takes a registration beside another one.
SHOWN, TAKEN = 15.0, 30.0
_BESIDE = "Too many concurrent attempts"


@dataclass
class EcsLock:
    """One deployment at a time holds it.

    :param deployment: ``run``, ``owner`` and ``reason`` of this one.
    :param seconds: for how long it holds at most.
    :param take_over: the run that is known to be dead.
    :param wait: seconds to wait for another one's end.
    :ivar playbook: what this run works for.
    :ivar mine: this run's own, once it was taken.
    :ivar left: those of runs that had stopped before their end, when it was taken.
    """

    client: AwsClient
    fleet: str
    deployment: Mapping[str, Any]
    seconds: int
    take_over: str = ""
    wait: float = 0.0
    poll: Poll = field(default_factory=lambda: Poll(interval=2.0))
    playbook: Playbook = field(default_factory=Playbook)
    mine: Ticket | None = None
    left: list[Ticket] = field(default_factory=list)

    @contextmanager
    def held(self) -> Iterator[list[Finding]]:
        """Hold it; what others have left behind.

        :raises Failed: ``fleet-locked``: another deployment has it.
        """
        mine, self.left = self._take()
        self.mine = mine
        try:
            yield [lock.unfinished(each) for each in self.left]
        finally:
            if self.playbook.ended:
                self._register(0)  # nobody is told how this run has ended, and the next one is to say so
            self._give_back(mine)

    def seen(self) -> list[Finding]:
        """Who holds it, for a run that needs none. Only reads."""
        return lock.seen(self._there(), time.time(), self.take_over)

    def abandoned(self) -> list[Ticket]:
        """Those of runs that have stopped before their end. Only reads."""
        return lock.abandoned(self._there(), time.time(), self.take_over)

    def _there(self) -> list[Ticket]:
        return [each for name in self._listed() if (each := self._find(name))]

    def _take(self) -> tuple[Ticket, list[Ticket]]:
        end = self.poll.clock() + self.wait
        while True:
            self.playbook.require()
            mine = self._register(self.seconds)
            try:
                others = self._others(mine)
            except BaseException:
                self._give_back(mine)
                raise
            other = lock.holder(mine, others, self.take_over)
            if other is None:
                gone = lock.before(mine, others)
                for each in gone:
                    self._give_back(each)
                return mine, [each for each in gone if each.run != mine.run]
            self._give_back(mine)
            rest = end - self.poll.clock()
            if rest <= 0:
                raise Failed(lock.locked(other, mine.at))
            self._wait_for(other, min(rest, lock.left(other, mine.at)))

    def _wait_for(self, other: Ticket, seconds: float) -> None:
        def ended() -> bool:
            self.playbook.require()
            found = self._find(other.arn)
            return not (found and found.active)

        self.poll.until(ended, bool, seconds=seconds)

    def _register(self, seconds: int) -> Ticket:
        request = lock.definition(self.fleet, self.deployment, seconds)
        tags = lower_list({**mark(self.fleet), "Name": lock.family(self.fleet)})

        def attempt() -> dict[str, Any] | None:
            try:
                return dict(self.client.call("ecs", "register_task_definition", tags=tags, **request))
            except Invalid as error:
                # Somebody registers at this very moment.
                if _BESIDE not in error.finding.what:
                    raise
                return None

        made, _done = self.poll.until(attempt, lambda made: made is not None, seconds=TAKEN)
        if made is None:
            what = "ECS did not register the lock's revision: other runs registered theirs at the same time."
            raise Failed(Finding("fleet-locked", what, lock.family(self.fleet), "Run it again."))
        return lock.ticket(made["taskDefinition"])

    def _others(self, mine: Ticket) -> list[Ticket]:
        """All that may have been there first."""
        family, named = lock.family(self.fleet), self._listed()
        named |= {f"{family}:{number}" for number in range(max(1, mine.revision - NEWEST), mine.revision)}
        return [found for name in sorted(named - {mine.where}) if (found := self._shown(name))]

    def _listed(self) -> set[str]:
        """The active revisions that ECS lists."""
        family = lock.family(self.fleet)
        asked = {"familyPrefix": family, "status": "ACTIVE"}
        listed = [str(arn).rpartition("/")[2] for arn in self.client.paginate("ecs", "list_task_definitions", **asked)]
        return {name for name in listed if name.rpartition(":")[0] == family}

    def _shown(self, name: str) -> Ticket | None:
        """A revision that has a number. One that is not there after a while was deleted for good."""
        found, _done = self.poll.until(lambda: self._find(name), lambda found: found is not None, seconds=SHOWN)
        return found

    def _find(self, named: str) -> Ticket | None:
        try:
            found = self.client.call("ecs", "describe_task_definition", taskDefinition=named)["taskDefinition"]
        except (NotFound, Invalid):
            return None
        return lock.ticket(found)

    def _give_back(self, there: Ticket) -> None:
        self.client.call("ecs", "deregister_task_definition", idempotent=True, taskDefinition=there.arn)
