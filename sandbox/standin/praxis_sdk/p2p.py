# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in: peers. Plain TCP and lines of JSON; not libp2p, but the same to a machine that looks on.

One TCP connection joins two agents, whoever dialled first. Bootstrap nodes are dialled once, one after the other, and
never again. A cut link stays established: nothing here times out.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
from dataclasses import dataclass
from typing import Any, Dict, List, Optional

from praxis_sdk.log import log

_PING_SECONDS = 5
_LIMIT = 1 << 20
_MULTIADDR = re.compile(r"^/(ip4|ip6|dns4)/([^/]+)/tcp/(\d+)(?:/p2p/([^/]+))?$")


@dataclass
class Connection:
    """One TCP connection to a peer whose greeting has been read."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    hello: Dict[str, Any]
    dialled_by_us: bool


class Peers:
    """The P2P side of one agent."""

    def __init__(
        self, peer_id: str, settings: Dict[str, Any], card: Dict[str, Any], tools: List[Dict[str, Any]]
    ) -> None:
        self.peer_id = peer_id
        self.outbound: Dict[str, Dict[str, Any]] = {}
        self.cards: Dict[str, Dict[str, Any]] = {}
        self.tools: Dict[str, List[Dict[str, Any]]] = {}
        self._settings = settings
        self._hello = {"peer_id": peer_id, "boot": os.urandom(8).hex(), "card": card, "tools": tools}
        self._connections: Dict[str, Connection] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def addresses(self) -> List[str]:
        """The listener's own address: 0.0.0.0, useless to others, as with the agent."""
        return ["/ip4/0.0.0.0/tcp/%d/p2p/%s" % (self._settings["port"], self.peer_id)]

    async def start(self) -> None:
        """Open the listener and plan the bootstrap dials."""
        await asyncio.start_server(self._accept, "0.0.0.0", self._settings["port"], limit=_LIMIT)
        log("INFO", "P2P listening on 0.0.0.0:%d as %s" % (self._settings["port"], self.peer_id))
        self._spawn(self._bootstrap())

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _bootstrap(self) -> None:
        delay = float(os.environ.get("STANDIN_DIAL_DELAY", "10"))
        await asyncio.sleep(delay)
        nodes = self._settings["bootstrap_nodes"]
        for number, node in enumerate(nodes, 1):
            try:
                peer = await asyncio.wait_for(self._dial(node), self._settings["connection_timeout"])
                log("SUCCESS", "bootstrap node %d/%d connected: %s" % (number, len(nodes), peer))
            except (TimeoutError, OSError, ValueError, EOFError) as error:
                log(
                    "ERROR",
                    "bootstrap node %d/%d failed: %s: %s %s" % (number, len(nodes), node, type(error).__name__, error),
                )
            await asyncio.sleep(delay / 10)

    async def _dial(self, node: str) -> str:
        found = _MULTIADDR.match(node)
        if not found or not found.group(4):
            raise ValueError("no peer id in the address")
        protocol, host, port, wanted = found.groups()
        if wanted not in self._connections:
            if protocol == "dns4":
                host = await asyncio.to_thread(socket.gethostbyname, host)
            reader, writer = await asyncio.open_connection(host, int(port), limit=_LIMIT)
            try:
                self._send(writer, self._hello)
                hello = self._check(json.loads(await reader.readuntil(b"\n")))
                if hello["peer_id"] != wanted:
                    raise ValueError("peer id mismatch: the other end is %s" % hello["peer_id"])
            except BaseException:
                writer.close()
                raise
            self._join(Connection(reader, writer, hello, dialled_by_us=True))
        self.outbound[wanted] = {"id": wanted, "connected": True, "addr": node}
        return wanted

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = await asyncio.wait_for(reader.readuntil(b"\n"), self._settings["connection_timeout"])
            hello = self._check(json.loads(line))
            self._send(writer, self._hello)
        except (TimeoutError, OSError, ValueError, EOFError, asyncio.LimitOverrunError):
            writer.close()  # a bare TCP dial, as probes make
            return
        self._join(Connection(reader, writer, hello, dialled_by_us=False))

    def _join(self, connection: Connection) -> None:
        """Keep one connection a pair. When both ends dialled at once, that of the smaller peer id stays."""
        peer = connection.hello["peer_id"]
        self.cards[peer] = connection.hello["card"]
        self.tools[peer] = connection.hello["tools"]
        present = self._connections.get(peer)
        if present and present.hello["boot"] == connection.hello["boot"]:
            dialled_by_smaller = connection.dialled_by_us == (self.peer_id < peer)
            if present.dialled_by_us == connection.dialled_by_us or not dialled_by_smaller:
                connection.writer.close()
                return
        if present:
            present.writer.close()
        self._connections[peer] = connection
        log("INFO", "peer %s connected (%s)" % (peer, connection.hello["card"].get("name")))
        self._spawn(self._read(connection))
        self._spawn(self._ping(connection))

    async def _read(self, connection: Connection) -> None:
        peer = connection.hello["peer_id"]
        try:
            while await connection.reader.readline():
                pass
        except (OSError, ValueError):
            log("WARNING", "peer %s: connection lost" % peer)
        connection.writer.close()
        if self._connections.get(peer) is connection:
            del self._connections[peer]
            log("WARNING", "peer %s disconnected; it is not dialled again" % peer)

    async def _ping(self, connection: Connection) -> None:
        while self._connections.get(connection.hello["peer_id"]) is connection:
            self._send(connection.writer, {"ping": self.peer_id})
            await asyncio.sleep(_PING_SECONDS)

    @staticmethod
    def _send(writer: asyncio.StreamWriter, message: Dict[str, Any]) -> None:
        writer.write(json.dumps(message).encode() + b"\n")

    @staticmethod
    def _check(hello: Any) -> Dict[str, Any]:
        if not isinstance(hello, dict) or not {"peer_id", "boot", "card", "tools"} <= set(hello):
            raise ValueError("no greeting of a stand-in")
        return hello


async def start_peers(peers: Peers) -> Optional[Peers]:
    """Start the P2P side; None, and a line in the log, when its port cannot be had."""
    try:
        await peers.start()
    except OSError as error:
        log("ERROR", "P2P did not start: %s" % error)
        return None
    return peers
