# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which backup is restored, and which are too many."""

from __future__ import annotations

from datetime import datetime

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.backups import (
    COMPLETE,
    NEWEST,
    STARTED,
    Backup,
    backup,
    chosen,
    name_at,
    ordered,
    surplus,
    tags,
)

OLD, MIDDLE, NEW = (name_at(86400.0 * day) for day in (1, 2, 3))


def made(name: str, slot: str, complete: bool = True, began: float = 0.0) -> Backup:
    """A snapshot. Without a time of the cloud's: it began when its name says."""
    told = datetime.strptime(f"{name}+0000", "%Y%m%dt%H%M%Sz%z").timestamp()
    return Backup(f"{slot}-{name}", name, slot, 8, complete, began or told)


#: The newest has no complete snapshot of the second slot.
THERE = [made(OLD, "aws-1"), made(OLD, "aws-2"), made(MIDDLE, "aws-1"), made(MIDDLE, "aws-2"),
         made(NEW, "aws-1"), made(NEW, "aws-2", complete=False)]  # fmt: skip


def code(wanted: str, *slots: str) -> str:
    with pytest.raises(Failed) as refused:
        chosen(THERE, wanted, slots, "here")
    (finding,) = refused.value.findings
    return finding.code


def test_a_name_is_the_time_in_lower_case_and_sorts_by_it() -> None:
    assert name_at(0.0) == "19700101t000000z"
    assert sorted([NEW, OLD, MIDDLE]) == [OLD, MIDDLE, NEW]


def test_the_newest_is_the_newest_that_has_all_that_is_asked_for() -> None:
    both = chosen(THERE, NEWEST, ["aws-1", "aws-2"], "here")
    assert {slot: each.name for slot, each in both.items()} == {"aws-1": MIDDLE, "aws-2": MIDDLE}
    assert chosen(THERE, NEWEST, ["aws-1"], "here")["aws-1"].name == NEW


def test_a_named_one_has_all_that_is_asked_for_or_is_refused() -> None:
    assert chosen(THERE, OLD, ["aws-2"], "here")["aws-2"].id == f"aws-2-{OLD}"
    assert code(NEW, "aws-1", "aws-2") == "backup-missing"
    assert code(name_at(0.0), "aws-1") == "backup-missing"
    assert code(NEWEST, "aws-3") == "backup-missing"
    assert code("yesterday", "aws-1") == "bad-backup-name"


def test_what_was_not_completed_or_not_copied_is_not_complete() -> None:
    for state, copied, complete in ((COMPLETE, True, True), (COMPLETE, False, False), (STARTED, True, False)):
        began = datetime.fromisoformat("2026-11-28T14:08:23.000-08:00")
        assert backup("snap-1", 8, tags("alpha", "aws-1", NEW, state), copied, began) == Backup(
            "snap-1", NEW, "aws-1", 8, complete, 1795903703.0
        )


def test_each_slot_keeps_its_newest_complete_ones_and_incomplete_ones_stay() -> None:
    assert surplus(THERE, {}) == surplus(THERE, {"aws-1": 0}) == []
    assert [each.id for each in surplus(THERE, {"aws-1": 2, "aws-2": 2})] == [f"aws-1-{OLD}"]
    assert [each.id for each in surplus(THERE, {"aws-2": 1})] == [f"aws-2-{OLD}"]
    both = [f"aws-1-{OLD}", f"aws-2-{OLD}", f"aws-1-{MIDDLE}"]
    assert [each.id for each in surplus(THERE, {"aws-1": 1, "aws-2": 1})] == both


def test_the_cloud_s_clock_says_which_is_the_newest() -> None:
    """OLD was made last, by a controller whose clock is behind."""
    there = [made(MIDDLE, "aws-1"), made(NEW, "aws-1"), made(OLD, "aws-1", began=86400.0 * 4)]
    assert chosen(there, NEWEST, ["aws-1"], "here")["aws-1"].name == OLD
    assert [each.name for each in surplus(there, {"aws-1": 1})] == [MIDDLE, NEW]
    assert [each.name for each in ordered(there)] == [MIDDLE, NEW, OLD]


def test_the_slots_of_a_backup_are_listed_together() -> None:
    """Each snapshot has its own time: hosts are frozen one by one."""
    there = [made(OLD, "aws-2", began=3.0), made(NEW, "aws-1", began=2.0), made(OLD, "aws-1", began=1.0)]
    assert [(each.name, each.slot) for each in ordered(there)] == [(OLD, "aws-1"), (OLD, "aws-2"), (NEW, "aws-1")]
