# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a hook's task that fails leaves in the run, in real runs of ansible-playbook."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.plan.made import Account, fleet
from tests.unit.plan.test_actions import CHECKOUT, LOCAL, PLAN, Site

pytestmark = pytest.mark.slow
MARKER = "planted-marker-9d02c4"
FAIL = {"name": "Ask the database", "ansible.builtin.fail": {"msg": f"ALTER USER x IDENTIFIED BY '{MARKER}'"}}


@pytest.fixture
def site(tmp_path: Path, empty: Account) -> Site:
    return Site(tmp_path, empty)


@pytest.mark.parametrize(
    ("task", "hidden"),
    [
        (FAIL, False),
        ({"no_log": "{{ 1 == 1 }}", "block": [FAIL]}, True),
        pytest.param({**FAIL, "no_log": True, "loop": [1, 2]}, True, marks=pytest.mark.repetition),
    ],
)
def test_what_a_task_does_not_log_is_kept_nowhere(
    site: Site, empty: Account, task: dict[str, Any], hidden: bool
) -> None:
    (site.folder / "hook.yml").write_text(json.dumps([task]))
    empty.seeds([1])
    site.inventory(fleet(1), praxis_hooks={"plan": str(site.folder / "hook.yml")})
    hook = {
        "hosts": "praxis",
        "gather_facts": False,
        "vars": {"praxis_plan": "{{ hostvars['localhost']['ansible_facts']['praxis_plan'] }}",
                 "praxis_order": {}, "praxis_verdict": {}, "hook_point": "plan"},
        "tasks": [{"ansible.builtin.include_tasks": str(CHECKOUT / "playbooks/tasks/hook.yml")}],
    }  # fmt: skip
    played = site.play([PLAN, hook, {**LOCAL, "tasks": [site.keep()]}])
    found = played.of("Record that the hook failed", "m1")["verdict"]["findings"]
    (finding,) = [each for each in found if each["code"] == "hook-failed"]
    assert "Ask the database" in finding["what"]
    kept = {place for place in site.places_of(played, MARKER.encode()) if place.startswith(("kept/", "facts/"))}
    assert (MARKER in finding["what"], bool(kept)) == (not hidden, not hidden), (finding, kept)
    assert ("no_log" in finding["what"]) is hidden
