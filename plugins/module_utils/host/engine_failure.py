# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why the engine, or Compose in front of it, did not do as asked: its words, by what fixes it."""

from __future__ import annotations

import re
from typing import Optional

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding

REASONS = (
    (
        r"[Cc]annot connect to the Docker daemon|no engine answers|no answer from \S*docker",
        "engine-down",
        "The Docker Engine does not answer.",
        "On the machine: systemctl start docker. To see why it stopped: journalctl -u docker.",
    ),
    (
        r"port is already allocated|address already in use",
        "port-taken",
        "Another process of this machine uses a port of the agent.",
        "On the machine, find it (ss -ltnp) and stop it; or choose other ports (praxis_api_port, praxis_p2p_port).",
    ),
    (
        r"OOM-killed|memory limit too low|[Mm]inimum memory limit",
        "container-out-of-memory",
        "The container's memory limit is too low to start it.",
        "Raise memory in praxis_container.",
    ),
    (
        r"bind source path does not exist|no such file or directory.*mount|mount.*no such file or directory",
        "mount-missing",
        "A file that the container mounts is missing on this machine.",
        "Deploy again: that writes the file again (a reboot empties /run).",
    ),
    (
        r"no space left on device",
        "disk-full",
        "The disk is full.",
        "On the machine, free some space (docker system df shows what the engine uses), and deploy again.",
    ),
    (
        r"[Nn]o such image|pull access denied|image.*not found",
        "image-missing",
        "The machine does not have the release's image.",
        "Deploy again: that pulls the image.",
    ),
)


def explain(words: str, where: str) -> Optional[Finding]:
    """A finding from the words; None when they are not known."""
    for pattern, code, what, fix in REASONS:
        if re.search(pattern, words):
            return Finding(code, "%s The engine said: %s" % (what, words[-300:]), where, fix)
    return None
