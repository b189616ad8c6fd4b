# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is put into no load balancer: while a run rolls itself back, who has what failed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible import constants

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from tests.unit.fleet.made import order
from tests.unit.plan.test_balancers import PLAN, Balancer, behind_two
from tests.unit.plan.test_taken_over_agents import SOAK, armed, new


@pytest.fixture
def balancer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path))
    return lambda **options: Balancer(tmp_path, soak=SOAK, **options)


def activated(one: Balancer, *names: str, serial: list[int]) -> None:
    """These have been activated by this run, and have not been put in yet."""
    one.run.order.keep(order(activate=list(names), serial=serial), {})
    for name in names:
        one.observations[name] = armed(one.observations[name], age=31.0)
        one.run.touch(name, "81bb02")
        one.run.activate(name, one.observations[name]["container"])


def rolled_back(one: Balancer, name: str, well: bool = True) -> None:
    one.run.roll_back(name)
    one.run.journal.write("roll back", [name], 1.0, "ok" if well else "no-engine")
    if well:
        one.observations[name]["release"] = {"running": "81bb02", "good": "81bb02"}


def ids(targets: list[Any]) -> list[str]:
    return [target["id"] for target in targets]


@pytest.mark.parametrize("limited", [True, False])
def test_the_batch_that_failed_gets_no_requests_where_nobody_else_of_the_run_serves(
    balancer: Any, limited: bool
) -> None:
    """One of them is down. With --limit members outside the run serve; without, the batch is all of the fleet."""
    one = balancer(**({"hosts": ["m1", "m2"], "batch": 2} if limited else {"batch": 4, "min_available": 1}))
    activated(one, *(("m1", "m2") if limited else PLAN.members), serial=[2 if limited else 4])
    one.observations["m1"]["container"] = None
    for name in ("m3", "m4") if limited else ():
        del one.observations[name]
        one.others.append({"id": f"i-{name}", "port": 8001, "state": "healthy"})
    assert not one.set("absent", "m1").get("failed")
    assert one.asked[0] == ("present", [])
    if not limited:  # nor has the floor anything against the others, who were never put in
        rolled_back(one, "m1", well=False)
        assert not one.set("absent", "m2", "m3", "m4").get("failed")


def test_members_outside_the_run_serve_before_a_batch_is_drained_too(balancer: Any) -> None:
    """What a killed deployment has just activated is brought in where nobody else serves, and here others do."""
    one = balancer(hosts=["m1", "m2"])
    one.observations = {name: armed(one.observations[name]) for name in ("m1", "m2")}
    one.others = [{"id": f"i-{name}", "port": 8001, "state": "healthy"} for name in ("m3", "m4")]
    one.set("absent", "m1")
    assert one.asked[0] == ("present", [])


@pytest.mark.parametrize("left_by", [armed, new])
@pytest.mark.parametrize("rolls_back", [True, False])
def test_what_was_taken_over_gets_no_requests_either_once_one_of_them_has_failed(
    balancer: Any, left_by: Any, rolls_back: bool
) -> None:
    """A killed deployment had activated m2 and m3. Both ran long enough, and then m2 failed."""
    one = balancer(batch=2)
    one.observations["m2"] = armed(one.observations["m2"], age=31.0)
    one.observations["m3"] = left_by(one.observations["m3"], age=31.0)
    for name in ("m2", "m3"):
        one.run.activate(name, one.observations[name]["container"])
    if rolls_back:
        one.run.touch("m2", "81bb02")
    assert not one.set("absent", "m2").get("failed")
    assert ids(one.asked[0][1]) == (["i-m1", "i-m4"] if rolls_back else ["i-m1", "i-m3", "i-m4"])
    if rolls_back:  # It was in service when this run came, and could not be rolled back.
        one.set("present", "m3", only_serving=True)
        assert one.asked[-1][1] == []
        one.run.drain("m3", 0)
        one.set("present", "m3", only_serving=True)
        assert ids(one.asked[-1][1]) == ["i-m3"]


@pytest.mark.parametrize(
    ("crashed", "down", "in_service", "codes", "spare"),
    [
        (False, "", "124", [], ["i-m3"]),
        (True, "", "124", ["floor"], []),
        # Nothing is lost when m2 leaves, or not even with m3 there would be enough.
        (False, "m2", "14", [], []),
        (False, "m4", "12", ["floor"], []),
    ],
)
def test_who_was_taken_over_and_lasted_is_put_in_where_too_few_others_serve(
    balancer: Any, crashed: bool, down: str, in_service: str, codes: list[str], spare: list[str]
) -> None:
    """m2 is in service and failed, and m3 never was: the rollback of all would end at once."""
    one = balancer()
    for name in ("m2", "m3"):
        one.observations[name] = armed(one.observations[name], age=31.0)
        one.run.activate(name, one.observations[name]["container"])
    one.observations["m3"]["container"]["restarts"] = int(crashed)
    one.run.touch("m2", "81bb02")
    if down:
        one.observations[down]["container"] = None
    one.others = [{"id": f"i-m{number}", "port": 8001, "state": "healthy"} for number in in_service]
    found: list[str] = []
    try:
        found = [item["code"] for item in one.set("absent", "m2").get("failures", [])]
    except Failed as error:
        found = [item.code for item in error.findings]
    assert found == codes
    put_in = [ids(targets) for state, targets in one.asked if state == "present" and targets]
    assert put_in[1:] == ([spare] if spare else [])


def test_who_could_not_be_rolled_back_is_not_put_in_with_what_failed(balancer: Any) -> None:
    """It rolls itself back later, and has no balancer drain it then. Who was in service before goes back there."""
    one = balancer(batch=2)
    activated(one, "m1", "m2", "m3", serial=[1, 2])
    one.set("present", "m1")
    one.set("absent", "m2", "m3")
    rolled_back(one, "m2")
    rolled_back(one, "m3", well=False)
    one.asked.clear()
    one.set("present", "m2", "m3", only_serving=True)
    assert ids(one.asked[0][1]) == ["i-m2"]
    assert [entry["hosts"] for entry in one.run.journal.entries() if entry["step"] == "rejoin"] == [["m1"], ["m2"]]
    rolled_back(one, "m1", well=False)
    one.set("present", *PLAN.members, departed=True)
    assert ids(one.asked[-1][1]) == ["i-m1", "i-m2", "i-m4"]
    # Its gate may have failed for an edge, and it serves with its good release.
    one.observations["m3"]["release"] = {"running": "81bb02", "good": "81bb02"}
    one.set("present", "m3", only_serving=True)
    assert ids(one.asked[-1][1]) == ["i-m3"]


@pytest.mark.parametrize("tried", [True, False])
def test_for_one_that_could_not_be_rolled_back_the_rollback_of_the_others_does_not_end(
    balancer: Any, tried: bool
) -> None:
    """m3 could be given its old release no more, and has lasted with the other one: m1 can leave when it is put in."""
    one = balancer()
    activated(one, "m1", "m3", serial=[1, 1])
    one.set("present", "m1")
    if tried:
        rolled_back(one, "m3", well=False)
    one.others = [{"id": f"i-{name}", "port": 8001, "state": "healthy"} for name in ("m1", "m2", "m4")]
    found = one.set("absent", "m1").get("failures", [])
    assert [item["code"] for item in found] == ([] if tried else ["floor"])


def test_where_nobody_else_serves_who_could_not_be_rolled_back_is_put_in_at_the_end(balancer: Any) -> None:
    one = balancer(batch=4)
    activated(one, *PLAN.members, serial=[4])
    one.observations = {"m3": one.observations["m3"]}
    rolled_back(one, "m3", well=False)
    one.set("present", "m3", departed=True)
    assert ids(one.asked[-1][1]) == ["i-m3"]


@pytest.mark.parametrize(("in_service", "refused"), [("m1", True), ("m2", False)])
def test_over_several_balancers_who_is_in_service_leaves_enough_others(
    balancer: Any, in_service: str, refused: bool
) -> None:
    """m4 is down, behind another balancer than m1, that a killed deployment has activated and that crashed once."""
    each = {name: {"id": f"i-{name}", "port": 8001} for name in PLAN.members}
    two = [{"module": "m", "options": {"target_group": word}, "targets": {name: each[name] for name in names}}
           for word, names in (("a", ("m1", "m2")), ("b", ("m3", "m4")))]  # fmt: skip
    one = balancer(balancers=two)
    one.observations["m1"] = armed(one.observations["m1"], age=600.0, restarts=1)
    one.observations["m4"]["container"] = None
    one.others = [{"id": f"i-{in_service}", "port": 8001, "state": "healthy"}]
    if not refused:
        assert not one.set("absent", "m1").get("failed")
        return
    with pytest.raises(Failed) as error:
        one.set("absent", "m1")
    assert [item.code for item in error.value.findings] == ["floor"]
    assert "absent" not in dict(one.asked)


def test_check_mode_predicts_that_a_batch_joins_though_nobody_has_seen_it_last(balancer: Any) -> None:
    one = balancer()
    one.observations["m2"] = armed(one.observations["m2"])
    one.set("present", "m2", check_mode=True)
    assert ids(one.asked[-1][1]) == ["i-m2"]


@pytest.mark.parametrize("down", [False, True])
@pytest.mark.parametrize("in_service", [True, False])
def test_a_release_that_no_balancer_calls_healthy_can_leave_however_few_serve(
    balancer: Any, in_service: bool, down: bool
) -> None:
    """Its deployment was killed when it waited for the balancer; its batch of two is replaced one by one."""
    one = balancer()
    for name in ("m2", "m3"):
        one.observations[name] = armed(one.observations[name], age=600.0)
    one.health = {"i-m3": "unhealthy"}
    one.others = [{"id": "i-m2", "port": 8001, "state": "healthy" if in_service else "unhealthy"}]
    if down:
        one.observations["m4"]["container"] = None
    refused = None
    try:
        refused = one.set("absent", "m2").get("failures")
    except Failed as error:
        refused = [item.as_dict() for item in error.findings]
    assert [item["code"] for item in refused or []] == (["floor"] if in_service else [])


@pytest.mark.parametrize(("good", "codes"), [(None, []), ("81bb02", ["floor"])])
def test_a_new_machine_that_was_rolled_back_is_not_missed(balancer: Any, good: str | None, codes: list[str]) -> None:
    """Its agent is gone for good. Three had served before it came, and one of them could leave."""
    one = balancer()
    for name in ("m1", "m4"):
        one.run.touch(name, good if name == "m4" else "81bb02")
    one.observations["m4"].update(container=None, release={"running": None, "good": good})
    if not codes:
        assert not one.set("absent", "m1").get("failed")
        return
    with pytest.raises(Failed) as error:
        one.set("absent", "m1")
    assert [item.code for item in error.value.findings] == codes


@pytest.mark.parametrize(("good", "codes"), [(None, []), ("81bb02", ["floor"])])
def test_new_machines_that_the_run_has_not_come_to_are_not_missed(
    balancer: Any, good: str | None, codes: list[str]
) -> None:
    """m2 is new and serves; the run failed before it came to m3 and m4, which are new, too, or are to be repaired."""
    one = balancer()
    for name in ("m3", "m4"):
        one.observations[name].update(container=None, release={"running": None, "good": good})
    one.run.order.keep(order(activate=["m2", "m3", "m4"], serial=[1, 1, 1]), one.observations)
    one.run.touch("m2", None)
    one.others = [{"id": "i-m2", "port": 8001, "state": "healthy"}]
    if not codes:
        assert not one.set("absent", "m2").get("failed")
        return
    with pytest.raises(Failed) as error:
        one.set("absent", "m2")
    assert [item.code for item in error.value.findings] == codes


def test_the_last_new_machine_can_leave_though_the_floor_is_a_number_that_counts_it(balancer: Any) -> None:
    """praxis_min_available has been raised for the fleet with the new machines. Without them it has two members."""
    one = balancer(min_available=3)
    for name in ("m3", "m4"):
        one.run.touch(name, None)
    one.observations["m3"].update(container=None, release={"running": None, "good": None})
    one.others = [{"id": "i-m4", "port": 8001, "state": "healthy"}]
    assert not one.set("absent", "m4").get("failed")
    one.health = {"i-m2": "unhealthy"}
    assert [item["code"] for item in one.set("absent", "m4")["failures"]] == ["floor"]


def test_who_could_not_be_rolled_back_is_put_in_behind_another_balancer_as_well(balancer: Any) -> None:
    """Its agent has lasted, and without it nobody else could be rolled back."""
    one = balancer(balancers=behind_two())
    activated(one, "m1", "m3", serial=[1, 1])
    one.set("present", "m1")
    rolled_back(one, "m3", well=False)
    one.others = [{"id": f"i-{name}", "port": 8001, "state": "healthy"} for name in ("m1", "m4")]
    one.asked.clear()
    assert not one.set("absent", "m1").get("failed")
    assert [(state, ids(targets)) for state, targets in one.asked] == [
        ("present", ["i-m2"]), ("present", ["i-m4"]), ("present", ["i-m3"]), ("absent", ["i-m1"]),
    ]  # fmt: skip
