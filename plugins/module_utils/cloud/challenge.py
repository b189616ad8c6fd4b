# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a registry asks for a login: the challenges in its answer's WWW-Authenticate. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PART = re.compile(
    rf"(?P<name>{_TOKEN})\s*=\s*(?:\"(?P<quoted>(?:[^\"\\]|\\.)*)\"|(?P<plain>[^\s,\"]*))|(?P<scheme>{_TOKEN})"
)


@dataclass(frozen=True)
class Challenge:
    """One way to log in.

    :param scheme: in lower case: ``basic``, ``bearer``.
    :param parameters: by name in lower case: ``realm``, ``service``, ``scope``.
    """

    scheme: str
    parameters: dict[str, str] = field(default_factory=dict)


def read_challenges(headers: Iterable[str]) -> list[Challenge]:
    """All that is offered. A header may hold several, and a registry may send several headers."""
    found: list[Challenge] = []
    for header in headers:
        begun = len(found)
        for part in _PART.finditer(header):
            if part["scheme"]:
                found.append(Challenge(part["scheme"].lower()))
            elif len(found) > begun:
                value = part["plain"] if part["quoted"] is None else re.sub(r"\\(.)", r"\1", part["quoted"])
                found[-1].parameters[part["name"].lower()] = value
    return found


def best_challenge(headers: Iterable[str]) -> Challenge | None:
    """A token is preferred: it is good for one repository and a few minutes. None when neither kind is offered."""
    offered = {challenge.scheme: challenge for challenge in reversed(read_challenges(headers))}
    return offered.get("bearer") or offered.get("basic")
