# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What hosts have done by themselves, because nobody called their new release good in time. Pure."""

from __future__ import annotations

from typing import Any, Collection, List, Mapping

from ansible_collections.praxis.cloud.plugins.module_utils.finding import ERROR, WARNING, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import clocks


def findings(names: Collection[str], observations: Mapping[str, Mapping[str, Any]], run: str) -> List[Finding]:
    """That a host has rolled itself back: an error if this run had activated it, a warning if another one had.

    :param run: this deployment's id.
    """
    found = []
    for name in names:
        done = ((observations.get(name) or {}).get("switch") or {}).get("rolled_back")
        if done:
            what = "It rolled itself back to release %s at %s: deployment %s did not confirm release %s in time."
            what %= (done["to"], clocks.moment(done["at"]), done["run"], done["from"])
            level = ERROR if done["run"] == run else WARNING
            fix = (
                "Find out why that deployment stopped, and deploy again. If it only needed more time, raise "
                "praxis_confirm_deadline."
            )
            found.append(Finding("rolled-back-itself", what, name, fix, level=level))
    return found


def unconfirmed(observation: Mapping[str, Any]) -> bool:
    """Whether a host has something left of a deployment that did not come to its end, or of this one."""
    release, switch = observation.get("release") or {}, observation.get("switch") or {}
    left = release.get("running") != release.get("good") or any(switch.values())
    return bool(release.get("running")) and left
