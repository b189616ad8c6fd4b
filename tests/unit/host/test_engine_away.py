# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rollback of a host whose engine does not answer at this moment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.host import gate
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import Paths
from tests.unit.host.fakes import PEER, FakeEngine, release
from tests.unit.host.test_deploy import become, run


@pytest.fixture
def host(paths: Paths, engine: FakeEngine, docker: Path, answering: dict[str, Any]) -> Paths:
    """r1 is good, r2 runs, and the engine is away."""
    become(paths, engine, release("r1"))
    assert run(paths, "confirmed")["outcome"] == "confirmed"
    become(paths, engine, release("r2"))
    os.rename(paths.engine_socket, paths.engine_socket + ".away")
    (docker / "fail").write_text("Cannot connect to the Docker daemon at unix:///var/run/docker.sock.")
    return paths


def restored(host: Paths, check: bool = False, deadline: float = 30.0) -> dict[str, Any]:
    wanted = {"peer_id": PEER, "deadline": deadline}
    return run(host, "restored", check, release=release("r2"), previous="r1", gate=wanted)


def test_it_waits_for_an_engine_that_restarts(
    host: Paths, engine: FakeEngine, docker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def back(_seconds: float) -> None:
        (docker / "fail").unlink()
        os.rename(host.engine_socket + ".away", host.engine_socket)
        engine.run("r1")

    monkeypatch.setattr(gate.wait, "__defaults__", (gate.wait.__defaults__[0], back))
    assert restored(host)["outcome"] == "restored"
    assert os.readlink(host.current) == "releases/r1"


@pytest.mark.slow
def test_without_an_engine_nothing_of_the_host_is_changed(host: Paths, docker: Path) -> None:
    """The host goes back by itself when its engine is there again."""
    found = restored(host, deadline=0.01)
    assert (found["outcome"], found["failure"]["code"], found["changed"]) == ("failed", "engine-down", False)
    assert os.readlink(host.current) == "releases/r2"
    assert not (docker / "calls").exists()


def test_a_prediction_waits_for_nothing(host: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(_seconds: float) -> None:
        raise AssertionError("it waited")

    monkeypatch.setattr(gate.wait, "__defaults__", (gate.wait.__defaults__[0], never))
    assert restored(host, check=True)["changed"]
