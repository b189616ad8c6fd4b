# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Work in the background: in order for one machine, a few machines at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait

AT_ONCE = 3
"""Machines that are started or stopped at the same time."""


class Lanes:
    """One lane for each machine. `say` is called with work that failed."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._lanes: dict[str, ThreadPoolExecutor] = {}
        self._tasks: list[Future[None]] = []
        self._lock = threading.Lock()
        self._at_once = threading.Semaphore(AT_ONCE)

    def order(self, ident: str, work: Callable[[], None]) -> Future[None]:
        """Do work after what was ordered for the same machine before."""
        def run() -> None:
            with self._at_once:
                work()

        with self._lock:
            lane = self._lanes.get(ident) or ThreadPoolExecutor(1, thread_name_prefix=ident)
            self._lanes[ident] = lane
            task = lane.submit(run)
            self._tasks = [*(one for one in self._tasks if not one.done()), task]
        task.add_done_callback(self._complain)
        return task

    def settle(self, seconds: float) -> None:
        """Wait until what was ordered so far is done, or for so long."""
        with self._lock:
            tasks = list(self._tasks)
        wait(tasks, timeout=seconds)

    def _complain(self, task: Future[None]) -> None:
        if error := task.exception():
            self._say(f"background work failed: {error!r}")
