# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet that a person locks and unlocks. It is the lock that deployments take, with nobody's process behind it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Callable, Collection, Dict, Mapping

from ansible.utils.display import Display

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import clocks, lock
from ansible_collections.praxis.cloud.plugins.plugin_utils import controller, screen

#: From a host and options of fleet_lock to the module's answer there. A host that cannot be asked is one that failed.
Ask = Callable[[str, Dict[str, Any]], Dict[str, Any]]


class PersonLock:
    """The lock as a person takes it and gives it back, and what the person reads of that.

    :param observations: by member, what its host remembers.
    :param check_mode: whether the host only says what would be.
    """

    def __init__(
        self, display: Display, ask: Ask, observations: Mapping[str, Mapping[str, Any]], check_mode: bool
    ) -> None:
        self._display, self._ask, self._observations = display, ask, observations
        self._is = "would be" if check_mode else "is"
        self._holder = lock.holder(observations, controller.alive)

    def take(self, hosts: Collection[str], reason: str, lease: float) -> Dict[str, Any]:
        """Lock the fleet.

        :param hosts: all members.
        :param lease: seconds.
        :raises Failed: with what the host answers: somebody else has the fleet, say.
        """
        wanted = lock.by_hand(self._observations, hosts, controller.deployment(reason), lease)
        if self._holder and not self._holder.gone and self._is_elsewhere(self._holder, wanted["lock_host"]):
            raise Failed(self._holder.locked())  # an inventory with another first member has it
        over = [self._holder.run] if self._holder and self._holder.gone else []
        answer = self._asked(wanted["lock_host"], {"deployment": wanted, "over": over})
        reported = {
            **{key: wanted[key] for key in ("owner", "reason", "lock_host")},
            "run": answer["holder"],
            "until": clocks.moment(answer["expires"]),
        }
        until = "until %(until)s (%(reason)s), as %(run)s. To unlock it: unlock.yml." % reported
        self._say("The fleet %s locked %s" % (self._is, until))
        return {**answer, "lock": reported}

    def give_back(self, host: str) -> Dict[str, Any]:
        """Unlock it, whoever locked it.

        :param host: the member whose host is asked.
        :raises Failed: a deployment has it, it is kept on another host, or with what the host answers.
        """
        holder, unknown = self._holder, lock.unknown([host], self._observations, forced=False)
        if holder is None and unknown:
            raise Failed(replace(unknown, fix="Start or repair this machine, and run unlock.yml again."))
        if holder is None:
            self._say("The fleet is not locked.")
            return {"changed": False, "locked": False}
        if not holder.by_hand:
            raise Failed(holder.refused() if holder.gone else holder.locked())
        held = {name: holder.record[name] for name in ("run", "owner", "reason", "process", "lock_host", "fence")}
        if self._is_elsewhere(holder, host):
            fix = "Run unlock.yml with an inventory whose first member is %s. Or deploy with praxis_take_over=%s."
            raise Failed(replace(holder.locked(), fix=fix % (holder.where, held["run"])))
        answer = self._asked(host, {"deployment": held, "state": "absent"})
        self._say("The fleet %s unlocked. %s had locked it (%s)." % (self._is, held["owner"], held["reason"]))
        return answer

    def _is_elsewhere(self, holder: lock.Holder, host: str) -> bool:
        """Whether another host than this one keeps the lock. A person's is on its keeper alone: a host that has been
        renamed since has it, and its record names the keeper as it was called then."""
        record = (self._observations.get(host) or {}).get("deployment") or {}
        is_here = holder.by_hand and record.get("run") == holder.run
        return bool(holder.record["lock_host"] != host) and not is_here

    def _asked(self, host: str, args: Dict[str, Any]) -> Dict[str, Any]:
        answer = self._ask(host, args)
        if answer.get("failed"):
            raise Failed(*(Finding(**failure) for failure in answer["failures"]))
        return {key: answer[key] for key in ("changed", "diff", "fence", "holder", "expires", "locked")}

    def _say(self, text: str) -> None:
        screen.show_in_a_task(self._display, lambda _width, _paint: ["", text, ""])
