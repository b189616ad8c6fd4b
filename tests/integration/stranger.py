# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A copy of the checkout in which a stranger types what the documentation says."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.copies import borrow_environment, copy_files
from tests.documented import CHECKOUT, Row
from tests.unit.terminal import Terminal

#: What of the environment a stranger has too: ways to the network and to the engine, and no cloud.
KEPT = re.compile(
    r"HOME|XDG_STATE_HOME|LANG|LC_ALL|USER|TMPDIR|PRAXIS_LANE|DOCKER_\w+|PIP_\w+|\w+_(CA_BUNDLE|CERT_FILE|PROXY)",
    re.IGNORECASE)

#: What a shell with the sandbox's environment begins with.
SHELL = """
[ ! -f .sandbox/env ] || . .sandbox/env
on_machine() {
    first='import json; print(json.load(open(".sandbox/state.json"))["machines"][0]["container"])'
    docker exec "$(python -c "$first")" "$@"
}
"""


@dataclass(frozen=True)
class Typed:
    """What a command did."""

    code: int
    output: str


class Stranger:
    """Types commands into ``bash`` in a copy of the checkout. What was typed once is not typed again.

    :param folder: where the copy is made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._done: dict[tuple[str, str, bool], Typed] = {}
        programs = [part for part in os.environ["PATH"].split(":") if not part.startswith(f"{CHECKOUT}/")]
        kept = {name: value for name, value in os.environ.items() if KEPT.fullmatch(name)}
        self.environment = {**kept, "PATH": ":".join(programs), "TERM": "xterm"}
        copy_files(folder)
        borrow_environment(folder)

    def type(self, row: Row, deadline: float = 900) -> Typed:
        """Run a row's command, or remember what it did.

        :param deadline: seconds.
        """
        key = (row.typed, row.until, row.shell)
        if key not in self._done:
            bare = row.typed.startswith("make ") or not row.shell
            run = self._watch if row.until else self._run
            self._done[key] = run(("" if bare else SHELL) + row.typed, row, deadline)
        return self._done[key]

    def _run(self, text: str, row: Row, deadline: float) -> Typed:
        done = subprocess.run(["bash", "-c", text], cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                              timeout=deadline, check=False)
        return Typed(done.returncode, done.stdout)

    def _watch(self, text: str, row: Row, deadline: float) -> Typed:
        """On a terminal, until it shows what is waited for; then it is interrupted, and has to obey."""
        terminal = Terminal(["bash", "-c", text], self.folder, self.environment, columns=120)
        terminal.read_until(lambda shown: bool(re.search(row.until, shown)), deadline)
        os.killpg(terminal.process.pid, signal.SIGINT)
        _code, shown = terminal.finish(deadline)
        return Typed(0 if re.search(row.until, shown) else 1, shown)

    def leave(self) -> None:
        """Remove the sandbox, if one is up."""
        if (self.folder / ".sandbox").exists():
            subprocess.run(["bash", "-c", "make sandbox-down"], cwd=self.folder, env=self.environment, check=True)
