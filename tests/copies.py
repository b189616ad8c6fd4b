# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies of the checkout, in which something is done that must not be done to the checkout itself."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]


def copy_files(folder: Path) -> None:
    """What git holds or would hold."""
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=CHECKOUT,
                            capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (CHECKOUT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CHECKOUT / name, folder / name)


def borrow_environment(folder: Path) -> None:
    """A Python environment for the copy that finds the packages of the one that runs this.

    Only this spares the download of every package: programs, the stamps of what is installed, and the link by which
    Ansible finds the collection are the copy's own, so nothing that is run comes from the checkout.
    """
    ours, theirs = Path(sys.executable).parent.parent, folder / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(theirs)], check=True)
    packages = Path(sysconfig.get_path("purelib")).relative_to(ours)
    found = [path for path in sys.path if Path(path).name == packages.name]  # what this one has borrowed itself, too
    (theirs / packages / "borrowed.pth").write_text("".join(f"{path}\n" for path in found), encoding="utf-8")
    for program in filter(Path.is_file, (ours / "bin").iterdir()):
        start = program.read_bytes()[:200]
        if start.startswith(b"#!") and str(ours).encode() in start and not (theirs / "bin" / program.name).exists():
            text = program.read_text(encoding="utf-8").replace(str(ours), str(theirs))
            (theirs / "bin" / program.name).write_text(text, encoding="utf-8")
            (theirs / "bin" / program.name).chmod(0o755)
    for stamp in ours.glob(".*.stamp"):
        shutil.copy(stamp, theirs / stamp.name)
    (theirs / ".made-at").write_text(f"{theirs}\n", encoding="utf-8")


def link_collection(folder: Path) -> None:
    """The link by which Ansible finds the copy as a collection, as scripts/setup makes it."""
    packages = Path(sysconfig.get_path("purelib")).relative_to(Path(sys.executable).parent.parent)
    link = folder / ".venv" / packages / "ansible_collections" / "praxis" / "cloud"
    link.parent.mkdir(parents=True)
    link.symlink_to(folder)
