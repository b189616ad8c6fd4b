# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Environment variables: the user's own, and those that settings are routed to."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Dict, FrozenSet, Iterable, Mapping

from ansible_collections.praxis.cloud.plugins.module_utils.agent.layers import Merged, Report, check_value, nearest
from ansible_collections.praxis.cloud.plugins.module_utils.agent.schema import (
    BY_PATH,
    BY_VARIABLE,
    IGNORED_VARIABLES,
    OTHER_VARIABLES,
    SECRET_VARIABLES,
)
from ansible_collections.praxis.cloud.plugins.module_utils.agent.values import KINDS, plain, text
from ansible_collections.praxis.cloud.plugins.module_utils.agent.vocabulary import (
    ENVIRONMENT,
    IGNORED,
    PLANNED,
    SETTINGS,
)

PLACE = "praxis_agent_environment"
SECRETS_PLACE = "praxis_agent_secrets"

_NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")
_ELSEWHERE = {setting.spelt_variable: setting.variable for setting in SETTINGS if setting.variable}


@dataclass(frozen=True)
class UserEnvironment:
    """What the user gives by name: plain values, and the names of secrets."""

    values: Dict[str, str]
    secrets: FrozenSet[str]

    def has(self, name: str) -> bool:
        """Whether the container will have this variable from the user, plain or secret."""
        return name in self.values or name in self.secrets

    def place(self, name: str) -> str:
        """Where the user gives it."""
        return SECRETS_PLACE if name in self.secrets else PLACE


def read_environment(environment: Mapping[str, Any], secret_names: Iterable[str], report: Report) -> UserEnvironment:
    """Check the user's variables, and write their values as text."""
    secrets = frozenset(_canonical(str(plain(name))) for name in secret_names)
    for name in sorted(secrets):
        _check_name(name, SECRETS_PLACE, report)
    values: Dict[str, str] = {}
    for raw_name, raw in environment.items():
        name, value = _canonical(str(plain(raw_name))), plain(raw)
        if name in secrets or name in values:
            what = "%s is given twice: in %s and in %s." % (name, PLACE, SECRETS_PLACE if name in secrets else PLACE)
            report.error("given-twice", what, PLACE, "Keep one of the two.", name)
        elif _check_name(name, PLACE, report) and _check_text(name, value, report):
            values[name] = text(value)
    return UserEnvironment(values, secrets)


def variables(merged: Merged, user: UserEnvironment, report: Report) -> Dict[str, str]:
    """The user's plain variables and those that settings become. The agent reads these settings nowhere else."""
    routed: Dict[str, str] = dict(user.values)
    source: Dict[str, str] = dict.fromkeys(user.values, PLACE)
    source.update(dict.fromkeys(user.secrets, SECRETS_PLACE))
    for path, value in merged.values.items():
        setting = BY_PATH[path]
        if setting.effect != ENVIRONMENT or value is None:
            continue
        name = setting.variable or setting.spelt_variable
        given = "%s (%s)" % (path, merged.origin[path])
        if name in source and routed.get(name) != text(value):
            what = "%s is given twice, and differently: by %s and by %s." % (name, given, source[name])
            report.error("given-twice", what, merged.origin[path], "Keep one of the two.", path)
            continue
        routed[name] = text(value)
        source[name] = given
    return routed


def check_precedence(document: Mapping[str, Any], user: UserEnvironment, report: Report) -> None:
    """The agent's YAML beats its environment, leaf by leaf: a variable for what the document holds does nothing."""
    for name in sorted(user.secrets.union(user.values)):
        setting = BY_VARIABLE.get(name)
        section, _dot, leaf = setting.path.rpartition(".") if setting else ("", "", "")
        if setting and name == setting.spelt_variable and leaf in document.get(section, {}):
            what = "%s has no effect: the agent's file holds %s, and the file wins." % (name, setting.path)
            fix = "Set %s in praxis_agent_config, and drop the variable." % setting.path
            report.error("yaml-beats-environment", what, user.place(name), fix, setting.path, True)


def _canonical(name: str) -> str:
    """The agent reads PRAXIS_ variables in any case; one spelling lets two of them be compared."""
    return name.upper() if name.upper().startswith("PRAXIS_") else name


def _check_name(name: str, place: str, report: Report) -> bool:
    setting = BY_VARIABLE.get(name)
    if not _NAME.match(name):
        fix = "Use letters, digits and underscores, and no digit first."
        report.error("bad-variable-name", "%r is no name of a variable." % name, place, fix, name)
        return False
    if setting and setting.effect == PLANNED:
        fix = "Leave it out: every member's list is computed from the inventory."
        report.error("bootstrap-is-planned", "%s is written by the plan." % name, place, fix, setting.path)
        return False
    if name in IGNORED_VARIABLES or name in _ELSEWHERE or (setting and setting.effect == IGNORED):
        fix = "Use %s." % _ELSEWHERE[name] if name in _ELSEWHERE else "Leave it out."
        report.warning("ignored-variable", "%s has no effect on the agent." % name, place, fix, name)
    elif name.startswith("PRAXIS_") and not setting and name not in OTHER_VARIABLES:
        near = nearest(name, [*BY_VARIABLE, *OTHER_VARIABLES])
        fix = "Did you mean %s?" % near if near else "configs/agent.schema.json lists every setting."
        report.error("unknown-variable", "%s is no variable of the agent." % name, place, fix, name, True)
    if name in SECRET_VARIABLES and place == PLACE:
        fix = "Move it to %s." % SECRETS_PLACE
        what = "%s is a secret, and plain variables are kept in files." % name
        report.warning("secret-in-environment", what, place, fix, name)
    return True


def _check_text(name: str, value: Any, report: Report) -> bool:
    """Whether a value can be an environment variable, and is what the agent expects of this one."""
    if value is None or not KINDS["tree"].accepts(value) or "\0" in text(value):
        fix = "Write text, a number, or true or false."
        report.error("wrong-type", "%s has a value that is no text." % name, PLACE, fix, name)
        return False
    setting = BY_VARIABLE.get(name)
    if setting is None or setting.effect == IGNORED:
        return True
    kind = KINDS[setting.kind]
    try:
        parsed = kind.parse(text(value))
    except (ValueError, json.JSONDecodeError):
        fix = "Write %s%s." % (kind.words, ", as JSON" if kind.parse is json.loads else "")
        report.error("wrong-type", "%s must be %s." % (name, kind.words), PLACE, fix, name)
        return False
    return check_value(setting, parsed, name, PLACE, report)
