# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a drain, as the machine sees it: its API has no connection any more.

A load balancer is done with a target as soon as no request and no connection is left, and yet goes on calling it
``draining`` for the whole of its delay (AWS), or says nothing at all (Google Cloud). The machine knows better.
"""

from __future__ import annotations

import ipaddress
import time
from typing import Callable, Optional

from ansible_collections.praxis.cloud.plugins.module_utils.host import observation, tcp
from ansible_collections.praxis.cloud.plugins.module_utils.host.engine import Engine
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import Paths

#: Seconds without a connection after which none is to be expected: a balancer's own parts hear late of a target that
#: leaves, and send it requests until they do.
QUIET = 10.0
POLL = 0.25


def wait(paths: Paths, api_port: int, seconds: float) -> None:
    """Wait until the agent's API has had no connection for a while, or the time is over.

    :param api_port: where the API of the release to come listens; what runs may listen elsewhere.
    :param seconds: what is left of the balancer's own time for connections, or of :data:`QUIET` where it gives none.
    """
    container = observation.observe_container(paths, Engine(paths.engine_socket))
    if container is None or not container["pid"]:
        return
    port = observation.port_of(paths, container, "api", api_port)
    until_quiet(lambda: connected(container["pid"], port), seconds)


def connected(pid: int, port: int, proc: str = "/proc") -> bool:
    """Whether anybody but this machine itself has a connection to a port of a process's network."""
    connections = tcp.read_tables(pid, proc, tcp.IN_USE)
    return any(item.local_port == port and not _own(item.remote_address) for item in connections)


def _own(address: str) -> bool:
    """The container's own health check."""
    return ipaddress.ip_address(address).is_loopback


def until_quiet(
    busy: Callable[[], bool],
    seconds: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Return when nothing has been busy for :data:`QUIET` seconds, or the seconds are over."""
    begun = clock()
    quiet_since: Optional[float] = None
    while True:
        now = clock()
        if busy():
            quiet_since = None
        elif quiet_since is None:
            quiet_since = now
        left = begun + seconds - now
        if quiet_since is not None:
            left = min(left, quiet_since + QUIET - now)
        if left <= 0:
            return
        sleep(min(POLL, left))
