# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A directory of JSON files for the AWS CLI. JSON has no comments, so one file more says which are ours. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

INDEX = "praxis.json"
_MARK = "praxis.cloud"


def files(texts: Mapping[str, str]) -> dict[str, str]:
    """The files with their index."""
    return {**texts, INDEX: json.dumps({"written_by": _MARK, "files": list(texts)}, indent=2) + "\n"}


def listed(index: str) -> list[str]:
    """The files that an index of ours names; nothing when it is not ours."""
    try:
        found = json.loads(index or "{}")
    except ValueError:
        return []
    if not isinstance(found, dict) or found.get("written_by") != _MARK:
        return []
    # A name is never a way out of the directory.
    return [name for name in found.get("files", ()) if isinstance(name, str) and "/" not in name and name != INDEX]


def is_ours(name: str, text: str, listed_: Sequence[str]) -> bool:
    """Whether this collection has written a file."""
    return name in listed_ or (name == INDEX and f'"written_by": "{_MARK}"' in text)
