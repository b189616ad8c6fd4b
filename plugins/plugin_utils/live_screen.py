# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A few lines that are redrawn in place below everything else that Ansible prints; a log where there is no terminal."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import sys
import threading
from typing import Any, Callable, List, Protocol, TextIO

from ansible.utils.display import Display

#: Seconds between two drawings.
PAUSE = 0.2
UP, REST_OF_LINE, REST_OF_SCREEN = "\033[%dA", "\033[K", "\033[J"
#: A line that the terminal takes for wider than it was counted is cut there, and does not become two.
NO_WRAP, WRAP = "\033[?7l", "\033[?7h"


class View(Protocol):
    """What is drawn."""

    def lines(self, width: int, height: int) -> List[str]:
        """The lines as they are now, for a terminal."""

    def news(self) -> List[str]:
        """The lines for a log since the last call."""


def is_terminal() -> bool:
    """Whether standard output can be redrawn."""
    return sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"


class LiveScreen:
    """Draws a view from a thread, until it is stopped. The cursor stays visible and below the lines, so that whatever
    ends the process leaves a terminal in order.

    :param lock: held while the view is read; who changes the view holds it, too.
    """

    def __init__(self, display: Display, view: View, lock: threading.RLock) -> None:
        self._display, self._view, self._lock = display, view, lock
        self._redraws = is_terminal()
        self._pid = os.getpid()
        self._drawn: List[str] = []
        self._prompts = 0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="live", daemon=True)
        # Display's own, as the class has it: what is drawn is not to erase itself.
        self._print: Callable[..., None] = display.display

    def start(self) -> None:
        """Draw from now on, and have all that Ansible prints pass by the lines."""
        self._display.display = self._around(self._print)
        self._display.prompt_until = self._around(self._display.prompt_until, prompt=True)
        atexit.register(self.stop)
        self._thread.start()

    def stop(self) -> None:
        """Erase the lines; nothing is left running."""
        if self._stopped.is_set() or os.getpid() != self._pid:
            return
        self._stopped.set()
        self._thread.join()
        atexit.unregister(self.stop)
        with self._lock:
            self._erase()
            self._report()
        # The class's own methods again.
        del self._display.display, self._display.prompt_until

    def _run(self) -> None:
        try:
            while not self._stopped.wait(PAUSE):
                with self._lock:
                    self._report()
                    if self._redraws and not self._prompts:
                        self._draw()
        except ValueError:  # closed already
            self._redraws, self._drawn = False, []

    def _draw(self) -> None:
        columns, rows = shutil.get_terminal_size()
        lines = self._view.lines(columns, rows - 1)
        if lines != self._drawn:
            back = UP % len(self._drawn) if self._drawn else ""
            body = "".join(line + REST_OF_LINE + "\n" for line in lines)
            self._write("\r" + back + NO_WRAP + body + WRAP + REST_OF_SCREEN)
            self._drawn = lines

    def _erase(self) -> None:
        if self._drawn:
            self._write("\r" + UP % len(self._drawn) + REST_OF_SCREEN)
            self._drawn = []

    def _write(self, text: str) -> None:
        """By way of Display, whose lock keeps a worker from being forked in the middle of it."""
        self._say(self._print, text, screen_only=True, newline=False)

    def _report(self) -> None:
        for line in self._view.news():
            self._say(self._print, line, log_only=self._redraws)

    def _say(self, method: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """Print. A deployment does not end because nobody reads it any more."""
        try:
            method(*args, **kwargs)
        except OSError:
            self._lose(sys.stderr if kwargs.get("stderr") else sys.stdout)
            method(*args, **kwargs)  # for the log file, which comes after the screen
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except OSError:
                self._lose(stream)

    def _lose(self, lost: TextIO) -> None:
        """What reads it has ended, as `head` does, or its disk is full: from now on it goes nowhere, and neither does
        another stream that goes the same way (`2>&1`)."""
        self._redraws, self._drawn = False, []
        place = os.fstat(lost.fileno())
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (sys.stdout, sys.stderr):
            if os.path.samestat(os.fstat(stream.fileno()), place):
                os.dup2(nowhere, stream.fileno())
        os.close(nowhere)

    def _around(self, method: Callable[..., Any], prompt: bool = False) -> Callable[..., Any]:
        """A method of Display that finds no lines on the screen; they are drawn again below what it prints.

        :param prompt: whether it waits for a person, who must not be drawn over meanwhile.
        """

        @functools.wraps(method)
        def printed(*args: Any, **kwargs: Any) -> Any:
            # A worker has no screen: it asks this process to print.
            if os.getpid() != self._pid:
                return method(*args, **kwargs)
            with self._lock:
                self._erase()
                self._prompts += prompt
                if not prompt:
                    self._say(method, *args, **kwargs)
                    # At once: lines that are away for a moment after each of many warnings would flicker.
                    if self._redraws and not self._prompts:
                        self._draw()
                    return None
            try:
                return method(*args, **kwargs)
            finally:
                with self._lock:
                    self._prompts -= 1

        return printed
