# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What hosts remember of deployments, and the plan of a rollback that is made of it alone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.agent.identity import peer_id
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import history
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.outcomes import absences
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.release import KeptRelease, Release
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes import mesh
from ansible_collections.praxis.cloud.plugins.plugin_utils.fleet_variables import MemberVariables
from ansible_collections.praxis.cloud.plugins.plugin_utils.kept_planner import KeptPlanner
from ansible_collections.praxis.cloud.plugins.plugin_utils.member_places import MIN_COMPOSE
from ansible_collections.praxis.cloud.plugins.plugin_utils.pods_beside import PodsBeside

PEERS = {name: peer_id(name[1:].encode() * 32) for name in ("m1", "m2", "m3")}

TWO = {name: PEERS[name] for name in ("m1", "m2")}


def entry(run: str, fence: int, release: str, at: float = 0.0) -> dict[str, Any]:
    return {"run": run, "owner": "ann@desk", "reason": "deploy", "fence": fence, "at": at, "release": release}


#: The first deployment changed both, the second m1 alone, the third both.
THREE = {
    "m1": [entry("a", 1, "a1", 30), entry("b", 2, "b1", 20), entry("c", 3, "c1", 10)],
    "m2": [entry("a", 1, "a2", 1), entry("c", 3, "c2", 2)],
}


def test_deployments_are_in_the_order_of_their_fences_whatever_the_clocks_say() -> None:
    assert [(one.run, one.releases) for one in history.deployments(THREE)] == [
        ("c", {"m1": "c1", "m2": "c2"}), ("b", {"m1": "b1"}), ("a", {"m1": "a1", "m2": "a2"})]  # fmt: skip


@pytest.mark.parametrize(
    ("to", "goal", "expected"),
    [
        ("", "b", {"m1": "b1", "m2": "a2"}),
        ("b", "b", {"m1": "b1", "m2": "a2"}),
        ("a", "a", {"m1": "a1", "m2": "a2"}),
        ("c", "c", {"m1": "c1", "m2": "c2"}),
        ("newest", "c", {"m1": "c1", "m2": "c2"}),
    ],
)
def test_a_host_goes_back_to_what_it_had_after_that_deployment(to: str, goal: str, expected: dict[str, str]) -> None:
    assert history.goals(THREE, to) == (goal, expected)


def test_a_host_that_is_newer_than_the_deployment_is_left_out() -> None:
    assert history.goals({**THREE, "m3": [entry("c", 3, "c3")]}, "a")[1] == {"m1": "a1", "m2": "a2"}


@pytest.mark.parametrize(
    ("histories", "to", "code"),
    [
        ({}, "", "no-earlier-deployment"),
        ({"m1": [entry("a", 1, "a1")]}, "", "no-earlier-deployment"),
        (THREE, "z", "unknown-deployment"),
    ],
)
def test_where_there_is_nothing_to_go_back_to(histories: Any, to: str, code: str) -> None:
    with pytest.raises(Failed) as failed:
        history.goals(histories, to)
    assert [item.code for item in failed.value.findings] == [code]


def variables(name: str, **more: Any) -> MemberVariables:
    number = name[1:]
    return MemberVariables(name=name, slot=f"aws-{number}", image="i", private_ip=f"10.0.0.{number}", **more)


def kept_release(name: str, port: int = 8000) -> dict[str, Any]:
    digest = "registry.example.com/a@sha256:" + "0" * 64
    made = Release(name, digest, "agent: {}\n", {"agent": {}}, {"A": "1"}, {"KEY": "7"}, port, 4001)
    return {"files": made.files(), "secrets": True}


def answer(name: str, *releases: str, good: str = "", **more: Any) -> dict[str, Any]:
    other = "m2" if name == "m1" else "m1"
    return {
        "history": THREE.get(name, []),
        "kept": {release: kept_release(name, 8001 if release == "b1" else 8000) for release in releases},
        "peers": [f"/ip4/10.0.0.{other[1:]}/tcp/4001/p2p/{PEERS[other]}"],
        "observation": {"release": {"good": good or "now", "current": "now"}, "api": {"peer_id": PEERS.get(name)}},
        **more,
    }


def planner(*, to: str = "", names: tuple[str, ...] = ("m1", "m2"), **kept: Any) -> KeptPlanner:
    return KeptPlanner([variables(name) for name in names], kept, to)


def test_a_rollback_is_planned_out_of_what_the_hosts_keep() -> None:
    made = planner(m1=answer("m1", "b1", "c1"), m2=answer("m2", "a2", "c2"))
    plan = made.plan()
    assert {name: member.release for name, member in plan.members.items()} == {"m1": "b1", "m2": "a2"}
    assert {name: member.peer_id for name, member in plan.members.items()} == TWO
    assert (plan.members["m1"].api_port, [item.api_port for item in made.members]) == (8001, [8001, 8000])
    assert made.reason == "rollback to b"
    piece = plan.host_slice("m1")
    assert piece["release"]["id"] == "b1"
    assert piece["release"]["files"] == kept_release("m1", 8001)["files"]
    assert piece["peers"]["multiaddrs"] == [f"/ip4/10.0.0.2/tcp/4001/p2p/{PEERS['m2']}"]
    assert made.host_secrets() == {"m1": {}, "m2": {}}


def test_an_engine_is_as_it_is_whatever_the_variables_ask_for_by_now() -> None:
    """A colleague's change of praxis_docker_daemon that is not deployed yet is no reason not to go back."""
    members = [variables("m1", docker_daemon={"registry-mirrors": ["https://mirror.example"]}, https_proxy="http://p")]
    made = KeptPlanner(members, {"m1": answer("m1", "b1")}, "")
    assert made.engines() == {"m1": {"min_compose": MIN_COMPOSE, "daemon": {}, "proxies": None}}


def test_its_files_stay_what_they_are_whatever_this_version_would_write() -> None:
    files = {**kept_release("m1")["files"], "compose.yaml": "older\n"}
    found = KeptRelease.of("abc", "m1", files, json.loads(files["release.json"]))
    assert (found.id, found.files()["compose.yaml"]) == ("abc", "older\n")


def test_without_a_neighbour_the_agent_s_own_word_is_taken() -> None:
    made = planner(m1=answer("m1", "b1", peers=[]), m2=answer("m2", "a2", peers=[]))
    assert {name: member.peer_id for name, member in made.plan().members.items()} == TWO


def test_what_is_not_there_any_more_is_reported_for_every_host() -> None:
    bare = answer("m2", "a2")
    bare["kept"]["a2"]["secrets"] = False
    with pytest.raises(Failed) as failed:
        planner(m1=answer("m1", "c1"), m2=bare).plan()
    assert [(item.code, item.where) for item in failed.value.findings] == [
        ("release-missing", "m1"), ("secrets-missing", "m2")]  # fmt: skip


def test_a_host_that_joined_later_keeps_what_it_has_and_one_outside_the_limit_is_only_dialled() -> None:
    made = planner(names=("m1", "m2", "m3"), to="a", m1=answer("m1", "a1"), m3=answer("m3", "now"))
    plan = made.plan()
    assert {name: member.release for name, member in plan.members.items()} == {"m1": "a1", "m2": "", "m3": "now"}
    assert plan.members["m2"].peer_id == PEERS["m2"]


def test_a_deployment_that_did_not_come_to_its_end_is_undone_first() -> None:
    """It is not in the histories; what is there runs what the newest of them gave."""
    made = planner(m1=answer("m1", "c1", good="c1"), m2=answer("m2", "c2"))
    assert {name: member.release for name, member in made.plan().members.items()} == {"m1": "c1", "m2": "c2"}
    assert made.reason == "rollback to c"


def seen_of(current: str, good: str, **more: Any) -> dict[str, Any]:
    """An observation after a deployment that stopped before its end."""
    record = {"run": "d", "owner": "ann@desk", "reason": "deploy", "fence": 4, "lock_host": "m1", "process": {"pid": 1},
              "at": 0.0, "expires": 900.0, "ended": False, **more.pop("record", {})}  # fmt: skip
    found = {"release": {"current": current, "good": good}, "deployment": record, "host": {"clock": 10.0}, "api": {}}
    return {**found, "switch": {"armed": None, "rolled_back": None, **more}}


def told(run: str = "d", reason: str = "deploy") -> list[dict[str, Any]]:
    """What m1 remembers where the last deployment told it alone that its release is good."""
    return [*THREE["m1"], {**entry(run, 4, "d1"), "reason": reason}]


BACK = {"rolled_back": {"run": "d", "from": "d2", "to": "c2", "at": 5}}
ARMED = {"armed": {"run": "d", "wanted": "d2", "back": "c2", "until": 99}}
#: By the moment at which it stopped, what is seen of m1 and m2, and what m1 remembers.
STOPPED = {
    "before anything": (seen_of("c1", "c1"), seen_of("c2", "c2"), THREE["m1"]),
    "m2 is armed": (seen_of("c1", "c1"), seen_of("c2", "c2", **ARMED), THREE["m1"]),
    "m2 is activated": (seen_of("c1", "c1"), seen_of("d2", "c2", **ARMED), THREE["m1"]),
    "m2 went back by itself": (seen_of("c1", "c1"), seen_of("c2", "c2", **BACK), THREE["m1"]),
    "m1 was told": (seen_of("d1", "d1"), seen_of("d2", "c2", **ARMED), told()),
    "m1 was told, m2 went back by itself": (seen_of("d1", "d1"), seen_of("c2", "c2", **BACK), told()),
}


@pytest.mark.parametrize("to", ["", "newest"])
@pytest.mark.parametrize("moment", STOPPED)
def test_whatever_the_moment_at_which_a_deployment_stopped_a_rollback_undoes_all_of_it(moment: str, to: str) -> None:
    one, two, remembered = STOPPED[moment]
    made = planner(to=to, m1=answer("m1", "b1", "c1", "d1", history=remembered, observation=one),
                   m2=answer("m2", "a2", "c2", "d2", observation=two))
    assert {name: member.release for name, member in made.plan().members.items()} == {"m1": "c1", "m2": "c2"}
    assert (made.reason, made.chosen_among) == ("rollback to c", None)


def test_where_nothing_stopped_and_nobody_said_where_to_the_run_knows_what_it_has_chosen_among() -> None:
    kept = {"m1": answer("m1", "b1", "c1"), "m2": answer("m2", "a2", "c2")}
    for to, among in (("", ["c", "b", "a"]), ("newest", None), ("b", None)):
        made = planner(to=to, **kept)
        made.plan()
        assert made.chosen_among == among


@pytest.mark.parametrize("refused", [{}, {"run": "e", "fence": 5, "instead_of": "d"}])
def test_a_deployment_whose_release_is_good_everywhere_is_the_newest_although_it_kept_the_lock(
    refused: dict[str, Any],
) -> None:
    """Nor does one change that which came after it, and was refused before it had done anything."""
    kept = {"m1": answer("m1", "c1", "d1", history=told(), observation=seen_of("d1", "d1", record=refused)),
            "m2": answer("m2", "c2", observation=seen_of("c2", "c2", record={"ended": True}))}
    for to, release in (("newest", "d1"), ("", "c1")):
        found = planner(to=to, **kept).plan().members
        assert {name: member.release for name, member in found.items()} == {"m1": release, "m2": "c2"}


@pytest.mark.parametrize("moment", STOPPED)
def test_a_rollback_that_stopped_goes_on_to_where_it_went(moment: str) -> None:
    one, two, remembered = STOPPED[moment]
    reason = "rollback to b"
    one, two = ({**seen, "deployment": {**seen["deployment"], "reason": reason}} for seen in (one, two))
    remembered = [{**item, "reason": reason} if item["run"] == "d" else item for item in remembered]
    kept = {"m1": answer("m1", "b1", "c1", "d1", history=remembered, observation=one),
            "m2": answer("m2", "a2", "c2", "d2", observation=two)}
    made = planner(**kept)
    assert {name: member.release for name, member in made.plan().members.items()} == {"m1": "b1", "m2": "a2"}
    assert made.reason == reason
    undone = planner(to="newest", **kept).plan().members
    assert {name: member.release for name, member in undone.items()} == {"m1": "c1", "m2": "c2"}


BEFORE_C = [entry("a", 1, "a2"), entry("b", 2, "b2")]
#: What m2 still has of deployment c, which stopped before deployment d left the host out.
OLDER = {
    "armed": ("c2", {"armed": {"run": "c", "wanted": "c2", "back": "b2", "until": 99}}),
    "went back by itself": ("b2", {"rolled_back": {"run": "c", "from": "c2", "to": "b2", "at": 5}}),
}


@pytest.mark.parametrize("told_of_c", [[], [entry("c", 3, "c1")]])
@pytest.mark.parametrize("moment", OLDER)
def test_what_an_older_deployment_left_on_a_host_does_not_keep_the_newest_one_from_being_undone(
    moment: str, told_of_c: list[Any]
) -> None:
    current, switch = OLDER[moment]
    two = seen_of(current, "b2", record={"run": "c", "fence": 3}, **switch)
    one = seen_of("d1", "d1", record={"ended": True})
    first = [entry("a", 1, "a1"), entry("b", 2, "b1"), *told_of_c, entry("d", 4, "d1")]
    kept = {"m1": answer("m1", "b1", "c1", "d1", history=first, observation=one),
            "m2": answer("m2", "a2", "b2", "c2", history=BEFORE_C, observation=two)}
    for to, releases, reason in (("", {"m1": "b1", "m2": "b2"}, "rollback to b"),
                                 ("newest", {"m1": "d1", "m2": "b2"}, "rollback to d")):
        made = planner(to=to, **kept)
        assert {name: member.release for name, member in made.plan().members.items()} == releases
        assert made.reason == reason


@pytest.mark.parametrize("moment", OLDER)
def test_nor_does_it_when_a_newer_deployment_has_made_a_step_there_and_failed(moment: str) -> None:
    """A switch says when it was armed; the host's record is of the newest step."""
    current, switch = OLDER[moment]
    switch = {key: {**left, "fence": 3} for key, left in switch.items()}
    two = seen_of(current, "b2", record={"run": "e", "fence": 5, "ended": True}, **switch)
    one = seen_of("d1", "d1", record={"run": "e", "fence": 5, "ended": True})
    first = [entry("a", 1, "a1"), entry("b", 2, "b1"), entry("d", 4, "d1")]
    made = planner(m1=answer("m1", "b1", "d1", history=first, observation=one),
                   m2=answer("m2", "a2", "b2", "c2", history=BEFORE_C, observation=two))
    assert {name: member.release for name, member in made.plan().members.items()} == {"m1": "b1", "m2": "b2"}


def test_under_a_limit_what_the_only_host_has_left_is_the_newest_there() -> None:
    current, switch = OLDER["armed"]
    two = seen_of(current, "b2", record={"run": "c", "fence": 3}, **switch)
    made = planner(m2=answer("m2", "a2", "b2", history=BEFORE_C, observation=two))
    assert (made.plan().members["m2"].release, made.reason) == ("b2", "rollback to b")


FRESH = {"release": {"good": None, "current": None, "running": None}, "container": None, "api": {"peer_id": None}}
#: By ``praxis_to``, the releases of m1 and m2.
BACK_TO = {"": ("b1", "a2"), "newest": ("c1", "c2"), "a": ("a1", "a2")}
RUNS = {"release": {"good": None, "current": "d3", "running": "d3"}, "api": {"health": 200, "peer_id": PEERS["m3"]}}


def beside_m3(seen: dict[str, Any], to: str = "", **more: Any) -> KeptPlanner:
    """A rollback of m1 and m2, and m3 is a new machine on which no deployment has ended well."""
    kept = {"m1": answer("m1", "a1", "b1", "c1"), "m2": answer("m2", "a2", "c2")}
    return planner(names=("m1", "m2", "m3"), to=to, **kept, m3={**answer("m3", "d3"), "observation": seen, **more})


@pytest.mark.parametrize("to", ["", "newest", "a"])
@pytest.mark.parametrize(
    ("seen", "more"),
    [
        (FRESH, {"kept": {}}),
        (FRESH, {}),  # a release was prepared, no more
        ({**RUNS, "api": {"health": None, "peer_id": None}}, {}),
        ({**RUNS, "release": {**RUNS["release"], "running": None}}, {}),
        (RUNS, {"kept": {}}),
    ],
)
def test_a_machine_that_never_had_a_good_release_is_left_out_and_named(
    to: str, seen: dict[str, Any], more: dict[str, Any]
) -> None:
    made = beside_m3(seen, to, **more)
    plan = made.plan()
    assert [plan.members[name].release for name in ("m1", "m2", "m3")] == [*BACK_TO[to], ""]
    (warned,) = made.warnings
    assert (warned.code, warned.where, warned.level) == ("no-good-release", "m3", "warning")
    assert "left out of this rollback" in warned.what


def test_who_nobody_can_dial_is_in_nobody_s_list() -> None:
    plan = beside_m3(FRESH).plan()
    assert plan.edges == {("m1", "m2")}
    assert plan.peers("m1")["multiaddrs"] == [f"/ip4/10.0.0.2/tcp/4001/p2p/{PEERS['m2']}"]


def test_one_that_was_never_good_and_serves_keeps_what_it_has_and_is_named() -> None:
    made = beside_m3(RUNS)
    plan = made.plan()
    assert {name: member.release for name, member in plan.members.items()} == {"m1": "b1", "m2": "a2", "m3": "d3"}
    assert len(plan.edges) == 3
    (warned,) = made.warnings
    assert (warned.code, warned.where, warned.level) == ("no-good-release", "m3", "warning")
    assert "release d3" in warned.what


@pytest.mark.parametrize("seen", [FRESH, RUNS])
def test_where_no_host_has_a_good_release_a_rollback_is_refused(seen: dict[str, Any]) -> None:
    """The undo of a first deployment: nothing is rolled back, and that is no success."""
    seen = {**seen, "deployment": seen_of("d1", "")["deployment"], "host": {"clock": 10.0}}
    with pytest.raises(Failed) as failed:
        planner(names=("m3",), to="newest", m3={**answer("m3", "d3"), "observation": seen}).plan()
    assert [(item.code, item.where, item.level) for item in failed.value.findings] == [
        ("no-good-release", "m3", "error")]  # fmt: skip


LOST = {"unreachable": True, "msg": "connect to host 10.0.0.2: timed out"}


def without_m2(most: int, to: str = "", **kept: Any) -> KeptPlanner:
    kept = kept or {"m1": answer("m1", "a1", "b1", "c1")}
    members = [variables(name) for name in ("m1", "m2")]
    return KeptPlanner(members, kept, to, silent={"m2": LOST}, most=most)


@pytest.mark.parametrize("to", ["", "newest", "a"])
def test_hosts_that_do_not_answer_are_left_out_as_far_as_is_allowed(to: str) -> None:
    made = without_m2(1, to)
    plan = made.plan()
    assert {name: member.release for name, member in plan.members.items()} == {"m1": BACK_TO[to][0], "m2": ""}
    assert plan.members["m2"].peer_id == PEERS["m2"]  # m1 goes on dialling it
    assert (made.warnings, list(made.outcomes)) == ([], ["m2"])
    (left_out,) = absences(["m2"], made.outcomes).values()
    assert (left_out.code, "timed out" in left_out.what) == ("host-unreachable", True)


STOPPED_ENGINE = {"running": False, "version": None, "compose": "2.30.1", "daemon": {}}
RUNNING_ENGINE = {**STOPPED_ENGINE, "running": True, "version": "27.0.1"}
#: What a host that is there says where it cannot be rolled back, by what that is called.
UNABLE: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "python-broken": ({}, {"failed": True, "msg": "MODULE FAILURE", "module_stderr": "No module named 'json'"}),
    "module-failed": ({}, {"failed": True, "msg": "Something else is wrong."}),
    "become-off": ({}, {"failed": True, "failure": Finding("become-off", "It is off.", "m2", "Turn it on.").as_dict()}),
    "no-engine": (STOPPED_ENGINE, {}),
}


def beside_one_that_cannot(code: str, most: int, **more: Any) -> KeptPlanner:
    """A rollback to c, which m1 alone had; the host m2 remembers what it was before, if it says anything."""
    engine, silent = UNABLE[code]
    seen = answer("m2", "a2", "c2")
    seen["observation"]["engine"] = engine
    one = answer("m1", "a1", "b1", "c1")
    one["observation"]["engine"] = RUNNING_ENGINE
    kept = {"m1": one, **({} if silent else {"m2": seen})}
    members = [variables(name) for name in ("m1", "m2")]
    return KeptPlanner(members, kept, "", silent={"m2": silent} if silent else {}, most=most, **more)


@pytest.mark.parametrize("code", UNABLE)
def test_a_host_that_cannot_be_rolled_back_is_left_out_and_told_of_in_its_own_words(code: str) -> None:
    made = beside_one_that_cannot(code, most=1)
    plan = made.plan()
    assert {name: member.release for name, member in plan.members.items()} == {"m1": "b1", "m2": ""}
    assert plan.members["m2"].peer_id == PEERS["m2"]
    (warned,) = made.warnings
    assert (warned.code, warned.where, warned.level) == (code, "m2", "warning")
    assert "left out of the rollback" in warned.what
    assert [item.code for item in absences(["m2"], made.outcomes).values()] == [code]


@pytest.mark.parametrize(("most", "needed"), [(0, ()), (1, ("m2",))])
@pytest.mark.parametrize("code", UNABLE)
def test_a_rollback_is_refused_for_a_host_that_cannot_where_that_is_not_allowed(
    code: str, most: int, needed: tuple[str, ...]
) -> None:
    with pytest.raises(Failed) as failed:
        beside_one_that_cannot(code, most, needed=needed).plan()
    (named,) = failed.value.findings
    assert (named.code, named.where, named.level) == (code, "m2", "error")
    assert ("praxis_max_unreachable" in named.fix) is (not needed)


def test_a_rollback_without_more_hosts_than_that_is_refused_and_each_is_named() -> None:
    with pytest.raises(Failed) as failed:
        without_m2(0).plan()
    (named,) = failed.value.findings
    assert (named.code, named.where, named.level) == ("host-unreachable", "m2", "error")
    assert "timed out" in named.what and "praxis_max_unreachable" in named.fix


def test_a_host_that_the_run_is_about_is_not_left_out() -> None:
    """Its data is to be restored, say."""
    members = [variables(name) for name in ("m1", "m2", "m3")]
    seen = {"m1": answer("m1", "a1", "b1", "c1"), "m3": {**answer("m3"), "history": [], "observation": FRESH}}
    for needed, codes in (("m2", ["host-unreachable"]), ("m3", ["no-good-release"]), ("m1", [])):
        made = KeptPlanner(members, seen, "newest", silent={"m2": LOST}, most=1, needed=[needed])
        found: list[Finding] = []
        try:
            made.plan()
        except Failed as error:
            found = list(error.findings)
        assert [(item.code, item.where, item.level) for item in found] == [(code, needed, "error") for code in codes]


def test_where_no_host_answers_there_is_nothing_to_roll_back() -> None:
    made = KeptPlanner([variables("m1")], {}, "newest", silent={"m1": LOST}, most=9)
    with pytest.raises(Failed) as failed:
        made.plan()
    assert [(item.code, item.where) for item in failed.value.findings] == [("host-unreachable", "m1")]


def test_one_that_does_not_answer_is_no_reason_for_one_that_was_never_good() -> None:
    with pytest.raises(Failed) as failed:
        without_m2(1, "newest", m1={**answer("m1"), "history": [], "observation": FRESH}).plan()
    assert [(item.code, item.where) for item in failed.value.findings] == [("no-good-release", "m1")]


def test_a_person_s_lock_is_no_deployment_that_stopped() -> None:
    held = seen_of("c1", "c1", record={"process": {}})
    made = planner(m1=answer("m1", "b1", observation=held), m2=answer("m2", "a2"))
    assert {name: member.release for name, member in made.plan().members.items()} == {"m1": "b1", "m2": "a2"}


def test_hosts_that_remember_nothing_still_know_their_good_release() -> None:
    made = planner(m1=answer("m1", "x1", good="x1", history=[]), m2=answer("m2", "now", history=[]))
    assert {name: member.release for name, member in made.plan().members.items()} == {"m1": "x1", "m2": "now"}
    assert made.reason == "rollback to what was there before"


def test_a_rollback_keeps_the_pods_of_the_same_fleet_in_the_lists() -> None:
    pod = mesh.Pod("agent", 0, "agent-0.agent.praxis.svc", 4001, PEERS["m1"], "", "10.9.0.1", 30400)
    members = [variables(name) for name in ("m1", "m2")]
    kept = {"m1": answer("m1", "b1", "c1"), "m2": answer("m2", "a2", "c2")}
    plan = KeptPlanner(members, kept, "", beside=PodsBeside(pods=(pod,))).plan()
    assert plan.peers("m2")["multiaddrs"][-1] == f"/ip4/10.9.0.1/tcp/30400/p2p/{PEERS['m1']}"
    assert plan.outside["m1"][0].dials == "10.0.0.1:4001"


@pytest.mark.parametrize("ended", [False, True])
def test_a_person_who_has_locked_the_fleet_meanwhile_changes_nothing_of_where_a_stopped_rollback_goes(
    ended: bool,
) -> None:
    """The lock has taken the place of its record; only the host that kept it knew of it."""
    dead = {"run": "d", "owner": "ann@desk", "reason": "rollback to b", "fence": 4, "lock_host": "m1",
            "process": {"pid": 1}, "at": 0.0, "expires": 5.0, "ended": False}  # fmt: skip
    person = {"run": "p", "reason": "hands off", "fence": 5, "process": {}, "ended": ended, "under": dead}
    before = {"run": "c", "fence": 3, "ended": True}
    observations = {"m1": seen_of("c1", "c1", record=person), "m2": seen_of("c2", "c2", record=before)}
    left = history.stopped(THREE, observations)
    assert (left.begun, left.to) == (True, "b")


def test_a_host_that_was_left_by_a_deployment_and_locked_by_a_person_names_the_deployment() -> None:
    dead = {"run": "d", "fence": 4}
    record = {"run": "p", "fence": 5, "process": {}, "ended": True, "under": {**seen_of("", "")["deployment"], **dead}}
    left = history.stopped(THREE, {"m1": seen_of("d1", "c1", record=record), "m2": seen_of("c2", "c2", record=dead)})
    assert left.runs == {"d"}
