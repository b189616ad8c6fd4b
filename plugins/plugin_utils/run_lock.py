# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet's lock as a run has it: as which deployment, on which hosts, whose work it continues, and until when."""

from __future__ import annotations

import time
from typing import Any, Dict, Mapping, Optional

from ansible_collections.praxis.cloud.plugins.plugin_utils.fact_files import FactFiles


class RunLock:
    """What a run knows of its lock without asking a host.

    :param files: the run's.
    """

    def __init__(self, files: FactFiles) -> None:
        self._files = files

    def take(self, deployment: Mapping[str, Any]) -> None:
        """This run has the lock, as this deployment, on the host that it names. Several hosts may keep it."""
        first = (self.held() or deployment)["lock_host"]
        self._files.write("lock.json", {**deployment, "lock_host": first})
        self._files.write("keepers/" + deployment["lock_host"], {})
        self.renew()

    def held(self) -> Optional[Dict[str, Any]]:
        """The deployment as which this run has the lock; None when it has not."""
        found: Optional[Dict[str, Any]] = self._files.find("lock.json")
        return found

    def deployment_on(self, name: str) -> Optional[Dict[str, Any]]:
        """The same, as a step on this host has it: a host that keeps the lock names itself."""
        held = self.held()
        return {**held, "lock_host": name} if held is not None and self.is_kept_by(name) else held

    def is_kept_by(self, name: str) -> bool:
        """Whether this host keeps the lock for this run."""
        return self._files.has("keepers/" + name)

    def go_on(self, reason: str, stopped: str) -> None:
        """This run has taken the fleet over from a deployment that did not end.

        :param reason: what that one was doing, and where a rollback was going.
        :param stopped: its id.
        """
        self._files.write("goes-on.json", {"reason": reason, "instead_of": stopped})

    def goes_on(self) -> Optional[Dict[str, str]]:
        """Its ``reason``, and its id as ``instead_of``; None where nothing was left."""
        found: Optional[Dict[str, str]] = self._files.find("goes-on.json")
        return found

    def renew(self) -> None:
        """A host has just admitted a step: from now on others wait for the whole lease again."""
        self._files.write("renewed.json", [time.time(), time.monotonic()])

    def renewed_ago(self) -> float:
        """Seconds since a host last admitted this run, by the clock that says more: one may have been set back, and the
        other stands still while a laptop sleeps."""
        by_clock, running = self._files.read("renewed.json")
        return max(time.time() - float(by_clock), time.monotonic() - float(running))

    def is_over(self) -> bool:
        """Whether another deployment may have taken the fleet over by now."""
        held = self.held()
        return held is not None and self.renewed_ago() > held["lease"]
