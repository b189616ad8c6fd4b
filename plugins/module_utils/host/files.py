# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are either old or new, never half-written: staged beside their place, synced, renamed."""

from __future__ import annotations

import json
import os
import shutil
import stat
from typing import Any, Dict, List, Mapping, Optional

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding

STAGING = ".staging-"


def read_text(path: str) -> Optional[str]:
    """The file's text, or None when there is no such file."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
            return file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None


def read_bytes(path: str) -> Optional[bytes]:
    """The content of a file, or None when there is none."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None


def names(directory: str) -> List[str]:
    """What a directory holds; nothing when there is none."""
    return sorted(os.listdir(directory)) if os.path.isdir(directory) else []


def read_json(path: str) -> Optional[Dict[str, Any]]:
    """A JSON object out of a file; None when there is none, or it is not one."""
    try:
        value = json.loads(read_text(path) or "null")
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def make_directory(path: str, mode: int, uid: int = 0) -> None:
    """Make the directory, and its parents as 0755 root, with exactly this mode and owner."""
    os.makedirs(path, exist_ok=True)
    set_owner(path, uid)
    os.chmod(path, mode)


def set_owner(path: str, uid: int) -> None:
    """Give the file to a user and the group of the same number, unless it is theirs already."""
    found = os.lstat(path)
    if (found.st_uid, found.st_gid) != (uid, uid):
        os.chown(path, uid, uid, follow_symlinks=False)


def write_file(path: str, data: bytes, mode: int = 0o644, uid: int = 0) -> None:
    """Replace a file as a whole. It has its owner and mode before it has its content."""
    staged = os.path.join(os.path.dirname(path), STAGING + os.path.basename(path))
    if os.path.lexists(staged):
        os.unlink(staged)
    descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            set_owner(staged, uid)
            os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.rename(staged, path)
    except OSError:
        os.unlink(staged)
        raise
    sync_directory(os.path.dirname(path))


def has(path: str, data: bytes, mode: int, uid: int) -> bool:
    """Whether the regular file holds exactly these bytes, under this mode and owner."""
    try:
        found = os.lstat(path)
        if not stat.S_ISREG(found.st_mode) or stat.S_IMODE(found.st_mode) != mode or found.st_uid != uid:
            return False
        with open(path, "rb") as file:
            return file.read() == data
    except (FileNotFoundError, NotADirectoryError):
        return False


def write_directory(path: str, files: Mapping[str, str]) -> None:
    """Make a directory that appears with all its files at once; repair the files of one that is there.

    A new one is dated 1970: its date tells when its release last passed a gate, and it has not yet.
    """
    if os.path.isdir(path):
        for name, text in files.items():
            if read_text(os.path.join(path, name)) != text:
                write_file(os.path.join(path, name), text.encode())
        return
    parent = os.path.dirname(path)
    make_directory(parent, 0o755)
    for name in os.listdir(parent):
        if name.startswith(STAGING):  # of a step that was cut off: this one holds the host's lock
            remove_tree(os.path.join(parent, name))
    staged = os.path.join(parent, STAGING + os.path.basename(path))
    try:
        make_directory(staged, 0o755)
        for name, text in files.items():
            write_file(os.path.join(staged, name), text.encode())
        sync_directory(staged)
        os.utime(staged, (0, 0))
        os.rename(staged, path)
    except OSError:
        remove_tree(staged)
        raise
    sync_directory(parent)


def point(link: str, target: str) -> None:
    """Make a symlink point at a target, in one step."""
    staged = os.path.join(os.path.dirname(link), STAGING + os.path.basename(link))
    if os.path.lexists(staged):
        os.unlink(staged)
    os.symlink(target, staged)
    os.rename(staged, link)
    sync_directory(os.path.dirname(link))


def sync_directory(path: str) -> None:
    """Make renames in a directory last."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_file(path: str) -> None:
    """Remove a file; nothing when it is not there."""
    if os.path.lexists(path):
        os.unlink(path)


def remove_tree(path: str) -> None:
    """Remove a directory and all below it; nothing when it is not there."""
    if os.path.lexists(path):
        shutil.rmtree(path)


def filesystem_of(mountinfo: str, device: int) -> Optional[str]:
    """The type of the file system with this device number, from the text of ``/proc/self/mountinfo``."""
    wanted = "%d:%d" % (os.major(device), os.minor(device))
    for line in mountinfo.splitlines():
        fields, _dash, source = line.partition(" - ")
        if len(fields.split()) > 2 and fields.split()[2] == wanted:
            return source.split()[0]
    return None


def require_tmpfs(path: str) -> None:
    """Refuse a directory that is on a disk.

    :raises Failed: ``not-tmpfs``.
    """
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        kind = filesystem_of(file.read(), os.stat(path).st_dev)
    if kind not in ("tmpfs", "ramfs"):
        raise Failed(
            Finding(
                "not-tmpfs",
                "%s is on a file system of type %s, and secrets must not touch a disk." % (path, kind or "unknown"),
                path,
                "On the machine, mount a tmpfs on /run, as Debian does; then deploy again.",
            )
        )
