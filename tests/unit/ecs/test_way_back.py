# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which kinds a rollback takes back."""

from __future__ import annotations

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.ecs.lock import Ticket
from ansible_collections.praxis.cloud.plugins.module_utils.ecs.way_back import NOBODY, Run, Stand, moved, run_of

FIRST, SECOND, THIRD = Run(1, "a"), Run(9, "b"), Run(10, "c")


def at(run: Run, good: bool = True, newest: Run = NOBODY) -> Stand:
    return Stand(run, good, newest if newest != NOBODY else run)


def left(run: Run, reason: str = "deployment") -> Ticket:
    return Ticket("arn/1", run.number, True, 0.0, run.ident, "somebody", reason, 0)


@pytest.mark.parametrize(
    ("stands", "locks", "back"),
    [
        ({"one": at(FIRST), "two": at(FIRST)}, [], {"one", "two"}),
        ({"one": at(THIRD), "two": at(SECOND)}, [], {"one"}),
        ({"one": at(THIRD), "two": at(SECOND, good=False)}, [], {"one", "two"}),
        ({"one": at(NOBODY), "two": at(NOBODY)}, [], {"one", "two"}),
        ({"one": at(FIRST), "two": at(NOBODY)}, [], {"one"}),
        ({"one": at(SECOND), "two": at(FIRST)}, [left(THIRD)], set()),
        ({"one": at(THIRD), "two": at(SECOND)}, [left(THIRD)], {"one"}),
        ({"one": at(NOBODY, good=False), "two": at(NOBODY)}, [left(THIRD)], {"one"}),
        ({"one": at(FIRST, newest=SECOND), "two": at(SECOND)}, [left(THIRD, "rollback")], {"two"}),
        ({"one": at(FIRST, newest=SECOND), "two": at(FIRST, newest=SECOND)}, [left(THIRD, "rollback")], set()),
        ({"one": at(NOBODY), "two": at(NOBODY)}, [left(THIRD, "rollback")], set()),
        ({}, [], set()),
    ],
)
def test_what_the_last_run_has_moved_goes_back(stands: dict[str, Stand], locks: list[Ticket], back: set[str]) -> None:
    assert moved(stands, locks) == back


@pytest.mark.parametrize("run", [FIRST, THIRD, NOBODY])
def test_a_run_is_read_as_it_was_written(run: Run) -> None:
    assert run_of(run.tags) == run


@pytest.mark.parametrize("text", ["", "c", ":c", "-1:c"])
def test_what_no_run_has_written_names_none(text: str) -> None:
    assert run_of({"praxis_run": text}) == NOBODY
