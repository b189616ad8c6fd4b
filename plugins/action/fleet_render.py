# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of praxis.cloud.fleet_render. Documentation: plugins/modules/fleet_render.py."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Dict, Mapping, Optional, Sequence

from ansible.plugins.action import ActionBase

from ansible_collections.praxis.cloud.plugins.module_utils.agent.grouping import lines
from ansible_collections.praxis.cloud.plugins.module_utils.ecs import files
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.status import plain_findings
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes import manifests
from ansible_collections.praxis.cloud.plugins.plugin_utils import (
    ecs_kinds,
    fleet_variables,
    kinds,
    kubernetes_kinds,
    rendered_files,
)
from ansible_collections.praxis.cloud.plugins.plugin_utils.fleet_variables import MemberVariables
from ansible_collections.praxis.cloud.plugins.plugin_utils.play_variables import unseen


class ActionModule(ActionBase):  # type: ignore[misc]
    """Writes what a fleet's target is to run, on the controller."""

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
        names = fleet_variables.hosts_of(task_vars["groups"], kubernetes_kinds.TARGET)
        members, faults = kinds.read(task_vars["hostvars"], names)
        faults += unseen(self._task, task_vars, self._templar.template, names)
        render = _ecs if any(member.target == ecs_kinds.TARGET for member in members) else _kubernetes
        rendered = render(members, faults)
        wanted, layout = rendered.files, rendered.layout
        differences = rendered_files.compare(dest, wanted, layout)
        if not self._task.check_mode:
            rendered_files.apply(dest, differences, layout)
        return {
            "changed": bool(differences),
            "dest": dest,
            "files": sorted(wanted),
            "written": sorted(os.path.basename(each.path) for each in differences if each.after is not None),
            "removed": sorted(os.path.basename(each.path) for each in differences if each.after is None),
            "releases": rendered.releases,
            "next": rendered.following % dest,
            "diff": [each.shown() for each in differences],
            "findings": plain_findings(rendered.warnings),
            "warnings": lines(rendered.warnings, every=self._display.verbosity > 0),
        }


@dataclass(frozen=True)
class Rendered:
    """A fleet as files.

    :param following: what to do with the directory.
    """

    files: Dict[str, str]
    layout: rendered_files.Layout
    releases: Dict[str, str]
    warnings: Sequence[Finding]
    following: str


def _kubernetes(members: Sequence[MemberVariables], faults: Sequence[Finding]) -> Rendered:
    fleet = kubernetes_kinds.plan(members, faults)
    releases = {kind.name: kind.id for kind in fleet.kinds}
    following = "Next: kubectl apply -k %s, or commit it for Argo CD or Flux."
    return Rendered(manifests.files(fleet.objects()), manifests, releases, fleet.warnings, following)


def _ecs(members: Sequence[MemberVariables], faults: Sequence[Finding]) -> Rendered:
    fleet = ecs_kinds.plan(members, faults, rendered=True)
    releases = {kind.name: kind.release.id for kind in fleet.kinds}
    following = "Next: aws ecs register-task-definition --cli-input-json file://%s/NAME.task-definition.json"
    return Rendered(files.files(fleet.files()), files, releases, fleet.warnings, following)


def _directory(given: str) -> str:
    if not given:
        fix = "Set it: -e praxis_render_dest=DIRECTORY."
        what = "praxis_render_dest is not set: there is no directory to write to."
        raise Failed(Finding("render-destination", what, "praxis_render_dest", fix))
    return os.path.abspath(os.path.expanduser(given))
