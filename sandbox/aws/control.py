# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox's own way in before moto's application, and what a fault does to a connection."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sandbox.aws.cloud import Cloud
from sandbox.aws.operations import CUT, SHORTEN
from sandbox.control import PREFIX, Orders, reset, respond

UNSIGNED = (b"<ErrorResponse><Error><Type>Sender</Type><Code>MissingAuthenticationToken</Code>"
            b"<Message>Request is missing Authentication Token</Message></Error></ErrorResponse>")


def wrap(
    cloud: Cloud, application: Callable[..., Iterable[bytes]], orders: Orders
) -> Callable[..., Iterable[bytes]]:
    """The API's WSGI application with the sandbox's own paths before it.

    :param orders: what this cloud alone understands.
    """

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
        body = environ["wsgi.input"].read(length) if length else b""
        status, said = respond(cloud, environ["REQUEST_METHOD"], path, body, orders)
        start_response(status, [("Content-Type", "application/json")])
        return [said]

    return serve
