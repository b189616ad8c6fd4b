# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The runner of the tests' lanes: what it says at the end, and that nothing of a lane outlives it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests import lanes, tiers
from tests.lanes import Lane, Runner, report

FAILED = "echo before; echo '===== short test summary info ====='; echo 'FAILED one'; exit 1"


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(lanes, "BUILD", tmp_path)
    return tmp_path


def shell(name: str, script: str) -> Lane:
    return Lane(name, ("sh", "-c", script))


@pytest.mark.usefixtures("build")
def test_every_lane_is_run_and_those_that_failed_are_reported_last(capsys: pytest.CaptureFixture[str]) -> None:
    wanted = [shell("good", "exit 0"), shell("bad", FAILED), shell("silent", "seq 30; exit 3"),
              Lane("missing", ("/nowhere/program",))]
    codes = Runner({False: 2}).run(wanted)
    assert codes == {"good": 0, "bad": 1, "silent": 3, "missing": 127}
    capsys.readouterr()
    assert report(wanted, codes) == 1
    reported = capsys.readouterr().out.splitlines()
    assert reported[0] == "failed: bad, silent, missing"
    assert reported[1:3] == ["bad: ===== short test summary info =====", "bad: FAILED one"]
    silent = [line for line in reported if line.startswith("silent: ")]
    assert silent == [f"silent: {number}" for number in range(11, 31)]
    assert reported[-1].startswith("missing: missing could not be run")


@pytest.mark.usefixtures("build")
def test_all_green(capsys: pytest.CaptureFixture[str]) -> None:
    wanted = [shell("good", "echo done")]
    assert report(wanted, Runner().run(wanted)) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "all lanes are green"


@pytest.mark.slow
@pytest.mark.usefixtures("build")
def test_no_more_lanes_than_asked_for_go_on_at_once(tmp_path: Path) -> None:
    """Those with machines, and those without, beside each other."""
    mine = "echo >{0}/$$; sleep 0.5; ls {0} | wc -l; rm {0}/$$"
    wanted = []
    for machines, kind in ((True, "with"), (False, "without")):
        (tmp_path / kind).mkdir()
        script = mine.format(tmp_path / kind)
        wanted += [replace(shell(f"{kind}-{number}", script), machines=machines) for number in range(7)]
    assert set(Runner({True: 3, False: 2}).run(wanted).values()) == {0}
    most = {lane.machines: max(int(other.log.read_text()) for other in wanted if other.machines == lane.machines)
            for lane in wanted}  # fmt: skip
    assert most == {True: 3, False: 2}


@pytest.mark.usefixtures("build")
def test_a_lane_that_never_ran_is_no_success() -> None:
    (lane,) = wanted = [shell("lost", "exit 0")]
    lane.log.write_text("")
    assert report(wanted, {}) == 1


def test_every_tier_has_every_lane_and_only_one_leaves_tests_out() -> None:
    few, every = lanes.lanes("test"), lanes.lanes("all")
    assert {lane.name for lane in few} <= {lane.name for lane in every}
    assert set(lanes.PLAYBOOKS) - set(lanes.ONLY_IN_ALL) <= {lane.name for lane in few}
    assert set(lanes.PLAYBOOKS) <= {lane.name for lane in every}
    first = [lane for lane in few if "pytest" in lane.command and "PRAXIS_LEG" not in lane.environment]
    assert {lanes.NOT_IN_TEST in lane.command for lane in first} == {True}
    assert {lanes.NOT_IN_TEST in lane.command for lane in every} == {False}


def test_the_lanes_with_machines_are_those_with_a_sandbox() -> None:
    every = lanes.lanes("all")
    assert {lane.name for lane in every if lane.machines} == {*lanes.PLAYBOOKS, "sandbox"}


def test_the_newest_leg_is_left_out_only_where_its_python_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    there, missing = (type("Python", (), {"exists": lambda self, answer=answer: answer})() for answer in (True, False))
    for tier, left_out in {"test": set(), "all": {"ee", "newest-lint"}}.items():
        every = lanes.lanes(tier)
        monkeypatch.setattr(lanes.Leg, "python", there)
        assert lanes.possible(every) == every
        monkeypatch.setattr(lanes.Leg, "python", missing)
        rest = lanes.possible(every)
        assert {lane.name for lane in every if lane not in rest} == {"newest", "newest-unit", *left_out}


RUN = """
import sys
from pathlib import Path
from tests import lanes
lanes.BUILD = Path(sys.argv[1])
# It ignores what asks it to end, and what it starts has left its session.
lanes.lanes = lambda tier: [lanes.Lane("deaf", ("sh", "-c", "trap '' TERM INT; setsid sleep 300 & echo begun; wait"))]
lanes.GRACE = 0.2
sys.exit(lanes.main(["test"]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("order", tiers.first([signal.SIGKILL, signal.SIGINT, signal.SIGTERM]))
def test_nothing_of_a_lane_outlives_the_run(tmp_path: Path, order: signal.Signals) -> None:
    run = subprocess.Popen([sys.executable, "-c", RUN, str(tmp_path)], cwd=lanes.CHECKOUT, stdout=subprocess.PIPE,
                           stderr=subprocess.DEVNULL, text=True, start_new_session=True)
    assert run.stdout
    assert "begun" in run.stdout.readline()
    mark = {f"{lanes.MARK}={tmp_path}/lane-deaf".encode()}
    assert len(lanes._marked(mark)) >= 2
    os.kill(run.pid, order)
    assert run.wait(30) == (-order if order == signal.SIGKILL else 128 + order)
    until = time.monotonic() + 30
    while lanes._marked(mark):
        assert time.monotonic() < until, "waited 30 s for the end of the lane's processes"
        time.sleep(0.05)
    run.stdout.close()


KEEPER = """
import sys
from pathlib import Path
from tests import lanes

def clear(folders):
    print("removing", flush=True)
    (folders[0] / "cleared").touch()
    return 1

lanes.clear = clear
sys.exit(lanes.keep(sys.argv[1:]))
"""


@pytest.mark.slow
def test_the_keeper_clears_away_though_nobody_reads_what_it_prints(tmp_path: Path) -> None:
    keeper = subprocess.Popen([sys.executable, "-c", KEEPER, str(tmp_path)], cwd=lanes.CHECKOUT,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # fmt: skip
    assert keeper.stdin
    assert keeper.stdout
    keeper.stdout.close()
    keeper.stdin.close()
    assert keeper.wait(30) == 1
    assert (tmp_path / "cleared").exists()
