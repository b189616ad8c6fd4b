# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the lanes of a tier beside each other, says at the end what failed in which, and leaves nothing behind.

    python -m tests.lanes fast|test|all|newest [LANE ...]

A lane is a command with a folder of its own, ``build/lane-NAME``: its sandboxes and its tests' temporary folders lie
in it, and all its processes carry the folder in PRAXIS_LANE. By these two a second process, the keeper, ends and
removes whatever is left when this one has ended, however it ended: the keeper waits for the end of a pipe that nobody
else holds.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.tiers import VARIABLE

CHECKOUT = Path(__file__).resolve().parents[1]
BUILD = CHECKOUT / "build"
#: Says which lane a process belongs to: the absolute path of its folder.
MARK = "PRAXIS_LANE"
#: As many lanes with machines go on at once, and as many without. On two cores: those with machines wait for them for
#: much of their time, and the others use what these leave, from the beginning on.
AT_ONCE = {True: 4, False: 2}
SUMMARY = " short test summary info "
TAIL = 20  # lines that are shown of a failed lane without a summary
GRACE = 5.0  # seconds that a process has to end by itself
TIERS = ("fast", "test", "all", "newest")
#: What only ``all`` runs; see the marker in pyproject.toml.
NOT_IN_TEST = "not repetition"
#: Of a property's examples, `make test` and `make test-fast` draw every fifth.
FEW = {VARIABLE: "5"}
#: Lanes of which ``test`` would run nothing.
ONLY_IN_ALL = ("ee",)
#: Lanes of the first leg that take what the newest one has installed: collections for the execution environment.
OUT_OF_THE_NEWEST = ("ee",)


@dataclass(frozen=True)
class Playbooks:
    """Files of tests/integration that go one after the other, in a sandbox of their own.

    :param cloud: whose sandbox it is at first.
    :param files: in their order; a file may be in the lanes of both clouds, and is run once in each.
    """

    cloud: str
    files: tuple[str, ...]


#: "fleet", "releases" and "google" go on with what their earlier files made; "apart" and "scenes" need no fleet but
#: their own. The longest come first, for the last one that ends alone leaves a core idle.
PLAYBOOKS = {
    "fleet": Playbooks("aws", ("test_deploy", "test_leaks", "test_contract", "test_host_faults")),
    "releases": Playbooks("aws", ("test_releases_killed", "test_releases", "test_releases_held",
                                  "test_releases_balancer", "test_releases_hosts")),
    "rest": Playbooks("aws", ("test_own", "test_storm", "test_both")),
    "google": Playbooks("gcp", ("test_provision_google", "test_deploy", "test_leaks", "test_contract", "test_data",
                                "test_doctor_google", "test_own", "test_storm", "test_image_google")),
    "apart": Playbooks("aws", ("test_host", "test_documented", "test_bad_input")),
    "scenes": Playbooks("aws", ("test_installed", "test_image", "test_doctor", "test_data", "test_ecs", "test_molecule",
                                "test_proxy", "test_mixed", "test_ecs_members")),
    "provision": Playbooks("aws", ("test_provision", "test_upgrade")),
    # The execution environment: built, and a fleet from nothing and back in it.
    "ee": Playbooks("aws", ("test_execution_environment",)),
    # The second leg: with the newest ansible-core.
    "newest": Playbooks("aws", ("test_playbooks", "test_deploy")),
}  # fmt: skip


@dataclass(frozen=True)
class Lane:
    """A command, and its environment beside the caller's.

    :param machines: whether it has a sandbox of its own, and waits for machines.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    machines: bool = False

    @property
    def folder(self) -> Path:
        return BUILD / f"lane-{self.name}"

    @property
    def log(self) -> Path:
        return BUILD / f"{self.name}.log"

    def said_last(self) -> list[str]:
        """Pytest's summary of what failed, or the last lines of a lane that has none."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        starts = [number for number, line in enumerate(lines) if SUMMARY in line]
        return lines[starts[-1]:] if starts else lines[-TAIL:]


@dataclass(frozen=True)
class Leg:
    """A Python environment that tests are run in, made by ``scripts/setup``: scripts/leg.sh.

    :param name: the value of PRAXIS_LEG.
    """

    name: str = ""

    @property
    def environment(self) -> dict[str, str]:
        return {"PRAXIS_LEG": self.name} if self.name else {}

    @property
    def python(self) -> Path:
        return CHECKOUT / (f".venv-{self.name}" if self.name else ".venv") / "bin" / "python"

    def static(self, name: str, *command: str) -> Lane:
        return Lane(name, command, self.environment)

    def tests(self, name: str, *arguments: str, **environment: str) -> Lane:
        """Pytest with these arguments; how long each test takes goes to build/durations.json."""
        temporary = f"--basetemp={BUILD}/lane-{name}/tmp"
        recorded = ("-p", "tests.durations", "--lane", name, "--durations=10")
        command = (str(self.python), "-m", "pytest", temporary, *recorded, *arguments)
        return Lane(name, command, {**self.environment, **environment})

    def units(self, name: str, *arguments: str, **environment: str) -> Lane:
        """The unit tests, in a process for each core: they take over from each other what they have not begun."""
        return self.tests(name, "-n", "auto", "--dist", "worksteal", *arguments, "tests/unit", **environment)

    def sandbox(self, name: str, *arguments: str, **environment: str) -> Lane:
        """The same, with a place for a sandbox."""
        lane = self.tests(name, *arguments, PRAXIS_SANDBOX_ROOT=str(BUILD / f"lane-{name}"), **environment)
        return replace(lane, machines=True)

    def playbooks(self, name: str, *arguments: str) -> Lane:
        """One of PLAYBOOKS."""
        return self.sandbox(name, "-v", *(arguments or ("tests/integration",)), PRAXIS_TEST_LANE=name)


FIRST, NEWEST = Leg(), Leg("newest")


def lanes(tier: str) -> list[Lane]:
    """The lanes of a tier, in the order in which they are begun."""
    if tier == "fast":
        return [FIRST.units("fast", "-m", "not slow", **FEW), FIRST.static("lint", "scripts/lint", "--fast")]
    newest = [NEWEST.playbooks("newest"), NEWEST.units("newest-unit"), NEWEST.static("newest-lint", "scripts/lint")]
    if tier == "newest":
        return newest
    few = ("-m", NOT_IN_TEST) if tier == "test" else ()
    first = [
        FIRST.static("static", "scripts/static", *(() if few else ("--all",))),
        *(FIRST.playbooks(name, *few, "tests/integration") for name in PLAYBOOKS
          if name != "newest" and not (few and name in ONLY_IN_ALL)),
        FIRST.units("unit", *few, **(FEW if few else {})),
        FIRST.sandbox("sandbox", *few, "tests/sandbox"),
    ]
    if tier == "all":
        # A release rehearsed: mostly the same linters and documentation once more, as one who installs it has them.
        release = FIRST.static("release", "scripts/release")
        planted = Lane("planted", (sys.executable, "-m", "tests.planted"))
        return [*first, *newest, release, planted]
    short = NEWEST.playbooks("newest", "tests/integration/test_playbooks.py")
    return [*first, short, NEWEST.units("newest-unit", "-m", "not slow", **FEW)]


def possible(wanted: Sequence[Lane]) -> list[Lane]:
    """The lanes whose Python is there. Debian 12 has none that the newest ansible-core runs on."""
    if NEWEST.python.exists():
        return list(wanted)
    return [lane for lane in wanted
            if lane.environment.get("PRAXIS_LEG") != NEWEST.name and lane.name not in OUT_OF_THE_NEWEST]  # fmt: skip


class Runner:
    """Runs lanes beside each other, and prints what they print with the lane's name before each line.

    :param at_once: how many at a time, of those with machines and of those without.
    """

    def __init__(self, at_once: Mapping[bool, int] = AT_ONCE) -> None:
        self._at_once = at_once
        self._printing = threading.Lock()
        self._codes: dict[str, int] = {}

    def run(self, wanted: Sequence[Lane]) -> dict[str, int]:
        """The lanes' return codes. Each kind is begun in its order."""
        threads = []
        for machines, places in self._at_once.items():
            to_do = deque(lane for lane in wanted if lane.machines == machines)
            threads += [threading.Thread(target=self._each, args=(to_do,), daemon=True) for _place in range(places)]
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():
                thread.join(timeout=1)  # a signal ends the wait
        return self._codes

    def _each(self, to_do: deque[Lane]) -> None:
        while True:
            try:
                lane = to_do.popleft()
            except IndexError:
                return
            self._one(lane)

    def _one(self, lane: Lane) -> None:
        started, cost = time.monotonic(), ""
        try:
            lane.folder.mkdir(parents=True, exist_ok=True)
            # A session of its own: Ctrl-C on the terminal is for this process, and some of a lane's tests press it.
            process = subprocess.Popen(
                lane.command, cwd=CHECKOUT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                start_new_session=True, env={**os.environ, **lane.environment, MARK: str(lane.folder),
                                             "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": ""})  # fmt: skip
            assert process.stdout
            with lane.log.open("wb") as log:
                for line in process.stdout:
                    log.write(line)
                    self._print(lane.name, line.decode(errors="replace").rstrip("\n"))
            status, used = os.wait4(process.pid, 0)[1:]
            process.returncode = self._codes[lane.name] = os.waitstatus_to_exitcode(status)
            cost = f", {used.ru_utime + used.ru_stime:.0f} s of a core beside its machines"
        except OSError as error:
            lane.log.write_text(f"{lane.name} could not be run: {error}\n", encoding="utf-8")
            self._codes[lane.name] = 127
        self._print(lane.name, f"ended with {self._codes[lane.name]} after {time.monotonic() - started:.0f} s{cost}")

    def _print(self, name: str, line: str) -> None:
        with self._printing:
            print(f"{name}: {line}", flush=True)


def report(wanted: Sequence[Lane], codes: Mapping[str, int]) -> int:
    """Say once more what failed, which else is far above in the output of the lane that ended last; the return code.

    The tests that failed come last: who keeps only the end of a long output has their names.
    """
    failed = [lane for lane in wanted if codes.get(lane.name) != 0]
    print(f"failed: {', '.join(lane.name for lane in failed)}" if failed else "all lanes are green", flush=True)
    for lane in failed:
        for line in lane.said_last():
            print(f"{lane.name}: {line}", flush=True)
    return 1 if failed else 0


def keep(folders: Sequence[str]) -> int:
    """Wait until the process at the other end of standard input has ended, then clear away what its lanes left.

    :return: 1 when a sandbox was left.
    """
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, signal.SIG_IGN)
    sys.stdin.read()
    end(folders)
    drop_unread_output()
    return clear([Path(folder) for folder in folders])


def drop_unread_output() -> None:
    """Print to nowhere from now on when nobody reads standard output any more, as after ``make test | head``."""
    poll = select.poll()
    poll.register(1, 0)
    if poll.poll(0):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def end(folders: Sequence[str]) -> None:
    """End every process of these lanes: asked first, then killed."""
    marks = {f"{MARK}={folder}".encode() for folder in folders}
    for order, seconds in ((signal.SIGTERM, GRACE), (signal.SIGKILL, GRACE)):
        until = time.monotonic() + seconds
        for pid in (found := _marked(marks)):
            _send(pid, order)
        while found and time.monotonic() < until:
            time.sleep(0.1)
            found = _marked(marks)


def _marked(marks: set[bytes]) -> list[int]:
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                words = (folder / "environ").read_bytes().split(b"\0")
            except OSError:  # it has ended, or is somebody else's
                continue
            if marks.intersection(words):
                found.append(int(folder.name))
    return found


def _send(pid: int, order: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, order)


def clear(folders: Sequence[Path]) -> int:
    """Remove every sandbox in these folders; 1 when there was one."""
    from sandbox import docker, lifecycle
    from sandbox.problem import Problem
    from sandbox.site import Site

    try:
        docker.require_engine()
    except Problem:
        return 0  # no engine, no sandbox
    left = [root for root in docker.roots() if any(root.is_relative_to(folder) for folder in folders)]
    for root in left:
        print(f"removing the sandbox that was left in {root}", flush=True)
        lifecycle.down(Site(root))
    return 1 if left else 0


def main(arguments: Sequence[str]) -> int:
    if arguments[:1] == ["keep"]:
        return keep(arguments[1:])
    parser = argparse.ArgumentParser(prog="python -m tests.lanes", description="Runs tests in lanes beside each other.")
    parser.add_argument("tier", choices=TIERS)
    parser.add_argument("lanes", nargs="*", metavar="LANE", help="these lanes only")
    given = parser.parse_args(arguments)
    every = lanes(given.tier)
    if strange := set(given.lanes) - {lane.name for lane in every}:
        parser.error(f"no lane {', '.join(sorted(strange))}; there are {', '.join(lane.name for lane in every)}")
    asked = [lane for lane in every if not given.lanes or lane.name in given.lanes]
    wanted = possible(asked)

    def leave(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, leave)
    BUILD.mkdir(exist_ok=True)
    folders = [str(lane.folder) for lane in wanted]
    keeper = subprocess.Popen([sys.executable, "-m", "tests.lanes", "keep", *folders], cwd=CHECKOUT,
                              stdin=subprocess.PIPE, start_new_session=True)
    assert keeper.stdin
    try:
        codes = Runner().run(wanted)
    finally:
        keeper.stdin.close()
        left = keeper.wait()
    if left:
        print("a lane ended and left a sandbox: that is a fault of its tests", flush=True)
    code = report(wanted, codes) or left
    if skipped := [lane.name for lane in asked if lane not in wanted]:
        print(f"SKIPPED: {', '.join(skipped)}: no Python 3.13 for the newest ansible-core was found", flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
