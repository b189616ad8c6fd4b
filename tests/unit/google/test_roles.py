# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the roles say of Google Cloud that the code says too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_infrastructure import BALANCER
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.google_front import HTTPS_KINDS
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.google_list import KIND_PARTS
from ansible_collections.praxis.cloud.plugins.modules import gcp_infrastructure, gcp_machines

ROLES = Path(__file__).resolve().parents[3] / "roles"


def read(path: str) -> Any:
    return yaml.safe_load((ROLES / path).read_text(encoding="utf-8"))


def test_everything_that_makes_a_load_balancer_is_observed() -> None:
    made = {kind for kind, part in KIND_PARTS.items() if part == "balancer"} | {"security_policy"}
    assert made - {"instance_group", "dns_record", *HTTPS_KINDS} == set(BALANCER)


def test_the_roles_name_only_options_that_there_are_and_leave_no_task_for_check_mode_alone() -> None:
    files = [*ROLES.glob("provision/tasks/gcp/*.yml"), *ROLES.glob("firewall/tasks/gcp_*.yml")]
    tasks = [task for file in files for task in yaml.safe_load(file.read_text(encoding="utf-8"))]
    asked = [task["praxis.cloud.gcp_infrastructure"] for task in tasks if "praxis.cloud.gcp_infrastructure" in task]
    assert len(asked) == 5
    assert {option for each in asked for option in each} <= {*gcp_infrastructure.ARGUMENTS, "project"}
    assert not [task["name"] for task in tasks if "ansible_check_mode" in str(task)]


def test_the_role_s_machines_are_the_module_s_unless_set_otherwise() -> None:
    defaults = read("provision/defaults/main.yml")
    for name, option in (("instance_type", "machine_type"), ("image_owner", "image_project"),
                         ("image_name", "image_family"), ("ssh_user", "ssh_user")):
        assert str(gcp_machines.ARGUMENTS[option]["default"]) in str(defaults[f"provision_{name}"])
        assert gcp_machines.ARGUMENTS[option]["default"] == gcp_infrastructure.ARGUMENTS[option]["default"]
