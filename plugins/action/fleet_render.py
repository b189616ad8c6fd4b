# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of praxis.cloud.fleet_render. Documentation: plugins/modules/fleet_render.py."""

from __future__ import annotations

import os
from typing import Any, Dict, Mapping, Optional

from ansible.plugins.action import ActionBase

from ansible_collections.praxis.cloud.plugins.module_utils.agent.grouping import shortened
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.status import plain_findings
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes import manifests
from ansible_collections.praxis.cloud.plugins.plugin_utils import fleet_variables, kubernetes_kinds, rendered_files


class ActionModule(ActionBase):  # type: ignore[misc]
    """Writes a fleet's manifests on the controller."""

    TRANSFERS_FILES = False
    argument_spec: Dict[str, Any] = {"dest": {"type": "str", "required": True}}

    def run(self, tmp: Optional[str] = None, task_vars: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        task_vars = task_vars or {}
        result: Dict[str, Any] = super().run(tmp, task_vars)
        _valid, args = self.validate_argument_spec(argument_spec=self.argument_spec)
        try:
            return {**result, **self._render(args["dest"], task_vars)}
        except Failed as error:
            return {**result, "failed": True, **error.as_result()}

    def _render(self, given: str, task_vars: Mapping[str, Any]) -> Dict[str, Any]:
        dest = _directory(given)
        names = [str(name) for name in task_vars["groups"].get(fleet_variables.GROUP, [])]
        members, faults = kubernetes_kinds.read(task_vars["hostvars"], names)
        fleet = kubernetes_kinds.plan(members, faults)
        wanted = manifests.files(fleet.objects())
        differences = rendered_files.compare(dest, wanted)
        if not self._task.check_mode:
            rendered_files.apply(dest, differences)
        return {
            "changed": bool(differences),
            "dest": dest,
            "files": sorted(wanted),
            "written": sorted(os.path.basename(each.path) for each in differences if each.after is not None),
            "removed": sorted(os.path.basename(each.path) for each in differences if each.after is None),
            "releases": {kind.name: kind.id for kind in fleet.kinds},
            "diff": [each.shown() for each in differences],
            "findings": plain_findings(fleet.warnings),
            "warnings": [str(each) for each in shortened(fleet.warnings, every=self._display.verbosity > 0)],
        }


def _directory(given: str) -> str:
    if not given:
        fix = "Name it: -e praxis_render_dest=DIRECTORY."
        raise Failed(Finding("render-destination", "No directory is named.", "praxis_render_dest", fix))
    return os.path.abspath(os.path.expanduser(given))
