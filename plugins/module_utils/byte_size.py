# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A number of bytes as Docker reads it (``512m``, ``1.5 GiB``): one rule for plan and hosts. Standard library."""

from __future__ import annotations

import re
from typing import Any, Optional

_SIZE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?) ?(?:b|([kmgt])(?:i?b)?)?", re.IGNORECASE)
_UNITS = "kmgt"


def in_bytes(text: Any) -> Optional[int]:
    """The bytes, or None when Docker would not take it for a size."""
    match = _SIZE.fullmatch(str(text))
    if not match:
        return None
    power = _UNITS.index(match.group(2).lower()) + 1 if match.group(2) else 0
    return int(float(match.group(1)) * 1024**power)
