# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Engines in a swarm: dockerd does not start there with live-restore, which the docker role turns on."""

from __future__ import annotations

from typing import Any, Iterator, Mapping

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding

#: What an engine says of itself (``Swarm.LocalNodeState``) that is in none; older ones say nothing.
OUTSIDE = ("", "inactive")


def obstacles(daemon: Mapping[str, Any], info: Mapping[str, Any]) -> Iterator[Finding]:
    """Why the engine would not start again.

    :param daemon: daemon.json as it is to be.
    :param info: the engine's description of itself; empty when it does not run.
    """
    state = str((info.get("Swarm") or {}).get("LocalNodeState") or "")
    if state not in OUTSIDE and daemon.get("live-restore"):
        what = "The machine's engine is in a swarm (%s), and would not start again with live-restore." % state
        fix = (
            "On the machine: docker swarm leave. Or set live-restore to false in praxis_docker_daemon: the agent then "
            "stops whenever its engine is restarted."
        )
        yield Finding("engine-in-swarm", what, "this host's engine", fix)
