# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A planted fault: one mistake that a maintainer could make, and the tests that must notice it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath

TIERS = ("fast", "test")


@dataclass(frozen=True)
class Fault:
    """One mistake in one file, which can still be imported.

    :param name: what it breaks.
    :param breaks: the same in one sentence.
    :param file: from the checkout.
    :param before: what stands there; exactly once.
    :param after: what the mistake makes of it.
    :param tier: the cheapest tier that must notice it. ``fast``: unit tests without the slow ones. ``test``: slow unit
        tests, or tests with real machines.
    :param tests: for pytest: files or tests, and options such as ``-k``.
    """

    name: str
    breaks: str
    file: str
    before: str
    after: str
    tests: tuple[str, ...]
    tier: str = "fast"

    @property
    def layer(self) -> str:
        """``module_utils/agent``, ``plugins/module_utils`` (what layers share), ``plugins/action``, ``roles`` …"""
        parts = PurePath(self.file).parts
        if parts[0] == "plugins":
            in_a_layer = parts[1] == "module_utils" and len(parts) > 3
            return "/".join(parts[1:3] if in_a_layer else parts[:2])
        return parts[0]

    def plant(self, text: str) -> str:
        """The file's text with the mistake in it.

        :raises ValueError: what should stand there does not, or stands there more than once.
        """
        if text.count(self.before) != 1:
            raise ValueError(f"{self.name}: its text stands {text.count(self.before)} times in {self.file}")
        return text.replace(self.before, self.after)
