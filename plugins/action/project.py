# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of praxis.cloud.project. Documentation: plugins/modules/project.py."""

from __future__ import annotations

import os
from typing import Any, Dict, Optional

from ansible.plugins.action import ActionBase

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.plugin_utils import project_files, screen


class ActionModule(ActionBase):  # type: ignore[misc]
    """Writes what a project lacks, on the controller."""

    TRANSFERS_FILES = False
    argument_spec: Dict[str, Any] = {"dest": {"type": "str", "required": True}}

    def run(self, tmp: Optional[str] = None, task_vars: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        result: Dict[str, Any] = super().run(tmp, task_vars or {})
        _valid, args = self.validate_argument_spec(argument_spec=self.argument_spec)
        try:
            return {**result, **self._write(args["dest"])}
        except Failed as error:
            return {**result, "failed": True, **error.as_result()}

    def _write(self, given: str) -> Dict[str, Any]:
        if not given:
            what = "dest is not set: there is no directory to write to."
            raise Failed(Finding("no-project", what, "dest", "Set it: -e dest=DIRECTORY."))
        dest = os.path.abspath(os.path.expanduser(given))
        found = project_files.compare(dest)
        if not self._task.check_mode:
            project_files.write(dest, found.missing)
        for path in found.differing:
            screen.report(self._display, "%s: it differs from this collection's, and stays as it is." % path)
        return {
            "changed": bool(found.missing),
            "dest": dest,
            "written": sorted(found.missing),
            "kept": found.differing,
            "diff": [_diff(os.path.join(dest, path), content) for path, content in found.missing.items()],
        }


def _diff(path: str, content: bytes) -> Dict[str, str]:
    return {"before": "", "after": content.decode("utf-8", "replace"), "before_header": path, "after_header": path}
