# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A block device that may hold the agent's data: what is on it, how to format it once, how to let it grow.

What decides is the device itself, read anew each time (``blkid -p``), and never a cache of what was there.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from typing import Dict, List, Optional

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding

#: The label of a file system that is ours, or was given to us; XFS has room for 12 letters.
LABEL = "praxis-data"
KINDS = ("ext4", "xfs")
#: Seconds. Formatting writes little, whatever the size: ext4 leaves most of it for later.
DEADLINE = 300.0
#: A blank disk is blank where others keep what tells them: at its beginning and at its end. Bytes.
_ENDS = 1024**2
_SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
_BY_UUID = "/dev/disk/by-uuid"


@dataclass(frozen=True)
class Content:
    """A file system of ours. Sizes in bytes."""

    kind: str
    uuid: str
    size: int
    device_size: int

    @property
    def by_uuid(self) -> str:
        """The name that udev gives the device, whatever else it is called after a reboot."""
        return os.path.join(_BY_UUID, self.uuid)


def content(device: str) -> Optional[Content]:
    """The file system on a device; None when the device is blank.

    :raises Failed: ``data-foreign`` for everything else, which is left as it is.
    """
    done = run(["blkid", "-p", "-o", "export", device])
    found = _tags(done.stdout.decode("utf-8", "replace"))
    if done.returncode == 2 and not found:
        if not _is_blank(device):
            raise Failed(_foreign(device, "data of an unknown kind"))
        return None
    kind = found.get("TYPE", "")
    if done.returncode == 0 and kind in KINDS and found.get("LABEL") == LABEL and "PTTYPE" not in found:
        return Content(kind, found["UUID"], _size(device, kind), _device_size(device))
    raise Failed(_foreign(device, _called(found, done), kind in KINDS and "PTTYPE" not in found))


def format_blank(device: str) -> None:
    """Make the file system, once.

    :raises Failed: ``data-foreign`` when the device is not blank; ``data-not-formatted``.
    """
    if content(device) is not None:
        return
    done = run(["mkfs.ext4", "-q", "-m", "0", "-L", LABEL, device])
    if done.returncode != 0:
        what = "The disk could not be formatted: %s." % last_words(done).rstrip(".")
        raise Failed(Finding("data-not-formatted", what, device, "Fix what mkfs.ext4's message names, and deploy "
                                                                 "again."))


def grow(device: str, place: str, kind: str) -> None:
    """Let a mounted file system have its whole device.

    :param place: where it is mounted.
    :raises Failed: ``data-not-grown``.
    """
    command = ["xfs_growfs", place] if kind == "xfs" else ["resize2fs", device]
    done = run(command)
    if done.returncode != 0:
        what = "The file system could not grow with its disk: %s." % last_words(done).rstrip(".")
        fix = "On the machine, run %s; then deploy again." % " ".join(command)
        raise Failed(Finding("data-not-grown", what, device, fix))


def mounted_at(place: str) -> Optional[str]:
    """``major:minor`` of what is mounted at a directory, the last one first; None when nothing is."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        rows = [line.split() for line in file]
    return next((row[2] for row in reversed(rows) if len(row) > 4 and row[4] == place), None)


def number(device: str) -> str:
    """``major:minor`` of a device."""
    found = os.stat(device).st_rdev
    return "%d:%d" % (os.major(found), os.minor(found))


def run(command: List[str]) -> subprocess.CompletedProcess[bytes]:
    """A system tool, wherever the login's own path looks.

    :raises Failed: ``data-tool-missing``.
    """
    path = "%s:%s" % (os.environ.get("PATH", ""), _SYSTEM_PATH)
    environment = {**os.environ, "PATH": path, "LC_ALL": "C"}
    try:
        return subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=DEADLINE, check=False
        )
    except FileNotFoundError:
        what = "The machine has no %s, which a disk for the agent's data needs." % command[0]
        fix = "On the machine, install it (packages util-linux, e2fsprogs, and xfsprogs for XFS); then deploy again."
        raise Failed(Finding("data-tool-missing", what, command[0], fix)) from None


def last_words(done: subprocess.CompletedProcess[bytes]) -> str:
    """What a tool said at its end."""
    lines = (done.stderr or done.stdout).decode("utf-8", "replace").strip().splitlines()
    return lines[-1].strip() if lines else "%s ended with %d" % (done.args[0], done.returncode)


def _tags(text: str) -> Dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("DEVNAME="))


def _called(found: Dict[str, str], done: subprocess.CompletedProcess[bytes]) -> str:
    if "PTTYPE" in found:
        return "a partition table (%s)" % found["PTTYPE"]
    if "TYPE" in found:
        label = ", label %s" % found["LABEL"] if "LABEL" in found else ", no label"
        return "%s%s" % (found["TYPE"], label)
    return "data that blkid does not know (code %d)" % done.returncode


def _foreign(device: str, what: str, can_be_ours: bool = False) -> Finding:
    fix = "Use another disk; or make this one blank if nothing on it is needed (wipefs --all, zero its first MiB)."
    if can_be_ours:
        fix += " If it has this agent's data, give it the label %s (e2label, or xfs_admin -L)." % LABEL
    return Finding("data-foreign", "%s holds %s. Nothing was changed on it." % (device, what), device, fix)


def _is_blank(device: str) -> bool:
    size = _device_size(device)
    with open(device, "rb") as file:
        for start in (0, max(0, size - _ENDS)):
            file.seek(start)
            if any(file.read(_ENDS)):
                return False
    return True


def _device_size(device: str) -> int:
    with open(device, "rb") as file:
        return file.seek(0, os.SEEK_END)


def _size(device: str, kind: str) -> int:
    """Of the file system, out of its superblock.

    https://docs.kernel.org/filesystems/ext4/super.html and, for XFS, sb_blocksize and sb_dblocks of its first block.
    """
    with open(device, "rb") as file:
        block = file.read(4096)
    if kind == "xfs":
        return int.from_bytes(block[4:8], "big") * int.from_bytes(block[8:16], "big")
    held = block[1024:]
    blocks = int.from_bytes(held[4:8], "little")
    if int.from_bytes(held[0x60:0x64], "little") & 0x80:  # INCOMPAT_64BIT
        blocks += int.from_bytes(held[0x150:0x154], "little") << 32
    return blocks * (1024 << int.from_bytes(held[0x18:0x1C], "little"))
