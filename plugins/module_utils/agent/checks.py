# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether one value fits its setting, wherever it is given; and the report that collects what does not."""

from __future__ import annotations

import difflib
import re
from typing import Any, Iterable, Iterator, List, Mapping, Optional

from ansible_collections.praxis.cloud.plugins.module_utils.agent.schema import BY_PATH, SECTIONS
from ansible_collections.praxis.cloud.plugins.module_utils.agent.values import (
    KINDS,
    out_of_range,
    seconds,
    shown,
    word,
)
from ansible_collections.praxis.cloud.plugins.module_utils.agent.vocabulary import Setting
from ansible_collections.praxis.cloud.plugins.module_utils.finding import ERROR, WARNING, Finding

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(:?[-?+][^}]*)?\}")
#: Bytes of one variable that Linux takes, with its name and the NUL at its end (MAX_ARG_STRLEN, execve(2)).
LONGEST_VARIABLE = 131072
#: Of a longer one, and the fix.
TOO_LONG = "is longer than 128 KiB with its name, and no program can be started with that"
SHORTER = "Keep it in a file: in the image, or in what praxis_data keeps."
_REFERENCE_STARTS = ("aws-sm://", "gcp-sm://", "{{resolve:")


class Report:
    """Collects findings. With ``strict`` off, an error that an agent survives becomes a warning."""

    def __init__(self, strict: bool = True) -> None:
        self._strict = strict
        self.findings: List[Finding] = []

    def error(self, code: str, what: str, where: str, fix: str, path: str = "", survivable: bool = False) -> None:
        """Add an error; ``survivable``: the agent would start and serve all the same."""
        level = WARNING if survivable and not self._strict else ERROR
        self.findings.append(Finding(code, what, where, fix, level, path))

    def warning(self, code: str, what: str, where: str, fix: str, path: str = "") -> None:
        """Add a warning."""
        self.findings.append(Finding(code, what, where, fix, WARNING, path))


def is_reference(value: Any) -> bool:
    """Whether a value is a pointer to a secret. The secrets' own grammar says later whether it is a well-formed one."""
    return isinstance(value, str) and value.startswith(_REFERENCE_STARTS)


def holds_reference(value: Any) -> bool:
    """Whether a pointer to a secret stands anywhere in a text."""
    return isinstance(value, str) and any(start in value for start in _REFERENCE_STARTS)


def may_be_secret(setting: Setting) -> bool:
    """Whether a secret's value, which no plan holds, can stand for this setting."""
    return (setting.kind in ("string", "url") or setting.may_hold_logins) and not setting.planned_with


def placeholder(value: str) -> Optional[str]:
    """The first ``${VARIABLE}`` in a text, without its default, which may be secret. Neither Compose nor the agent
    fills it in."""
    found = _VARIABLE.search(value)
    return "${%s}" % found.group(1) if found else None


def is_placeholder(value: str) -> bool:
    """Whether a text is nothing but a ``${VARIABLE}``."""
    return _VARIABLE.fullmatch(value) is not None


def nearest(name: str, known: Iterable[str]) -> Optional[str]:
    """The known name most like ``name``, or None."""
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return found[0] if found else None


def check_value(setting: Setting, value: Any, path: str, where: str, report: Report) -> bool:
    """Report a value of the wrong type, outside its bounds or not among its choices; True when it is right."""
    kind = KINDS[setting.kind]
    if value is None and setting.nullable:
        return True
    if not kind.accepts(value):
        what = "%s must be %s, and is %s." % (path, kind.words, "hidden" if setting.secret else shown(value))
        report.error("wrong-type", what, where, "Write %s." % kind.words, path)
        return False
    if setting.choices and value.upper() not in setting.choices:
        near = nearest(value.upper(), setting.choices)
        fix = ("Did you mean %s? " % near if near else "") + "Write one of %s." % ", ".join(setting.choices)
        report.error("not-a-choice", "%s is %s." % (path, shown(value)), where, fix, path)
        return False
    if any(out_of_range(number, setting.minimum, setting.maximum) for number in _numbers(setting, value)):
        fix = "Write a number %s." % _bounds(setting)
        report.error("out-of-range", "%s is %s." % (path, shown(value)), where, fix, path)
        return False
    if not all(is_carried(found) for found in texts(value)):
        what = "%s holds a NUL, or half of a surrogate pair, which no file and no variable can hold." % path
        report.error("bad-text", what, where, "Write the text again without that character.", path)
        return False
    if not setting.fields:
        return True
    if isinstance(value, dict):
        return _check_item(setting, value, path, where, report)
    # A list, not a generator: every item's faults are reported, not only the first item's.
    checked = [_check_item(setting, item, "%s[%d]" % (path, at), where, report) for at, item in enumerate(value)]
    return all(checked)


def _check_item(setting: Setting, item: Mapping[str, Any], path: str, where: str, report: Report) -> bool:
    fields = {known.path: known for known in setting.fields}
    good = True
    for name in [known.path for known in setting.fields if known.required and known.path not in item]:
        fix = "Add this key: the agent does not start without it."
        report.error("missing-setting", "%s has no %s." % (path, name), where, fix, path)
        good = False
    for name, value in item.items():
        if name in fields:
            good = check_value(fields[name], value, "%s.%s" % (path, name), where, report) and good
        else:
            known = ["%s.%s" % (path, field_name) for field_name in fields]
            unknown("%s.%s" % (path, word(name)), where, report, known)
    return good


def texts(value: Any) -> Iterator[str]:
    """Every text in a value, the keys of its mappings included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for item in [*value, *value.values()] if isinstance(value, dict) else value:
            yield from texts(item)


def _numbers(setting: Setting, value: Any) -> List[Any]:
    """The numbers in a value that the setting's bounds are for."""
    if setting.kind == "duration":
        return [seconds(value)]
    if setting.kind in ("integer", "number"):
        return [value]
    return list(value) if setting.kind == "integers" else []


def is_carried(found: str) -> bool:
    """Whether a text arrives as it is written: no file and no variable can hold a NUL or half of a surrogate pair."""
    return "\0" not in found and not any("\ud800" <= character <= "\udfff" for character in found)


def is_passed(name: str, value: str) -> bool:
    """Whether a program can be started with a variable."""
    return len(("%s=%s" % (name, value)).encode("utf-8", "surrogatepass")) < LONGEST_VARIABLE


def unknown(path: str, where: str, report: Report, known: Iterable[str] = ()) -> None:
    """Report a path that is no setting, with the nearest one that is."""
    near = nearest(path, list(known) or [*BY_PATH, *SECTIONS])
    fix = "Did you mean %s?" % near if near else "See configs/agent.schema.json: it lists every setting."
    if path in BY_PATH:
        fix = "Write its parts as sections: `%s:` and below it `%s:`." % tuple(path.split(".", 1))
    report.error("unknown-setting", "%s is not a setting of the agent." % path, where, fix, path, True)


def _bounds(setting: Setting) -> str:
    if setting.maximum is None:
        return "from %g up" % (setting.minimum or 0)
    return "from %g to %g" % (setting.minimum or 0, setting.maximum)
