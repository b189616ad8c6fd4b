# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in: the HTTP and WebSocket listener, with the agent's answers."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Dict, Optional, Tuple

from praxis_sdk.log import log
from praxis_sdk.p2p import Peers

_LOCAL_NAMES = ("localhost", "127.0.0.1", "0.0.0.0")
_WEBSOCKETS = ("/ws/events", "/ws/workflow")
_CARDS = ("/agent/card", "/card", "/.well-known/agent-card.json", "/v1/card")
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

#: Seconds that an idle connection is kept for another request: uvicorn's default, which the agent leaves as it is.
KEEP_ALIVE = 5.0

Answer = Tuple[int, Any]


@dataclass
class Request:
    """One request, its body read and dropped."""

    method: str
    path: str
    headers: Dict[str, str] = field(default_factory=dict)


class Api:
    """Follows the environment's configuration (``server``); the YAML's (``agent``) is only quoted in the card."""

    def __init__(self, name: str, server: Dict[str, Any], agent: Dict[str, Any]) -> None:
        self.peers: Optional[Peers] = None
        self._name = name
        self._server = server
        self._agent = agent
        self._started = time.time()
        self._requests = 0
        self._health_checks = 0
        self._hung = False
        self._never = asyncio.Event()

    async def start(self) -> None:
        """Open the listener; raises OSError when it cannot."""
        host, port = self._server["api"]["host"], self._server["api"]["port"]
        await asyncio.start_server(self._serve, host, port)
        log("INFO", "API listening on %s:%d" % (host, port))

    def card(self) -> Dict[str, Any]:
        """The A2A card: its address is what the YAML says, listener or not."""
        api = self._agent["api"]
        return {
            "name": self._name,
            "version": "1.0.0",
            "description": "Praxis agent: %s" % self._name,
            "url": "http://%s:%d/a2a/v1" % (api["host"], api["port"]),
            "standin": True,
        }

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        patience: Optional[float] = None
        try:
            while True:
                request = await asyncio.wait_for(self._read(reader), patience)
                if request is None or not await self._handle(request, reader, writer):
                    return
                patience = KEEP_ALIVE
        except (OSError, ValueError, EOFError, asyncio.LimitOverrunError):
            return
        finally:
            writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> Optional[Request]:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        except asyncio.IncompleteReadError:
            return None
        first, *lines = head.split("\r\n")
        method, target, _version = first.split(" ")
        headers = {
            name.strip().lower(): value.strip()
            for name, _colon, value in (line.partition(":") for line in lines if line)
        }
        await reader.readexactly(int(headers.get("content-length", "0")))
        return Request(method, target.partition("?")[0], headers)

    async def _handle(self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer; False when the connection is used up."""
        if self._hung:
            await self._never.wait()
        if self._server["environment"] == "production" and self._host(request) not in _LOCAL_NAMES:
            return await self._write(writer, request, 400, "Invalid host header")
        if request.path in _WEBSOCKETS and request.headers.get("upgrade", "").lower() == "websocket":
            await self._websocket(request, reader, writer)
            return False
        if (request.method, request.path) == ("POST", "/p2p/connect"):
            log("ERROR", "POST /p2p/connect: the API hangs from here on, as the agent's does")
            self._hung = True
            await self._never.wait()
        if (request.method, request.path) == ("POST", "/p2p/tool"):
            await self._never.wait()  # the caller never hears of it; others are served
        status, body = self._answer(request)
        self._requests += 1
        log("INFO", "%s %s %d" % (request.method, request.path, status))
        return await self._write(writer, request, status, body)

    @staticmethod
    def _host(request: Request) -> str:
        return request.headers.get("host", "").rpartition("]")[2].partition(":")[0] or request.headers.get("host", "")

    def _answer(self, request: Request) -> Answer:
        if request.method not in ("GET", "HEAD"):
            return 405, {"detail": "Method Not Allowed"}
        if request.path == "/health":
            self._health_checks += 1
            return 200, {"status": "healthy", "agent": self._name, "version": os.environ.get("AGENT_VERSION", "1.0.0")}
        if request.path in _CARDS:
            return 200, self.card()
        if request.path in ("/docs", "/redoc") and self._server["api"]["docs_enabled"]:
            return 200, "<title>Stand-in of a Praxis agent</title>"
        if request.path == "/metrics":
            return (
                200,
                "# TYPE praxis_health_checks_total counter\npraxis_health_checks_total %d\n" % self._health_checks,
            )
        if request.path == "/stats":
            return 200, self._stats()
        return self._p2p(request.path)

    def _p2p(self, path: str) -> Answer:
        peers, name = self.peers, self._name
        if path == "/p2p/info":
            if peers is None:
                return 503, {"error": "P2P service not available"}
            return 200, {"peer_id": peers.peer_id, "addresses": peers.addresses, "protocol": "libp2p", "agent": name}
        if path in ("/p2p/peers", "/peers"):
            outbound = list(peers.outbound.values()) if peers else []
            return 200, {"peers": outbound, "count": len(outbound), "agent": name}
        if path == "/p2p/cards":
            cards = peers.cards if peers else {}
            return 200, {"cards": cards, "count": len(cards), "agent": name}
        if path == "/p2p/tools":
            tools = peers.tools if peers else {}
            return 200, {"tools": tools, "count": len(tools), "agent": name}
        return 404, {"detail": "Not Found"}

    def _stats(self) -> Dict[str, Any]:
        api = self._server["api"]
        listener = {
            "environment": self._server["environment"],
            "api_host": api["host"],
            "api_port": api["port"],
            "websocket_enabled": api["websocket_enabled"],
            "p2p_enabled": self._server["p2p"]["enabled"],
        }
        uptime = int(time.time() - self._started)
        return {
            "requests": self._requests,
            "uptime": uptime,
            "server": {"running": True, "config": listener},
            "standin": True,
        }

    async def _write(self, writer: asyncio.StreamWriter, request: Request, status: int, body: Any) -> bool:
        text = body if isinstance(body, str) else json.dumps(body)
        kind = (
            "application/json" if not isinstance(body, str) else "text/html" if body.startswith("<") else "text/plain"
        )
        keep = request.headers.get("connection", "").lower() != "close"
        data = text.encode()
        lines = [
            "HTTP/1.1 %d %s" % (status, HTTPStatus(status).phrase),
            "content-type: %s; charset=utf-8" % kind,
            "content-length: %d" % len(data),
            "connection: %s" % ("keep-alive" if keep else "close"),
            *self._cors(request),
        ]
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        if request.method != "HEAD":
            writer.write(data)
        await writer.drain()
        return keep

    def _cors(self, request: Request) -> list[str]:
        origin, allowed = request.headers.get("origin"), self._server["api"]["cors_origins"]
        if origin and ("*" in allowed or origin in allowed):
            return ["access-control-allow-origin: %s" % origin, "access-control-allow-credentials: true"]
        return []

    async def _websocket(self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Accept, answer pings, and stay open until the other end closes."""
        key = request.headers.get("sec-websocket-key", "").encode()
        accept = base64.b64encode(hashlib.sha1(key + _GUID).digest()).decode()
        writer.write(
            (
                "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
                "sec-websocket-accept: %s\r\n\r\n" % accept
            ).encode()
        )
        while True:
            opcode, payload = await _frame(reader)
            if opcode == 8:
                writer.write(b"\x88\x00")
                await writer.drain()
                return
            if opcode == 9:
                writer.write(bytes([0x8A, len(payload)]) + payload)
                await writer.drain()


async def _frame(reader: asyncio.StreamReader) -> Tuple[int, bytes]:
    """One WebSocket frame from a client: its opcode and payload."""
    first, second = await reader.readexactly(2)
    length = second & 0x7F
    if length >= 126:
        length = int.from_bytes(await reader.readexactly(2 if length == 126 else 8), "big")
    mask = await reader.readexactly(4) if second & 0x80 else bytes(4)
    data = await reader.readexactly(length)
    return first & 0x0F, bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))
