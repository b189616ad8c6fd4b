# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock of a fleet in ECS: of all that come at the same time one has it, and the others name it."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.ecs_lock import EcsLock
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Poll
from ansible_collections.praxis.cloud.plugins.module_utils.ecs import lock
from ansible_collections.praxis.cloud.plugins.module_utils.ecs.lock import Ticket
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from tests.unit.ecs.conftest import Account
from tests.unit.ecs.made import codes, kind, plan


def made(revision: int, active: bool = True, at: float = 0.0, run: str = "") -> Ticket:
    return Ticket(f"arn/{revision}", revision, active, at, run or f"run-{revision}", "somebody", "deployment", 100)


@given(st.lists(st.booleans(), min_size=1, max_size=8))
def test_of_all_active_revisions_exactly_one_holds(active: list[bool]) -> None:
    tickets = [made(number, is_active) for number, is_active in enumerate(active, 1)]
    holding = [each for each in tickets if each.active and lock.holder(each, tickets) is None]
    assert len(holding) == (1 if any(active) else 0)


def test_a_lock_ends_by_itself_when_its_time_is_over_or_its_run_is_known_to_be_dead() -> None:
    first = made(1, at=0.0)
    assert lock.holder(made(2, at=99.0), [first]) == first
    assert lock.holder(made(2, at=100.0), [first]) is None
    assert lock.holder(made(2, at=1.0), [first], take_over="run-1") is None
    assert lock.holder(made(2, at=1.0), [first], take_over="run-7") == first


def test_a_lock_lasts_longer_than_the_deployment_may_take() -> None:
    settings = kind({"timeout": 900, "grace": 30}).settings
    assert lock.lease([settings, replace(settings, timeout=100)]) > 2 * 1000 + 60


def ecs_lock(name: str, waits: list[float] | None = None, **options: Any) -> EcsLock:
    waited = waits if waits is not None else []
    poll = Poll(interval=2.0, clock=lambda: sum(waited), sleep=waited.append)
    deployment = {"run": name, "owner": f"{name}@host", "reason": "deployment"}
    return EcsLock(plan().aws, "demo", deployment, 600, poll=poll, **options)


@pytest.mark.slow
def test_a_second_run_names_the_first_and_writes_nothing_but_its_own_revision(account: Account) -> None:
    with ecs_lock("one").held() as left:
        assert left == []
        account.cloud.operations.clear()
        with pytest.raises(Failed) as raised, ecs_lock("two").held():
            pytest.fail("two hold it")
        assert codes(raised.value) == ["fleet-locked"]
        said = raised.value.findings[0]
        assert "Deployment one of one@host (deployment) is at work" in said.what
        assert "praxis_take_over=one" in said.fix and said.where == "praxis-demo--lock:1"
        assert account.cloud.changes() == ["RegisterTaskDefinition", "DeregisterTaskDefinition"]
    with ecs_lock("two").held() as left:
        assert left == []


def test_a_run_waits_for_the_end_of_another(account: Account) -> None:
    first = ecs_lock("one").held()
    first.__enter__()
    waits: list[float] = []

    class Ending(list[float]):
        def append(self, seconds: float) -> None:
            super().append(seconds)
            if len(self) == 3:
                first.__exit__(None, None, None)

    waits = Ending()
    with ecs_lock("two", waits, wait=60.0).held():
        assert len(waits) == 3


@pytest.mark.slow
def test_a_run_that_waits_in_vain_names_the_other(account: Account) -> None:
    waits: list[float] = []
    with ecs_lock("one").held(), pytest.raises(Failed) as raised, ecs_lock("two", waits, wait=20.0).held():
        pytest.fail("two hold it")
    assert codes(raised.value) == ["fleet-locked"] and sum(waits) == 20.0


@pytest.mark.slow
def test_a_dead_run_is_taken_over_and_named(account: Account) -> None:
    dead = ecs_lock("one").held()
    dead.__enter__()
    with ecs_lock("two", take_over="one").held() as left:
        assert [(finding.code, finding.level) for finding in left] == [("unfinished", "warning")]
        assert "one of one@host" in left[0].what
    with ecs_lock("three").held() as left:
        assert left == []


@pytest.mark.slow
def test_of_many_at_the_same_moment_one_alone_holds_it(account: Account) -> None:
    start, others_refused = threading.Barrier(6), threading.Semaphore(0)
    held: list[str] = []
    refused: list[list[str]] = []

    def run(name: str) -> None:
        start.wait()
        try:
            with ecs_lock(name).held():
                held.append(name)
                for _other in range(5):  # while this one holds it
                    others_refused.acquire(timeout=60)
        except Failed as error:
            refused.append(codes(error))
            others_refused.release()

    threads = [threading.Thread(target=run, args=(f"run{number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(held) == 1 and refused == [["fleet-locked"]] * 5


def test_a_failure_inside_gives_it_back(account: Account) -> None:
    with pytest.raises(ZeroDivisionError), ecs_lock("one").held():
        raise ZeroDivisionError
    with ecs_lock("two").held() as left:
        assert left == []
