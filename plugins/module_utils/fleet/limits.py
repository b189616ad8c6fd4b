# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``praxis_container``, checked: what a container may use, before Compose sees it and stops half-way."""

from __future__ import annotations

import difflib
import re
from dataclasses import fields
from typing import Any, Dict, List, Mapping

from ansible_collections.praxis.cloud.plugins.module_utils.agent.values import shown
from ansible_collections.praxis.cloud.plugins.module_utils.byte_size import in_bytes
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.container import Limits

VARIABLE = "praxis_container"
_NAMES = tuple(item.name for item in fields(Limits))
_COUNTS = {"pids": 4194304, "log_files": 1000}
_DURATION = re.compile(r"([0-9]{1,9}(ms|s|m|h))+")
#: Docker refuses to start a container with less.
_LEAST_MEMORY = 6 * 1024**2


def read_limits(given: Mapping[str, Any], where: str, variable: str = VARIABLE) -> Limits:
    """The limits that ``praxis_container`` gives, the defaults for the rest.

    :param where: the member.
    :param variable: what gives them, for findings.
    :raises Failed: every limit that is unknown, or has a value that Compose would refuse.
    """
    findings: List[Finding] = []
    values: Dict[str, Any] = {}
    for name, value in given.items():
        if name not in _NAMES:
            findings.append(_unknown(name, where, variable))
            continue
        fix = _fault(name, value)
        if fix:
            findings.append(Finding("bad-limit", "%s.%s is %s." % (variable, name, shown(value)), where, fix))
        else:
            values[name] = int(value) if name in _COUNTS else str(value)
    if findings:
        raise Failed(*findings)
    return Limits(**values)


def _unknown(name: str, where: str, variable: str) -> Finding:
    near = difflib.get_close_matches(name, _NAMES, n=1, cutoff=0.6)
    hint = "Did you mean %s? " % near[0] if near else ""
    fix = "%sKnown: %s." % (hint, ", ".join(_NAMES))
    return Finding("unknown-limit", "%s holds %s." % (variable, name), where, fix)


def is_duration(value: Any) -> bool:
    """Whether Compose takes it for a time."""
    return isinstance(value, str) and _DURATION.fullmatch(value) is not None


def _fault(name: str, value: Any) -> str:
    """What to write instead; empty when the value is right."""
    text = "" if isinstance(value, (bool, float)) or not isinstance(value, (str, int)) else _text(value)
    if name in _COUNTS:
        good = re.fullmatch("[0-9]{1,9}", text) and 1 <= int(text) <= _COUNTS[name]
        return "" if good else "Write a whole number from 1 to %d, such as %s." % (_COUNTS[name], _default(name))
    if name in ("memory", "log_size"):
        size = in_bytes(text)
        if size is not None and size >= _least(name):
            return ""
        return "Write a size with its unit, such as %s%s." % (_default(name), ", and 6m at least" * (name == "memory"))
    if _DURATION.fullmatch(text):
        return ""
    near = "%ss" % text if re.fullmatch("[0-9]{1,9}", text) else _default(name)
    return "Write a time with its unit, such as %s." % near


def _text(value: Any) -> str:
    # A number of thousands of digits cannot even be printed.
    return str(value) if isinstance(value, str) or abs(value) < 10**12 else ""


def _least(name: str) -> int:
    return _LEAST_MEMORY if name == "memory" else 1


def _default(name: str) -> str:
    return str(getattr(Limits(), name))
