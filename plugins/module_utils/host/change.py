# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One thing to do on a host: the prediction, the work and the diff of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict

UNKNOWN = "(known after apply)"


@dataclass(frozen=True)
class Change:
    """One thing to do. ``kind`` names the step that does it; ``before`` and ``after`` are for the reader."""

    kind: str
    subject: str
    before: str
    after: str

    def __str__(self) -> str:
        return "%s %s" % (self.kind, self.subject)

    def as_diff(self) -> Dict[str, str]:
        """An item of Ansible's ``diff``."""
        return {
            "before_header": self.subject,
            "after_header": self.subject,
            "before": self.before,
            "after": self.after,
        }
