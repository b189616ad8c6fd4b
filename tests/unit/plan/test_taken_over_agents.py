# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Agents that a deployment which stopped has activated, and whose release nobody has called good.

A run of the same release does nothing to them. They count as activated by it: they have to last, a crash of theirs is
an error, and they are rolled back with the others.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible import constants

from ansible_collections.praxis.cloud.plugins.action import agent_info
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.plugin_utils.run_directory import RunDirectory
from tests.unit.fleet.made import fleet, meshed
from tests.unit.plan.test_balancers import Balancer
from tests.unit.plan.test_verify import PACE, judged, ordered

PLAN = fleet(2)
SOAK = 30


def armed(seen: dict[str, Any], **container: Any) -> dict[str, Any]:
    """The same host, which another deployment has activated 5 s ago."""
    runs = seen["release"]["running"]
    switch = {"armed": {"run": "dead", "wanted": runs, "back": "81bb02", "until": 1}, "rolled_back": None}
    young = {"id": "c1", "age": 5.0, "restarts": 0, "part": runs, **container}
    return {**seen, "switch": switch, "container": {**seen["container"], **young},
            "release": {**seen["release"], "good": "81bb02"}}  # fmt: skip


def left(folder: Path, monkeypatch: pytest.MonkeyPatch, **container: Any) -> RunDirectory:
    """A run that found m1 so; m2 has been called good already."""
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(folder))
    each: dict[str, Any] = {name: {} for name in PLAN.members}
    words = {"take_over": None, "unfinished": "continue", "soak": SOAK, "deadline": 300}
    options = {"hosts": list(PLAN.members), "id": PLAN.id, "deployment": {"run": "mine"}, **words, **PACE}
    run = RunDirectory.create(PLAN, each, each, options)
    seen = meshed(PLAN)
    seen["m2"]["release"]["good"] = seen["m2"]["release"]["running"]
    seen["m1"] = armed(seen["m1"], **container)
    for name, one in seen.items():
        run.report(name, {"outcome": "prepared", "activation": "none", "observation": one})
    return run


def observed(run: RunDirectory, name: str, **args: Any) -> dict[str, Any]:
    """What the host is asked for."""
    action = object.__new__(agent_info.ActionModule)
    return action.arguments(run, name, args)


def test_it_has_to_last_before_anybody_is_drained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = left(tmp_path, monkeypatch)
    assert (ordered(run)["unconfirmed"], ordered(run)["lock"]) == (["m1"], ["m1"])
    assert (run.touched(), observed(run, "m1")["soak"]) == ({}, 0), "nothing is taken over before the lock is"
    asked = observed(run, "m1", taken_over=True, settle=60)
    assert (asked["soak"], "taken_over" in asked) == (SOAK, False)
    assert asked["settle"] == 300, "it may have been started a moment ago, and has the time of a gate"
    assert (run.touched(), run.activated_names()) == ({"m1": "81bb02"}, ["m1"])


@pytest.mark.parametrize(("restarts", "codes"), [(0, []), (2, ["agent-restarted"])])
def test_a_crash_since_its_activation_is_an_error_and_rolls_it_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, restarts: int, codes: list[str]
) -> None:
    run = left(tmp_path, monkeypatch, restarts=restarts)
    ordered(run)
    run.lock.take({"run": "mine", "lock_host": "m1", "fence": 4, "lease": 900})
    observed(run, "m1", taken_over=True)
    found = judged(run, batch=["m1"], mesh=False)
    assert [item["code"] for item in found["findings"]] == codes
    assert found["roll_back"]["hosts"] == (["m1"] if codes else [])
    assert (judged(run)["ok"], judged(run)["confirm"]) == (not codes, [] if codes else ["m1"])


def test_who_crashed_is_rolled_back_before_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """m2 may never have been put in, and then m1 could not leave."""
    run = left(tmp_path, monkeypatch)
    run.report("m2", {"observation": armed(meshed(PLAN)["m2"], restarts=1)})
    ordered(run)
    run.lock.take({"run": "mine", "lock_host": "m1", "fence": 4, "lease": 900})
    for name in ("m1", "m2"):
        observed(run, name, taken_over=True)
    assert judged(run)["roll_back"] == {"hosts": ["m2", "m1"], "serial": [1, 1]}


def test_restarts_of_a_container_that_an_earlier_release_had_already_say_nothing_of_this_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A release may differ in its services alone, and leave the agent's container as it is."""
    run = left(tmp_path, monkeypatch, restarts=2, part="earlier")
    run.lock.take({"run": "mine", "lock_host": "m1", "fence": 4, "lease": 900})
    observed(run, "m1", taken_over=True)
    assert judged(run)["ok"]


def new(seen: dict[str, Any], **container: Any) -> dict[str, Any]:
    """The same host, which another deployment was about to add to the fleet: it has nothing to go back to."""
    here = armed(seen, **container)
    return {**here, "switch": {"armed": None, "rolled_back": None}, "release": {**here["release"], "good": None}}


@pytest.mark.parametrize(("then", "codes"), [(3, []), (4, ["agent-restarted"])])
def test_a_new_machine_has_to_last_as_well_and_is_no_machine_without_an_agent_for_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, then: int, codes: list[str]
) -> None:
    run = left(tmp_path, monkeypatch)
    young = new(meshed(PLAN)["m1"], restarts=3)  # nobody knows since when
    run.report("m1", {"outcome": "prepared", "activation": "none", "observation": young})
    assert ordered(run)["unconfirmed"] == ["m1"]
    run.lock.take({"run": "mine", "lock_host": "m1", "fence": 4, "lease": 900})
    assert observed(run, "m1", taken_over=True)["soak"] == SOAK
    run.report("m1", {"observation": new(meshed(PLAN)["m1"], age=31.0, restarts=then)})
    assert [item["code"] for item in judged(run, batch=["m1"], mesh=False)["findings"]] == codes
    found = judged(run)
    assert (found["confirm"], found["roll_back"]["hosts"]) == ([] if codes else ["m1"], [])


def test_what_was_rolled_back_is_not_taken_over_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = left(tmp_path, monkeypatch)
    observed(run, "m1", taken_over=True)
    run.roll_back("m1")
    assert (observed(run, "m1")["soak"], run.activated_names()) == (0, [])


@pytest.mark.parametrize(
    ("container", "others"),
    [({}, ["i-m3", "i-m4"]), ({"age": 31.0}, ["i-m2", "i-m3", "i-m4"]),
     ({"age": 31.0, "restarts": 1}, ["i-m3", "i-m4"])],
)  # fmt: skip
@pytest.mark.parametrize("left_by", [armed, new])
def test_nobody_brings_in_what_nobody_has_seen_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left_by: Any, container: dict[str, Any], others: list[str]
) -> None:
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path))
    one = Balancer(tmp_path, batch=2, soak=SOAK)
    one.observations["m2"] = left_by(one.observations["m2"], **container)
    if left_by is new and "restarts" in container:
        others = ["i-m2", *others]  # it may have been restarted weeks ago
    assert not one.set("absent", "m1").get("failed")
    assert [target["id"] for target in one.asked[0][1]] == others


def test_where_nobody_else_serves_they_are_brought_in_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch of all was drained when its deployment was killed, and this run replaces one after the other."""
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path))
    one = Balancer(tmp_path, soak=SOAK)
    one.observations = {name: armed(seen) for name, seen in one.observations.items()}
    assert not one.set("absent", "m1").get("failed")
    assert [target["id"] for target in one.asked[0][1]] == ["i-m2", "i-m3", "i-m4"]


@pytest.mark.parametrize(("state", "codes"), [("healthy", []), ("unhealthy", ["floor"])])
def test_in_service_it_counts_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str, codes: list[str]
) -> None:
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path))
    one = Balancer(tmp_path, soak=SOAK)
    one.observations["m2"] = armed(one.observations["m2"])
    one.others = [{"id": "i-m2", "port": 8001, "state": state}]
    assert [item["code"] for item in one.set("absent", "m1").get("failures", [])] == codes


@pytest.mark.parametrize("down", [False, True])
@pytest.mark.parametrize(("state", "codes"), [("unused", []), ("healthy", ["floor"])])
def test_who_has_not_lasted_and_was_never_put_in_can_leave_however_few_serve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str, codes: list[str], down: bool
) -> None:
    """A batch of two had been drained when its deployment was killed; this run replaces one at a time."""
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path))
    one = Balancer(tmp_path, soak=SOAK)
    for name in ("m2", "m3"):
        one.observations[name] = armed(one.observations[name])
    if down:
        one.observations["m4"]["container"] = None
    one.others = [{"id": "i-m2", "port": 8001, "state": state}]
    if down and codes:  # too few others serve, whatever the balancer says of them
        with pytest.raises(Failed) as error:
            one.set("absent", "m2")
        assert [item.code for item in error.value.findings] == codes
        return
    assert [item["code"] for item in one.set("absent", "m2").get("failures", [])] == codes


@pytest.mark.parametrize(
    ("container", "drained", "others", "asked"),
    [
        ({}, False, True, ["i-m1"]),
        ({"age": 600.0, "restarts": 1}, False, True, ["i-m1"]),
        ({"age": 31.0}, False, True, ["i-m1", "i-m2"]),
        # It was in service when this run came, and goes back there.
        ({"age": 600.0, "restarts": 1}, True, True, ["i-m1", "i-m2"]),
        # A batch of all was drained when its deployment was killed: better one that may crash than nobody.
        ({}, False, False, ["i-m1", "i-m2"]),
    ],
)
def test_a_run_that_ends_before_it_has_seen_an_agent_last_gives_it_no_requests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, container: dict[str, Any], drained: bool, others: bool,
    asked: list[str],
) -> None:  # fmt: skip
    """A host that cannot be prepared, or the user's own task, has ended it."""
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path))
    one = Balancer(tmp_path, soak=SOAK)
    one.observations = {name: one.observations[name] for name in ("m1", "m2")}
    for name in ("m2",) if others else ("m1", "m2"):
        one.observations[name] = armed(one.observations[name], **container)
    if drained:
        one.run.drain("m2", 0)
    one.set("present", "m1", "m2", departed=True)
    assert [target["id"] for target in one.asked[-1][1]] == asked
    assert not one.set("present", "m1", "m2", observe=True).get("failed")
    assert [target["id"] for target in one.asked[-1][1]] == ["i-m1", "i-m2"], "who only looks looks at all"


def test_without_a_balancer_whoever_runs_has_clients(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path))
    one = Balancer(tmp_path, soak=SOAK, balancers=[])
    one.observations["m2"] = armed(one.observations["m2"])
    one.observations["m4"]["container"] = None
    with pytest.raises(Failed) as error:
        one.set("absent", "m2")
    assert [item.code for item in error.value.findings] == ["floor"]
