# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The front as a server: a proxy that clients reach it through, whatever Google host they ask for.

A client keeps its ``https://compute.googleapis.com`` and goes through ``HTTPS_PROXY``; the certificate is the sandbox's
own authority's. A plain request without a proxy is answered too, by its Host header: for an ``api_endpoint``. What a
machine dials comes over a Unix socket, with TLS from the first byte.
"""

from __future__ import annotations

import os
import select
import shutil
import socket
import ssl
import sys
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

from sandbox.control import PREFIX, Controlled, reset, respond
from sandbox.gcp.answers import Answer, Request
from sandbox.gcp.front import METADATA_HOSTS, Front

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
    class Handler(_Handler):
        """With this server's own things."""

    Handler.front, Handler.context, Handler.tunnels, Handler.plain = front, _context(tls), dict(tunnels), plain
    Handler.control = control
    return _Server(address, Handler)


def direct(front: Front, place: Path, tls: Path) -> ThreadingHTTPServer:
    """A server of the same hosts on a Unix socket in a folder that exists, not yet running."""
    class Handler(_Direct):
        """With this server's own things."""

    Handler.front, Handler.context = front, _context(tls)
    return _SocketServer(str(place), Handler)  # type: ignore[arg-type]  # typeshed knows addresses with ports only


def _context(tls: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tls / "google.crt", tls / "google.key")
    return context


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _SocketServer(_Server):
    address_family = socket.AF_UNIX

    def server_bind(self) -> None:
        """By way of its folder: a socket's path may have 107 characters only."""
        place = Path(str(self.server_address))
        place.unlink(missing_ok=True)
        folder = os.open(place.parent, os.O_PATH)
        self.socket.bind(f"/proc/self/fd/{folder}/{place.name}")
        os.close(folder)
        self.server_name, self.server_port = "", 0


class _Handler(BaseHTTPRequestHandler):
    front: ClassVar[Front]
    context: ClassVar[ssl.SSLContext]
    tunnels: ClassVar[dict[str, tuple[str, int]]] = {}
    plain: ClassVar[str] = ""
    control: ClassVar[Controlled | None] = None

    protocol_version = "HTTP/1.1"
    # An answer's body is written after its head: without this it would wait for the client's delayed acknowledgement.
    disable_nagle_algorithm = True
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
            self._secure()
            self.connected, self.close_connection = host, False
        else:
            self.send_error(403, f"The sandbox leads to no {host}")

    def _secure(self) -> None:
        self.connection = self.context.wrap_socket(self.connection, server_side=True)
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)

    def _tunnel(self, address: tuple[str, int]) -> None:
        self.close_connection = True
        try:
            other = socket.create_connection(address, 10)
        except OSError as error:
            self.send_error(502, f"{address[0]} cannot be reached: {error}")
            return
        with other:
            self.send_response(200, "Connection established")
            self.end_headers()
            other.settimeout(None)
            other.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
            _pump(self.connection, other)

    def _answer(self) -> None:
        body = self._body()
        if self.control and self.path.startswith(PREFIX):
            status, said = respond(self.control, self.command, self.path, body)
            self._send(Answer(int(status.split()[0]), said, {"Content-Type": "application/json"}))
            return
        # A header may come in several lines, as a container engine's Accept does.
        headers = {name.lower(): ", ".join(self.headers.get_all(name, [])) for name in self.headers}
        url = urlsplit(self.path)
        target = url._replace(scheme="", netloc="").geturl()
        host = self._host(url.hostname or "", headers)
        self._send(self.front.answer(Request(host, self.command, target, headers, body)))

    def _body(self) -> bytes:
        """The request's body, whole: a push sends a layer in chunks."""
        if "chunked" not in self.headers.get("Transfer-Encoding", "").lower():
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        found = b""
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            found += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            """What stands behind the last chunk."""
        return found

    def _host(self, named: str, headers: Mapping[str, str]) -> str:
        host = self.connected or (named or headers.get("host", "")).partition(":")[0].lower()
        if host.endswith(GOOGLE):
            return host
        return METADATA_HOSTS[0] if "metadata-flavor" in headers else self.plain

    def _send(self, answer: Answer) -> None:
        if answer.cut:
            self.close_connection = True
            reset(self.connection)
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if "Content-Length" not in answer.headers:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if answer.stream:
            with answer.stream:
                if self.command != "HEAD":
                    shutil.copyfileobj(answer.stream, self.wfile, BUFFER)
        elif answer.shortened:
            self.close_connection = True
            self.wfile.write(answer.body[: len(answer.body) // 2])
        elif self.command != "HEAD":
            self.wfile.write(answer.body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _answer


class _Direct(_Handler):
    """For those who dial the host themselves."""

    disable_nagle_algorithm = False  # there is none on a Unix socket

    def handle(self) -> None:
        """Speak TLS, in this connection's own thread."""
        self._secure()
        super().handle()

    def _host(self, named: str, headers: Mapping[str, str]) -> str:
        return headers.get("host", "").partition(":")[0].lower()


def _pump(one: socket.socket, other: socket.socket) -> None:
    """Carry bytes both ways until an end closes."""
    while True:
        ready, _other, _other = select.select([one, other], [], [], 60)
        if not ready:
            return
        for source in ready:
            data = source.recv(BUFFER)
            if not data:
                return
            (other if source is one else one).sendall(data)
