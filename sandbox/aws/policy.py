# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether IAM policies allow an action on a resource. Pure: documents in, answer out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _like(pattern: str, text: str, *, fold: bool = False) -> bool:
    expression = "".join(".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    return re.fullmatch(expression, text, re.DOTALL | (re.IGNORECASE if fold else 0)) is not None


def _condition_holds(operator: str, wanted: list[str], have: str | list[str] | None) -> bool:
    if operator.startswith("ForAllValues:"):
        return all(_condition_holds(operator.partition(":")[2], wanted, each) for each in _listed(have or []))
    name = operator.removesuffix("IfExists")
    if have is None:
        return operator.endswith("IfExists")
    if isinstance(have, list):
        return False
    if name in ("StringEquals", "ArnEquals"):
        return have in wanted
    if name in ("StringLike", "ArnLike"):
        return any(_like(pattern, have) for pattern in wanted)
    if name == "StringNotEquals":
        return have not in wanted
    return False


def _applies(statement: Mapping[str, Any], action: str, resource: str, context: Mapping[str, str | list[str]]) -> bool:
    if "Action" in statement:
        if not any(_like(pattern, action, fold=True) for pattern in _listed(statement["Action"])):
            return False
    elif any(_like(pattern, action, fold=True) for pattern in _listed(statement["NotAction"])):
        return False
    if "Resource" in statement:
        if not any(_like(pattern, resource) for pattern in _listed(statement["Resource"])):
            return False
    elif any(_like(pattern, resource) for pattern in _listed(statement["NotResource"])):
        return False
    conditions = statement.get("Condition") or {}
    return all(_condition_holds(operator, [str(value) for value in _listed(wanted)], context.get(key))
               for operator, keys in conditions.items() for key, wanted in keys.items())


def allowed(documents: Iterable[Mapping[str, Any]], action: str, resource: str,
            context: Mapping[str, str | list[str]] | None = None) -> bool:
    """True when a statement allows and none denies. A condition that cannot be evaluated does not hold."""
    permitted = False
    for document in documents:
        for statement in _listed(document["Statement"]):
            if _applies(statement, action, resource, context or {}):
                if statement["Effect"] == "Deny":
                    return False
                permitted = True
    return permitted
