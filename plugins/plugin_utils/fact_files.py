# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts that processes beside each other leave in a directory, each as JSON in a file of its own."""

from __future__ import annotations

import json
import os
from typing import Any, Dict, List

from ansible_collections.praxis.cloud.plugins.plugin_utils.whole_files import write_whole


class FactFiles:
    """Every write is staged and renamed: a reader never sees half a file.

    A fact's name is its file's, in a folder where there are many of its sort: ``table.json``, ``touched/m1``.

    :param path: the directory.
    """

    def __init__(self, path: str) -> None:
        self._path = path

    def place(self, name: str) -> str:
        """The path of a fact's file, or of a folder."""
        return os.path.join(self._path, name)

    def has(self, name: str) -> bool:
        return os.path.exists(self.place(name))

    def read(self, name: str) -> Any:
        """:raises FileNotFoundError: there is no such fact."""
        with open(self.place(name), "rb") as file:
            return json.loads(file.read())

    def find(self, name: str) -> Any:
        """The fact; None when there is none, or none any more: other processes take theirs away at any moment."""
        try:
            return self.read(name)
        except FileNotFoundError:
            return None

    def write(self, name: str, fact: Any) -> None:
        write_whole(self.place(name), json.dumps(fact).encode())

    def remove(self, name: str) -> None:
        """Forget a fact, if there is one."""
        if self.has(name):
            os.unlink(self.place(name))

    def names(self, folder: str) -> List[str]:
        """Whose facts a folder holds; what is only staged is no fact yet."""
        return sorted(name for name in os.listdir(self.place(folder)) if not name.endswith(".new"))

    def all(self, folder: str) -> Dict[str, Any]:
        """A folder's facts by their names in it, without those that are gone by the time they are read."""
        found = {name: self.find("%s/%s" % (folder, name)) for name in self.names(folder)}
        return {name: fact for name, fact in found.items() if fact is not None}
