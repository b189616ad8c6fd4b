# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One pass over the load balancers of a fleet: members are put in or taken out, each balancer by its own module."""

from __future__ import annotations

from typing import Any, Collection, Dict, List, Mapping, Protocol, Sequence, Set, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.finding import ERROR, Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.outcomes import observations_of, serving
from ansible_collections.praxis.cloud.plugins.plugin_utils import balancer_targets, left_balancers
from ansible_collections.praxis.cloud.plugins.plugin_utils.balancer_tasks import Balancer
from ansible_collections.praxis.cloud.plugins.plugin_utils.fleet_action import floor_of
from ansible_collections.praxis.cloud.plugins.plugin_utils.kept_out import kept_out
from ansible_collections.praxis.cloud.plugins.plugin_utils.run_directory import RunDirectory

Targets = Sequence[Mapping[str, Any]]


class Ask(Protocol):
    """Calls a balancer's module."""

    def __call__(self, balancer: Balancer, targets: Targets, state: str, wait: bool = True) -> Dict[str, Any]:
        """What it answers.

        :param targets: those that are to be ``state`` (``present`` or ``absent``); with none, it only looks.
        :param wait: whether those that are put in are waited for until they are healthy.
        """


class BalancerPass:
    """The members that are meant, and what was said and changed so far.

    :param args: the arguments of praxis.cloud.fleet_balancer.
    :raises Failed: ``lease-over``, when the fleet may be another run's by now.
    """

    def __init__(self, run: RunDirectory, args: Mapping[str, Any], ask: Ask, check_mode: bool) -> None:
        self._run, self._args, self._ask, self._check_mode = run, args, ask, check_mode
        self._table, self._options = run.table(), run.options()
        if run.lock.is_over() and not check_mode:
            raise Failed(_lease_over(self._table.fleet))
        self._observations = observations_of(run.outcomes())
        good = run.called_good()
        self._unconfirmed = {name: seen for name, seen in self._observations.items() if name not in good}
        self._kept_out = kept_out(run, self._observations, self._options.get("soak", 0))
        self._well = serving(self._table, self._observations)
        # Of members outside this run (--limit) nothing is known here; the load balancer knows them.
        self._beyond = self._table.beyond(self._options["hosts"])
        self._floor = floor_of(run, run.rollback_begun())
        self.members = [name for name in args["members"] if name in self._well or not args["only_serving"]]
        #: Those of them that a balancer was asked to take in.
        self.put_in: Set[str] = set()
        self._leaving = set(self.members) if args["state"] == "absent" else set()
        #: Whether they were touched before and are rolled back: where a balancer takes nobody in, those that are in
        #: already may be enough.
        self._again = bool(self._leaving.intersection(run.touched()))
        #: Those that their balancer does not call healthy, and why one could not be asked.
        self._out: Set[str] = set()
        self._unseen: List[Mapping[str, Any]] = []
        self._brought: Dict[int, Tuple[Dict[str, Any], List[str]]] = {}
        self._result: Dict[str, Any] = {"changed": False}
        self._result.update({key: [] for key in ("targets", "addresses", "diff", "others", "kept", "stale", "left")})
        self._failures: List[Mapping[str, Any]] = []

    def go(self) -> Dict[str, Any]:
        """Do it: the result of the task.

        :raises Failed: ``floor``, when too few others serve.
        """
        leaving = self._args["state"] == "absent"
        if leaving:
            self._hold()
        left = self._left()
        if leaving and not self._failures:
            self._see_all()
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

    def _hold(self) -> None:
        """Refuse to take members out of service when too few others serve.

        :raises Failed: ``floor``.
        """
        others = sorted((self._well | self._beyond).difference(self.members))
        if len(others) < self._floor and self._has_clients():
            what = "Without %s, %d members would serve (%s), and %d have to." % (
                ", ".join(self.members), len(others), ", ".join(others) or "none", self._floor,
            )  # fmt: skip
            fewer = len(others) + len(self.members) - 1 >= self._floor
            fix = "Repair the members that do not serve (verify.yml names them), or lower %spraxis_min_available."
            fix %= "praxis_batch or " if fewer else ""
            raise Failed(Finding("floor", what, "fleet %s" % self._table.fleet, fix))

    def _has_clients(self) -> bool:
        """Whether one of the members that leave serves, and is not known to be out of service."""
        serve = self._well.intersection(self.members)
        asked = serve.intersection(self._kept_out.maybe_out, self._run.behind())
        if serve != asked:
            return True
        for balancer in self._options["balancers"] if asked else ():
            if _are_in(balancer, asked.intersection(balancer["targets"]), self._look(balancer)):
                return True
        return False

    def _see_all(self) -> None:
        """Before members are taken out of one of several balancers: learn who is out of service behind all of them.
        That is before the first drain of a run, when those that can serve are put in there as well (an earlier run may
        have left them out); and before each while somebody is missed, or in a rollback, where a balancer may have taken
        nobody in. Else this run has put in itself whoever it had taken out."""
        planned, missed = self._options["balancers"], self._run.missed()
        asks = missed is None or missed or self._again
        if not asks or len(planned) < 2 or not self._run.behind().intersection(self._leaving):
            return
        for balancer in planned:
            here = bool(self._leaving.intersection(balancer["targets"]))
            answer, healthy = self._bring_in(balancer, here or missed is None, here)
            if missed is None and not (here or self._again):
                self._stand_by(balancer, self._others(balancer))
            if not self._check_mode:
                self._out.update(set(balancer["targets"]).difference(healthy))
                self._unseen += failures_of(answer, balancer) if _refused(answer) else []
        self._run.miss(self._out.difference(self._leaving))

    def _drain(self, balancer: Balancer, names: Sequence[str]) -> None:
        """Take these members out of a balancer that has enough others."""
        here = balancer["targets"]
        self._keep_enough(balancer, names)
        if not self._again:
            self._stand_by(balancer, self._others(balancer))
        if self._failures:
            return
        # Whatever port they are registered with: the one in the plan may be new.
        targets = [{key: value for key, value in here[name].items() if key != "port"} for name in names]
        self._take_in(balancer, names, self._ask(balancer, targets, "absent"))

    def _fit(self, balancer: Balancer, names: Sequence[str]) -> List[str]:
        """Those of them that may be put in. Where nobody else serves, better one that may fail than nobody. Check mode
        has activated nobody: a batch joins as if it had."""
        others = (self._well | self._beyond).intersection(balancer["targets"]).difference(self._kept_out.everybody)
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
        others, floor = set(known).difference(names), self._floor_of(known)
        healthy = balancer_targets.healthy(answer, names, others, known)
        if len(healthy) < floor:
            return "%d members are healthy there, and %d have to be." % (len(healthy), floor)
        return ""

    def _has_failed(self) -> bool:
        return any(item.level == ERROR for item in self._run.recorded())

    def _floor_of(self, known: Mapping[str, Any]) -> int:
        """Members that have to stay healthy in a balancer that has these, beside those that serve elsewhere."""
        return max(0, self._floor - len((self._well | self._beyond).difference(known, self._out, self._leaving)))

    def _others(self, balancer: Balancer) -> Dict[str, Mapping[str, Any]]:
        """Those behind it that can serve and stay: by name, as they were observed last."""
        here = self._well.intersection(balancer["targets"]).difference(self._leaving)
        return {name: self._observations[name] for name in balancer["targets"] if name in here}

    def _bring_in(
        self, balancer: Balancer, put_in: bool = True, anybody: bool = True
    ) -> Tuple[Dict[str, Any], List[str]]:
        """Before members are taken out, and once: put in the others that can serve; an earlier run may have left them
        out. Members outside this run, those that nobody has seen last, and the batch that failed count when they are in
        service, and are left as they are. What the balancer has answered, and whom it calls healthy then.

        :param put_in: whether they are; else it only looks.
        :param anybody: whether those that may fail are put in where nobody else serves, as in :meth:`_fit`.
        """
        here, key = balancer["targets"], id(balancer)
        if key not in self._brought:
            others = self._others(balancer)
            names = [name for name in others if put_in and name not in self._kept_out.everybody]
            if anybody and not (names or self._again or self._beyond.intersection(here)):
                names = list(others)
            found = self._serving_there(balancer, others, names)
            refused = self._again and _refused(found[0])
            self._brought[key] = self._serving_there(balancer, others, []) if refused else found
        return self._brought[key]

    def _keep_enough(self, balancer: Balancer, leaving: Sequence[str]) -> None:
        """Before members are taken out: see that there are enough others. Where those that leave do not serve, or have
        a release on trial and are out of service, nothing is lost by taking them out, however few the others are."""
        answer, healthy = self._bring_in(balancer)
        floor = self._floor_of(balancer["targets"])
        if self._check_mode or len(healthy) >= floor:
            return
        if _refused(answer):
            self._failures += failures_of(answer, balancer)
            return
        serve = self._well.difference(self._kept_out.maybe_out).intersection(leaving)
        if not (serve or _are_in(balancer, leaving, answer or self._look(balancer))):
            return
        if self._again:
            healthy = self._with_spare(balancer, healthy, floor)
            floor = self._floor_of(balancer["targets"])
            if len(healthy) >= floor:
                return
        what = "Without %s, the load balancer would have %d healthy members (%s), and %d have to be." % (
            ", ".join(leaving), len(healthy), ", ".join(healthy) or "none", floor,
        )  # fmt: skip
        fix = "See why the load balancer does not call the others healthy, or lower praxis_min_available."
        self._failures += self._unseen or [Finding("floor", what, _place(balancer), fix).as_dict()]

    def _with_spare(self, balancer: Balancer, healthy: List[str], floor: int) -> List[str]:
        """Those that a balancer calls healthy, once the spare ones have been put in, behind whichever balancer they
        are; nobody is put in where they would not be enough."""
        everywhere = [balancer, *(one for one in self._options["balancers"] if one is not balancer)]
        wanted = self._kept_out.spare.intersection(self._out | set(balancer["targets"])).difference(healthy)
        found = [(one, [name for name in self._others(one) if name in wanted]) for one in everywhere]
        if len(healthy) + len({name for _one, spare in found for name in spare}) < floor:
            return healthy
        for one, spare in found:
            if spare:
                _answer, there = self._serving_there(one, self._others(one), spare)
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
        self._changed(answer)
        return answer, balancer_targets.healthy(answer, names, beyond, known)

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

    def _look(self, balancer: Balancer) -> Dict[str, Any]:
        return self._ask(balancer, [], "present", wait=False)

    def _take_out(self, balancer: Balancer, targets: Targets) -> None:
        """Take out what no member serves at."""
        if targets:
            self._add(balancer, self._ask(balancer, targets, "absent"))

    def _add(self, balancer: Balancer, answer: Mapping[str, Any]) -> None:
        self._changed(answer)
        self._failures += failures_of(answer, balancer)

    def _changed(self, answer: Mapping[str, Any]) -> None:
        """What a call has changed is changed by all of them."""
        self._result["changed"] |= bool(answer.get("changed"))
        self._result["diff"] += [answer["diff"]] if answer.get("diff") else []


def _refused(answer: Mapping[str, Any]) -> bool:
    """Whether the module failed before it said anything of its targets. One that is late with some says which."""
    return bool(answer.get("failed")) and not answer.get("targets")


def _place(balancer: Balancer) -> str:
    return ", ".join(str(value) for value in balancer["options"].values())


def _are_in(balancer: Balancer, names: Collection[str], answer: Mapping[str, Any]) -> bool:
    """Whether a balancer calls one of these members healthy.

    :param answer: what its module has just said, asked for others.
    """
    machines = balancer_targets.healthy_machines(answer)
    return any(balancer_targets.machine_of(balancer["targets"][name]) in machines for name in names)


def _lease_over(fleet: str) -> Finding:
    what = "This run stood still for longer than its lease, so another deployment may have taken over."
    return Finding("lease-over", what, "fleet %s" % fleet, "Deploy again; praxis_lease is how long a run may be still.")


def failures_of(answer: Mapping[str, Any], balancer: Balancer) -> List[Mapping[str, Any]]:
    """What went wrong, as findings; a module that did not get as far as saying so itself is one."""
    if not answer.get("failed"):
        return []
    said = str(answer.get("msg") or "The load balancer's module ended without an answer.")
    fix = "Fix what this message says, then deploy again."
    return answer.get("failures") or [Finding("load-balancer", said, _place(balancer), fix).as_dict()]
