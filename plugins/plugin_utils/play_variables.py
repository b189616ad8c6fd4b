# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables of members that stand in ``vars`` of a play, or of the import_playbook that brings it. The play's own tasks
see them. What is read of a member by its name does not hold them, so a plan would be made without them, and a
confirmation be asked for another fleet than the one that is removed."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Callable, Collection, List, Mapping, Optional, Sequence

from ansible.errors import AnsibleError

from ansible_collections.praxis.cloud.plugins.module_utils.agent.grouping import listed
from ansible_collections.praxis.cloud.plugins.module_utils.agent.values import too_deep
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.plugin_utils.fleet_variables import MemberVariables, plain
from ansible_collections.praxis.cloud.plugins.plugin_utils.variable_types import bad_variable

#: Members that a message names one by one.
_NAMED = 3
#: Of a variable that cannot be read, which is like no other.
_UNREAD = object()


def unseen(
    task: Any,
    task_vars: Mapping[str, Any],
    template: Callable[[Any], Any],
    names: Sequence[str],
    only: Optional[Collection[str]] = None,
) -> List[Finding]:
    """The variables of the task's play that members do not have, or have otherwise. One that stands above the play's
    (``-e``) is the members' too.

    :param template: what a variable says; raises AnsibleError.
    :param names: the members that are planned.
    :param only: the variables that are read, without ``praxis_``; None: all.
    """
    read = {"praxis_" + item.name for item in fields(MemberVariables) if only is None or item.name in only}
    found = []
    for variable in sorted(read.intersection(task.get_play().get_vars())):
        said = _said(lambda name: template(task_vars[name]), variable)
        others = [name for name in names if said is _UNREAD or _said(task_vars["hostvars"][name].get, variable) != said]
        found += [_unseen(variable, others)] if others else []
    return found


def _said(get: Callable[[str], Any], variable: str) -> Any:
    """What a variable is, in a form that can be compared; None where it is not set."""
    try:
        given = get(variable)
        return _UNREAD if too_deep(given) else plain(given)
    except AnsibleError:
        return _UNREAD


def _unseen(variable: str, names: Sequence[str]) -> Finding:
    what = "%s stands in `vars` of the play, or of the import_playbook that brings it. It would not count for %s, "
    what += "because a member's variables do not hold it."
    fix = "Set it in the inventory (group_vars) or with -e, and remove it from `vars`."
    return bad_variable(what % (variable, listed(names, _NAMED)), variable, fix)
