# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots of the slots' EBS volumes, and a volume made of one put in the place of another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import NotFound
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import FLEET_TAG, tag_list, tags_of
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

PAGE_SIZE = 1000


@dataclass(frozen=True)
class AwsBackups:
    """One fleet's snapshots in one region."""

    client: AwsClient
    fleet: str

    def observe(self) -> list[Backup]:
        """All of them."""
        filters = [{"Name": f"tag:{FLEET_TAG}", "Values": [self.fleet]}, {"Name": "tag-key", "Values": [BACKUP_TAG]}]
        found = self.client.paginate(
            "ec2", "describe_snapshots", OwnerIds=["self"], Filters=filters, MaxResults=PAGE_SIZE
        )
        return ordered(
            backup(
                each["SnapshotId"],
                int(each["VolumeSize"]),
                tags_of(each),
                each["State"] == "completed",
                each["StartTime"],
            )
            for each in found
        )

    def start(self, disk: str, zone: str, slot: str, name: str, seconds: float) -> str:
        """Begin a slot's snapshot. When EC2 answers, it holds the disk as it is at that time; the copying goes on.

        https://docs.aws.amazon.com/ebs/latest/userguide/ebs-creating-snapshot.html
        """
        known = {**tags(self.fleet, slot, name, STARTED), "Name": f"{self.fleet}-{slot}-{name}"}
        specification = [{"ResourceType": "snapshot", "Tags": tag_list(known)}]
        # Not sent twice: it would make two.
        made = self.client.call(
            "ec2", "create_snapshot", VolumeId=disk, Description=known["Name"], TagSpecifications=specification
        )
        return str(made["SnapshotId"])

    def complete(self, id_: str) -> None:
        """Say that it can be restored."""
        self._call("create_tags", Resources=[id_], Tags=tag_list({STATE_TAG: COMPLETE}))

    def remove(self, id_: str) -> None:
        """Remove it; a gone one is no error."""
        try:
            self._call("delete_snapshot", SnapshotId=id_)
        except NotFound:
            return

    def _call(self, operation: str, **params: Any) -> dict[str, Any]:
        return self.client.call("ec2", operation, idempotent=True, **params)
