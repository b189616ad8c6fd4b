# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's work is done by the controller, whatever an inventory says of localhost."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible import constants

from tests import tiers
from tests.unit.plan.made import Account, fleet
from tests.unit.plan.test_actions import PLAN, RUN, Site, site
from tests.unit.plan.test_balancers import Balancer

pytestmark = pytest.mark.slow
__all__ = ["site"]


def named(site: Site, own: dict[str, Any]) -> None:
    """Have the inventory name localhost, with these variables."""
    hosts = json.loads((site.folder / "hosts.json").read_text())
    hosts["ungrouped"]["hosts"]["localhost"] = own
    (site.folder / "hosts.json").write_text(json.dumps(hosts))


@pytest.mark.parametrize("own", tiers.first([
    {"ansible_connection": "local"},
    {"ansible_connection": "ssh", "ansible_ssh_executable": "/bin/false"},
]))  # fmt: skip
def test_identities_are_made_with_the_python_of_ansible(site: Site, empty: Account, own: dict[str, Any]) -> None:
    """Machines have theirs at /usr/bin, which has no library of a cloud; `all` includes a localhost that is named."""
    site.inventory(fleet(1), ansible_python_interpreter=site.host("all", "exit 3")["ansible_python_interpreter"])
    named(site, own)
    played = site.play([PLAN])
    assert played.rc == 0, played.printed[-2000:]
    assert empty.cloud.changes() == ["CreateSecret"]
    assert not site.was_sent("all")


@pytest.mark.parametrize("own", tiers.first([
    {"ansible_connection": "local"},
    {"ansible_connection": "ssh", "ansible_ssh_executable": "/bin/false"},
]))  # fmt: skip
def test_the_load_balancer_is_asked_with_the_python_of_ansible(
    site: Site, empty: Account, monkeypatch: pytest.MonkeyPatch, own: dict[str, Any]
) -> None:
    """No drain would succeed, and no deployment begin."""
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(site.folder))
    vpc = empty.cloud.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    empty.cloud.client("elbv2").create_target_group(Name="agents", Protocol="HTTP", Port=8000, VpcId=vpc)
    balancer = Balancer(site.folder, "praxis.cloud.aws_lb_target")
    member = site.host("m1", "exit 3")
    site.inventory({"m1": member}, ansible_python_interpreter=member["ansible_python_interpreter"])
    named(site, own)
    asked = {"load_balancer_run": balancer.run.path, "load_balancer_members": list(balancer.observations)}
    role = {"name": "praxis.cloud.load_balancer", "tasks_from": "observe", "rolespec_validate": False}
    tasks = [{"ansible.builtin.include_role": role, "vars": asked, "run_once": True},
             {"name": "Seen", "ansible.builtin.debug": {"var": "load_balancer_result"}}]  # fmt: skip
    played = site.play([{"hosts": "praxis", "gather_facts": False, "tasks": tasks}])
    assert played.rc == 0, played.printed[-2000:]
    seen = played.of("Seen", "m1")["load_balancer_result"]
    assert [each["member"] for each in seen["targets"]] == [*balancer.observations]
    assert not site.was_sent("m1")


def test_a_python_for_machines_that_is_given_to_all_asks_no_load_balancer(site: Site, account: Account) -> None:
    """`-e ansible_python_interpreter=/usr/bin/python3` comes before all that a task says. A first deployment would be
    taken back, because no agent could join."""
    site.inventory({name: {**each, "praxis_target_group": "agents"} for name, each in fleet(1).items()})
    named(site, {"ansible_connection": "local"})
    python = site.host("all", "exit 3")["ansible_python_interpreter"]
    role = {"name": "praxis.cloud.load_balancer", "tasks_from": "observe"}
    asked = {"load_balancer_run": RUN, "load_balancer_members": ["m1"]}
    book = [{**PLAN, "tasks": [*PLAN["tasks"], {"ansible.builtin.include_role": role, "vars": asked}]}]
    played = site.play(book, "-e", f"ansible_python_interpreter={python}")
    result = played.of("Have the load balancer say how members are", "m1")
    assert result["failure"]["code"] == "target-group-not-found", played.printed[-3000:]
    assert not site.was_sent("all")


def test_nobody_is_root_on_the_controller_to_ask_a_load_balancer(site: Site, account: Account) -> None:
    """A variable of the inventory comes before a play's word, and `all` includes the controller."""
    members = {name: {**each, "praxis_target_group": "agents"} for name, each in fleet(1).items()}
    other = site.host("all", "exit 3")["ansible_python_interpreter"]
    site.inventory(members, ansible_python_interpreter=other, ansible_become=True, ansible_become_exe="/bin/false")
    hosts = json.loads((site.folder / "hosts.json").read_text())
    hosts["ungrouped"]["hosts"]["localhost"] = {"ansible_connection": "local"}
    (site.folder / "hosts.json").write_text(json.dumps(hosts))
    asked = {"load_balancer_run": RUN, "load_balancer_members": ["m1"]}
    role = {"name": "praxis.cloud.load_balancer", "tasks_from": "observe"}
    played = site.play([{**PLAN, "tasks": [*PLAN["tasks"], {"ansible.builtin.include_role": role, "vars": asked}]}])
    assert played.rc == 0, played.printed[-2000:]
    result = played.of("Have the load balancer say how members are", "m1")
    assert result["failure"]["code"] == "target-group-not-found", result
    assert not site.was_sent("all")
