# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers of somebody else's Compose project that has the name of ours: a directory ``praxis`` is enough for it.

Compose knows a project by its name alone, and removes what the file at hand does not have.
"""

from __future__ import annotations

from typing import List

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.module_utils.host.engine import Engine, EngineError
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import PROJECT, PROJECT_LABELS, RELEASE_LABEL
from ansible_collections.praxis.cloud.plugins.module_utils.host.services import PART_LABEL

#: Each container of ours has one of them, in all versions: the agent's the one, a service's the other.
OURS = (RELEASE_LABEL, PART_LABEL)


def obstacles(engine: Engine) -> List[Finding]:
    """Why nothing may be done to the project: not all of it is ours. An engine that does not answer has no obstacle."""
    try:
        listed = engine.containers(PROJECT_LABELS)
    except EngineError:
        return []
    names = sorted(
        (item.get("Names") or [item["Id"]])[0].lstrip("/")
        for item in listed
        if not any(label in (item.get("Labels") or {}) for label in OURS)
    )
    if not names:
        return []
    what = "Another Compose project of this machine also has the name %s, and would lose its containers: %s."
    fix = "Give that project another name (name: in its file, or docker compose -p), start it, and remove these."
    return [Finding("project-taken", what % (PROJECT, ", ".join(names)), "Compose project %s" % PROJECT, fix)]
