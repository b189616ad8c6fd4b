# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A directory of rendered files: what differs in it from what it should hold, and the change."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Protocol, Sequence

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.plugin_utils.whole_files import write_whole


class Layout(Protocol):
    """How the files of a target are known to be ours."""

    #: The file that names the others.
    INDEX: str

    def listed(self, index: str) -> List[str]:
        """The files that an index of ours names; nothing when it is not ours."""

    def is_ours(self, name: str, text: str, listed: Sequence[str]) -> bool:
        """Whether this collection has written a file."""


@dataclass(frozen=True)
class Difference:
    """One file.

    :param before: None: it is not there.
    :param after: None: it is to go.
    """

    path: str
    before: Optional[str]
    after: Optional[str]

    def shown(self) -> Dict[str, Any]:
        """As Ansible shows it."""
        return {
            "before": self.before or "",
            "after": self.after or "",
            "before_header": self.path,
            "after_header": self.path,
        }


def compare(dest: str, wanted: Mapping[str, str], layout: Layout) -> List[Difference]:
    """What is to be written and removed. Only files that this collection has written are changed or removed.

    :raises Failed: there is a file of somebody else's, or one that cannot be read.
    """
    if os.path.lexists(dest) and not os.path.isdir(dest):
        raise Failed(_finding("The path is not a directory.", dest))
    ours = layout.listed(_read(os.path.join(dest, layout.INDEX)) or "")
    found = []
    foreign = []
    for name in [*wanted, *(name for name in ours if name not in wanted)]:
        path = os.path.join(dest, name)
        before, after = _read(path), wanted.get(name)
        if before is not None and not layout.is_ours(name, before, ours):
            foreign.append(_finding("The file exists already, and praxis.cloud did not write it.", path))
        elif before != after:
            found.append(Difference(path, before, after))
    if foreign:
        raise Failed(*foreign)
    return found


def apply(dest: str, differences: List[Difference], layout: Layout) -> None:
    """Make it so: files first, then the base that names them, and last what it names no more.

    :raises Failed: a file cannot be written.
    """
    last = {layout.INDEX: 1}
    order = sorted(differences, key=lambda each: (each.after is None, last.get(os.path.basename(each.path), 0)))
    for each in order:
        try:
            os.makedirs(dest, exist_ok=True)
            if each.after is None:
                os.unlink(each.path)
            else:
                write_whole(each.path, each.after.encode())
        except OSError as error:
            raise Failed(_finding("The file cannot be written: %s." % error.strerror, each.path)) from None


def _read(path: str) -> Optional[str]:
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        return ""
    except OSError as error:
        raise Failed(_finding("The file cannot be read: %s." % error.strerror, path)) from None


def _finding(what: str, path: str) -> Finding:
    fix = "Choose another directory (praxis_render_dest), or move the existing files away."
    return Finding("render-destination", what, path, fix)
