# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plant each fault in a copy of the checkout, one after the other, and see whether its tests turn red.

    python -m tests.planted [--tier fast|test|all] [--jobs 1] [NAME ...]

The result is in build/planted.json too. What the tests of a fault that survives print is in build/planted-logs.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.copies import CHECKOUT, borrow_environment, copy_files, link_collection
from tests.integration.conftest import DIAL_DELAY
from tests.lanes import FEW, NOT_IN_TEST
from tests.planted import FAULTS
from tests.planted.fault import TIERS, Fault

BUILD = CHECKOUT / "build"
LOGS = BUILD / "planted-logs"
#: Seconds for one run of a fault's tests.
DEADLINES = {"fast": 300, "test": 1500}
#: Seconds in which tests that are interrupted take away what they made.
ENDING = 180
#: What pytest's return code says of a fault.
OUTCOMES = {0: "survived", 1: "caught"}
CAUGHT = "caught"


@dataclass(frozen=True)
class Result:
    """What became of one fault: ``caught``, ``survived``, ``broken`` (the tests could not be run), ``timeout``, or
    ``red-before`` (they were not green without it)."""

    fault: Fault
    outcome: str
    seconds: float

    def row(self) -> dict[str, str | float]:
        fault = self.fault
        return {"name": fault.name, "layer": fault.layer, "tier": fault.tier, "outcome": self.outcome,
                "seconds": round(self.seconds, 1)}


class Copy:
    """A copy of the checkout with a Python environment of its own, in which faults are planted.

    :param folder: where it is made; what is there goes.
    :param green: by tier and tests, whether they are green without any fault; shared by all copies.
    """

    def __init__(self, folder: Path, green: dict[tuple[str, ...], bool]) -> None:
        self.folder, self._green = folder, green
        self.sandbox = folder / "build" / "sandbox"
        shutil.rmtree(folder, ignore_errors=True)
        copy_files(folder)
        borrow_environment(folder)
        link_collection(folder)

    def judge(self, fault: Fault) -> Result:
        """Plant one fault, see what its tests say, and take it away again."""
        start = time.monotonic()
        selection = (fault.tier, *fault.tests)
        if selection not in self._green:
            self._green[selection] = self._tested(fault, f"{fault.name}.before") == OUTCOMES[0]
        if not self._green[selection]:
            return Result(fault, "red-before", time.monotonic() - start)
        start = time.monotonic()
        with self._planted(fault):
            outcome = self._tested(fault, fault.name)
        if _wants_fleet(fault):
            self.deploy()
        return Result(fault, outcome, time.monotonic() - start)

    @contextlib.contextmanager
    def _planted(self, fault: Fault) -> Iterator[None]:
        path = self.folder / fault.file
        text = path.read_text(encoding="utf-8")
        try:
            self._write(path, fault.plant(text))
            yield
        finally:
            self._write(path, text)

    def _write(self, path: Path, text: str) -> None:
        """A compiled file of the same size and second would be taken for the new one's."""
        path.write_text(text, encoding="utf-8")
        shutil.rmtree(path.parent / "__pycache__", ignore_errors=True)

    def _tested(self, fault: Fault, name: str) -> str:
        """What the fault's tests say of the copy as it is."""
        only = ["-m", "not slow" if fault.tier == "fast" else NOT_IN_TEST]
        command = [str(self.folder / ".venv/bin/python"), "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *only]
        log = LOGS / f"{name}.log"
        with log.open("w", encoding="utf-8") as output:
            process = subprocess.Popen(
                [*command, *fault.tests], cwd=self.folder, env=self._environment(_wants_fleet(fault)), stdout=output,
                stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
            try:
                return OUTCOMES.get(process.wait(DEADLINES[fault.tier]), "broken")
            except subprocess.TimeoutExpired:
                return "timeout"
            finally:
                _end(process)

    def _environment(self, fleet: bool) -> dict[str, str]:
        programs = [part for part in os.environ["PATH"].split(":") if not part.startswith(f"{CHECKOUT}/")]
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PRAXIS_", "PYTEST_"))}
        # Property tests draw the same examples every time: chance catches no fault.
        found = {**kept, "PATH": ":".join([str(self.folder / ".venv/bin"), *programs]), "CI": "1",
                 "PYTHONDONTWRITEBYTECODE": "1", **FEW}
        return {**found, "PRAXIS_SANDBOX_ROOT": str(self.sandbox), "PRAXIS_TEST_REUSE": "1"} if fleet else found

    @contextlib.contextmanager
    def fleet(self) -> Iterator[None]:
        """One sandbox with a deployed fleet, for all faults that want one; it goes however this ends."""
        self.sandbox.mkdir(parents=True)
        try:
            # As the tests have it: with another delay they would find another image, and so another release.
            self._run(f"python -m sandbox up --cloud aws --dial-delay {DIAL_DELAY}")
            self.deploy()
            yield
        finally:
            self._run("python -m sandbox down")

    def deploy(self) -> None:
        """Bring the fleet to what the copy without any fault makes of it."""
        for playbook in ("provision", "deploy"):
            self._run(f". {self.sandbox}/.sandbox/env && ansible-playbook {playbook}.yml -i inventories/aws")

    def _run(self, command: str) -> None:
        with (LOGS / "fleet.log").open("a", encoding="utf-8") as output:
            subprocess.run(["bash", "-c", command], cwd=self.folder, env=self._environment(True), stdout=output,
                           stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=True)


def _wants_fleet(fault: Fault) -> bool:
    """Whether its tests run playbooks against a fleet. Those of the sandbox itself bring up their own, as a fault in it
    shows only in one that was started with it."""
    return any(each.startswith("tests/integration") for each in fault.tests)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End tests as Ctrl-C does, so that they take away what they made; and then for good."""
    for number, seconds in ((signal.SIGINT, ENDING), (signal.SIGKILL, 10)):
        if process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired, ProcessLookupError):
                os.killpg(process.pid, number)
                process.wait(seconds)


def run(faults: Sequence[Fault], jobs: int) -> Iterator[Result]:
    """Each fault's result, as it comes: the fast ones in several copies, then the others in one."""
    shutil.rmtree(LOGS, ignore_errors=True)
    LOGS.mkdir(parents=True)
    fast, others = ([fault for fault in faults if fault.tier == tier] for tier in TIERS)
    green: dict[tuple[str, ...], bool] = {}
    copies = [Copy(BUILD / "planted" / str(number), green) for number in range(1, (min(jobs, len(fast)) or 1) + 1)]
    free: queue.SimpleQueue[Copy] = queue.SimpleQueue()
    for copy in copies:
        free.put(copy)

    def one(fault: Fault) -> Result:
        copy = free.get()
        try:
            return copy.judge(fault)
        finally:
            free.put(copy)

    with ThreadPoolExecutor(max_workers=len(copies)) as pool:
        yield from pool.map(one, fast)
    with copies[0].fleet() if any(map(_wants_fleet, others)) else contextlib.nullcontext():
        yield from map(copies[0].judge, others)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.planted", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tier", choices=[*TIERS, "all"], default="all")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="copies in which fast faults are planted")
    parser.add_argument("names", nargs="*", metavar="NAME", help="faults; all of the tier when none is named")
    asked = parser.parse_args()
    unknown = set(asked.names) - {fault.name for fault in FAULTS}
    if unknown:
        parser.error(f"there is no fault {', '.join(sorted(unknown))}")
    for number in (signal.SIGINT, signal.SIGTERM):  # also where a shell in the background has them ignored
        signal.signal(number, signal.default_int_handler)
    chosen = [fault for fault in FAULTS if asked.tier in ("all", fault.tier)]
    chosen = [fault for fault in chosen if not asked.names or fault.name in asked.names]
    results = []
    for result in run(chosen, max(1, asked.jobs)):
        results.append(result)
        _say(f"{len(results)}/{len(chosen)} {result.fault.name}: {result.outcome} ({result.seconds:.0f} s)")
        rows = [each.row() for each in results]
        (BUILD / "planted.json").write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    for each in results:
        _say("{name:45} {layer:20} {tier:5} {outcome:10} {seconds:>7}".format_map(each.row()))
    missed = [result.fault for result in results if result.outcome != CAUGHT]
    for fault in missed:
        _say(f"not caught: {fault.name}: {fault.breaks}")
    return 1 if missed else 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
