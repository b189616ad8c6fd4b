# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""scripts/status over a scripts/play that only pretends: it notes what it was asked and answers as it was reported."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.unit.terminal import Terminal

CHECKOUT = Path(__file__).resolve().parents[2]
GOOD = {"fleet": "demo", "verdict": "good", "members": [], "findings": []}


class Script:
    """A folder in which scripts/status finds what it needs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "scripts").mkdir()
        for name in ("leg.sh", "status", "status.py"):
            (folder / "scripts" / name).write_text((CHECKOUT / "scripts" / name).read_text())
        (folder / ".venv/bin").mkdir(parents=True)
        (folder / ".venv/bin/python").symlink_to(sys.executable)
        self.command = ["bash", str(folder / "scripts/status")]
        # A terminal says by itself how wide it is, and this folder has one environment.
        kept = ("ANSIBLE_NOCOLOR", "NO_COLOR", "COLUMNS", "LINES", "PRAXIS_LEG")
        self.environment = {name: value for name, value in os.environ.items() if name not in kept}

    def answer(self, code: int, printed: str, complaint: str = "") -> None:
        """What ansible-playbook will end with, print, and say on standard error."""
        (self.folder / "printed").write_text(printed)
        (self.folder / "complaint").write_text(complaint)
        play = self.folder / "scripts/play"
        # Renamed into its place: an observation that is cut short leaves no half a file.
        play.write_text('#!/bin/sh\nfor word; do printf "%s\\n" "$word"; done >asked\n'
                        "env >environment.new\nmv environment.new environment\n"
                        f"cat printed\ncat complaint >&2\nexit {code}\n")
        play.chmod(0o755)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*self.command, *arguments], env=self.environment, cwd="/", text=True,
                              capture_output=True, stdin=subprocess.DEVNULL, timeout=60, check=False)

    def asked(self) -> list[str]:
        return (self.folder / "asked").read_text().splitlines()

    def got(self, line: str) -> bool:
        return line in (self.folder / "environment").read_text().splitlines()


@pytest.fixture
def script(tmp_path: Path) -> Script:
    made = Script(tmp_path)
    made.answer(0, json.dumps(GOOD))
    return made


def test_arguments_that_are_not_its_own_go_to_ansible(script: Script) -> None:
    assert script.run("--limit", "m1", "-e", "a=b", "-vv").returncode == 0
    assert script.asked() == ["status.yml", "aws", "--limit", "m1", "-e", "a=b", "-vv"]
    assert script.got("ANSIBLE_STDOUT_CALLBACK=praxis.cloud.summary")


def test_inventories_given_replace_the_cloud_s(script: Script) -> None:
    script.run("-i", "one", "--json", "--inventory", "two")
    assert script.asked() == ["status.yml", "", "-i", "one", "-i", "two"]
    script.run("--cloud", "gcp")
    assert script.asked() == ["status.yml", "gcp"]


def test_json_is_passed_on_and_the_return_code_is_the_verdict(script: Script) -> None:
    done = script.run("--json")
    assert (done.returncode, json.loads(done.stdout)) == (0, GOOD)
    assert script.got("PRAXIS_SUMMARY_FORMAT=json")
    script.answer(2, json.dumps({**GOOD, "verdict": "bad"}), "[WARNING]: something\n")
    done = script.run("--json")
    assert (done.returncode, json.loads(done.stdout)["verdict"]) == (2, "bad")
    assert done.stderr == "[WARNING]: something\n"


#: Of callbacks that a user has enabled: ansible.posix.profile_tasks and timer, and one that prints JSON of its own.
PROFILED = "Tuesday 01 December 2026  05:00:00 +0000 (0:00:00.01)   0:00:00.01 ****\n{\"took\": 3}\n{ not JSON\n"
TIMED = "\nPlaybook run took 0 days, 0 hours, 0 minutes, 3 seconds\n"


@pytest.mark.parametrize(("code", "said"), [
    (0, GOOD),
    (2, {**GOOD, "verdict": "bad"}),
    (2, {"failure": {"code": "bad-yaml"}, "failures": [{"code": "bad-yaml"}]}),
])  # fmt: skip
def test_what_other_callbacks_print_is_not_taken_for_the_summary(
    script: Script, code: int, said: dict[str, Any]
) -> None:
    """Standard output holds the object and nothing else, and the return code is that of the verdict."""
    script.answer(code, PROFILED + json.dumps(said, indent=2) + "\n" + TIMED)
    done = script.run("--json")
    assert (done.returncode, json.loads(done.stdout)) == (code, said)
    assert "Playbook run took" in done.stderr and "****" in done.stderr


def test_a_failure_is_json(script: Script) -> None:
    failure = {"failure": {"code": "bad-yaml"}, "failures": [{"code": "bad-yaml"}]}
    for code in (2, 0):
        script.answer(code, json.dumps(failure))
        done = script.run("--json")
        assert done.returncode == (code or 1) and json.loads(done.stdout) == failure


@pytest.mark.parametrize(
    ("code", "printed"), [(1, ""), (0, ""), (4, "no JSON"), (2, json.dumps(GOOD)), (0, json.dumps({"verdict": "bad"}))]
)
def test_a_run_without_json_or_against_its_own_verdict_is_a_failure(script: Script, code: int, printed: str) -> None:
    script.answer(code, printed, "ERROR! Could not read\nthe inventory\n")
    done = script.run("--json")
    failure = json.loads(done.stdout)["failure"]
    assert done.returncode == (code or 1)
    assert failure["code"] == "ansible-failed" and "Could not read the inventory" in failure["what"]
    assert "Could not read" in done.stderr


@pytest.mark.slow
def test_watching_needs_a_terminal(script: Script) -> None:
    done = script.run("--watch", "5")
    assert done.returncode == 2 and "terminal" in done.stderr and done.stdout == ""
    assert not (script.folder / "asked").exists()
    for wrong in (["--watch", "0"], ["--watch", "x"], ["--watch", "5", "--json"]):
        assert script.run(*wrong).returncode == 2


@pytest.mark.slow
def test_watching_draws_over_what_was_drawn(script: Script) -> None:
    script.answer(2, "MEMBER\nm1\n", "what stopped it\n")
    terminal = Terminal([*script.command, "--watch", "1"], Path("/"), script.environment, columns=66)
    terminal.read_until(lambda text: text.count("MEMBER") >= 2)
    os.killpg(terminal.process.pid, signal.SIGINT)
    code, text = terminal.finish()
    assert code == 2
    drawn = text.split("\033[H")[2:]
    assert len(drawn) >= 2 and all("m1\033[K\r\n" in each and "what stopped it" in each for each in drawn)
    assert all(each.index("MEMBER") < each.index("\033[J") for each in drawn)
    assert script.got("COLUMNS=66") and script.got("ANSIBLE_FORCE_COLOR=1")


def test_watching_that_is_ended_before_anything_was_observed_is_no_good_verdict(script: Script) -> None:
    (script.folder / "scripts/play").write_text("#!/bin/sh\nexec sleep 60\n")
    terminal = Terminal([*script.command, "--watch", "1"], Path("/"), script.environment)
    terminal.read_until(lambda text: "observing" in text)
    os.killpg(terminal.process.pid, signal.SIGINT)
    assert terminal.finish()[0] == 130


def test_watching_without_colours(script: Script) -> None:
    environment = script.environment | {"NO_COLOR": "1"}
    terminal = Terminal([*script.command, "--watch", "1"], Path("/"), environment)
    terminal.read_until(lambda text: "good" in text)
    os.killpg(terminal.process.pid, signal.SIGINT)
    assert terminal.finish()[0] == 0
    assert not script.got("ANSIBLE_FORCE_COLOR=1")
