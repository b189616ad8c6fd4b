# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of value a setting can have: how each is checked, read from an environment variable, and written to one."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Any, Callable, Dict, Mapping, Optional, Sequence

_DURATION = re.compile(r"^[0-9]{1,9}(ms|s)$")
_URL = re.compile(
    r"https?://([^\s/?#@]+@)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*)(:[0-9]{1,5})?([/?#]\S*)?"
)
_INTEGER = re.compile(r"\s*[+-]?[0-9]{1,19}\s*")
# Beyond 64 bits a number is a mistake, and Python refuses to print a very long one.
_LARGEST = 2**63 - 1
#: Levels of mappings and lists that settings may have; the agent's own go four deep.
DEEPEST = 32
_TRUE = ("1", "true", "t", "yes", "y", "on")
_FALSE = ("0", "false", "f", "no", "n", "off")


@dataclass(frozen=True)
class Kind:
    """One kind of value.

    :param words: how a message names it (``a whole number``).
    :param json: the JSON Schema fragment that describes it.
    :param accepts: whether a plain value is of this kind.
    :param parse: from the text of an environment variable; raises ValueError.
    """

    words: str
    json: Mapping[str, Any]
    accepts: Callable[[Any], bool]
    parse: Callable[[str], Any]


def plain(value: Any) -> Any:
    """A deep copy made of exact built-in types.

    Ansible hands out tagged subclasses of ``str``, ``dict`` and others; PyYAML refuses to dump them. What is none of
    YAML's own types is returned as it is, for the type check to name.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, Mapping):
        return {_plain_key(key): plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        return [plain(item) for item in value]
    return value


def _plain_key(key: Any) -> Any:
    return key if isinstance(key, tuple) else plain(key)  # as a list it could be no key


def too_deep(value: Any, levels: int = DEEPEST) -> bool:
    """Whether mappings and lists are nested deeper than ``levels``, or hold themselves."""
    if isinstance(value, Mapping):
        return levels == 0 or any(too_deep(item, levels - 1) for item in value.values())
    if isinstance(value, (list, tuple)):
        return levels == 0 or any(too_deep(item, levels - 1) for item in value)
    return False


def shown(value: Any, longest: int = 60) -> str:
    """A value as a message quotes it: short, and never more than Python can print."""
    try:
        quoted = repr(value)
    except ValueError:
        return "a number of more digits than can be printed"
    return quoted if len(quoted) <= longest else quoted[: longest - 3] + "..."


def word(name: Any, longest: int = 100) -> str:
    """A mapping's key as a message names it: text as it is, what could not be seen quoted."""
    if not isinstance(name, str) or not name.strip() or not name.isprintable():
        return shown(name, longest)
    return name if len(name) <= longest else name[: longest - 3] + "..."


def text(value: Any) -> str:
    """A plain value as the agent reads it from an environment variable: lists and mappings are JSON."""
    if isinstance(value, str):
        return value
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def seconds(duration: Any) -> float:
    """The length of a ``duration`` value (``30``, ``"30s"``, ``"500ms"``) in seconds."""
    if isinstance(duration, int):
        return float(duration)
    number = float(re.sub("[^0-9]", "", duration))
    return number / 1000 if duration.endswith("ms") else number


def out_of_range(value: Any, minimum: Optional[float], maximum: Optional[float]) -> bool:
    """Whether a number lies outside the given bounds (None: no bound)."""
    return (minimum is not None and value < minimum) or (maximum is not None and value > maximum)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _LARGEST


def _is_number(value: Any) -> bool:
    return _is_integer(value) or (isinstance(value, float) and math.isfinite(value))


def _is_duration(value: Any) -> bool:
    return _is_integer(value) or (isinstance(value, str) and _DURATION.fullmatch(value) is not None)


def _is_tree(value: Any) -> bool:
    """Nothing but YAML's plain types, with text as keys."""
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_tree(item) for key, item in value.items())
    if isinstance(value, list):
        return all(_is_tree(item) for item in value)
    return value is None or isinstance(value, (str, bool)) or _is_number(value)


def _is_mapping(value: Any) -> bool:
    return isinstance(value, dict) and _is_tree(value)


def _is_texts(value: Any) -> bool:
    """A mapping of texts: the agent makes no text of a number there, and ends."""
    return isinstance(value, dict) and all(isinstance(text, str) for item in value.items() for text in item)


def _list_of(accepts: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(accepts(item) for item in value)


def _is_string(value: Any) -> bool:
    return isinstance(value, str)


def _is_url(value: Any) -> bool:
    found = _URL.fullmatch(value) if isinstance(value, str) else None
    return found is not None and 1 <= int((found.group(4) or ":80")[1:]) <= 65535


def _parse_boolean(given: str) -> bool:
    if given.lower() in _TRUE + _FALSE:
        return given.lower() in _TRUE
    raise ValueError(given)


def _parse_integer(given: str) -> int:
    if not _INTEGER.fullmatch(given):  # int() would take 1_000 too, which the agent does not
        raise ValueError(given)
    return int(given)


def _parse_number(given: str) -> float:
    if "_" in given:
        raise ValueError(given)
    return float(given)


def _parse_duration(given: str) -> Any:
    return int(given) if _INTEGER.fullmatch(given) else given


_STRING = {"type": "string"}
_OBJECT = {"type": "object"}

KINDS: Dict[str, Kind] = {
    "string": Kind("text", _STRING, _is_string, str),
    "url": Kind("a URL that begins with http:// or https://", {**_STRING, "pattern": "^https?://"}, _is_url, str),
    "integer": Kind("a whole number", {"type": "integer"}, _is_integer, _parse_integer),
    "number": Kind("a number", {"type": "number"}, _is_number, _parse_number),
    "boolean": Kind("true or false", {"type": "boolean"}, lambda value: isinstance(value, bool), _parse_boolean),
    "duration": Kind(
        'seconds as a whole number, or text such as "30s" or "500ms"',
        {"anyOf": [{"type": "integer"}, {"type": "string", "pattern": _DURATION.pattern}]},
        _is_duration,
        _parse_duration,
    ),
    "strings": Kind("a list of texts", {"type": "array", "items": _STRING}, _list_of(_is_string), json.loads),
    "integers": Kind(
        "a list of whole numbers", {"type": "array", "items": {"type": "integer"}}, _list_of(_is_integer), json.loads
    ),
    "mapping": Kind("a mapping", _OBJECT, _is_mapping, json.loads),
    "texts": Kind(
        "a mapping of texts, numbers in quotes", {**_OBJECT, "additionalProperties": _STRING}, _is_texts, json.loads
    ),
    "mappings": Kind("a list of mappings", {"type": "array", "items": _OBJECT}, _list_of(_is_mapping), json.loads),
    "endpoints": Kind(
        "a list whose items are addresses or mappings",
        {"type": "array", "items": {"anyOf": [_STRING, _OBJECT]}},
        _list_of(lambda item: _is_string(item) or _is_mapping(item)),
        json.loads,
    ),
    "flag": Kind(
        "true, false or a text",
        {"type": ["boolean", "string"]},
        lambda value: isinstance(value, (bool, str)),
        str,
    ),
    "tree": Kind("any value", {}, _is_tree, json.loads),
}
