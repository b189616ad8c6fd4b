# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pytest plugin: how long each test took, setup and teardown included, goes to build/durations.json.

That file holds the last run of every lane: lanes are processes beside each other, and each replaces its own part.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections import defaultdict
from pathlib import Path

import pytest

FILE = Path(__file__).resolve().parents[1] / "build" / "durations.json"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--lane", metavar="NAME", help="record how long each test takes, under this name")


def pytest_configure(config: pytest.Config) -> None:
    lane = config.getoption("--lane")
    if lane and not hasattr(config, "workerinput"):  # xdist's workers report to the process that started them
        config.pluginmanager.register(Durations(lane, FILE))


class Durations:
    """The seconds of every test of one run."""

    def __init__(self, lane: str, file: Path) -> None:
        self.lane = lane
        self.file = file
        self.tests: dict[str, float] = defaultdict(float)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.tests[report.nodeid] += report.duration

    def pytest_sessionfinish(self) -> None:
        if self.tests:
            merge(self.file, self.lane, self.tests)


def merge(file: Path, lane: str, tests: dict[str, float]) -> None:
    """Replace one lane's part of the file, slowest first; the others' stay."""
    files: dict[str, float] = defaultdict(float)
    for test, seconds in tests.items():
        files[test.partition("::")[0]] += seconds
    file.parent.mkdir(exist_ok=True)
    with file.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            lanes = json.loads(file.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            lanes = {}
        lanes[lane] = {"seconds": round(sum(tests.values()), 3), "files": _slowest(files), "tests": _slowest(tests)}
        written = file.with_suffix(".new")
        written.write_text(json.dumps(lanes, indent=1) + "\n", encoding="utf-8")
        os.replace(written, file)


def _slowest(seconds: dict[str, float]) -> dict[str, float]:
    return {name: round(spent, 3) for name, spent in sorted(seconds.items(), key=lambda pair: (-pair[1], pair[0]))}
