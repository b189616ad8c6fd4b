# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Engines that give their containers less than an agent needs to live: what no Compose file of ours says otherwise."""

from __future__ import annotations

from typing import Any, Iterator, Mapping

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding

#: By the name of a limit: what Linux gives a process anyway, or the processes and threads that an agent starts with.
LEAST = {"nofile": 1024, "nproc": 64}


def obstacles(daemon: Mapping[str, Any]) -> Iterator[Finding]:
    """What daemon.json says of every container; a negative number is no limit."""
    limits = daemon.get("default-ulimits")
    for name, least in LEAST.items():
        limit = limits.get(name) if isinstance(limits, Mapping) else None
        soft = limit.get("Soft") if isinstance(limit, Mapping) else None
        if isinstance(soft, int) and 0 <= soft < least:
            what = "The Docker Engine's default-ulimits are too low for the agent (%s: %d)." % (name, soft)
            fix = (
                "On the machine, set it to %d or more in /etc/docker/daemon.json, or remove it; then "
                "systemctl restart docker."
            ) % least
            yield Finding("engine-limits", what, "this host's engine", fix)
