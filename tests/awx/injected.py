# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The data for AWX; and what a job is given by a credential, worked out of its type's injectors as AWX does it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jinja2.sandbox import SandboxedEnvironment

DATA = Path(__file__).resolve().parents[2] / "awx"
_JINJA = SandboxedEnvironment(autoescape=False)


@dataclass(frozen=True)
class Injected:
    """:param environment: of the job. :param variables: its extra variables."""

    environment: dict[str, str]
    variables: dict[str, Any]


class _Loader(yaml.SafeLoader):
    """With Ansible's word for a text that is no template of its own."""


_Loader.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))


def data(name: str) -> Any:
    """What a file of the data describes, as it is written."""
    read = yaml.load((DATA / f"{name}.yml").read_text(encoding="utf-8"), _Loader)
    return read[f"awx_{name}"]


def credential_types() -> dict[str, dict[str, Any]]:
    """The collection's types of credentials, by their keys."""
    return {item["key"]: item for item in data("credential_types")}


def inject(kind: Mapping[str, Any], inputs: Mapping[str, str], private: Path, seen: str = "") -> Injected:
    """Environment and extra variables; files are written for the job alone.

    :param private: the directory for them.
    :param seen: that directory as the job sees it, where that is another path.
    """
    injectors = kind["injectors"]
    fields = {**{field["id"]: "" for field in kind["inputs"]["fields"]}, **inputs}
    names: dict[str, str] = {}
    for label, text in injectors.get("file", {}).items():
        name = f"{kind['key']}-{label.partition('.')[2]}"
        (private / name).touch(mode=0o600)
        (private / name).write_text(_filled_in(text, fields), encoding="utf-8")
        names[label.partition(".")[2]] = f"{seen or private}/{name}"
    given = {**fields, "tower": {"filename": names}}
    environment = {name: _filled_in(text, given) for name, text in injectors.get("env", {}).items()}
    return Injected(environment, _filled_in(injectors.get("extra_vars", {}), given))


def _filled_in(value: Any, given: Mapping[str, Any]) -> Any:
    if isinstance(value, dict):
        return {name: _filled_in(item, given) for name, item in value.items()}
    if isinstance(value, list):
        return [_filled_in(item, given) for item in value]
    return _JINJA.from_string(value).render(given)
