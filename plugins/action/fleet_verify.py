# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of praxis.cloud.fleet_verify. Documentation: plugins/modules/fleet_verify.py."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import clocks, mesh
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.order import absences, looks_of
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.plan import UNKNOWN, Table
from ansible_collections.praxis.cloud.plugins.plugin_utils.fleet_action import FleetAction, as_text, plain_findings
from ansible_collections.praxis.cloud.plugins.plugin_utils.run_directory import RunDirectory


class ActionModule(FleetAction):
    argument_spec = {
        "batch": {"type": "list", "elements": "str"},
        "balancer": {"type": "dict", "default": {}},
        "also": {"type": "list", "elements": "dict", "default": []},
        "strict": {"type": "bool", "default": False},
        "show": {"type": "bool", "default": False},
    }

    def judge(self, run: RunDirectory, args: Mapping[str, Any]) -> Dict[str, Any]:
        table, outcomes, options, batch = run.table(), run.outcomes(), run.options(), args["batch"]
        wanted = set(batch or options["hosts"])
        hosts = [name for name in table.order if name in wanted]
        # In check mode nothing was activated: of those that would be, nothing can be known yet.
        pending = set(run.gates()) if self._task.check_mode else set()
        judged = [name for name in hosts if name not in pending]
        scope = judged if len(judged) < len(table.members) else None
        looks, absent = looks_of(outcomes), absences(judged, outcomes)
        seen = mesh.verdict(table, looks, absent, scope=scope, strict=args["strict"])
        if batch:
            run.record([finding for finding in seen.findings if finding.level == "error"])
        run.record([Finding(**item) for item in args["also"]])
        recorded = run.recorded()
        found = (*seen.findings, *_refused(table, judged, args["balancer"]), *clocks.findings(judged, outcomes))
        findings = [*recorded, *(item for item in found if not _told(item, recorded))]
        ok = not any(finding.level == "error" for finding in findings)
        rows = [_row(table, name, outcomes, seen, name in pending) for name in hosts]
        fact = {
            "ok": ok,
            "fleet": table.fleet,
            "plan_id": options["id"],
            "findings": plain_findings(findings),
            "text": "\n".join(str(finding) for finding in findings if finding.level == "error"),
            "good": [name for name in judged if name not in absent and mesh.serves(table, name, looks[name])],
            "put_back": [] if ok else sorted(run.touched()),
            "members": rows,
            "balancer": args["balancer"].get("addresses") or [],
            "edges": {"live": len(seen.live), "planned": len(table.edges)},
        }
        if args["show"]:
            self._display.display("\n".join(_lines(rows, fact)))
        return {"verdict": fact, "ansible_facts": {"praxis_verdict": fact}}


def _told(finding: Finding, recorded: Sequence[Finding]) -> bool:
    """Whether a finding adds nothing to what stopped the run: it is about the same place, or about a host that for this
    very reason kept the release it had, or got it back."""
    return any(item.where == finding.where or finding.code == mesh.OTHER_RELEASE for item in recorded)


def _refused(table: Table, names: List[str], balancer: Mapping[str, Any]) -> List[Finding]:
    """The members that a load balancer was asked about and does not send requests to."""
    targets = {item["id"]: item for item in balancer.get("targets") or []}
    refused = [(name, targets.get(table.members[name].target, {})) for name in names]
    return [
        Finding(
            code="target-not-healthy",
            what="The load balancer calls it %s (%s)." % (target["state"], target["description"].rstrip(".")),
            where=name,
            fix="Run deploy.yml, or check that the balancer reaches the API port.",
        )
        for name, target in refused
        if target.get("state", "healthy") != "healthy"
    ]


_COLUMNS = ("name", "slot", "zone", "address", "release", "agent", "edges", "since")


def _row(table: Table, name: str, outcomes: Mapping[str, Any], verdict: mesh.Verdict, pending: bool) -> Dict[str, str]:
    member = table.members[name]
    look = (outcomes.get(name) or {}).get("look") or {}
    container = look.get("container") or {}
    live = sum(1 for pair in verdict.live if name in pair)
    state = UNKNOWN if pending else "unreachable"
    if look and not pending:
        codes = [finding.code for finding in mesh.member_findings(table, name, look)]
        state = codes[0] if codes else "healthy"
    return {
        "name": name,
        "slot": member.slot,
        "zone": member.zone,
        "address": member.address,
        "release": str((look.get("release") or {}).get("running") or "-"),
        "agent": state,
        "edges": "%d/%d" % (live, len(table.around[name])),
        "since": str(container.get("started_at") or "-")[:19],
        "peer_id": member.peer_id or "",
    }


def _lines(members: List[Dict[str, str]], fact: Mapping[str, Any]) -> List[str]:
    rows = [[column.upper() for column in _COLUMNS]] + [[item[column] for column in _COLUMNS] for item in members]
    lines = ["", *as_text(rows), *("load balancer: http://%s" % address for address in fact["balancer"])]
    for finding in fact["findings"]:
        lines += ["", "%s: %s: %s" % (finding["level"], finding["where"], finding["what"]), "  " + finding["fix"]]
    return lines + [""]
