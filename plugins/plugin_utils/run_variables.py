# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of a run, where an inventory says them of its members: a run has one of each, and takes it from the
host that comes first."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from typing import Any, Dict, List, Mapping, Tuple

from ansible.errors import AnsibleError

from ansible_collections.praxis.cloud.plugins.module_utils.agent.grouping import listed
from ansible_collections.praxis.cloud.plugins.module_utils.agent.values import shown, too_deep
from ansible_collections.praxis.cloud.plugins.module_utils.finding import WARNING, Finding
from ansible_collections.praxis.cloud.plugins.plugin_utils.fleet_variables import plain
from ansible_collections.praxis.cloud.plugins.plugin_utils.hooks import VARIABLE as HOOKS
from ansible_collections.praxis.cloud.plugins.plugin_utils.records import VARIABLE as RECORD
from ansible_collections.praxis.cloud.plugins.plugin_utils.variable_types import (
    RUN_OPTIONS,
    RUN_VARIABLES,
    RUN_WORDS,
    bad_variable,
)

_NOT_SET, _UNREAD = "not set", "a template that cannot be read"
#: What says no more than a variable that is not set; but an empty directory of records means that none is kept.
_EMPTY: Tuple[Any, ...] = ("", {})
_PATHS = (RECORD, HOOKS)
#: What each is where it is not set; None: that depends on the fleet.
_DEFAULTS: Dict[str, Any] = {
    **{RUN_VARIABLES[option]: default for option, (_name, _least, _most, default) in RUN_OPTIONS.items()},
    **{RUN_VARIABLES[option]: words[0] for option, (_name, words) in RUN_WORDS.items()},
}


class RunVariables:
    """What each member has of them."""

    def __init__(self) -> None:
        #: By variable and by what it is, the members.
        self._said: Dict[str, Dict[str, List[str]]] = {variable: {} for variable in RUN_VARIABLES.values()}

    def add(self, member: str, variables: Mapping[str, Any]) -> None:
        """Read a member's."""
        for variable, said in self._said.items():
            said.setdefault(_said(variables, variable), []).append(member)

    def differing(self) -> List[Finding]:
        """Those that not all members have alike: all but one of the values would be ignored. An error, or a warning."""
        return [
            _differs(variable, said)
            for variable, said in self._said.items()
            if len({_meant(variable, each) for each in said}) > 1
        ]


def _said(variables: Mapping[str, Any], variable: str) -> str:
    """What a member has of it, whole: of two long values the beginnings may be the same."""
    if variable not in variables:
        return _NOT_SET
    try:
        given = variables[variable]
        if too_deep(given):
            return _UNREAD
        value = plain(given)
    except AnsibleError:
        return _UNREAD
    if value is None or variable != RECORD and value in _EMPTY:
        return _NOT_SET
    if variable in _PATHS:
        value = _places(value)
    return json.dumps(value, sort_keys=True) if isinstance(value, (list, dict)) else str(value)


def _places(value: Any) -> Any:
    """A path, or some by name, so that two ways to one place are the same: inventories of two clouds lie apart."""
    if isinstance(value, dict):
        return {name: _places(path) for name, path in value.items()}
    return os.path.realpath(os.path.expanduser(value)) if value and isinstance(value, str) else value


def _meant(variable: str, said: str) -> str:
    default = _DEFAULTS.get(variable)
    return said if said != _NOT_SET or default is None else str(default)


def _differs(variable: str, said: Mapping[str, List[str]]) -> Finding:
    words = {value: value if value in (_NOT_SET, _UNREAD) else shown(value) for value in said}
    each = " and ".join("%s for %s" % (words[value], listed(members, 3)) for value, members in said.items())
    what = "%s has different values (%s), and a run needs one value for all members." % (variable, each)
    fix = "Set it for all members alike: in a group that holds all of them, or with -e."
    found = bad_variable(what, variable, fix)
    # Nothing of a release depends on where its record is written: the directory of the first host serves.
    return replace(found, level=WARNING) if variable == RECORD else found
