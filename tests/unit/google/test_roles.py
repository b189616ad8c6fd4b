# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the roles say of Google Cloud that the code says too."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_backend_service import HEALTH_CHECK_RANGES
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_infrastructure import BALANCER
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_kinds import LAST_RULE
from ansible_collections.praxis.cloud.plugins.modules import gcp_machines

ROLES = Path(__file__).resolve().parents[3] / "roles"


def read(path: str) -> Any:
    return yaml.safe_load((ROLES / path).read_text(encoding="utf-8"))


def test_the_firewall_lets_in_where_google_s_health_checks_come_from() -> None:
    assert read("firewall/vars/main.yml")["_firewall_google"] == list(HEALTH_CHECK_RANGES)


def test_whom_no_rule_is_for_is_refused() -> None:
    (rest,) = read("firewall/vars/main.yml")["_firewall_gcp_rest"]
    assert (rest["priority"], rest["action"]) == (LAST_RULE, "deny(403)")
    assert rest["match"]["config"]["srcIpRanges"] == ["*"]


def test_everything_that_makes_a_load_balancer_can_be_removed() -> None:
    """What is made is in the code's list, which is in the order of removal."""
    made = [task["praxis.cloud.gcp_resource"]["kind"] for task in read("provision/tasks/gcp/balancer.yml")]
    made += [task["praxis.cloud.gcp_resource"]["kind"] for task in read("firewall/tasks/gcp_present.yml")[1]["block"]
             if "load balancer" in task["name"]]
    assert set(made) - {"instance_group"} == set(BALANCER)


def test_every_resource_that_the_roles_make_is_marked_and_removed_by_its_mark() -> None:
    files = [*ROLES.glob("provision/tasks/gcp/*.yml"), *ROLES.glob("firewall/tasks/gcp_*.yml")]
    texts = [file.read_text(encoding="utf-8") for file in files]
    marked = sum(text.count("    mark: ") for text in texts)
    made = sum(len(re.findall(r"praxis\.cloud\.gcp_(resource|service_account):", text)) for text in texts)
    assert marked == made > 15


def test_the_role_s_machines_are_the_module_s_unless_it_is_told_otherwise() -> None:
    defaults = read("provision/defaults/main.yml")
    for name, option in (("instance_type", "machine_type"), ("image_owner", "image_project"),
                         ("image_name", "image_family"), ("ssh_user", "ssh_user")):
        assert str(gcp_machines.ARGUMENTS[option]["default"]) in str(defaults[f"provision_{name}"])
