# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Disks of machines: sparse files behind loop devices of the computer that the sandbox runs on, and what a machine's
kernel and udev make of them. Only root has loop devices.

A loop device is let go of as soon as it is held open: it frees itself when this process and the last mount are gone.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from sandbox import docker
from sandbox.docker import File
from sandbox.problem import Problem
from sandbox.site import Site

GIB = 1024**3
LIST = "/etc/sandbox/disks"
UNIT = "sandbox-disks.service"


@dataclass
class Disk:
    """One disk, from its first attachment on."""

    file: Path
    device: str = ""
    _held: int = field(default=-1, repr=False)

    def make(self, size: int, source: Path | None = None) -> None:
        """The file, of so many GiB: blank, or as another was."""
        if not self.file.exists():
            self.file.parent.mkdir(parents=True, exist_ok=True)
            if source is not None:
                copy(source, self.file)
        with self.file.open("ab") as file:
            file.truncate(size * GIB)
        if self._held < 0:
            self.device = _run("losetup", "--find", "--show", str(self.file)).strip()
            self._held = os.open(self.device, os.O_RDONLY)
            _run("losetup", "--detach", self.device)
        else:
            _run("losetup", "--set-capacity", self.device)

    @property
    def number(self) -> str:
        """Major and minor."""
        found = os.stat(self.device).st_rdev
        return f"{os.major(found)} {os.minor(found)}"

    def release(self) -> None:
        """Let the device go, and remove the file."""
        if self._held >= 0:
            os.close(self._held)
            self._held = -1
        self.file.unlink(missing_ok=True)


class Shelf:
    """A cloud's disks and snapshots, by their ids.

    :param folder: where their files are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._disks: dict[str, Disk] = {}

    def of(self, ident: str) -> Disk:
        """A disk; its file is made when it is attached."""
        return self._disks.setdefault(ident, Disk(self._folder / f"{ident}.img"))

    def has(self, ident: str) -> bool:
        """Whether this disk has been attached to a machine."""
        return ident in self._disks and bool(self._disks[ident].device)

    def ready(self, ident: str, size: int, snapshot: str = "") -> Disk:
        """A disk of so many GiB.

        :param snapshot: what it holds at first; empty: nothing.
        """
        disk = self.of(ident)
        source = self._folder / f"{snapshot}.img"
        disk.make(size, source if snapshot and source.exists() else None)
        return disk

    def resize(self, ident: str, size: int) -> None:
        """Make a disk larger; one that nobody has attached yet is so anyway."""
        if self.of(ident).file.exists():
            self.ready(ident, size)

    def keep(self, ident: str, snapshot: str) -> None:
        """What has reached a disk by now, as a snapshot."""
        if self.of(ident).file.exists():
            copy(self.of(ident).file, self._folder / f"{snapshot}.img")

    def forget(self, ident: str) -> None:
        """Remove a disk."""
        self.of(ident).release()
        del self._disks[ident]

    def discard(self, snapshot: str) -> None:
        """Remove a snapshot."""
        (self._folder / f"{snapshot}.img").unlink(missing_ok=True)


def copy(source: Path, target: Path) -> None:
    """A file as it is now, holes included."""
    target.parent.mkdir(parents=True, exist_ok=True)
    _run("cp", "--sparse=always", str(source), str(target))


def plug(site: Site, machine: str, disks: dict[str, Disk]) -> None:
    """Have a machine see these disks and no others, now and whenever it is started.

    :param disks: by the name that udev gives each below /dev/disk/by-id.
    """
    container = site.container(machine)
    lines = [f"nvme{number}n1 {disk.number} {name}\n" for number, (name, disk) in enumerate(sorted(disks.items()), 1)]
    docker.place(container, {LIST: File("".join(lines).encode())})
    found = docker.inspect("container", container)
    if found and found["State"]["Running"]:
        # It may have been started a moment ago: until its systemd answers, it finds no disks by itself.
        again = f"until systemctl restart {UNIT} 2> /dev/null; do sleep 0.3; done"
        docker.shell(container, f"timeout 50 sh -c {shlex.quote(again)}")


def _run(*command: str) -> str:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        raise Problem(f"{shlex.join(command)}: {done.stderr.strip()}", command[0],
                      "the sandbox has disks where it is run as root, and the kernel has loop devices")
    return done.stdout
