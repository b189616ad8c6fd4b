# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox's own way in, beside the API on the same port: ordered faults and what the process knows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any

from sandbox.aws.cloud import Cloud
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
    raise Problem(f"there is no {method} {path}", PREFIX, "faults, event, state, ready")


def wrap(cloud: Cloud, application: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    """The API's WSGI application with the sandbox's own paths before it."""

    def serve(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if not path.startswith(PREFIX):
            # moto takes an unsigned request for one to S3, and has a door of its own that resets it.
            if "HTTP_AUTHORIZATION" not in environ or path.startswith("/moto-api"):
                start_response("403 Forbidden", [("Content-Type", "text/xml")])
                return [UNSIGNED]
            return application(environ, start_response)
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = json.loads(environ["wsgi.input"].read(length) or b"{}") if length else {}
        try:
            status, content = "200 OK", answer(cloud, environ["REQUEST_METHOD"], path.removeprefix(PREFIX), body)
        except Problem as problem:
            status, content = "400 Bad Request", {"what": problem.what, "where": problem.where, "fix": problem.fix}
        start_response(status, [("Content-Type", "application/json")])
        return [json.dumps(content).encode()]

    return serve
