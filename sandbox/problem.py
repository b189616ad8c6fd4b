# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one exception of the sandbox, and progress lines."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Problem(Exception):
    """Something the user can fix: what happened, where, and how to fix it."""

    def __init__(self, what: str, where: str, fix: str) -> None:
        super().__init__(f"{what}\n  where: {where}\n  fix:   {fix}")
        self.what = what
        self.where = where
        self.fix = fix


@contextmanager
def step(what: str) -> Iterator[None]:
    """Say on standard error what is being done, and how long it took, in seconds."""
    print(f"sandbox: {what} ...", file=sys.stderr, flush=True)
    started = time.monotonic()
    yield
    print(f"sandbox: {what}: done in {time.monotonic() - started:.1f} s", file=sys.stderr, flush=True)
