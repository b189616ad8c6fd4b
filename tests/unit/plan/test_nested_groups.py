# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An inventory in which the members' group has the clouds' groups below it."""

from __future__ import annotations

import json
import sys

import pytest

from ansible_collections.praxis.cloud.plugins.plugin_utils import fleet_variables
from tests.unit.conftest import REGION
from tests.unit.plan.made import Account, fleet
from tests.unit.plan.test_actions import CHECKOUT, Site, site

__all__ = ["site"]


def test_the_account_is_no_member() -> None:
    groups = {"praxis": ["m1", "aws-account"], "praxis_aws": ["m1", "aws-account"]}
    assert fleet_variables.machines_of({**groups, "praxis_accounts": ["aws-account"]}) == ["m1"]
    assert fleet_variables.hosts_of({**groups, "praxis_accounts": ["aws-account"]}, "kubernetes") == ["m1"]
    assert fleet_variables.machines_of({"praxis": ["m1"]}) == ["m1"]


@pytest.mark.slow
def test_the_doctor_examines_members_and_no_account(site: Site, empty: Account) -> None:
    """A fleet that is deployed well from this inventory has no error of a member that there is not."""
    hosts = {name: {**found, **site.host(name, "exit 3")} for name, found in fleet(2).items()}
    clouds = {"praxis_aws": {"hosts": hosts, "vars": {"praxis_fleet": "demo", "praxis_region": REGION}}}
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    inventory = {"praxis": {"children": clouds}, "ungrouped": {"hosts": {"localhost": local}}}
    (site.folder / "hosts.json").write_text(json.dumps(inventory))
    played = site.play(CHECKOUT / "playbooks/doctor.yml")
    assert played.of("Plan the deployment", "m1")["status"] == "ok", played.printed[-4000:]
    examined = {each["host"] for each in played.results if each["task"] == "Examine the host"}
    assert examined == {"m1", "m2"}
