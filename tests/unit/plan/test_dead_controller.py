# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run asks of hosts that go back, or may have to by themselves."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible import constants

from ansible_collections.praxis.cloud.plugins.action import agent_info, agent_release
from ansible_collections.praxis.cloud.plugins.plugin_utils.run_directory import RunDirectory
from tests.unit.fleet.made import fleet as wired
from tests.unit.fleet.made import order

OPTIONS = {"hosts": ["m1", "m2"], "deadline": 120, "keep_releases": 5, "pull_deadline": 900, "confirm_deadline": 600,
           "balancers": []}  # fmt: skip


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunDirectory:
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path))
    plan = wired(2)
    each: dict[str, Any] = {name: {} for name in plan.members}
    return RunDirectory.create(plan, each, each, OPTIONS)


@pytest.fixture
def action() -> Any:
    made = object.__new__(agent_release.ActionModule)
    made._task = SimpleNamespace(check_mode=False)
    return made


@pytest.mark.parametrize(
    ("state", "unfinished", "wound"),
    [("prepared", "continue", True), ("prepared", "refuse", False), ("active", "refuse", True)],
)
def test_a_run_that_would_leave_the_fleet_to_a_person_keeps_no_host_from_going_back(
    run: RunDirectory, action: Any, state: str, unfinished: str, wound: bool
) -> None:
    """Such a run may be started by a timer, again and again."""
    Path(run.path, "options.json").write_text(json.dumps({**OPTIONS, "unfinished": unfinished}), encoding="utf-8")
    assert ("confirm_within" in action.arguments(run, "m1", {"state": state})) is wound


def test_a_rollback_after_a_restoration_says_that_the_data_stays(run: RunDirectory, action: Any) -> None:
    for name in ("m1", "m2"):
        run.touch(name, "r0")
    run.exchange("m1", "vol-1")
    for name in ("m1", "m2"):
        action.arguments(run, name, {"state": "active"})
    assert run.recorded() == []
    for name in ("m1", "m2"):
        action.arguments(run, name, {"state": "restored"})
    [said] = run.recorded()
    assert (said.code, said.where, said.level) == ("data-not-rolled-back", "m1", "warning") and "vol-1" in said.what


def ports(given: dict[str, Any]) -> list[tuple[int, int]]:
    """Where a host dials the others, and where its agent will."""
    listed = [int(text.split("/")[4]) for text in given["peers"]["multiaddrs"]]
    return list(zip((dial["port"] for dial in given["gate"]["dial"]), listed, strict=True))


def test_what_was_taken_over_goes_back_to_the_ports_of_before(run: RunDirectory, action: Any) -> None:
    """A killed deployment has activated both at another P2P port, and this one counts them as activated by itself."""
    run.order.keep(order(back={"m1": 4000, "m2": 4000}), {})
    for name in ("m1", "m2"):
        run.touch(name, "r0")
        run.activate(name, {"id": "c1", "restarts": 0})
    assert ports(action.arguments(run, "m1", {"state": "active"})) == [(4001, 4001)]
    assert ports(action.arguments(run, "m1", {"state": "restored"})) == [(4000, 4000)]
    assert ports(action.arguments(run, "m2", {"state": "restored"})) == [(4000, 4000)]
    info = object.__new__(agent_info.ActionModule)
    assert [dial["port"] for dial in info.arguments(run, "m1", {})["dial"]] == [4000], "after the rollback"


@pytest.mark.parametrize(("state", "deadline", "given"), [
    ("active", 5, 5), ("restored", 5, 120), ("restored", 600, 600)])  # fmt: skip
def test_a_deadline_that_is_too_short_for_the_agent_does_not_fail_the_rollback_as_well(
    run: RunDirectory, action: Any, state: str, deadline: int, given: int
) -> None:
    Path(run.path, "options.json").write_text(json.dumps({**OPTIONS, "deadline": deadline}), encoding="utf-8")
    run.touch("m1", "r0")
    assert action.arguments(run, "m1", {"state": state})["gate"]["deadline"] == given
