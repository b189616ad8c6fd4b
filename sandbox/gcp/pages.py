# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages of a list. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence
from typing import TypeVar

from sandbox.gcp.refused import Refused, invalid

LARGEST = 500
"""Resources on a page: Compute's most, and its default."""

Item = TypeVar("Item")


def page(items: Sequence[Item], size: str, token: str, question: str) -> tuple[list[Item], str]:
    """The page that a token asks for, and the next page's token, empty on the last.

    :param size: as in the query; empty or 0 for the most there can be.
    :param token: as in the query; empty for the first page.
    :param question: what was asked for; a token is good for the question that it was given for.
    """
    count = int(size or 0) or LARGEST
    if not 0 < count <= LARGEST:
        raise invalid("maxResults", size, f"Must be between 0 and {LARGEST}")
    start = _start(token, question)
    end = start + count
    return list(items[start:end]), _token(end, question) if end < len(items) else ""


def _mark(question: str) -> str:
    return hashlib.sha256(question.encode()).hexdigest()[:12]


def _token(start: int, question: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([start, _mark(question)]).encode()).decode()


def _start(token: str, question: str) -> int:
    if not token:
        return 0
    try:
        start, mark = json.loads(base64.urlsafe_b64decode(token))
    except (binascii.Error, ValueError):
        raise invalid("pageToken", token, "The token is not one that was given out.") from None
    if mark != _mark(question):
        raise Refused(400, "invalid", "The page token was given for another request: repeat that one's parameters.")
    return int(start)
