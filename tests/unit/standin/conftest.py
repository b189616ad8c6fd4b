# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run stand-in agents as processes on loopback, and ask them."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Optional

import pytest
import yaml

STANDIN = Path(__file__).parents[3] / "sandbox" / "standin"
DEADLINE_SECONDS = 120  # these processes share two cores with whatever else is tested


def wait_for(what: str, condition: Callable[[], Any]) -> Any:
    """The first true answer of ``condition``; fails after a deadline, saying what was waited for."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError, http.client.HTTPException):
            answer = condition()
            if answer:
                return answer
        time.sleep(0.05)
    raise AssertionError("waited %d s for %s" % (DEADLINE_SECONDS, what))


#: Ports that this process has given out: one that nobody listens on yet looks free.
_GIVEN: set[int] = set()
#: Test processes that run beside each other take theirs from different thousands.
_FIRST = 20000 + 6000 * (int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 2)


def free_port() -> int:
    """A free port, of those that the kernel never hands to outgoing connections in the meantime; never one twice."""
    for port in random.sample(sorted(set(range(_FIRST, _FIRST + 6000)) - _GIVEN), 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("0.0.0.0", port))
            _GIVEN.add(port)
            return port
    raise AssertionError("no free port in 100 tries")


class Agent:
    """One stand-in: its files, its ports, its process."""

    def __init__(self, directory: Path, name: str) -> None:
        self.name = name
        self.keys = directory / "keys"
        self.config = directory / ("%s.yaml" % name)
        self.log_file = directory / "log"
        self.api_port = free_port()
        self.p2p_port = free_port()
        self.process: Optional[subprocess.Popen[bytes]] = None
        self.keys.mkdir(parents=True)
        self.seed(name.encode().ljust(32, b"."))

    def seed(self, data: bytes) -> None:
        (self.keys / "node.key").write_bytes(data)

    def settings(self, **sections: dict[str, Any]) -> dict[str, Any]:
        p2p = {"port": self.p2p_port, "keystore_path": str(self.keys), "connection_timeout": 5}
        base: dict[str, Any] = {
            "agent": {"name": self.name},
            "api": {"host": "0.0.0.0", "port": self.api_port},
            "mcp": {"enabled": False},
            "logging": {"file_enabled": False},
            "p2p": p2p,
        }
        for section, values in sections.items():
            base[section] = {**base.get(section, {}), **values}
        return base

    def start(
        self, *arguments: str, text: str = "", environment: Optional[dict[str, str]] = None, **sections: Any
    ) -> Agent:
        self.config.write_text(text or yaml.safe_dump(self.settings(**sections)), encoding="utf-8")
        variables = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(STANDIN),
            "PYTHONDONTWRITEBYTECODE": "1",
            "STANDIN_START_DELAY": "0",
            "STANDIN_DIAL_DELAY": "0.3",
            "OPENAI_API_KEY": "x",
            "PRAXIS_API__HOST": "127.0.0.1",
            "PRAXIS_API__PORT": str(self.api_port),
            # By this the runner of lanes finds what it has to end.
            **{name: value for name, value in os.environ.items() if name == "PRAXIS_LANE"},
            **(environment or {}),
        }
        command = [sys.executable, "-m", "praxis_sdk.main"]
        command += arguments or ("--config", str(self.config), "run", "--name", self.name)
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(command, env=variables, stdout=log, stderr=log, cwd=self.config.parent)
        return self

    def log(self) -> str:
        return self.log_file.read_text(encoding="utf-8")

    def ready(self) -> Agent:
        wait_for("%s to answer /health; its log: %s" % (self.name, self.log()), lambda: self.get("/health")[0] == 200)
        return self

    def exit_code(self) -> int:
        assert self.process
        return self.process.wait(DEADLINE_SECONDS)

    def stop(self, number: int = signal.SIGTERM) -> int:
        assert self.process
        self.process.send_signal(number)
        return self.exit_code()

    def request(self, method: str, path: str, timeout: float = 5, **headers: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.api_port, timeout=timeout)
        with contextlib.closing(connection):
            connection.request(method, path, headers=headers)
            response = connection.getresponse()
            return response.status, response.read().decode()

    def get(self, path: str, **headers: str) -> tuple[int, Any]:
        status, body = self.request("GET", path, **headers)
        return status, json.loads(body) if body.startswith(("{", "[")) else body

    def peer_id(self) -> str:
        return str(self.get("/p2p/info")[1]["peer_id"])

    def cards(self) -> set[str]:
        return {card["name"] for card in self.get("/p2p/cards")[1]["cards"].values()}

    def connections(self) -> list[tuple[int, int]]:
        """Established connections of this machine that touch the P2P port, as (local port, remote port)."""
        rows = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
        ports = [(int(row[1].split(":")[1], 16), int(row[2].split(":")[1], 16)) for row in rows if row[3] == "01"]
        return [pair for pair in ports if self.p2p_port in pair]


@pytest.fixture
def make_agent(tmp_path: Path) -> Iterator[Callable[[str], Agent]]:
    made: list[Agent] = []

    def make(name: str) -> Agent:
        made.append(Agent(tmp_path / name, name))
        return made[-1]

    yield make
    for agent in made:
        if agent.process and agent.process.poll() is None:
            agent.process.kill()
            agent.process.wait()


@pytest.fixture
def waiting() -> Callable[[str, Callable[[], Any]], Any]:
    return wait_for


@pytest.fixture
def agent(make_agent: Callable[[str], Agent]) -> Agent:
    return make_agent("alpha")
