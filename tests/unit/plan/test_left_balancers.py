# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Another target group on a running fleet: where members are registered, step by step."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible import constants

from ansible_collections.praxis.cloud.plugins.action import agent_release, fleet_balancer
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import balancer
from ansible_collections.praxis.cloud.plugins.plugin_utils.run_directory import RunDirectory
from tests.unit.fleet.made import fleet as wired
from tests.unit.fleet.made import meshed

PLAN = wired(4)
MODULE = "praxis.cloud.aws_lb_target"
DENIED = {"code": "cloud-denied", "what": "Denied.", "where": "AWS", "fix": "Grant it."}
GONE = {"code": "target-group-not-found", "what": "It does not exist.", "where": "AWS", "fix": "Correct it."}
OPTIONS = {"hosts": list(PLAN.members), "batch": 1, "canary": 1, "min_available": None, "departed": "report",
           "max_unreachable": 0}  # fmt: skip


def behind(group: str, **more: Any) -> dict[str, Any]:
    return {"module": MODULE, "options": {"target_group": group, **more}}


class Moved:
    """A fleet whose hosts remember one balancer, and whose plan names another one.

    :param machines: each member in the words of the balancers' module, without its port.
    """

    def __init__(
        self, old: dict[str, Any], new: dict[str, Any], machines: dict[str, dict[str, str]], **options: Any
    ) -> None:
        planned = [{**new, "targets": {name: {**machine, "port": 8000} for name, machine in machines.items()}}]
        each: dict[str, Any] = {name: {} for name in PLAN.members}
        self.run = RunDirectory.create(PLAN, each, each, {**OPTIONS, "balancers": planned, **options})
        self.observations = meshed(PLAN)
        for name, observation in self.observations.items():
            observation["balancers"] = [{**old, "target": machines[name]}]

    def set(self, state: str, *members: str, check_mode: bool = False, **args: Any) -> dict[str, Any]:
        for name, observation in self.observations.items():
            self.run.report(name, {"observation": observation})
        action = object.__new__(fleet_balancer.ActionModule)
        action._task = SimpleNamespace(check_mode=check_mode)
        action._execute_module = lambda module_args, **_more: self._module(module_args, check_mode)
        given = {"members": list(members), "state": state, "only_serving": False, "departed": False, "observe": False}
        found: dict[str, Any] = action.judge(self.run, {**given, **args})
        return found

    def ends(self) -> dict[str, Any]:
        return self.set("present", *PLAN.members, departed=True)

    def _module(self, args: dict[str, Any], check_mode: bool) -> dict[str, Any]:
        """What the balancers' module answers."""
        raise NotImplementedError


class Account(Moved):
    """Target groups, and a stand-in for the module that knows them: it registers and deregisters at once.

    :param used: the groups that a load balancer uses. Only their targets are healthy.
    """

    def __init__(self, group: str = "new", **options: Any) -> None:
        super().__init__(behind("old"), behind(group), {name: {"id": f"i-{name}"} for name in PLAN.members}, **options)
        self.groups: dict[str, set[tuple[str, int]]] = {"old": {(f"i-{name}", 8000) for name in PLAN.members},
                                                        "new": set()}  # fmt: skip
        self.names = {"new": "new", "old": "old"}
        self.used = {"old", "new"}
        self.broken: set[tuple[str, tuple[str, int]]] = set()
        self.refused: dict[str, dict[str, str]] = {}

    def members_of(self, group: str) -> str:
        return "".join(sorted(ident.removeprefix("i-m") for ident, _port in self.groups[group]))

    def _module(self, args: dict[str, Any], check_mode: bool) -> dict[str, Any]:
        group = self.names.get(args["target_group"], args["target_group"])
        if group in self.refused:
            return {"failed": True, "failure": self.refused[group], "failures": [self.refused[group]]}
        known, wanted = self.groups[group], args["targets"]
        meant = {(one["id"], one["port"]) for one in wanted if "port" in one}
        meant |= {target for target in known for one in wanted if "port" not in one and one["id"] == target[0]}
        before = set(known)
        if not check_mode:
            (known.update if args["state"] == "present" else known.difference_update)(meant)
        answer: dict[str, Any] = {"changed": known != before, "target_group_arn": f"arn:{group}"}
        answer["targets"] = [self._seen(group, target) for target in sorted(meant)]
        answer["others"] = [self._seen(group, target) for target in sorted(known - meant)]
        if args["state"] == "absent":
            return {**answer, "draining": 60.0}
        late = args["wait"] and any(target["state"] != "healthy" for target in answer["targets"])
        answer["addresses"] = [f"{group}.example.com"] if group in self.used else []
        return {**answer, **({"failed": True, "failures": [{**GONE, "code": "target-not-healthy"}]} if late else {})}

    def _seen(self, group: str, target: tuple[str, int]) -> dict[str, Any]:
        state = "healthy" if group in self.used and (group, target) not in self.broken else "unhealthy"
        state = state if target in self.groups[group] else "draining"
        return {"id": target[0], "port": target[1], "state": state, "description": ""}


@pytest.fixture
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> type[Account]:
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path))
    return Account


def test_a_batch_is_drained_from_the_group_of_before_and_joins_it_again(account: type[Account]) -> None:
    """Its clients go on, and so do those of the new group."""
    one = account()
    assert not one.set("absent", "m1").get("failed")
    assert (one.members_of("old"), one.members_of("new")) == ("234", "234")
    assert round(one.run.draining("m1")) == 60
    assert not one.set("present", "m1").get("failed")
    assert (one.members_of("old"), one.members_of("new")) == ("1234", "1234")


def test_a_batch_of_everybody_joins_the_group_of_before_again(account: type[Account]) -> None:
    one = account(min_available=0, batch="100%")
    one.set("absent", *PLAN.members)
    assert one.members_of("old") == ""
    one.set("present", *PLAN.members)
    assert (one.members_of("old"), one.members_of("new")) == ("1234", "1234")


def test_the_floor_holds_in_the_group_of_before_as_well(account: type[Account]) -> None:
    one = account()
    one.broken = {("old", ("i-m2", 8000))}
    found = one.set("absent", "m1")
    assert [failure["code"] for failure in found["failures"]] == ["floor"]
    assert "i-m1" in str(one.groups["old"])


@pytest.mark.parametrize(
    ("used", "departed", "old", "left"),
    [
        (True, "report", "1234", ["1234"]),
        # A person says so: whoever uses it still is nobody of this fleet's concern.
        (True, "remove", "", []),
        (False, "report", "", []),
    ],
)
def test_at_the_end_a_group_that_nobody_uses_is_left(
    account: type[Account], used: bool, departed: str, old: str, left: list[str]
) -> None:
    one = account(departed=departed)
    one.groups["old"].add(("i-of-others", 8000))
    one.used -= set() if used else {"old"}
    found = one.ends()
    assert not found.get("failed")
    assert one.members_of("new") == "1234"
    assert one.members_of("old").replace("i-of-others", "") == old
    assert ("i-of-others", 8000) in one.groups["old"], "other members are not ours"
    assert found["others"] == [], "and not reported"
    assert ["".join(each["members"]).replace("m", "") for each in found["left"]] == left
    assert {each["member"] for each in found["targets"]} == set(PLAN.members)
    assert found["addresses"] == ["new.example.com"]
    again = account(departed="report")
    again.groups, again.used = one.groups, one.used
    again.ends()
    assert again.members_of("old").replace("i-of-others", "") == old, "a group that was left is not joined again"


def test_traffic_that_is_moved_during_the_run_is_seen_at_its_end(account: type[Account]) -> None:
    one = account()
    one.set("absent", "m1")
    one.set("present", "m1")
    one.used.discard("old")
    assert one.ends()["left"] == []
    assert one.members_of("old") == ""


def test_a_group_that_nobody_uses_stops_no_batch(account: type[Account]) -> None:
    one = account()
    one.used.discard("old")
    assert not one.set("absent", "m1").get("failed")
    assert not one.set("present", "m1").get("failed")


def test_a_deployment_that_ends_badly_leaves_no_group_that_is_in_use(account: type[Account]) -> None:
    one = account(departed="remove")
    one.run.record([Finding("container-exited", "It has exited.", "m4", "See its log.")])
    one.ends()
    assert one.members_of("old") == "1234"


def test_where_the_new_group_does_not_take_members_the_old_one_keeps_them(account: type[Account]) -> None:
    one = account(departed="remove")
    one.used = {"old"}
    found = one.ends()
    assert [failure["code"] for failure in found["failures"]] == ["target-not-healthy"]
    assert one.members_of("old") == "1234"


def test_the_same_group_by_another_name_is_no_other_group(account: type[Account]) -> None:
    one = account("arn:old", departed="remove")
    one.names["arn:old"] = "old"
    one.set("absent", "m1")
    one.set("present", "m1")
    found = one.ends()
    assert (one.members_of("old"), found["left"], found["addresses"]) == ("1234", [], ["old.example.com"])


@pytest.mark.parametrize(("failure", "codes"), [(GONE, []), (DENIED, ["cloud-denied"])])
def test_a_group_that_cannot_be_asked_stops_the_first_drain_unless_it_is_gone(
    account: type[Account], failure: dict[str, str], codes: list[str]
) -> None:
    one = account()
    one.refused = {"old": failure}
    found = one.set("absent", "m1")
    assert [each["code"] for each in found.get("failures", [])] == codes
    assert one.members_of("new") == ("" if codes else "234")
    # Who was not drained joins the planned group all the same.
    one.set("present", "m1")
    assert "1" in one.members_of("new")


def test_what_another_machine_remembers_is_not_about_a_copy_of_its_disk(account: type[Account]) -> None:
    one = account(departed="remove")
    for observation in one.observations.values():
        observation["balancers"] = [{**behind("old"), "target": {"id": "i-of-before"}}]
    one.groups["old"] = {("i-of-before", 8000)}
    one.ends()
    assert one.groups["old"] == {("i-of-before", 8000)}


def test_status_names_the_group_that_members_are_in_still(account: type[Account]) -> None:
    one = account()
    one.groups["new"] = set(one.groups["old"])
    found = one.set("present", *PLAN.members, observe=True, check_mode=True)
    assert [each["group"] for each in found["left"]] == ["old"]
    (finding,) = balancer.left_groups(found)
    assert (finding.code, finding.where, finding.level) == ("target-group-left", "old", "warning")
    assert "m1, m2, m3, m4" in finding.what and "old.example.com" in finding.what


def test_hosts_are_told_to_remember_their_balancers_when_they_are_prepared(account: type[Account]) -> None:
    one = account(deadline=1, keep_releases=5, pull_deadline=1)
    action = object.__new__(agent_release.ActionModule)
    action._task = SimpleNamespace(check_mode=True, args={})
    told = action.arguments(one.run, "m2", {"state": "prepared"})
    assert told["balancers"] == [{**behind("new"), "target": {"id": "i-m2"}}]
    assert "balancers" not in action.arguments(one.run, "m2", {"state": "active"})
