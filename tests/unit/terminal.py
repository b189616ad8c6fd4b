# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A command on a terminal of its own."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path


class Terminal:
    """A running command whose output and errors go to a terminal; everything it writes is kept.

    :param columns: the terminal's width.
    """

    def __init__(
        self, command: Sequence[str], folder: Path, environment: Mapping[str, str], columns: int = 100
    ) -> None:
        self._screen, ours = pty.openpty()
        fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        self.process = subprocess.Popen(command, cwd=folder, env=dict(environment), stdin=subprocess.DEVNULL,
                                        stdout=ours, stderr=ours, start_new_session=True)
        os.close(ours)
        self.written = ""

    def read_until(self, enough: Callable[[str], bool], deadline: float = 60) -> str:
        """All that was written so far, once it is enough or the command has closed its terminal.

        :raises AssertionError: with what was written by the deadline.
        """
        end = time.monotonic() + deadline
        while not enough(self.written):
            ready, _writable, _errors = select.select([self._screen], [], [], max(0.0, end - time.monotonic()))
            assert ready, f"waited {deadline:g} s; the terminal shows:\n{self.written}"
            try:
                read = os.read(self._screen, 65536)
            except OSError:  # Linux says so of a terminal that nobody writes to any more
                read = b""
            if not read:
                break
            self.written += read.decode("utf-8", "replace")
        return self.written

    def finish(self, deadline: float = 60) -> tuple[int, str]:
        """Return code, and everything that was written."""
        self.read_until(lambda _text: False, deadline)
        os.close(self._screen)
        return self.process.wait(timeout=deadline), self.written
