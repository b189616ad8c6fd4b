# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dials to members, for a gate that observes twice a second."""

from __future__ import annotations

import time
from typing import Dict, List, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.host import tcp

REDIAL = 5.0
DIAL_TIMEOUT = 2.0


class Dials:
    """Fresh dials for a gate that observes often: an answered one holds for this gate, the others are tried again."""

    def __init__(self, targets: List[Tuple[str, int]]) -> None:
        self._targets = targets
        self._answers: Dict[str, str] = {}
        self._next = 0.0

    def refreshed(self) -> Dict[str, str]:
        """``address:port`` -> answer, tried again at most every five seconds."""
        if time.monotonic() >= self._next:
            left = [target for target in self._targets if self._answers.get(tcp.endpoint(*target)) != "ok"]
            self._answers.update(tcp.dial_all(left, DIAL_TIMEOUT))
            self._next = time.monotonic() + REDIAL
        return dict(self._answers)
