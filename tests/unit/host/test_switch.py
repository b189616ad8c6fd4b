# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The dead man's switch: what is armed, what is left of it, and its script, run for real against stand-ins."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.deployment import Deployment
from ansible_collections.praxis.cloud.plugins.module_utils.host import deploy, fence, history, switch, uptime
from ansible_collections.praxis.cloud.plugins.module_utils.host import observation as observing
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import Paths
from tests.unit.host.fakes import IMAGE, FakeEngine, release
from tests.unit.host.test_deploy import run

DEPLOYMENT = {"run": "d1", "owner": "ann@desk", "reason": "deploy", "process": {}, "lock_host": "m1", "fence": 1,
              "lease": 900.0, "last": False}  # fmt: skip
ARMED = {"deployment": DEPLOYMENT, "confirm_within": 600.0}
SYSTEMCTL = '#!/bin/sh\necho "$*" >>%s/systemctl\n'


@pytest.fixture
def host(paths: Paths, engine: FakeEngine, docker: Path, answering: dict[str, Any], tmp_path: Path) -> Paths:
    """A host that systemd runs; r1 is good, r2 is prepared."""
    os.mkdir(paths.systemd)
    os.mkdir(os.path.dirname(paths.unit))
    (docker / "systemctl").write_text(SYSTEMCTL % tmp_path)
    (docker / "systemctl").chmod(0o755)
    run(paths, "prepared")
    engine.run("r1")
    run(paths, "active")
    assert run(paths, "confirmed")["outcome"] == "confirmed"
    run(paths, "prepared", release=release("r2"))
    return paths


def active(host: Paths, engine: FakeEngine, **more: Any) -> dict[str, Any]:
    engine.run("r1")
    before = run(host, "active", release=release("r2"), **{**ARMED, **more})
    engine.run("r2")
    return before


def armed(host: Paths) -> Any:
    return json.loads(Path(host.armed).read_text(encoding="utf-8"))


def over(host: Paths) -> None:
    """The time is over."""
    Path(host.armed).write_text(json.dumps({**armed(host), "due": 0}), encoding="utf-8")


def left(host: Paths) -> list[str]:
    units = [name for name in os.listdir(os.path.dirname(host.unit)) if name.startswith("praxis-rollback")]
    others = (host.armed, host.rollback, host.armed_config)
    return sorted([*units, *(path for path in others if os.path.exists(path))])


def test_it_is_armed_before_the_agent_is_disturbed_and_gone_when_the_release_is_good(
    host: Paths, engine: FakeEngine
) -> None:
    active(host, engine)
    seen = observing.take(host)["switch"]
    assert (seen["armed"]["run"], seen["armed"]["wanted"], seen["armed"]["back"]) == ("d1", "r2", "r1")
    assert seen["armed"]["fence"] == DEPLOYMENT["fence"]
    assert seen["rolled_back"] is None
    timer = Path(os.path.dirname(host.unit), switch.TIMER).read_text(encoding="utf-8")
    assert "Persistent=true" in timer and "OnCalendar=20" in timer
    assert run(host, "confirmed", release=release("r2"), deployment=DEPLOYMENT)["outcome"] == "confirmed"
    assert left(host) == [] and observing.take(host)["switch"] == {"armed": None, "rolled_back": None}
    assert os.listdir(os.path.dirname(host.config("alpha"))) == ["alpha.yaml"]


def test_it_says_where_the_host_serves_when_it_has_gone_back(host: Paths, engine: FakeEngine) -> None:
    engine.run("r1")
    run(host, "active", release=release("r2", api_port=8001), **ARMED)
    assert observing.take(host)["switch"]["armed"]["api_port"] == 8000


def test_what_cannot_be_armed_is_not_touched(host: Paths, engine: FakeEngine, docker: Path) -> None:
    (docker / "systemctl").write_text("#!/bin/sh\necho no bus >&2\nexit 1\n")
    found = active(host, engine)
    assert (found["outcome"], found["failure"]["code"]) == ("failed", "not-armed")
    assert found["failure"]["what"] == "systemctl daemon-reload failed: no bus."
    assert os.readlink(host.current) == "releases/r1"


@pytest.mark.parametrize("more", [{"confirm_within": None}, {"deployment": None}])
def test_nobody_who_does_not_ask_has_it_armed(host: Paths, engine: FakeEngine, more: dict[str, Any]) -> None:
    active(host, engine, **more)
    assert left(host) == []


def test_a_rollback_by_the_controller_leaves_nothing_of_it(host: Paths, engine: FakeEngine) -> None:
    active(host, engine)
    engine.run("r1")
    assert run(host, "restored", release=release("r2"), previous="r1")["outcome"] == "restored"
    assert left(host) == []


@pytest.mark.slow
def test_somebody_who_is_at_work_again_winds_it_up(host: Paths, engine: FakeEngine) -> None:
    active(host, engine)
    before = observing.take(host)["switch"]["armed"]["until"]
    run(host, "prepared", release=release("r2"), confirm_within=1200.0)
    after = observing.take(host)["switch"]["armed"]
    assert 500 < after["until"] - before < 700
    run(host, "prepared", release=release("r2"), confirm_within=1.0)
    assert observing.take(host)["switch"]["armed"] == after, "never shorter"


def test_the_script_goes_back_and_says_so(host: Paths, engine: FakeEngine, docker: Path) -> None:
    active(host, engine)
    before = Path(host.config("alpha")).read_text(encoding="utf-8")
    Path(host.config("alpha")).write_text("other\n", encoding="utf-8")
    over(host)
    done = subprocess.run(["/bin/sh", host.rollback], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert os.readlink(host.current) == "releases/r1"
    assert Path(host.config("alpha")).read_text(encoding="utf-8") == before
    assert "releases/r1/compose.yaml" in (docker / "calls").read_text(encoding="utf-8")
    said = observing.take(host)["switch"]
    assert said["armed"] is None
    assert {key: said["rolled_back"][key] for key in ("run", "from", "to")} == {"run": "d1", "from": "r2", "to": "r1"}
    assert said["rolled_back"]["fence"] == DEPLOYMENT["fence"]
    assert left(host) == []


def test_a_release_whose_image_is_gone_is_not_made_the_current_one(
    host: Paths, engine: FakeEngine, docker: Path
) -> None:
    """The bad one goes on running, and the host must not look as if it had gone back. It tries again, and says so."""
    active(host, engine)
    over(host)
    before = Path(host.config("alpha")).read_text(encoding="utf-8")
    (docker / "calls").unlink()
    program, usual = docker / "docker", (docker / "docker").read_text(encoding="utf-8")
    program.write_text('#!/bin/sh\ncase "$1" in image|pull) exit 1;; esac\necho "$*" >>%s/calls\n' % docker)
    done = subprocess.run(["/bin/sh", host.rollback], capture_output=True, text=True, check=False)
    assert done.returncode == 1, "systemd tries again"
    assert os.readlink(host.current) == "releases/r2"
    assert Path(host.config("alpha")).read_text(encoding="utf-8") == before
    assert not (docker / "calls").exists()
    said = observing.take(host)["switch"]
    assert (said["armed"]["wanted"], said["armed"]["missing"], said["rolled_back"]) == ("r2", IMAGE, None)
    program.write_text(usual, encoding="utf-8")
    subprocess.run(["/bin/sh", host.rollback], capture_output=True, check=True)
    assert os.readlink(host.current) == "releases/r1"
    assert left(host) == [] and not os.path.exists(host.missing_image)


def test_an_image_that_is_gone_is_pulled_where_no_login_is_needed(
    host: Paths, engine: FakeEngine, docker: Path
) -> None:
    active(host, engine)
    over(host)
    (docker / "calls").unlink()
    program = docker / "docker"
    program.write_text('#!/bin/sh\necho "$*" >>%s/calls\n[ "$1" != image ]\n' % docker)
    subprocess.run(["/bin/sh", host.rollback], capture_output=True, check=True)
    asked = (docker / "calls").read_text(encoding="utf-8").splitlines()
    assert asked[:2] == [f"image inspect {IMAGE}", f"pull --quiet {IMAGE}"] and asked[2].startswith("compose ")
    assert os.readlink(host.current) == "releases/r1"


def test_whoever_waits_for_the_host_reads_that_it_goes_back_by_itself(
    host: Paths, engine: FakeEngine, docker: Path, tmp_path: Path
) -> None:
    """Whatever the last holder has left there; and nothing is left of it."""
    active(host, engine)
    over(host)
    Path(host.lock).write_text("state=active pid=4711", encoding="utf-8")
    (docker / "docker").write_text(f'#!/bin/sh\ncp {host.lock} {tmp_path}/holder\n', encoding="utf-8")
    subprocess.run(["/bin/sh", host.rollback], capture_output=True, check=True)
    words = (tmp_path / "holder").read_text(encoding="utf-8").split()
    assert (words[:2], words[4:]) == (["state=rolling-back-by-itself", "release=r1"], ["run=d1"])
    assert [word.partition("=")[0] for word in words[2:4]] == ["pid", "since"]
    assert Path(host.lock).read_text(encoding="utf-8") == ""


def test_systemd_reads_its_units_once_when_it_is_armed_and_once_when_it_goes(
    host: Paths, engine: FakeEngine, tmp_path: Path
) -> None:
    """Of a small machine it takes a tenth of a second each time, for all units that there are."""
    told = tmp_path / "systemctl"
    told.write_text("", encoding="utf-8")
    active(host, engine)
    timer = "praxis-rollback.timer"
    assert told.read_text().splitlines() == ["daemon-reload", f"restart {timer}", f"enable --no-reload {timer}"]
    told.write_text("", encoding="utf-8")
    run(host, "confirmed", release=release("r2"))
    assert told.read_text().splitlines() == [f"disable --now --no-reload {timer}", "daemon-reload"]


def test_what_a_power_cut_has_left_of_it_goes_at_the_next_boot(host: Paths, engine: FakeEngine, tmp_path: Path) -> None:
    """The record goes first. Without it the rest does nothing, and the timer would go off at every boot."""
    active(host, engine)
    os.remove(host.armed)
    subprocess.run(["/bin/sh", host.rollback], capture_output=True, check=True)
    assert left(host) == [] and os.readlink(host.current) == "releases/r2"
    assert "disable --now praxis-rollback.timer" in (tmp_path / "systemctl").read_text(encoding="utf-8")


def test_what_a_power_cut_has_left_of_it_goes_with_the_next_deployment(host: Paths, engine: FakeEngine) -> None:
    active(host, engine)
    os.remove(host.armed)
    os.remove(os.path.join(os.path.dirname(host.unit), switch.TIMER))
    assert run(host, "confirmed", release=release("r2"), deployment=DEPLOYMENT)["outcome"] == "confirmed"
    assert left(host) == []


def test_a_clock_that_is_set_rolls_nobody_back(host: Paths, engine: FakeEngine) -> None:
    """The timer goes off by the clock, too early; and again by the time that the machine has been up."""
    active(host, engine)
    timer = Path(os.path.dirname(host.unit), switch.TIMER).read_text(encoding="utf-8")
    assert "OnActiveSec=600" in timer
    subprocess.run(["/bin/sh", host.rollback], capture_output=True, check=True)
    assert os.readlink(host.current) == "releases/r2" and observing.take(host)["switch"]["armed"]
    over(host)
    subprocess.run(["/bin/sh", host.rollback], capture_output=True, check=True)
    assert os.readlink(host.current) == "releases/r1"


@pytest.mark.parametrize("set_by", [3600, -3600])
def test_a_clock_that_is_set_winds_nothing_up_or_down(
    host: Paths, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, set_by: int
) -> None:
    active(host, engine)
    there = time.time
    monkeypatch.setattr(switch.time, "time", lambda: there() + set_by)
    switch.wind(host, 300.0)
    assert armed(host)["due"] > uptime.seconds() + 500, "never shorter"
    switch.wind(host, 900.0)
    assert armed(host)["due"] > uptime.seconds() + 800
    timer = Path(os.path.dirname(host.unit), switch.TIMER).read_text(encoding="utf-8")
    assert "OnActiveSec=900" in timer


@pytest.mark.parametrize("set_by", [3600, -3600])
def test_when_it_goes_off_is_said_by_the_clock_of_now(
    host: Paths, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, set_by: int
) -> None:
    """Else a time that is long over would mean that the host could not go back."""
    active(host, engine)
    until, there = switch.observe(host)["armed"]["until"], time.time
    monkeypatch.setattr(switch.time, "time", lambda: there() + set_by)
    assert abs(switch.observe(host)["armed"]["until"] - until - set_by) < 60
    Path(host.armed).write_text(json.dumps({**armed(host), "boot": "another"}), encoding="utf-8")
    assert switch.observe(host)["armed"]["until"] == until, "after a reboot the clock counts"


def test_after_a_reboot_the_time_by_the_clock_counts(host: Paths, engine: FakeEngine) -> None:
    active(host, engine)
    Path(host.armed).write_text(json.dumps({**armed(host), "boot": "another"}), encoding="utf-8")
    subprocess.run(["/bin/sh", host.rollback], capture_output=True, check=True)
    assert os.readlink(host.current) == "releases/r1"


@pytest.mark.parametrize("at", ["image", "compose"])
def test_a_rollback_that_a_reboot_ends_goes_on_with_the_next_boot(
    host: Paths, engine: FakeEngine, docker: Path, at: str
) -> None:
    """By the clock the timer has gone off, and systemd remembers that. Until then a reboot makes nothing earlier, and
    somebody who is at work again has the whole time."""
    active(host, engine)
    timer = Path(os.path.dirname(host.unit), switch.TIMER)
    subprocess.run(["/bin/sh", host.rollback], capture_output=True, check=True)
    assert "OnActiveSec=600\n" in timer.read_text(encoding="utf-8")
    over(host)
    program, usual = docker / "docker", (docker / "docker").read_text(encoding="utf-8")
    program.write_text(f'#!/bin/sh\ncase "$1" in {at}|pull) exit 1;; esac\n', encoding="utf-8")
    assert subprocess.run(["/bin/sh", host.rollback], capture_output=True, check=False).returncode == 1
    assert "OnActiveSec=1\n" in timer.read_text(encoding="utf-8") and armed(host)["wanted"] == "r2"
    switch.wind(host, 900.0)
    assert "OnActiveSec=900\n" in timer.read_text(encoding="utf-8")
    over(host)
    program.write_text(usual, encoding="utf-8")
    subprocess.run(["/bin/sh", host.rollback], capture_output=True, check=True)
    assert os.readlink(host.current) == "releases/r1" and left(host) == []


@pytest.mark.slow
def test_a_machine_that_went_down_when_its_release_had_been_called_good_keeps_it(
    host: Paths, engine: FakeEngine
) -> None:
    active(host, engine)
    os.unlink(host.good)
    os.symlink("releases/r2", host.good)
    over(host)
    subprocess.run(["/bin/sh", host.rollback], capture_output=True, check=True)
    assert os.readlink(host.current) == "releases/r2"
    assert left(host) == [] and observing.take(host)["switch"] == {"armed": None, "rolled_back": None}


def test_the_script_unseals_what_the_old_release_needs(host: Paths, engine: FakeEngine, tmp_path: Path) -> None:
    Path(host.unseal).write_text(f'echo "$1" >{tmp_path}/unsealed\n', encoding="utf-8")
    active(host, engine)
    over(host)
    subprocess.run(["/bin/sh", host.rollback], capture_output=True, check=True)
    assert (tmp_path / "unsealed").read_text(encoding="utf-8") == "r1\n"


@pytest.mark.slow
def test_the_script_does_nothing_once_it_is_disarmed(host: Paths, engine: FakeEngine) -> None:
    active(host, engine)
    text = Path(host.rollback).read_text(encoding="utf-8")
    run(host, "confirmed", release=release("r2"), deployment=DEPLOYMENT)
    assert subprocess.run(["/bin/sh", "-c", text], capture_output=True, check=False).returncode == 0
    assert os.readlink(host.current) == "releases/r2"
    assert json.dumps(observing.take(host)["switch"]["rolled_back"]) == "null"


def test_without_a_whole_release_to_go_back_to_nothing_is_armed(host: Paths, engine: FakeEngine) -> None:
    os.unlink(os.path.join(host.release("r1"), "compose.yaml"))
    assert active(host, engine)["outcome"] == "activated"
    assert left(host) == []


@pytest.mark.slow
def test_an_activation_that_comes_after_its_own_run_has_rolled_the_host_back_touches_nothing(
    host: Paths, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The controller lost it while it waited for the end of the host's connections, and reached the host again. The
    keeper of the lock is asked to renew it between the two."""

    def meanwhile() -> None:
        found = run(host, "restored", release=release("r2"), previous="r1", deployment=DEPLOYMENT)
        assert found["failure"] is None
        fence.write(host, Deployment(**DEPLOYMENT), time.time())

    monkeypatch.setattr(deploy.drain, "wait", lambda *_args: meanwhile())
    found = active(host, engine, drain=60.0)
    assert (found["outcome"], found["changed"]) == ("failed", False)
    assert found["failure"]["code"] == "step-late"
    assert (os.readlink(host.current), left(host)) == ("releases/r1", [])
    # What comes last may come twice, and a run after this one begins anew.
    engine.run("r1")
    assert run(host, "confirmed", deployment=DEPLOYMENT)["failure"] is None
    monkeypatch.setattr(deploy.drain, "wait", lambda *_args: None)
    found = active(host, engine, deployment={**DEPLOYMENT, "run": "d2", "fence": 2})
    assert (found["failure"] or {}).get("code") != "step-late" and os.readlink(host.current) == "releases/r2"


@pytest.mark.slow
@pytest.mark.parametrize("first", [False, True])
def test_a_release_that_was_called_good_is_in_the_history_though_the_machine_went_down_between_the_two(
    host: Paths, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, first: bool
) -> None:
    """It is asked again when it is back, or by the next run."""
    if not first:
        assert run(host, "confirmed", deployment={**DEPLOYMENT, "run": "d0", "fence": 0})["outcome"] == "confirmed"
    active(host, engine)
    with monkeypatch.context() as down:
        down.setattr(history, "add", lambda *_args: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        assert run(host, "confirmed", release=release("r2"), deployment=DEPLOYMENT)["outcome"] == "failed"
    assert os.readlink(host.good) == "releases/r2"
    for _time in range(2):
        assert run(host, "confirmed", release=release("r2"), deployment=DEPLOYMENT)["failure"] is None
    known = [] if first else [("d0", "r1")]
    assert [(one["run"], one["release"]) for one in history.read(host)] == [*known, ("d1", "r2")]
    assert left(host) == []
