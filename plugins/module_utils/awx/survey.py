# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From an argument spec to a survey of AWX: a question an option. Pure."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Mapping, Optional, Tuple

#: The longest answers that are taken.
LINE, TEXT = 1024, 32768
#: The kinds of question, by an option's type.
_KINDS = {"str": "text", "path": "text", "json": "textarea", "int": "integer", "float": "float"}
#: A yes or no is a choice of two words, which Ansible reads as a boolean.
_WORDS = {True: "true", False: "false"}
#: By an option: the least and the most that it may be.
Limits = Mapping[str, Tuple[int, int]]
Option = Mapping[str, Any]


def survey(entry: Mapping[str, Any], limits: Optional[Limits] = None) -> Dict[str, Any]:
    """The survey that asks for an entry point's options, in their order; empty where there are none.

    An option without a default has none here either: an answer is an extra variable, and comes before the inventory's.

    :raises ValueError: an option that no question can ask for.
    """
    options: Mapping[str, Option] = entry.get("options") or {}
    questions = [_question(name, option, (limits or {}).get(name)) for name, option in options.items()]
    if not questions:
        return {}
    return {"name": str(entry["short_description"]), "description": "", "spec": questions}


def passwords(found: Mapping[str, Any]) -> List[str]:
    """The variables of a survey whose answers are secret."""
    return [item["variable"] for item in found.get("spec", []) if item["type"] == "password"]


def _question(name: str, option: Option, limits: Optional[Tuple[int, int]]) -> Dict[str, Any]:
    kind = _kind(name, option)
    described = option.get("description") or []
    lines = [described] if isinstance(described, str) else list(described)
    if not lines:
        raise ValueError("%s: without a description there is no question to ask." % name)
    found: Dict[str, Any] = {
        "variable": name,
        "type": kind,
        "question_name": _plain(lines[0]),
        "question_description": " ".join(_plain(line) for line in lines[1:]),
        "required": bool(option.get("required", False)),
    }
    found.update(_bounds(kind, found["required"], limits))
    if kind in ("multiplechoice", "multiselect"):
        found["choices"] = [_word(choice) for choice in option.get("choices") or _WORDS]
    if option.get("default") is not None:
        found["default"] = _default(name, kind, option["default"])
    return found


def _kind(name: str, option: Option) -> str:
    kind = option.get("type", "str")
    if option.get("no_log"):
        if kind != "str" or option.get("choices"):
            raise ValueError("%s: a secret is asked for as one line of text." % name)
        return "password"
    if kind == "list" and option.get("choices"):
        return "multiselect"
    if kind == "bool" or option.get("choices"):
        return "multiplechoice"
    if kind not in _KINDS:
        raise ValueError("%s: a survey has no question for the type %s." % (name, kind))
    return _KINDS[kind]


def _bounds(kind: str, required: bool, limits: Optional[Tuple[int, int]]) -> Dict[str, int]:
    """Of a number, its limits; of a text, its length: AWX takes an empty text for an answer unless it is too short."""
    if kind in ("text", "password", "textarea"):
        return {"min": int(required), "max": TEXT if kind == "textarea" else LINE}
    return {"min": limits[0], "max": limits[1]} if limits and kind == "integer" else {}


def _default(name: str, kind: str, value: Any) -> Any:
    if kind == "password":
        # AWX shows a stored one as $encrypted$, so that no run could tell whether it is the same.
        raise ValueError("%s: a secret has no default." % name)
    if kind == "multiselect":
        return "\n".join(_word(item) for item in value)
    return value if kind in ("integer", "float") else _word(value)


def _word(value: Any) -> str:
    return _WORDS[value] if isinstance(value, bool) else str(value)


def _plain(line: str) -> str:
    """A line of description without Ansible's markup."""
    return re.sub(r"\b[BCIOV]\(([^)]*)\)", r"\1", line)
