# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox's own way in, beside a cloud's API on the same port: ordered faults and what the process knows."""

from __future__ import annotations

import json
import os
import socket
import struct
from collections.abc import Callable, Mapping
from dataclasses import asdict
from types import MappingProxyType
from typing import Any, Protocol

from sandbox.aws.faults import Faults
from sandbox.aws.log import Log
from sandbox.problem import Problem
from sandbox.site import Site

PREFIX = "/_sandbox/"
Orders = Mapping[tuple[str, str], Callable[[dict[str, Any]], Any]]
"""By method and path, what is done with a request's body."""


class Controlled(Protocol):
    """A cloud's process."""

    site: Site
    log: Log
    faults: Faults
    enforced: bool
    """Whether it is ready: filled, and asking for credentials."""

    def write_state(self) -> None:
        """Make .sandbox/state.json current."""


def answer(cloud: Controlled, method: str, path: str, body: dict[str, Any]) -> Any:
    """One request. Raises Problem for what is not understood."""
    if path == "ready":
        return {"ready": cloud.enforced, "root": str(cloud.site.root)}
    if path == "state":
        cloud.write_state()
        return {}
    if path == "event":
        cloud.log.fault(body.pop("kind"), **body)
        return {}
    if path == "faults" and method == "GET":
        return cloud.faults.listing()
    if path == "faults" and method == "POST":
        return asdict(cloud.faults.add(body))
    if path == "faults" and method == "DELETE":
        return {"lifted": cloud.faults.clear()}
    if path.startswith("faults/") and method == "DELETE":
        return {"lifted": cloud.faults.clear(path.partition("/")[2])}
    raise Problem(f"there is no {method} {path}", PREFIX, "faults, event, state, ready")


def respond(
    cloud: Controlled, method: str, path: str, body: bytes, orders: Orders = MappingProxyType({})
) -> tuple[str, bytes]:
    """The same over HTTP: status line and JSON.

    :param orders: what one cloud alone understands.
    """
    try:
        asked, path = json.loads(body or b"{}"), path.removeprefix(PREFIX)
        order = orders.get((method, path))
        status, said = "200 OK", order(asked) if order else answer(cloud, method, path, asked)
    except Problem as problem:
        status, said = "400 Bad Request", {"what": problem.what, "where": problem.where, "fix": problem.fix}
    return status, json.dumps(said).encode()


def reset(connection: socket.socket) -> None:
    """Close a connection so that the other end sees it reset (RST). The server still holds the file descriptor and
    closes it later: another file takes its place."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, connection.fileno())
    os.close(nothing)
