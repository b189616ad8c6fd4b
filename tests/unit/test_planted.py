# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The planted faults are true to the code: each can be planted, and leaves a file that can be read.

Whether they are caught takes longer to see: ``make planted``.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest
import yaml

from tests.planted import FAULTS, Fault
from tests.planted.fault import TIERS

CHECKOUT = Path(__file__).resolve().parents[2]
LEAST = 60
#: A layer is where a mistake can be made; each has some.
LAYERS = {
    *(f"module_utils/{path.name}" for path in (CHECKOUT / "plugins/module_utils").iterdir()
      if path.is_dir() and any(path.glob("*.py"))),
    *(f"plugins/{name}" for name in ("plugin_utils", "modules", "action", "inventory", "lookup", "callback")),
    "plugins/module_utils", "playbooks", "roles", "sandbox",
}  # fmt: skip


def read(fault: Fault) -> str:
    return (CHECKOUT / fault.file).read_text(encoding="utf-8")


def test_names_are_unique() -> None:
    assert [name for name, count in Counter(fault.name for fault in FAULTS).items() if count > 1] == []


def test_no_two_are_one() -> None:
    planted = Counter((fault.file, fault.before, fault.after) for fault in FAULTS)
    assert [key for key, count in planted.items() if count > 1] == []


def test_there_are_enough_in_every_layer() -> None:
    assert len(FAULTS) >= LEAST
    assert {fault.layer for fault in FAULTS} == LAYERS


def test_each_says_what_it_is() -> None:
    for fault in FAULTS:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", fault.name), fault.name
        assert fault.breaks.endswith("."), fault.name
        assert fault.tier in TIERS, fault.name


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_it_can_be_planted_and_the_file_still_be_read(fault: Fault) -> None:
    planted = fault.plant(read(fault))
    assert planted != read(fault)
    if fault.file.endswith(".py"):
        ast.parse(planted, fault.file)
    else:
        assert yaml.safe_load(planted)


def test_the_tests_of_each_are_there() -> None:
    for fault in FAULTS:
        paths = [each for each in fault.tests if each.startswith("tests/")]
        assert paths, fault.name
        for each in paths:
            path, *names = each.split("::")
            assert (CHECKOUT / path).exists(), (fault.name, path)
            for name in names:
                assert re.search(rf"^ *(def|class) {re.escape(name.partition('[')[0])}\b",
                                 (CHECKOUT / path).read_text(encoding="utf-8"), re.MULTILINE), (fault.name, each)


def test_what_a_fast_one_needs_is_fast() -> None:
    needed = {each for fault in FAULTS if fault.tier == "fast" for each in fault.tests if each.startswith("tests/")}
    assert [each for each in needed if not each.startswith("tests/unit/")] == []
