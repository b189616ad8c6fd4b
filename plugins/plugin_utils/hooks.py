# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The user's own tasks at points of a deployment: ``praxis_hooks``."""

from __future__ import annotations

import os
from typing import Any, Dict, List, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.agent.values import shown
from ansible_collections.praxis.cloud.plugins.module_utils.finding import ERROR, WARNING, Finding
from ansible_collections.praxis.cloud.plugins.plugin_utils.variable_types import bad_variable, one_of

VARIABLE = "praxis_hooks"
#: Where a deployment runs a hook, in its order; docs/releases.md says when that is.
POINTS = ("plan", "before_batch", "after_batch", "success", "failure")
#: Those at which nothing can be stopped any more.
AT_THE_END = ("success", "failure")


def hooks(given: Any) -> Tuple[Dict[str, str], List[Finding]]:
    """Whole paths by point, and what is wrong with the variable: ``bad-variable``, ``hook-missing``.

    :param given: the variable; a path is relative to where ansible-playbook was started.
    """
    if given in (None, "", {}):
        return {}, []
    if not isinstance(given, dict):
        fix = "Write `point: file` lines below it, for %s." % ", ".join(POINTS)
        return {}, [bad_variable("%s is no mapping." % VARIABLE, VARIABLE, fix)]
    found: Dict[str, str] = {}
    findings = []
    for point, path in given.items():
        where = "%s.%s" % (VARIABLE, point)
        if point not in POINTS:
            what = "There is no such point of a deployment."
            findings.append(bad_variable(what, where, one_of(str(point), POINTS)))
        elif not isinstance(path, str):
            findings.append(bad_variable("It is %s and no path." % shown(path), where, "Name a tasks file."))
        else:
            found[point] = os.path.abspath(os.path.expanduser(path))
            if not os.path.isfile(found[point]):
                fix = "Name a tasks file, by its whole path or relative to where ansible-playbook is started."
                findings.append(Finding("hook-missing", "There is no file %s." % found[point], where, fix))
    return found, findings


def failed(point: str, task: str, said: str) -> Finding:
    """That a task of a hook failed.

    :param said: Ansible's own message.
    """
    what = 'The task "%s" failed: %s' % (task, said or "its output says why.")
    fix = "Repair what it names, or the hook, and deploy again."
    level = WARNING if point in AT_THE_END else ERROR
    return Finding("hook-failed", what, "%s.%s" % (VARIABLE, point), fix, level=level)
