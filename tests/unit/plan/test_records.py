# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a deployment's record is written, who may read it, how many there are; and in real runs, when there is one."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible import constants
from ansible.errors import AnsibleConnectionFailure

from ansible_collections.praxis.cloud.plugins.action import fleet_order, fleet_verify
from ansible_collections.praxis.cloud.plugins.module_utils.finding import WARNING, Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import render
from ansible_collections.praxis.cloud.plugins.plugin_utils import records
from ansible_collections.praxis.cloud.plugins.plugin_utils.run_directory import RunDirectory
from tests import tiers
from tests.unit.conftest import Cloud
from tests.unit.fleet.made import fleet as wired
from tests.unit.fleet.made import meshed
from tests.unit.plan.made import Account, fleet
from tests.unit.plan.test_actions import CHECKOUT, Site
from tests.unit.plan.test_verify import ARGS, PACE

PLAN = wired(2)
ID = "20260101T120000Z-0a1b2c"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunDirectory:
    """Two members that are well, and a directory for records that is yet to be made."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path / "tmp"))
    each: dict[str, Any] = {name: {"secrets": {"KEY": "planted-in-the-record"}} for name in PLAN.members}
    options = {"hosts": list(PLAN.members), "id": PLAN.id, "take_over": "", "unfinished": "continue", **PACE,
               "deployment": {"run": ID, "owner": "anna@desk", "reason": "deploy"},
               "record": str(tmp_path / "kept" / "records"), "began": 1_800_000_000.0}  # fmt: skip
    made = RunDirectory.create(PLAN, each, each, options)
    for name, observation in meshed(PLAN).items():
        made.report(name, {"outcome": "unchanged", "observation": observation})
    return made


def judged(run: RunDirectory, **args: Any) -> dict[str, Any]:
    """A verdict, and what of it is shown."""
    action = object.__new__(fleet_verify.ActionModule)
    action._task = SimpleNamespace(check_mode=False)
    action.show = lambda lines: None
    found: dict[str, Any] = action.judge(run, {**ARGS, **args})["verdict"]
    return found


def mode(path: Path) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


class TestWritten:
    def test_the_last_verdict_leaves_it_and_no_other_does(self, run: RunDirectory) -> None:
        folder = Path(run.options()["record"])
        assert judged(run)["record"] == judged(run, batch=["m1"])["record"] == ""
        assert not folder.exists()
        page = Path(judged(run, show=True)["record"])
        assert sorted(folder.iterdir()) == [page, page.with_suffix(".json")]
        assert page == folder / f"{ID}.html"

    def test_its_owner_alone_may_read_it(self, run: RunDirectory) -> None:
        page = Path(judged(run, show=True)["record"])
        assert (mode(page), mode(page.with_suffix(".json")), mode(page.parent)) == (0o600, 0o600, 0o700)

    def test_it_says_what_the_run_has_done(self, run: RunDirectory) -> None:
        order = object.__new__(fleet_order.ActionModule)
        order._task = SimpleNamespace(check_mode=False)
        order.judge(run, {"final": True, "show": False, "restart": []})
        run.lock.take({**run.options()["deployment"], "lock_host": "m1", "fence": 9, "lease": 900.0})
        with run.journal.step("activate", ["m1"]) as step:
            step.outcome = "ok"
        judged(run, batch=["m1"])
        page = Path(judged(run, show=True)["record"])
        found = json.loads(page.with_suffix(".json").read_text())
        assert (found["deployment"], found["fence"], found["verdict"], found["fleet"]) == (ID, 9, "good", "test")
        assert [step["step"] for step in found["members"][0]["steps"]] == ["activate"]
        assert [(gate["members"], gate["mesh"], gate["outcome"]) for gate in found["gates"]] == [(["m1"], True, "ok")]
        assert found["mesh"]["before"] == found["mesh"]["after"] == found["mesh"]["planned"] == [["m1", "m2"]]
        assert "Deployment %s of fleet test" % ID in page.read_text()

    def test_no_secret_is_in_it(self, run: RunDirectory) -> None:
        page = Path(judged(run, show=True)["record"])
        assert "planted" not in page.read_text() + page.with_suffix(".json").read_text()

    def test_a_finding_that_another_step_recorded_is_no_gate(self, run: RunDirectory) -> None:
        judged(run, also=[Finding("load-balancer", "No.", "lb", "See.").as_dict()])
        judged(run, hook={"point": "plan", "task": "t", "said": ""})
        assert run.journal.entries() == []

    def test_a_gate_s_outcome_is_its_first_error(self, run: RunDirectory) -> None:
        run.record([Finding("departed", "One.", "x", "Fix.", level=WARNING), Finding("a-b", "Two.", "m1", "Fix.")])
        judged(run)
        assert [(entry["step"], entry["outcome"]) for entry in run.journal.entries()] == [("gate", "a-b")]

    def test_nothing_is_left_beside_it_when_it_cannot_be_put_in_place(
        self, run: RunDirectory, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refused(source: str, target: str) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(records.os, "rename", refused)
        found = records.keep(run, {"ok": True, "plan_id": "p", "findings": [], "members": []}, [])
        assert [item["code"] for item in found["findings"]] == ["record-not-written"]
        assert list(Path(run.options()["record"]).iterdir()) == []


class TestNotWritten:
    @pytest.mark.parametrize("where", ["file/records", "file", "nul\0", "x" * 300])
    def test_it_is_a_warning_beside_the_others(self, run: RunDirectory, tmp_path: Path, where: str) -> None:
        (tmp_path / "file").write_text("not a directory")
        run._files.write("options.json", {**run.options(), "record": str(tmp_path / where)})
        run.record([Finding("lock-kept", "It was kept.", "m1", "Nothing.", level=WARNING)])
        found = judged(run, show=True)
        assert (found["ok"], found["record"], found["text"]) == (True, "", "")
        assert [(item["code"], item["level"]) for item in found["findings"]] == [
            ("lock-kept", "warning"), ("record-not-written", "warning")]  # fmt: skip
        reported = found["findings"][1]
        assert reported["where"] == str(tmp_path / where)
        assert "could not be written" in reported["what"] and "praxis_record" in reported["fix"]

    def test_an_empty_directory_name_means_none(self, run: RunDirectory) -> None:
        run._files.write("options.json", {**run.options(), "record": ""})
        found = judged(run, show=True)
        assert (found["record"], found["findings"]) == ("", [])


class TestPruned:
    def test_the_newest_stay_and_what_is_no_record_too(self, run: RunDirectory) -> None:
        folder = Path(run.options()["record"])
        folder.mkdir(parents=True)
        ids = [f"202501{day:02d}T0000{second:02d}Z-abc123" for day in range(1, 31) for second in (1, 2)]
        for each in ids:
            (folder / f"{each}.json").touch()
            (folder / f"{each}.html").touch()
        others = ["notes.html", "20240101T000000Z-abc123.txt", "20240101.json"]
        for each in others:
            (folder / each).touch()
        judged(run, show=True)
        left = sorted(path.name for path in folder.iterdir())
        kept = [*ids[-(records.KEPT - 1) :], ID]
        assert left == sorted([*others, *(f"{each}.{kind}" for each in kept for kind in ("json", "html"))])

    def test_the_one_just_written_stays_whatever_the_clock_says(self, run: RunDirectory) -> None:
        folder = Path(run.options()["record"])
        folder.mkdir(parents=True)
        for number in range(records.KEPT):
            (folder / f"20990101T0000{number:02d}Z-abc123.json").touch()
        assert Path(judged(run, show=True)["record"]).exists()
        assert len(list(folder.glob("*.json"))) == records.KEPT + 1

    def test_the_mode_of_a_user_s_own_directory_is_the_user_s(self, run: RunDirectory) -> None:
        folder = Path(run.options()["record"])
        folder.mkdir(parents=True)
        folder.chmod(0o750)
        judged(run, show=True)
        assert mode(folder) == 0o750


class TestDirectory:
    @pytest.mark.parametrize(
        ("given", "state", "found"),
        [
            (None, None, "/home/anna/.local/state/praxis/demo"),
            (None, "", "/home/anna/.local/state/praxis/demo"),
            (None, "relative", "/home/anna/.local/state/praxis/demo"),
            (None, "/state", "/state/praxis/demo"),
            ("", "/state", ""),
            ("/var/records", "/state", "/var/records"),
            ("~/records", "/state", "/home/anna/records"),
        ],
    )
    def test_where(self, monkeypatch: pytest.MonkeyPatch, given: str | None, state: str | None, found: str) -> None:
        monkeypatch.setenv("HOME", "/home/anna")
        monkeypatch.delenv("XDG_STATE_HOME")
        if state is not None:
            monkeypatch.setenv("XDG_STATE_HOME", state)
        assert (records.directory(given, "demo"), records.check(given)) == (found, [])

    def test_a_relative_one_is_where_the_run_is_started(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        assert records.directory("records", "demo") == str(tmp_path / "records")

    @pytest.mark.parametrize("given", [7, True, ["a"], {"a": 1}])
    def test_a_wrong_one_is_reported(self, given: Any) -> None:
        (finding,) = records.check(given)
        assert (finding.code, finding.where) == ("bad-variable", "praxis_record")


class TestJournal:
    @pytest.mark.parametrize(
        ("raised", "outcome"),
        [
            (Failed(Finding("floor", "Too few.", "fleet", "Repair.")), "floor"),
            (AnsibleConnectionFailure("no route"), "unreachable"),
            (KeyboardInterrupt(), "failed"),
        ],
    )
    def test_a_step_that_breaks_off_is_written_too(
        self, run: RunDirectory, raised: BaseException, outcome: str
    ) -> None:
        with pytest.raises(type(raised)), run.journal.step("drain", ["m1", "m2"]):
            raise raised
        (entry,) = run.journal.entries()
        assert (entry["step"], entry["hosts"], entry["outcome"]) == ("drain", ["m1", "m2"], outcome)
        assert entry["began"] <= entry["ended"]

    def test_a_step_on_nobody_is_none(self, run: RunDirectory) -> None:
        with run.journal.step("drain", []) as step:
            step.outcome = "ok"
        assert run.journal.entries() == []


def test_the_summary_names_the_page_in_one_line() -> None:
    found = {"fleet": "f", "ok": True, "members": [], "findings": [], "edges": {"live": 0, "planned": 0}}
    assert render.summary({**found, "record": "/state/praxis/f/1.html"})[-2:] == [
        "record: /state/praxis/f/1.html", "fleet f: good; 0 members, 0 of 0 edges live"]  # fmt: skip
    assert not [line for line in render.summary({**found, "record": ""}) if "record" in line]


@pytest.fixture
def site(tmp_path: Path, account: Account, cloud: Cloud) -> Site:
    """Two members: one whose Python ends at once, and one that prepares."""
    found = Site(tmp_path, account)
    outcome = {"changed": True, "outcome": "prepared", "activation": "start"}
    answer = json.dumps({**outcome, "observation": {"container": None}})
    scripts = {"m1": "exit 3", "m2": f"echo '{answer}'"}
    hosts = {name: found.host(name, script) for name, script in scripts.items()}
    found.inventory({name: {**each, **hosts[name]} for name, each in fleet(2, target_group="").items()})
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("playbook", "arguments", "written"),
    tiers.first([("deploy.yml", (), True), ("deploy.yml", ("--check",), False), ("status.yml", (), False),
                 ("deploy.yml", ("-e", "praxis_record="), False)], 2),
)  # fmt: skip
def test_a_deployment_leaves_a_record_and_what_only_observes_leaves_none(
    site: Site, playbook: str, arguments: tuple[str, ...], written: bool
) -> None:
    # The hosts only pretend: there is nobody to become.
    state = {"XDG_STATE_HOME": str(site.folder / "state")}
    played = site.play(CHECKOUT / playbook, *arguments, "-e", "ansible_become=false", **state)
    assert played.rc == 2, played.printed[-4000:]
    pages = sorted((site.folder / "state").glob("praxis/demo/*.html"))
    assert len(pages) == written, played.printed[-4000:]
    assert "fleet demo: bad" in played.printed
    if written:
        assert f"record: {pages[0]}" in played.printed
        found = json.loads(pages[0].with_suffix(".json").read_text())
        assert (found["verdict"], found["kind"], found["fleet"]) == ("bad", "deploy", "demo")
        assert {row["name"]: row["steps"][0]["outcome"] for row in found["members"]} == {
            "m1": "python-broken", "m2": "ok"}  # fmt: skip
        assert "planted" not in json.dumps(found)
