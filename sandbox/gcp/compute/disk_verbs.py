# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done to persistent disks: attached, detached, enlarged, kept as a snapshot."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sandbox.gcp.compute.disks import note_users, require_free
from sandbox.gcp.compute.resources import fingerprint, link, now
from sandbox.gcp.compute.verbs import Answer, Asked, Changed, set_labels
from sandbox.gcp.refused import Refused, invalid


def attach_disk(asked: Asked) -> Answer:
    """A disk of the machine's zone that no other machine has, under a name that no other disk of the machine has."""
    source = str(asked.body.get("source", ""))
    path = asked.resources.referenced(source, asked.project, "source")
    if path.split("/")[:4] != asked.path.split("/")[:4]:
        raise invalid("resource.source", source, "The disk is in another zone than the machine.")
    if asked.resource["status"] not in ("RUNNING", "TERMINATED"):
        raise Refused(400, "resourceNotReady", f"The resource '{asked.path}' is not ready.")
    require_free(path, asked.resources)
    there = asked.resource["disks"]
    name = asked.body.get("deviceName") or f"persistent-disk-{len(there)}"
    if name in [one["deviceName"] for one in there]:
        raise invalid("resource.deviceName", name, "The device name is used by another disk of the machine.")
    there.append({
        "kind": "compute#attachedDisk", "index": max((one["index"] for one in there), default=-1) + 1,
        "interface": "SCSI", "deviceName": name, "mode": asked.body.get("mode", "READ_WRITE"), "type": "PERSISTENT",
        "boot": False, "autoDelete": bool(asked.body.get("autoDelete")), "source": link(path),
        "diskSizeGb": asked.resources.get(path)["sizeGb"]})
    note_users(asked.resources)
    return Changed(asked.world.instance("plug", asked.resource))


def detach_disk(asked: Asked) -> Answer:
    name = asked.query.get("deviceName", "")
    if name not in [one["deviceName"] for one in asked.resource["disks"]]:
        raise invalid("deviceName", name, "No attached disk found with device name.")
    asked.resource["disks"] = [one for one in asked.resource["disks"] if one["deviceName"] != name]
    note_users(asked.resources)
    return Changed(asked.world.instance("plug", asked.resource))


def resize(asked: Asked) -> Answer:
    size, before = int(asked.body.get("sizeGb") or 0), int(asked.resource["sizeGb"])
    if size <= before:
        raise invalid("sizeGb", size, f"New disk size '{size}' must be larger than existing size '{before}'.")
    asked.resource["sizeGb"] = str(size)
    asked.world.disk("resize", asked.resource, asked.resource)
    return Changed()


def create_snapshot(asked: Asked) -> Answer:
    """A snapshot of what has reached the disk; in the project, whatever the disk's zone."""
    name = str(asked.body.get("name") or "")
    path = f"projects/{asked.project}/global/snapshots/{name}"
    if not name:
        raise Refused(400, "required", "Required field 'resource.name' not specified")
    if path in asked.resources:
        raise Refused(409, "alreadyExists", f"The resource '{path}' already exists")
    labels = dict(asked.body.get("labels") or {})
    made = {
        "id": asked.resources.number(), "kind": "compute#snapshot", "name": name, "selfLink": link(path),
        "creationTimestamp": now(), "description": asked.body.get("description", ""), "status": "READY",
        "sourceDisk": asked.resource["selfLink"], "sourceDiskId": asked.resource["id"],
        "diskSizeGb": asked.resource["sizeGb"], "storageBytes": "0", "labels": labels,
        "labelFingerprint": fingerprint(labels)}
    asked.world.disk("snapshot", asked.resource, made)
    asked.resources.put(path, made)
    return Changed()


DISK_VERBS: Mapping[tuple[str, str], Callable[[Asked], Answer]] = {
    ("disks", "createSnapshot"): create_snapshot,
    ("disks", "resize"): resize,
    ("disks", "setLabels"): set_labels,
    ("instances", "attachDisk"): attach_disk,
    ("instances", "detachDisk"): detach_disk,
    ("snapshots", "setLabels"): set_labels,
}
"""By kind and method."""
