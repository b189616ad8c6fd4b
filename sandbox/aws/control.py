# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox's own way in, beside the API on the same port: ordered faults and what the process knows."""

from __future__ import annotations

import json
import os
import socket
import struct
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any

from sandbox.aws.cloud import Cloud
from sandbox.aws.operations import CUT, SHORTEN
from sandbox.problem import Problem

PREFIX = "/_sandbox/"
UNSIGNED = (b"<ErrorResponse><Error><Type>Sender</Type><Code>MissingAuthenticationToken</Code>"
            b"<Message>Request is missing Authentication Token</Message></Error></ErrorResponse>")


def answer(cloud: Cloud, method: str, path: str, body: dict[str, Any]) -> Any:
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


def reset(connection: socket.socket) -> None:
    """Close a connection so that the other end sees it reset (RST). The server still holds the file descriptor and
    closes it later: another file takes its place."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, connection.fileno())
    os.close(nothing)


def wrap(cloud: Cloud, application: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    """The API's WSGI application with the sandbox's own paths before it."""

    def serve(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if not path.startswith(PREFIX):
            # moto takes an unsigned request for one to S3, and has a door of its own that resets it.
            if "HTTP_AUTHORIZATION" not in environ or path.startswith("/moto-api"):
                start_response("403 Forbidden", [("Content-Type", "text/xml")])
                return [UNSIGNED]
            content = application(environ, start_response)
            if CUT in environ:
                reset(environ["werkzeug.socket"])
                raise ConnectionResetError("ordered")
            if SHORTEN in environ:
                whole = b"".join(content)
                # The announced length stands, and the connection is closed half-way.
                return [whole[: len(whole) // 2]]
            return content
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = json.loads(environ["wsgi.input"].read(length) or b"{}") if length else {}
        try:
            status, said = "200 OK", answer(cloud, environ["REQUEST_METHOD"], path.removeprefix(PREFIX), body)
        except Problem as problem:
            status, said = "400 Bad Request", {"what": problem.what, "where": problem.where, "fix": problem.fix}
        start_response(status, [("Content-Type", "application/json")])
        return [json.dumps(said).encode()]

    return serve
