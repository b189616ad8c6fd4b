# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file a release's secrets live in: lines a POSIX shell can source, byte for byte; and masking by what it holds."""

from __future__ import annotations

import base64
import json
import re
from typing import Dict, Iterable, List, Mapping, Set
from urllib.parse import quote

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding

MASK = "********"
SHORTEST = 4
#: Of the texts within a JSON secret: shorter ones are words that evidence is made of.
SHORTEST_WITHIN = 8
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_EXPORT = re.compile(r"export ([A-Za-z_][A-Za-z0-9_]*)='((?:[^']|'\\'')*)'\n")


def render(secrets: Mapping[str, str]) -> str:
    """``export NAME='value'`` lines, sorted by name.

    Inside single quotes a shell changes nothing; a single quote itself is written as ``'\\''``.

    :raises Failed: a name that no shell accepts (``secret-name``), or a value with a NUL (``secret-nul``).
    """
    findings = []
    for name, value in sorted(secrets.items()):
        if not _NAME.match(name):
            findings.append(
                Finding(
                    "secret-name",
                    "%r cannot be the name of an environment variable." % name,
                    "praxis_agent_secrets",
                    "Use letters, digits and underscores, and do not begin with a digit.",
                )
            )
        elif "\0" in value:
            findings.append(
                Finding(
                    "secret-nul",
                    "The value of %s holds a NUL byte, which an environment variable cannot hold." % name,
                    "praxis_agent_secrets",
                    "Store the value encoded, for example as base64.",
                )
            )
    if findings:
        raise Failed(*findings)
    return "".join("export %s='%s'\n" % (name, secrets[name].replace("'", "'\\''")) for name in sorted(secrets))


def parse(text: str) -> Dict[str, str]:
    """What :func:`render` wrote, read back."""
    return {match.group(1): match.group(2).replace("'\\''", "'") for match in _EXPORT.finditer(text)}


def mask(text: str, values: Iterable[str]) -> str:
    """The text without the values, nor their lines, nor their JSON, URL and base64 forms, nor the texts that a JSON
    value holds. Values under 4 bytes stay, and texts within JSON under 8."""
    for form in sorted(_forms(values), key=len, reverse=True):
        text = text.replace(form, MASK)
    return text


def _forms(values: Iterable[str]) -> List[str]:
    forms: Set[str] = set()
    for value in values:
        for part in [value, *value.splitlines(), *_within(value)]:
            raw = part.encode("utf-8", "surrogateescape")
            forms.update((part, json.dumps(part)[1:-1], quote(raw, safe=""), repr(part)[1:-1]))
            forms.add(base64.b64encode(raw).decode())
    return [form for form in forms if len(form) >= SHORTEST]


def _within(value: str) -> Set[str]:
    """The texts that a JSON object or list holds, and their words: of the header ``Bearer TOKEN``, TOKEN is secret."""
    try:
        left = [json.loads(value)] if value[:1] in ("{", "[") else []
    except (ValueError, RecursionError):
        return set()
    found: Set[str] = set()
    while left:
        item = left.pop()
        if isinstance(item, str):
            found.update([item, *item.split()])
        elif isinstance(item, (dict, list)):
            left += item.values() if isinstance(item, dict) else item
    return {text for text in found if len(text) >= SHORTEST_WITHIN}
