# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the engine uses the proxies that it is to use."""

from __future__ import annotations

import os
from typing import Any, List, Mapping, Optional

from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import Paths

#: What the engine calls them in its description of itself.
_FIELDS = (("http", "HttpProxy"), ("https", "HttpsProxy"), ("no_proxy", "NoProxy"))


def reasons(paths: Paths, info: Mapping[str, Any], wanted: Optional[Mapping[str, str]]) -> List[str]:
    """Why the docker role has something to do; nothing when it has not, or when no engine answers: it is run then.

    :param info: the engine's description of itself; empty when none answers.
    :param wanted: ``http``, ``https`` and ``no_proxy``; empty for none, None when it does not matter.
    """
    if wanted is None or not info:
        return []
    if not wanted:
        # What the machine's own image says of proxies is left alone; what an earlier deployment said is not.
        return ["the engine has the proxies of an earlier deployment"] if os.path.exists(paths.engine_proxies) else []
    if any(str(info.get(field) or "") != str(wanted.get(name) or "") for name, field in _FIELDS):
        return ["the engine does not use the proxies of the settings"]
    return []
