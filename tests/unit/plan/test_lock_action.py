# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What taking the fleet's lock comes to where the host that keeps it is outside of the run (--limit)."""

from __future__ import annotations

import json
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible import constants

from ansible_collections.praxis.cloud.plugins.action import fleet_lock
from ansible_collections.praxis.cloud.plugins.module_utils import deployment
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import lock
from ansible_collections.praxis.cloud.plugins.plugin_utils import controller
from ansible_collections.praxis.cloud.plugins.plugin_utils.run_directory import RunDirectory
from tests.unit.fleet.made import fleet as wired
from tests.unit.fleet.made import order

PLAN = wired(2)
OTHER = {"run": "20260101T000000Z-a1b2c3", "owner": "ann@desk", "reason": "deploy", "lock_host": "m1", "fence": 7,
         "lease": 600.0}  # fmt: skip
HERE = controller.process(1)


class Keeper:
    """The action, with the host that keeps the lock in its module's place."""

    def __init__(self, run: RunDirectory, found: dict[str, Any]) -> None:
        self.run, self.found = run, found
        self.action = object.__new__(fleet_lock.ActionModule)
        self.action._display = SimpleNamespace()
        self.action._execute_module = self._module
        self.action._low_level_execute_command = self._shell

    def take(self) -> dict[str, Any]:
        taken: dict[str, Any] = self.action._take(self.run, {"host": "m1"}, {})
        return taken

    def _shell(self, _command: str, in_data: bytes, sudoable: bool) -> dict[str, Any]:
        assert in_data
        remembered = f"praxis-remembers\nit 9.0 9.0\n{time.time():.0f}\n{json.dumps(self.found)}"
        return {"rc": 0, "stdout": remembered, "stderr": ""}

    def _module(self, module_name: str, module_args: dict[str, Any], **_more: Any) -> dict[str, Any]:
        assert module_name == fleet_lock.MODULE
        wanted = deployment.deployment_from({"last": False, **module_args["deployment"]})
        assert wanted is not None
        try:
            taken = deployment.takes(self.found, wanted, module_args["seen"], module_args["over"], time.time())
        except Failed as error:
            return {"failed": True, **error.as_result()}
        return {"changed": True, "fence": (taken or wanted).fence}


def run_of(folder: Path, monkeypatch: pytest.MonkeyPatch, *hosts: str, unfinished: str = "continue") -> RunDirectory:
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(folder))
    each: dict[str, Any] = {name: {} for name in PLAN.members}
    options = {"deployment": controller.deployment("deploy"), "lease": 900.0, "take_over": "", "unfinished": unfinished,
               "hosts": list(hosts)}  # fmt: skip
    return RunDirectory.create(PLAN, each, each, options)


@pytest.mark.parametrize(
    ("process", "ended", "unfinished", "codes", "fence"),
    [
        ({**HERE, "started": "before"}, False, "continue", ["taken-over"], 8),
        ({**HERE, "started": "before"}, False, "refuse", ["unfinished"], None),
        ({**HERE, "started": "before"}, True, "refuse", [], 8),
        (HERE, False, "continue", ["fleet-locked"], None),
        ({**HERE, "place": "elsewhere"}, False, "continue", ["fleet-locked"], None),
    ],
)
def test_a_run_of_other_hosts_knows_when_the_one_that_holds_the_fleet_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, process: dict[str, Any], ended: bool, unfinished: str,
    codes: list[str], fence: int | None,
) -> None:  # fmt: skip
    run = run_of(tmp_path, monkeypatch, "m2", unfinished=unfinished)
    run.report("m2", {"observation": {"deployment": None, "host": {"clock": time.time()}}})
    wanted = deployment.deployment_from({"process": process, "last": False, **OTHER})
    assert wanted is not None
    taken = Keeper(run, wanted.record(time.time(), ended)).take()
    assert [item.code for item in run.recorded()] == codes
    limited = ["It changes nothing on m1: " in item.what for item in run.recorded()]
    assert limited == [code == "taken-over" for code in codes]
    assert (taken["locked"], (run.lock.held() or {}).get("fence")) == (fence is not None, fence)


@pytest.mark.parametrize(
    ("among", "hosts", "codes"),
    [
        ([], ["m2"], ["unfinished"]),
        # It was named, or hosts of the run know that one has stopped.
        (None, ["m2"], ["taken-over"]),
        # On the hosts of the run its release has been called good: it is this one that is undone.
        ([OTHER["run"]], ["m2"], ["taken-over"]),
        ([], ["m1", "m2"], ["taken-over"]),
    ],
)
def test_a_part_of_a_fleet_goes_no_further_back_than_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, among: list[str] | None, hosts: list[str], codes: list[str]
) -> None:
    """rollback.yml --limit m2, where a deployment was killed that had not come to m2 yet: only m1 knows of it."""
    run = run_of(tmp_path, monkeypatch, *hosts)
    options = {**run.options(), "chosen_among": among}
    Path(run.path, "options.json").write_text(json.dumps(options), encoding="utf-8")
    run.report("m2", {"observation": {"deployment": None, "host": {"clock": time.time()}}})
    gone = deployment.deployment_from({"process": {**HERE, "started": "before"}, "last": False, **OTHER})
    assert gone is not None
    taken = Keeper(run, gone.record(time.time(), ended=False)).take()
    assert [item.code for item in run.recorded()] == codes
    assert taken["locked"] is (codes == ["taken-over"])


def test_a_run_that_leaves_hosts_out_does_not_say_that_all_is_seen_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_of(tmp_path, monkeypatch, "m1", "m2")
    silent = Finding("host-unreachable", "It cannot be reached.", "m2", "Start it.", level="warning")
    run.order.keep(order(left_out=(silent,)), {})
    gone = deployment.deployment_from({"process": {**HERE, "started": "before"}, "last": False, **OTHER})
    assert gone is not None
    left = gone.record(time.time(), ended=False)
    run.report("m1", {"observation": {"deployment": left, "host": {"clock": time.time()}}})
    assert Keeper(run, left).take()["locked"]
    (said,) = run.recorded()
    assert said.code == "taken-over" and "It changes nothing on m2: " in said.what


class Hosts:
    """The action, with several hosts that may keep the lock in its module's place.

    :param records: by host, what it remembers.
    """

    def __init__(self, **records: dict[str, Any]) -> None:
        self.records = dict(records)
        self.asked: list[str] = []

    def keep(self, run: RunDirectory, name: str, **args: Any) -> dict[str, Any]:
        action = object.__new__(fleet_lock.ActionModule)
        action._display = SimpleNamespace()

        def module(module_args: dict[str, Any], **_more: Any) -> dict[str, Any]:
            self.asked.append(name)
            now, found = time.time(), self.records.get(name)
            wanted = deployment.deployment_from({"last": False, **module_args["deployment"]})
            assert wanted is not None and wanted.lock_host == name
            if module_args.get("state") == "absent":
                self.records[name] = wanted.record(now, ended=True)
                return {"changed": True}
            try:
                taken = deployment.takes(found, wanted, module_args["seen"], module_args.get("over", ()), now)
            except Failed as error:
                return {"failed": True, **error.as_result()}
            self.records[name] = (taken or wanted).record(now, ended=False)
            return {"changed": True, "fence": (taken or wanted).fence}

        action._execute_module = module
        answer: dict[str, Any] = action._step(run, {"host": name, **args}, {})
        return answer


def before(host: str) -> dict[str, Any]:
    """The deployment that both runs have observed: it has ended, and m1 kept its lock."""
    left = {**OTHER, "fence": 6, "process": HERE, "last": False, "run": "before", "lock_host": host}
    wanted = deployment.deployment_from(left)
    assert wanted is not None
    return wanted.record(time.time(), ended=True)


def observing(folder: Path, monkeypatch: pytest.MonkeyPatch, records: dict[str, Any]) -> RunDirectory:
    run = run_of(folder, monkeypatch, "m1", "m2")
    for name, record in records.items():
        run.report(name, {"observation": {"deployment": record, "host": {"clock": time.time()}}})
    return run


def test_of_two_runs_with_other_first_members_one_gets_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This one takes m1 for the first member, and another one has taken m2 since it was observed."""
    seen = {"m1": before("m1"), "m2": before("m2")}
    run = observing(tmp_path, monkeypatch, seen)
    other = deployment.deployment_from({**OTHER, "process": HERE, "last": False, "lock_host": "m2"})
    assert other is not None
    hosts = Hosts(m1=seen["m1"], m2=other.record(time.time(), ended=False))
    assert hosts.keep(run, "m1")["locked"] is True
    refused = hosts.keep(run, "m2")
    assert (refused["locked"], refused["refused"]) == (False, True)
    assert [item.code for item in run.recorded()] == ["fleet-locked"]
    # What it got is given back, and no more.
    for name in ("m1", "m2"):
        hosts.keep(run, name, state="absent")
    assert (hosts.records["m1"]["ended"], hosts.records["m2"]["run"]) == (True, OTHER["run"])
    assert hosts.asked == ["m1", "m2", "m1"]


def test_who_keeps_the_lock_names_itself_in_every_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that whoever has it for the first member is seen by the next run, too."""
    seen = {"m1": before("m1"), "m2": before("m2")}
    run, hosts = observing(tmp_path, monkeypatch, seen), Hosts(**seen)
    assert [hosts.keep(run, name)["locked"] for name in ("m1", "m2")] == [True, True]
    held = run.lock.held() or {}
    assert (held["lock_host"], held["fence"]) == ("m1", 7)
    named = {name: (run.lock.deployment_on(name) or {})["lock_host"] for name in ("m1", "m2", "m3")}
    assert named == {"m1": "m1", "m2": "m2", "m3": "m1"}
    # A step that m1 has just admitted says nothing of m2.
    hosts.asked.clear()
    assert [hosts.keep(run, name)["locked"] for name in ("m1", "m2")] == [True, True]
    assert hosts.asked == ["m2"]


def test_the_host_that_is_asked_in_another_one_s_place_keeps_nothing_where_that_one_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = observing(tmp_path, monkeypatch, {"m2": before("m1")})
    hosts = Hosts()
    run.lock.take({**(run.options()["deployment"]), "lock_host": "m1", "fence": 7, "lease": 900.0})
    assert hosts.keep(run, "m2") == {"changed": False, "locked": False}
    assert hosts.asked == []


def test_whoever_gives_the_lock_back_need_not_say_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user's own play has one host."""
    run, hosts = observing(tmp_path, monkeypatch, {"m1": before("m1")}), Hosts(m1=before("m1"))
    hosts.keep(run, "m1")
    assert hosts.keep(run, "m1", state="absent", host=None)["changed"]
    assert hosts.records["m1"]["ended"]


DEAD = {**HERE, "started": "before"}


@pytest.mark.parametrize(
    ("process", "finding", "touched", "ended"),
    [
        (DEAD, None, False, True),
        (DEAD, "disk-full", False, False),
        (DEAD, "disk-full", True, True),
        # Another keeper is held by a third deployment.
        (DEAD, "fleet-locked", False, True),
        # A person who had locked the fleet has left nothing.
        ({}, "disk-full", False, True),
    ],
)
def test_a_run_that_does_nothing_to_what_it_took_over_leaves_it_for_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, process: dict[str, Any], finding: str | None, touched: bool,
    ended: bool,
) -> None:  # fmt: skip
    """A rollback stopped; the next one took the fleet over, and a host could not be prepared. The one after goes on."""
    left = deployment.deployment_from({**OTHER, "reason": "rollback to x", "process": process, "last": False})
    assert left is not None
    seen = {"m1": left.record(time.time(), ended=False)}
    run, hosts = observing(tmp_path, monkeypatch, seen), Hosts(**seen)
    options = {**run.options(), "take_over": OTHER["run"]}
    Path(run.path, "options.json").write_text(json.dumps(options), encoding="utf-8")
    assert hosts.keep(run, "m1")["locked"]
    run.record([Finding(finding, "What.", "m2", "Fix.")] if finding else [])
    if touched:
        run.touch("m2", "81bb02")
    hosts.records["m1"]["at"] -= 5
    hosts.keep(run, "m1", state="absent")
    record = hosts.records["m1"]
    assert (record["ended"], record["fence"], [item.code for item in run.recorded() if item.code == "lock-kept"]) == (
        ended, 8, [])  # fmt: skip
    holder = lock.holder({"m1": {"deployment": record, "host": {"clock": time.time() + 1}}}, lambda _process: None)
    assert bool(holder and holder.gone) is not ended, "nobody waits for it"
    # By it the next rollback knows where the one that stopped was going; this one went nowhere.
    assert ended or record["reason"] == "rollback to x"


@pytest.mark.parametrize(("reason", "said"), [
    ("rollback to x", "This rollback has taken the fleet over from it, and goes to x."), ("deploy", "continues from"),
])  # fmt: skip
def test_a_rollback_says_where_it_goes_instead_of_a_deployment_further_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: str, said: str
) -> None:
    """The keeper of the lock was lost at a run's end, say: nobody has said that it ended."""
    run = run_of(tmp_path, monkeypatch, "m2")
    options = {**run.options(), "deployment": controller.deployment(reason)}
    Path(run.path, "options.json").write_text(json.dumps(options), encoding="utf-8")
    run.report("m2", {"observation": {"deployment": None, "host": {"clock": time.time()}}})
    gone = deployment.deployment_from({"process": DEAD, "last": False, **OTHER})
    assert gone is not None
    assert Keeper(run, gone.record(time.time(), ended=False)).take()["locked"]
    (found,) = run.recorded()
    assert found.code == "taken-over" and said in found.what and ("praxis_to" in found.fix) is (reason != "deploy")


def test_a_run_whose_keeper_is_lost_at_its_end_says_what_a_rollback_makes_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, hosts = observing(tmp_path, monkeypatch, {"m1": before("m1")}), Hosts(m1=before("m1"))
    hosts.keep(run, "m1")
    action = object.__new__(fleet_lock.ActionModule)
    failure = {"code": "host-unreachable", "what": "It cannot be reached.", "where": "m1", "fix": "Start it."}
    monkeypatch.setattr(action, "_ask", lambda *_args: {"failed": True, "failure": failure, "failures": [failure]})
    action._step(run, {"host": "m1", "state": "absent"}, {})
    (found,) = run.recorded()
    assert (found.code, found.level) == ("lock-kept", "warning")
    assert "900 s at most" in found.fix and "praxis_to=ID" in found.fix


def test_what_is_over_on_one_host_is_not_over_for_the_fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rollback was killed when the last of its hosts but one had confirmed; its lock was not given back."""
    words = {**OTHER, "reason": "rollback to x", "process": DEAD, "last": False}
    left = deployment.deployment_from(words)
    assert left is not None
    seen = {"m1": left.record(time.time(), ended=False), "m2": left.record(time.time() + 1, ended=True)}
    run, hosts = observing(tmp_path, monkeypatch, seen), Hosts(**seen)
    Path(run.path, "options.json").write_text(json.dumps({**run.options(), "take_over": words["run"]}), "utf-8")
    assert hosts.keep(run, "m1")["locked"]
    run.record([Finding("disk-full", "What.", "m2", "Fix.")])
    hosts.records["m1"]["at"] -= 5
    hosts.keep(run, "m1", state="absent")
    found = hosts.records["m1"]
    assert (found["ended"], found["reason"], found["instead_of"]) == (False, "rollback to x", words["run"])
    # m2 was prepared once more before that.
    mine = deployment.deployment_from({**run.options()["deployment"], "lock_host": "m1", "fence": 8, "lease": 9.0})
    assert mine is not None
    records = {"m1": found, "m2": mine.record(time.time(), ended=True)}
    clock = {"host": {"clock": time.time() + 1}}
    holder = lock.holder({name: {"deployment": one, **clock} for name, one in records.items()}, lambda _process: None)
    assert holder is not None and holder.gone and holder.record == found


def test_what_lies_beneath_a_person_s_lock_is_left_to_the_next_one_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rollback stopped, a person locked the fleet, and a run that took it over all the same was refused."""
    stopped = deployment.deployment_from({**OTHER, "reason": "rollback to x", "process": DEAD, "last": False})
    person = deployment.deployment_from({**OTHER, "run": "ann", "fence": 8, "process": {}, "last": False})
    assert stopped is not None and person is not None
    under = stopped.record(time.time(), ended=False)
    seen = {"m1": {**person.record(time.time(), ended=False), "under": under}}
    run, hosts = observing(tmp_path, monkeypatch, seen), Hosts(**seen)
    Path(run.path, "options.json").write_text(json.dumps({**run.options(), "take_over": "ann"}), encoding="utf-8")
    assert hosts.keep(run, "m1")["locked"]
    run.record([Finding("disk-full", "What.", "m2", "Fix.")])
    hosts.records["m1"]["at"] -= 5
    hosts.keep(run, "m1", state="absent")
    assert (hosts.records["m1"]["ended"], hosts.records["m1"]["reason"]) == (False, "rollback to x")


#: The clocks of all hosts: of two whose records end alike, the first by name counts.
NOW = time.time()
WAITED = {"wait": 30, "observations": "seen", "hosts": ["m1", "m2", "m3"]}


def kept(host: str, **more: Any) -> dict[str, Any]:
    """What a host remembers of a deployment at work, elsewhere, whose lock that host keeps."""
    at_work = {**OTHER, "process": {"place": "elsewhere", "pid": 7, "started": "1"}, "last": False, "lock_host": host}
    wanted = deployment.deployment_from({**at_work, **more})
    assert wanted is not None
    return {"observation": {"deployment": wanted.record(NOW, ended=False), "host": {"clock": NOW}}}


@pytest.mark.parametrize(("answers", "ask"), [
    ({"m1": kept("m1"), "m2": kept("m1"), "m3": {}}, "m1"),
    # The first is not there, or an inventory with another first member is at work: as far as the others know.
    ({"m1": {"unreachable": True}, "m2": kept("m1"), "m3": kept("m1")}, "m2"),
    ({"m1": {"unreachable": True}, "m2": {}, "m3": kept("m3")}, "m3"),
    ({"m1": kept("m1"), "m2": kept("m2"), "m3": {}}, "m2"),
    # Nobody, or nobody who is there any more; or with --limit, nobody has been asked who would know.
    ({"m1": {"observation": {"deployment": None, "host": {"clock": 1.0}}}, "m2": {}, "m3": {}}, ""),
    ({"m1": kept("m1", process={**HERE, "started": "before"}), "m2": {}, "m3": {}}, ""),
    ({"m1": {}, "m2": {"unreachable": True}, "m3": {}}, "m1"),
    # With --limit, those who were asked know only that it has made a step there: it ends there before it is at its end.
    ({"m1": {}, "m2": {}, "m3": kept("m1")}, "m1"),
    ({"m1": {}, "m2": kept("m2"), "m3": kept("m1")}, "m2"),
    ({"m1": {}, "m2": {}, "m3": kept("m0")}, "m3"),
])  # fmt: skip
def test_who_waits_asks_a_host_that_keeps_the_lock_and_is_there(answers: dict[str, Any], ask: str) -> None:
    hostvars = {name: {"seen": answer} for name, answer in answers.items()}
    action = object.__new__(fleet_lock.ActionModule)
    assert action._wait(dict(WAITED), {"hostvars": hostvars})["ask"] == ask


NOBODY = {"observation": {"deployment": None, "host": {"clock": NOW}}}


@pytest.mark.parametrize(("answers", "otherwise"), [
    # With --limit; or where the first has answered that sudo refuses.
    ({"m1": {}, "m2": {}, "m3": kept("m1")}, "m3"),
    # It has answered, and is waited for should it be away for a moment.
    ({"m1": kept("m1"), "m2": kept("m1"), "m3": {}}, ""),
    ({"m1": {}, "m2": kept("m2"), "m3": kept("m1")}, ""),
    # Nobody knows of a deployment, or of none that is there any more.
    ({"m1": {}, "m2": NOBODY, "m3": NOBODY}, ""),
    ({"m1": {}, "m2": kept("m1", process={**HERE, "started": "before"}), "m3": {}}, ""),
])  # fmt: skip
def test_who_waits_knows_whom_to_ask_where_the_keeper_is_not_there(answers: dict[str, Any], otherwise: str) -> None:
    hostvars = {name: {"seen": answer} for name, answer in answers.items()}
    action = object.__new__(fleet_lock.ActionModule)
    assert action._wait(dict(WAITED), {"hostvars": hostvars})["otherwise"] == otherwise


def test_a_keeper_that_was_never_there_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """m3 alone was asked (--limit). What it said cannot change by waiting for m1, which is down."""
    action = object.__new__(fleet_lock.ActionModule)
    action._display = SimpleNamespace(display=lambda *_words, **_how: pytest.fail("somebody is told of a wait"))
    monkeypatch.setattr(action, "_observed", lambda _name: {})
    monkeypatch.setattr(time, "sleep", lambda _seconds: pytest.fail("it waits"))
    hostvars = {name: {"seen": kept("m1") if name == "m3" else {}} for name in WAITED["hosts"]}
    ended = action._wait({**WAITED, "host": "m1"}, {"hostvars": hostvars})
    assert ended == {"changed": False, "locked": False, "silent": True}


@pytest.mark.parametrize("back", [True, False])
def test_a_keeper_that_is_away_for_a_moment_is_waited_for(monkeypatch: pytest.MonkeyPatch, back: bool) -> None:
    """It is back when its deployment has ended, or not before the time is over."""
    seen = kept("m1")
    over = {"deployment": {**seen["observation"]["deployment"], "ended": True}, "host": {"clock": time.time()}}
    answers, waited, said = [{}, {}, {"m1": over} if back else {}], [0.0], []
    action = object.__new__(fleet_lock.ActionModule)
    action._display = SimpleNamespace(display=lambda text, **_how: said.append(text))
    monkeypatch.setattr(action, "_observed", lambda name: answers.pop(0) if answers else {})
    monkeypatch.setattr(time, "monotonic", lambda: waited[0])
    monkeypatch.setattr(time, "sleep", lambda seconds: waited.__setitem__(0, waited[0] + seconds))
    hostvars = {name: {"seen": seen if name == "m1" else {}} for name in WAITED["hosts"]}
    action._wait({**WAITED, "host": "m1"}, {"hostvars": hostvars})
    assert (waited[0], len(said)) == (10.0 if back else 30.0, 1)


def test_whoever_was_taken_over_from_has_no_lock_to_give_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = deployment.deployment_from({**OTHER, "process": DEAD, "last": False})
    assert left is not None
    seen = {"m1": left.record(time.time(), ended=False)}
    run, hosts = observing(tmp_path, monkeypatch, seen), Hosts(**seen)
    hosts.keep(run, "m1")
    another = deployment.deployment_from({**OTHER, "run": "another", "fence": 9, "process": HERE, "last": False})
    assert another is not None
    hosts.records["m1"] = another.record(time.time(), ended=False)
    run.record([Finding("disk-full", "What.", "m2", "Fix.")])
    hosts.keep(run, "m1", state="absent")
    assert hosts.records["m1"]["run"] == "another"
    assert [item.code for item in run.recorded()] == ["taken-over", "disk-full"]
