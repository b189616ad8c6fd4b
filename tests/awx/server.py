# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fake of AWX behind HTTP, as its clients reach it."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.awx.fake import LINK, TOKEN, Body, Controller, Refused, Request

USER, PASSWORD = "admin", "a-password-of-the-fake"
PREFIXES = {"/api/v2/": "AWX", "/api/controller/v2/": "Red Hat Ansible Automation Platform"}
VERSION = "24.6.1"


@contextmanager
def serve(controller: Controller) -> Iterator[str]:
    """The fake behind a loopback address, which is given."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(controller))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(controller: Controller) -> type[BaseHTTPRequestHandler]:
    lock = threading.Lock()
    basic = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            parsed = urlsplit(self.path)
            prefix = next((each for each in PREFIXES if parsed.path.startswith(each)), "")
            text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            request = Request(self.command, parsed.path.removeprefix(prefix), json.loads(text) if text else {})
            with lock:
                status, answer = self._answer(request, dict(parse_qsl(parsed.query, keep_blank_values=True)), prefix)
                request.status = status
                controller.requests.append(request)
                if status >= 400:
                    controller.errors.append(f"{request.method} {self.path} {request.body}: {status} {answer}")
            self._send(status, json.dumps(answer).replace(f'"{LINK}', f'"{prefix}'), PREFIXES.get(prefix, ""))

        def _answer(self, request: Request, query: dict[str, str], prefix: str) -> tuple[int, Body]:
            login = request.path == "tokens/"
            allowed = self.headers.get("Authorization") in ((basic,) if login else (f"Bearer {TOKEN}",))
            if not prefix or not request.path.endswith("/"):
                return 404, {"detail": "Not found."}
            if not allowed and request.method != "DELETE":
                return 401, {"detail": "Authentication credentials were not provided."}
            try:
                return controller.answer(request, query)
            except Refused as error:
                return error.status, error.answer

        def _send(self, status: int, answer: str, product: str) -> None:
            text = b"" if status == 204 else answer.encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", "Content-Length": str(len(text)),
                                "X-API-Product-Name": product, "X-API-Product-Version": VERSION}.items():  # fmt: skip
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PATCH = do_DELETE = _serve

        def log_message(self, *_args: Any) -> None:
            """Nothing: a test reads the requests."""

    return Handler
