# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host of its own for each test, with stand-ins for its engine and its `docker compose`."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.host import observation as observing
from ansible_collections.praxis.cloud.plugins.module_utils.host import ports
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import Paths
from tests.unit.host.fakes import PEER, FakeEngine


@pytest.fixture
def paths(tmp_path: Path) -> Iterator[Paths]:
    """A host of its own; what is secret on a real tmpfs."""
    run = Path("/dev/shm") / ("praxis-unit-%d-%s" % (os.getpid(), tmp_path.name))
    yield Paths(
        root=str(tmp_path / "opt"),
        run=str(run),
        engine_socket=str(tmp_path / "engine.sock"),
        daemon_json=str(tmp_path / "daemon.json"),
        uid=os.getuid(),
        systemd=str(tmp_path / "systemd"),
        state=str(tmp_path / "state"),
        unit=str(tmp_path / "units" / "praxis-secrets.service"),
        engine_proxies=str(tmp_path / "units" / "praxis-proxies.conf"),
        engine_pending=str(tmp_path / "engine.json"),
        engine_pid=str(tmp_path / "docker.pid"),
    )
    for path in sorted(run.rglob("*"), reverse=True) if run.exists() else []:
        path.parent.chmod(0o700)
        path.rmdir() if path.is_dir() else path.unlink()
    if run.exists():
        run.rmdir()
    Path(str(run) + ".lock").unlink(missing_ok=True)


@pytest.fixture
def engine(paths: Paths) -> Iterator[FakeEngine]:
    server = FakeEngine(paths.engine_socket)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `docker` command that writes down its arguments, and fails when a file `fail` says with what words."""
    folder = tmp_path / "bin"
    folder.mkdir()
    command = folder / "docker"
    command.write_text(
        '#!/bin/sh\nif [ "$2" = version ]; then echo 2.26.1-4; exit 0; fi\n'
        'echo "$*" >> %s\nif [ -e %s ]; then cat %s >&2; exit 1; fi\n'
        % (folder / "calls", folder / "fail", folder / "fail")
    )
    command.chmod(0o755)
    monkeypatch.setenv("PATH", "%s:/usr/bin:/bin" % folder)
    return folder


@pytest.fixture(autouse=True)
def _no_listeners(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever listens on the machine that runs the tests is not the host's."""
    monkeypatch.setattr(ports, "listening", lambda _proc="/proc": {})


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the agent's API answers."""
    api = {"health": 200, "peer_id": PEER, "error": None}
    monkeypatch.setattr(observing, "read_api", lambda _port: dict(api))
    return api
