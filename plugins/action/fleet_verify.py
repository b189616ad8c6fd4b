# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of praxis.cloud.fleet_verify. Documentation: plugins/modules/fleet_verify.py."""

from __future__ import annotations

import time
from typing import Any, Dict, List, Mapping, Sequence, Set

from ansible_collections.praxis.cloud.plugins.module_utils.deployment import is_refused
from ansible_collections.praxis.cloud.plugins.module_utils.finding import ERROR, WARNING, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import (
    balancer,
    clocks,
    lock,
    member_health,
    mesh,
    render,
    status,
    switches,
)
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.batches import roll_back
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.membership import check_logins
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.outcomes import absences, observations_of, soften
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.table import Table
from ansible_collections.praxis.cloud.plugins.plugin_utils import controller, hooks, records
from ansible_collections.praxis.cloud.plugins.plugin_utils.fleet_action import FleetAction, floor_of, pace_of
from ansible_collections.praxis.cloud.plugins.plugin_utils.run_directory import RunDirectory


class ActionModule(FleetAction):
    argument_spec = {
        "batch": {"type": "list", "elements": "str"},
        "mesh": {"type": "bool", "default": True},
        "balancer": {"type": "dict", "default": {}},
        "also": {"type": "list", "elements": "dict", "default": []},
        "failed": {"type": "dict"},
        "hook": {"type": "dict"},
        "strict": {"type": "bool", "default": False},
        "show": {"type": "bool", "default": False},
    }

    def judge(self, run: RunDirectory, args: Mapping[str, Any]) -> Dict[str, Any]:
        began = time.time()
        table, outcomes, options, batch = run.table(), run.outcomes(), run.options(), args["batch"]
        wanted = set(batch or options["hosts"])
        hosts = [name for name in table.order if name in wanted]
        left_out = run.order.left_out()
        # In check mode nothing was activated: of those that would be, nothing can be known yet.
        pending = set(run.order.gates()) if self._task.check_mode else set()
        judged = [name for name in hosts if name not in pending]
        scope = judged if len(judged) < len(table.members) else None
        observations = observations_of(outcomes)
        seen_now = {one: observations[one] for one in judged if one in observations}
        restarted = member_health.restarts(run.activated(), seen_now)
        # Of an agent that crashes nothing else is worth telling; what its own gate has found says more.
        crashing = {item.where: item for item in restarted}
        absent = {**crashing, **absences(judged, outcomes)}
        lasting = {name: one for name, one in observations.items() if name not in crashing and name not in pending}
        edged = args["mesh"] and (bool(batch) or not _stops(run))
        seen = mesh.verdict(table, lasting, absent, scope=scope, strict=args["strict"], edges=edged)
        if batch:
            run.record([finding for finding in seen.findings if finding.level == "error"])
        crashed = [item for item in restarted if absent[item.where] is item]
        by_itself = switches.findings(judged, observations, options["deployment"]["run"])
        reported = [Finding(**item) for item in (*args["also"], *balancer.failures(args.get("failed")))]
        reported += [hooks.failed(**args["hook"])] if args["hook"] else []
        # That one thing went wrong; the run goes on, with a rollback that has begun, say.
        aside = bool(args["also"] or args.get("failed") or args["hook"])
        left = [] if batch or aside else _left(run, observations)
        rest = _refused_turn(run, reported)
        # What a batch was refused may be none of its members alone.
        reported = [] if rest else reported
        run.record([*reported, *crashed, *left, *(item for item in by_itself if item.level == ERROR)])
        recorded = run.recorded()
        balanced = balancer.findings(judged, args["balancer"])
        about_hosts = [*by_itself, *check_logins(seen_now), *clocks.findings(judged, outcomes)]
        about_hosts += _not_sealing(judged, observations, recorded)
        if args["strict"]:
            about_hosts += _to_come(table, judged, observations)
        found = tuple(soften((*seen.findings, *balanced, *about_hosts), left_out))
        # What another deployment is doing to the fleet is its own to judge.
        refused = is_refused(recorded)
        if not run.lock.held():
            found = (*found, *_other(judged, observations, options["deployment"]["run"]))
        elif any(item.level == ERROR for item in recorded):
            # It ends before it has come to everybody whom another deployment had left.
            found = (*found, *switches.waiting(judged, observations, [options["deployment"]["run"]]))
        findings = [*recorded, *(item for item in found if not (refused or _reported(item, recorded)))]
        findings += balancer.still_out(run.still_out()) if refused else []
        # A step of another deployment may be waiting on a host until this run has the lock.
        another = refused or not run.lock.held() and lock.begun(observations, options["deployment"]["run"])
        ok = not any(finding.level == "error" for finding in findings)
        edges = status.fleet_edges(table, hosts, seen, pending)
        touched = _to_roll_back(run, ok or refused)
        out = run.out_of_service() if touched or rest else ()
        floor = floor_of(run, table, options, rolls_back=True) - len(table.beyond(options["hosts"]))
        undo, alone = (
            roll_back(table, names, observations, pace_of(options), out, crashing, run.new(), floor)
            for names in (touched, rest)
        )
        fact = {
            "ok": ok,
            "fleet": table.fleet,
            "plan_id": options["id"],
            "findings": status.plain_findings(findings),
            "text": "\n".join(str(finding) for finding in findings if finding.level == "error"),
            "good": [] if another else _good(table, [name for name in judged if name not in absent], observations),
            "roll_back": _plain(undo),
            "roll_back_alone": _plain([[name] for names in alone for name in names]),
            "observe_again": bool(undo or run.rollback_begun()),
            "confirm": [
                name
                for name in hosts
                if ok
                and name not in left_out
                and (name in pending or switches.unconfirmed(observations.get(name) or {}))
            ],
            "members": status.rows(table, hosts, outcomes, seen, findings, pending),
            "balancer": args["balancer"].get("addresses") or [],
            "edges": {key: edges[key] for key in ("live", "planned")},
            "unobserved_edges": edges["unobserved"],
            "record": "",
        }
        if not (args["show"] or aside):
            run.journal.gate(hosts, began, findings, edged)
            if fact["roll_back"]["hosts"] and not batch:
                # What is wrong now may be well once all have gone back: then nothing else would say why they did.
                run.record([finding for finding in findings if finding.level == ERROR])
        if args["show"]:
            fact.update(records.keep(run, fact, seen.live))
            self.show(lambda width, paint: ["", *render.summary(fact, width, paint), ""])
        return {"verdict": fact, "ansible_facts": {"praxis_verdict": fact}}


def _good(table: Table, names: Sequence[str], observations: Mapping[str, Mapping[str, Any]]) -> List[str]:
    """The members that may be given requests."""
    return [name for name in names if member_health.serves(table, name, observations[name])]


def _to_roll_back(run: RunDirectory, never: bool) -> Set[str]:
    """The hosts that were touched, as long as no rollback has begun: each is tried once."""
    return set() if never or run.rollback_begun() else set(run.touched())


def _refused_turn(run: RunDirectory, reported: Sequence[Finding]) -> Set[str]:
    """The hosts that a rollback did not get to, where too few others would serve for a batch to leave, and it was of
    several: one alone may."""
    codes = {item.code for item in reported}
    if codes == {"floor"} and len(run.rollback_turn()) > 1:
        return set(run.touched()).difference(run.rolled_back())
    return set()


def _stops(run: RunDirectory) -> bool:
    """Whether an error has ended the activation, and what was touched is to be rolled back now. The others were
    observed before it was activated, so they list its connections of before."""
    errors = [item for item in run.recorded() if item.level == ERROR]
    return bool(errors and _to_roll_back(run, is_refused(errors)))


def _other(names: Sequence[str], observations: Mapping[str, Mapping[str, Any]], run: str) -> List[Finding]:
    """Another deployment that is at work, or stopped in its middle; and what one that stopped has left to hosts."""
    holder = lock.other(observations, controller.alive, run)
    if holder is None:
        return switches.waiting(names, observations, [run])
    if holder.gone:
        return [holder.unfinished(), *switches.waiting(names, observations, [run])]
    return [holder.at_work(), *switches.waiting(names, observations, [run, holder.run])]


def _plain(batches: List[List[str]]) -> Dict[str, Any]:
    """Batches as a play wants them."""
    return {"hosts": [name for batch in batches for name in batch], "serial": [len(batch) for batch in batches]}


def _left(run: RunDirectory, observations: Mapping[str, Mapping[str, Any]]) -> List[Finding]:
    """The hosts that a rollback did not get to, and what becomes of them. It ends where members cannot be drained, or
    where too few others would be left in service."""
    tried, found = run.rolled_back(), []
    fix = "Fix what the other findings say, then deploy the release that the fleet should have."
    for name, previous in run.touched().items() if run.rollback_begun() else ():
        seen = observations.get(name) or {}
        has_it_back = bool(seen) and seen["release"].get("running") == previous
        if name not in tried and not has_it_back:
            what = "It still has the new release: the rollback ended before its turn. %s" % switches.goes_back(seen)
            found.append(Finding("not-rolled-back", what.strip(), name, fix))
    return found


def _reported(finding: Finding, recorded: Sequence[Finding]) -> bool:
    """Whether a finding is recorded, or adds nothing to what stopped the run: it is about the same place, or about a
    host that for this very reason kept the release it had, or got it back."""
    if any((item.code, item.where) == (finding.code, finding.where) for item in recorded):
        return True
    stopped = [item for item in recorded if item.level == ERROR]
    return any(item.where == finding.where or finding.code == member_health.OTHER_RELEASE for item in stopped)


def _not_sealing(
    names: Sequence[str], observations: Mapping[str, Mapping[str, Any]], recorded: Sequence[Finding]
) -> List[Finding]:
    """The machines whose agents do not come back by themselves, unless the order has said so."""
    told = {item.where for item in recorded if item.code == switches.NO_SYSTEMD}
    what = "After a reboot its agent stays down until a deployment: without systemd-creds no secrets can be sealed."
    fix = "Use a system with systemd 250 or newer, such as Debian 12."
    hosts = {name: (observations.get(name) or {}).get("host") or {} for name in names}
    unfit = [name for name in names if hosts[name].get("seals") is False and name not in told]
    return [Finding("not-sealing", what, name, fix, level=WARNING) for name in unfit]


def _to_come(
    table: Table, names: Sequence[str], observations: Mapping[str, Mapping[str, Any]]
) -> List[Finding]:
    """What is well now, and may soon not be. A deployment judges what it has activated itself, and brings lists up to
    date."""
    return [*member_health.crashing(names, observations), *mesh.unlisted(table, names, observations)]
