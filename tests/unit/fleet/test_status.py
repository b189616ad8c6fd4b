# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import status
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.mesh import verdict
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.outcomes import absences, observations_of

from .made import IMAGE, fleet, meshed

STARTED = "2026-01-01T00:00:00.123456789Z"
CLOCK = 1767225600.0 + 3 * 86400 + 4 * 3600


def seen(plan, without=()):
    """What each host answered: an observation of a container that was started at STARTED."""
    observations = meshed(plan, without)
    for observation in observations.values():
        observation["container"].update(started_at=STARTED, restarts=0, image=IMAGE)
        observation["host"] = {"clock": CLOCK}
    return {name: {"observation": observation} for name, observation in observations.items()}


def rows(plan, outcomes, pending=()):
    absent = absences([name for name in plan.order if name not in pending], outcomes)
    found = verdict(plan, observations_of(outcomes), absent)
    made = status.rows(plan, plan.order, outcomes, found, found.findings, pending)
    return {row["name"]: row for row in made}


def test_a_healthy_member_in_full():
    plan = fleet(3)
    assert rows(plan, seen(plan))["m2"] == {
        "name": "m2",
        "slot": "aws-2",
        "zone": "",
        "address": "10.0.0.2",
        "peer_id": plan.members["m2"].peer_id,
        "planned": plan.members["m2"].release,
        "release": plan.members["m2"].release,
        "image": IMAGE,
        "health": "healthy",
        "edges": {"live": 2, "expected": 2},
        "since": "2026-01-01T00:00:00Z",
        "up": 3 * 86400 + 4 * 3600,
        "restarts": 0,
        "findings": [],
    }


def test_a_machine_without_a_deployment_says_so():
    plan = fleet(3)
    outcomes = seen(plan)
    outcomes["m1"] = {"observation": {"host": {"clock": CLOCK}, "container": None, "release": {"running": None}}}
    row = rows(plan, outcomes)["m1"]
    assert row["health"] == "no-container"
    nothing = ("release", "image", "since", "up", "restarts")
    assert [row[key] for key in nothing] == [None] * len(nothing)
    assert [item["code"] for item in row["findings"]] == ["no-container"]
    assert row["edges"] == {"live": 0, "expected": 2}


def test_a_machine_that_is_not_reached_says_so():
    plan = fleet(3)
    outcomes = {**seen(plan), "m3": {"unreachable": "no route to host"}}
    row = rows(plan, outcomes)["m3"]
    assert (row["health"], row["release"], row["since"]) == ("unreachable", None, None)
    assert "no route to host" in row["findings"][0]["what"]
    del outcomes["m3"]
    assert rows(plan, outcomes)["m3"]["health"] == "unreachable"


def test_a_machine_on_which_the_observation_failed_gives_the_reason():
    plan = fleet(2)
    failure = {"code": "module-failed", "what": "sudo: a password is required", "where": "m1", "fix": "Allow it."}
    outcomes = {**seen(plan), "m1": {"outcome": "failed", "failure": failure}}
    assert rows(plan, outcomes)["m1"]["health"] == "module-failed"


def test_a_stopped_container_has_no_since():
    plan = fleet(2)
    outcomes = seen(plan)
    outcomes["m1"]["observation"]["container"].update(state="exited", exit_code=1, restarts=4)
    row = rows(plan, outcomes)["m1"]
    assert (row["health"], row["since"], row["up"], row["restarts"]) == ("container-stopped", None, None, 4)


def test_another_release_is_reported_beside_the_planned_one_and_is_no_illness():
    plan = fleet(2)
    outcomes = seen(plan)
    outcomes["m1"]["observation"]["release"]["running"] = "81bb02"
    row = rows(plan, outcomes)["m1"]
    assert (row["health"], row["release"], row["planned"]) == ("healthy", "81bb02", plan.members["m1"].release)
    assert [item["code"] for item in row["findings"]] == ["other-release"]


def test_half_a_mesh_shows_at_both_ends():
    plan = fleet(3)
    found = rows(plan, seen(plan, without=[("m1", "m2")]))
    assert {name: row["edges"]["live"] for name, row in found.items()} == {"m1": 1, "m2": 1, "m3": 2}
    codes = {name: [item["code"] for item in row["findings"]] for name, row in found.items()}
    assert codes == {"m1": ["edge-missing"], "m2": ["edge-missing"], "m3": []}


def test_check_mode_knows_nothing_of_those_it_would_activate():
    plan = fleet(2)
    assert rows(plan, {}, pending={"m1", "m2"})["m1"]["health"] == "(known after apply)"


def test_edges_that_were_not_observed_are_not_counted():
    """Those of members that check mode would activate, whatever stands now: they dial anew."""
    plan = fleet(4)
    found = rows(plan, seen(plan), pending={"m3", "m4"})
    edges = {name: row["edges"] for name, row in found.items()}
    assert edges["m1"] == edges["m2"] == {"live": 1, "expected": 1}
    assert edges["m3"] == edges["m4"] == {"live": None, "expected": 3}
    assert rows(fleet(1), seen(fleet(1)))["m1"]["edges"] == {"live": 0, "expected": 0}


def test_edges_of_the_fleet_are_those_that_were_observed():
    plan = fleet(4)
    found = verdict(plan, observations_of(seen(plan)), {})
    everybody = list(plan.members)
    assert status.fleet_edges(plan, everybody, found) == {"live": 6, "planned": 6, "unobserved": 0}
    assert status.fleet_edges(plan, everybody, found, ["m4"]) == {"live": 3, "planned": 3, "unobserved": 3}
    assert status.fleet_edges(plan, everybody, found, everybody) == {"live": 0, "planned": 0, "unobserved": 6}
    # With --limit the others' edges among themselves are not this run's to see.
    assert status.fleet_edges(plan, ["m1"], found) == {"live": 3, "planned": 3, "unobserved": 3}


def test_the_document_has_exactly_the_documented_keys():
    plan = fleet(1)
    members = list(rows(plan, seen(plan)).values())
    finding = status.plain_findings([Finding("a-code", "What.", "m1", "Fix.")])
    found = status.document({"fleet": "test", "ok": False, "members": members, "findings": finding, "text": "..."})
    assert list(found) == ["fleet", "verdict", "members", "findings"]
    assert (found["fleet"], found["verdict"], found["findings"]) == ("test", "bad", finding)
    keys = ["name", "slot", "zone", "release", "image", "health", "edges", "since", "restarts", "findings"]
    assert list(found["members"][0]) == keys
    assert status.document({"fleet": "test", "ok": True, "members": [], "findings": []})["verdict"] == "good"
