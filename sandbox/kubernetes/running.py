# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that go on by themselves: known by a file with the process and when it was started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
import urllib.error
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Programs:
    """Those of one folder, which holds their logs as well."""

    root: Path

    def start(self, name: str, *command: str) -> None:
        """Start a program, unless it runs."""
        if self.pid(name):
            return
        with (self.root / f"{name}.log").open("ab") as log:
            started = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       start_new_session=True, cwd=self.root)
        (self.root / f"{name}.pid").write_text(f"{started.pid} {_started(started.pid)}")

    def pid(self, name: str) -> int | None:
        """The process of this name, if it is the one that was started."""
        path = self.root / f"{name}.pid"
        if not path.exists():
            return None
        pid, started = path.read_text().split()
        return int(pid) if _started(int(pid)) == started else None

    def stop(self, name: str) -> None:
        """End a program: it is asked first, then killed."""
        pid = self.pid(name)
        if pid is None:
            return
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + 30
        while self.pid(name) is not None:
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.1)

    def wait(self, what: str, there: Callable[[], bool]) -> None:
        """Until something is so; an error counts as no."""
        deadline = time.monotonic() + 120
        while True:
            try:
                if there():
                    return
            except (urllib.error.URLError, OSError, KeyError, subprocess.CalledProcessError):
                pass
            if time.monotonic() > deadline:
                raise RuntimeError(f"{what} did not become ready; see the logs in {self.root}")
            time.sleep(0.2)


def _started(pid: int) -> str:
    """When a process was started, in the kernel's ticks; empty when it is not there."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    if fields[0] == "Z":
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        return ""
    return fields[19]
