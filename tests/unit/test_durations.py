# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of how long the tests take."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.durations import merge


def test_each_lane_replaces_its_own_part(tmp_path: Path) -> None:
    file = tmp_path / "build" / "durations.json"
    merge(file, "unit", {"tests/a.py::old": 9.0})
    merge(file, "other", {"tests/c.py::test[x::y]": 0.5})
    merge(file, "unit", {"tests/a.py::one": 0.25, "tests/a.py::two": 0.5, "tests/b.py::three": 1.0})
    lanes = json.loads(file.read_text())
    assert lanes["other"] == {"seconds": 0.5, "files": {"tests/c.py": 0.5}, "tests": {"tests/c.py::test[x::y]": 0.5}}
    assert lanes["unit"]["seconds"] == 1.75
    assert list(lanes["unit"]["files"].items()) == [("tests/b.py", 1.0), ("tests/a.py", 0.75)]
    assert list(lanes["unit"]["tests"]) == ["tests/b.py::three", "tests/a.py::two", "tests/a.py::one"]


def test_lanes_that_end_at_once_lose_nothing(tmp_path: Path) -> None:
    file = tmp_path / "build" / "durations.json"
    names = [f"lane-{number}" for number in range(16)]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda name: merge(file, name, {"tests/a.py::one": 1.0}), names))
    assert sorted(json.loads(file.read_text())) == sorted(names)


def test_half_a_file_is_written_anew(tmp_path: Path) -> None:
    file = tmp_path / "durations.json"
    file.write_text('{"unit": {')
    merge(file, "unit", {"tests/a.py::one": 1.0})
    assert list(json.loads(file.read_text())) == ["unit"]
