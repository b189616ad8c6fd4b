# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One pass over the load balancers of a fleet: members are put in or taken out, each balancer by its own module."""

from __future__ import annotations

from typing import Any, Collection, Dict, List, Mapping, Sequence, Set

from ansible_collections.praxis.cloud.plugins.module_utils.finding import ERROR, Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.outcomes import observations_of, serving
from ansible_collections.praxis.cloud.plugins.plugin_utils import balancer_targets, left_balancers
from ansible_collections.praxis.cloud.plugins.plugin_utils.balancer_answers import Ask, Targets, failures_of
from ansible_collections.praxis.cloud.plugins.plugin_utils.balancer_floor import Floor
from ansible_collections.praxis.cloud.plugins.plugin_utils.balancer_tasks import Balancer
from ansible_collections.praxis.cloud.plugins.plugin_utils.kept_out import kept_out
from ansible_collections.praxis.cloud.plugins.plugin_utils.run_directory import RunDirectory


class BalancerPass:
    """The members that are meant, and what was said and changed so far.

    :param args: the arguments of praxis.cloud.fleet_balancer.
    :raises Failed: ``lease-over``, when the fleet may be another run's by now.
    """

    def __init__(self, run: RunDirectory, args: Mapping[str, Any], ask: Ask, check_mode: bool) -> None:
        self._run, self._args, self._module, self._check_mode = run, args, ask, check_mode
        self._table, self._options = run.table(), run.options()
        self._require_lease()
        self._observations = observations_of(run.outcomes())
        good = run.called_good()
        self._unconfirmed = {name: seen for name, seen in self._observations.items() if name not in good}
        well = serving(self._table, self._observations)
        self.members = [name for name in args["members"] if name in well or not args["only_serving"]]
        #: Those of them that a balancer was asked to take in.
        self.put_in: Set[str] = set()
        leaving = self.members if args["state"] == "absent" else []
        self._kept_out = kept_out(run, self._observations, self._options.get("soak", 0))
        self._floor = Floor(
            run, self._ask, self._table, self._options, self._observations, self._kept_out, leaving, check_mode
        )
        self._result: Dict[str, Any] = {"changed": False}
        self._result.update({key: [] for key in ("targets", "addresses", "diff", "others", "kept", "stale", "left")})
        self._failures: List[Mapping[str, Any]] = []

    def go(self) -> Dict[str, Any]:
        """Do it: the result of the task.

        :raises Failed: ``floor``, when too few others serve.
        """
        leaving = self._args["state"] == "absent"
        if leaving:
            self._floor.hold()
        left = self._left()
        if leaving and not self._failures:
            for balancer in self._floor.see_all():
                self._stand_by(balancer, self._floor.others(balancer))
        for balancer in [*self._options["balancers"], *left]:
            # A group that could not be asked may have members that would be disturbed undrained.
            if leaving and self._failures:
                break
            names = [name for name in self.members if name in balancer["targets"]]
            if names and leaving:
                self._drain(balancer, names)
            elif names:
                fit = self._fit(balancer, names)
                self.put_in.update(fit)
                self._join(balancer, fit)
        if self._args["observe"] or self._args["departed"]:
            self._leave()
        if self._failures:
            message = "\n".join(str(Finding(**failure)) for failure in self._failures)
            failed = {"failed": True, "msg": message, "failure": self._failures[0], "failures": self._failures}
            return {**self._result, **failed}
        return self._result

    def _drain(self, balancer: Balancer, names: Sequence[str]) -> None:
        """Take these members out of a balancer that has enough others."""
        here = balancer["targets"]
        self._failures += self._floor.keep(balancer, names)
        if not self._floor.again:
            self._stand_by(balancer, self._floor.others(balancer))
        if self._failures:
            return
        # Whatever port they are registered with: the one in the plan may be new.
        targets = [{key: value for key, value in here[name].items() if key != "port"} for name in names]
        self._take_in(balancer, names, self._ask(balancer, targets, "absent"))

    def _fit(self, balancer: Balancer, names: Sequence[str]) -> List[str]:
        """Those of them that may be put in. Where nobody else serves, better one that may fail than nobody. Check mode
        has activated nobody: a batch joins as if it had."""
        others = self._floor.serve(balancer)
        unfit = self._kept_out.unfit() if others and not (self._args["observe"] or self._check_mode) else ()
        return [name for name in names if name not in unfit]

    def _join(self, balancer: Balancer, names: Sequence[str]) -> None:
        """Put these members into a balancer, and see that they are nowhere else in it."""
        here = balancer["targets"]
        seen = {name: self._observations.get(name) or {} for name in names}
        targets = [here[name] for name in names]
        if self._args["observe"] or not self._check_mode:
            # After a rollback a member listens elsewhere than planned.
            targets = [balancer_targets.at_its_port(here[name], seen[name]) for name in names]
        # Before members are waited for: this run may end at any moment.
        standby = self._stand_by(balancer, names)
        answer = self._ask(balancer, targets, "present")
        self._take_in(balancer, names, answer)
        # Of a member that could not be observed, nobody knows where it serves.
        observed = [target for name, target in zip(names, targets) if seen[name]]
        self._see_to_ports(balancer, [*observed, *standby], answer)

    def _take_in(self, balancer: Balancer, names: Sequence[str], answer: Mapping[str, Any]) -> None:
        """What a balancer has answered of these members, and of strangers that are there beside them."""
        here = balancer["targets"]
        self._add(balancer, answer)
        for name in balancer_targets.leaving(answer, names, here):
            self._run.drain(name, float(answer["draining"]))
        self._result["targets"] += balancer_targets.answered(answer, names, here)
        if left_balancers.has_left(balancer):
            return  # who else is there is of no concern to this fleet
        self._result["addresses"] += answer.get("addresses") or []
        strangers = balancer_targets.strangers(answer, balancer)
        wanted = self._args["departed"] and self._options["departed"] == "remove"
        needed = self._needed(here, names, answer) if wanted else ""
        if wanted and not needed:
            self._take_out(balancer, strangers)
            return
        named = [balancer_targets.name_of(target) for target in strangers]
        self._result["others"] += named
        self._result["kept"] += [{"target": name, "why": needed} for name in named if needed]

    def _needed(self, known: Mapping[str, Any], names: Sequence[str], answer: Mapping[str, Any]) -> str:
        """Why strangers have to stay in a balancer, for they may be all that serves; empty where its members do.

        :param known: all members behind the balancer.
        :param names: those that it has just been asked to take in.
        """
        if answer.get("failed"):
            return "The load balancer has not taken all members in."
        if self._has_failed():
            return "This run has failed."
        others, floor = set(known).difference(names), self._floor.of(known)
        healthy = balancer_targets.healthy(answer, names, others, known)
        if len(healthy) < floor:
            return "%d members are healthy there, and %d have to be." % (len(healthy), floor)
        return ""

    def _has_failed(self) -> bool:
        return any(item.level == ERROR for item in self._run.recorded())

    def _stand_by(self, balancer: Balancer, names: Collection[str]) -> List[Dict[str, Any]]:
        """Put members in where they will serve if they roll themselves back, too; those places. Until then the
        balancer's health check finds nobody there, so nothing is waited for."""
        targets = balancer_targets.standby(balancer, names, self._unconfirmed)
        if targets and not self._check_mode:
            self._add(balancer, self._ask(balancer, targets, "present", wait=False))
        return targets

    def _see_to_ports(self, balancer: Balancer, right: Targets, answer: Mapping[str, Any]) -> None:
        """Members belong at these ports, and at no other one: report the others, or in the end take them out.

        :param answer: what the balancer's module has just said.
        """
        if not (self._args["departed"] or self._args["observe"]):
            return
        stale = balancer_targets.stale(answer, right)
        if self._args["observe"]:
            self._result["stale"] += balancer_targets.by_member(stale, balancer["targets"])
        if not self._check_mode:
            self._take_out(balancer, stale)

    def _left(self) -> List[Dict[str, Any]]:
        """The balancers of before that are in use; none where one could not be asked. The first call of a run finds
        them, for a batch that is drained is no member of a group any more, and has to get back there. Whether one is in
        use is asked each time: a user moves its traffic meanwhile, and then nobody is healthy in it any more."""
        known, planned = self._run.left_balancers(), self._options["balancers"]
        candidates = left_balancers.remembered(planned, self._observations) if known is None else known
        asked = [(one, self._look(one)) for one in candidates]
        failures = [one for each, answer in asked for one in left_balancers.failed(answer, failures_of(answer, each))]
        if known is None:
            named = [(one, self._look(one)) for one in planned if candidates]
            failures += [failure for one, answer in named for failure in failures_of(answer, one)]
            asked = left_balancers.in_members(asked, [answer for _one, answer in named])
        if failures:
            self._failures += failures
            return []
        if known is None:
            self._run.leave_balancers([one for one, _answer in asked])
        return [one for one, answer in asked if left_balancers.is_in_use(answer)]

    def _leave(self) -> None:
        """At the end: take members out of the balancers of before that no load balancer uses any more, and where it is
        asked for out of the others; report what stays."""
        wanted = self._options["departed"] == "remove"
        forced = wanted and not self._has_failed()
        keeps = bool(self._failures or self._args["observe"] or self._check_mode)
        for balancer in self._run.left_balancers() or []:
            answer = self._look(balancer)
            registered = left_balancers.there(balancer, answer)
            self._failures += left_balancers.failed(answer, failures_of(answer, balancer))
            if registered and (keeps or left_balancers.is_in_use(answer) and not forced):
                self._result["left"].append(left_balancers.described(balancer, answer))
            else:
                self._take_out(balancer, registered)

    def _require_lease(self) -> None:
        """The load balancer knows no fence, and this run may have stood still since it last asked it.

        :raises Failed: ``lease-over``.
        """
        if self._run.lock.is_over() and not self._check_mode:
            raise Failed(_lease_over(self._table.fleet))

    def _ask(self, balancer: Balancer, targets: Targets, state: str, wait: bool = True) -> Dict[str, Any]:
        """What a balancer's module answers. What a call has changed is changed by all of them."""
        if targets:
            self._require_lease()
        answer = self._module(balancer, targets, state, wait)
        self._result["changed"] |= bool(targets and answer.get("changed"))
        self._result["diff"] += [answer["diff"]] if targets and answer.get("diff") else []
        return answer

    def _look(self, balancer: Balancer) -> Dict[str, Any]:
        return self._ask(balancer, [], "present", wait=False)

    def _take_out(self, balancer: Balancer, targets: Targets) -> None:
        """Take out what no member serves at."""
        if targets:
            self._add(balancer, self._ask(balancer, targets, "absent"))

    def _add(self, balancer: Balancer, answer: Mapping[str, Any]) -> None:
        self._failures += failures_of(answer, balancer)


def _lease_over(fleet: str) -> Finding:
    what = "This run stood still for longer than its lease, so another deployment may have taken over."
    return Finding("lease-over", what, "fleet %s" % fleet, "Deploy again; praxis_lease is how long a run may be still.")
