# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON for those who read it as YAML: Compose, and a cluster's API server what is applied to it. Standard library.

YAML has no surrogate pairs, so JSON's escape of a character beyond U+FFFF is an error there; and not every character
may stand as it is, as it may in JSON (https://yaml.org/spec/1.2.2/, 5.1 and 5.7).
"""

from __future__ import annotations

import json
import re
from typing import Any, Optional

_ESCAPED = re.compile("[\x7f-\uffff]")


def dumps(value: Any, indent: Optional[int] = None) -> str:
    """A plain value as text that is JSON and YAML: characters up to U+FFFF are escaped, others stand as they are."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    return _ESCAPED.sub(lambda found: "\\u%04x" % ord(found[0]), text)
