# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of praxis.cloud.fleet_balancer. Documentation: plugins/modules/fleet_balancer.py."""

from __future__ import annotations

from typing import Any, Collection, Dict, List, Mapping, Optional, Sequence, Set, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.finding import ERROR, Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import record
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.order import observations_of, serving
from ansible_collections.praxis.cloud.plugins.plugin_utils import (
    balancer_targets,
    journal,
    left_balancers,
    own_process,
)
from ansible_collections.praxis.cloud.plugins.plugin_utils.fleet_action import FleetAction, pace_of
from ansible_collections.praxis.cloud.plugins.plugin_utils.run_directory import RunDirectory


class ActionModule(FleetAction):
    """One call of each balancer's own module, for those of its members that are meant."""

    argument_spec = {
        "members": {"type": "list", "elements": "str", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "only_serving": {"type": "bool", "default": False},
        "departed": {"type": "bool", "default": False},
        "observe": {"type": "bool", "default": False},
    }
    _variables: Dict[str, Any] = {}
    #: Seconds, where the user has said how long a balancer may take.
    _join_timeout: Optional[int] = None

    def run(self, tmp: Optional[str] = None, task_vars: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        self._variables = task_vars or {}
        self._connection.set_become_plugin(None)  # this is the controller, whatever variables say of all hosts
        return super().run(tmp, task_vars)

    def judge(self, run: RunDirectory, args: Mapping[str, Any]) -> Dict[str, Any]:
        behind = {name for balancer in run.options()["balancers"] for name in balancer["targets"]}
        members = [name for name in args["members"] if name in behind]
        with journal.step(run, record.step_of(args["state"]), members) as step:
            result = self._set(run, args, step)
            step.outcome = (result.get("failure") or {}).get("code") or record.OK
        return result

    def _set(self, run: RunDirectory, args: Mapping[str, Any], step: journal.Step) -> Dict[str, Any]:
        result: Dict[str, Any] = {"changed": False}
        result.update({key: [] for key in ("targets", "addresses", "diff", "others", "stale", "left")})
        failures: List[Mapping[str, Any]] = []
        if run.lease_is_over() and not self._task.check_mode:
            raise Failed(_lease_over(run.table().fleet))
        table, options = run.table(), run.options()
        self._join_timeout = options.get("join_timeout")
        observations = observations_of(run.outcomes())
        well = serving(table, observations)
        # Of members outside this run (--limit) nothing is known here; the load balancer knows them.
        beyond = set(table.members).difference(options["hosts"])
        good = run.called_good()
        unconfirmed = {name: seen for name, seen in observations.items() if name not in good}
        members = [name for name in args["members"] if name in well or not args["only_serving"]]
        step.hosts = [name for name in step.hosts if name in members]
        # The members of a fleet that is new were in nobody's service.
        floor = 0 if run.first_deployment() else pace_of(options).floor(len(table.members) - len(run.left_out()))
        if args["state"] == "absent":
            _hold(table.fleet, well | beyond, members, floor)
        left, failures = self._left(run, options["balancers"], observations)
        # A group that could not be asked may have members that would be disturbed undrained.
        stops = bool(failures) and args["state"] == "absent"
        for balancer in [] if stops else [*options["balancers"], *left]:
            here = balancer["targets"]
            names = [name for name in members if name in here]
            if not names:
                continue
            targets = [here[name] for name in names]
            known = [(here[name], observations.get(name) or {}) for name in names]
            if args["state"] == "absent":
                others = {name: observations[name] for name in here if name in well and name not in names}
                least = max(0, floor - (len(table.members) - len(here)))
                again = bool(set(names).intersection(run.touched()))
                serve = bool(well.intersection(names))
                bring = (balancer, others, beyond.intersection(here), least, names, result)
                failures += self._bring_in(*bring, again=again, serve=serve)
                standby = [] if again else balancer_targets.standby(balancer, others, unconfirmed)
                failures += self._stand_by(balancer, standby, result)
                if failures:
                    break
                # Whatever port they are registered with: the one in the plan may be new.
                targets = [{key: value for key, value in target.items() if key != "port"} for target in targets]
            elif args["observe"] or not self._task.check_mode:
                # After a rollback a member listens elsewhere than planned.
                targets = [balancer_targets.at_its_port(*each) for each in known]
            joining = args["state"] == "present"
            standby = balancer_targets.standby(balancer, names, unconfirmed) if joining else []
            # Before members are waited for: this run may end at any moment.
            failures += self._stand_by(balancer, standby, result)
            answer = self._ask(balancer, targets, args["state"])
            failures += _failures(answer, balancer)
            if joining:
                # Of a member that could not be observed, nobody knows where it serves.
                observed = [target for target, (_planned, seen) in zip(targets, known) if seen]
                failures += self._see_to_ports(balancer, [*observed, *standby], answer, args, result)
            for name in balancer_targets.leaving(answer, names, here):
                run.drain(name, float(answer["draining"]))
            _add(result, answer)
            result["targets"] += balancer_targets.answered(answer, names, here)
            if left_balancers.has_left(balancer):
                continue  # who else is there is of no concern to this fleet
            result["addresses"] += answer.get("addresses") or []
            strangers = balancer_targets.strangers(answer, balancer)
            if strangers and args["departed"] and options["departed"] == "remove":
                failures += self._take_out(balancer, strangers, result)
            else:
                result["others"] += [balancer_targets.name_of(target) for target in strangers]
        if args["observe"] or args["departed"]:
            forced = options["departed"] == "remove" and not any(item.level == ERROR for item in run.recorded())
            keeps = bool(failures or args["observe"] or self._task.check_mode)
            failures += self._leave(run, forced, keeps, result)
        if failures:
            message = "\n".join(str(Finding(**failure)) for failure in failures)
            return {**result, "failed": True, "msg": message, "failure": failures[0], "failures": failures}
        return result

    def _bring_in(
        self,
        balancer: Mapping[str, Any],
        others: Mapping[str, Any],
        beyond: Collection[str],
        floor: int,
        leaving: List[str],
        result: Dict[str, Any],
        again: bool,
        serve: bool,
    ) -> List[Mapping[str, Any]]:
        """Before members are taken out: put in the others that can serve (an earlier run may have left them out), and
        see that there are enough of them.

        :param others: by name, as they were observed last.
        :param beyond: those outside this run: they count when they are in service, and are left as they are.
        :param again: the members that leave were touched before and are rolled back: where the balancer takes nobody
            in, those that are in already may be enough.
        :param serve: whether one of the members that leave can serve. Where none can, and the balancer calls none
            healthy, nothing is lost by taking them out, however few the others are.
        """
        names = list(others)
        targets = [balancer_targets.at_its_port(balancer["targets"][name], others[name]) for name in names]
        answer = self._ask(balancer, targets, "present") if names or beyond else {}
        _add(result, answer)
        if again and _refused(answer):
            names, beyond = [], {*beyond, *others}
            answer = self._ask(balancer, [], "present")
        known = balancer["targets"]
        healthy = [one["member"] for one in balancer_targets.answered(answer, names, known) if one["healthy"]]
        serving_others = filter(balancer_targets.is_healthy, answer.get("others") or [])
        machines = {balancer_targets.machine_of(one) for one in serving_others}
        healthy += sorted(name for name in beyond if balancer_targets.machine_of(known[name]) in machines)
        if self._task.check_mode or len(healthy) >= floor:
            return []
        if _refused(answer):
            return _failures(answer, balancer)
        machines |= set() if answer else self._in_service(balancer)
        if not serve and not machines.intersection(balancer_targets.machine_of(known[name]) for name in leaving):
            return []
        what = "Without %s, the load balancer would have %d healthy members (%s), and %d have to be." % (
            ", ".join(leaving), len(healthy), ", ".join(healthy) or "none", floor,
        )  # fmt: skip
        fix = "See why the load balancer does not call the others healthy, or lower praxis_min_available."
        return [Finding("floor", what, _place(balancer), fix).as_dict()]

    def _in_service(self, balancer: Mapping[str, Any]) -> Set[Tuple[str, str]]:
        """The machines that the balancer calls healthy, members or not."""
        targets = self._ask(balancer, [], "present").get("others") or []
        return {balancer_targets.machine_of(one) for one in targets if balancer_targets.is_healthy(one)}

    def _stand_by(
        self, balancer: Mapping[str, Any], targets: Sequence[Mapping[str, Any]], result: Dict[str, Any]
    ) -> List[Mapping[str, Any]]:
        """Put members in where they will serve if they roll themselves back, too. Until then the balancer's health
        check finds nobody there, so nothing is waited for."""
        if self._task.check_mode or not targets:
            return []
        answer = self._ask(balancer, targets, "present", wait=False)
        _add(result, answer)
        return _failures(answer, balancer)

    def _see_to_ports(
        self,
        balancer: Mapping[str, Any],
        right: Sequence[Mapping[str, Any]],
        answer: Mapping[str, Any],
        args: Mapping[str, Any],
        result: Dict[str, Any],
    ) -> List[Mapping[str, Any]]:
        """Members belong at these ports, and at no other one: report the others, or in the end take them out.

        :param answer: what the balancer's module has just said.
        """
        stale = balancer_targets.stale(answer, right) if args["departed"] or args["observe"] else []
        if args["observe"]:
            result["stale"] += balancer_targets.by_member(stale, balancer["targets"])
        return [] if self._task.check_mode else self._take_out(balancer, stale, result)

    def _left(
        self, run: RunDirectory, planned: Sequence[Dict[str, Any]], observations: Mapping[str, Any]
    ) -> Tuple[List[Dict[str, Any]], List[Mapping[str, Any]]]:
        """The balancers of before that are in use, and why one could not be asked. The first call of a run finds them,
        for a batch that is drained is no member of a group any more, and has to get back there. Whether one is in use
        is asked each time: a user moves its traffic meanwhile, and then nobody is healthy in it any more."""
        known = run.left_balancers()
        candidates = left_balancers.remembered(planned, observations) if known is None else known
        asked = [(one, self._ask(one, [], "present", wait=False)) for one in candidates]
        failures = [one for each, answer in asked for one in left_balancers.failed(answer, _failures(answer, each))]
        if known is None:
            named = [(one, self._ask(one, [], "present", wait=False)) for one in planned if candidates]
            failures += [failure for one, answer in named for failure in _failures(answer, one)]
            asked = left_balancers.in_members(asked, [answer for _one, answer in named])
        if failures:
            return [], failures
        if known is None:
            run.leave_balancers([one for one, _answer in asked])
        return [one for one, answer in asked if left_balancers.is_in_use(answer)], []

    def _leave(
        self, run: RunDirectory, forced: bool, keeps: bool, result: Dict[str, Any]
    ) -> List[Mapping[str, Any]]:
        """At the end: take members out of the balancers of before that no load balancer uses any more, and report the
        others.

        :param forced: take them out of those that are in use as well.
        :param keeps: take them out of none.
        """
        failures: List[Mapping[str, Any]] = []
        for balancer in run.left_balancers() or []:
            answer = self._ask(balancer, [], "present", wait=False)
            registered = left_balancers.there(balancer, answer)
            failures += left_balancers.failed(answer, _failures(answer, balancer))
            if registered and (keeps or left_balancers.is_in_use(answer) and not forced):
                result["left"].append(left_balancers.described(balancer, answer))
            else:
                failures += self._take_out(balancer, registered, result)
        return failures

    def _take_out(
        self, balancer: Mapping[str, Any], targets: Sequence[Mapping[str, Any]], result: Dict[str, Any]
    ) -> List[Mapping[str, Any]]:
        """Take out what no member serves at: what went wrong."""
        if not targets:
            return []
        answer = self._ask(balancer, targets, "absent")
        _add(result, answer)
        return _failures(answer, balancer)

    def _ask(
        self, balancer: Mapping[str, Any], targets: Sequence[Mapping[str, Any]], state: str, wait: bool = True
    ) -> Dict[str, Any]:
        # Who leaves is waited for on the machine, where the end of its connections shows: host/drain.py.
        wait = wait and state == "present"
        options = {**balancer["options"], "targets": list(targets), "state": state, "wait": wait}
        if wait and self._join_timeout is not None:
            options["wait_timeout"] = self._join_timeout
        return own_process.execute(self, balancer["module"], options, self._variables)


def _add(result: Dict[str, Any], answer: Mapping[str, Any]) -> None:
    """What a call has changed is changed by all of them."""
    result["changed"] |= bool(answer.get("changed"))
    result["diff"] += [answer["diff"]] if answer.get("diff") else []


def _refused(answer: Mapping[str, Any]) -> bool:
    """Whether the module failed before it said anything of its targets. One that is late with some says which."""
    return bool(answer.get("failed")) and not answer.get("targets")


def _place(balancer: Mapping[str, Any]) -> str:
    return ", ".join(str(value) for value in balancer["options"].values())


def _hold(fleet: str, well: Collection[str], members: Sequence[str], floor: int) -> None:
    """Refuse to take members out of service when too few others serve.

    :raises Failed: ``floor``.
    """
    others = sorted(set(well).difference(members))
    if len(others) < floor and set(well).intersection(members):
        what = "Without %s, %d members would serve (%s), and %d have to." % (
            ", ".join(members), len(others), ", ".join(others) or "none", floor,
        )  # fmt: skip
        fix = "Repair the members that do not serve (verify.yml names them), or lower praxis_min_available."
        raise Failed(Finding("floor", what, "fleet %s" % fleet, fix))


def _lease_over(fleet: str) -> Finding:
    what = "This run has been still for longer than its lease, and another deployment may have the fleet by now."
    return Finding("lease-over", what, "fleet %s" % fleet, "Deploy again; praxis_lease is how long a run may be still.")


def _failures(answer: Mapping[str, Any], balancer: Mapping[str, Any]) -> List[Mapping[str, Any]]:
    """What went wrong, as findings; a module that did not get as far as saying so itself is one."""
    if not answer.get("failed"):
        return []
    said = str(answer.get("msg") or "It did not answer.")
    return answer.get("failures") or [Finding("load-balancer", said, _place(balancer), "See the message.").as_dict()]
