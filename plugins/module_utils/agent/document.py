# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The compiled document as the text of the agent's file, without its bootstrap list."""

from __future__ import annotations

from typing import Any, Dict, Mapping

from ansible_collections.praxis.cloud.plugins.module_utils.agent.values import plain

_FIRST = ("agent", "api", "mcp", "llm", "logging")


def dump(document: Mapping[str, Any]) -> str:
    """YAML text: ``agent, api, mcp, llm, logging``, others by name, and ``p2p`` last, for ``with_peers`` to add to.

    :raises ValueError: without a non-empty ``p2p``, or with ``p2p.bootstrap_nodes``.
    """
    # Imported here: the module must be importable where PyYAML is not installed.
    import yaml

    tree: Dict[str, Any] = plain(document)
    if not tree.get("p2p") or "bootstrap_nodes" in tree["p2p"]:
        raise ValueError("the document needs a p2p section without bootstrap_nodes")
    rest = sorted(section for section in tree if section not in _FIRST and section != "p2p")
    order = [section for section in _FIRST if section in tree] + rest + ["p2p"]
    ordered = {section: tree[section] for section in order}
    # Escaped, since PyYAML reads some characters back as line breaks (U+0085) when they stand as they are.
    text: str = yaml.safe_dump(ordered, sort_keys=False, default_flow_style=False, allow_unicode=False, width=4096)
    return text
