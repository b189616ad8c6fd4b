# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The releases that were called good on this host, in their order, and by which deployment."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Optional

from ansible_collections.praxis.cloud.plugins.module_utils.deployment import Deployment
from ansible_collections.praxis.cloud.plugins.module_utils.host import files
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import Paths

#: As many entries are kept, the newest.
LONGEST = 50
_KEYS = {"run", "owner", "reason", "fence", "at", "release"}


def read(paths: Paths) -> List[Dict[str, Any]]:
    """The entries, oldest first: ``run``, ``owner``, ``reason``, ``fence``, ``at`` (the host's clock), ``release``.

    What is no such entry is left out: of one broken file the whole fleet's rollback must not end.
    """
    try:
        found = json.loads(files.read_text(paths.history) or "[]")
    except ValueError:
        return []
    entries = found if isinstance(found, list) else []
    return [one for one in entries if isinstance(one, dict) and _KEYS.issubset(one)]


def add(paths: Paths, deployment: Deployment, release: str, before: Optional[str], now: float) -> None:
    """A release has been called good.

    :param before: the one that was good until now; it opens a history that has no entry yet.
    """
    entries = read(paths)
    if not entries and before and before != release:
        entries = [{"run": "", "owner": "", "reason": "", "fence": 0, "at": 0, "release": before}]
    entry = {"run": deployment.run, "owner": deployment.owner, "reason": deployment.reason, "fence": deployment.fence}
    entries.append({**entry, "at": round(now, 3), "release": release})
    files.write_file(paths.history, json.dumps(entries[-LONGEST:], indent=1).encode() + b"\n")
