# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The run's directory: what is written comes back, and nothing half-written is ever seen."""

from __future__ import annotations

import json
import multiprocessing
import os
import stat
import time
from pathlib import Path

import pytest
from ansible import constants

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.host import drain
from ansible_collections.praxis.cloud.plugins.plugin_utils.fact_files import FactFiles
from ansible_collections.praxis.cloud.plugins.plugin_utils.run_directory import RunDirectory
from tests.unit.fleet.made import fleet, order
from tests.unit.plan.made import only

PLAN = fleet(3)


class Racing(FactFiles):
    """Another process takes a fact away, just before this one reads it."""

    def read(self, name: str) -> object:
        if name == "outcomes/m2":
            FactFiles.remove(self, name)
        return super().read(name)


def test_a_fact_that_is_taken_away_while_all_of_its_sort_are_read_is_left_out(tmp_path: Path) -> None:
    """Hosts of a batch are rolled back beside each other: each forgets its own outcome, and reads those of all."""
    (tmp_path / "outcomes").mkdir()
    files = Racing(str(tmp_path))
    for name in ("m1", "m2", "m3"):
        files.write(f"outcomes/{name}", {"outcome": name})
    assert files.all("outcomes") == {"m1": {"outcome": "m1"}, "m3": {"outcome": "m3"}}
    files.write("outcomes/m2", {})
    assert files.find("outcomes/m2") is None


SECRETS = {
    name: {"secrets": {"OPENAI_API_KEY": f"planted-{name}"}, "seed": "cGxhbnRlZA==", "registry": None}
    for name in PLAN.members
}
ENGINES = {name: {"min_compose": "2.20", "daemon": {"live-restore": True}} for name in PLAN.members}
OPTIONS = {"hosts": ["m1", "m2"], "batch": 2, "id": PLAN.id}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunDirectory:
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path))
    return RunDirectory.create(PLAN, SECRETS, ENGINES, OPTIONS)


class TestPlan:
    def test_it_comes_back(self, run: RunDirectory) -> None:
        again = RunDirectory(run.path)
        table = again.table()
        assert (table.members, table.edges, table.order) == (PLAN.members, PLAN.edges, PLAN.order)
        assert again.options() == OPTIONS
        wanted = {**PLAN.host_slice("m2"), "engine": ENGINES["m2"]}
        assert again.host_slice("m2") == json.loads(json.dumps(wanted))
        assert {name: again.secrets(name) for name in PLAN.members} == SECRETS

    def test_it_lies_in_this_runs_temporary_directory(self, run: RunDirectory, tmp_path: Path) -> None:
        assert Path(run.path).parent == tmp_path
        assert stat.S_IMODE(os.stat(run.path).st_mode) == 0o700

    def test_no_file_holds_a_secret(self, run: RunDirectory) -> None:
        def files_with(marker: bytes) -> list[str]:
            return [path.name for path in Path(run.path).rglob("*") if path.is_file() and marker in path.read_bytes()]

        assert files_with(b"planted") == []
        run.report("m1", {"observation": "planted"})
        assert files_with(b"planted") == ["m1"]

    def test_a_run_that_has_ended_is_reported(self, run: RunDirectory, tmp_path: Path) -> None:
        with pytest.raises(Failed) as error:
            RunDirectory(str(tmp_path / "praxis-of-yesterday"))
        assert only(error.value).code == "run-gone"

    def test_a_host_that_is_no_member(self, run: RunDirectory) -> None:
        with pytest.raises(Failed) as error:
            run.host_slice("stranger")
        finding = only(error.value)
        assert (finding.code, finding.where) == ("not-a-member", "stranger")


class TestOutcomes:
    def test_reported_replaced_and_forgotten(self, run: RunDirectory) -> None:
        assert (run.outcome("m1"), run.outcomes()) == (None, {})
        run.report("m1", {"outcome": "prepared"})
        run.report("m2", {"unreachable": "refused"})
        run.report("m1", {"outcome": "activated"})
        assert run.outcome("m1") == {"outcome": "activated"}
        assert run.outcomes() == {"m1": {"outcome": "activated"}, "m2": {"unreachable": "refused"}}
        run.forget("m1")
        run.forget("m1")  # a second time is as good
        assert run.outcome("m1") is None
        assert list(run.outcomes()) == ["m2"]

    def test_what_was_touched_keeps_the_release_that_was_there(self, run: RunDirectory) -> None:
        assert run.touched() == {}
        run.touch("m1", "81bb02")
        run.touch("m2", None)
        assert run.touched() == {"m1": "81bb02", "m2": None}

    def test_gates(self, run: RunDirectory) -> None:
        assert (run.order.gates(), run.order.first_deployment()) == ({}, False)
        run.order.keep(order(min_edges={"m1": 2}, first_deployment=True), {})
        assert (run.order.gates(), run.order.first_deployment()) == ({"m1": 2}, True)

    def test_who_is_activated_together(self, run: RunDirectory) -> None:
        assert run.order.batch_of("m1") == []
        run.order.keep(order(activate=["m3", "m1", "m2"], serial=[1, 2]), {})
        assert [run.order.batch_of(name) for name in ("m1", "m2", "m3")] == [["m1", "m2"], ["m1", "m2"], ["m3"]]

    def test_who_has_not_moved_yet_is_dialled_at_its_old_port(self, run: RunDirectory) -> None:
        planned = run.host_slice("m1")
        assert run.host_slice("m1", moved=[]) == planned  # no order yet
        run.order.keep(order(ports={"m1": 4000, "m2": 4000, "m3": 4000}), {})
        assert run.host_slice("m1") == planned
        assert run.host_slice("m1", moved=["m1", "m2", "m3"]) == planned
        found = run.host_slice("m1", moved=["m1", "m2"])
        assert {dial["member"]: dial["port"] for dial in found["gate"]["dial"]} == {"m2": 4001, "m3": 4000}
        assert [text.split("/")[4] for text in found["peers"]["multiaddrs"]] == ["4001", "4000"]
        assert found["peers"]["revision"] != planned["peers"]["revision"]
        assert found["release"] == planned["release"]

    def test_who_was_activated_is_known_without_reading_what_each_left(
        self, run: RunDirectory, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Each host of a thousand asks it."""
        for name in ("m2", "m1"):
            run.activate(name, {"id": "c1", "restarts": 0})
        monkeypatch.setattr(FactFiles, "read", lambda _files, name: pytest.fail(f"{name} was read"))
        assert run.activated_names() == ["m1", "m2"]

    def test_a_host_that_is_rolled_back_has_nothing_activated(self, run: RunDirectory) -> None:
        run.activate("m1", {"id": "c1", "restarts": 0, "logs": ["not kept"]})
        run.activate("m2", {"id": "c2", "restarts": 1})
        assert run.activated() == {"m1": {"id": "c1", "restarts": 0}, "m2": {"id": "c2", "restarts": 1}}
        run.roll_back("m1")
        run.roll_back("m3")
        assert (list(run.activated()), run.rolled_back()) == (["m2"], ["m1", "m3"])

    def test_a_finding_is_recorded_once_for_each_place_the_last_words_first(self, run: RunDirectory) -> None:
        first, other = Finding("a", "one", "m1", "fix"), Finding("a", "one", "m2", "fix", "warning", "p2p.port")
        assert run.recorded() == []
        run.record([first, other])
        run.record([Finding("a", "two", "m1", "fix")])
        assert run.recorded() == [Finding("a", "two", "m1", "fix"), other]


class TestJournal:
    def test_steps_come_back_in_the_order_in_which_they_began(self, run: RunDirectory) -> None:
        assert run.journal.entries() == []
        run.journal.write("activate", ["m1"], 30.0, "gate-timeout")
        run.journal.write("drain", ["m1", "m2"], 20.0, "ok")
        run.journal.write("gate", ["m1"], 40.0, "ok", mesh=False)
        found = run.journal.entries()
        assert [(each["step"], each["hosts"], each["began"], each["outcome"]) for each in found] == [
            ("drain", ["m1", "m2"], 20.0, "ok"), ("activate", ["m1"], 30.0, "gate-timeout"),
            ("gate", ["m1"], 40.0, "ok"),
        ]  # fmt: skip
        assert found[2]["mesh"] is False and found[0]["ended"] > 40.0

    def test_what_was_there_before(self, run: RunDirectory) -> None:
        assert run.order.before() == {}
        observations = {"m1": {"release": {"running": "81bb02"}}}
        run.order.keep(order(live={("m1", "m2")}, activate=["m2", "m1"], serial=[1, 1]), observations)
        assert run.order.before() == {
            "batches": [["m2"], ["m1"]], "live": [["m1", "m2"]], "releases": {"m1": "81bb02"}}  # fmt: skip


class TestStagedWrites:
    def test_a_write_that_breaks_off_leaves_what_was_there(
        self, run: RunDirectory, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run.report("m1", {"outcome": "prepared"})

        def killed(source: str, target: str) -> None:
            # Everything is written by now, and the name still belongs to the old content.
            assert json.loads(Path(source).read_bytes()) == {"outcome": "activated"}
            assert json.loads(Path(target).read_bytes()) == {"outcome": "prepared"}
            raise KeyboardInterrupt

        monkeypatch.setattr(os, "rename", killed)
        with pytest.raises(KeyboardInterrupt):
            run.report("m1", {"outcome": "activated"})
        assert run.outcomes() == {"m1": {"outcome": "prepared"}}


@pytest.mark.parametrize("set_by", [3600, -3600])
def test_a_clock_of_the_controller_that_is_set_makes_no_drain_and_no_lease_longer(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch, set_by: int
) -> None:
    """A lease rather ends too early: it may be sleep that no other clock has counted."""
    run.lock.take({"run": "a", "lock_host": "m1", "fence": 1, "lease": 900.0})
    run.drain("m1", 60.0)
    there, running = time.time, time.monotonic
    monkeypatch.setattr(time, "time", lambda: there() + set_by)
    assert 50 < run.draining("m1") <= 60
    assert run.lock.is_over() is (set_by > 0)
    monkeypatch.setattr(time, "monotonic", lambda: running() + 901)
    assert run.lock.is_over()


@pytest.mark.parametrize(("given", "lasting"), [(0.0, drain.QUIET), (3.0, 3.0), (60.0, 60.0)])
def test_whoever_was_drained_is_waited_for_until_the_balancer_s_parts_know(
    run: RunDirectory, given: float, lasting: float
) -> None:
    """A balancer that gives connections no time hears no earlier of a target that leaves."""
    run.drain("m1", given)
    assert (round(run.draining("m1")), run.draining("m2")) == (lasting, 0.0)


@pytest.mark.slow
def test_hosts_that_are_worked_on_beside_each_other_lose_nothing(run: RunDirectory) -> None:
    """Each host is a process of its own; the renewal of the lease is one file that all of them write."""
    held = {"run": "a", "lock_host": "m1", "fence": 1, "lease": 900.0}
    run.lock.take(held)

    def work(number: int) -> None:
        for turn in range(50):
            run.lock.renew()
            run.record([Finding("failed", "What.", f"m{number}-{turn}", "Fix.")])
            run.journal.write("observe", [f"m{number}"], turn, "ok")

    workers = [multiprocessing.get_context("fork").Process(target=work, args=(number,)) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 4
    assert len(run.recorded()) == 200
    assert len(run.journal.entries()) == 200
    assert run.lock.held() == held and not run.lock.is_over()
