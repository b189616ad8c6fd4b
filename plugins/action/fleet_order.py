# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of praxis.cloud.fleet_order. Documentation: plugins/modules/fleet_order.py."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, List, Mapping, Optional

from ansible_collections.praxis.cloud.plugins.module_utils.finding import ERROR, WARNING, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import lock, outside, render, switches
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.order import make_order
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.outcomes import observations_of
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.status import plain_findings
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.table import UNKNOWN, Table
from ansible_collections.praxis.cloud.plugins.plugin_utils import controller
from ansible_collections.praxis.cloud.plugins.plugin_utils.fleet_action import FleetAction, pace_of
from ansible_collections.praxis.cloud.plugins.plugin_utils.run_directory import RunDirectory


class ActionModule(FleetAction):
    argument_spec = {
        "final": {"type": "bool", "default": True},
        "show": {"type": "bool", "default": False},
        "restart": {"type": "list", "elements": "str", "default": []},
    }

    def judge(self, run: RunDirectory, args: Mapping[str, Any]) -> Dict[str, Any]:
        table, options, outcomes = run.table(), run.options(), run.outcomes()
        scope = set(options["hosts"])
        seen, this = observations_of(outcomes), options["deployment"]["run"]
        holder = lock.other(seen, controller.alive, this, options["take_over"])
        held = _held(holder, options["unfinished"])
        apart = {item["where"]: Finding(**item) for item in options.get("apart", ())}
        pace, soak = pace_of(options), options.get("soak", 0)
        order = make_order(table, outcomes, scope, pace, args["final"], held, args["restart"], apart, soak)
        run.order.keep(order, seen)
        # A host of the plan that is left as it is serves beside the others, and is observed with them.
        as_it_is = {name for name in scope.intersection(apart) if table.members[name].release}
        reached = scope.difference(run.order.left_out()) | as_it_is
        here = {name: seen[name] for name in reached.intersection(seen)}
        begun = not held and lock.begun(here, this)
        # What another deployment left is this one's to finish, even if nobody is to be activated.
        left = not held and (holder or begun or any(map(switches.unconfirmed, here.values())))
        findings = [*order.findings, *order.left_out, *order.told]
        if args["show"]:  # Who only asks for the plan is not kept from it: another deployment ends.
            findings = [replace(item, level=WARNING) if item is held else item for item in findings]
        errors = [item for item in findings if item.level == ERROR]
        fact = {
            "ok": not errors,
            "text": "\n".join(str(item) for item in errors),
            "plan_id": options["id"],
            "hosts": [name for name in table.order if name in reached],
            "needs_docker": order.needs_docker,
            "activate": order.activate,
            "restart": order.restart,
            "unconfirmed": order.unconfirmed,
            "serial": order.serial,
            "watch": order.watch,
            "first_deployment": order.first_deployment,
            "observe_again": order.observe_again,
            "take_over": [name for name in table.order if begun and name in reached],
            "lock": lock.keepers(table.members, reached, seen) if order.activate or left or run.lock.held() else [],
            "findings": plain_findings(findings),
        }
        if args["final"]:
            # What hosts have done by themselves does not show any more once they have been activated.
            by_itself = switches.findings(scope, seen, this)
            run.record([*order.findings, *order.left_out, *order.told, *by_itself])
        if args["show"]:
            self.show(lambda width, paint: _lines(table, fact, outcomes, width, paint))
        return {"order": fact, "ansible_facts": {"praxis_order": fact}}


def _held(holder: Optional[lock.Holder], unfinished: str) -> Optional[Finding]:
    """Why this run has to leave the fleet to another deployment.

    :param unfinished: what is wanted where that one did not end: ``continue`` or ``refuse``.
    """
    if holder is None or (holder.gone and unfinished == "continue"):
        return None
    return holder.refused() if holder.gone else holder.locked()


def _lines(
    table: Table,
    fact: Mapping[str, Any],
    outcomes: Mapping[str, Any],
    width: Optional[int],
    paint: render.Paint,
) -> List[str]:
    names = fact["hosts"]
    members = [table.members[name] for name in names]
    columns = [
        render.Column("MEMBER", [(name, "") for name in names]),
        render.Column("SLOT", [(member.slot, "") for member in members], 3),
        render.Column("RELEASE", [(member.release[: render.SHORT], "") for member in members], 1),
        render.Column("PEER ID", [(member.peer_id or UNKNOWN, "") for member in members], 2),
        render.Column("NOW", [(_now(name, fact, outcomes), "") for name in names]),
    ]
    agree = "Plan %(id)s. To deploy exactly this plan: deploy.yml -e praxis_plan_id=%(id)s" % {"id": fact["plan_id"]}
    lines = ["", *render.table(columns, width, paint), ""]
    last = sorted((member for member in members if member.last), key=lambda member: member.last)
    if last:
        lines += ["Activated last, each alone: %s" % ", ".join(member.name for member in last), ""]
    said = outside.lines(outside.rows(table.outside))
    lines += [*said, ""] if said else []
    for item in render.by_level(fact["findings"]):
        lines += [*render.finding(item, width, paint), ""]
    return [*lines, agree, ""]


def _now(name: str, fact: Mapping[str, Any], outcomes: Mapping[str, Any]) -> str:
    if name in fact["needs_docker"]:
        return "install docker, start"
    return str((outcomes.get(name) or {}).get("activation") or render.NONE)
