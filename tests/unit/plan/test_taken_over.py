# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that finds what another one has left: a step that still waits on a host, for the end of its connections, or an
agent that nobody has seen last.

The controller of that one may be dead; its step is not. Nothing else would keep it from activating its release on a
host that this run does nothing to.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.unit.plan.made import Account
from tests.unit.plan.test_actions import Site
from tests.unit.plan.test_ansible_settings import Deployment

pytestmark = pytest.mark.slow
AGAIN = "Prepare the release once more"
LASTING = "Observe the agent until what was taken over has lasted"
GONE = {"run": "20260101T000000Z-a1b2c3", "owner": "ann@desk", "reason": "deploy", "lock_host": "m1", "fence": 7,
        "process": {"place": "another machine", "pid": 7, "started": "1"}, "at": 0, "expires": 1}  # fmt: skip


def deployed(folder: Path, account: Account, record: dict[str, Any], *arguments: str) -> tuple[Any, list[Any]]:
    """A deployment, and what its second member was asked for: states, and fence numbers where there are any."""
    made = Deployment(Site(folder, account))
    answer = json.loads(made.answer)
    answer["observation"].update(deployment=record, host={"clock": 1000.0})
    made.answer = json.dumps({**answer, "fence": 8})
    made.hosts()
    played = made.under({}, *arguments)
    sent = (folder / "sent-m2").read_text(errors="replace")
    pattern = r'"state": "(prepared|active|restored)".*?(?="ANSIBLE_MODULE_ARGS"|\Z)'
    asked = [(each[1], re.findall(r'"fence": (\d+)', each[0])) for each in re.finditer(pattern, sent, re.DOTALL)]
    return played, asked


def test_each_host_refuses_the_other_one_s_steps_before_the_order_is_made(tmp_path: Path, account: Account) -> None:
    played, asked = deployed(tmp_path, account, {**GONE, "ended": False})
    done = {each["host"] for each in played.results if each["task"] == AGAIN and each["status"] != "skipped"}
    assert done == {"m1", "m2"}, played.printed[-3000:]
    assert [fences for state, fences in asked if state == "prepared"] == [[], ["8"]]
    # This run is no other one for itself: it goes on to activate.
    assert played.of("Activate the release", "m1")["status"] == "ok"


@pytest.mark.repetition
def test_check_mode_takes_nothing_over(tmp_path: Path, account: Account) -> None:
    played, _asked = deployed(tmp_path, account, {**GONE, "ended": False}, "--check")
    assert not [each for each in played.results if each["task"] == AGAIN and each["status"] != "skipped"]


def test_an_agent_that_has_crashed_since_it_was_activated_stops_the_next_run(tmp_path: Path, account: Account) -> None:
    """Though nothing is to be done there. It goes back, and nobody else gets its release."""
    made = Deployment(Site(tmp_path, account))
    made.hosts()
    made.under({})
    (release,) = set(re.findall(r'"release": {"id": "(\w+)"', (tmp_path / "sent-m1").read_text(errors="replace")))
    answer = json.loads(made.answer)
    seen = answer["observation"]
    container = {**seen["container"], "restarts": 2, "age": 5.0, "part": release}
    armed = {"run": "dead", "fence": 7, "wanted": release, "back": "5f00d1", "until": 1}
    left = {**seen, "release": {**seen["release"], "running": release, "current": release}, "container": container,
            "switch": {"armed": armed, "rolled_back": None}, "host": {"clock": 1000.0}}  # fmt: skip
    printed = json.dumps({**answer, "activation": "none", "observation": left, "fence": 8})
    made.site.host("m1", f"echo '{printed}'")
    played = made.under({})
    done = [(each["task"], each["host"]) for each in played.results if each["status"] != "skipped"]
    assert [host for task, host in done if task == LASTING] == ["m1"], played.printed[-3000:]
    assert [host for task, host in done if task == "Activate the release"] == []
    assert [host for task, host in done if task == "Roll back to the last good release"] == ["m1"]
    assert "m1: The agent ended and was started again since it was activated: 2 restarts." in played.printed


#: Answers its first step, and refuses the lock in the second: somebody was faster.
REFUSES = """
cd {folder}; echo >> steps
[ $(wc -l < steps) != 2 ] || {{ echo '{refusal}'; exit 1; }}
echo '{answer}'
"""


def test_a_run_that_one_of_its_keepers_refuses_gives_the_lock_back_and_touches_nobody(
    tmp_path: Path, account: Account
) -> None:
    made = Deployment(Site(tmp_path, account))
    answer = json.loads(made.answer)
    answer["observation"].update(deployment={**GONE, "ended": False, "lock_host": "m2"}, host={"clock": 1000.0})
    made.answer = json.dumps(answer)
    refusal = {"failed": True, "failures": [{"code": "fleet-locked", "what": "Deployment x holds the fleet.",
               "where": "m2", "fix": "Wait."}]}  # fmt: skip
    made.hosts()
    made.site.host("m2", REFUSES.format(folder=tmp_path, refusal=json.dumps(refusal), answer=made.answer))
    played = made.under({})
    done = [each["task"] for each in played.results if each["status"] != "skipped"]
    assert "Deployment x holds the fleet." in played.printed, played.printed[-3000:]
    touched = {AGAIN, "Activate the release", "Drain the batch", "Roll back to the last good release"}
    assert touched.intersection(done) == set()
    asked = {name: (tmp_path / f"sent-{name}").read_text(errors="replace") for name in ("m1", "m2")}
    assert [asked[name].count('"state": "absent"') for name in ("m1", "m2")] == [1, 0]
