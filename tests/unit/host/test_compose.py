# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Compose and the engine say when they fail, and a Compose that does not end."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.host import compose
from ansible_collections.praxis.cloud.plugins.module_utils.host.deploy import finding_of
from ansible_collections.praxis.cloud.plugins.module_utils.host.desired import Desired
from ansible_collections.praxis.cloud.plugins.module_utils.host.engine import Engine, EngineError
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import Paths
from tests.unit.processes import wait_for_end

SAID = [
    ("Cannot connect to the Docker daemon at unix:///var/run/docker.sock.", "engine-down"),
    ("driver failed programming external connectivity: Bind for 0.0.0.0:8000 failed: port is already allocated",
     "port-taken"),
    ("failed to bind port 0.0.0.0:4001/tcp: listen tcp4 0.0.0.0:4001: bind: address already in use", "port-taken"),
    ("container init was OOM-killed (memory limit too low?)", "container-out-of-memory"),
    ("invalid mount config for type \"bind\": bind source path does not exist: /run/praxis/keys", "mount-missing"),
    ("write /var/lib/docker/x: no space left on device", "disk-full"),
    ("Error response from daemon: No such image: r/x@sha256:1", "image-missing"),
]  # fmt: skip


@pytest.mark.parametrize(("said", "code"), SAID)
def test_each_reason_has_its_code_from_compose_and_from_the_engine(said: str, code: str) -> None:
    assert compose.explain("time=1 level=warning msg=x\n" + said, "release r1").code == code
    found = finding_of(EngineError(500, said), Desired("active"))
    assert found.code == code
    assert said in found.what
    assert found.fix


def test_words_that_nobody_knows_are_shown() -> None:
    assert compose.explain("something new", "release r1").code == "compose-failed"
    assert finding_of(EngineError(500, "something new"), Desired("active")).code == "engine-failed"


def test_an_engine_that_is_not_there_is_down(tmp_path: Path) -> None:
    with pytest.raises(EngineError) as caught:
        Engine(str(tmp_path / "engine.sock")).restart("c0ffee")
    assert finding_of(caught.value, Desired("active")).code == "engine-down"


@pytest.mark.slow
def test_a_compose_that_does_not_end_is_ended_with_its_children(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = tmp_path / "docker"
    command.write_text("#!/bin/sh\nsleep 60 &\necho $! > %s/child\nwait\n" % tmp_path)  # as the Compose plugin is one
    command.chmod(0o755)
    monkeypatch.setenv("PATH", "%s:/usr/bin:/bin" % tmp_path)
    monkeypatch.setattr(compose, "COMPOSE_TIMEOUT", 1.0)
    with pytest.raises(Failed) as caught:
        compose.down(paths)
    assert caught.value.findings[0].code == "compose-timeout"
    wait_for_end(int((tmp_path / "child").read_text()))
