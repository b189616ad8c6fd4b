# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The numbers and words of a run, where an inventory says them of its members: a run has one of each, and takes it from
the host that comes first."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping

from ansible.errors import AnsibleError

from ansible_collections.praxis.cloud.plugins.module_utils.agent.grouping import listed
from ansible_collections.praxis.cloud.plugins.module_utils.agent.values import shown
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.plugin_utils.fleet_variables import plain
from ansible_collections.praxis.cloud.plugins.plugin_utils.variable_types import (
    RUN_OPTIONS,
    RUN_VARIABLES,
    RUN_WORDS,
    bad_variable,
)

_VARIABLES = [RUN_VARIABLES[option] for option in [*RUN_OPTIONS, *RUN_WORDS]]


class RunVariables:
    """What each member has of them."""

    def __init__(self) -> None:
        #: By variable and by what it is, the members.
        self._said: Dict[str, Dict[str, List[str]]] = {variable: {} for variable in _VARIABLES}

    def add(self, member: str, variables: Mapping[str, Any]) -> None:
        """Read a member's."""
        for variable, said in self._said.items():
            said.setdefault(_said(variables, variable), []).append(member)

    def differing(self) -> List[Finding]:
        """Those that not all members have alike: all but one of the values would be ignored."""
        return [_differs(variable, said) for variable, said in self._said.items() if len(said) > 1]


def _said(variables: Mapping[str, Any], variable: str) -> str:
    if variable not in variables:
        return "not set"
    try:
        value = plain(variables[variable])
    except AnsibleError:
        return "a template that cannot be read"
    return "not set" if value in (None, "") else shown(value if isinstance(value, (list, dict)) else str(value))


def _differs(variable: str, said: Mapping[str, List[str]]) -> Finding:
    each = " and ".join("%s for %s" % (value, listed(members, 3)) for value, members in said.items())
    what = "%s is %s, and a run has one value for all members." % (variable, each)
    return bad_variable(what, variable, "Set it for all members alike: in a group that holds all of them, or with -e.")
