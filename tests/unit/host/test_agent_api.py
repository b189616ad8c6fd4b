# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an agent says of itself, whatever an image that is no agent's may say in its place."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.host import agent_api
from ansible_collections.praxis.cloud.plugins.module_utils.host.agent_api import read_api

PEER = "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN"
HEAD = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
NO_ID = "/p2p/info answered 200 without a peer id"


@contextmanager
def agent(answer: Callable[[socket.socket, bytes], None]) -> Iterator[int]:
    """A port where each request is answered by this.

    :param answer: it gets the connection and the request.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    link, _address = server.accept()
                except OSError:
                    return
                with link:
                    answer(link, link.recv(65536))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
    thread.join(10)


def saying(body: bytes) -> Callable[[socket.socket, bytes], None]:
    return lambda link, _request: link.sendall(HEAD + body)


def test_health_and_peer_id() -> None:
    with agent(saying(json.dumps({"peer_id": PEER}).encode())) as port:
        assert read_api(port) == {"health": 200, "peer_id": PEER, "error": None}


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff\xfe{", b"[]", b"null", b'{"peer_id": 7}', b'{"peer_id": ""}', b"[" * 65000, b'{"peer_id": "\x1b[2J"}',
     json.dumps({"peer_id": "\u202e" + PEER}).encode(), json.dumps({"peer_id": "x" * 60000}).encode()],
    ids=lambda body: repr(body[:12]),
)  # fmt: skip
def test_what_is_no_peer_id_is_none(body: bytes) -> None:
    with agent(saying(body)) as port:
        assert read_api(port) == {"health": 200, "peer_id": None, "error": NO_ID}


@pytest.mark.parametrize("begin", [b"HTTP/1.1 200 OK\r\nX-Slow: ", HEAD], ids=["headers", "body"])
def test_an_answer_that_comes_byte_by_byte_is_waited_for_so_long_and_no_longer(
    monkeypatch: pytest.MonkeyPatch, begin: bytes
) -> None:
    """No single byte is late, and together they would take hours."""
    monkeypatch.setattr(agent_api, "WHOLE", 2)
    cut_off = threading.Event()

    def drip(link: socket.socket, _request: bytes) -> None:
        link.sendall(begin)
        try:
            while not cut_off.wait(0.02):
                link.sendall(b"x")
        except OSError:
            cut_off.set()

    with agent(drip) as port:
        found = read_api(port, timeout=0.2)
        assert found == {"health": None, "peer_id": None, "error": "/health did not answer within 0.2 s"}
        assert cut_off.wait(10)
