# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What asks an agent for its health, in its own container: run here as it stands there."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.unit.ecs.made import plan
from tests.unit.fleet.made import release


class _Healthy(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/health" else 404)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    """Where an API answers."""
    server = HTTPServer(("127.0.0.1", 0), _Healthy)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def command(port: int) -> list[str]:
    compose = json.loads(release("alpha", api_port=port).compose())
    word, *found = compose["services"]["agent"]["healthcheck"]["test"]
    assert word == "CMD"
    return found


def succeeds(port: int, **environment: str) -> bool:
    done = subprocess.run(command(port), env={"PATH": "/usr/bin:/bin", **environment}, capture_output=True, check=False)
    return done.returncode == 0


@pytest.mark.parametrize("name", ["http_proxy", "ALL_PROXY", "all_proxy"])
def test_it_asks_the_agent_and_no_proxy(port: int, name: str) -> None:
    """The user's own variables, and those that the engine's client gives each container, may name one."""
    assert succeeds(port)
    assert succeeds(port, **{name: "http://127.0.0.1:9"})


def test_it_fails_where_nothing_answers() -> None:
    assert not succeeds(port=1)


def test_a_task_in_ecs_is_asked_the_same() -> None:
    files = {name: text for name, text in plan(rendered=True).files().items() if "task-definition" in name}
    checks = [json.loads(text)["containerDefinitions"][0]["healthCheck"]["command"] for text in files.values()]
    assert checks
    assert all(check == ["CMD", *command(8000)] for check in checks)
