# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the sandbox makes of an engine that cannot keep up: `docker rm` with the answers of an engine under load."""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
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


@pytest.mark.parametrize("base", [True, False])
def test_of_two_sandboxes_that_want_an_image_one_makes_it(monkeypatch, tmp_path, base: bool) -> None:
    image = images.BALANCER
    tag = images.base_tag(image.suite) if base else image.tag
    made, missed = list[str](), set[int]()
    both_missed = threading.Barrier(2, timeout=30)

    def inspect(_kind: str, name: str) -> bool:
        if name == tag and threading.get_ident() not in missed:
            missed.add(threading.get_ident())
            both_missed.wait()
            return False
        return name in made or name != tag

    def make(*_arguments: object) -> None:
        descriptor = os.open(images.FOLDER if base else image.context, os.O_RDONLY)
        with pytest.raises(BlockingIOError):  # the other one has to wait
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(descriptor)
        made.append(tag)

    monkeypatch.setattr(docker, "inspect", inspect)
    monkeypatch.setattr(docker, "build", make)
    monkeypatch.setattr(images, "_make_base", make)
    with ThreadPoolExecutor(2) as pool:
        for each in [pool.submit(*((images.ensure_base, image.suite) if base else (images.ensure, image)), tmp_path)
                     for _sandbox in range(2)]:
            each.result()
    assert made == [tag]
