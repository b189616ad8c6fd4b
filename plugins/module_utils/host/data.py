# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the agent keeps on this machine: its directory, and the disk that the directory may lie on.

A disk is formatted when it is blank, and never again. It is mounted by the id of its file system, by a unit that Docker
waits for and does without. The engine makes no directory for the agent, so without the disk the agent does not start.
"""

from __future__ import annotations

import os
import stat
import time
from dataclasses import dataclass
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.host import disk, files, late_disk
from ansible_collections.praxis.cloud.plugins.module_utils.host.change import Change
from ansible_collections.praxis.cloud.plugins.module_utils.host.desired import Data
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import Paths

DIRECTORY_MODE = 0o700
#: Less than that is what a file system leaves over at the end of its disk, and no growth of the disk. Bytes.
GROWTH = 64 * 1024**2
#: Seconds for udev to give a new file system its name.
NAMED_DEADLINE = 30.0

_UNIT = """\
[Unit]
Description=Disk with the data of the Praxis agent
DefaultDependencies=no
After=local-fs-pre.target
Before=docker.service umount.target
Conflicts=umount.target

[Mount]
What=%(what)s
Where=%(where)s
Type=%(kind)s
Options=nodev,nosuid,noatime

[Install]
WantedBy=docker.service
"""


@dataclass(frozen=True)
class Seen:
    """What is there of it.

    :param device: the disk's device; empty: the directory is the machine's own.
    :param content: the file system on the disk; None: it is blank.
    :param mounted: the disk is mounted where it should be.
    :param unit_right: so it will be after a reboot.
    :param directory: the agent's directory is there, and its own.
    """

    device: str = ""
    content: Optional[disk.Content] = None
    mounted: bool = False
    unit_right: bool = False
    directory: bool = False


def observe(paths: Paths, data: Data) -> Seen:
    """Read the machine; nothing is written.

    :raises Failed: ``data-device-missing``, ``data-foreign``, ``data-place-taken``, ``data-owner``,
        ``data-no-systemd``, ``data-tool-missing``.
    """
    if not data.devices:
        return Seen(directory=_is_directory(paths, data.source))
    if not os.path.isdir(paths.systemd):
        fix = "Mount the disk yourself, and set praxis_data.path to its directory."
        raise Failed(Finding("data-no-systemd", "This machine does not run systemd, which mounts "
                                                "the disk.", data.source, fix))
    device, place = _device(data.devices), os.path.dirname(data.source)
    content = disk.content(device)
    on = disk.mounted_at(place)
    if on is not None and on != disk.number(device):
        what = "At %s another disk is mounted than %s." % (place, device)
        raise Failed(Finding("data-place-taken", what, place, "On the machine: umount %s; then deploy again." % place))
    mounted = on is not None and content is not None
    return Seen(
        device=device,
        content=content,
        mounted=mounted,
        unit_right=content is not None and _is_installed(paths, content, place),
        directory=mounted and _is_directory(paths, data.source),
    )


def changes(seen: Seen, data: Data) -> List[Change]:
    """What ``prepare`` has to do. What a disk that is not mounted yet holds of the directory is not known before."""
    made = Change("data-directory", data.source, "", "a directory of the agent's user\n")
    if not seen.device:
        return [] if seen.directory else [made]
    found = []
    if seen.content is None:
        found.append(Change("data-format", seen.device, "blank\n", "a file system, %s\n" % disk.LABEL))
    elif grows(seen.content):
        sizes = ["%d MiB\n" % (size // 1024**2) for size in (seen.content.size, seen.content.device_size)]
        found.append(Change("data-grow", seen.device, *sizes))
    if not seen.mounted or not seen.unit_right:
        before = "mounted, until a reboot\n" if seen.mounted else ""
        mount = Change("data-mount", os.path.dirname(data.source), before, "%s, by its id\n" % seen.device)
        found.insert(1 if seen.content is None else 0, mount)
    if seen.mounted and not seen.directory:
        found.append(made)
    return found


def grows(content: disk.Content) -> bool:
    """Whether the disk has become larger than its file system."""
    return content.device_size - content.size >= GROWTH


def mount(paths: Paths, data: Data) -> None:
    """Mount the disk now and at every boot, and make the agent's directory where it has none.

    :raises Failed: ``data-not-mounted``, and as :func:`observe`.
    """
    place, device = os.path.dirname(data.source), _device(data.devices)
    content = disk.content(device)
    if content is None:
        raise Failed(_not_mounted(place, "%s is blank" % device))
    _await_name(content, place)
    for directory in (place, paths.root):
        files.make_directory(directory, 0o755)
    for path, text in _texts(paths, content, place).items():
        files.write_file(path, text.encode())
    name = _name(place)
    for arguments in (["daemon-reload"], ["enable", name, late_disk.SERVICE], ["start", name]):
        done = disk.run(["systemctl", *arguments])
        if done.returncode != 0:
            raise Failed(_not_mounted(place, disk.last_words(done)))
    if disk.mounted_at(place) != disk.number(device):
        raise Failed(_not_mounted(place, "systemd mounted another disk there"))
    make(paths, data)


def make(paths: Paths, data: Data) -> None:
    """Make the agent's directory; never where its disk is missing.

    :raises Failed: ``data-owner``, ``data-not-mounted``.
    """
    place = os.path.dirname(data.source)
    if data.devices and disk.mounted_at(place) is None:
        raise Failed(_not_mounted(place, "nothing is mounted there"))
    if not _is_directory(paths, data.source):
        files.make_directory(data.source, DIRECTORY_MODE, paths.uid)


def grow(data: Data) -> None:
    """Let the file system have the whole disk, while it is in use.

    :raises Failed: ``data-not-grown``.
    """
    device, place = _device(data.devices), os.path.dirname(data.source)
    content = disk.content(device)
    if content is not None:
        disk.grow(device, place, content.kind)


def require(source: Optional[str]) -> None:
    """Refuse to start an agent whose data is not there.

    :raises Failed: ``data-missing``.
    """
    if source and not os.path.isdir(source):
        what = "The directory %s is missing, and the agent does not start without its data." % source
        fix = "Attach its disk (the log: journalctl -b -g 'data of the Praxis agent'), and deploy again."
        raise Failed(Finding("data-missing", what, source, fix))


def require_kept(seen: Seen, data: Data, before: Sequence[Optional[Mapping[str, object]]]) -> None:
    """Refuse to make a directory of the machine's anew that an agent had: it may be on something that is not mounted
    now, and with an empty one the agent would be called good.

    :param before: manifests of the releases whose agents may have had it.
    :raises Failed: ``data-missing``.
    """
    if seen.device or seen.directory or data.source not in [source_of(each) for each in before if each]:
        return
    what = "The directory %s is missing, in which the agent kept its data." % data.source
    fix = "Mount the disk that it is on. If it is to be new and empty: install -d -m 700 -o 10001 %s." % data.source
    raise Failed(Finding("data-missing", what, data.source, fix))


def source_of(manifest: Mapping[str, object]) -> Optional[str]:
    """The directory that a release's agent keeps its data in."""
    found = manifest.get("data")
    return str(found) if found else None


def _is_directory(paths: Paths, path: str) -> bool:
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return False
    except NotADirectoryError:
        raise Failed(_not_ours(path, "is below a file")) from None
    if not stat.S_ISDIR(found.st_mode):
        raise Failed(_not_ours(path, "is not a directory"))
    if found.st_uid != paths.uid:
        raise Failed(_not_ours(path, "belongs to user %d, and the agent runs as %d" % (found.st_uid, paths.uid)))
    return True


def _not_ours(path: str, how: str) -> Finding:
    fix = "On the machine: if this is the agent's data, chown -R 10001:10001 %s; else move it away." % path
    return Finding("data-owner", "%s %s." % (path, how), path, fix)


def _device(devices: Sequence[str]) -> str:
    for path in devices:
        if os.path.exists(path):
            device = os.path.realpath(path)
            if stat.S_ISBLK(os.stat(device).st_mode):
                return device
            fix = "Set praxis_data.device to a block device: lsblk on the machine lists them."
            raise Failed(Finding("data-device-missing", "%s is not a block device." % path, path, fix))
    what = "The disk for the agent's data is missing (%s)." % ", ".join(devices)
    fix = "Attach the disk to the machine and deploy again; lsblk on the machine lists its disks."
    raise Failed(Finding("data-device-missing", what, devices[0], fix))


def _await_name(content: disk.Content, place: str) -> None:
    deadline = time.monotonic() + NAMED_DEADLINE
    while not os.path.exists(content.by_uuid):
        if time.monotonic() > deadline:
            raise Failed(_not_mounted(place, "udev did not create %s" % content.by_uuid))
        time.sleep(0.1)


def _not_mounted(place: str, why: str) -> Finding:
    what = "The disk for the agent's data could not be mounted: %s." % why.rstrip(".")
    return Finding("data-not-mounted", what, place, "On the machine, see why (journalctl -u %s), and "
                                                    "deploy again." % _name(place))


def _is_installed(paths: Paths, content: disk.Content, place: str) -> bool:
    return all(files.read_text(path) == text for path, text in _texts(paths, content, place).items())


def _texts(paths: Paths, content: disk.Content, place: str) -> Dict[str, str]:
    """The files by which the disk is there after a reboot."""
    late = late_disk.texts(paths, content.by_uuid, place, _name(place))
    return {unit(paths, place): _text(content, place), **late}


def _text(content: disk.Content, place: str) -> str:
    return _UNIT % {"what": content.by_uuid, "where": place, "kind": content.kind}


def unit(paths: Paths, place: str) -> str:
    """The file of the unit that mounts there."""
    return os.path.join(os.path.dirname(paths.unit), _name(place))


def _name(place: str) -> str:
    """The name that systemd wants of the unit that mounts there; a hyphen of the path's own is escaped."""
    parts: Tuple[str, ...] = tuple(part.replace("-", "\\x2d") for part in place.strip("/").split("/"))
    return "-".join(parts) + ".mount"
