# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a user's own project: where the collection has them, and which of them a directory lacks."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Dict, List, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.plugin_utils.whole_files import write_whole

#: The collection's own root.
ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
#: Files and directories of the collection, and where a project has them.
_PARTS = (
    (os.path.join("examples", "awx-project"), ""),
    ("inventories", "inventories"),
    ("configs", "configs"),
    ("requirements.txt", "requirements.txt"),
)


@dataclass(frozen=True)
class Project:
    """A directory beside what the collection has for it.

    :param missing: path in the project -> content, of what is to be written.
    :param differing: paths of files that are there and say something else.
    """

    missing: Dict[str, bytes]
    differing: List[str]


def compare(dest: str) -> Project:
    """What a project lacks.

    :raises Failed: something that is there cannot be read, or is no file.
    """
    missing: Dict[str, bytes] = {}
    differing: List[str] = []
    for path, content in _files():
        target = os.path.join(dest, path)
        if not os.path.lexists(target):
            missing[path] = content
        elif _read(target) != content:
            differing.append(path)
    return Project(missing, differing)


def write(dest: str, files: Dict[str, bytes]) -> None:
    """Write files that are not there, each whole or not at all.

    :raises Failed: one of them cannot be written.
    """
    for path, content in files.items():
        target = os.path.join(dest, path)
        try:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            write_whole(target, content)
        except OSError as error:
            raise _failed("written", target, error) from None


def _files() -> List[Tuple[str, bytes]]:
    """Path in a project and content, of every file that a project has."""
    found = []
    for source, target in _PARTS:
        whole = os.path.join(ROOT, source)
        for folder, _folders, names in os.walk(whole):
            inside = os.path.join(target, os.path.relpath(folder, whole))
            found += [(os.path.normpath(os.path.join(inside, name)), os.path.join(folder, name)) for name in names]
        if os.path.isfile(whole):
            found.append((target, whole))
    return [(path, _read(source)) for path, source in sorted(found)]


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise _failed("read", path, error) from None


def _failed(done: str, path: str, error: OSError) -> Failed:
    fix = "Use another directory (-e dest=DIRECTORY), or give this user the right to write to it."
    return Failed(Finding("project-not-written", "The file cannot be %s: %s." % (done, error.strerror), path, fix))
