# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a text that is meant as a reference is read, from left to right, and how a fault is shown at its place. Pure."""

from __future__ import annotations

import re

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding


class ReferenceError(Failed):
    """A text that is meant as a reference and is not one."""


class Cursor:
    """A text and how far it was read, so that a fault knows its column."""

    def __init__(self, text: str, at: int, end: int) -> None:
        self.text = text
        self.at = at
        self.end = end

    def take(self, stop: str) -> str:
        """Up to the first of the characters in ``stop``, or the end."""
        start = self.at
        while self.at < self.end and self.text[self.at] not in stop:
            self.at += 1
        return self.text[start : self.at]

    def skip(self, mark: str) -> bool:
        """Step over ``mark`` if it is next."""
        found = self.text.startswith(mark, self.at) and self.at < self.end
        if found:
            self.at += len(mark)
        return found

    def match(self, pattern: re.Pattern[str], what: str, fix: str) -> str:
        """What ``pattern`` matches here; it must match something."""
        found = pattern.match(self.text, self.at, self.end)
        if not found:
            raise fault(self.text, self.at, f"Expected at ^: {what}.", fix)
        self.at = found.end()
        return found[0]

    def done(self, fix: str) -> None:
        """Everything must have been read."""
        if self.at < self.end:
            raise fault(self.text, self.at, f"The character {self.text[self.at]!r} is not allowed at ^.", fix)


def fault(text: str, at: int, what: str, fix: str) -> ReferenceError:
    """What is wrong with a text, with a caret under this column."""
    shown = "".join(char if char.isprintable() else "·" for char in text)
    picture = f"{what}\n  {shown}\n  {' ' * at}^\n"
    return ReferenceError(Finding("reference-malformed", picture, "secret reference", fix))
