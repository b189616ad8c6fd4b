# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the engine still has to take up settings that a run of the docker role has written.

The role writes them to a file of its own before it writes daemon.json, and removes it when it has restarted the engine.
"""

from __future__ import annotations

import os
from typing import Optional

from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import Paths


def pending(paths: Paths, running: bool) -> bool:
    """Whether a run was cut off before it restarted the engine, and nobody else has restarted it since.

    :param running: whether the engine answers.
    """
    written, started = _written(paths.engine_pending), _written(paths.engine_pid)
    if written is None:
        return False
    return not running or started is None or started <= written


def _written(path: str) -> Optional[float]:
    try:
        return os.stat(path).st_mtime
    except FileNotFoundError:
        return None
