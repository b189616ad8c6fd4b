# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdict as an action: what this run has done and recorded, beside what the machines show now."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible import constants

from ansible_collections.praxis.cloud.plugins.action import fleet_order, fleet_verify
from ansible_collections.praxis.cloud.plugins.module_utils.deployment import REFUSALS
from ansible_collections.praxis.cloud.plugins.module_utils.finding import WARNING, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import switches
from ansible_collections.praxis.cloud.plugins.plugin_utils.run_directory import RunDirectory
from tests.unit.fleet.made import fleet, meshed, order

PLAN = fleet(2)
STOPPED = Finding("container-exited", "The agent ended.", "m1", "Read its log.")
ARGS: dict[str, Any] = {"batch": None, "mesh": True, "balancer": {}, "also": [], "hook": None, "strict": False,
                        "show": False}  # fmt: skip
PACE = {"batch": 1, "canary": 1, "min_available": None, "max_unreachable": 0}
ELSEWHERE = {"place": "another machine", "pid": 7, "started": "1"}
NOBODY: dict[str, Any] = {"hosts": [], "serial": []}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunDirectory:
    """Two members that are well; m1 was touched."""
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path))
    each: dict[str, Any] = {name: {} for name in PLAN.members}
    words = {"take_over": None, "unfinished": "continue"}
    options = {"hosts": list(PLAN.members), "id": PLAN.id, "deployment": {"run": "mine"}, **words, **PACE}
    made = RunDirectory.create(PLAN, each, each, options)
    for name, observation in meshed(PLAN).items():
        observation["release"]["good"] = "81bb02"
        made.report(name, {"outcome": "unchanged", "observation": observation})
    made.touch("m1", "81bb02")
    return made


def judged(run: RunDirectory, **args: Any) -> dict[str, Any]:
    action = object.__new__(fleet_verify.ActionModule)
    action._task = SimpleNamespace(check_mode=False)
    found: dict[str, Any] = action.judge(run, {**ARGS, **args})["verdict"]
    return found


def test_all_is_well(run: RunDirectory) -> None:
    found = judged(run)
    assert (found["ok"], found["findings"], found["roll_back"], found["good"]) == (True, [], NOBODY, ["m1", "m2"])
    assert found["observe_again"] is False


def test_two_members_that_are_one_machine_are_named(run: RunDirectory) -> None:
    for name, observation in meshed(PLAN).items():
        run.report(name, {"observation": {**observation, "host": {"machine": "a/1/2"}}})
    (found,) = judged(run, strict=True)["findings"]
    assert (found["code"], found["level"], "m1, m2" in found["what"]) == ("shared-machine", "error", True)


def test_who_was_left_out_does_not_make_a_deployment_bad(run: RunDirectory) -> None:
    gone = Finding("host-unreachable", "It cannot be reached.", "m2", "Start it.", level="warning")
    run.order.keep(order(left_out=(gone,)), {})
    run.record([gone])
    run.report("m2", {"unreachable": "timed out"})
    found = judged(run)
    assert (found["ok"], [item["level"] for item in found["findings"]]) == (True, ["warning"])
    # And when it is back in the middle of the run, with what it had.
    run.report("m2", {"observation": {**meshed(PLAN)["m2"], "release": {"running": "before", "good": "then"}}})
    assert [(item["code"], item["level"]) for item in judged(run)["findings"]] == [
        ("host-unreachable", "warning"), ("other-release", "warning")]  # fmt: skip
    assert (judged(run)["ok"], judged(run)["confirm"]) == (True, ["m1"])


def in_check_mode(run: RunDirectory) -> dict[str, Any]:
    action = object.__new__(fleet_verify.ActionModule)
    action._task = SimpleNamespace(check_mode=True)
    found: dict[str, Any] = action.judge(run, ARGS)["verdict"]
    return found


def test_check_mode_counts_no_edge_of_those_it_would_activate(run: RunDirectory) -> None:
    """Nor does it complain of one: the deployment itself would find it live, or fix it."""
    outcome = run.outcome("m2") or {}
    run.report("m2", {**outcome, "observation": {**outcome["observation"], "edges": []}})
    run.order.keep(order(activate=["m2"], serial=[1], min_edges={"m2": 1}), {})
    found = in_check_mode(run)
    assert (found["ok"], found["findings"]) == (True, [])
    assert (found["edges"], found["unobserved_edges"]) == ({"live": 0, "planned": 0}, 1)
    assert [row["edges"] for row in found["members"]] == [{"live": None, "expected": 1}] * 2
    run.order.keep(order(), {})
    assert (in_check_mode(run)["ok"], in_check_mode(run)["edges"]) == (False, {"live": 0, "planned": 1})


def test_what_went_wrong_in_this_run_is_no_success_however_well_all_is_now(run: RunDirectory) -> None:
    run.record([STOPPED])
    found = judged(run)
    assert (found["ok"], found["roll_back"]) == (False, {"hosts": ["m1"], "serial": [1]})
    assert [(item["code"], item["where"]) for item in found["findings"]] == [("container-exited", "m1")]


def test_that_a_host_got_its_release_back_is_not_reported_beside_the_reason(run: RunDirectory) -> None:
    run.record([STOPPED])
    outcome = run.outcome("m1") or {}
    run.report("m1", {**outcome, "observation": {**outcome["observation"], "release": {"running": "81bb02"}}})
    found = judged(run)
    assert (found["ok"], [item["code"] for item in found["findings"]]) == (False, ["container-exited"])


def test_what_a_batch_has_wrong_is_remembered_to_the_end(run: RunDirectory) -> None:
    outcome = run.outcome("m1") or {}
    run.report("m1", {**outcome, "observation": {**outcome["observation"], "container": None}})
    assert judged(run, batch=["m1"])["findings"][0]["code"] == "no-container"
    run.report("m1", outcome)
    assert (judged(run)["ok"], judged(run)["roll_back"]["hosts"]) == (False, ["m1"])


def test_a_warning_hides_nothing(run: RunDirectory) -> None:
    run.record([Finding("rolled-back-itself", "It went back.", "m1", "See why.", level=WARNING)])
    run.report("m1", {"unreachable": "no route to host"})
    found = judged(run)
    assert (found["ok"], [item["code"] for item in found["findings"]]) == (
        False, ["rolled-back-itself", "host-unreachable"])  # fmt: skip
    run.report("m1", {"outcome": "unchanged", "observation": {**meshed(PLAN)["m1"], "release": {"running": "old"}}})
    assert not judged(run)["ok"]


@pytest.mark.parametrize(("point", "ok"), [("before_batch", False), ("plan", False), ("success", True)])
def test_a_hook_that_fails_stops_what_can_still_be_stopped(run: RunDirectory, point: str, ok: bool) -> None:
    judged(run, hook={"point": point, "task": "Ask the pager", "said": "no answer"})
    found = judged(run)
    (finding,) = found["findings"]
    assert (found["ok"], finding["code"], finding["where"]) == (ok, "hook-failed", f"praxis_hooks.{point}")
    assert "Ask the pager" in finding["what"] and "no answer" in finding["what"]
    assert found["roll_back"]["hosts"] == ([] if ok else ["m1"])


def test_a_warning_stops_nothing(run: RunDirectory) -> None:
    run.record([Finding("w", "What.", "m1", "Fix.", level=WARNING)])
    assert (judged(run)["ok"], judged(run)["roll_back"]) == (True, NOBODY)


@pytest.mark.parametrize(("member", "reported"), [("m1", ["target-not-healthy"]), ("m9", [])])
def test_a_member_that_its_balancer_does_not_serve_is_reported(
    run: RunDirectory, member: str, reported: list[str]
) -> None:
    target = {"member": member, "state": "unhealthy", "healthy": False, "description": ""}
    found = judged(run, balancer={"targets": [target]})
    assert [item["code"] for item in found["findings"]] == reported


def test_a_member_that_its_balancer_has_at_another_port_too_is_reported(run: RunDirectory) -> None:
    found = judged(run, balancer={"stale": [{"member": "m1", "port": 8001}]})
    assert [(item["code"], item["where"], item["level"]) for item in found["findings"]] == [
        ("target-stale", "m1", "warning")]  # fmt: skip
    assert "port 8001" in found["findings"][0]["what"]


def restarted(run: RunDirectory, restarts: int, container: str = "c1") -> None:
    """m1 was activated with container c1, and shows this now."""
    run.activate("m1", {"id": "c1", "restarts": 0})
    outcome = run.outcome("m1") or {}
    observation = outcome["observation"]
    seen = {**observation["container"], "id": container, "restarts": restarts}
    run.report("m1", {**outcome, "observation": {**observation, "container": seen}})


@pytest.mark.parametrize(
    ("restarts", "container", "reported"), [(0, "c1", []), (2, "c1", ["agent-restarted"]), (2, "other", [])])
def test_an_agent_that_was_started_again_since_its_activation(
    run: RunDirectory, restarts: int, container: str, reported: list[str]
) -> None:
    restarted(run, restarts, container)
    found = judged(run, batch=["m1"], mesh=False)
    assert [item["code"] for item in found["findings"]] == reported
    assert found["ok"] is not bool(reported)


@pytest.mark.parametrize(
    ("current", "compose", "running", "code"),
    [("r1", "2.26.1", False, "engine-down"), ("r1", "2.26.1", True, "no-container"),
     (None, "2.26.1", False, "no-container"), ("r1", None, False, "no-container")],
)  # fmt: skip
def test_where_no_engine_answers_nobody_says_that_there_is_no_agent(
    run: RunDirectory, current: str | None, compose: str | None, running: bool, code: str
) -> None:
    """It may well serve: the engine's live-restore leaves containers alone."""
    outcome = run.outcome("m2") or {}
    seen = {"container": None, "engine": {"running": running, "compose": compose}, "release": {"current": current}}
    run.report("m2", {**outcome, "observation": {**outcome["observation"], **seen}})
    found = judged(run, strict=True)
    assert [(item["code"], item["where"]) for item in found["findings"]] == [(code, "m2")]
    assert ("systemctl start docker" in found["findings"][0]["fix"]) == (code == "engine-down")
    assert [row["health"] for row in found["members"]] == ["healthy", code]


def aged(run: RunDirectory, name: str, what: dict[str, Any], age: float | None, service: bool = False) -> None:
    """The agent of a member, or a service beside it, was started so many seconds ago."""
    outcome = run.outcome(name) or {}
    seen = outcome["observation"]
    part = {"state": "running", "health": "healthy", "part": "p1", "wanted": "p1", "age": age, **what}
    more = {"services": {"cache": part}} if service else {"container": {**seen["container"], **part}}
    run.report(name, {**outcome, "observation": {**seen, **more}})


@pytest.mark.parametrize(
    ("restarts", "age", "warned"),
    [(57, 4.0, True), (1, 599.0, True), (57, 601.0, False), (0, 4.0, False), (2, None, False)],
)  # fmt: skip
@pytest.mark.parametrize(("service", "code"), [(False, "agent-restarted"), (True, "service-restarted")])
def test_who_observes_reads_that_something_has_just_been_started_again(
    run: RunDirectory, restarts: int, age: float | None, warned: bool, service: bool, code: str
) -> None:
    """What crashes again and again answers in between, and the engine's count alone says nothing of when."""
    aged(run, "m2", {"restarts": restarts}, age, service)
    found = judged(run, strict=True)
    said = [(item["code"], item["where"], item["level"]) for item in found["findings"]]
    assert (found["ok"], said) == (True, [(code, "m2", "warning")] if warned else [])
    # A deployment compares with what it has activated itself.
    assert judged(run)["findings"] == []


def listing(run: RunDirectory, name: str, *multiaddrs: str, **seen: Any) -> None:
    """What a member's host has for a bootstrap list."""
    outcome = run.outcome(name) or {}
    peers = {"revision": "0f0f", "multiaddrs": list(multiaddrs)}
    observation = {**outcome["observation"], "peers": peers, **seen}
    run.report(name, {**outcome, "observation": observation})


def test_who_observes_reads_whose_bootstrap_list_lacks_a_member(run: RunDirectory) -> None:
    """An agent dials once, after its start: whom it does not list it has lost when it starts again."""
    wanted = {name: PLAN.peers(name)["multiaddrs"] for name in PLAN.members}
    listing(run, "m1", *wanted["m1"], wanted["m1"][0].replace("10.0.0.2", "10.0.0.9"))  # one that has left
    listing(run, "m2", *wanted["m2"])
    assert judged(run, strict=True)["findings"] == []
    listing(run, "m1", wanted["m1"][0].replace("10.0.0.2", "10.0.0.9"))
    found = judged(run, strict=True)
    (finding,) = found["findings"]
    assert (found["ok"], finding["code"], finding["where"], finding["level"]) == (True, "peers-stale", "m1", "warning")
    assert "lacks m2:" in finding["what"]
    assert judged(run)["findings"] == [], "a deployment brings it up to date"


def test_a_newcomer_that_does_not_serve_yet_is_nobody_s_to_list(run: RunDirectory) -> None:
    listing(run, "m1")
    outcome = run.outcome("m2") or {}
    run.report("m2", {**outcome, "observation": {**outcome["observation"], "container": None}})
    assert [item["code"] for item in judged(run, strict=True)["findings"]] == ["no-container"]


@pytest.mark.parametrize("seen", [{"container": None}, {"release": {"running": "old"}}, {"api": {"health": None}},
                                  {"peers": {"revision": None, "multiaddrs": None}}])  # fmt: skip
def test_of_a_member_that_is_to_be_deployed_anyhow_its_list_is_not_told(
    run: RunDirectory, seen: dict[str, Any]
) -> None:
    listing(run, "m1", **seen)
    assert "peers-stale" not in [item["code"] for item in judged(run, strict=True)["findings"]]


def test_a_member_is_listed_at_the_port_where_it_listens_until_it_is_deployed(run: RunDirectory) -> None:
    """A run that has stopped half-way has changed nobody's list."""
    listing(run, "m1", *(text.replace("/4001/", "/4007/") for text in PLAN.peers("m1")["multiaddrs"]))
    outcome = run.outcome("m2") or {}
    run.report("m2", {**outcome, "observation": {**outcome["observation"], "p2p_port": 4007}})
    assert "peers-stale" not in [item["code"] for item in judged(run, strict=True)["findings"]]


def test_edges_are_not_judged_of_agents_that_have_just_started(run: RunDirectory) -> None:
    outcome = run.outcome("m1") or {}
    run.report("m1", {**outcome, "observation": {**outcome["observation"], "edges": []}})
    assert judged(run, batch=["m1"], mesh=False)["ok"]
    assert not judged(run, batch=["m1"])["ok"]


def test_a_run_that_stops_says_nothing_of_edges_that_it_has_not_observed_since(run: RunDirectory) -> None:
    """The others were observed before the agent was activated: they list its connections of before."""
    outcome = run.outcome("m2") or {}
    run.report("m2", {**outcome, "observation": {**outcome["observation"], "edges": []}})
    run.record([STOPPED])
    found = judged(run)
    assert [item["code"] for item in found["findings"]] == ["container-exited"]
    assert (found["roll_back"]["hosts"], found["observe_again"]) == (["m1"], True)
    run.roll_back("m1")
    after = judged(run)
    assert (after["roll_back"], after["observe_again"]) == (NOBODY, True)
    assert [item["code"] for item in after["findings"]] == ["container-exited", "edge-missing", "mesh-split"]


def test_only_after_a_good_verdict_is_a_release_to_be_confirmed(run: RunDirectory) -> None:
    assert judged(run)["confirm"] == ["m1", "m2"]
    outcome = run.outcome("m2") or {}
    release = outcome["observation"]["release"]
    confirmed = {**release, "good": release["running"]}
    run.report("m2", {**outcome, "observation": {**outcome["observation"], "release": confirmed}})
    assert judged(run)["confirm"] == ["m1"]
    run.record([STOPPED])
    assert judged(run)["confirm"] == []


def test_what_a_rollback_did_not_get_to_is_named_and_not_tried_again(run: RunDirectory) -> None:
    run.touch("m2", "81bb02")
    run.record([STOPPED])
    run.roll_back("m1")
    found = judged(run)
    assert found["roll_back"] == NOBODY
    assert [(item["code"], item["where"]) for item in found["findings"]] == [
        ("container-exited", "m1"), ("not-rolled-back", "m2")]


def behind_a_balancer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunDirectory:
    """Two members that were touched, each in a batch of its own."""
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path))
    each: dict[str, Any] = {name: {} for name in PLAN.members}
    balancers = [{"module": "m", "options": {}, "targets": {name: {"id": name} for name in PLAN.members}}]
    options = {"hosts": list(PLAN.members), "id": PLAN.id, "deployment": {"run": "mine"}, "balancers": balancers}
    run = RunDirectory.create(PLAN, each, each, {**options, **PACE})
    run.order.keep(order(activate=["m1", "m2"], serial=[1, 1]), {})
    for name, observation in meshed(PLAN).items():
        run.report(name, {"outcome": "activated", "observation": observation})
        run.touch(name, "81bb02")
    return run


def test_the_batch_that_failed_is_rolled_back_before_those_in_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = behind_a_balancer(tmp_path, monkeypatch)
    run.journal.write("rejoin", ["m1"], 1.0, "ok")
    run.record([STOPPED])
    assert judged(run)["roll_back"] == {"hosts": ["m2", "m1"], "serial": [1, 1]}
    run.journal.write("rejoin", ["m2"], 1.0, "ok")
    run.touch("m1", None)
    assert judged(run)["roll_back"] == {"hosts": ["m2", "m1"], "serial": [1, 1]}, "a new machine goes last"


def test_where_a_batch_was_refused_who_is_out_of_service_is_tried_first_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is lost by it, and who serves may leave only when that one is back."""
    run = behind_a_balancer(tmp_path, monkeypatch)
    run.journal.write("rejoin", ["m1"], 1.0, "ok")
    run.record([STOPPED])
    run.begin_rollback(["m1", "m2"])
    refused = judged(run, failed={"msg": "refused", "failures": [asdict(FLOOR)]})
    assert refused["roll_back_alone"] == {"hosts": ["m2", "m1"], "serial": [1, 1]}


DENIED = Finding("cloud-denied", "AWS answered AccessDenied.", "AWS elbv2 DeregisterTargets", "Grant it.")


def of_release(run: RunDirectory, name: str, running: str, **switch: Any) -> None:
    """What is observed of a member is that it runs this release."""
    outcome = run.outcome(name) or {}
    seen = {**outcome["observation"], "release": {"running": running, "good": "81bb02"}, "switch": switch}
    run.report(name, {**outcome, "observation": seen})


def test_a_rollback_whose_first_drain_is_refused_names_who_was_not_rolled_back_and_what_becomes_of_it(
    run: RunDirectory,
) -> None:
    run.record([DENIED])
    assert judged(run)["roll_back"]["hosts"] == ["m1"]
    armed = {"run": "mine", "wanted": PLAN.members["m1"].release, "back": "81bb02", "until": 1785595500.0}
    of_release(run, "m1", PLAN.members["m1"].release, armed=armed)
    of_release(run, "m2", "81bb02")
    run.begin_rollback()
    during = judged(run, failed={"msg": "refused", "failures": [asdict(DENIED)]})
    assert (during["roll_back"], during["observe_again"]) == (NOBODY, True)
    found = judged(run)
    assert (found["roll_back"], found["observe_again"]) == (NOBODY, True)
    assert [(item["code"], item["where"]) for item in found["findings"]] == [
        ("cloud-denied", DENIED.where), ("not-rolled-back", "m1")]  # fmt: skip
    assert "rolls itself back to release 81bb02 at 2026-08-01T14:45:00Z" in found["findings"][1]["what"]


FLOOR = Finding("floor", "Without m1, m2, 1 members would serve (m3), and 2 have to.", "fleet test", "Repair them.")


@pytest.mark.parametrize(
    ("batch", "findings", "alone"),
    [
        (["m1", "m2"], [FLOOR], ["m1", "m2"]),
        (["m1"], [FLOOR], []),
        (["m1", "m2"], [DENIED], []),
        (["m1", "m2"], [FLOOR, DENIED], []),
    ],
)
def test_of_a_batch_that_is_refused_for_the_floor_each_is_rolled_back_alone(
    run: RunDirectory, batch: list[str], findings: list[Finding], alone: list[str]
) -> None:
    run.touch("m2", "81bb02")
    run.record([STOPPED])
    run.begin_rollback(batch)
    found = judged(run, failed={"msg": "refused", "failures": [asdict(item) for item in findings]})
    assert found["roll_back_alone"] == {"hosts": alone, "serial": [1] * len(alone)}
    assert found["roll_back"] == NOBODY
    told = {item["code"] for item in found["findings"]}.difference({"container-exited"})
    assert told == (set() if alone else {item.code for item in findings}), "what comes of it is not known yet"


def test_who_was_rolled_back_before_a_batch_was_refused_has_had_its_turn(run: RunDirectory) -> None:
    run.touch("m2", "81bb02")
    run.begin_rollback(["m2"])
    run.roll_back("m2")
    run.begin_rollback(["m1", "m3"])
    found = judged(run, failed={"msg": "refused", "failures": [asdict(FLOOR)]})
    assert found["roll_back_alone"] == {"hosts": ["m1"], "serial": [1]}
    run.roll_back("m1")
    assert judged(run)["roll_back_alone"] == NOBODY and run.rollback_turn() == ["m1", "m3"]


def test_who_has_its_release_back_already_is_not_named_as_not_rolled_back(run: RunDirectory) -> None:
    """By itself, say, or because its activation did not get that far."""
    run.touch("m2", "81bb02")
    run.record([DENIED])
    of_release(run, "m1", "81bb02")
    run.begin_rollback()
    assert [(item["code"], item["where"]) for item in judged(run)["findings"]] == [
        ("cloud-denied", DENIED.where), ("not-rolled-back", "m2")]  # fmt: skip


def test_before_a_rollback_has_ended_nobody_is_named_as_not_rolled_back(run: RunDirectory) -> None:
    """A balancer that does not take the first batch in again is no end of it."""
    run.touch("m2", "81bb02")
    run.record([STOPPED])
    run.roll_back("m1")
    judged(run, failed={"msg": "refused", "failures": [asdict(DENIED)]})
    run.roll_back("m2")
    assert [item["code"] for item in judged(run)["findings"]] == ["container-exited", "cloud-denied"]


def test_what_is_behind_the_balancer_and_no_member_is_named(run: RunDirectory) -> None:
    found = judged(run, balancer={"targets": [], "others": ["i-gone:8000"]})
    assert [(item["code"], item["where"], item["level"]) for item in found["findings"]] == [
        ("departed", "i-gone:8000", "warning")]
    assert found["ok"]


def test_what_was_to_leave_the_balancer_and_had_to_stay_is_named_with_the_reason(run: RunDirectory) -> None:
    kept = [{"target": "i-gone:8000", "why": "This run has failed."}]
    found = judged(run, balancer={"targets": [], "others": ["i-gone:8000", "i-other:8000"], "kept": kept})
    needed, other = found["findings"]
    assert needed["what"].endswith("It was left there, although praxis_departed is remove: This run has failed.")
    assert "deploy again" in needed["fix"] and "left there" not in other["what"]


@pytest.mark.parametrize(("seals", "reported"), [(True, []), (False, ["not-sealing"])])
def test_a_machine_whose_agent_does_not_come_back_by_itself(
    run: RunDirectory, seals: bool, reported: list[str]
) -> None:
    outcome = run.outcome("m1") or {}
    run.report("m1", {**outcome, "observation": {**outcome["observation"], "host": {"seals": seals}}})
    found = judged(run)
    assert (found["ok"], [item["code"] for item in found["findings"]]) == (True, reported)
    run.record(switches.impossible(["m1"], {"m1": {"host": {"systemd": False}}}))
    assert [item["code"] for item in judged(run)["findings"]] == ["no-systemd"], "the order has said so"


@pytest.mark.parametrize("code", REFUSALS)
def test_a_run_that_another_one_has_taken_over_from_leaves_the_fleet_alone(run: RunDirectory, code: str) -> None:
    run.record([Finding(code, "It has.", "m1", "Wait.")])
    outcome = run.outcome("m2") or {}
    run.report("m2", {**outcome, "observation": {**outcome["observation"], "container": None}})
    found = judged(run)
    assert (found["ok"], found["roll_back"], found["confirm"], found["good"]) == (False, NOBODY, [], [])
    # What becomes of the fleet meanwhile is for the other one to judge.
    assert [item["code"] for item in found["findings"]] == [code]


@pytest.mark.parametrize("rejoined", [False, True])
def test_a_run_that_was_taken_over_from_names_whom_it_has_left_out_of_service(
    run: RunDirectory, rejoined: bool
) -> None:
    """It drained m1 when it did not know yet, and the other deployment is through: nobody puts m1 in again."""
    run.drain("m1", 60.0)
    if rejoined:
        run.journal.write("rejoin", ["m1"], time.time(), "ok")
    assert [item["code"] for item in judged(run)["findings"]] == [], "nothing is wrong yet"
    run.record([Finding("fenced", "It has.", "m1", "Wait.")])
    found = judged(run, show=False)
    said = {(item["code"], item["where"], item["level"]) for item in found["findings"]}
    assert said == {("fenced", "m1", "error"), *([] if rejoined else [("left-drained", "m1", "error")])}
    assert ("deploy.yml" in found["text"]) is not rejoined
    assert (found["good"], found["roll_back"]) == ([], NOBODY), "it does not act against the other one"


@pytest.mark.parametrize(
    ("record", "code"),
    [({}, "deploying"), ({"expires": 0}, "unfinished"), ({"ended": True}, ""), ({"run": "mine"}, "")],
)
def test_a_deployment_that_has_not_ended_is_reported(run: RunDirectory, record: dict[str, Any], code: str) -> None:
    left = {"run": "a", "owner": "ann@desk", "reason": "deploy", "process": ELSEWHERE, "lock_host": "m1",
            "fence": 1, "at": 0, "ended": False, "expires": time.time() + 1000, **record}  # fmt: skip
    outcome = run.outcome("m1") or {}
    seen = {**outcome["observation"], "deployment": left, "host": {"clock": time.time()}}
    run.report("m1", {**outcome, "observation": seen})
    found = judged(run)
    assert ([item["code"] for item in found["findings"]], found["ok"]) == ([code] if code else [], True)
    # A run that has the lock has seen to it.
    run.lock.take({"run": "mine", "lock_host": "m1", "fence": 2, "lease": 900.0})
    assert judged(run)["findings"] == []


def test_of_an_agent_that_crashes_nothing_but_that_is_reported(run: RunDirectory) -> None:
    """Its edges are gone with it; and what its own gate has found says more."""
    outcome = run.outcome("m1") or {}
    container = {**outcome["observation"]["container"], "id": "c1", "restarts": 1}
    run.activate("m1", {"id": "c1", "restarts": 0})
    crashed = {**outcome, "observation": {**outcome["observation"], "container": container, "edges": []}}
    run.report("m1", crashed)
    assert [(item["code"], item["where"]) for item in judged(run)["findings"]] == [("agent-restarted", "m1")]


def test_what_the_gate_of_an_agent_that_crashes_has_found_says_more(run: RunDirectory) -> None:
    outcome = run.outcome("m1") or {}
    container = {**outcome["observation"]["container"], "id": "c1", "restarts": 1}
    run.activate("m1", {"id": "c1", "restarts": 0})
    seen = {**outcome["observation"], "container": container}
    run.report("m1", {**outcome, "observation": seen, "failure": STOPPED.as_dict()})
    assert [(item["code"], item["where"]) for item in judged(run)["findings"]] == [("container-exited", "m1")]


def good(run: RunDirectory, name: str, switch: dict[str, Any]) -> None:
    """A host whose release is good, and what its switch shows."""
    outcome = run.outcome(name) or {}
    running = outcome["observation"]["release"]
    observation = {**outcome["observation"], "release": {**running, "good": running["running"]}, "switch": switch}
    run.report(name, {**outcome, "observation": observation})


@pytest.mark.parametrize(("run_id", "ok", "level"), [("mine", False, "error"), ("other", True, "warning")])
def test_a_host_that_rolled_itself_back_is_reported(run: RunDirectory, run_id: str, ok: bool, level: str) -> None:
    done = {"run": run_id, "from": "3f9c1a", "to": "81bb02", "at": 1792000000}
    outcome = run.outcome("m1") or {}
    good(run, "m1", {"armed": None, "rolled_back": done})
    good(run, "m2", {"armed": None, "rolled_back": None})
    found = judged(run)
    assert (found["ok"], [(item["code"], item["level"]) for item in found["findings"]]) == (
        ok, [("rolled-back-itself", level)])  # fmt: skip
    # With a good verdict, what is left of the other deployment is taken away.
    assert found["confirm"] == (["m1"] if ok else [])
    # It stays so, whatever is there by the end.
    run.report("m1", outcome)
    assert judged(run)["ok"] is ok


ARMED = {"run": "dead", "wanted": "3f9c1a", "back": "81bb02", "until": 1792000900.0, "api_port": 8000}


@pytest.mark.parametrize(
    ("armed", "record", "codes"),
    [
        (ARMED, {}, [("unconfirmed", "m2")]),
        # As when a run with --limit has taken the fleet over, and has ended.
        (ARMED, {"run": "limited", "ended": True}, [("unconfirmed", "m2")]),
        (ARMED, {"run": "dead", "expires": 0}, [("unfinished", "m1"), ("unconfirmed", "m2")]),
        # It is at work, and about to say whether the release is good.
        (ARMED, {"run": "dead"}, [("deploying", "m1")]),
        ({**ARMED, "run": "mine"}, {}, []),
        (None, {}, []),
    ],
)
def test_who_observes_reads_which_hosts_will_go_back_by_themselves(
    run: RunDirectory, armed: Any, record: dict[str, Any], codes: list[tuple[str, str]]
) -> None:
    good(run, "m2", {"armed": armed, "rolled_back": None})
    left = {"owner": "ann@desk", "reason": "deploy", "process": ELSEWHERE, "lock_host": "m1", "fence": 1, "at": 0,
            "ended": False, "expires": time.time() + 1000}  # fmt: skip
    outcome = run.outcome("m1") or {}
    remembered = {"deployment": {**left, **record}, "host": {"clock": time.time()}} if record else {}
    run.report("m1", {**outcome, "observation": {**outcome["observation"], **remembered}})
    found = judged(run)
    assert ([(item["code"], item["where"]) for item in found["findings"]], found["ok"]) == (codes, True)
    said = [item["what"] for item in found["findings"] if item["code"] == "unconfirmed"]
    assert all("back to release 81bb02 at 2026-10-14T18:01:40Z" in text for text in said), said
    # A run that has the lock sees to them, unless it fails before.
    run.lock.take({"run": "mine", "lock_host": "m1", "fence": 2, "lease": 900.0})
    assert judged(run)["findings"] == []
    run.record([STOPPED])
    told = [(item["code"], item["where"], item["level"]) for item in judged(run)["findings"]]
    expected = [("unconfirmed", "m2", "warning")] if armed and armed["run"] == "dead" else []
    assert told == [("container-exited", "m1", "error"), *expected]


@pytest.mark.parametrize(("late", "said"), [(-60, "rolls itself back"), (60, "rolls itself back"), (7200, "has not")])
def test_a_host_whose_time_is_long_over_is_not_said_to_go_back_by_itself(
    run: RunDirectory, late: float, said: str
) -> None:
    """Its timer does not run, and nobody has to hurry before a time that is past."""
    now = time.time()
    armed = {"run": "theirs", "wanted": "r2", "back": "r1", "until": now - late}
    good(run, "m2", {"armed": armed, "rolled_back": None})
    outcome = run.outcome("m2") or {}
    run.report("m2", {**outcome, "observation": {**outcome["observation"], "host": {"clock": now}}})
    (found,) = judged(run)["findings"]
    assert found["code"] == "unconfirmed" and said in found["what"]
    assert ("praxis-rollback.timer" in found["fix"]) == (said == "has not")


def test_a_host_that_cannot_roll_itself_back_for_want_of_an_image_is_reported(run: RunDirectory) -> None:
    left = {"run": "other", "wanted": "3f9c1a", "back": "81bb02", "until": 1.0}
    good(run, "m1", {"armed": {**left, "missing": "registry.example/a@sha256:0"}, "rolled_back": None})
    (found,) = judged(run)["findings"]
    assert (found["code"], found["level"], found["where"]) == ("image-gone", "warning", "m1")
    assert "docker pull registry.example/a@sha256:0" in found["fix"]


def ordered(run: RunDirectory) -> dict[str, Any]:
    action = object.__new__(fleet_order.ActionModule)
    action._task = SimpleNamespace(check_mode=False)
    found: dict[str, Any] = action.judge(run, {"final": True, "show": False, "restart": []})["order"]
    return found


@pytest.mark.parametrize(("unfinished", "lock", "codes"), [("continue", ["m1"], []), ("refuse", [], ["unfinished"])])
def test_a_run_that_finds_a_deployment_that_died_goes_on_or_leaves_it_as_it_is_reported(
    run: RunDirectory, unfinished: str, lock: list[str], codes: list[str]
) -> None:
    path = Path(run.path, "options.json")
    path.write_text(json.dumps({**run.options(), "unfinished": unfinished}), encoding="utf-8")
    outcome = run.outcome("m1") or {}
    record = {"run": "a", "owner": "ann@desk", "reason": "deploy", "process": ELSEWHERE, "lock_host": "m1", "fence": 3,
              "at": 0, "expires": 1, "ended": False}  # fmt: skip
    observation = {**outcome["observation"], "deployment": record, "host": {"clock": 10.0}}
    run.report("m1", {**outcome, "activation": "recreate", "observation": observation})
    order = ordered(run)
    assert (order["lock"], [item["code"] for item in order["findings"]]) == (lock, codes)
    assert order["activate"] == (["m1"] if lock else [])
    found = judged(run)
    assert (found["ok"], found["roll_back"]["hosts"]) == (not codes, [])


def test_that_a_host_rolled_itself_back_is_reported_though_it_is_activated_again(run: RunDirectory) -> None:
    done = {"run": "other", "from": "3f9c1a", "to": "81bb02", "at": 1792000000}
    outcome = run.outcome("m1") or {}
    switch = {"armed": None, "rolled_back": done}
    run.report("m1", {**outcome, "observation": {**outcome["observation"], "switch": switch}})
    ordered(run)
    run.report("m1", outcome)
    found = judged(run)
    assert (found["ok"], [item["code"] for item in found["findings"]]) == (True, ["rolled-back-itself"])


def test_a_host_that_is_armed_by_a_deployment_that_died_is_confirmed_though_it_has_its_good_release(
    run: RunDirectory,
) -> None:
    armed = {"run": "other", "wanted": "3f9c1a", "back": "81bb02", "until": 1792000000}
    good(run, "m1", {"armed": armed, "rolled_back": None})
    good(run, "m2", {"armed": None, "rolled_back": None})
    assert judged(run)["confirm"] == ["m1"]


def test_what_is_to_be_confirmed_is_confirmed_under_the_lock_though_nobody_is_activated(run: RunDirectory) -> None:
    """A host that was lost when its release was called good, in a deployment that has ended: its end is a step of this
    one, which the history knows, and no other deployment may be at work meanwhile."""
    for name in ("m1", "m2"):
        good(run, name, {"armed": None, "rolled_back": None})
    assert (ordered(run)["lock"], judged(run)["confirm"]) == ([], [])
    good(run, "m2", {"armed": {"run": "other", "wanted": "3f9c1a", "back": "81bb02", "until": 1}, "rolled_back": None})
    assert (ordered(run)["lock"], judged(run)["confirm"]) == (["m1"], ["m2"])


@pytest.mark.parametrize(
    ("record", "found"),
    [
        ({}, ["m1", "m2"]),
        ({"ended": True}, []),
        # It lost m2, and ended: the keeper of the lock says so, and m2 does not.
        ({"lock_host": "m1"}, ["m1", "m2"]),
        # A person who had locked the fleet makes no step.
        ({"process": {}}, []),
        # It is this run itself, once it has taken the hosts over.
        ({"run": "mine"}, []),
    ],
)
def test_hosts_with_a_step_of_another_deployment_that_did_not_end_are_taken_over(
    run: RunDirectory, record: dict[str, Any], found: list[str]
) -> None:
    known = {"run": "a", "owner": "ann@desk", "reason": "deploy", "process": ELSEWHERE, "lock_host": "m2", "fence": 3,
             "at": 0, "expires": 1, "ended": False}  # fmt: skip
    good(run, "m1", {"armed": None, "rolled_back": None})
    good(run, "m2", {"armed": None, "rolled_back": None})
    outcome = run.outcome("m2") or {}
    observation = {**outcome["observation"], "deployment": {**known, **record}, "host": {"clock": 10.0}}
    run.report("m2", {**outcome, "observation": observation})
    keeper = {**known, "ended": True}
    outcome = run.outcome("m1") or {}
    observation = {**outcome["observation"], "deployment": keeper, "host": {"clock": 10.0}}
    if record.get("lock_host"):
        run.report("m1", {**outcome, "observation": {**observation, "deployment": {**keeper, "lock_host": "m1"}}})
    order = ordered(run)
    keepers = sorted({"m1", record.get("lock_host", known["lock_host"])})
    assert (order["take_over"], order["lock"]) == (found, keepers if found else [])
    assert order["findings"] == []


@pytest.mark.parametrize(("locked", "serve"), [(False, []), (True, ["m1", "m2"])])
def test_without_the_lock_nobody_is_put_in_where_a_step_of_another_deployment_may_be_waiting(
    run: RunDirectory, locked: bool, serve: list[str]
) -> None:
    """The user's own task has failed before the lock was taken. A host may be about to stop its agent."""
    record = {"run": "a", "owner": "ann@desk", "reason": "deploy", "process": ELSEWHERE, "lock_host": "m2", "fence": 3,
              "at": 0, "expires": 1, "ended": False}  # fmt: skip
    outcome = run.outcome("m2") or {}
    observation = {**outcome["observation"], "deployment": record, "host": {"clock": 10.0}}
    run.report("m2", {**outcome, "observation": observation})
    if locked:
        run.lock.take({"run": "mine", "lock_host": "m1", "fence": 4, "lease": 900})
    assert judged(run)["good"] == serve


def test_why_the_fleet_was_rolled_back_is_reported_at_the_end(run: RunDirectory) -> None:
    """A host that was lost in the last observation is there again when all are back on the release of before."""
    outcome = run.outcome("m2") or {}
    run.report("m2", {"unreachable": "Timeout (12s) waiting for privilege escalation prompt"})
    first = judged(run)
    assert (first["ok"], first["roll_back"]["hosts"]) == (False, ["m1"])
    run.roll_back("m1")
    run.report("m2", outcome)
    assert [(item["code"], item["where"]) for item in judged(run)["findings"]] == [
        (item["code"], item["where"]) for item in first["findings"]]  # fmt: skip
    assert not judged(run)["ok"]


def test_who_has_no_release_to_go_back_to_is_observed_and_neither_confirmed_nor_a_reason_to_go_back(
    run: RunDirectory,
) -> None:
    """It runs what a deployment that stopped gave it: the others are not undone for it, and it is not called good."""
    path = Path(run.path, "options.json")
    apart = Finding("no-good-release", "It has none.", "m2", "Deploy.", level=WARNING)
    path.write_text(json.dumps({**run.options(), "apart": [asdict(apart)]}), encoding="utf-8")
    outcome = run.outcome("m2") or {}
    seen = {**outcome["observation"], "release": {**outcome["observation"]["release"], "good": None}}
    run.report("m2", {**outcome, "activation": "switch", "observation": seen})
    order = ordered(run)
    assert (order["hosts"], order["activate"]) == (["m1", "m2"], [])
    found = judged(run)
    assert (found["ok"], "m2" in found["confirm"]) == (True, False)
    assert [(item["code"], item["level"]) for item in found["findings"]] == [("no-good-release", "warning")]
    run.report("m2", {**outcome, "observation": {**seen, "container": None}})
    assert (judged(run)["ok"], judged(run)["roll_back"]) == (True, NOBODY)
