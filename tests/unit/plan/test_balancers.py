# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which balancer is reported of which members, in the words of its own cloud's module."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible import constants

from ansible_collections.praxis.cloud.plugins.action import fleet_balancer
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.balancer import failures
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.plan import Plan, make_plan
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.release import KeptRelease
from ansible_collections.praxis.cloud.plugins.plugin_utils import (
    balancer_answers,
    balancer_targets,
    fleet_action,
    fleet_variables,
)
from ansible_collections.praxis.cloud.plugins.plugin_utils.balancer_tasks import balancers, unnamed
from ansible_collections.praxis.cloud.plugins.plugin_utils.run_directory import RunDirectory
from tests.unit.fleet.made import fleet as wired
from tests.unit.fleet.made import meshed, order

from .made import fleet


def of(own: dict[int, dict[str, Any]]) -> list[dict[str, Any]]:
    hostvars = fleet(len(own), own)
    return balancers(fleet_variables.members(hostvars, list(hostvars)))


AWS = {"cloud": "aws", "region": "eu-central-1", "target_group": "agents"}
GOOGLE = {"cloud": "gcp", "region": "us-central1", "project": "p", "zone": "us-central1-a", "target_group": "agents"}


def test_members_without_a_target_group_are_behind_nothing() -> None:
    assert of({1: {"target_group": ""}, 2: {}}) == []


def test_a_fleet_over_two_clouds_is_behind_one_in_each() -> None:
    found = of({1: AWS, 2: {**GOOGLE, "instance_id": "demo-gcp-1"}, 3: AWS})
    assert found == [
        {"module": "praxis.cloud.aws_lb_target",
         "options": {"target_group": "agents", "region": "eu-central-1"},
         "targets": {"m1": {"id": "i-1", "port": 8000}, "m3": {"id": "i-3", "port": 8000}}},
        {"module": "praxis.cloud.gcp_lb_target",
         "options": {"backend_service": "agents", "project": "p"},
         "targets": {"m2": {"id": "demo-gcp-1", "zone": "us-central1-a", "port": 8000}}},
    ]  # fmt: skip


@pytest.mark.parametrize("other", [{"region": "us-east-1"}, {"target_group": "more"}, {"target_group": {"Name": "x"}}])
def test_another_region_or_target_group_is_another_balancer(other: dict[str, Any]) -> None:
    assert [list(each["targets"]) for each in of({1: AWS, 2: {**AWS, **other}})] == [["m1"], ["m2"]]


def test_machines_of_no_cloud_are_asked_for_on_aws() -> None:
    assert [each["module"] for each in of({1: {"target_group": "agents"}})] == ["praxis.cloud.aws_lb_target"]


def test_a_member_without_what_its_balancer_knows_it_by_is_refused() -> None:
    """A machine of a static inventory. Its balancer would not know it, and it would be stopped undrained."""
    nameless, nowhere = {"instance_id": ""}, {"instance_id": "demo-gcp-1", "zone": ""}
    own = {1: {**AWS, **nameless}, 2: {**GOOGLE, **nowhere}, 3: AWS, 4: {"target_group": "", **nameless},
           5: {**AWS, **nameless, "zone": ""}, 6: {**AWS, **nameless, "target": "ecs"}}  # fmt: skip
    hostvars = fleet(len(own), own)
    found = unnamed(fleet_variables.members(hostvars, list(hostvars)))
    assert [(each.code, each.where, each.what.partition(" ")[0]) for each in found] == [
        ("missing-variable", "variables (m1, m5)", "praxis_instance_id"),
        ("missing-variable", "variables (m2)", "praxis_zone"),
    ]


@pytest.mark.parametrize("ident", [
    "https://www.googleapis.com/compute/v1/projects/p/zones/us-central1-b/instances/demo-gcp-1",
    "projects/p/zones/us-central1-b/instances/demo-gcp-1", "zones/us-central1-b/instances/demo-gcp-1",
])  # fmt: skip
def test_a_link_to_a_machine_says_in_which_zone_it_is(ident: str) -> None:
    """As Terraform has it. The plan knows its zone as well, so that no batch takes all members of one."""
    hostvars = fleet(1, {1: {**GOOGLE, "zone": "", "instance_id": ident}})
    (member,) = fleet_variables.members(hostvars, list(hostvars))
    assert (unnamed([member]), member.zone) == ([], "us-central1-b")
    ((target,),) = [one["targets"].values() for one in balancers([member])]
    assert balancer_targets.machine_of(target) == ("us-central1-b", "demo-gcp-1")


REFUSED = {"code": "target-not-healthy", "what": "The target is unhealthy.", "where": "i-1", "fix": "Fix it."}


@pytest.mark.parametrize(
    ("answer", "reported"),
    [
        ({"changed": True}, []),
        ({"failed": True, "msg": "...", "failures": [REFUSED]}, [("target-not-healthy", "The target is unhealthy.")]),
        ({"failed": True, "msg": "No boto3."}, [("load-balancer", "No boto3.")]),
        ({"failed": True}, [("load-balancer", "The load balancer's module ended without an answer.")]),
    ],
)
def test_whatever_a_balancer_s_module_fails_with_is_reported(
    answer: dict[str, Any], reported: list[tuple[str, str]]
) -> None:
    found = balancer_answers.failures_of(answer, {"options": {"target_group": "agents"}})
    assert [(item["code"], item["what"]) for item in found] == reported
    # The task that calls it fails in the same words, where it does so itself.
    of_the_task = failures(answer if answer.get("failed") else None)
    assert [{**item, "where": ""} for item in of_the_task] == [{**item, "where": ""} for item in found]


PLAN = wired(4)
HEALTHY = {"state": "healthy", "description": ""}


class Balancer:
    """The action, over a run's directory, with a module in the cloud's place that answers as it is reported.

    :param health: by target id, the state that it answers; healthy unless it is given.
    """

    def __init__(self, folder: Path, module: str = "m", plan: Plan = PLAN, **options: Any) -> None:
        targets = {name: {"id": f"i-{name}", "port": 8001} for name in PLAN.members}
        known = {"hosts": list(PLAN.members), "batch": 1, "canary": 1, "min_available": None, "departed": "report",
                 "max_unreachable": 0,
                 "balancers": [{"module": module, "options": {"target_group": "agents"}, "targets": targets}]}
        each: dict[str, Any] = {name: {} for name in PLAN.members}
        self.run = RunDirectory.create(plan, each, each, {**known, **options})
        self.observations = meshed(PLAN)
        self.health: dict[str, str] = {}
        self.others: list[dict[str, Any]] = []
        self.asked: list[tuple[str, list[Any]]] = []
        self.patience: list[int | None] = []
        self.waited: list[bool] = []
        self.refuses: bool | str = False  # to take anybody in: all balancers, or that of this target group

    def set(self, state: str, *members: str, check_mode: bool = False, **args: Any) -> dict[str, Any]:
        for name, observation in self.observations.items():
            self.run.report(name, {"observation": observation})
        action = object.__new__(fleet_balancer.ActionModule)
        action._task = SimpleNamespace(check_mode=check_mode)
        action._execute_module = self._module
        given = {"members": list(members), "state": state, "only_serving": False, "departed": False, "observe": False,
                 **args}
        found: dict[str, Any] = action.judge(self.run, given)
        return found

    def _module(self, module_args: dict[str, Any], **_more: Any) -> dict[str, Any]:
        targets = module_args["targets"]
        self.asked.append((module_args["state"], targets))
        self.patience.append(module_args.get("wait_timeout"))
        self.waited.append(module_args["wait"])
        if self.refuses in (True, module_args["target_group"]) and targets and module_args["state"] == "present":
            return {"failed": True, "failures": [REFUSED]}
        seen = [{**HEALTHY, **each, "state": self.health.get(each["id"], "healthy")} for each in targets]
        late = [each for each in seen if each["state"] != "healthy"] if module_args["state"] == "present" else []
        failure = {"failed": True, "failures": [REFUSED]} if late else {}
        waiting = {} if module_args["wait"] else {"draining": 60.0}
        return {"changed": True, "targets": seen, "others": self.others, **waiting, **failure}


@pytest.fixture
def balancer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path))
    return lambda **options: Balancer(tmp_path, **options)


def test_before_a_batch_is_drained_the_others_that_can_serve_are_brought_in(balancer: Any) -> None:
    """Those that serve at the port that they listen at now, and the batch whatever port it is registered with."""
    one = balancer()
    for observation in one.observations.values():
        observation["api"]["port"] = 8000
    assert not one.set("absent", "m1").get("failed")
    others = [{"id": f"i-{name}", "port": 8000} for name in ("m2", "m3", "m4")]
    assert one.asked == [("present", others), ("absent", [{"id": "i-m1"}])]


@pytest.mark.parametrize(("options", "patience"), [({}, None), ({"join_timeout": 700}, 700)])
def test_a_user_says_how_long_a_balancer_may_take(balancer: Any, options: dict[str, Any], patience: int | None) -> None:
    one = balancer(**options)
    one.set("present", "m1")
    one.set("absent", "m1")
    assert one.patience == [patience, patience, None]


@pytest.mark.parametrize(
    ("balanced", "join_timeout", "seconds"),
    [(False, None, 870), (True, None, 2310), (True, 700, 2970), (False, 700, 870)],
)
def test_the_dead_man_s_switch_waits_for_the_balancer(balanced: bool, join_timeout: int | None, seconds: int) -> None:
    numbers = {"deadline": 100, "soak": 30, "join_timeout": join_timeout, "batch": 1, "canary": 1,
               "min_available": None, "max_unreachable": 0}  # fmt: skip
    assert fleet_action.confirm_deadline(numbers, 3, balanced=balanced) == seconds


@pytest.mark.parametrize(
    ("batch", "forks", "seconds"),
    [("100%", 60, 370), ("100%", 5, 370 + 11 * 100), ("100%", 1, 370 + 59 * 100), (20, 5, 120 + 3 * (250 + 3 * 100)),
     (1, 1, 120 + 60 * 250)],
)  # fmt: skip
def test_the_dead_man_s_switch_waits_for_a_batch_that_is_larger_than_ansible_s_forks(
    batch: int | str, forks: int, seconds: int
) -> None:
    """The hosts of a batch have their gates by so many at a time, and the first of them is armed all the while."""
    numbers = {"deadline": 100, "soak": 30, "join_timeout": None, "batch": batch, "canary": 60, "min_available": 0,
               "max_unreachable": 0}  # fmt: skip
    assert fleet_action.confirm_deadline(numbers, 60, forks=forks) == seconds


@pytest.mark.parametrize(
    ("given", "balanced", "seconds"),
    [({}, True, 900), ({"soak": 1800}, False, 2020), ({"soak": 1800}, True, 2500), ({"deadline": 1200}, False, 1350),
     ({"soak": 1800, "lease": 1900}, True, 1900)],
)  # fmt: skip
def test_others_wait_for_a_run_as_long_as_a_batch_may_take(
    given: dict[str, int], balanced: bool, seconds: int
) -> None:
    """In a soak it gives no sign of life."""
    numbers = {"deadline": 100, "soak": 30, "join_timeout": None, "lease": None, **given}
    assert fleet_action.lease(numbers, balanced) == seconds


@pytest.mark.parametrize(
    ("options", "unhealthy", "codes"),
    [
        ({}, [], []),
        ({}, ["i-m2"], ["floor"]),
        ({"min_available": 2}, ["i-m2"], []),
        ({"min_available": 2}, ["i-m2", "i-m3"], ["floor"]),
        ({"batch": 2}, ["i-m2"], []),
        ({"min_available": "75%"}, ["i-m4"], ["floor"]),
        ({"min_available": 0}, ["i-m2", "i-m3", "i-m4"], []),
    ],
)
def test_a_drain_that_leaves_too_few_healthy_members_is_refused(
    balancer: Any, options: dict[str, Any], unhealthy: list[str], codes: list[str]
) -> None:
    one = balancer(**options)
    one.health = dict.fromkeys(unhealthy, "unhealthy")
    found = one.set("absent", "m1")
    assert [failure["code"] for failure in found.get("failures", [])] == codes
    assert ("absent" in dict(one.asked)) is not bool(codes)


@pytest.mark.parametrize(("serving", "codes"), [("34", []), ("4", []), ("", ["floor"])])
def test_the_default_floor_is_all_that_can_be_reached_but_a_batch_of_the_fleet(
    balancer: Any, serving: str, codes: list[str]
) -> None:
    one = balancer(batch="50%")
    dead = Finding("host-unreachable", "It is.", "m2", "Start it.", level="warning")
    one.run.order.keep(order(left_out=(dead,)), {})
    del one.observations["m2"]
    one.health = {f"i-m{number}": "unhealthy" for number in "34" if number not in serving}
    found = one.set("absent", "m1")
    assert [failure["code"] for failure in found.get("failures", [])] == codes


@pytest.mark.parametrize(("leaving", "least", "enough"), [("12", 2, True), ("12", 3, False), ("1", 3, False)])
def test_a_smaller_batch_is_the_fix_where_it_would_keep_the_floor(
    balancer: Any, leaving: str, least: int, enough: bool
) -> None:
    one = balancer(batch=2, min_available=least)
    del one.observations["m4"]
    with pytest.raises(Failed) as error:
        one.set("absent", *(f"m{number}" for number in leaving))
    (found,) = error.value.findings
    assert (found.code, "praxis_batch" in found.fix) == ("floor", enough)


def behind_two() -> list[dict[str, Any]]:
    """m1 and m2 are behind one balancer, the others behind another one."""
    return [
        {"module": "m", "options": {"target_group": group},
         "targets": {name: {"id": f"i-{name}", "port": 8001} for name in part}}
        for group, part in (("agents", ("m1", "m2")), ("others", ("m3", "m4")))
    ]  # fmt: skip


def test_those_behind_another_balancer_are_brought_in_before_the_first_drain(balancer: Any) -> None:
    """A killed run may have left them out. Later this run knows; but while it rolls back, one may take nobody in."""
    one = balancer(balancers=behind_two(), batch=2)
    elsewhere = ("present", [{"id": "i-m3", "port": 8001}, {"id": "i-m4", "port": 8001}])
    assert not one.set("absent", "m1").get("failed")
    assert one.asked == [("present", [{"id": "i-m2", "port": 8001}]), elsewhere, ("absent", [{"id": "i-m1"}])]
    one.set("present", "m1")
    one.asked.clear()
    assert not one.set("absent", "m2").get("failed")
    assert elsewhere not in one.asked
    assert ("present", []) not in one.asked
    one.run.touch("m2", "81bb02")
    one.others = [{"id": "i-m3", "port": 8001, "state": "healthy"}]
    assert not one.set("absent", "m2").get("failed")
    assert elsewhere not in one.asked and ("present", []) in one.asked, "it is only asked who is there"


@pytest.mark.parametrize("rolls_back", [False, True])
@pytest.mark.parametrize(
    ("unhealthy", "refuses", "in_service", "codes"),
    [
        (["i-m3"], False, "4", []),
        (["i-m3", "i-m4"], False, "", ["floor"]),
        ([], "others", "", ["target-not-healthy"]),
        ([], "others", "34", ["target-not-healthy"]),
    ],
)
def test_those_that_another_balancer_does_not_call_healthy_make_up_for_nobody(
    balancer: Any, rolls_back: bool, unhealthy: list[str], refuses: bool | str, in_service: str, codes: list[str]
) -> None:
    """Who is there already counts in a rollback, which goes on as long as enough are."""
    one = balancer(balancers=behind_two(), batch=2)
    one.health, one.refuses = dict.fromkeys(unhealthy, "unhealthy"), refuses
    one.others = [{"id": f"i-m{number}", "port": 8001, "state": "healthy"} for number in in_service + "1"]
    if rolls_back:
        one.run.touch("m1", "81bb02")
        codes = [] if in_service else ["floor"] if codes else []
    found = one.set("absent", "m1")
    assert [failure["code"] for failure in found.get("failures", [])] == codes
    named = "Behind another one, out of service: m3, m4." in found.get("msg", "")
    assert named is (codes == ["floor"]), "all is well behind the one that m1 leaves"
    assert ("absent" in dict(one.asked)) is not bool(codes)


def test_who_is_missed_behind_another_balancer_is_looked_for_until_there(balancer: Any) -> None:
    """m3 and m4 are outside the run (--limit), and a killed one had drained them. m1 does not serve."""
    one = balancer(balancers=behind_two(), batch=2, hosts=["m1", "m2"])
    one.observations = {"m1": {**one.observations["m1"], "container": None}, "m2": one.observations["m2"]}
    assert not one.set("absent", "m1").get("failed")
    one.observations["m1"] = meshed(PLAN)["m1"]
    one.set("present", "m1")
    assert [failure["code"] for failure in one.set("absent", "m2")["failures"]] == ["floor"]
    one.others = [{"id": f"i-{name}", "port": 8001, "state": "healthy"} for name in ("m3", "m4")]
    assert not one.set("absent", "m2").get("failed")
    one.asked.clear()
    one.set("absent", "m2")
    assert ("present", []) not in one.asked, "nobody is missed any more"


def test_a_batch_behind_two_balancers_leaves_both(balancer: Any) -> None:
    """Who leaves the one does not make up for those that the other one lacks."""
    one = balancer(balancers=behind_two(), batch=2)
    assert not one.set("absent", "m1", "m3").get("failed")
    one.set("present", "m1", "m3")
    one.health = {"i-m2": "unhealthy"}
    assert [failure["code"] for failure in one.set("absent", "m1", "m3")["failures"]] == ["floor"]


@pytest.mark.parametrize("new", [False, True])
def test_members_that_do_not_serve_elsewhere_make_up_for_nobody(balancer: Any, new: bool) -> None:
    """They cannot be reached and are left out, or they were new, and have been rolled back."""
    one = balancer(balancers=behind_two()[:1])
    dead = [Finding("host-unreachable", "It is.", name, "Start it.", level="warning") for name in ("m3", "m4")]
    one.run.order.keep(order(left_out=() if new else tuple(dead)), {})
    for name, previous in {"m1": "81bb02", "m3": None, "m4": None}.items() if new else ():
        one.run.touch(name, previous)
    for name in ("m3", "m4"):
        one.observations[name] = {**one.observations[name], "container": None} if new else {}
    one.others = [{"id": "i-m1", "port": 8001, "state": "healthy"}]
    assert not one.set("absent", "m1").get("failed")
    one.health = {"i-m2": "unhealthy"}
    assert [failure["code"] for failure in one.set("absent", "m1")["failures"]] == ["floor"]


@pytest.mark.parametrize(
    ("broken", "registered", "leaving", "codes"),
    [
        (["m1", "m2"], "unhealthy", "m1", []),
        (["m1", "m2", "m3", "m4"], "unhealthy", "m1", []),
        (["m1", "m2"], "unhealthy", "m3", ["floor"]),
        # The balancer has the last word: requests reach it.
        (["m1", "m2"], "healthy", "m1", ["floor"]),
        (["m1", "m2", "m3", "m4"], "healthy", "m1", ["floor"]),
    ],
)
def test_who_serves_nobody_may_be_repaired_however_few_the_others_are(
    balancer: Any, broken: list[str], registered: str, leaving: str, codes: list[str]
) -> None:
    """A fleet that is under its floor would stay there otherwise, and its canary would not be rolled back."""
    one = balancer()
    for name in broken:
        one.observations[name]["container"] = None
    one.others = [{"id": f"i-{name}", "port": 8000, "state": registered} for name in broken]
    try:
        found = one.set("absent", leaving).get("failures", [])
    except Failed as error:
        found = [finding.as_dict() for finding in error.findings]
    assert [failure["code"] for failure in found] == codes
    assert ("absent" in dict(one.asked)) is not bool(codes)


@pytest.mark.parametrize(("in_service", "codes"), [("34", []), ("4", ["floor"])])
def test_a_rollback_goes_on_where_the_balancer_takes_nobody_in(
    balancer: Any, in_service: str, codes: list[str]
) -> None:
    """As long as enough others are in already. What is rolled back may be out itself, for this very reason."""
    one = balancer(batch=2)
    one.refuses = True
    one.others = [{"id": f"i-m{number}", "port": 8000, "state": "healthy"} for number in in_service]
    # Nothing has been touched yet: whoever is refused stops there.
    assert one.set("absent", "m1")["failures"] == [REFUSED]
    one.run.touch("m1", "old")
    one.asked.clear()
    found = one.set("absent", "m1")
    assert [failure["code"] for failure in found.get("failures", [])] == codes
    assert ("absent" in dict(one.asked)) is not bool(codes)


@pytest.mark.parametrize(
    ("joined", "rolled_back", "others"),
    [((), (), ["i-m4"]), (("m2", "m3"), (), ["i-m2", "i-m3", "i-m4"]), ((), ("m2",), ["i-m2", "i-m4"])],
)
def test_a_rollback_gives_no_requests_to_the_batch_that_failed(
    balancer: Any, joined: tuple[str, ...], rolled_back: tuple[str, ...], others: list[str]
) -> None:
    """One of two crashed in the soak. The other has the same release, and may crash at any moment."""
    one = balancer(batch=2, min_available=1)
    one.run.order.keep(order(activate=["m1", "m2", "m3"], serial=[1, 2]), {})
    for name in ("m1", "m2", "m3"):
        one.run.touch(name, "81bb02")
    for names in (["m1"], list(joined)):
        one.set("present", *names)
    for name in ("m2", "m3"):
        one.run.roll_back(name)
        one.run.journal.write("roll back", [name], 1.0, "ok" if name in rolled_back else "not-rolled-back")
    one.asked.clear()
    assert not one.set("absent", "m1").get("failed")
    assert [target["id"] for target in one.asked[0][1]] == others


def test_the_batch_that_failed_can_be_rolled_back_however_few_serve(balancer: Any) -> None:
    """Two of three that serve nobody are one batch; the third is dead."""
    one = balancer(min_available=2)
    one.run.order.keep(order(activate=["m1", "m2", "m3"], serial=[3]), {})
    for name in ("m1", "m2", "m3"):
        one.run.touch(name, "81bb02")
    assert not one.set("absent", "m2").get("failed")
    one.others = [{"id": "i-m2", "port": 8001, "state": "healthy"}]
    assert [item["code"] for item in one.set("absent", "m2")["failures"]] == ["floor"]


@pytest.mark.parametrize("options", [{}, {"balancers": []}])
@pytest.mark.parametrize("touched", [True, False])
def test_a_drain_that_is_refused_is_the_beginning_of_a_rollback_where_its_members_were_activated(
    balancer: Any, touched: bool, options: dict[str, Any]
) -> None:
    one = balancer(**options)
    del one.observations["m2"]  # too few others serve
    if touched:
        one.run.touch("m1", "81bb02")
    with pytest.raises(Failed):
        one.set("absent", "m1")
    assert one.run.rollback_begun() is touched
    one.set("present", "m1")
    assert one.run.rollback_begun() is touched


def test_a_member_that_leaves_is_waited_for_on_its_machine_and_no_other(balancer: Any) -> None:
    one = balancer(batch=2)
    one.health = {"i-m1": "draining", "i-m2": "unused"}
    one.set("absent", "m1", "m2")
    assert [round(one.run.draining(name)) for name in ("m1", "m2", "m3")] == [60, 0, 0]


def test_members_that_do_not_serve_by_themselves_are_not_counted(balancer: Any) -> None:
    one = balancer()
    one.observations["m2"]["container"] = None
    with pytest.raises(Failed) as refused:
        one.set("absent", "m1")
    assert [finding.code for finding in refused.value.findings] == ["floor"]
    assert one.asked == []
    # To take out the one that does not serve lowers nothing.
    assert not one.set("absent", "m2").get("failed")


def of_a_rollback() -> Plan:
    """The plan of a rollback of m1 alone: it knows only that the others are there."""
    unknown = {name: KeptRelease.unknown(name) for name in PLAN.members if name != "m1"}
    return make_plan("test", list(PLAN.members.values()), list({**PLAN.releases, **unknown}.values()))


@pytest.mark.parametrize("plan", [PLAN, of_a_rollback()])
@pytest.mark.parametrize(("in_service", "codes"), [("234", []), ("24", ["floor"]), ("", ["floor"])])
def test_members_outside_the_run_count_when_the_balancer_has_them_in_service(
    balancer: Any, plan: Plan, in_service: str, codes: list[str]
) -> None:
    one = balancer(plan=plan, hosts=["m1"])
    one.observations = {"m1": one.observations["m1"]}
    one.others = [{"id": f"i-m{number}", "port": 8000, "state": "healthy"} for number in in_service]
    one.others += [{"id": "i-m3", "port": 8000, "state": "unhealthy"}] if "3" not in in_service else []
    found = one.set("absent", "m1")
    assert [failure["code"] for failure in found.get("failures", [])] == codes
    # They are left as they are.
    assert one.asked[0] == ("present", [])


def test_a_fleet_that_is_new_has_nobody_in_service_to_keep(balancer: Any) -> None:
    one = balancer()
    one.run.order.keep(order(first_deployment=True), {})
    one.health = {"i-m2": "unhealthy"}
    assert not one.set("absent", "m1").get("failed")


def test_check_mode_waits_for_nobody(balancer: Any) -> None:
    one = balancer()
    one.health = {"i-m2": "initial", "i-m3": "initial"}
    assert "failures" not in one.set("absent", "m1", check_mode=True)


def test_only_those_that_serve_rejoin_after_a_rollback(balancer: Any) -> None:
    one = balancer()
    one.observations["m2"]["container"] = None
    one.set("present", "m1", "m2", only_serving=True)
    assert one.asked == [("present", [{"id": "i-m1", "port": 8001}])]
    assert [entry["hosts"] for entry in one.run.journal.entries()] == [["m1"]]


def test_drains_and_rejoins_are_in_the_journal_of_those_behind_a_balancer(balancer: Any) -> None:
    one = balancer()
    one.set("absent", "m1", "stranger")
    one.set("present", "m1")
    one.health = {"i-m1": "unhealthy"}
    one.set("present", "m1", "m2")
    one.observations["m2"]["container"] = None
    with pytest.raises(Failed):
        one.set("absent", "m1")
    assert [(entry["step"], entry["hosts"], entry["outcome"]) for entry in one.run.journal.entries()] == [
        ("drain", ["m1"], "ok"),
        ("rejoin", ["m1"], "ok"),
        ("rejoin", ["m1", "m2"], "target-not-healthy"),
        ("drain", ["m1"], "floor"),
    ]
    fleet = balancer(balancers=[])
    fleet.set("absent", "m1")
    assert fleet.run.journal.entries() == []


@pytest.mark.parametrize(
    ("departed", "asked", "named"),
    [("report", ["present"], ["i-gone:8000"]), ("remove", ["present", "absent"], [])],
)
def test_what_is_no_member_s_is_named_or_taken_out(
    balancer: Any, departed: str, asked: list[str], named: list[str]
) -> None:
    one = balancer(departed=departed)
    one.others = [{"id": "i-gone", "port": 8000, "state": "healthy"}, {"id": "i-m4", "port": 8001, "state": "healthy"}]
    found = one.set("present", "m1", "m2", "m3", departed=True)
    assert ([state for state, _targets in one.asked], found["others"]) == (asked, named)
    if asked[-1] == "absent":
        assert one.asked[-1][1] == [{"id": "i-gone", "port": 8000}]


@pytest.mark.parametrize(
    ("scope", "unhealthy", "in_service", "error", "why"),
    [
        ("1234", "1234", "", False, "The load balancer has not taken all members in."),
        ("1234", "3", "", False, "The load balancer has not taken all members in."),
        ("1234", "", "", True, "This run has failed."),
        # Members outside a limit count when the balancer has them in service.
        ("1", "", "2", False, "2 members are healthy there, and 3 have to be."),
        ("1", "", "23", False, ""),
    ],
)
def test_what_is_no_member_s_is_left_as_long_as_the_members_need_it(
    balancer: Any, scope: str, unhealthy: str, in_service: str, error: bool, why: str
) -> None:
    """It may be all that serves."""
    one = balancer(departed="remove", hosts=[f"m{number}" for number in scope])
    one.others = [{"id": "i-gone", "port": 8000, "state": "healthy"}]
    one.others += [{"id": f"i-m{number}", "port": 8001, "state": "healthy"} for number in in_service]
    one.health = {f"i-m{number}": "unhealthy" for number in unhealthy}
    if error:
        one.run.record([Finding("agent-crashing", "It is.", "m1", "Fix it.")])
    found = one.set("present", *(f"m{number}" for number in scope), departed=True)
    assert ("absent" in dict(one.asked)) is not bool(why)
    assert found["others"] == (["i-gone:8000"] if why else [])
    assert found["kept"] == ([{"target": "i-gone:8000", "why": why}] if why else [])


def at_ports(one: Any, **ports: int) -> None:
    """Where the agents listen now."""
    for name, port in ports.items():
        one.observations[name]["api"]["port"] = port


def test_a_member_rejoins_at_the_port_that_it_listens_at(balancer: Any) -> None:
    """After a rollback that is not the plan's."""
    one = balancer()
    at_ports(one, m1=8000, m2=8001)
    one.set("present", "m1", "m2", only_serving=True)
    assert one.asked == [("present", [{"id": "i-m1", "port": 8000}, {"id": "i-m2", "port": 8001}])]


def test_in_the_end_a_member_is_registered_nowhere_else(balancer: Any) -> None:
    """Whoever is not asked for is left as it is."""
    one = balancer()
    at_ports(one, m1=8001)
    one.others = [{"id": "i-m1", "port": 8000, "state": "unhealthy"}, {"id": "i-m2", "port": 8000, "state": "healthy"}]
    found = one.set("present", "m1", departed=True)
    assert one.asked == [("present", [{"id": "i-m1", "port": 8001}]), ("absent", [{"id": "i-m1", "port": 8000}])]
    assert found["others"] == []


def test_observing_asks_where_members_serve_and_reports_where_they_do_not(balancer: Any) -> None:
    """A host that rolled itself back to its port of before, and is still registered at the new one."""
    one = balancer()
    at_ports(one, m1=8000, m2=8001)
    unhealthy, stranger = ({"port": 8001, "state": state} for state in ("unhealthy", "healthy"))
    one.others = [{"id": "i-m1", **unhealthy}, {"id": "i-gone", **stranger}]
    found = one.set("present", "m1", "m2", observe=True, check_mode=True)
    assert one.asked == [("present", [{"id": "i-m1", "port": 8000}, {"id": "i-m2", "port": 8001}])]
    assert (found["stale"], found["others"]) == ([{"member": "m1", "port": 8001}], ["i-gone:8001"])
    # Nobody knows where a member serves that could not be observed.
    one.run.forget("m1")
    del one.observations["m1"]
    one.others = [{"id": "i-m1", "port": 8000, "state": "healthy"}]
    assert one.set("present", "m1", "m2", observe=True, check_mode=True)["stale"] == []


AWS_MODULE = "praxis.cloud.aws_lb_target"


def armed(one: Any, *names: str, port: int = 8000) -> None:
    """These hosts go back to a release at this port, if nobody calls the new one good."""
    for name in names:
        one.observations[name]["switch"] = {"armed": {"run": "a", "back": "old", "api_port": port}}


def test_while_a_release_is_not_called_good_a_member_is_in_at_the_port_of_before_too(balancer: Any) -> None:
    """Nobody waits for it there; and before the next batch is drained, those before it are in at both."""
    one = balancer(module=AWS_MODULE)
    armed(one, "m1")
    one.set("present", "m1", "m2")
    both, before = [{"id": "i-m1", "port": 8001}, {"id": "i-m2", "port": 8001}], [{"id": "i-m1", "port": 8000}]
    assert (one.asked, one.waited) == ([("present", before), ("present", both)], [False, True])
    one.asked.clear()
    one.set("absent", "m2")
    others = [{"id": f"i-{name}", "port": 8001} for name in ("m1", "m3", "m4")]
    assert one.asked == [("present", others), ("present", before), ("absent", [{"id": "i-m2"}])]
    # Not where the port stays, nor where a cloud has one port for all.
    for other, port in ((AWS_MODULE, 8001), ("praxis.cloud.gcp_lb_target", 8000)):
        plain = balancer(module=other)
        armed(plain, "m1", port=port)
        plain.set("present", "m1")
        assert plain.asked == [("present", [{"id": "i-m1", "port": 8001}])]


def test_who_is_brought_in_behind_another_balancer_is_in_at_the_port_of_before_too(balancer: Any) -> None:
    """Also where the first batch has members behind no balancer."""
    one = balancer(balancers=[{**each, "module": AWS_MODULE} for each in behind_two()], batch=2)
    armed(one, "m3")
    one.set("absent", "stranger")
    assert one.asked == []
    one.set("absent", "m1")
    here, there = [{"id": "i-m2", "port": 8001}], [{"id": f"i-{name}", "port": 8001} for name in ("m3", "m4")]
    before = [{"id": "i-m3", "port": 8000}]
    steps = [("present", here), ("present", there), ("present", before), ("absent", [{"id": "i-m1"}])]
    assert one.asked == steps


def test_in_the_end_it_is_taken_out_there_once_its_release_has_been_called_good(balancer: Any) -> None:
    """Who has not been told that it is good goes back by itself, and will serve there."""
    one = balancer(module=AWS_MODULE)
    armed(one, "m1", "m2")
    one.others = [{"id": f"i-{name}", "port": 8000, "state": "unhealthy"} for name in ("m1", "m2")]
    one.run.journal.write("confirm", ["m1"], 0.0, "ok")
    one.run.journal.write("confirm", ["m2"], 0.0, "host-unreachable")
    one.set("present", "m1", "m2", departed=True)
    there = [{"id": f"i-{name}", "port": 8001} for name in ("m1", "m2")]
    assert sorted(one.asked, key=str) == sorted([
        ("present", there),
        ("absent", [{"id": "i-m1", "port": 8000}]),
        ("present", [{"id": "i-m2", "port": 8000}])], key=str)  # fmt: skip
    one.others = [{"id": f"i-{name}", "port": 8001, "state": "healthy"} for name in ("m1", "m2")]
    one.asked.clear()
    one.set("present", "m3", departed=True)
    assert one.asked == [("present", [{"id": "i-m3", "port": 8001}])], "who is not asked for is left as it is"


@pytest.mark.parametrize(("ident", "zone"), [("m", "a"), ("projects/p/zones/a/instances/m", ""), ("m", "zones/a")])
def test_a_machine_of_another_zone_may_have_the_same_name(ident: str, zone: str) -> None:
    target = {"id": ident, "zone": zone, "port": 8000}
    answer = {"others": [{"id": "m", "zone": "a", "port": 8001}, {"id": "m", "zone": "b", "port": 8000}]}
    assert balancer_targets.stale(answer, [target]) == [{"id": "m", "zone": "a", "port": 8001}]
    assert balancer_targets.strangers(answer, {"targets": {"m1": target}}) == [{"id": "m", "zone": "b", "port": 8000}]


def test_a_member_that_is_drained_from_two_ports_is_named_once_and_in_its_own_place(balancer: Any) -> None:
    states = [("m1", 8000, "draining"), ("m1", 8001, "unused"), ("m2", 8000, "healthy"), ("m2", 8001, "unhealthy")]
    answer = {"targets": [{"id": f"i-{name}", "port": port, "state": state} for name, port, state in states]}
    known = {name: {"id": f"i-{name}", "port": 8001} for name in ("m1", "m2", "m3")}
    found = balancer_targets.answered(answer, ["m1", "m2", "m3"], known)
    assert [(one["member"], one["state"]) for one in found] == [("m1", "draining"), ("m2", "healthy")]


def test_who_stood_still_for_longer_than_the_lease_takes_nobody_out(
    balancer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = balancer()
    made.run.lock.take({"run": "a", "lock_host": "m1", "fence": 1, "lease": 900.0})
    assert not made.set("absent", "m1").get("failed")
    asked = len(made.asked)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 901)
    with pytest.raises(Failed) as failed:
        made.set("absent", "m1")
    assert [item.code for item in failed.value.findings] == ["lease-over"]
    assert len(made.asked) == asked


def test_who_stands_still_while_others_are_waited_for_takes_nobody_out(
    balancer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A laptop that sleeps after the others were brought in, and before the drain."""
    made, now = balancer(), time.time()
    made.run.lock.take({"run": "a", "lock_host": "m1", "fence": 1, "lease": 900.0})
    answer = made._module

    def asleep(**asked: Any) -> dict[str, Any]:
        found: dict[str, Any] = answer(**asked)
        monkeypatch.setattr(time, "time", lambda: now + 901)
        return found

    made._module = asleep
    with pytest.raises(Failed) as failed:
        made.set("absent", "m1")
    assert [item.code for item in failed.value.findings] == ["lease-over"]
    assert [state for state, targets in made.asked if targets] == ["present"]


def test_who_was_taken_out_is_out_until_it_is_put_in_again(balancer: Any) -> None:
    made = balancer(min_available=1)
    made.health = {"i-m1": "draining", "i-m2": "draining"}
    made.set("absent", "m1", "m2")
    assert made.run.still_out() == ["m1", "m2"]
    made.health = {"i-m2": "unhealthy"}
    made.set("present", "m1")
    made.set("present", "m2")
    assert made.run.still_out() == ["m2"], "a balancer that is late with one has not put it in"
    made.health = {"i-m1": "draining"}
    made.set("absent", "m1")
    assert made.run.still_out() == ["m1", "m2"]
