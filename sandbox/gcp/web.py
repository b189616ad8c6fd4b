# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The front as a server: a proxy that clients reach it through, whatever Google host they ask for.

A client keeps its ``https://compute.googleapis.com`` and goes through ``HTTPS_PROXY``; the certificate is the sandbox's
own authority's. A plain request without a proxy is answered too, by its Host header: for an ``api_endpoint``.
"""

from __future__ import annotations

import select
import socket
import ssl
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

from sandbox.control import PREFIX, Controlled, reset, respond
from sandbox.gcp.front import METADATA_HOSTS, Front, Request

GOOGLE = ".googleapis.com"
BUFFER = 65536


def server(front: Front, address: tuple[str, int], tls: Path, tunnels: Mapping[str, tuple[str, int]],
           plain: str = "compute.googleapis.com", control: Controlled | None = None) -> ThreadingHTTPServer:
    """A server, not yet running.

    :param tls: the folder with google.crt and google.key.
    :param tunnels: other hosts that the proxy leads to, with their real address and port: the registry.
    :param plain: the Google host that a request to the bare address is for.
    :param control: the process that answers what is asked of the sandbox itself.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tls / "google.crt", tls / "google.key")

    class Handler(_Handler):
        """With this server's own things."""

    Handler.front, Handler.context, Handler.tunnels, Handler.plain = front, context, dict(tunnels), plain
    Handler.control = control
    return _Server(address, Handler)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


class _Handler(BaseHTTPRequestHandler):
    front: ClassVar[Front]
    context: ClassVar[ssl.SSLContext]
    tunnels: ClassVar[dict[str, tuple[str, int]]]
    plain: ClassVar[str]
    control: ClassVar[Controlled | None]

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    """Headers and body are two writes; held back, the second costs 40 ms a request."""
    connected = ""
    """The host that a CONNECT named."""

    def log_message(self, format: str, *args: object) -> None:
        """Requests are in the operation log."""

    def do_CONNECT(self) -> None:
        """Be the Google host itself, or lead to another one."""
        host = self.path.rpartition(":")[0].lower()
        if host in self.tunnels:
            self._tunnel(self.tunnels[host])
        elif host.endswith(GOOGLE):
            self.send_response(200, "Connection established")
            self.end_headers()
            self.connection = self.context.wrap_socket(self.connection, server_side=True)
            self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)
            self.connected, self.close_connection = host, False
        else:
            self.send_error(403, f"The sandbox leads to no {host}")

    def _tunnel(self, address: tuple[str, int]) -> None:
        self.close_connection = True
        with socket.create_connection(address, 10) as other:
            self.send_response(200, "Connection established")
            self.end_headers()
            other.settimeout(None)
            _pump(self.connection, other)

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if self.control and self.path.startswith(PREFIX):
            self._answer_control(self.control, self.rfile.read(length))
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        url = urlsplit(self.path)
        host = self.connected or (url.hostname or headers.get("host", "")).partition(":")[0].lower()
        target = url._replace(scheme="", netloc="").geturl()
        if not host.endswith(GOOGLE):
            host = METADATA_HOSTS[0] if "metadata-flavor" in headers else self.plain
        answer = self.front.answer(Request(host, self.command, target, headers, self.rfile.read(length)))
        if answer.cut:
            self.close_connection = True
            reset(self.connection)
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if answer.shortened:
            self.close_connection = True
            self.wfile.write(answer.body[: len(answer.body) // 2])
            return
        self.wfile.write(answer.body)

    def _answer_control(self, control: Controlled, body: bytes) -> None:
        status, said = respond(control, self.command, self.path, body)
        self.send_response(int(status.split()[0]))
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer


def _pump(one: socket.socket, other: socket.socket) -> None:
    """Carry bytes both ways until an end closes."""
    while True:
        ready, _, _ = select.select([one, other], [], [], 60)
        if not ready:
            return
        for source in ready:
            data = source.recv(BUFFER)
            if not data:
                return
            (other if source is one else one).sendall(data)
