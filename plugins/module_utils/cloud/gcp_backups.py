# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots of the slots' persistent disks."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import NotFound, Unavailable
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Poll
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import FLEET_TAG, mark_text
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.backups import (
    BACKUP_TAG,
    COMPLETE,
    STARTED,
    STATE_TAG,
    Backup,
    backup,
    ordered,
    tags,
)

#: States of a snapshot that holds the disk as it was: it is being copied, or has been.
HELD = ("UPLOADING", "READY")


@dataclass(frozen=True)
class GoogleBackups:
    """One fleet's snapshots in one project.

    :param seconds: that a change may take.
    """

    client: GcpClient
    fleet: str
    seconds: float = 300.0
    poll: Poll = field(default_factory=lambda: Poll(interval=0.5))

    def observe(self) -> list[Backup]:
        """All of them."""
        query = {"filter": f"labels.{FLEET_TAG}={self.fleet} AND labels.{BACKUP_TAG}:*"}
        found = self.client.paginate("compute", self._url("global/snapshots"), query=query)
        return ordered(
            backup(
                each["name"],
                int(each["diskSizeGb"]),
                dict(each.get("labels") or {}),
                each["status"] == "READY",
                datetime.fromisoformat(each["creationTimestamp"]),
            )
            for each in found
        )

    def start(self, disk: str, zone: str, slot: str, name: str, seconds: float) -> str:
        """Begin a slot's snapshot, and wait until Google holds the disk as it is; the copying goes on.

        :param seconds: to wait for that.
        :raises CloudError: ``snapshot-slow``; or why there is none, as soon as Google says so.
        """
        id_ = f"{self.fleet}-{slot}-{name}"
        labels = tags(self.fleet, slot, name, STARTED)
        body = {"name": id_, "description": mark_text(self.fleet), "labels": labels}
        begun = self.client.change("POST", self._url(f"zones/{zone}/disks/{disk}/createSnapshot"), body)

        def state() -> str:
            try:
                found = str(self.client.call("compute", "GET", self._url(f"global/snapshots/{id_}"))["status"])
            except NotFound:  # the operation has not come to it yet
                found = "not there"
            if found not in HELD:
                self.client.look(begun, f"snapshot {id_}")
            return found

        last, done = self.poll.until(state, lambda found: found in HELD, seconds=seconds)
        if not done:
            what = f"The snapshot {id_} is not complete after {seconds:.0f} s ({last})."
            fix = "Check the snapshot in Compute Engine, then run this again."
            raise Unavailable(what, f"disk {disk}", fix, code="snapshot-slow")
        return id_

    def complete(self, id_: str) -> None:
        """Say that it can be restored."""
        path = f"global/snapshots/{id_}"
        found = self.client.call("compute", "GET", self._url(path))
        labels = {**found["labels"], STATE_TAG: COMPLETE}
        body = {"labels": labels, "labelFingerprint": found["labelFingerprint"]}
        done = self.client.call("compute", "POST", self._url(f"{path}/setLabels"), body=body, idempotent=True)
        self.client.wait(done, seconds=self.seconds, what=f"snapshot {id_}")

    def remove(self, id_: str) -> None:
        """Remove it; a gone one is no error."""
        try:
            done = self.client.change("DELETE", self._url(f"global/snapshots/{id_}"))
            self.client.wait(done, seconds=self.seconds, what=f"snapshot {id_}")
        except NotFound:
            return

    def _url(self, path: str) -> str:
        return f"compute/v1/projects/{self.client.project}/{path}"
