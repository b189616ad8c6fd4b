# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The group of the machine's Docker socket, for an agent that has the socket mounted.

Its number differs from machine to machine, and a release is made on the controller. So the release's Compose file
extends a file of the machine's own, which holds the group and nothing else. Whoever starts the container from the
release's Compose file, the dead man's switch included, has the group with it.
"""

from __future__ import annotations

import json
import os
import stat
from typing import Any, Iterator, List, Mapping, Optional

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.module_utils.host.desired import Release
from ansible_collections.praxis.cloud.plugins.module_utils.host.files import read_json
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import SERVICE, Paths


def text(group: str) -> str:
    """The file that a release's Compose file extends."""
    return json.dumps({"services": {SERVICE: {"group_add": [group]}}}) + "\n"


def of_socket(paths: Paths) -> Optional[str]:
    """The number of the group that the engine's socket belongs to; None where there is no socket."""
    try:
        return str(os.stat(paths.engine_socket).st_gid)
    except OSError:
        return None


def obstacles(paths: Paths, release: Optional[Release]) -> Iterator[Finding]:
    """Why an agent that is to have the socket could not use it, in its group as well."""
    if release is None or not is_mounted(release.manifest) or not os.path.exists(paths.engine_socket):
        return
    mode = stat.S_IMODE(os.stat(paths.engine_socket).st_mode)
    if mode & (stat.S_IRGRP | stat.S_IWGRP) != stat.S_IRGRP | stat.S_IWGRP:
        yield Finding(
            "docker-socket-shut",
            "praxis_docker_socket is true, but the engine's socket gives its group no access (mode %04o)." % mode,
            paths.engine_socket,
            "On the machine, set SocketMode=0660 for docker.socket (systemctl edit docker.socket); or remove "
            "praxis_docker_socket.",
        )


def stored(paths: Paths) -> Optional[str]:
    """The group that is in the file."""
    found: Any = read_json(paths.socket_group)
    groups: List[str] = (((found or {}).get("services") or {}).get(SERVICE) or {}).get("group_add") or []
    return groups[0] if groups else None


def is_mounted(manifest: Mapping[str, Any]) -> bool:
    """Whether a release has the socket mounted."""
    return bool(manifest.get("docker_socket"))
