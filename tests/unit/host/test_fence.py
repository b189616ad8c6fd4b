# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that remembers deployments, and this machine's processes as another run sees them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.deployment import Deployment
from ansible_collections.praxis.cloud.plugins.module_utils.host import deploy, fence, uptime
from ansible_collections.praxis.cloud.plugins.module_utils.host.desired import from_options
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import Paths
from ansible_collections.praxis.cloud.plugins.plugin_utils import controller
from tests.unit.host.fakes import FakeEngine, release
from tests.unit.processes import wait_for_end

GIVEN = {"run": "a", "owner": "ann@desk", "reason": "deploy", "process": {}, "lock_host": "m1", "fence": 3,
         "lease": 900.0, "last": False}  # fmt: skip
OTHER = Deployment(**{**GIVEN, "run": "b", "fence": 4})


def step(paths: Paths, state: str, **more: Any) -> dict[str, Any]:
    options = {"state": state, "release": release("r1"), "deployment": {**GIVEN, **more}}
    return deploy.run(from_options(options), paths, check_mode=False, lock_deadline=0)


def record(paths: Paths) -> Any:
    return json.loads(Path(paths.deployment).read_text(encoding="utf-8"))


@pytest.fixture
def running(paths: Paths, engine: FakeEngine, docker: Path) -> Paths:
    """Release r1 runs."""
    engine.run("r1")
    os.makedirs(paths.release("r1"))
    os.utime(paths.release("r1"), (0, 0))  # prepared, never called good
    os.symlink("releases/r1", paths.current)
    return paths


def test_a_step_is_remembered(running: Paths) -> None:
    before = time.time()
    done = step(running, "confirmed")
    assert done["outcome"] == "confirmed"
    found = record(running)
    assert (found["run"], found["fence"], found["ended"]) == ("a", 3, False)
    assert found["expires"] - found["at"] == pytest.approx(900)
    assert before <= found["at"] <= time.time()
    assert {**found, **done["observation"]["deployment"]} == found


@pytest.mark.parametrize("set_by", [3600, -3600])
def test_a_clock_that_is_set_makes_no_lease_shorter_or_longer(running: Paths, set_by: int) -> None:
    """Of another boot, it is known to be as old as this one at least."""
    fence.write(running, OTHER, 1000000.0)
    found = fence.read(running, 1000000.0 + set_by)
    assert found is not None and set(found) == set(record(running)) - {"boot", "up"}
    assert found["expires"] - (1000000.0 + set_by) == pytest.approx(900, abs=5)
    kept = {**record(running), "boot": "another"}
    Path(running.deployment).write_text(json.dumps(kept), encoding="utf-8")
    after = fence.read(running, 1000000.0 + set_by)
    assert after is not None and after["at"] <= 1000000.0 + set_by - uptime.seconds() + 5
    assert after["expires"] - after["at"] == 900


def test_a_record_of_an_earlier_version_goes_by_the_clock(running: Paths) -> None:
    """It says nothing of the boot, and what holds the fleet by it goes on holding it."""
    fence.write(running, OTHER, 1000000.0)
    kept = {name: value for name, value in record(running).items() if name not in ("boot", "up")}
    Path(running.deployment).write_text(json.dumps(kept), encoding="utf-8")
    assert fence.read(running, 1000010.0) == kept


def test_the_last_step_ends_it_there(running: Paths) -> None:
    step(running, "confirmed", last=True)
    assert record(running)["ended"] is True


def test_a_step_of_a_deployment_that_was_taken_over_from_touches_nothing(running: Paths) -> None:
    fence.write(running, OTHER, time.time())
    found = step(running, "confirmed")
    assert (found["outcome"], found["failure"]["code"], found["changed"]) == ("failed", "fenced", False)
    assert "Deployment b of ann@desk" in found["failure"]["what"]
    assert not os.path.lexists(running.good)
    assert record(running)["run"] == "b"


def test_the_same_number_of_another_deployment_is_refused_too(running: Paths) -> None:
    fence.write(running, Deployment(**{**GIVEN, "run": "b"}), time.time())
    assert step(running, "confirmed")["failure"]["code"] == "fenced"


def test_without_a_deployment_nothing_is_remembered(running: Paths) -> None:
    options = {"state": "confirmed", "release": release("r1")}
    assert deploy.run(from_options(options), running, check_mode=False, lock_deadline=0)["outcome"] == "confirmed"
    assert not os.path.exists(running.deployment)


def waiting(paths: Paths, monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], Any]) -> dict[str, Any]:
    """An activation for whose drain somebody waits, and what happens on the host meanwhile."""
    monkeypatch.setattr(deploy.drain, "wait", lambda *_args: meanwhile())
    options = {"state": "active", "release": release("r2"), "deployment": GIVEN, "drain": 60.0}
    return deploy.run(from_options(options), paths, check_mode=False, lock_deadline=0)


def test_whoever_has_been_taken_over_from_does_not_wait_for_the_end_of_connections(
    running: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    fence.write(running, OTHER, time.time())
    assert waiting(running, monkeypatch, lambda: pytest.fail("it waits"))["failure"]["code"] == "fenced"


def test_a_host_says_who_is_about_to_activate_it(running: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever observes it while its connections end has to know."""
    seen: list[Any] = []
    waiting(running, monkeypatch, lambda: seen.append(fence.read(running, time.time())))
    assert [(one["run"], one["ended"]) for one in seen] == [("a", False)]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"fence": "7"}'])
def test_a_record_that_is_none_is_no_deployment(paths: Paths, text: str) -> None:
    os.makedirs(paths.root, exist_ok=True)
    Path(paths.deployment).write_text(text, encoding="utf-8")
    assert fence.read(paths, 0.0) is None


def test_this_process_is_alive_and_one_that_has_ended_is_not() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    found = controller.process(child.pid)
    assert controller.alive(found) is True
    child.kill()
    wait_for_end(child.pid)
    assert controller.alive(found) is False, "a zombie does nothing any more"
    child.wait()
    assert controller.alive(found) is False


def test_another_machine_s_process_and_one_that_did_not_say_when_it_was_started_are_unknown() -> None:
    here = controller.process(os.getpid())
    assert controller.alive({**here, "place": "elsewhere"}) is None
    assert controller.alive({**here, "started": None}) is None
    assert controller.alive({}) is None
    assert controller.alive({**here, "started": "1"}) is False, "the number was given to another process"


def test_a_deployment_says_who_runs_it() -> None:
    first, second = controller.deployment("deploy"), controller.deployment("deploy")
    assert first["run"] != second["run"] and first["run"][:8].isdigit()
    assert "@" in first["owner"]
    assert first["process"]["pid"] == os.getppid()


DEAD = Deployment(**{**GIVEN, "reason": "rollback to b", "process": {"place": "here", "pid": 7, "started": "1"}})


def test_a_person_s_lock_keeps_what_a_deployment_has_left(paths: Paths) -> None:
    """While it lasts, when it ends, and when another person takes it."""
    fence.write(paths, DEAD, 100.0)
    for lock, ended in ((OTHER, False), (OTHER, True), (Deployment(**{**GIVEN, "run": "c", "fence": 5}), False)):
        fence.write(paths, lock, 200.0, ended)
        found = fence.read(paths, 200.0) or {}
        assert (found["run"], found["fence"], found["ended"]) == (lock.run, lock.fence, ended)
        assert (found["under"]["run"], found["under"]["reason"]) == ("a", "rollback to b")
    # The next deployment has seen to it.
    next_one = Deployment(**{**GIVEN, "run": "e", "fence": 6, "process": DEAD.process})
    fence.write(paths, next_one, 300.0)
    assert "under" not in (fence.read(paths, 300.0) or {})


def test_a_person_s_lock_keeps_nothing_of_a_deployment_that_has_ended(paths: Paths) -> None:
    fence.write(paths, DEAD, 100.0, ended=True)
    fence.write(paths, OTHER, 200.0)
    assert "under" not in (fence.read(paths, 200.0) or {})
