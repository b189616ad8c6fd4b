# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The floor of a fleet's load balancers: whether enough other members serve while some are taken out of service."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence, Set, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.outcomes import serving
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.table import Table
from ansible_collections.praxis.cloud.plugins.plugin_utils import balancer_targets
from ansible_collections.praxis.cloud.plugins.plugin_utils.balancer_answers import (
    Ask,
    are_in,
    failures_of,
    is_refused,
    place,
)
from ansible_collections.praxis.cloud.plugins.plugin_utils.balancer_tasks import Balancer, key_of
from ansible_collections.praxis.cloud.plugins.plugin_utils.fleet_action import floor_of
from ansible_collections.praxis.cloud.plugins.plugin_utils.kept_out import KeptOut
from ansible_collections.praxis.cloud.plugins.plugin_utils.run_directory import RunDirectory


class Floor:
    """The members that leave, and the others.

    :param ask: calls a balancer's module; the caller knows what it changes.
    :param options: the run's.
    :param observations: what was observed last, by name.
    :param leaving: those that are taken out of service; nobody, where some are put in.
    """

    def __init__(
        self,
        run: RunDirectory,
        ask: Ask,
        table: Table,
        options: Mapping[str, Any],
        observations: Mapping[str, Mapping[str, Any]],
        kept_out: KeptOut,
        leaving: Sequence[str],
        check_mode: bool,
    ) -> None:
        self._run, self._ask, self._observations, self._kept_out = run, ask, observations, kept_out
        self._leaving, self._check_mode = leaving, check_mode
        self._fleet, self._options = table.fleet, options
        self._well = serving(table, observations)
        # Of members outside this run (--limit) nothing is known here; the load balancer knows them.
        self._beyond = table.beyond(options["hosts"])
        self._floor = floor_of(run, table, options, run.rollback_begun())
        #: Whether they were touched before and are rolled back: where a balancer takes nobody in, those that are in
        #: already may be enough.
        self.again = bool(set(leaving).intersection(run.touched()))
        #: Those that their balancer does not call healthy, and why one could not be asked.
        self._out: Set[str] = set()
        self._unseen: List[Mapping[str, Any]] = []
        self._brought: Dict[str, Tuple[Dict[str, Any], List[str]]] = {}

    def hold(self) -> None:
        """Refuse to take members out of service when too few others serve.

        :raises Failed: ``floor``.
        """
        others = sorted((self._well | self._beyond).difference(self._leaving))
        if len(others) < self._floor and self._has_clients():
            what = "Without %s, %d members would serve (%s), and %d have to." % (
                ", ".join(self._leaving), len(others), ", ".join(others) or "none", self._floor,
            )  # fmt: skip
            fewer = len(others) + len(self._leaving) - 1 >= self._floor
            fix = "Repair the members that do not serve (verify.yml names them), or lower %spraxis_min_available."
            fix %= "praxis_batch or " if fewer else ""
            raise Failed(Finding("floor", what, "fleet %s" % self._fleet, fix))

    def _has_clients(self) -> bool:
        """Whether one of the members that leave serves, and is not known to be out of service."""
        serve = self._well.intersection(self._leaving)
        asked = serve.intersection(self._kept_out.maybe_out, self._run.behind())
        if serve != asked:
            return True
        for balancer in self._options["balancers"] if asked else ():
            if are_in(balancer, asked.intersection(balancer["targets"]), self._look(balancer)):
                return True
        return False

    def see_all(self) -> List[Balancer]:
        """Before members are taken out of one of several balancers: learn who is out of service behind all of them.
        That is before the first drain of a run, when those that can serve are put in there as well (an earlier run may
        have left them out); and before each while somebody is missed, or in a rollback, where a balancer may have taken
        nobody in. Else this run has put in itself whoever it had taken out.

        :return: those where nobody leaves and members were put in.
        """
        planned, missed = self._options["balancers"], self._run.missed()
        asks = missed is None or missed or self.again
        if not asks or len(planned) < 2 or not self._run.behind().intersection(self._leaving):
            return []
        elsewhere = []
        for balancer in planned:
            here = bool(set(self._leaving).intersection(balancer["targets"]))
            answer, healthy = self._bring_in(balancer, here or missed is None, here)
            if missed is None and not (here or self.again):
                elsewhere.append(balancer)
            if not self._check_mode:
                self._out.update(set(balancer["targets"]).difference(healthy))
                self._unseen += failures_of(answer, balancer) if is_refused(answer) else []
        self._run.miss(self._out.difference(self._leaving))
        return elsewhere

    def keep(self, balancer: Balancer, leaving: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        """Before members are taken out of a balancer: see that there are enough others. Where those that leave do not
        serve, or have a release on trial and are out of service, nothing is lost by taking them out, however few the
        others are.

        :return: why they may not be taken out.
        """
        answer, healthy = self._bring_in(balancer)
        floor = self.of(balancer["targets"])
        if self._check_mode or len(healthy) >= floor:
            return []
        if is_refused(answer):
            return failures_of(answer, balancer)
        serve = self._well.difference(self._kept_out.maybe_out).intersection(leaving)
        if not (serve or are_in(balancer, leaving, answer or self._look(balancer))):
            return []
        if self.again:
            healthy = self._with_spare(balancer, healthy, floor)
            floor = self.of(balancer["targets"])
            if len(healthy) >= floor:
                return []
        what = "Without %s, the load balancer would have %d healthy members (%s), and %d have to be." % (
            ", ".join(leaving), len(healthy), ", ".join(healthy) or "none", floor,
        )  # fmt: skip
        elsewhere = sorted(self._out.difference(balancer["targets"], self._leaving))
        what += " Behind another one, out of service: %s." % ", ".join(elsewhere) if elsewhere else ""
        fix = "See why the load balancer does not call the others healthy, or lower praxis_min_available."
        return self._unseen or [Finding("floor", what, place(balancer), fix).as_dict()]

    def of(self, known: Mapping[str, Any]) -> int:
        """Members that have to stay healthy in a balancer that has these, beside those that serve elsewhere."""
        return max(0, self._floor - len((self._well | self._beyond).difference(known, self._out, self._leaving)))

    def others(self, balancer: Balancer) -> Dict[str, Mapping[str, Any]]:
        """Those behind it that can serve and stay: by name, as they were observed last."""
        here = self._well.intersection(balancer["targets"]).difference(self._leaving)
        return {name: self._observations[name] for name in balancer["targets"] if name in here}

    def serve(self, balancer: Balancer) -> Set[str]:
        """Those behind it that can serve, as far as anybody knows, and that the run puts into any balancer."""
        return (self._well | self._beyond).intersection(balancer["targets"]).difference(self._kept_out.everybody)

    def _bring_in(
        self, balancer: Balancer, put_in: bool = True, anybody: bool = True
    ) -> Tuple[Dict[str, Any], List[str]]:
        """Before members are taken out, and once: put in the others that can serve; an earlier run may have left them
        out. Members outside this run, those that nobody has seen last, and the batch that failed count when they are in
        service, and are left as they are. What the balancer has answered, and whom it calls healthy then.

        :param put_in: whether they are; else it only looks.
        :param anybody: whether those that may fail are put in where nobody else serves.
        """
        here, key = balancer["targets"], key_of(balancer)
        if key not in self._brought:
            others = self.others(balancer)
            names = [name for name in others if put_in and name not in self._kept_out.everybody]
            if anybody and not (names or self.again or self._beyond.intersection(here)):
                names = list(others)
            found = self._serving_there(balancer, others, names)
            refused = self.again and is_refused(found[0])
            self._brought[key] = self._serving_there(balancer, others, []) if refused else found
        return self._brought[key]

    def _with_spare(self, balancer: Balancer, healthy: List[str], floor: int) -> List[str]:
        """Those that a balancer calls healthy, once the spare ones have been put in, behind whichever balancer they
        are; nobody is put in where they would not be enough."""
        elsewhere = [one for one in self._options["balancers"] if key_of(one) != key_of(balancer)]
        wanted = self._kept_out.spare.intersection(self._out | set(balancer["targets"])).difference(healthy)
        found = [(one, [name for name in self.others(one) if name in wanted]) for one in [balancer, *elsewhere]]
        if len(healthy) + len({name for _one, spare in found for name in spare}) < floor:
            return healthy
        for one, spare in found:
            if spare:
                _answer, there = self._serving_there(one, self.others(one), spare)
                self._out.difference_update(there)
                healthy = there if one is balancer else healthy
        return healthy

    def _serving_there(
        self, balancer: Balancer, others: Mapping[str, Any], names: Sequence[str]
    ) -> Tuple[Dict[str, Any], List[str]]:
        """What a balancer answers that these have been put in, and the members that it calls healthy then: of them, of
        the others, and of those outside this run."""
        known = balancer["targets"]
        beyond = self._beyond.intersection(known).union(others).difference(names)
        targets = [balancer_targets.at_its_port(known[name], others[name]) for name in names]
        answer = self._ask(balancer, targets, "present") if names or beyond else {}
        return answer, balancer_targets.healthy(answer, names, beyond, known)

    def _look(self, balancer: Balancer) -> Dict[str, Any]:
        return self._ask(balancer, [], "present", wait=False)
