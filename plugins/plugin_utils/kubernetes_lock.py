# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet's lock in a cluster: its Lease, taken, renewed and given back."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Iterator, Mapping, Optional

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes import lease
from ansible_collections.praxis.cloud.plugins.module_utils.playbook import Playbook
from ansible_collections.praxis.cloud.plugins.plugin_utils.kubernetes_cluster import FleetCluster

#: Seconds before a write is tried again whose answer was lost.
_PAUSE = 1.0


class _Lost(Failed):
    """This run does not hold the Lease any more."""


@dataclass
class Lock:
    """The fleet's lock. One deployment at a time holds it.

    :param deployment: ``run``, ``owner`` and ``reason`` of this one.
    :param seconds: how long others wait for it after its last sign of life.
    :ivar playbook: what this run works for.
    :ivar before: the Lease as it was last read: once it is held, as this run found it.
    :ivar wrote: whether this run has begun to write anything else.
    """

    cluster: FleetCluster
    deployment: Mapping[str, Any]
    seconds: int
    take_over: str = ""
    held: Optional[Dict[str, Any]] = None
    renewed: float = 0.0
    playbook: Playbook = field(default_factory=Playbook)
    before: Optional[Dict[str, Any]] = None
    wrote: bool = False

    @property
    def _path(self) -> str:
        return lease.path(self.cluster.namespace, self.cluster.fleet)

    def read(self) -> Optional[Dict[str, Any]]:
        """The Lease as it is."""
        self.before = self.cluster.api.get(self._path)
        return self.before

    def wait(self, seconds: float, sleep: Callable[[float], None] = time.sleep) -> None:
        """Wait until nobody else holds it, for so long at most.

        :raises Failed: ``fleet-locked``.
        """
        end = time.monotonic() + seconds
        while True:
            self._require_playbook()
            there = self.read()
            taken = lease.locked(there, self.cluster.api.now, self.take_over)
            if taken is None:
                return
            if time.monotonic() >= end:
                raise Failed(taken)
            sleep(2)

    def take(self) -> None:
        """:raises Failed: ``fleet-locked``: another deployment has it."""
        there = self.read()
        now = self.cluster.api.now
        taken = lease.locked(there, now, self.take_over)
        if taken is not None:
            raise Failed(taken)
        wanted = lease.taken(there, self.cluster.fleet, self.cluster.namespace, self.deployment, now, self.seconds)
        try:
            if there is None:
                self.held = self.cluster.api.create(lease.path(self.cluster.namespace), wanted)
            else:
                self.held = self.cluster.api.replace(self._path, wanted)
        except errors.Conflict:
            self.wait(0)
            raise Failed(_lost("Another deployment took the fleet at the same moment.")) from None
        except errors.Unavailable:
            found = self.cluster.api.get(self._path)
            if lease.holder(found) != self.deployment["run"]:
                raise
            self.held = found  # the request has arrived, and its answer was lost
        self.renewed = time.monotonic()

    def require(self) -> None:
        """Before a write: that this run still holds it. It is renewed when a third of its time is over, and when the
        deployment has another reason now.

        :raises Failed: ``lease-over``, ``playbook-ended``.
        """
        self._require_playbook()
        if self.held is None:
            return
        wanted = lease.renewed(self.held, self.deployment, self.cluster.api.now)
        if wanted["metadata"] == self.held["metadata"] and time.monotonic() - self.renewed < self.seconds / 3:
            return
        self.held = self._write(lambda held: lease.renewed(held, self.deployment, self.cluster.api.now))
        self.renewed = time.monotonic()

    def _write(self, change: Callable[[Mapping[str, Any]], Dict[str, Any]]) -> Dict[str, Any]:
        """The Lease after a change of it. A change whose answer is lost may have been made: the Lease says so, and
        while this run holds it, the change is tried again until the Lease ends, and once at least.

        :raises _Lost: this run does not hold it.
        """
        end = self.renewed + self.seconds
        held = self.held
        again = False
        while True:
            try:
                if held is None:
                    held = self._own()
                return self.cluster.api.replace(self._path, change(held))
            except errors.NotFound:
                raise _Lost(_lost("The Lease of this run was removed.")) from None
            except (errors.Conflict, errors.Unavailable):
                if again and time.monotonic() >= end:
                    raise
            held, again = None, True
            time.sleep(_PAUSE)

    def _own(self) -> Dict[str, Any]:
        """The Lease as it is, which is this run's.

        :raises _Lost: it is not.
        """
        there = self.cluster.api.get(self._path)
        if there is None or lease.holder(there) != self.deployment["run"]:
            raise _Lost(_lost("Another deployment has taken the fleet over from this run."))
        return there

    def _require_playbook(self) -> None:
        """The Lease of a run that stops here stays and runs out: the next run names what was left.

        :raises Failed: ``playbook-ended``.
        """
        if self.playbook.ended:
            self.held = None
        self.playbook.require()

    def remove(self) -> None:
        """Remove the Lease itself, which this run holds."""
        self.require()
        self.cluster.api.delete(self._path)
        self.held = None

    @contextlib.contextmanager
    def holding(self) -> Iterator[None]:
        """Hold it, and give it back. Whoever stops before the end of something that is written by then, by this run or
        by one that has stopped before it, leaves its name to the next run.

        :raises Failed: ``fleet-locked``: another deployment has it.
        """
        self.take()
        whole = False
        try:
            yield
            whole = True
        finally:
            open_ = not whole and (self.wrote or lease.holder(self.before))
            self._end(lease.left if open_ else lease.released)

    def require_write(self) -> None:
        """Before a write of the fleet's objects.

        :raises Failed: as :meth:`require` does.
        """
        self.require()
        self.wrote = True

    def _end(self, change: Callable[[Mapping[str, Any]], Dict[str, Any]]) -> None:
        if self.held is None:
            return
        with contextlib.suppress(_Lost):  # else another one has it already, or it is given back
            self._write(change)
        self.held = None


def _lost(what: str) -> Finding:
    fix = "make status shows the result of the other deployment; then deploy again."
    return Finding("lease-over", what, "Lease", fix)
