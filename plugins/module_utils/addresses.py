# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses in what other programs say: one rule for all who quote them. Standard library.

A registry sends who pulls on to a store, by an address that is signed (``?X-Amz-Signature=…``): whoever has it has the
layer, and it may hold a token of the store's. A program that fails quotes the address, or one with a login in it.
"""

from __future__ import annotations

import re

# It begins at "://": to look for the scheme before that is to go over a line of dots and hyphens once for each of them.
_ADDRESS = re.compile(r"(://)(?:[^\s/?#@\"'<>]+@)?([^\s?#\"'<>]*)(\?[^\s\"'<>]*)?")


def without_logins(said: str) -> str:
    """The text, each address in it without a login and without its query."""
    return _ADDRESS.sub(lambda found: found.group(1) + found.group(2) + ("?…" if found.group(3) else ""), said)
