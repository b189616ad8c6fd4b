# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for a machine of a fleet that has pods as well: an address that stays, and the stand-in agent on it.

It runs beside the pods, on a node's engine, and no kubelet knows of it. And a stand-in for kube-proxy, which the
tests' cluster does not have: a port of this machine leads to a pod.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import yaml

from ansible_collections.praxis.cloud.plugins.module_utils.agent.identity import peer_id
from tests.kubernetes.fleet import wait

_ENVIRONMENT = {
    "HOME": "/tmp", "PRAXIS_API__HOST": "0.0.0.0", "PRAXIS_API__PORT": "8000", "PRAXIS_ENVIRONMENT": "staging",
    "PRAXIS_METRICS__ENABLED": "false", "OPENAI_API_KEY": "none", "PRAXIS_MASTER_KEY": "",
}  # fmt: skip


class Engine(Protocol):
    """Where it runs."""

    def docker(self, *arguments: str) -> str:
        """Run ``docker``; what it prints."""


@dataclass
class Machine:
    """The machine. Its network is a container that sleeps, so that an agent that restarts keeps the address.

    :ivar place: options of ``docker run`` that say which network and address it has.
    """

    node: Engine
    folder: Path
    name: str
    image: str
    seed: bytes
    place: Sequence[str] = ()

    def boot(self) -> None:
        self.node.docker("run", "--detach", "--name", self.name, *self.place, self.image, "sleep", "infinity")

    @property
    def address(self) -> str:
        return self.node.docker("inspect", "--format", "{{.NetworkSettings.IPAddress}}", self.name).strip()

    @property
    def peer_id(self) -> str:
        return peer_id(self.seed)

    def start(self, peers: Sequence[str] = ()) -> None:
        """Start the agent, in the place of one that runs."""
        self.stop()
        for name in ("keys", "configs"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "keys" / "node.key").write_bytes(self.seed)
        document = {
            "agent": {"name": self.name, "version": "1", "description": "a machine's stand-in"},
            "p2p": {"enabled": True, "port": 4001, "keystore_path": "/keys", "bootstrap_nodes": list(peers)},
            "mcp": {"enabled": False}, "llm": {"enabled": False}, "logging": {"file_enabled": False},
        }  # fmt: skip
        (self.folder / "configs" / f"{self.name}.yaml").write_text(yaml.safe_dump(document))
        words = [word for name, value in _ENVIRONMENT.items() for word in ("--env", f"{name}={value}")]
        mounts = ("--volume", f"{self.folder}/keys:/keys:ro", "--volume", f"{self.folder}/configs:/app/configs:ro")
        self.node.docker("run", "--detach", "--name", f"{self.name}-agent", "--network", f"container:{self.name}",
                         *words, *mounts, self.image, "python", "-m", "praxis_sdk.main", "--config",
                         f"/app/configs/{self.name}.yaml", "run", "--name", self.name)
        wait("the machine's agent", self._answers)

    def stop(self) -> None:
        """End the agent. The machine stays."""
        with suppress(Exception):
            self.node.docker("rm", "--force", f"{self.name}-agent")

    def gone(self) -> None:
        """End the machine, too."""
        self.stop()
        with suppress(Exception):
            self.node.docker("rm", "--force", self.name)

    def inside(self, *command: str) -> str:
        return self.node.docker("exec", f"{self.name}-agent", *command)

    def _answers(self) -> bool:
        with suppress(Exception):
            found: dict[str, Any] = json.loads(self.inside("curl", "-fsS", "http://127.0.0.1:8000/p2p/info"))
            return found["peer_id"] == self.peer_id
        return False

    def edges(self) -> list[str]:
        """The addresses at the other end of its live P2P connections, by its kernel's table."""
        found = []
        for line in self.inside("cat", "/proc/net/tcp").splitlines()[1:]:
            local, remote, state = line.split()[1:4]
            if state == "01" and local.endswith(f":{4001:04X}"):
                found.append(socket.inet_ntoa(struct.pack("<I", int(remote.partition(":")[0], 16))))
        return sorted(found)


@contextmanager
def node_port(at: str, port: int, to: str) -> Iterator[None]:
    """A port of a node that leads to a pod: the pod sees the node's address, as it does behind kube-proxy."""
    with socket.create_server((at, port)) as server:
        threading.Thread(target=_serve, args=(server, to), daemon=True).start()
        try:
            yield
        finally:
            server.shutdown(socket.SHUT_RDWR)


def _serve(server: socket.socket, to: str) -> None:
    with suppress(OSError):
        while True:
            near = server.accept()[0]
            threading.Thread(target=_carry, args=(near, to), daemon=True).start()


def _carry(near: socket.socket, to: str) -> None:
    with closing(near), suppress(OSError), socket.create_connection((to, 4001), timeout=5) as far:
        far.settimeout(None)
        back = threading.Thread(target=_pump, args=(far, near), daemon=True)
        back.start()
        _pump(near, far)
        back.join()


def _pump(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while data := one.recv(65536):
            other.sendall(data)
    with suppress(OSError):
        other.shutdown(socket.SHUT_RDWR)
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
