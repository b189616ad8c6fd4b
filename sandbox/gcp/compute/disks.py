# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Persistent disks beside those that machines boot from, and snapshots of them, as Compute Engine answers them. Pure.

A machine's own disk is a part of the machine's record alone.
"""

from __future__ import annotations

from sandbox.gcp.compute.resources import Resource, Resources, link, path_of
from sandbox.gcp.refused import Refused, invalid

LEAST = 10
"""GB that a disk has at least."""


def disk(resource: Resource, project: str, scope: str, resources: Resources) -> None:
    """A disk is as large as was asked for, and no smaller than what it is made of."""
    least = LEAST
    if source := resource.get("sourceSnapshot"):
        snapshot = resources.get(path_of(source, project))
        least = int(snapshot["diskSizeGb"])
        resource["sourceSnapshotId"] = snapshot["id"]
    size = int(resource.get("sizeGb") or least)
    if size < least:
        raise invalid("resource.sizeGb", size, f"Disk size cannot be smaller than {least} GB.")
    kind = resource.get("type", f"{scope}/diskTypes/pd-standard").rpartition("/")[2]
    resource |= {"sizeGb": str(size), "type": link(f"projects/{project}/{scope}/diskTypes/{kind}"), "status": "READY"}


def note_users(resources: Resources) -> None:
    """Which machines each disk is attached to."""
    users: dict[str, list[str]] = {}
    for machine in resources.everywhere("instances"):
        for attached in machine["disks"]:
            users.setdefault(attached.get("source", ""), []).append(machine["selfLink"])
    for one in resources.everywhere("disks"):
        one.pop("users", None)
        if one["selfLink"] in users:
            one["users"] = users[one["selfLink"]]


def require_free(path: str, resources: Resources) -> None:
    """:raises Refused: a machine has the disk."""
    for user in resources.get(path).get("users", []):
        raise Refused(400, "resourceInUseByAnotherResource",
                      f"The disk resource '{path}' is already being used by '{path_of(user, '')}'")
