# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one run is given: a plan that was agreed to, what to go back to. A playbook does without where it is not set."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml

from ansible_collections.praxis.cloud.plugins.plugin_utils import whole_inventory
from ansible_collections.praxis.cloud.plugins.plugin_utils.variable_types import GIVEN, GIVEN_TO_OBSERVE, GIVEN_TRUTHS
from tests.unit.conftest import REGION
from tests.unit.plan.made import Account, fleet
from tests.unit.plan.test_actions import CHECKOUT, LOCAL, PLAN, Site, site

__all__ = ["site"]

#: As a workflow hands over what another job has left, where that job has left nothing.
LEFT_BY_NOBODY = "{{ praxis_summary.plan_id }}"


@pytest.mark.slow
def test_a_template_that_fails_is_not_taken_for_what_is_not_given(site: Site, empty: Account) -> None:
    site.inventory(fleet(1))
    given = json.dumps(dict.fromkeys(GIVEN, LEFT_BY_NOBODY))
    before = {"name": "before", "praxis.cloud.fleet_inventory": {}}
    refused = site.play([{**LOCAL, "tasks": [before]}], "-e", given).of("before", "localhost")
    assert [each["where"] for each in refused["failures"]] == list(GIVEN)
    assert {each["code"] for each in refused["failures"]} == {"unreadable-variable"}
    assert "praxis_summary" in refused["failures"][0]["what"]
    observed = site.play([{**LOCAL, "tasks": [{"name": "before", "praxis.cloud.fleet_inventory": {"observes": True}}]}],
                         "-e", given).of("before", "localhost")  # fmt: skip
    assert [each["where"] for each in observed["failures"]] == ["praxis_plan_id"]
    planned = site.play([PLAN], "-e", json.dumps({"praxis_plan_id": LEFT_BY_NOBODY}))
    assert planned.rc == 2 and empty.cloud.changes() == []
    assert planned.of("Plan the deployment", "m1")["failure"]["where"] == "praxis_plan_id"


@pytest.mark.parametrize(("given", "refused"), [("y", True), ("enabled", True), ("on", False), ("", False), (1, False)])
def test_a_word_that_is_no_boolean_is_not_taken_for_false(given: Any, *, refused: bool) -> None:
    """down.yml would leave the identities that it was to remove."""
    found = whole_inventory._given(dict.fromkeys(GIVEN_TRUTHS, given), lambda value: value)
    assert [(each.code, each.where) for each in found] == [("bad-variable", name) for name in GIVEN_TRUTHS if refused]


@pytest.mark.parametrize("name", ["status", "verify", "history"])
def test_a_playbook_that_observes_reads_no_more_of_it_than_it_requires(name: str) -> None:
    """What it does not require may be a template that fails."""
    read, left = set[str](), [CHECKOUT / f"playbooks/{name}.yml"]
    while left:
        text = (path := left.pop()).read_text()
        read |= set(re.findall(r"praxis_\w+", text))
        left += [(path.parent / each).resolve() for each in re.findall(r"(?:import|include)_\w+: ([\w./]+\.yml)", text)]
    assert read.intersection(GIVEN) <= {*GIVEN_TO_OBSERVE}
    assert "inventory_observes: true" in (CHECKOUT / f"playbooks/{name}.yml").read_text()


def test_all_that_a_run_may_be_given_is_known() -> None:
    """The image is each member's, and read there."""
    asked = yaml.safe_load((CHECKOUT / "meta" / "argument_specs.yml").read_text())["argument_specs"]
    assert {name for each in asked.values() for name in each.get("options", {})} - {"praxis_image"} <= set(GIVEN)
    truths = {name for each in asked.values() for name, one in each["options"].items() if one.get("type") == "bool"}
    assert truths == set(GIVEN_TRUTHS)
    texts = [path.read_text() for path in (CHECKOUT / "playbooks").rglob("*.yml")]
    used = {name for text in texts for name in re.findall(r"praxis_\w+(?= (?:\| default|is defined))", text)}
    of_one_run = re.compile(".*_(plan_id|to|slots|backup|wait|over|for|remove|force)")
    assert {name for name in used if of_one_run.fullmatch(name)} <= set(GIVEN)


@pytest.mark.slow
@pytest.mark.parametrize(("playbook", "group"), [
    ("down.yml", "praxis_aws"), ("kubernetes/down.yml", "praxis_kubernetes"), ("ecs/down.yml", "praxis_ecs"),
])  # fmt: skip
def test_a_removal_that_nobody_has_confirmed_ends_in_a_summary_as_well(
    site: Site, empty: Account, playbook: str, group: str
) -> None:
    place = {"praxis_fleet": "alpha", "praxis_region": REGION, "praxis_cloud": "aws"}
    hosts = {group: {"hosts": {"m1": {}}, "vars": place}, "praxis": {"hosts": {"m1": {}}}}
    (site.folder / "hosts.json").write_text(json.dumps(hosts))
    played = site.play(CHECKOUT / "playbooks" / playbook, "-e", "praxis_confirm_down=beta",
                       ANSIBLE_SHOW_CUSTOM_STATS="true")  # fmt: skip
    assert played.rc == 2 and "praxis_confirm_down=alpha" in played.printed, played.printed[-2000:]
    summary = played.printed.rpartition("CUSTOM STATS")[2]
    assert '"ok": false' in summary and "To go on: -e praxis_confirm_down=alpha" in summary
    assert empty.cloud.changes() == []
