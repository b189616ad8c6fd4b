# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of the newest deployment on this host: module_utils/deployment.py says what it means."""

from __future__ import annotations

import json
from typing import Any, Dict, Optional

from ansible_collections.praxis.cloud.plugins.module_utils.deployment import (
    Deployment,
    as_of,
    beneath,
    fenced,
    is_by_hand,
    late,
    record_in,
    refuses,
)
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.host import files, uptime
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import Paths


def read(paths: Paths, now: float) -> Optional[Dict[str, Any]]:
    """The newest deployment's record; None when there has been none."""
    found = _stored(paths)
    return as_of(found, now, uptime.boot(), uptime.seconds()) if found else None


def admit(paths: Paths, wanted: Deployment, now: float, begins: bool = False) -> None:
    """Let a step of this deployment pass, and remember it.

    :param begins: whether the step activates a release. A controller that loses a host rolls it back as soon as it
        reaches it again, and the step that it lost may still be waiting there.
    :raises Failed: ``fenced``, ``step-late``.
    """
    found = read(paths, now)
    if found is not None and refuses(found, wanted):
        raise Failed(fenced(found, wanted.lock_host))
    if begins and _is_closed(paths, wanted):
        raise Failed(late(wanted))
    write(paths, wanted, now)


def write(
    paths: Paths, deployment: Deployment, now: float, ended: bool = False, closed: bool = False
) -> Dict[str, Any]:
    """Remember a deployment, in place of any other; the record. A person's lock is no deployment: what one has left is
    kept beneath it, for those who come when the lock is over.

    :param closed: whether it has rolled this host back, or called its release good: it activates nothing here any more.
    """
    files.make_directory(paths.root, 0o755)
    record = deployment.record(now, ended)
    under = beneath(read(paths, now)) if is_by_hand(record) else None
    kept = {**record, "boot": uptime.boot(), "up": uptime.seconds()}
    if closed or _is_closed(paths, deployment):
        kept["closed"] = True
    if under:
        kept["under"] = under
    files.write_file(paths.deployment, json.dumps(kept, indent=2, sort_keys=True).encode() + b"\n")
    return record


def _is_closed(paths: Paths, deployment: Deployment) -> bool:
    found = _stored(paths) or {}
    return found.get("run") == deployment.run and bool(found.get("closed"))


def _stored(paths: Paths) -> Optional[Dict[str, Any]]:
    return record_in(files.read_json(paths.deployment))
