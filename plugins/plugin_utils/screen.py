# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines on the screen, in Ansible's own colours: on a terminal, unless NO_COLOR or ANSIBLE_NOCOLOR is set."""

from __future__ import annotations

from typing import Callable, List, Optional

from ansible import constants as C
from ansible.utils import color
from ansible.utils.color import stringc
from ansible.utils.display import Display

from ansible_collections.praxis.cloud.plugins.module_utils.fleet import render

#: The stdout callbacks that print the summary at the end of a run.
SUMMARY_CALLBACK, LIVE_CALLBACK = "praxis.cloud.summary", "praxis.cloud.live"
#: Names of stdout callbacks, without their collection, that print JSON and nothing else.
JSON_CALLBACKS = ("json", "jsonl")
#: What Ansible takes for the width of a narrow terminal, and of what is none.
_ANSIBLE_LEAST = 79


def paint(text: str, colour: str) -> str:
    """A text in the colour that Ansible uses for such news; plain where Ansible prints no colours."""
    names = {"good": C.COLOR_OK, "bad": C.COLOR_ERROR, "warning": C.COLOR_CHANGED}
    return str(stringc(text, names[colour]))


def known_width(columns: int) -> Optional[int]:
    """The screen's width as Ansible knows it in a worker, which has no terminal of its own; None: not known.

    That there is a terminal, Ansible's colours tell, unless somebody wants them everywhere or nowhere.
    """
    terminal = color.ANSIBLE_COLOR and not C.ANSIBLE_FORCE_COLOR
    return columns if columns > _ANSIBLE_LEAST or terminal else None


def show(
    display: Display,
    lines: Callable[[Optional[int], render.Paint], List[str]],
    width: Optional[int],
    stderr: bool = False,
) -> None:
    """Print lines; a log file gets them without colours and at full width."""
    display.display("\n".join(lines(width, paint)), screen_only=True, stderr=stderr)
    display.display("\n".join(lines(None, render.plain)), log_only=True)


def show_in_a_task(
    display: Display, lines: Callable[[Optional[int], render.Paint], List[str]], at_the_end: bool = True
) -> None:
    """Print lines in the middle of a run. Where standard output is for programs, on standard error.

    :param at_the_end: whether the stdout callbacks that print the summary print the same at the end.
    """
    if not (at_the_end and C.DEFAULT_STDOUT_CALLBACK in (SUMMARY_CALLBACK, LIVE_CALLBACK)):
        show(display, lines, known_width(display.columns), _for_programs())


def report(display: Display, text: str) -> None:
    """Say in the middle of a run what is waited for. Where standard output is for programs, on standard error."""
    display.display(text, stderr=_for_programs())


def _for_programs() -> bool:
    callback = str(C.DEFAULT_STDOUT_CALLBACK)
    return callback == SUMMARY_CALLBACK or callback.rpartition(".")[2] in JSON_CALLBACKS
