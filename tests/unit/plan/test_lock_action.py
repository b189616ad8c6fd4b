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
    limited = ["It does nothing to m1: " in item.what for item in run.recorded()]
    assert limited == [code == "taken-over" for code in codes]
    assert (taken["locked"], (run.locked() or {}).get("fence")) == (fence is not None, fence)


def test_a_run_that_leaves_hosts_out_does_not_say_that_all_is_seen_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_of(tmp_path, monkeypatch, "m1", "m2")
    silent = Finding("host-unreachable", "It cannot be reached.", "m2", "Start it.", level="warning")
    run.set_order(order(left_out=(silent,)), {})
    gone = deployment.deployment_from({"process": {**HERE, "started": "before"}, "last": False, **OTHER})
    assert gone is not None
    left = gone.record(time.time(), ended=False)
    run.report("m1", {"observation": {"deployment": left, "host": {"clock": time.time()}}})
    assert Keeper(run, left).take()["locked"]
    (said,) = run.recorded()
    assert said.code == "taken-over" and "It does nothing to m2: " in said.what
