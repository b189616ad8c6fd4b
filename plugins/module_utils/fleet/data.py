# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``praxis_data``: where an agent keeps what outlives its container and, on a disk, its machine. Pure.

Whatever it is on, the agent has one directory of it, and the engine makes none: where the disk is not mounted there is
no such directory, and the agent does not start.
"""

from __future__ import annotations

import difflib
import posixpath
import re
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.agent.values import shown
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding

VARIABLE = "praxis_data"
#: Where the agent's container has it, and what ``PRAXIS_SHARED_PATH`` then is.
DATA_MOUNT = "/data"
SHARED_PATH = DATA_MOUNT + "/shared"
#: Where a machine mounts a disk; host/data.py writes the unit.
DISK_MOUNT = "/var/lib/praxis/data"
#: The agent's directory on the disk, or in the user's directory.
_DIRECTORY = "agent"
DISK_SOURCE = posixpath.join(DISK_MOUNT, _DIRECTORY)
#: The device that a volume of AWS is attached as. One name for all machines: it tells the volume among those of one.
AWS_DEVICE = "/dev/sdf"
#: The device name that a disk of Google's is attached under. One name for all machines, for the same reason.
GOOGLE_DEVICE = "praxis-data"
#: GiB of a disk, by cloud: from the least to the most that there is of the general purpose ones (gp3, pd-balanced).
SIZES = {"aws": (1, 16384), "gcp": (10, 65536)}

_PLACES = ("path", "device", "size")
_KEYS = (*_PLACES, "snapshot", "keep_backups")
_PATH = re.compile(r"(/[A-Za-z0-9_][A-Za-z0-9._-]*)+")
_DEVICE = re.compile(r"/dev(/[A-Za-z0-9_][A-Za-z0-9.:_+-]*)+")
#: By cloud, what names a snapshot: an id of AWS's; on Google Cloud a name of this project, or a link.
_SNAPSHOTS = {
    "aws": re.compile(r"snap-[0-9a-f]{8,17}"),
    "gcp": re.compile(r"(projects/[a-z0-9.:-]+/global/snapshots/)?(?!snap-)[a-z]([-a-z0-9]{0,61}[a-z0-9])?"),
}
#: What becomes of a directory below each of these.
_UNFIT = {
    "/boot": "is the system's",
    "/dev": "holds no files",
    "/etc": "is the system's",
    "/opt/praxis": "is removed with the agent",
    "/proc": "holds no files",
    "/run": "is emptied by a reboot",
    "/sys": "holds no files",
    "/tmp": "is emptied by a reboot",
    "/usr": "is the system's",
    "/var/lib/docker": "is the engine's",
    "/var/lib/praxis": "is managed by praxis.cloud",
    "/var/run": "is emptied by a reboot",
}


@dataclass(frozen=True)
class Data:
    """What a machine has to have for one agent's data.

    :param source: the directory that the agent gets. It is part of the release.
    :param devices: paths of the disk's device, the first that exists counts; none: the directory is the machine's own.
    """

    source: str
    devices: Tuple[str, ...] = ()

    def host_slice(self) -> Dict[str, Any]:
        """As ``agent_release`` takes it."""
        return {"source": self.source, "devices": list(self.devices)}


def read_data(given: Mapping[str, Any], where: str, cloud: str = "", volume: str = "") -> Optional[Data]:
    """What ``praxis_data`` means on one machine; None where it is empty.

    :param where: the member.
    :param cloud: the machine's, ``aws`` or ``gcp``; empty: neither.
    :param volume: the volume that is attached to the machine for its slot's data; empty: none.
    :raises Failed: with everything that is wrong in it.
    """
    if not given:
        return None
    findings = check_data(given, where, cloud)
    if findings:
        raise Failed(*findings)
    if "path" in given:
        return Data(posixpath.join(given["path"], _DIRECTORY))
    if "device" in given:
        return Data(DISK_SOURCE, (given["device"],))
    if cloud not in _SNAPSHOTS:
        fix = "Attach a disk yourself, and set praxis_data.device to its path."
        what = "praxis_data.size works only on AWS and Google Cloud, and this machine is on neither."
        raise Failed(Finding("data-no-cloud", what, where, fix))
    if not volume:
        fix = "Run provision.yml: it creates the slot's disk and attaches it."
        raise Failed(Finding("data-volume-missing", "No disk for the agent's data is attached to the "
                                                    "machine.", where, fix))
    return Data(DISK_SOURCE, aws_devices(volume) if cloud == "aws" else google_devices())


def google_devices() -> Tuple[str, ...]:
    """Where a machine has the disk that is attached under our device name: udev's name, by Google's guest environment.

    https://cloud.google.com/compute/docs/disks/disk-symlinks
    """
    return ("/dev/disk/by-id/google-" + GOOGLE_DEVICE,)


def aws_devices(volume: str) -> Tuple[str, ...]:
    """Where a machine may have a volume: by its id on Nitro (udev's name for an NVMe disk with that serial number), by
    the name that it is attached as on Xen.

    https://docs.aws.amazon.com/ebs/latest/userguide/identify-nvme-ebs-device.html
    """
    by_id = "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_" + volume.replace("-", "")
    return by_id, AWS_DEVICE, AWS_DEVICE.replace("/sd", "/xvd")


def check_data(given: Mapping[str, Any], where: str, cloud: str = "") -> List[Finding]:
    """What is wrong with a ``praxis_data`` that is not empty.

    :param cloud: where its disks are made; empty: anywhere.
    """
    unknown = [key for key in given if key not in _KEYS]
    places = [key for key in _PLACES if key in given]
    if unknown:
        return [_unknown(key, where) for key in unknown]
    if len(places) != 1:
        what = "praxis_data has %s." % (" and ".join(places) or "none of path, device and size")
        fix = "Set one of path (a directory of the machine), device (your own disk), size (a disk from provision.yml)."
        return [Finding("bad-data", what, where, fix)]
    faults = [_CHECKS[key](given[key], cloud) for key in _KEYS if key in given]
    if "snapshot" in given and "size" not in given:
        faults.append(("praxis_data.snapshot is set without size.", "Set size, that of the disks made from it."))
    if "keep_backups" in given and "size" not in given:
        fix = "Remove it, or set size: only disks that provision.yml creates are backed up."
        faults.append(("praxis_data.keep_backups is set without size.", fix))
    return [Finding("bad-data", what, where, fix) for what, fix in faults if what]


def _unknown(key: str, where: str) -> Finding:
    near = difflib.get_close_matches(key, _KEYS, n=1, cutoff=0.5)
    hint = "Did you mean %s? " % near[0] if near else ""
    what = "praxis_data has an unknown key %s." % shown(key)
    return Finding("bad-data", what, where, hint + "The keys are %s." % ", ".join(_KEYS))


def _check_path(value: Any, _cloud: str) -> Tuple[str, str]:
    if not isinstance(value, str) or not _PATH.fullmatch(value.rstrip("/")) or value.endswith("/"):
        fix = "Write an absolute path of letters, digits, '.', '_' and '-', such as /srv/praxis."
        return "praxis_data.path is %s." % shown(value), fix
    for place, why in _UNFIT.items():
        if (value + "/").startswith(place + "/"):
            return "praxis_data.path is %s, and %s %s." % (value, place, why), (
                "Choose another path, such as /srv/praxis."
            )
    return "", ""


def _check_device(value: Any, _cloud: str) -> Tuple[str, str]:
    if isinstance(value, str) and _DEVICE.fullmatch(value):
        return "", ""
    fix = "Write the path of a block device. Paths below /dev/disk/by-id stay the same after a reboot."
    return "praxis_data.device is %s." % shown(value), fix


def _check_size(value: Any, cloud: str) -> Tuple[str, str]:
    ranges = [SIZES[cloud]] if cloud in SIZES else list(SIZES.values())
    least, most = min(one for one, _most in ranges), max(one for _least, one in ranges)
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
        return "", ""
    return "praxis_data.size is %s." % shown(value), "Write a whole number of GiB from %d to %d." % (least, most)


def _check_snapshot(value: Any, cloud: str) -> Tuple[str, str]:
    named = value if isinstance(value, Mapping) else {"": value}
    if named and all(_names_snapshot(one, str(slot), cloud) for slot, one in named.items()):
        return "", ""
    fix = "Write a snapshot's id (snap-…; on Google Cloud its name), or a line `slot: id` for each slot to restore."
    return "praxis_data.snapshot is %s." % shown(value), fix


def _names_snapshot(value: Any, slot: str, cloud: str) -> bool:
    """Whether this can be a snapshot of the slot's cloud. A slot's name begins with that of its cloud."""
    of_slot = slot.partition("-")[0]
    known = [_SNAPSHOTS[each] for each in (of_slot, cloud) if each in _SNAPSHOTS][:1] or list(_SNAPSHOTS.values())
    return isinstance(value, str) and any(each.fullmatch(value) for each in known)


def _check_keep_backups(value: Any, _cloud: str) -> Tuple[str, str]:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return "", ""
    fix = "Write a whole number, 1 or more; remove it to keep all backups."
    return "praxis_data.keep_backups is %s." % shown(value), fix


_CHECKS = {
    "path": _check_path,
    "device": _check_device,
    "size": _check_size,
    "snapshot": _check_snapshot,
    "keep_backups": _check_keep_backups,
}
