# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Join the agent's file and its bootstrap list. Runs on hosts: Python 3.9 and its standard library."""

from __future__ import annotations

import json
from typing import Sequence


def with_peers(text: str, multiaddrs: Sequence[str]) -> str:
    """Append ``bootstrap_nodes`` to the ``p2p`` section of a text made by ``document.dump``.

    The list is no part of a release: peers come and go, and the release of a host stays the same.

    :raises ValueError: if the text does not end with a ``p2p`` section, or has a bootstrap list already.
    """
    _head, mark, section = ("\n" + text).rpartition("\np2p:\n")
    lines = section.split("\n")
    if not mark or not section or any(line and not line.startswith(" ") for line in lines):
        raise ValueError("the text does not end with a p2p section")
    if any(line.startswith("  bootstrap_nodes:") for line in lines):
        raise ValueError("the text has p2p.bootstrap_nodes already")
    items = "".join("\n  - %s" % json.dumps(multiaddr) for multiaddr in multiaddrs)
    return "%s  bootstrap_nodes:%s\n" % (text, items or " []")
