# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which deployment holds a fleet, from what its hosts remember (module_utils/deployment.py). Pure.

One host keeps the lock, and beside it whoever kept that of an earlier deployment: an inventory with other members has
another first one. The others remember the newest deployment that made a step there. So a deployment is at work as long
as it has not given the lock back, its process is not known to be gone, and one of the hosts still has to wait for it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Callable, Collection, Dict, List, Mapping, Optional, Set, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils import deployment
from ansible_collections.praxis.cloud.plugins.module_utils.agent.grouping import listed
from ansible_collections.praxis.cloud.plugins.module_utils.finding import ERROR, WARNING, Finding

Record = Mapping[str, Any]
#: Hosts that a message names one by one.
_NAMED = 3
#: Whether a process is there: True, False, or None for one on another machine.
Alive = Callable[[Mapping[str, Any]], Optional[bool]]


@dataclass(frozen=True)
class Holder:
    """A deployment that has not said that it is at its end.

    :param record: what the host remembers that has to wait for it longest.
    :param where: that host.
    :param now: that host's clock.
    :param gone: why it need not be waited for; empty: it is at work.
    """

    record: Record
    where: str
    now: float
    gone: str

    @property
    def run(self) -> str:
        return str(self.record["run"])

    @property
    def stopped(self) -> str:
        """The deployment that has not ended, which may be one before this."""
        return deployment.stopped(self.record)

    @property
    def left(self) -> Optional[Record]:
        """The record of what has not ended; None: a person has locked the fleet, and there is nothing beneath. Its last
        step on this host may be over: what the host says that keeps the lock counts."""
        return deployment.beneath({**self.record, "ended": False})

    def locked(self) -> Finding:
        """It is at work, and this run must not be."""
        return deployment.locked(self.record, self.where, self.now)

    @property
    def by_hand(self) -> bool:
        """Whether a person has locked the fleet, and no deployment."""
        return deployment.is_by_hand(self.record)

    def at_work(self) -> Finding:
        """The same, for a run that only observes."""
        if self.by_hand:
            return replace(self.locked(), level=WARNING)
        what = "Deployment %s of %s is at work, or stopped before its lease ends." % (self.run, self.record["owner"])
        fix = "Run this playbook again when that deployment has ended."
        return Finding("deploying", what, self.where, fix, level=WARNING)

    def taken_over(self, beyond: Collection[str] = (), goal: str = "") -> Finding:
        """This run goes on where it stopped.

        :param beyond: the members outside this run, or left out of it: their hosts are not asked what is left there.
        :param goal: where this run goes, if it is a rollback: it may be that for this reason alone.
        """
        what = self._stopped() + " This run has taken the fleet over from it, and continues from there."
        fix = "Nothing to do: this run continues from there. The output of that deployment says how far it came."
        if goal:
            what = self._stopped() + " This rollback has taken the fleet over from it, and goes to %s." % goal
            fix = "Nothing to do, if that is where the fleet should be: a rollback without praxis_to undoes what did "
            fix += "not end, and goes no further back. Else: rollback.yml -e praxis_to=ID (history.yml lists them)."
        if beyond:
            what += (
                " It changes nothing on %s: where that deployment had not called its release good, the host rolls "
                "itself back." % listed(sorted(beyond), _NAMED)
            )
            there = "status.yml says which hosts roll back, and when (unconfirmed)."
            fix = "%s %s" % (fix, there) if goal else there + " To prevent it, deploy to all hosts."
        return Finding("taken-over", what, self.where, fix, level=WARNING)

    def unfinished(self) -> Finding:
        """It stopped, and nobody has gone on since."""
        fix = "Deploy again: the next run continues where it stopped. Or undo that deployment: rollback.yml."
        return Finding("unfinished", self._stopped(), self.where, fix, level=WARNING)

    def refused(self) -> Finding:
        """It stopped, and this run may not continue from there."""
        fix = "To continue from there: deploy with -e praxis_unfinished=continue. To undo it: rollback.yml."
        return Finding("unfinished", self._stopped(), self.where, fix)

    def overlooked(self) -> Finding:
        """It stopped, and no host by which this rollback was planned knows of it."""
        what = self._stopped() + " No host of this run took part in it, so they would go back further than the others."
        fix = "Run rollback.yml without --limit: it undoes that deployment. Or name where to go: -e praxis_to=ID."
        return Finding("unfinished", what, self.where, fix)

    def _stopped(self) -> str:
        return "Deployment %s of %s did not end: %s." % (self.run, self.record["owner"], self.gone)


def records_of(observations: Mapping[str, Mapping[str, Any]]) -> Dict[str, Tuple[Record, float]]:
    """What the hosts remember, and their clocks. Where a person's lock is over, what it lies upon counts again."""
    there = {name: observation for name, observation in observations.items() if observation.get("deployment")}
    clocks = {name: float(one["host"]["clock"]) for name, one in there.items()}
    return {name: (_uncovered(one["deployment"], clocks[name]), clocks[name]) for name, one in there.items()}


def _uncovered(record: Record, now: float) -> Record:
    under: Optional[Record] = record.get("under")
    if under is None or not (record["ended"] or record["expires"] <= now):
        return record
    # The person took the fleet over from it, so nobody waits for it.
    return {**under, "expires": min(under["expires"], record["at"])}


def without_persons(observations: Mapping[str, Mapping[str, Any]]) -> Dict[str, Mapping[str, Any]]:
    """What the hosts would say had no person locked the fleet since the last deployment."""
    found: Dict[str, Mapping[str, Any]] = {}
    for name, seen in observations.items():
        record = seen.get("deployment") or {}
        found[name] = {**seen, "deployment": record["under"]} if record.get("under") else seen
    return found


def top(observations: Mapping[str, Mapping[str, Any]]) -> int:
    """The greatest fence number that a host remembers; 0 when there has been no deployment."""
    records = (observation.get("deployment") or {"fence": 0} for observation in observations.values())
    return max((int(record["fence"]) for record in records), default=0)


def holder(observations: Mapping[str, Mapping[str, Any]], alive: Alive, take_over: str = "") -> Optional[Holder]:
    """The newest deployment, unless it has ended.

    :param take_over: the id of a deployment that the user knows to be dead.
    """
    records = records_of(observations)
    highest = max((record["fence"] for record, _now in records.values()), default=0)
    newest = {name: found for name, found in records.items() if found[0]["fence"] == highest}
    kept_by = [name for name, (record, _now) in newest.items() if record["lock_host"] == name]
    open_runs = {newest[name][0]["run"] for name in kept_by or newest if not newest[name][0]["ended"]}
    if not open_runs:
        return None
    newest = {name: found for name, found in newest.items() if found[0]["run"] in open_runs}
    # Who left the fleet as it was found has said so on the hosts that keep the lock: the others had steps before that.
    left = [name for name in kept_by if name in newest and _is_left(newest[name][0])]
    longest = max(left or newest, key=lambda name: newest[name][0]["expires"] - newest[name][1])
    record, now = newest[longest]
    if deployment.is_by_hand(record) and record["expires"] <= now:
        return None  # nothing was begun, so nothing is left
    there = alive(record["process"])
    gone = ""
    if there is False:
        gone = "its process is gone"
    elif record["expires"] <= now:
        gone = "it has been silent for %d s, longer than its lease" % (now - record["at"])
    elif record["run"] == take_over:
        gone = "praxis_take_over names it"
    return Holder(record, longest, now, gone)


def _is_left(record: Record) -> bool:
    """Whether a deployment has left the fleet as it was found, and nobody has to wait for it."""
    return bool(record["expires"] <= record["at"]) and not record["ended"]


def watched(holder: Holder, observations: Mapping[str, Mapping[str, Any]], others: Collection[str] = ()) -> str:
    """The member whose host is the last to know that a deployment has ended: those that keep the lock give it back in
    the order of their names. On any other host it may have ended long before.

    :param others: members that were not asked, and can be.
    """
    records = records_of(observations)
    of_it = {name: record for name, (record, _now) in records.items() if record["run"] == holder.run}
    keepers = {name for name, record in of_it.items() if record["lock_host"] == name}
    named = {str(record["lock_host"]) for record in of_it.values()}.intersection(others)
    return max(keepers or named, default=holder.where)


def other(
    observations: Mapping[str, Mapping[str, Any]], alive: Alive, run: str, take_over: str = ""
) -> Optional[Holder]:
    """The same, unless it is this one.

    :param run: this deployment's id.
    """
    found = holder(observations, alive, take_over)
    return None if found is None or found.run == run else found


def begun(observations: Mapping[str, Mapping[str, Any]], run: str) -> bool:
    """Whether a host remembers a step of another deployment that has not ended there. Though that deployment may be
    gone, or at its end, the step may be waiting on the host still.

    :param run: this deployment's id.
    """
    records = (record for record, _now in records_of(observations).values())
    return any(not (one["ended"] or one["run"] == run or deployment.is_by_hand(one)) for one in records)


def unknown(members: Collection[str], observations: Mapping[str, Any], forced: bool) -> Optional[Finding]:
    """That hosts did not say who holds the fleet, any of which may keep the lock; None when all did.

    :param forced: the user wants to go on all the same: a warning.
    """
    silent = sorted(set(members) - set(observations))
    if not silent:
        return None
    what = "It is not known who holds the fleet's lock: no answer from %s." % listed(silent, _NAMED)
    fix = "Start or repair these machines. If you know that no other run changes this fleet: -e praxis_force=true."
    return Finding("lock-unknown", what, "fleet lock", fix, level=WARNING if forced else ERROR)


def by_hand(
    observations: Mapping[str, Mapping[str, Any]], members: Collection[str], person: Mapping[str, Any], lease: float
) -> Dict[str, Any]:
    """What a person asks the first member's host for, to lock the fleet: the option ``deployment``.

    :param person: ``run``, ``owner`` and ``reason``; its process is left out, for others to see none.
    :param lease: seconds for which it is locked.
    """
    return {**person, "process": {}, "lock_host": min(members), "fence": top(observations) + 1, "lease": lease}


def keepers(
    members: Collection[str], scope: Collection[str], observations: Mapping[str, Mapping[str, Any]]
) -> List[str]:
    """The members whose hosts may keep the lock: those that have to (:func:`shared`), or where they are not of this run
    and cannot be reached, the first that is."""
    return sorted({*shared(members, observations), min(scope)}) if members and scope else []


def shared(members: Collection[str], observations: Mapping[str, Mapping[str, Any]]) -> Set[str]:
    """The members whose hosts have to keep the lock: the first by name, so that every run asks the same one, and those
    that hosts name as the keeper of an earlier deployment's. For a run with other members, the first is another one."""
    named = {str(record["lock_host"]) for record, _now in records_of(observations).values()}
    return {min(members), *named.intersection(members)}
