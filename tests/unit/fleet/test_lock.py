# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet's lock: who holds it, who is admitted, and that no interleaving lets two deployments act."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Optional

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.praxis.cloud.plugins.module_utils import deployment as fence
from ansible_collections.praxis.cloud.plugins.module_utils.deployment import Deployment
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import lock

HERE = {"place": "here", "pid": 7, "started": "1"}
LEASE = 100.0


def deployment(run: str = "a", number: int = 1, **more: Any) -> Deployment:
    return Deployment(**{"run": run, "owner": "ann@desk", "reason": "deploy", "process": HERE, "lock_host": "m1",
                         "fence": number, "lease": LEASE, **more})  # fmt: skip


def observation(record: Optional[dict[str, Any]], now: float) -> dict[str, Any]:
    return {"deployment": record, "host": {"clock": now}}


def observations(now: float, **records: dict[str, Any]) -> dict[str, Any]:
    return {name: observation(record, now) for name, record in records.items()}


def elsewhere(_process: Any) -> None:
    """Another machine's process: nobody here can know."""


def code(wanted: Deployment, found: Any, seen: Optional[int] = None, over: tuple[str, ...] = (), now: float = 0) -> str:
    with pytest.raises(Failed) as failed:
        fence.takes(found, wanted, seen, over, now)
    return failed.value.findings[0].code


AT_WORK = deployment().record(0, ended=False)
ENDED = deployment().record(0, ended=True)


def test_a_fleet_without_a_deployment_has_no_holder() -> None:
    assert lock.holder(observations(5, m1=None, m2=None), elsewhere) is None
    assert lock.top(observations(5, m1=None)) == 0


def test_a_deployment_holds_the_fleet_until_it_gives_the_lock_back() -> None:
    held = lock.holder(observations(60, m1=AT_WORK), elsewhere)
    assert held is not None and (held.run, held.gone) == ("a", "")
    text = held.locked().what
    assert "Deployment a of ann@desk" in text and "60 s ago" in text and "ends in 40 s" in text
    assert "praxis_take_over=a" in held.locked().fix
    assert lock.holder(observations(60, m1=ENDED), elsewhere) is None


def test_its_last_step_anywhere_counts() -> None:
    later = deployment().record(90, ended=False)
    held = lock.holder({**observations(150, m1=AT_WORK), **observations(150, m2=later)}, elsewhere)
    assert held is not None and (held.where, held.gone) == ("m2", "")
    gone = lock.holder({**observations(250, m1=AT_WORK), **observations(250, m2=later)}, elsewhere)
    assert gone is not None and "160 s, longer than its lease" in gone.gone


def test_each_host_s_clock_is_its_own() -> None:
    far_ahead = observation(deployment().record(10_000, ended=False), 10_070)
    for ahead, other in (("m1", "m2"), ("m2", "m1")):
        held = lock.holder({ahead: far_ahead, other: observation(AT_WORK, 10)}, elsewhere)
        assert held is not None and (held.where, held.gone) == (other, "")


def test_what_it_left_behind_is_old_once_the_keeper_says_that_it_has_ended() -> None:
    assert lock.holder(observations(10, m1=ENDED, m2=AT_WORK), elsewhere) is None
    # Where the keeper is not asked (a limit), what the others remember has to do.
    assert lock.holder(observations(10, m2=AT_WORK), elsewhere) is not None
    assert lock.holder(observations(10, m2=ENDED), elsewhere) is None


def test_an_older_deployment_does_not_count() -> None:
    newer = deployment("b", 2, lock_host="m2").record(0, ended=True)
    assert lock.holder(observations(10, m1=AT_WORK, m2=newer), elsewhere) is None
    assert lock.top(observations(10, m1=AT_WORK, m2=newer)) == 2


def test_a_process_that_is_gone_is_not_waited_for() -> None:
    held = lock.holder(observations(1, m1=AT_WORK), lambda process: process != HERE)
    assert held is not None and held.gone == "its process is gone"
    alive = lock.holder(observations(1, m1=AT_WORK), lambda _process: True)
    assert alive is not None and alive.gone == ""
    still = lock.holder(observations(500, m1=AT_WORK), lambda _process: True)
    assert still is not None and "longer than its lease" in still.gone


def test_the_user_may_know_that_it_is_dead() -> None:
    known = lock.holder(observations(1, m1=AT_WORK), elsewhere, "a")
    assert known is not None and known.gone == "praxis_take_over names it"
    other = lock.holder(observations(1, m1=AT_WORK), elsewhere, "b")
    assert other is not None and other.gone == ""


def test_a_run_that_must_not_continue_reports_the_ways_out() -> None:
    known = lock.holder(observations(1, m1=AT_WORK), elsewhere, "a")
    assert known is not None
    refused = known.refused()
    assert (refused.code, refused.level) == ("unfinished", "error")
    assert "praxis_unfinished=continue" in refused.fix and "rollback.yml" in refused.fix


def test_the_first_member_keeps_the_lock_or_the_first_that_can_be_reached() -> None:
    assert lock.keepers(["m2", "m1", "m3"], ["m3", "m1", "m2"], {}) == ["m1"]
    assert lock.keepers(["m2", "m1", "m3"], ["m3", "m2"], {}) == ["m1", "m2"]


def test_who_kept_the_lock_of_another_deployment_keeps_it_too() -> None:
    """An inventory with other members has another first one. A host that is no member any more cannot be asked."""
    seen = observations(5, m1=ENDED, m2=deployment(lock_host="m0").record(0, ended=True))
    assert lock.keepers(["m2", "m1", "a0"], ["a0", "m1", "m2"], seen) == ["a0", "m1"]
    assert lock.keepers(["m2", "m1", "a0"], ["m2"], {"m2": seen["m2"]}) == ["a0", "m2"]


def test_of_two_deployments_that_each_keep_a_lock_the_one_that_has_not_ended_has_the_fleet() -> None:
    """A run that was refused by the second host has given the first one back."""
    refused = deployment("b", 1, lock_host="a0").record(0, ended=True)
    held = lock.holder({**observations(5, a0=refused), **observations(5, m1=AT_WORK)}, elsewhere)
    assert held is not None and (held.run, held.where) == ("a", "m1")
    both = deployment("a", 1, lock_host="a0").record(0, ended=True)
    held = lock.holder({**observations(5, a0=both), **observations(5, m1=AT_WORK)}, elsewhere)
    assert held is not None and held.run == "a", "it has given one of them back, and not the other"
    assert lock.holder(observations(5, a0=both, m1=ENDED), elsewhere) is None


def test_taking_the_lock() -> None:
    assert fence.takes(None, deployment("b", 5), None, (), 0) == deployment("b", 5)
    assert fence.takes(ENDED, deployment("b", 1), 1, (), 0) == deployment("b", 2), "greater than any before it"
    assert fence.takes(AT_WORK, deployment("a", 1), None, (), 0) is None, "it has it"
    assert code(deployment("b", 2), AT_WORK, now=99) == "fleet-locked"
    assert fence.takes(AT_WORK, deployment("b", 2), None, (), 100) == deployment("b", 2), "the lease is over"
    assert fence.takes(AT_WORK, deployment("b", 2), 1, ("a",), 1) == deployment("b", 2), "it is known to be dead"


def test_a_deployment_that_went_through_since_the_observation_makes_the_plan_old() -> None:
    assert code(deployment("b", 1), ENDED, seen=0) == "fleet-changed"
    assert code(deployment("c", 2), deployment("b", 2).record(0, ended=True), seen=1, now=1) == "fleet-changed"


def test_what_is_reported_of_a_holder() -> None:
    held = lock.holder(observations(1, m1=AT_WORK), lambda _process: False)
    assert held is not None
    levels = {
        finding.code: finding.level for finding in (held.locked(), held.at_work(), held.taken_over(), held.unfinished())
    }
    assert levels == {"fleet-locked": "error", "deploying": "warning", "taken-over": "warning", "unfinished": "warning"}


def test_a_run_of_a_part_of_the_fleet_does_not_say_that_all_is_seen_to() -> None:
    held = lock.holder(observations(1, m1=AT_WORK), lambda _process: False)
    assert held is not None
    assert "this run continues from there" in held.taken_over().fix
    back = held.taken_over(goal="20260101T000000Z-a1b2c3")
    assert "This rollback has taken the fleet over from it, and goes to 20260101T000000Z-a1b2c3." in back.what
    assert "praxis_to=ID" in back.fix
    limited = held.taken_over(["m3", "m1", "m2", "m4"])
    assert limited.level == "warning" and "It changes nothing on m1, m2, m3 and 1 more: " in limited.what
    assert "seen to" not in limited.fix and "status.yml" in limited.fix


STEP = st.tuples(st.sampled_from("abc"), st.sampled_from(["m1", "m2", "m3"]), st.sampled_from(["take", "step", "end"]),
                 st.integers(0, 60))  # fmt: skip


@settings(deadline=None)
@given(st.lists(STEP, max_size=60))
def test_whatever_comes_in_whatever_order_an_older_deployment_never_acts_after_a_newer_one(steps: Any) -> None:
    """Three controllers that observe nothing, on three hosts; the clock goes on by itself."""
    now, held, ended = 0.0, dict[str, Deployment](), set[str]()
    records: dict[str, Any] = {"m1": None, "m2": None, "m3": None}
    admitted: dict[str, list[int]] = {name: [] for name in records}
    for run, host, what, later in steps:
        now += later
        if run in ended:
            continue
        if what == "take":
            try:
                highest = lock.top(observations(now, **records))
                taken = fence.takes(records["m1"], deployment(run, highest + 1), None, (), now)
            except Failed:
                holder = lock.holder(observations(now, m1=records["m1"]), elsewhere)
                assert holder is not None and holder.run != run and not holder.gone
                continue
            held[run] = taken or held[run]
            records["m1"] = held[run].record(now, ended=False)
        elif run in held and what == "step":
            if fence.refuses(records[host], held[run]):
                assert max(admitted[host] + [records[host]["fence"]]) >= held[run].fence
                continue
            assert all(number <= held[run].fence for number in admitted[host])
            admitted[host].append(held[run].fence)
            records[host] = held[run].record(now, ended=False)
        elif run in held and fence.ends(records["m1"], held[run]):
            records["m1"] = held[run].record(now, ended=True)
            ended.add(run)
    numbers = [one.fence for one in held.values()]
    assert len(set(numbers)) == len(numbers), "no two have the same number"


def test_a_record_says_who_and_until_when() -> None:
    assert replace(deployment(), last=True).record(3, ended=True) == {
        "run": "a", "owner": "ann@desk", "reason": "deploy", "process": HERE, "lock_host": "m1", "fence": 1, "at": 3,
        "expires": 103.0, "ended": True}  # fmt: skip


HAND = deployment(process={}, reason="migration").record(0, ended=False)


def test_a_person_s_lock_is_refused_by_name_and_is_over_when_its_time_is() -> None:
    held = lock.holder(observations(40, m1=HAND), lambda _process: None)
    assert held is not None and held.by_hand and not held.gone
    assert held.locked().what == "ann@desk locked the fleet (migration) 40 s ago. The lock ends in 60 s."
    assert "unlock.yml" in held.locked().fix and "praxis_take_over=a" in held.locked().fix
    assert (held.at_work().code, held.at_work().level) == ("fleet-locked", "warning")
    assert code(deployment("b", 2), HAND, now=40) == "fleet-locked"
    # Nothing was begun under it, so there is nothing to go on from.
    assert lock.holder(observations(101, m1=HAND), elsewhere) is None
    assert fence.takes(HAND, deployment("b"), None, (), 101) == deployment("b", 2)


def test_a_person_asks_the_first_member_with_a_number_above_all_others() -> None:
    person = {"run": "p", "owner": "bob@desk", "reason": "why"}
    seen = observations(5, m1=ENDED, m2=deployment("b", 4).record(0, ended=True))
    found = lock.by_hand(seen, ["m2", "m1"], person, 60.0)
    assert found == {**person, "process": {}, "lock_host": "m1", "fence": 5, "lease": 60.0}


def test_a_deployment_is_no_person_s() -> None:
    held = lock.holder(observations(1, m1=AT_WORK), elsewhere)
    assert held is not None and not held.by_hand
    assert held.at_work().code == "deploying"


def test_a_person_who_locks_again_for_the_same_reason_has_the_lock() -> None:
    again = deployment("b", 2, process={}, reason="migration")
    assert fence.takes(HAND, again, None, (), 40) is None
    assert code(replace(again, reason="another"), HAND, now=40) == "fleet-locked"
    assert code(replace(again, owner="bob@desk"), HAND, now=40) == "fleet-locked"
    assert fence.takes(HAND, again, None, (), 101) == again


def test_a_lock_in_a_diff_says_nothing_that_differs_from_run_to_run() -> None:
    assert fence.shown(HAND) == "fence 1, locked by ann@desk (migration)\n"
    assert fence.shown(AT_WORK) == "fence 1, deployment a, at work\n"
    assert fence.shown({**HAND, "ended": True}) == "fence 1, deployment a, ended\n"


LOCKED = {**deployment("p", 2, process={}).record(50, ended=False), "under": AT_WORK}


@pytest.mark.parametrize(
    ("record", "now", "run"),
    [(LOCKED, 60, "p"), ({**LOCKED, "ended": True}, 60, "a"), (LOCKED, 200, "a"),
     ({**LOCKED, "ended": True, "under": None}, 60, None)],
)  # fmt: skip
def test_when_a_person_s_lock_is_over_what_had_stopped_before_is_to_be_seen_to_again(
    record: dict[str, Any], now: float, run: Optional[str]
) -> None:
    held = lock.holder(observations(now, m1=record), elsewhere)
    assert (held and held.run) == run
    if held and run == "a":
        assert held.gone, "the person has taken the fleet over from it"
        assert lock.begun(observations(now, m1=record), "mine")
    assert lock.top(observations(now, m1=record)) == 2, "the next deployment has a greater number than the person"
