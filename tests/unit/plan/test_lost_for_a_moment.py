# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that is lost for a moment when it is observed: it is asked again, and the fleet is not judged by that."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests import tiers
from tests.unit.plan.made import Account, fleet
from tests.unit.plan.test_actions import PLAN, RUN, Site, release

pytestmark = pytest.mark.slow
#: Answers its first step, and is cut off in the second.
SCRIPT = """
cd {folder}; echo >> steps
[ $(wc -l < steps) != {lost} ] || kill -9 $$
echo '{answer}'
"""
OBSERVE = {"name": "observation", "praxis.cloud.agent_info": {"run": RUN, "soak": 0}}


@pytest.mark.parametrize(
    "activated", tiers.first([True, False]), ids=["hosts were activated", "nothing was done yet"]
)
def test_it_is_observed_when_it_is_there_again(tmp_path: Path, account: Account, activated: bool) -> None:
    site = Site(tmp_path, account)
    answer = json.dumps({"changed": True, "outcome": "activated", "observation": {"release": {"good": "81bb02"}}})
    lost = 2 if activated else 1
    own = site.host("m1", SCRIPT.format(folder=tmp_path, answer=answer, lost=lost))
    site.inventory({name: {**found, **own} for name, found in fleet(1).items()})
    steps = [release("active"), OBSERVE] if activated else [OBSERVE]
    hosts = {"hosts": "praxis", "gather_facts": False, "vars": {"ansible_pipelining": True}}
    played = site.play([PLAN, {**hosts, "tasks": steps}])
    assert ("m1: lost when it was to be observed" in played.printed) == activated, played.printed[-3000:]
    assert played.of("observation", "m1")["outcome"] == ("activated" if activated else "failed")
