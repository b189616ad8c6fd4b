# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Environment variables: the user's own, and those that settings are routed to."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any, Dict, FrozenSet, Iterable, Mapping, Optional

from ansible_collections.praxis.cloud.plugins.module_utils.agent.checks import (
    SHORTER,
    TOO_LONG,
    Report,
    check_value,
    holds_reference,
    is_carried,
    is_passed,
    may_be_secret,
    nearest,
    placeholder,
)
from ansible_collections.praxis.cloud.plugins.module_utils.agent.layers import Merged
from ansible_collections.praxis.cloud.plugins.module_utils.agent.logins import is_login, places, spelt
from ansible_collections.praxis.cloud.plugins.module_utils.agent.schema import (
    BY_PATH,
    BY_VARIABLE,
    IGNORED_VARIABLES,
    OTHER_VARIABLES,
    SECRET_VARIABLES,
    SECTIONS,
)
from ansible_collections.praxis.cloud.plugins.module_utils.agent.secret_text import carried, pointer
from ansible_collections.praxis.cloud.plugins.module_utils.agent.values import KINDS, plain, shown, text, too_deep
from ansible_collections.praxis.cloud.plugins.module_utils.agent.vocabulary import (
    ENVIRONMENT,
    IGNORED,
    PLANNED,
    SETTINGS,
    YAML,
    Setting,
)

PLACE = "praxis_agent_environment"
SECRETS_PLACE = "praxis_agent_secrets"

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PREFIX = "PRAXIS_"
_ELSEWHERE = {setting.spelt_variable: setting.variable for setting in SETTINGS if setting.variable}
# The agent reads llm.api_key from the variable that its path spells, too, and before the other one.
_SECOND_NAMES = {each.spelt_variable: each.variable for each in SETTINGS if each.variable and each.secret}


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
    """Check the user's variables, and write their values as text. What the agent ignores is left out."""
    named = Counter(map(canonical, secret_names))
    for name in sorted(name for name in named if named[name] > 1):
        what = "%s is given twice in %s: the agent reads this name in any case." % (name, SECRETS_PLACE)
        report.error("given-twice", what, SECRETS_PLACE, "Keep one of the two.", name)
    secrets = frozenset(
        name
        for name in sorted(named)
        if _check_name(name, SECRETS_PLACE, report) and _check_secret(name, report)
    )
    values: Dict[str, str] = {}
    for raw_name, raw in environment.items():
        name = canonical(raw_name)
        if name in secrets or name in values:
            what = "%s is given twice: in %s and in %s." % (name, PLACE, SECRETS_PLACE if name in secrets else PLACE)
            report.error("given-twice", what, PLACE, "Keep one of the two.", name)
        elif _check_name(name, PLACE, report) and not _is_ignored(name) and _check_text(name, raw, report):
            values[name] = text(plain(raw))
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
        setting = _filled_in(name)
        if setting and _is_in(document, setting.path):
            what = "%s has no effect: the agent's file holds %s, and the file wins." % (name, setting.path)
            fix = "Set %s in praxis_agent_config, and drop the variable." % setting.path
            report.error("yaml-beats-environment", what, user.place(name), fix, setting.path, True)


def effective(merged: Merged, document: Mapping[str, Any], user: UserEnvironment) -> Merged:
    """The settings the agent will see: those merged, and those that a variable gives and nothing else does."""
    values, origin = dict(merged.values), dict(merged.origin)
    for name, value in user.values.items():
        setting = BY_VARIABLE.get(name)
        if setting is None or setting.path in values or setting.effect not in (YAML, ENVIRONMENT):
            continue
        if setting.effect == ENVIRONMENT or (_filled_in(name) and not _is_in(document, setting.path)):
            values[setting.path], origin[setting.path] = KINDS[setting.kind].parse(value), PLACE
    return Merged(values, origin)


def _filled_in(name: str) -> Optional[Setting]:
    """The setting that the agent fills in from this variable where its file has none."""
    setting = BY_VARIABLE.get(name)
    return setting if setting and name == setting.spelt_variable else None


def _is_in(document: Mapping[str, Any], path: str) -> bool:
    section, _dot, leaf = path.rpartition(".")
    return leaf in document.get(section, {})


def canonical(raw: Any) -> str:
    """A variable's name as the container gets it. The agent reads its settings' variables in any case, and some others
    that begin with PRAXIS_, such as the master key's, in capitals alone; and one spelling lets two be compared."""
    name = str(plain(raw)) if isinstance(raw, str) else shown(raw)
    return name.upper() if name.upper().startswith(_PREFIX) else name


def _is_ignored(name: str) -> bool:
    """Whether this is a variable of the agent's that nothing in it uses, though it would stumble over a wrong type."""
    setting = BY_VARIABLE.get(name)
    if name in _ELSEWHERE and name not in _SECOND_NAMES:
        return True
    above = BY_PATH.get(name[len(_PREFIX) :].partition("__")[0].lower()) if name.startswith(_PREFIX) else None
    return bool((setting and setting.effect == IGNORED) or (above and above.effect == IGNORED))


def _check_name(name: str, place: str, report: Report) -> bool:
    setting = BY_VARIABLE.get(name)
    section, _mark, leaf = name[len(_PREFIX) :].lower().partition("__")
    if not _NAME.fullmatch(name):
        fix = "Use letters, digits and underscores, and do not begin with a digit."
        report.error("bad-variable-name", "%r cannot be the name of an environment variable." % name, place, fix, name)
        return False
    if setting and setting.effect == PLANNED:
        fix = "Leave it out: every member's list is computed from the inventory."
        report.error("bootstrap-is-planned", "%s is set by the plan." % name, place, fix, setting.path)
        return False
    if name.startswith(_PREFIX) and section in SECTIONS and (not leaf or section == "agent"):
        what = "%s is also read by the agent's HTTP server, which has no settings file, and may end the agent." % name
        fix = "Set %s in praxis_agent_config." % (setting.path if setting else "the settings of `%s:`" % section)
        report.error("section-in-environment", what, place, fix, name)
        return False
    if name in _SECOND_NAMES:
        fix = "Use %s." % _SECOND_NAMES[name]
        what = "%s is a second name of %s." % (name, _SECOND_NAMES[name])
        report.error("second-name", what, place, fix, name, True)
    elif name in IGNORED_VARIABLES or _is_ignored(name):
        own = setting is not None and setting.effect == IGNORED and setting.warning != "ignored-setting"
        code = setting.warning if setting and own else "ignored-variable"
        fix = "%s Leave it out." % setting.note if setting and setting.note else "Leave it out."
        fix = "Use %s." % _ELSEWHERE[name] if name in _ELSEWHERE else fix
        report.warning(code, "%s has no effect on the agent." % name, place, fix, name)
    elif name.startswith(_PREFIX) and not setting and name not in OTHER_VARIABLES:
        near = nearest(name, [*BY_VARIABLE, *OTHER_VARIABLES])
        fix = "Did you mean %s?" % near if near else "See configs/agent.schema.json: it lists every setting."
        report.error("unknown-variable", "%s is not a variable of the agent." % name, place, fix, name, True)
    if name in SECRET_VARIABLES and place == PLACE:
        fix = "Move it to %s." % SECRETS_PLACE
        what = "%s is a secret, and plain variables are kept in files." % name
        report.warning("secret-in-environment", what, place, fix, name)
    return True


def _check_secret(name: str, report: Report) -> bool:
    """Whether a variable may be a secret: one whose value no plan needs to know, and that any text fits."""
    setting = BY_VARIABLE.get(name)
    if setting is None or may_be_secret(setting):
        return True
    fix = "Set %s in praxis_agent_config." % setting.path
    if setting.path in ("http.port", "http.host"):
        fix = "Set praxis_api_port instead." if setting.path == "http.port" else "Leave it out."
    elif setting.effect == IGNORED:
        fix = "Leave it out."
    what = "%s is given as a secret, but the plan of a deployment needs its value." % name
    report.error("not-a-secret", what, SECRETS_PLACE, fix, setting.path)
    return False


def _check_text(name: str, raw: Any, report: Report) -> bool:
    """Whether a value can be an environment variable, and is what the agent expects of this one."""
    setting = BY_VARIABLE.get(name)
    value = None if too_deep(raw) else plain(raw)
    if value is None or not KINDS["tree"].accepts(value) or not is_carried(text(value)):
        fix = "Write text, a number, or true or false."
        report.error("wrong-type", "%s has a value that is not text." % name, PLACE, fix, name)
        return False
    if not is_passed(name, text(value)):
        report.error("too-long", "%s %s." % (name, TOO_LONG), PLACE, SHORTER, name)
        return False
    if holds_reference(value):
        fix = "Move it to %s, where references are resolved." % SECRETS_PLACE
        what = "%s holds a reference to a secret, and references are not resolved in plain variables." % name
        report.error("misplaced-reference", what, PLACE, fix, name)
        return False
    unfilled = placeholder(text(value))
    if unfilled:
        fix = "Write the value itself; a secret goes to %s." % SECRETS_PLACE
        what = "%s holds %s, and nothing replaces it by a value." % (name, unfilled)
        if setting is not None or name in OTHER_VARIABLES:
            report.error("placeholder", what, PLACE, fix, name, True)
        else:  # a variable of the user's own, and it may be meant
            report.warning("placeholder", what, PLACE, fix, name)
    if name in BY_VARIABLE or name in SECRET_VARIABLES:
        _check_pasted(name, text(value), report)
    _tell_logins(name, text(value), report)
    return True if setting is None else _check_kind(setting, name, value, report)


def _tell_logins(name: str, value: str, report: Report) -> None:
    """Report what should have been a secret, without it; what is known as one is reported by its name."""
    found = [name] if is_login(name, value) else list(places(spelt(value), name))
    if found and name not in SECRET_VARIABLES:
        what = "%s seems to be a login, or to hold one, and plain variables are kept in files." % found[0]
        report.warning("secret-in-environment", what, PLACE, "Move it to %s." % SECRETS_PLACE, name)


def misfit(name: str, value: str) -> str:
    """What a secret is not, and its variable has to be, as the end of a sentence; empty when it fits."""
    setting = BY_VARIABLE.get(name)
    kind = KINDS[setting.kind if setting else "string"]
    try:
        fits = kind.accepts(kind.parse(value))
    except (ValueError, RecursionError):
        fits = False
    return "" if fits else "is not %s%s" % (kind.words, ", as JSON" if kind.parse is json.loads else "")


def _check_pasted(name: str, value: str, report: Report) -> None:
    """Another tool's pointer in the place of a value; and a plain secret with what storing it added."""
    pointed = pointer(value)
    if pointed:
        what = "%s holds %s, and this collection does not resolve it." % (name, pointed[0])
        report.error("foreign-reference", what, PLACE, "%s Give it in %s." % (pointed[1], SECRETS_PLACE), name, True)
    elif name in SECRET_VARIABLES and value and carried(name, value):
        fix = "Write it without that, in %s." % SECRETS_PLACE
        report.error("secret-padding", "%s %s." % (name, carried(name, value)), PLACE, fix, name, True)


def _check_kind(setting: Setting, name: str, value: Any, report: Report) -> bool:
    kind = KINDS[setting.kind]
    try:
        if setting.kind == "string" and isinstance(value, (dict, list)):
            raise ValueError("a list or a mapping")
        parsed = kind.parse(text(value))
    except (ValueError, RecursionError):
        fix = "Write %s%s." % (kind.words, ", as JSON" if kind.parse is json.loads else "")
        report.error("wrong-type", "%s must be %s." % (name, kind.words), PLACE, fix, name)
        return False
    return check_value(setting, parsed, name, PLACE, report)
