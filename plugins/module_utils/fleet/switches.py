# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What hosts have done by themselves, because nobody called their new release good in time. Pure."""

from __future__ import annotations

import time
from typing import Any, Collection, List, Mapping

from ansible_collections.praxis.cloud.plugins.module_utils.finding import ERROR, WARNING, Finding


def findings(names: Collection[str], looks: Mapping[str, Mapping[str, Any]], run: str) -> List[Finding]:
    """That a host has rolled itself back: an error if this run had activated it, a warning if another one had.

    :param run: this deployment's id.
    """
    found = []
    for name in names:
        done = ((looks.get(name) or {}).get("switch") or {}).get("rolled_back")
        if done:
            when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(done["at"]))
            what = "It went back to release %s by itself at %s: deployment %s had not called %s good in time."
            what %= (done["to"], when, done["run"], done["from"])
            level = ERROR if done["run"] == run else WARNING
            fix = "See why that deployment did not come to its end, and deploy again (praxis_confirm_deadline)."
            found.append(Finding("rolled-back-itself", what, name, fix, level=level))
    return found
