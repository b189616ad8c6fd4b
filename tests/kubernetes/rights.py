# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's rights as docs/kubernetes.md lists them, and as requests in an audit log need them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.kubernetes.fleet import CHECKOUT

_HEAD = "| API group | resources | verbs |"
#: API group, resource and verb.
Right = tuple[str, str, str]


@dataclass(frozen=True)
class Rule:
    """A row of the table."""

    group: str
    resources: tuple[str, ...]
    verbs: tuple[str, ...]

    def as_kubernetes(self) -> dict[str, Any]:
        return {"apiGroups": [self.group], "resources": list(self.resources), "verbs": list(self.verbs)}

    def rights(self) -> set[Right]:
        return {(self.group, resource, verb) for resource in self.resources for verb in self.verbs}


def documented() -> list[Rule]:
    """The rows."""
    text = (CHECKOUT / "docs" / "kubernetes.md").read_text(encoding="utf-8")
    rows = text.partition(_HEAD)[2].split("\n\n")[0].splitlines()[2:]
    found = []
    for row in rows:
        group, resources, verbs = (cell.strip() for cell in row.strip("|").split("|"))
        name = "" if group == "core" else group.strip("`")
        found.append(Rule(name, tuple(re.findall("`([^`]+)`", resources)), tuple(verbs.split(", "))))
    return found


def needed(events: Iterable[Mapping[str, Any]]) -> set[Right]:
    """What the requests of an audit log needed. An applied object that did not exist was created as well."""
    found: set[Right] = set()
    for event in events:
        about = event.get("objectRef")
        if not about:
            continue  # /version and /apis
        resource = "/".join(part for part in (about["resource"], about.get("subresource")) if part)
        group = about.get("apiGroup", "")
        found.add((group, resource, event["verb"]))
        if event["verb"] == "patch" and event.get("responseStatus", {}).get("code") == 201:
            found.add((group, resource, "create"))
    return found
