# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module and plugin promises, shown with real Ansible on a fleet: a row for each, the same tests for all."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import tiers

from . import hunting, seen
from .conftest import CHECKOUT, Cloud, lanes
from .contract import PLANTED, Row, Step, World
from .contract_rows import ROWS

UNKNOWN = "(known after apply)"
#: Folders of ``plugins`` that hold no plugins of Ansible's.
LAYERS = {"doc_fragments", "module_utils", "plugin_utils"}
MACHINE_PLACES = {"argv", "file", "inspect", "log"}
#: What Ansible itself adds to a result, and what every module may return.
COMMON = {"ansible_facts", "changed", "diff", "failed", "invocation", "warnings", "deprecations", "skipped"}

#: The rows of the cloud that these tests are run on.
OURS = [row for row in ROWS if row.cloud in {lane.cloud for lane in lanes()}]


def each(rows: list[Row]) -> pytest.MarkDecorator:
    """A test for each of these rows."""
    return pytest.mark.parametrize("row", tiers.rows(rows), ids=lambda row: row.name)


each_row = each(OURS)
each_module = each([row for row in OURS if "modules" in row.kinds])
each_change = each([row for row in OURS if row.changes])


@pytest.fixture(scope="module")
def world(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The fleet that earlier tests have left, or one made for this file, and a folder for what the runs leave."""
    agents = [cloud.on(item, "docker ps -q --filter name=praxis-agent-1", check=False) for item in cloud.machines()]
    if not agents or not all(agents):
        cloud.run("provision.yml")
        cloud.run("deploy.yml")
    with hunting.watched_arguments(cloud, []) as arguments:
        yield World(cloud, tmp_path_factory.mktemp("c"), arguments)


@pytest.fixture(scope="module")
def documented() -> dict[str, dict[str, Any]]:
    """What ``ansible-doc`` tells of the modules."""
    names = [f"praxis.cloud.{row.name}" for row in OURS if "modules" in row.kinds]
    command = [str(Path(sys.executable).parent / "ansible-doc"), "--json", "-t", "module", *names]
    reported = json.loads(subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout)
    return {name.rpartition(".")[2]: each for name, each in reported.items()}


def steps(world: World, row: Row, *names: str) -> list[tuple[str, Step]]:
    """The steps of these names, of every turn, each with a name to show."""
    turns = world.run(row)
    return [(f"{turn}: {name}", found[name]) for turn, found in turns.items() for name in names if name in found]


def pairs(world: World, row: Row) -> list[tuple[str, Step, Step]]:
    """What was predicted and what was done, of every turn that has both."""
    turns = world.run(row)
    return [(turn, found["predicted"], found["done"]) for turn, found in turns.items() if "predicted" in found]


@pytest.mark.once
def test_every_module_and_plugin_has_a_row_and_every_row_is_one() -> None:
    folders = {path for path in (CHECKOUT / "plugins").iterdir() if path.is_dir() and path.name not in LAYERS}
    there = {(folder.name, path.stem) for folder in folders for path in folder.glob("*.py") if path.stem != "__init__"}
    assert there == {(kind, row.name) for row in ROWS for kind in row.kinds}
    assert len(there) > 10


@each_row
def test_check_mode_sends_only_reads(world: World, row: Row) -> None:
    for name, step in steps(world, row, "predicted", "predicted again"):
        assert step.mutations == [], name
        assert step.after == step.before, name
        # Other actions of ours ask no cloud by themselves.
        if row.kinds == ("modules",) or row.name.endswith("_infrastructure"):
            assert step.operations, f"{name}: it did not observe all, or the log shows nothing"


@each_row
def test_check_mode_predicts_whether_something_changes(world: World, row: Row) -> None:
    for turn, predicted, done in pairs(world, row):
        assert predicted.result["changed"] is done.result["changed"] is row.changes, turn
    for name, step in steps(world, row, "predicted again"):
        assert step.result["changed"] is False, name


@each_change
def test_what_is_to_change_is_changed(world: World, row: Row) -> None:
    for name, step in steps(world, row, "done"):
        # What is written on the controller, the row itself has seen.
        assert row.on == "controller" or step.mutations or step.before != step.after, name


@each_row
def test_a_second_run_changes_nothing(world: World, row: Row) -> None:
    for name, step in steps(world, row, *(["again"] if row.changes else ["done"])):
        assert step.result["changed"] is False, name
        assert step.mutations == [], name
        assert step.after == step.before, name


@each_row
def test_there_is_a_diff_exactly_when_something_changes(world: World, row: Row) -> None:
    for name, step in steps(world, row, "predicted", "done", "again", "predicted again"):
        assert bool(step.differences) is step.result["changed"], name


@each_change
def test_check_mode_shows_the_diff_that_comes(world: World, row: Row) -> None:
    for turn, predicted, done in pairs(world, row):
        assert agrees(predicted.result["diff"], done.result["diff"]), f"{turn}: {predicted.result['diff']}"


@each_module
def test_the_documentation_says_what_the_module_supports(
    world: World, row: Row, documented: dict[str, dict[str, Any]]
) -> None:
    attributes = {name: each["support"] for name, each in documented[row.name]["doc"]["attributes"].items()}
    diff = "full" if row.changes else "N/A"
    shown = {"check_mode": "full", "diff_mode": diff, "idempotent": "full"}
    assert {name: attributes.get(name) for name in shown} == shown


@each_module
def test_the_documentation_says_what_the_module_returns(
    world: World, row: Row, documented: dict[str, dict[str, Any]]
) -> None:
    results = [step.result for _name, step in steps(world, row, "predicted", "done", "again")]
    returned = [{key: value for key, value in each.items() if key not in COMMON and key[0] != "_"} for each in results]
    assert wrongly_reported(documented[row.name]["return"] or {}, returned) == []


def wrongly_reported(reported: dict[str, Any], returned: list[dict[str, Any]], path: str = "") -> list[str]:
    """Keys that are documented and never returned, or the other way round, at every depth that is documented."""
    keys = {key for each in returned for key in each}
    wrong = [f"{path}{key}" for key in keys ^ set(reported)]
    for key in keys & set(reported):
        inner = [item for each in returned for item in mappings(reported[key], each.get(key))]
        if "contains" in reported[key] and inner:
            wrong += wrongly_reported(reported[key]["contains"], inner, f"{path}{key}.")
    return sorted(wrong)


def mappings(reported: dict[str, Any], value: Any) -> list[dict[str, Any]]:
    """The mappings that ``contains`` describes: the value itself, its items, or what it holds by name."""
    if isinstance(value, list):
        return [item for item in value if isinstance(item, dict)]
    if isinstance(value, dict) and value and not set(value) & set(reported.get("contains", {})):
        return [item for item in value.values() if isinstance(item, dict)]
    return [value] if isinstance(value, dict) else []


def agrees(predicted: Any, done: Any) -> bool:
    """Whether two diffs are the same, but for what could not be known before."""
    if isinstance(predicted, dict) and isinstance(done, dict):
        return predicted.keys() == done.keys() and all(agrees(predicted[key], done[key]) for key in predicted)
    if isinstance(predicted, list) and isinstance(done, list):
        return len(predicted) == len(done) and all(agrees(*both) for both in zip(predicted, done))
    if isinstance(predicted, str) and isinstance(done, str):
        return bool(re.fullmatch(re.escape(predicted).replace(re.escape(UNKNOWN), ".+"), done))
    return bool(predicted == done)


@each_row
def test_no_secret_is_reported(world: World, row: Row) -> None:
    world.run(row)
    assert world.leaked(world.reported(row.name)) == []


@pytest.fixture(scope="module")
def all_of_them(world: World, request: pytest.FixtureRequest) -> World:
    """Every row of the selected tests was played, and a marker was left on purpose."""
    chosen = [item.callspec.params for item in request.session.items if hasattr(item, "callspec")]
    for row in OURS:
        if {"row": row} in chosen:
            world.run(row)
    world.plant()
    return world


def test_the_search_finds_what_is_planted_on_the_controller(all_of_them: World) -> None:
    places = {**all_of_them.reported("planted"), **all_of_them.left()}
    assert [place for place, text in places.items() if PLANTED.encode() not in text] == []


def test_no_secret_is_left_on_the_controller(all_of_them: World) -> None:
    assert len(all_of_them.markers) > 10
    assert all_of_them.leaked(all_of_them.left()) == []


def test_on_the_machine_is_what_was_planted_and_no_secret(all_of_them: World) -> None:
    markers = {"planted": PLANTED.encode(), **all_of_them.markers}
    found = hunting.hunt(all_of_them.machine, markers, plant=True)
    assert set(found) == {(place, "planted") for place in MACHINE_PLACES}


def test_the_fleet_is_whole_again(all_of_them: World) -> None:
    cloud = all_of_them.cloud
    seen.wait_for("all pairs connected", lambda: seen.edges(cloud) == seen.all_pairs(cloud), deadline=90)


@pytest.mark.once
def test_facts_of_an_earlier_run_mislead_nobody(world: World) -> None:
    """A fact cache brings back what an earlier run, a bad one at that, has left on localhost."""
    cloud = world.cloud
    names = [item.name for item in cloud.machines()]
    order = {"activate": names, "restart": names, "needs_docker": names, "hosts": names, "serial": [1],
             "first_deployment": True, "observe_again": True, "plan_id": "old", "findings": []}
    restore = {"backup": "old", "hosts": {name: {"snapshot": "snap-0", "size": 1} for name in names}}
    stale = {"praxis_plan": {"id": "old", "run": f"{world.folder}/ended", "balanced": True, "restore": restore},
             "praxis_order": order, "praxis_restore": restore, "praxis_lock_keepers": names,
             "praxis_verdict": {"ok": False, "roll_back": {"hosts": names, "serial": [1]}, "confirm": names,
                                "roll_back_alone": {"hosts": names, "serial": [1]},
                                "text": "STALE", "good": names, "findings": []}}
    cache = {"ANSIBLE_CACHE_PLUGIN": "ansible.builtin.jsonfile",
             "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(world.folder / "stale")}
    remember = {"ansible.builtin.set_fact": {**stale, "cacheable": True}}
    ask = {"praxis.cloud.fleet_verify": {"run": "{{ hostvars['localhost']['ansible_facts']['praxis_plan']['run'] }}"}}
    for name, task in (("remember", remember), ("ask", ask)):
        play = {"hosts": "localhost", "gather_facts": False, "tasks": [task]}
        (world.folder / f"{name}.json").write_text(json.dumps([play]))
    cloud.run(str(world.folder / "remember.json"), environment=cache)
    refused = cloud.run(str(world.folder / "ask.json"), expect=2, environment=cache)
    assert "run-gone" in refused.output and "/ended" in refused.output
    run = cloud.run("deploy.yml", environment=cache)
    assert (run.changed, run.summary["ok"], run.summary["findings"]) == ({}, True, [])
    assert "STALE" not in run.output
