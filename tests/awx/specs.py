# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The argument specs of awx.awx's modules, as the modules themselves have them; and requests held against them."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any
from unittest import mock

import yaml

MODULES = "ansible_collections.awx.awx.plugins.modules"
#: By an argument's type: what the API takes. A list goes to an endpoint of its own, and not into a body.
_TYPES = {"str": str, "path": str, "bool": bool, "int": int, "float": (int, float), "dict": dict}


class _AskedFor(Exception):
    """A module has come to the point where it hands over its argument spec."""


@cache
def argument_spec(module: str) -> dict[str, dict[str, Any]]:
    """What a module's ``main()`` gives to its base class."""
    found: dict[str, dict[str, Any]] = {}

    def take(argument_spec: dict[str, dict[str, Any]], **_more: Any) -> None:
        found.update(argument_spec)
        raise _AskedFor

    loaded = importlib.import_module(f"{MODULES}.{module}")
    with mock.patch.object(loaded, "ControllerAPIModule", take):
        try:
            loaded.main()
        except _AskedFor:
            return found
    raise AssertionError(f"awx.awx.{module} has no argument spec")


@cache
def approval_spec() -> dict[str, dict[str, Any]]:
    """What may be said of an approval: the module takes any dictionary, and documents these."""
    loaded = importlib.import_module(f"{MODULES}.workflow_job_template_node")
    options = yaml.safe_load(loaded.DOCUMENTATION)["options"]
    return dict(options["approval_node"]["suboptions"])


def lists(module: str) -> set[str]:
    """The arguments that are lists of other objects."""
    return {name for name, option in argument_spec(module).items() if option.get("type") == "list"}


def wrong_fields(
    spec: Mapping[str, Mapping[str, Any]], body: Mapping[str, Any], refs: Mapping[str, str], texts: tuple[str, ...]
) -> Iterator[tuple[str, str]]:
    """Fields of a request that the argument spec does not have, or that have another type there.

    :param refs: fields that name another object, by its id.
    :param texts: fields that hold a dictionary as JSON.
    """
    for name, value in body.items():
        option = spec.get(name)
        if option is None:
            yield name, "This field is in no argument spec."
        elif value is None or (name in refs and value == ""):
            continue
        elif name in refs:
            if not isinstance(value, int) or isinstance(value, bool):
                yield name, f"Incorrect type. Expected pk value, received {type(value).__name__}."
        elif name in texts:
            if not isinstance(value, str) or not isinstance(_json(value), dict):
                yield name, "Cannot parse as JSON."
        elif not _is(value, option.get("type", "str")):
            yield name, f"Expected {option.get('type', 'str')}, received {type(value).__name__}."
        elif option.get("choices") and value not in option["choices"] and value != "":
            yield name, f'"{value}" is not a valid choice.'


def _is(value: Any, kind: str) -> bool:
    expected = _TYPES.get(kind)
    return expected is not None and isinstance(value, expected) and (kind == "bool") == isinstance(value, bool)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
