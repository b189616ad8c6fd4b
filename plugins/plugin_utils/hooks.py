# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The user's own tasks at points of a deployment: ``praxis_hooks``."""

from __future__ import annotations

import os
from typing import Any, Callable, Dict, Iterator, List, Optional, Set, Tuple

from ansible.errors import AnsibleError
from ansible.module_utils.parsing.convert_bool import BOOLEANS_FALSE

from ansible_collections.praxis.cloud.plugins.module_utils.agent.values import shown
from ansible_collections.praxis.cloud.plugins.module_utils.finding import ERROR, WARNING, Finding
from ansible_collections.praxis.cloud.plugins.plugin_utils.variable_types import bad_variable, one_of

VARIABLE = "praxis_hooks"
#: Where a deployment runs a hook, in its order; docs/releases.md says when that is.
POINTS = ("plan", "before_batch", "after_batch", "success", "failure")
#: Those at which nothing can be stopped any more.
AT_THE_END = ("success", "failure")
#: With these a task that fails takes the other hosts of its batch out of the run, and no rescue brings them back.
_FATAL_TO_ALL = ("run_once", "any_errors_fatal")
#: Of `meta`: they take the hosts of the batch, or one of them, out of the steps that follow the hook.
_ENDINGS = ("end_host", "end_batch", "end_play", "clear_host_errors")
_SECTIONS = ("block", "rescue", "always")
_MISSING = "Write the path of a tasks file, absolute or relative to the directory where ansible-playbook is started."


def hooks(given: Any, load: Callable[[str], Any]) -> Tuple[Dict[str, str], List[Finding]]:
    """Whole paths by point, and what is wrong with the variable and the files that it names.

    :param given: the variable; a path is relative to where ansible-playbook was started.
    :param load: the content of a YAML file, as Ansible reads it; raises AnsibleError.
    """
    if given in (None, "", {}):
        return {}, []
    if not isinstance(given, dict):
        fix = "Write `point: file` lines below it, for %s." % ", ".join(POINTS)
        return {}, [bad_variable("%s is not a mapping." % VARIABLE, VARIABLE, fix)]
    found: Dict[str, str] = {}
    findings = []
    for point, path in given.items():
        where = "%s.%s" % (VARIABLE, point)
        if point not in POINTS:
            what = "A deployment has no hook of this name."
            findings.append(bad_variable(what, where, one_of(str(point), POINTS)))
        elif not isinstance(path, str):
            what = "The value is %s and not a path." % shown(path)
            findings.append(bad_variable(what, where, "Write the path of a tasks file."))
        else:
            found[point] = os.path.abspath(os.path.expanduser(path))
            if not os.path.isfile(found[point]):
                findings.append(Finding("hook-missing", "The file %s does not exist." % found[point], where, _MISSING))
            else:
                findings += _of_file(found[point], where, load)
    return found, findings


def _of_file(path: str, where: str, load: Callable[[str], Any]) -> Iterator[Finding]:
    """What is wrong with a tasks file, ``hook-unreadable`` or ``hook-unfit``: Ansible would stop in mid-deployment."""
    try:
        tasks = list(_tasks_of(path, load, set()))
    except (AnsibleError, TypeError) as error:
        what = "Ansible cannot read the tasks of %s: %s" % (path, error)
        yield Finding("hook-unreadable", what, where, "Correct the file: a list of tasks, in YAML.")
        return
    for task in tasks:
        amiss = _unfit(task)
        if amiss:
            what = 'The task "%s" has `%s`, which takes hosts out of the rest of the deployment.'
            fix = "Remove it. The tasks of a hook are run once anyway, and one that fails stops the deployment."
            yield Finding("hook-unfit", what % (task.get("name") or "without a name", amiss), where, fix)


def _tasks_of(path: str, load: Callable[[str], Any], seen: Set[str]) -> Iterator[Dict[str, Any]]:
    """The tasks and blocks of a file, and of those that it includes by a name relative to itself; a file once."""
    path = os.path.abspath(path)
    if path in seen:
        return
    seen.add(path)
    within = [(path, load(path) or [])]
    while within:
        source, tasks = within.pop(0)
        if not isinstance(tasks, list) or not all(isinstance(task, dict) for task in tasks):
            raise TypeError("%s is not a list of tasks." % source)
        for task in tasks:
            yield task
            within += [(source, task[section] or []) for section in _SECTIONS if section in task]
            included = _argument(task, "include_tasks", "import_tasks")
            name = included.get("file") if isinstance(included, dict) else included
            inner = os.path.join(os.path.dirname(source), name) if isinstance(name, str) else ""
            if os.path.isfile(inner):
                yield from _tasks_of(inner, load, seen)


def _argument(task: Dict[str, Any], *actions: str) -> Any:
    """What a task gives to one of Ansible's own actions."""
    names = ["%s%s" % (prefix, action) for action in actions for prefix in ("", "ansible.builtin.", "ansible.legacy.")]
    return next((task[name] for name in names if name in task), None)


def _unfit(task: Dict[str, Any]) -> Optional[str]:
    """The keyword, or the action, by which a task takes hosts out of the run."""
    ending = _argument(task, "meta")
    if ending in _ENDINGS:
        return "meta: %s" % ending
    included = _argument(task, "include_tasks")
    applied = included.get("apply") if isinstance(included, dict) else None
    for keywords in (task, applied if isinstance(applied, dict) else {}):
        for keyword in _FATAL_TO_ALL:
            value = keywords.get(keyword, False)
            if value is not None and (value.lower() if isinstance(value, str) else value) not in BOOLEANS_FALSE:
                return keyword
    return None


def failed(point: str, task: str, said: str) -> Finding:
    """That a task of a hook failed.

    :param said: Ansible's own message.
    """
    what = 'The task "%s" failed: %s' % (task, said or "its output says why.")
    fix = "Fix what the message names, or the hook, and deploy again."
    level = WARNING if point in AT_THE_END else ERROR
    return Finding("hook-failed", what, "%s.%s" % (VARIABLE, point), fix, level=level)
