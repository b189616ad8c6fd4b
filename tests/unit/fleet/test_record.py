# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a run's journal and its verdict to the record of a deployment."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.praxis.cloud.plugins.module_utils.fleet import record
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.batches import Pace
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.order import make_order
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.outcomes import observations_of
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.record import (
    ACTIVATE,
    CONFIRM,
    DRAIN,
    OBSERVE,
    PREPARE,
    ROLL_BACK,
)

from .made import fleet, meshed
from .recorded import BEGAN, CRASHED, OLD, STUCK, Journal, crashed, failed, good, record_of


def of(found: dict[str, Any], name: str) -> dict[str, Any]:
    (row,) = [row for row in found["members"] if row["name"] == name]
    return row


def test_a_failed_deployment_says_who_was_rolled_back_and_who_was_not() -> None:
    found = failed()
    assert (found["verdict"], found["kind"], found["owner"], found["fence"]) == ("bad", "deploy", "anna@desk", 7)
    assert [row["result"] for row in found["members"]] == ["rolled back", "not rolled back", "unchanged"]
    assert [row["batch"] for row in found["members"]] == [1, 2, 3]
    assert [step["step"] for step in of(found, "m2")["steps"]] == [PREPARE, DRAIN, ACTIVATE, OBSERVE, ROLL_BACK]
    assert [step["outcome"] for step in of(found, "m2")["steps"]] == ["ok"] * 4 + ["gate-timeout"]
    assert [(gate["members"], gate["outcome"]) for gate in found["gates"]] == [
        (["m1"], "ok"), (["m2"], "agent-restarted")]  # fmt: skip
    assert found["findings"] == [CRASHED, STUCK]
    assert (len(found["mesh"]["planned"]), len(found["mesh"]["before"]), found["mesh"]["after"]) == (
        3, 3, [["m1", "m2"]])  # fmt: skip


def test_a_good_one() -> None:
    found = good(4)
    assert found["verdict"] == "good"
    assert {row["result"] for row in found["members"]} == {"confirmed"}
    assert {(row["from"], row["to"]) for row in found["members"]} == {
        (OLD, member.release) for member in fleet(4).members.values()
    }


def test_times_are_in_utc() -> None:
    found = failed()
    assert (found["began"], found["ended"]) == ("2027-01-15T08:00:00.000Z", "2027-01-15T08:02:20.000Z")
    first = of(found, "m1")["steps"][0]
    assert (first["began"], first["ended"]) == ("2027-01-15T08:00:00.000Z", "2027-01-15T08:00:10.000Z")


@given(st.floats(min_value=0, max_value=4e9))
def test_a_moment_comes_back(at: float) -> None:
    assert record.seconds(record.moment(at)) == pytest.approx(at, abs=0.001)


@pytest.mark.parametrize(
    ("steps", "findings", "result"),
    [
        ([], [], "unchanged"),
        ([(PREPARE, "ok")], [], "unchanged"),
        ([(PREPARE, "module-failed")], [CRASHED], "unchanged"),
        ([(ACTIVATE, "ok")], [CRASHED], "activated"),
        ([(ACTIVATE, "fenced")], [CRASHED], "failed"),
        ([(ACTIVATE, "ok"), (CONFIRM, "ok")], [], "confirmed"),
        ([(ACTIVATE, "ok"), (CONFIRM, "unreachable")], [CRASHED], "activated"),
        ([(CONFIRM, "ok")], [], "confirmed"),
        ([(ACTIVATE, "gate-timeout"), (ROLL_BACK, "ok")], [CRASHED], "rolled back"),
        ([(ACTIVATE, "ok"), (ROLL_BACK, "unreachable")], [CRASHED], "not rolled back"),
        ([(ACTIVATE, "ok")], [{**STUCK, "where": "m1"}], "not rolled back"),
        ([(ACTIVATE, "ok"), (ROLL_BACK, "ok")], [STUCK], "rolled back"),
    ],
)
def test_what_came_of_a_host(steps: list[tuple[str, str]], findings: list[dict[str, Any]], result: str) -> None:
    journal = Journal()
    for step, outcome in steps:
        journal.add(step, "m1", outcome=outcome)
    assert of(record_of(2, journal, findings), "m1")["result"] == result
    assert result in record.RESULTS


def test_a_rollback_says_where_to() -> None:
    found = record_of(2, crashed(), reason="rollback to 20270101T000000Z-000000")
    assert (found["kind"], found["reason"]) == ("rollback", "rollback to 20270101T000000Z-000000")


def test_a_run_that_was_refused_has_no_fence_and_no_batch() -> None:
    plan = fleet(2)
    deployment = {"run": "r", "owner": "o", "reason": "deploy"}
    verdict = {"plan_id": plan.id, "ok": False, "findings": [CRASHED], "members": []}
    found = record.make(record.Ran(deployment, BEGAN, BEGAN, {}, []), plan, verdict, ())
    assert (found["fence"], found["members"], found["mesh"]["before"], found["gates"]) == (None, [], [], [])


@pytest.mark.parametrize(
    ("state", "step"),
    [(None, "observe"), ("prepared", "prepare"), ("active", "activate"), ("confirmed", "confirm"),
     ("restored", "roll back"), ("absent", "drain"), ("present", "rejoin")],
)  # fmt: skip
def test_every_state_is_a_step(state: str | None, step: str) -> None:
    assert record.step_of(state) == step and step in record.STEPS


def test_what_was_there_before() -> None:
    plan = fleet(4)
    observations = meshed(plan, without=[("m1", "m2")])
    outcomes = {name: {"activation": "start", "observation": observation} for name, observation in observations.items()}
    order = make_order(plan, outcomes, plan.members, Pace(batch=2))
    found = record.before(order, observations_of(outcomes))
    assert found["batches"] == [["m1"], ["m2", "m3"], ["m4"]]
    assert len(found["live"]) == 5 and ("m1", "m2") not in found["live"]
    assert found["releases"] == {name: member.release for name, member in plan.members.items()}


def test_it_is_plain() -> None:
    assert json.loads(json.dumps(failed())) == failed()


def test_it_has_exactly_the_documented_keys() -> None:
    assert list(failed()) == [
        "format", "fleet", "deployment", "kind", "reason", "plan", "owner", "fence", "began", "ended", "verdict",
        "members", "gates", "mesh", "findings",
    ]  # fmt: skip
    assert list(of(failed(), "m1")) == [
        "name", "slot", "zone", "batch", "from", "to", "runs", "health", "result", "steps"]  # fmt: skip
