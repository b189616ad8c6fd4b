# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the agent's ports are free on this machine, and who has them if not: known before anything is disturbed."""

from __future__ import annotations

import os
from typing import Any, Collection, Dict, List, Mapping, Optional

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.module_utils.host.compose import LABELS
from ansible_collections.praxis.cloud.plugins.module_utils.host.engine import Engine
from ansible_collections.praxis.cloud.plugins.module_utils.host.files import read_text

LISTEN = "0A"


def taken(engine: Engine, wanted: Collection[int], own: Collection[int], proc: str = "/proc") -> List[Finding]:
    """A finding for each port that something else has.

    :param wanted: the ports of the release.
    :param own: the ports that the running agent holds.
    """
    findings = []
    sockets = listening(proc)
    for port in sorted(set(wanted) - set(own)):
        holder = _container_with(engine, port)
        if holder is None and port in sockets:
            holder = process_with(sockets[port], proc)
        if holder is not None:
            findings.append(
                Finding(
                    "port-taken",
                    "Port %d of the machine is used by %s." % (port, holder),
                    "port %d" % port,
                    "Stop that process or container, or choose another port (praxis_api_port, praxis_p2p_port).",
                )
            )
    return findings


def listening(proc: str = "/proc") -> Dict[int, str]:
    """The TCP ports of the machine that are listened on, each with its socket's inode."""
    found: Dict[int, str] = {}
    for name in ("tcp", "tcp6"):
        for line in (read_text("%s/self/net/%s" % (proc, name)) or "").splitlines()[1:]:
            fields = line.split()
            if len(fields) > 9 and fields[3] == LISTEN:
                found.setdefault(int(fields[1].rpartition(":")[2], 16), fields[9])
    return found


def process_with(inode: str, proc: str = "/proc") -> str:
    """``nginx (pid 812)``, or that it is not known."""
    wanted = "socket:[%s]" % inode
    for pid in filter(str.isdigit, os.listdir(proc)):
        folder = os.path.join(proc, pid, "fd")
        try:
            if any(os.readlink(os.path.join(folder, item)) == wanted for item in os.listdir(folder)):
                return "%s (pid %s)" % ((read_text(os.path.join(proc, pid, "comm")) or "?").strip(), pid)
        except OSError:  # it has ended meanwhile
            continue
    return "an unknown process"


def _container_with(engine: Engine, port: int) -> Optional[str]:
    """A running container other than the agent's that publishes the TCP port."""
    for item in engine.containers({}):
        labels: Mapping[str, Any] = item.get("Labels") or {}
        ours = all(labels.get(name) == value for name, value in LABELS.items())
        published = [each for each in item.get("Ports") or [] if each.get("Type", "tcp") == "tcp"]
        if not ours and any(each.get("PublicPort") == port for each in published):
            return "the container %s" % (item.get("Names") or [item["Id"]])[0].lstrip("/")
    return None
