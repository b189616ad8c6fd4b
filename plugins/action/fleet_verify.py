# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of praxis.cloud.fleet_verify. Documentation: plugins/modules/fleet_verify.py."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import clocks, mesh, render, status
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.order import absences, looks_of
from ansible_collections.praxis.cloud.plugins.plugin_utils.fleet_action import FleetAction
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
        found = (*seen.findings, *_refused(judged, args["balancer"]), *clocks.findings(judged, outcomes))
        findings = [*recorded, *(item for item in found if not _told(item, recorded))]
        ok = not any(finding.level == "error" for finding in findings)
        fact = {
            "ok": ok,
            "fleet": table.fleet,
            "plan_id": options["id"],
            "findings": status.plain_findings(findings),
            "text": "\n".join(str(finding) for finding in findings if finding.level == "error"),
            "good": [name for name in judged if name not in absent and mesh.serves(table, name, looks[name])],
            "put_back": [] if ok else sorted(run.touched()),
            "members": status.rows(table, hosts, outcomes, seen, findings, pending),
            "balancer": args["balancer"].get("addresses") or [],
            "edges": {"live": len(seen.live), "planned": len(table.edges)},
        }
        if args["show"]:
            self.show(lambda width, paint: ["", *render.summary(fact, width, paint), ""])
        return {"verdict": fact, "ansible_facts": {"praxis_verdict": fact}}


def _told(finding: Finding, recorded: Sequence[Finding]) -> bool:
    """Whether a finding adds nothing to what stopped the run: it is about the same place, or about a host that for this
    very reason kept the release it had, or got it back."""
    return any(item.where == finding.where or finding.code == mesh.OTHER_RELEASE for item in recorded)


def _refused(names: List[str], balancer: Mapping[str, Any]) -> List[Finding]:
    """The members that a load balancer was asked about and does not send requests to."""
    return [
        Finding(
            code="target-not-healthy",
            what="The load balancer calls it %s." % _word(target),
            where=target["member"],
            fix="Run deploy.yml, or check that the balancer reaches the API port.",
        )
        for target in balancer.get("targets") or []
        if target["member"] in names and not target["healthy"]
    ]


def _word(target: Mapping[str, Any]) -> str:
    state, why = target["state"] or "no target of its", str(target["description"]).rstrip(".")
    return "%s (%s)" % (state, why) if why else state
