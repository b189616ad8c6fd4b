# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests as they came in, and what goes back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Request:
    """One request, as it came.

    :param host: lower case, without a port.
    :param target: path and query.
    :param headers: names in lower case.
    """

    host: str
    verb: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """Without the query."""
        return urlsplit(self.target).path

    @property
    def query(self) -> list[tuple[str, str]]:
        """Names and values."""
        return parse_qsl(urlsplit(self.target).query, keep_blank_values=True)

    def form(self) -> dict[str, str]:
        """The body of a token request: a form, or JSON."""
        if "json" in self.headers.get("content-type", ""):
            return {name: str(value) for name, value in json.loads(self.body or b"{}").items()}
        return dict(parse_qsl(self.body.decode()))


@dataclass(frozen=True)
class Answer:
    """What goes back.

    :param cut: the connection is to be reset instead.
    :param shortened: the body is to end half-way, whatever length was announced.
    :param stream: where the body comes from, if it is large; its length is in the headers.
    """

    status: int
    body: bytes
    headers: Mapping[str, str]
    cut: bool = False
    shortened: bool = False
    stream: IO[bytes] | None = None
