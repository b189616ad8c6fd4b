# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of praxis.cloud.fleet_history. Documentation: plugins/modules/fleet_history.py."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional

from ansible.plugins.action import ActionBase

from ansible_collections.praxis.cloud.plugins.module_utils.fleet import clocks, history, render
from ansible_collections.praxis.cloud.plugins.plugin_utils import fleet_variables, screen


class ActionModule(ActionBase):  # type: ignore[misc]
    """Merges what the hosts remember."""

    TRANSFERS_FILES = False
    argument_spec: Dict[str, Any] = {
        "hosts": {"type": "list", "elements": "str", "required": True},
        "kept": {"type": "str", "required": True},
        "show": {"type": "bool", "default": False},
    }

    def run(self, tmp: Optional[str] = None, task_vars: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        task_vars = task_vars or {}
        result: Dict[str, Any] = super().run(tmp, task_vars)
        _valid, args = self.validate_argument_spec(argument_spec=self.argument_spec)
        answers = fleet_variables.registered(task_vars["hostvars"], args["hosts"], args["kept"])
        silent = sorted(name for name, answer in answers.items() if "history" not in answer)
        known = {name: answer["history"] for name, answer in answers.items() if "history" in answer}
        past = history.deployments(known)
        now = {name: entries[-1]["run"] for name, entries in known.items() if entries}
        rows: List[Mapping[str, Any]] = [
            {
                "run": one.run,
                "at": clocks.moment(one.at) if one.at else None,
                "owner": one.owner,
                "reason": one.reason,
                "hosts": one.releases,
                "stands": sorted(name for name, run in now.items() if run == one.run),
            }
            for one in past
        ]
        if args["show"]:
            screen.show_in_a_task(self._display, lambda width, paint: _lines(rows, silent, width, paint))
        return {**result, "changed": False, "deployments": rows, "silent": silent}


def _lines(
    rows: List[Mapping[str, Any]], silent: List[str], width: Optional[int], paint: render.Paint
) -> List[str]:
    columns = [
        render.Column("DEPLOYMENT", [(row["run"] or "before", "") for row in rows]),
        render.Column("WHEN", [(row["at"] or render.NONE, "") for row in rows], 1),
        render.Column("BY", [(row["owner"] or render.NONE, "") for row in rows], 3),
        render.Column("WHAT", [(row["reason"] or render.NONE, "") for row in rows], 2),
        render.Column("HOSTS", [(str(len(row["hosts"])), "") for row in rows]),
        render.Column("NOW ON", [(str(len(row["stands"])), "") for row in rows]),
    ]
    lines = ["", *render.table(columns, width, paint), ""]
    if not rows:
        lines = ["", "No host has a record of a deployment.", ""]
    if silent:
        lines += ["No answer from %s." % ", ".join(silent), ""]
    return lines
