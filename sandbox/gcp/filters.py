# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""List filters, as https://google.aip.dev/160 describes them, and Compute's older ``field eq regex``. Pure.

``OR`` binds tighter than ``AND``, and two terms side by side are joined by ``AND``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sandbox.gcp.refused import Refused, invalid

Predicate = Callable[[Mapping[str, Any]], bool]

TOKEN = re.compile(r"""\s*(?:
    (?P<quoted> "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' )
    | (?P<sign> != | <= | >= | [=:<>()] )
    | (?P<word> [^\s()=:<>!"']+ )
)""", re.VERBOSE)
LEGACY = ("eq", "ne")
SIGNS = ("=", "!=", ":", "<", "<=", ">", ">=")


def matcher(text: str) -> Predicate:
    """The filter as a predicate on resources. An empty filter takes all.

    :raises Refused: the text is no filter.
    """
    if not text.strip():
        return lambda _resource: True
    return _Parser(text).whole()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(self._split())

    def _split(self) -> Iterator[tuple[str, str]]:
        at = 0
        end = len(self._text.rstrip())
        while at < end:
            found = TOKEN.match(self._text, at)
            if not found:
                raise self._wrong()
            kind = str(found.lastgroup)
            yield kind, found[kind]
            at = found.end()

    def _wrong(self) -> Refused:
        return invalid("filter", self._text, "Invalid list filter expression.")

    def whole(self) -> Predicate:
        found = self._expression()
        if self._tokens:
            raise self._wrong()
        return found

    def _next_is(self, *words: str) -> bool:
        return bool(self._tokens) and self._tokens[0][0] != "quoted" and self._tokens[0][1] in words

    def _expression(self) -> Predicate:
        found = self._factor()
        while self._tokens and not self._next_is(")"):
            if self._next_is("AND"):
                self._tokens.pop(0)
            found = _both(found, self._factor())
        return found

    def _factor(self) -> Predicate:
        found = self._term()
        while self._next_is("OR"):
            self._tokens.pop(0)
            found = _either(found, self._term())
        return found

    def _term(self) -> Predicate:
        if self._next_is("NOT"):
            self._tokens.pop(0)
            return _not(self._term())
        if self._next_is("("):
            self._tokens.pop(0)
            found = self._expression()
            if not self._next_is(")"):
                raise self._wrong()
            self._tokens.pop(0)
            return found
        return self._restriction()

    def _restriction(self) -> Predicate:
        if not self._tokens:
            raise self._wrong()
        kind, field = self._tokens.pop(0)
        if kind != "word":
            raise self._wrong()
        if field.startswith("-") and len(field) > 1:
            self._tokens.insert(0, ("word", field[1:]))
            return _not(self._restriction())
        if len(self._tokens) < 2 or not self._next_is(*SIGNS, *LEGACY):
            raise self._wrong()
        _other, sign = self._tokens.pop(0)
        kind, value = self._tokens.pop(0)
        if kind == "sign":
            raise self._wrong()
        quoted = kind == "quoted"
        return _compare(field, sign, re.sub(r"\\(.)", r"\1", value[1:-1]) if quoted else value)


def _both(one: Predicate, other: Predicate) -> Predicate:
    return lambda resource: one(resource) and other(resource)


def _either(one: Predicate, other: Predicate) -> Predicate:
    return lambda resource: one(resource) or other(resource)


def _not(one: Predicate) -> Predicate:
    return lambda resource: not one(resource)


def _compare(field: str, sign: str, value: str) -> Predicate:
    if sign in LEGACY:
        shape = re.compile(value)
        return lambda resource: any(shape.fullmatch(text) for text in texts(resource, field)) == (sign == "eq")
    like = re.compile(re.escape(value).replace(r"\*", ".*"))
    tests: dict[str, Predicate] = {
        "=": lambda resource: any(like.fullmatch(text) for text in texts(resource, field)),
        "!=": lambda resource: not any(like.fullmatch(text) for text in texts(resource, field)),
        ":": lambda resource: _has(values(resource, field), value),
        "<": lambda resource: any(_order(text, value) < 0 for text in texts(resource, field)),
        "<=": lambda resource: any(_order(text, value) <= 0 for text in texts(resource, field)),
        ">": lambda resource: any(_order(text, value) > 0 for text in texts(resource, field)),
        ">=": lambda resource: any(_order(text, value) >= 0 for text in texts(resource, field)),
    }
    return tests[sign]


def values(resource: Any, field: str) -> list[Any]:
    """What a dotted field leads to; lists on the way are entered, absent is nothing."""
    found = [resource]
    for part in field.split("."):
        below = [one[part] for one in found if isinstance(one, Mapping) and part in one]
        found = [item for one in below for item in (one if isinstance(one, list) else [one])]
    return found


def texts(resource: Any, field: str) -> list[str]:
    """The scalars that a field leads to, as text."""
    return [_text(one) for one in values(resource, field) if not isinstance(one, Mapping)]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _has(found: list[Any], value: str) -> bool:
    if value == "*":
        return bool(found)
    return any(value in one if isinstance(one, Mapping) else value.lower() in _text(one).lower() for one in found)


def _order(text: str, value: str) -> int:
    """Below, at or above zero, as numbers if both are."""
    try:
        one, other = float(text), float(value)
    except ValueError:
        return (text > value) - (text < value)
    return (one > other) - (one < other)
