# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the sandbox makes of an engine that cannot keep up: `docker rm` with the answers of an engine under load."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from sandbox import docker, images

DEFAULTS = Path(__file__).resolve().parents[2] / "roles" / "docker" / "defaults" / "main.yml"

GOING_ON = "docker rm: Error response from daemon: removal of container one is already in progress"
SLOW = "docker rm: Error response from daemon: could not kill: did not receive an exit event"
GONE = "docker rm: Error: No such container: one"
BROKEN = "docker rm: Error response from daemon: unable to remove filesystem"


class Engine:
    """Answers one `docker rm` after the other; the last answer is repeated. Sleeping takes no time and is counted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: str) -> None:
        self.answers: Iterator[str] = iter(answers)
        self.last, self.asked, self.now = "", 0, 0.0
        monkeypatch.setattr(docker, "docker", self.docker)
        monkeypatch.setattr(docker.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(docker.time, "sleep", self.sleep)

    def docker(self, *arguments: str) -> str:
        assert arguments == ("rm", "--force", "--volumes", "one")
        self.asked += 1
        self.last = next(self.answers, self.last)
        if self.last:
            raise docker.DockerError(self.last)
        return "one"

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.mark.parametrize("answers", [("",), (GONE,), (GOING_ON, GONE), (SLOW, SLOW, ""), (SLOW, GOING_ON, GONE)])
def test_a_container_is_removed_however_long_it_takes_to_end(monkeypatch, answers):
    engine = Engine(monkeypatch, *answers)
    docker.remove_container("one")
    assert engine.asked == len(answers)


def test_what_does_not_pass_is_reported_at_once(monkeypatch):
    engine = Engine(monkeypatch, BROKEN)
    with pytest.raises(docker.DockerError, match="unable to remove"):
        docker.remove_container("one")
    assert engine.asked == 1


def test_there_is_a_deadline(monkeypatch):
    engine = Engine(monkeypatch, SLOW)
    with pytest.raises(docker.DockerError, match="exit event"):
        docker.remove_container("one", deadline=5.0)
    assert 5.0 < engine.now <= 6.0


def test_the_newest_debian_is_bare_unless_docker_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(images.WITH_DOCKER, raising=False)
    assert images.debian() == images.machine("trixie")
    monkeypatch.setenv(images.WITH_DOCKER, "1")
    assert images.debian() == images.ready("trixie")


def test_docker_that_is_there_already_is_as_the_role_leaves_it() -> None:
    defaults = yaml.safe_load(DEFAULTS.read_text(encoding="utf-8"))
    settings = json.loads((images.FOLDER / "ready" / "daemon.json").read_text(encoding="utf-8"))
    assert settings == {**defaults["docker_daemon_defaults"], **defaults["docker_daemon"]}
