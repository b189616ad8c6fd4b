# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a module does for one cloud, its twin does for the other: who has read one knows the other."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
import yaml

MODULES = Path(__file__).resolve().parents[3] / "plugins" / "modules"
#: By name after the cloud's: what is returned on one cloud alone, AWS first.
TWINS: dict[str, tuple[set[str], set[str]]] = {
    "infrastructure": (
        {"vpc", "subnets", "member_group_id", "balancer_group_id", "target_group"},
        {"project", "network", "subnetwork", "certificate_status", "backend_service", "security_policy"},
    ),
    "infrastructure_info": (
        {"vpc", "subnets", "security_groups", "load_balancer", "target_group", "key_name", "instance_profile"},
        {"mark_text", "project", "zones", "network", "subnetwork", "service_account", "backend_service",
         "balancer_made", "group_zones"},
    ),
    "lb_target": ({"target_group_arn", "deregistered"}, {"backend_service_link", "groups", "used_by"}),
    "machines": (set(), set()),
}  # fmt: skip


def source(cloud: str, name: str) -> ast.Module:
    return ast.parse((MODULES / f"{cloud}_{name}.py").read_text(encoding="utf-8"))


def returned(cloud: str, name: str) -> dict[str, dict[str, Any]]:
    """What the module's documentation says that it returns."""
    (text,) = [node.value for node in source(cloud, name).body
               if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "RETURN"]  # fmt: skip
    found: dict[str, dict[str, Any]] = yaml.safe_load(ast.literal_eval(text))
    return found


def shape(entry: dict[str, Any]) -> tuple[str, Any, set[str]]:
    return entry["type"], entry.get("elements"), set(entry.get("contains") or ())


@pytest.mark.parametrize("name", TWINS)
def test_twins_return_the_same_but_for_what_is_one_clouds_own(name: str) -> None:
    ours, theirs = returned("aws", name), returned("gcp", name)
    assert (set(ours) - set(theirs), set(theirs) - set(ours)) == TWINS[name]
    for key in set(ours) & set(theirs):
        if name != "lb_target":  # a target is an address and a port on AWS, and on Google Cloud a machine in a zone
            assert shape(ours[key]) == shape(theirs[key]), key
            assert ours[key]["returned"] == theirs[key]["returned"], key


@pytest.mark.parametrize("name", ["infrastructure", "infrastructure_info", "machines"])
def test_twins_begin_and_end_alike(name: str) -> None:
    def main(cloud: str) -> str:
        functions = [each for each in source(cloud, name).body if isinstance(each, ast.FunctionDef)]
        (found,) = [each for each in functions if each.name == "main"]
        return ast.unparse(found).replace(f"{cloud.upper()}_", "CLOUD_").replace(f"{cloud}_", "cloud_")

    assert main("aws") == main("gcp")
