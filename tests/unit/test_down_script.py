# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make down` with and without a sandbox, over a scripts/play and a sandbox that only note how they were called."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
NOTE = "#!/bin/sh\necho \"$(basename $0) $*\" >>called\n"
PRETENDED = {
    "scripts/setup": NOTE,
    "scripts/play": NOTE + 'exit "$PLAY"\n',
    ".venv/bin/python": NOTE + 'case $* in *clouds) echo "$UP" ;; *down) rm -r .sandbox ;; esac\n',
}
CONFIRMED = "-e praxis_confirm_down=demo"


class Checkout:
    """A folder with the checkout's Makefile.

    :param up: the clouds of the sandbox that are up, as `python -m sandbox clouds` prints them; None: there is no
        sandbox.
    :param play: what the playbook returns.
    """

    def __init__(self, folder: Path, up: str | None = None, play: int = 0) -> None:
        self.folder = folder
        for name in ("Makefile", "scripts/leg.sh", "scripts/down"):
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes((CHECKOUT / name).read_bytes())
        for name, text in PRETENDED.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        for script in [*folder.glob("scripts/*"), folder / ".venv/bin/python"]:
            script.chmod(0o755)
        if up is not None:
            (folder / ".sandbox").mkdir()
            (folder / ".sandbox/env").touch()
        self.environment = {**os.environ, "UP": up or "", "PLAY": str(play), "PRAXIS_FLEET": "demo", "PRAXIS_LEG": "",
                            "MAKEFLAGS": ""}

    def make(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["make", *words], cwd=self.folder, env=self.environment, text=True, capture_output=True,
                              timeout=60, check=False)

    def called(self, program: str) -> list[str]:
        """How a program was called, without what is asked only."""
        log = self.folder / "called"
        lines = log.read_text().splitlines() if log.exists() else []
        return [line for line in lines if line.startswith(program) and not line.endswith("clouds")]

    @property
    def sandbox(self) -> bool:
        return (self.folder / ".sandbox").exists()


@pytest.mark.parametrize("words", [(), ("CLOUD=gcp",), ("ARGS=-e praxis_confirm_down=prod",), ("TARGET=ecs",)])
@pytest.mark.parametrize("up", [None, "aws,gcp"])
@pytest.mark.parametrize("option", ["-n", "-q", "-t"])
def test_a_dry_run_of_make_calls_nothing(tmp_path: Path, option: str, up: str | None, words: tuple[str, ...]) -> None:
    checkout = Checkout(tmp_path, up)
    checkout.make(option, "down", *words)
    assert not (tmp_path / "called").exists()
    assert checkout.sandbox == (up is not None)


def test_what_make_runs_in_a_dry_run_too_is_make_alone() -> None:
    """GNU make runs a line that names $(MAKE), or begins with a plus sign, under -n as well: all of that line."""
    makefile = re.sub(r"\\\n", " ", (CHECKOUT / "Makefile").read_text())
    lines = [line for line in makefile.splitlines() if line.startswith("\t")]
    run = [line.lstrip("\t@-") for line in lines if re.search(r"\$[({]MAKE[)}]", line) or re.match(r"\t[@-]*\+", line)]
    assert run and all(re.fullmatch(r"\$\(MAKE\)[^;&|`]*", line) for line in run)


@pytest.mark.parametrize(("up", "cloud"), [("aws", "aws"), ("gcp", "gcp"), ("aws,gcp", "aws,gcp"), ("aws,gcp", "aws"),
                                           ("aws,gcp", "gcp,aws")])
def test_the_sandbox_s_own_fleet_is_confirmed_and_the_sandbox_goes(tmp_path: Path, up: str, cloud: str) -> None:
    checkout = Checkout(tmp_path, up)
    assert checkout.make("down", f"CLOUD={cloud}", "ARGS=-v").returncode == 0
    assert checkout.called("play") == [f"play down.yml {cloud} {CONFIRMED} -v"]
    assert not checkout.sandbox


@pytest.mark.parametrize("words", ["-v", "-D", "-e praxis_labels=C", "--verbose", "--vault-id=C", "-l CLOUD"])
def test_who_does_not_only_look_removes_it(tmp_path: Path, words: str) -> None:
    checkout = Checkout(tmp_path, "aws")
    assert checkout.make("down", f"ARGS={words}").returncode == 0
    assert not checkout.sandbox


@pytest.mark.parametrize(("up", "cloud", "strange"), [("aws", "gcp", "gcp"), ("aws", "aws,gcp", "gcp"),
                                                      ("gcp", "aws", "aws"), ("gcp", "aws,gcp", "aws")])
def test_a_cloud_that_the_sandbox_lacks_is_refused(tmp_path: Path, up: str, cloud: str, strange: str) -> None:
    """Variables of the shell or of a person's home may name a real account there."""
    checkout = Checkout(tmp_path, up)
    done = checkout.make("down", f"CLOUD={cloud}")
    assert done.returncode != 0
    assert f"has no {strange}" in done.stderr and f"make down CLOUD={up}" in done.stderr
    assert not checkout.called("play") and checkout.sandbox


@pytest.mark.parametrize("hosts", ["three", "-1", "1.5", "08", "3 4"])
@pytest.mark.parametrize("verb", ["provision", "up", "down"])
def test_a_number_of_machines_that_is_none_is_refused_before_anything_is_called(
    tmp_path: Path, verb: str, hosts: str
) -> None:
    checkout = Checkout(tmp_path)
    done = checkout.make(verb, f"HOSTS={hosts}")
    assert done.returncode == 2 and f"HOSTS={hosts}: use a whole number" in done.stderr
    assert not (tmp_path / "called").exists()


@pytest.mark.parametrize(("words", "where"), [((), "aws"), (("CLOUD=gcp",), "gcp"), (("TARGET=ecs",), "ecs")])
def test_outside_the_sandbox_nobody_confirms(tmp_path: Path, words: tuple[str, ...], where: str) -> None:
    checkout = Checkout(tmp_path, play=2)
    assert checkout.make("down", *words).returncode == 2
    assert checkout.called("play") == [f"play down.yml {where}"]


@pytest.mark.parametrize("target", ["ecs", "kubernetes"])
def test_a_fleet_that_is_on_no_machines_leaves_the_sandbox(tmp_path: Path, target: str) -> None:
    checkout = Checkout(tmp_path, "aws")
    assert checkout.make("down", f"TARGET={target}").returncode == 0
    assert checkout.called("play") == [f"play down.yml {target}"] and checkout.sandbox


def test_the_sandbox_goes_when_the_playbook_fails_and_that_is_no_success(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, "aws", play=4)
    done = checkout.make("down")
    assert "Error 4" in done.stderr and "the sandbox is removed" in done.stderr
    assert not checkout.sandbox


def test_a_sandbox_whose_clouds_have_ended_is_removed_without_the_playbook(tmp_path: Path) -> None:
    """Its clouds are processes, which end with the machine: nothing of the fleet is left to ask for."""
    checkout = Checkout(tmp_path, up="")
    assert checkout.make("down").returncode == 0
    assert not checkout.called("play") and not checkout.sandbox


@pytest.mark.parametrize("look", ["--check", "-C", "-vC", "-CD", "-Cv", "-bC", "--chec", "--list-tasks",
                                  "--syntax-check", "--help"])
def test_who_only_looks_keeps_the_sandbox(tmp_path: Path, look: str) -> None:
    checkout = Checkout(tmp_path, "aws")
    assert checkout.make("down", f"ARGS={look}").returncode == 0
    assert checkout.called("play") == [f"play down.yml aws {CONFIRMED} {look}"] and checkout.sandbox


def test_ctrl_c_keeps_the_sandbox(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, "aws")
    (tmp_path / "scripts/play").write_text("#!/bin/sh\nkill -INT $PPID\nexit 99\n")
    assert checkout.make("down").returncode != 0
    assert checkout.sandbox
