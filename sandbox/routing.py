# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries the targets that should be to a balancer, again and again, and its checks' findings back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sandbox.balancer import Balancer, Check, Https, Server
from sandbox.docker import DockerError
from sandbox.problem import Problem

PERIOD = 0.3
"""Seconds between two observations."""


@dataclass(frozen=True)
class Target:
    """A target that should be in the balancer; times in seconds on the monotonic clock."""

    ident: str
    address: str
    port: int
    check_port: int
    leaves: float | None = None
    """When its draining ends; None while it is registered."""

    @property
    def server(self) -> str:
        """Its name in HAProxy; another address is another server."""
        return f"{self.ident.replace(':', '-')}_{self.address}_{self.port}"


class Routing:
    """One balancer's servers.

    :param all_if_none: whether requests go to all targets when none is healthy.
    """

    def __init__(self, balancer: Balancer, all_if_none: bool) -> None:
        self.balancer = balancer
        self._all_if_none = all_if_none
        self._ready: dict[str, bool] = {}

    def bring(self, check: Check | None, idle: int, targets: Mapping[str, Target],
              binds: Sequence[str] | None = None, https: Https | None = None) -> dict[str, tuple[Target, Server]]:
        """One round: what is there, and the difference to what should be; the targets that are in, as they are found.

        :param idle: the listener's timeout, in seconds.
        :param targets: by their names in HAProxy.
        """
        if self.balancer.configure(check, idle, binds, https):
            self._ready.clear()
        servers = self.balancer.servers()
        for name in servers.keys() - targets.keys():
            self.balancer.remove(name)
            self._ready.pop(name, None)
        for name in targets.keys() - servers.keys():
            target = targets[name]
            if check and target.leaves is None:
                self.balancer.add(name, target.address, target.port, target.check_port, check)
                self._ready[name] = False
        kept = {name: (targets[name], servers[name]) for name in targets.keys() & servers.keys()}
        self._route(kept)
        return kept

    def _route(self, kept: dict[str, tuple[Target, Server]]) -> None:
        staying = {name: server for name, (target, server) in kept.items() if target.leaves is None}
        routed = {name for name, server in staying.items() if server.checked and server.up}
        if not routed and self._all_if_none:
            routed = {name for name, server in staying.items() if server.checked}
        for name in kept:
            wanted = name in routed
            if self._ready.get(name) != wanted:
                self.balancer.state(name, "ready" if wanted else "drain")
                self._ready[name] = wanted


def watch(observe: Callable[[], None], say: Callable[[str], None]) -> None:
    """Observe again and again in the background until the process ends; what goes wrong is said once."""
    threading.Thread(target=_watch, args=(observe, say), name="health", daemon=True).start()


def _watch(observe: Callable[[], None], say: Callable[[str], None]) -> None:
    trouble = ""
    while True:
        try:
            observe()
            trouble = ""
        except (OSError, Problem, DockerError) as error:
            if str(error) != trouble:
                trouble = str(error)
                say(f"balancer: {error}")
        time.sleep(PERIOD)
