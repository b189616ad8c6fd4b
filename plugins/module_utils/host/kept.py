# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of earlier releases is still on this host: enough to go back without any store or registry."""

from __future__ import annotations

from typing import Any, Dict

from ansible_collections.praxis.cloud.plugins.module_utils.host import history, plans
from ansible_collections.praxis.cloud.plugins.module_utils.host.observation import Observation
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import RELEASE_FILES, Paths


def observe(paths: Paths, seen: Observation) -> Dict[str, Any]:
    """``kept``, ``history`` and ``peers``, beside an observation that was taken.

    ``kept``: by release id, ``files`` (texts by name) and ``secrets`` (whether they are in memory, or sealed here).
    """
    found = {}
    for name in seen["release"]["kept"]:
        texts = plans.stored_files(paths, name) or {}
        if set(texts) == set(RELEASE_FILES):
            found[name] = {"files": texts, "secrets": plans.in_memory(paths, name) or plans.can_unseal(paths, name)}
    peers = plans.stored_peers(paths)
    return {"kept": found, "history": history.read(paths), "peers": list(peers.multiaddrs) if peers else []}
