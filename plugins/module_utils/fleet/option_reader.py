# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a variable of nested options, and collects everything that is wrong with them in one go."""

from __future__ import annotations

import difflib
import re
from typing import Any, Callable, Dict, List, Mapping, Sequence

from ansible_collections.praxis.cloud.plugins.module_utils.agent.values import shown
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding

#: What is wrong with a value, as what to write instead; empty when nothing is.
Check = Callable[[Any], str]


class OptionReader:
    """Collects findings about one variable.

    :param variable: its name.
    :param word: the target's, in the findings' codes (``bad-WORD-setting``).
    :param where: whose variable it is.
    :param hidden: options whose values are never shown.
    """

    def __init__(self, variable: str, word: str, where: str, hidden: Sequence[str] = ()) -> None:
        self.findings: List[Finding] = []
        self._variable = variable
        self._word = word
        self._where = where
        self._hidden = hidden

    def bad(self, what: str, fix: str) -> None:
        """Something that cannot be."""
        code = "bad-%s-setting" % self._word
        self.findings.append(Finding(code, "%s: %s." % (self._variable, what), self._where, fix))

    def add(self, path: str, value: Any, fix: str) -> None:
        """A value that cannot be."""
        hidden = path in self._hidden
        self.bad("%s cannot be read" % path if hidden else "%s is %s" % (path or "it", shown(value)), fix)

    def section(self, path: str, given: Any, known: Mapping[str, Any]) -> Dict[str, Any]:
        """The options of a section that are right.

        :param known: option -> its check, or the options below it.
        """
        if not isinstance(given, Mapping):
            self.add(path, given, "Write `name: value` lines below it.")
            return {}
        found: Dict[str, Any] = {}
        for name, value in given.items():
            inner = "%s.%s" % (path, name) if path else str(name)
            rule = known.get(name)
            if rule is None:
                self._unknown(inner, str(name), known)
            elif isinstance(rule, Mapping):
                found[name] = self.section(inner, value, rule)
            else:
                fix = rule(value)
                if fix:
                    self.add(inner, value, fix)
                else:
                    found[name] = value
        return found

    def _unknown(self, path: str, name: str, known: Mapping[str, Any]) -> None:
        near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
        hint = "Did you mean %s? " % near[0] if near else ""
        what = "%s has no setting %s." % (self._variable, path)
        fix = "%sKnown: %s." % (hint, ", ".join(sorted(known)))
        self.findings.append(Finding("unknown-%s-setting" % self._word, what, self._where, fix))


def matches(shape: re.Pattern[str], fix: str) -> Check:
    """A text of this shape."""

    def check(value: Any) -> str:
        return "" if isinstance(value, str) and shape.fullmatch(value) else fix

    return check


def number(least: int, most: int) -> Check:
    """A whole number."""

    def check(value: Any) -> str:
        good = isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
        return "" if good else "Write a whole number from %d to %d." % (least, most)

    return check


def word(choices: Sequence[Any]) -> Check:
    """One of some, of the same type: a number that a template has divided is 256.0, and is written so."""

    def check(value: Any) -> str:
        good = not isinstance(value, bool) and any(value == each and isinstance(value, type(each)) for each in choices)
        return "" if good else "Write one of %s." % ", ".join(map(str, choices))

    return check


def truth(value: Any) -> str:
    """True or false."""
    return "" if isinstance(value, bool) else "Write true or false."


def listed(check_one: Check, what: str) -> Check:
    """A list, each of which passes."""

    def check(value: Any) -> str:
        if not isinstance(value, (list, tuple)):
            return "Write a list of %s." % what
        return next((fix for fix in map(check_one, value) if fix), "")

    return check
