# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of praxis.cloud.fleet_doctor. Documentation: plugins/modules/fleet_doctor.py."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional

from ansible_collections.praxis.cloud.plugins.action import fleet_verify
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import doctor, render
from ansible_collections.praxis.cloud.plugins.plugin_utils.run_directory import RunDirectory


class ActionModule(fleet_verify.ActionModule):
    """The verdict on the fleet as it runs, and what would stop the next deployment."""

    argument_spec = {"balancer": {"type": "dict", "default": {}}, "show": {"type": "bool", "default": True}}

    def judge(self, run: RunDirectory, args: Mapping[str, Any]) -> Dict[str, Any]:
        verdict = super().judge(run, {**_AS_STATUS, "balancer": args["balancer"]})["verdict"]
        table, outcomes = run.table(), run.outcomes()
        hosts = [name for name in table.order if name in set(run.options()["hosts"])]
        findings = doctor.of_verdict([Finding(**item) for item in verdict["findings"]], doctor.is_deployed(outcomes))
        checks = [doctor.Check("agents", len(hosts), "members", tuple(findings))]
        checks += doctor.of_hosts(table, hosts, outcomes)
        found = doctor.summary(checks, table.fleet, hosts)
        if args["show"]:
            self.show(lambda width, paint: ["", *_lines(found, width, paint), ""])
        return {"doctor": found, "ansible_facts": {"praxis_doctor": found}}


#: A verdict on the whole fleet, without a picture of it and without a record.
_AS_STATUS = {"batch": [], "mesh": True, "also": [], "failed": None, "hook": None, "strict": True, "show": False}


def _lines(found: Mapping[str, Any], width: Optional[int], paint: render.Paint) -> List[str]:
    rows = found["checks"]
    looked = [("%(looked)d %(unit)s" % row if row["looked"] else render.NONE, "") for row in rows]
    columns = [
        render.Column("CHECK", [(row["area"], "") for row in rows]),
        render.Column("LOOKED AT", looked),
        render.Column("FOUND", [_found(row) for row in rows]),
    ]
    lines = render.table(columns, width, paint)
    for item in render.by_level(found["findings"]):
        lines += ["", *render.finding(item, width, paint)]
    word = paint("sound", "good") if found["ok"] else paint("not sound", "bad")
    return [*lines, "", "fleet %s: %s" % (render.clean(found["fleet"]), word)]


def _found(row: Mapping[str, Any]) -> render.Cell:
    if row["errors"]:
        return render.counted(row["errors"], "error"), "bad"
    if row["warnings"]:
        return render.counted(row["warnings"], "warning"), "warning"
    return ("ok", "good") if row["looked"] else ("not looked at", "warning")
