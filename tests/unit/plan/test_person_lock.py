# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet that a person locks and unlocks: what the host that keeps the lock is asked, and what the person is told."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.action import fleet_lock
from ansible_collections.praxis.cloud.plugins.module_utils.deployment import Deployment
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.plugin_utils import controller

RUN = "20260101T000000Z-a1b2c3"
HELD = {"run": RUN, "owner": "ann@desk", "reason": "migration", "process": {}, "lock_host": "m1", "fence": 7}
GONE = {**HELD, "reason": "deploy", "process": {**controller.process(1), "started": "before"}}
EXPIRES = 1792000900.0


class Fleet:
    """The action, with the module on the host in a stand-in's place.

    :param held: what the keeper remembers.
    :param refusal: what the module answers instead.
    :param limited: whether m1 is none of the hosts that were asked before (``--limit``).
    :param keeper: whose host that is: the other one remembers nothing.
    :param silent: whether m1 cannot be asked.
    """

    def __init__(
        self, held: dict[str, Any] | None = None, refusal: Finding | None = None, *, check_mode: bool = False,
        limited: bool = False, keeper: str = "m1", silent: bool = False,
    ) -> None:  # fmt: skip
        now = time.time()
        record = Deployment(lease=600.0, **held).record(now, ended=False) if held else None
        self.observation, self.refusal = {"deployment": record, "host": {"clock": now}}, refusal
        self.asked: list[dict[str, Any]] = []
        self.said = ""
        self.action = object.__new__(fleet_lock.ActionModule)
        self.action._display = SimpleNamespace(columns=120, display=self._display)
        self.action._execute_module = self._module
        self.action._task = SimpleNamespace(check_mode=check_mode)
        nobody = {"deployment": None, "host": {"clock": now}}
        remembered = {"m1": nobody, "m2": nobody, keeper: self.observation}
        self.action._observed = lambda name: {} if silent else {name: remembered[name]}
        asked = {name for name in remembered if name != "m1" or not (limited or silent)}
        self.hostvars = {name: {"seen": {"observation": each}} if name in asked else {}
                         for name, each in remembered.items()}  # fmt: skip

    def told(self, **args: Any) -> dict[str, Any]:
        options = {"hosts": ["m2", "m1"], "observations": "seen", "lease": 60, **args}
        answer: dict[str, Any] = self.action._by_hand(options, {"hostvars": self.hostvars})
        return answer

    def _display(self, text: str, screen_only: bool = False, **_how: Any) -> None:
        self.said += text.strip() if screen_only else ""

    def _module(self, module_args: dict[str, Any], **_more: Any) -> dict[str, Any]:
        self.asked.append(module_args)
        if self.refusal:
            return {"failed": True, **Failed(self.refusal).as_result()}
        ended = module_args.get("state") == "absent"
        return {"changed": True, "diff": [], "fence": module_args["deployment"]["fence"],
                "holder": module_args["deployment"]["run"], "expires": EXPIRES, "locked": not ended,
                "invocation": {}}  # fmt: skip


def test_a_person_locks_at_the_first_host_and_learns_until_when() -> None:
    fleet = Fleet()
    answer = fleet.told(reason="migration")
    (asked,) = fleet.asked
    wanted = asked["deployment"]
    assert (wanted["reason"], wanted["process"], wanted["lock_host"], wanted["lease"]) == ("migration", {}, "m1", 60)
    assert asked["over"] == [] and "state" not in asked
    assert answer["lock"] == {"owner": wanted["owner"], "reason": "migration", "lock_host": "m1", "run": wanted["run"],
                              "until": "2026-10-14T18:01:40Z"}  # fmt: skip
    assert sorted(set(answer) - {"lock"}) == ["changed", "diff", "expires", "fence", "holder", "locked"]
    assert f"locked until 2026-10-14T18:01:40Z (migration), as {wanted['run']}." in fleet.said


def test_check_mode_does_not_say_that_it_has_locked_or_unlocked() -> None:
    locking, unlocking = Fleet(check_mode=True), Fleet(HELD, check_mode=True)
    locking.told()
    unlocking.told(state="absent")
    assert "The fleet would be locked until " in locking.said
    assert "The fleet would be unlocked. ann@desk had locked it" in unlocking.said


def test_a_lock_without_a_reason_says_so() -> None:
    assert Fleet().told()["lock"]["reason"] == "no reason given"


def test_a_lock_is_taken_over_from_a_deployment_that_is_gone() -> None:
    fleet = Fleet(GONE)
    fleet.told()
    assert fleet.asked[0]["over"] == [RUN] and fleet.asked[0]["deployment"]["fence"] == 8


def test_a_lease_that_is_no_number_is_named() -> None:
    with pytest.raises(Failed, match="praxis_lock_for"):
        Fleet().told(lease="long")


def test_whoever_unlocks_gives_back_the_lock_of_whoever_locked() -> None:
    fleet = Fleet(HELD)
    answer = fleet.told(state="absent")
    assert [(asked["deployment"], asked["state"]) for asked in fleet.asked] == [(HELD, "absent")]
    assert (answer["changed"], answer["locked"], "lock" in answer) == (True, False, False)
    assert fleet.said == "The fleet is unlocked. ann@desk had locked it (migration)."


def test_with_a_limit_the_host_that_keeps_the_lock_is_asked_all_the_same() -> None:
    """Its lock would stand, and the person would read that there is none."""
    fleet = Fleet(HELD, limited=True)
    assert fleet.told(state="absent")["changed"] is True
    assert fleet.said == "The fleet is unlocked. ann@desk had locked it (migration)."


@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_lock_that_another_host_keeps_is_neither_taken_beside_nor_said_to_be_given_back(state: str) -> None:
    """A person has locked one cloud's members, and then names those of both clouds."""
    fleet = Fleet({**HELD, "lock_host": "m2"}, keeper="m2")
    with pytest.raises(Failed) as refused:
        fleet.told(state=state)
    (finding,) = refused.value.findings
    assert (finding.code, fleet.asked, fleet.said) == ("fleet-locked", [], "")
    assert ("whose first member is m2" in finding.fix) is (state == "absent")


@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_host_that_was_renamed_has_the_lock_that_it_keeps_under_its_old_name(state: str) -> None:
    """The inventory names its machines anew: whoever locked the fleet before can lock it on, and unlock it."""
    fleet = Fleet({**HELD, "lock_host": "machine-1"})
    assert fleet.told(state=state, reason="migration")["changed"] is True
    assert [asked.get("state", "present") for asked in fleet.asked] == [state]
    beside = Fleet({**HELD, "lock_host": "machine-2"}, keeper="m2")
    with pytest.raises(Failed) as refused:
        beside.told(state=state)
    assert ("whose first member is m2" in refused.value.findings[0].fix) is (state == "absent")


def test_a_deployment_s_lock_elsewhere_is_heeded_though_it_has_made_a_step_on_the_first_host() -> None:
    """There it may have ended: that host alone would give the lock."""
    at_work = {**HELD, "lock_host": "m2", "process": {"place": "elsewhere", "pid": 7, "started": "1"}}
    fleet = Fleet(at_work)
    with pytest.raises(Failed) as refused:
        fleet.told()
    assert [item.code for item in refused.value.findings] == ["fleet-locked"] and fleet.asked == []


def test_nobody_says_of_a_fleet_that_it_is_not_locked_whose_keeper_gives_no_answer() -> None:
    """It is away for a moment, and would keep the lock until its end."""
    fleet = Fleet(HELD, silent=True)
    with pytest.raises(Failed) as refused:
        fleet.told(state="absent")
    (finding,) = refused.value.findings
    assert (finding.code, fleet.asked, fleet.said) == ("lock-unknown", [], "") and "m1" in finding.what


def test_unlocking_what_is_not_locked_asks_nobody() -> None:
    fleet = Fleet()
    assert fleet.told(state="absent") == {"changed": False, "locked": False}
    assert fleet.asked == [] and fleet.said == "The fleet is not locked."


@pytest.mark.parametrize(
    ("held", "code"),
    [({**HELD, "process": {"place": "elsewhere", "pid": 7, "started": "1"}}, "fleet-locked"), (GONE, "unfinished")],
)
def test_a_deployment_s_lock_is_not_a_person_s_to_give_back(held: dict[str, Any], code: str) -> None:
    fleet = Fleet(held)
    with pytest.raises(Failed) as refused:
        fleet.told(state="absent")
    assert [item.code for item in refused.value.findings] == [code] and fleet.asked == []


@pytest.mark.parametrize("state", ["present", "absent"])
def test_what_the_host_refuses_ends_the_task(state: str) -> None:
    refusal = Finding("fleet-locked", "Somebody was faster.", "m1", "Wait.")
    with pytest.raises(Failed) as refused:
        Fleet(HELD, refusal).told(state=state)
    assert refused.value.findings == (refusal,)
