# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An inventory with machines and an empty group of another target, to whose playbooks it leads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.plugin_utils import whole_inventory
from tests import tiers
from tests.unit.plan.made import Account, fleet
from tests.unit.plan.test_actions import CHECKOUT, Site, site

__all__ = ["site"]
VERBS = sorted(path.stem for path in (CHECKOUT / "playbooks/kubernetes").glob("*.yml"))
TASK = "Stop when the inventory could not be read whole, or holds no member"


def test_a_group_without_a_host_is_named() -> None:
    whole_inventory.require_group({"praxis_ecs": ["leaf"]}, "praxis_ecs")
    for groups in ({"praxis_ecs": []}, {"praxis": ["m1"]}):
        with pytest.raises(Failed) as failed:
            whole_inventory.require_group(groups, "praxis_ecs")
        (finding,) = failed.value.findings
        assert finding.code == "empty-fleet" and "praxis_ecs" in finding.what


@pytest.mark.slow
@pytest.mark.parametrize(
    ("group", "verb"),
    tiers.only([(group, verb) for group in ("praxis_kubernetes", "praxis_ecs") for verb in VERBS],
               lambda each: each[1] == "deploy"),
)  # fmt: skip
def test_nothing_is_done_with_return_code_0(site: Site, empty: Account, group: str, verb: str) -> None:
    site.inventory(fleet(2))
    inventory = json.loads((site.folder / "hosts.json").read_text())
    (site.folder / "hosts.json").write_text(json.dumps({**inventory, group: {"hosts": {}}}))
    played = site.play(CHECKOUT / f"{verb}.yml")
    assert played.rc == 2, played.printed[-3000:]
    (found,) = played.of(TASK, "localhost")["failures"]
    assert found["code"] == "empty-fleet" and group in found["what"]


@pytest.mark.slow
@pytest.mark.repetition
def test_the_wrong_inventory_is_no_success(site: Site, empty: Account) -> None:
    site.inventory(fleet(2))
    played = site.play(Path(CHECKOUT / "playbooks/kubernetes/status.yml"))
    assert played.rc == 2, played.printed[-3000:]
    assert [each["code"] for each in played.of(TASK, "localhost")["failures"]] == ["empty-fleet"]
