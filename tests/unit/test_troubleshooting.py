# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/troubleshooting.md lists the findings that the source can make about hosts: all of them, and no others."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
PLUGINS = CHECKOUT / "plugins"
PAGE = CHECKOUT / "docs" / "troubleshooting.md"
#: The layers that speak of hosts.
LAYERS = (
    *sorted((PLUGINS / "module_utils" / "host").glob("*.py")),
    *(PLUGINS / f"module_utils/fleet/{name}.py"
      for name in ("balancer", "clocks", "doctor", "engine_advice", "history", "lock", "member_health", "membership",
                   "mesh", "order", "outside", "recorders", "remedies", "step_failure", "switches")),
    *(PLUGINS / f"module_utils/infrastructure/{name}.py"
      for name in ("aws_cluster", "aws_permissions", "doctor", "google_cluster", "google_permissions",
                   "machine_quotas", "permissions")),
    *(PLUGINS / f"module_utils/cloud/{name}.py" for name in ("aws_eks_kind", "gcp_gke_kinds")),
    *(PLUGINS / f"plugin_utils/{name}_access.py" for name in ("cluster", "eks", "gke")),
    PLUGINS / "plugin_utils" / "kept_planner.py",
    PLUGINS / "plugin_utils" / "hooks.py",
    PLUGINS / "plugin_utils" / "variable_names.py",
    PLUGINS / "plugin_utils" / "ansible_settings.py",
    PLUGINS / "plugin_utils" / "whole_inventory.py",
    PLUGINS / "plugin_utils" / "host_keys_kept.py",
    PLUGINS / "plugin_utils" / "logins.py",
    PLUGINS / "module_utils" / "deployment.py",
    PLUGINS / "module_utils" / "playbook.py",
    PLUGINS / "plugin_utils" / "host_action.py",
    PLUGINS / "plugin_utils" / "records.py",
    PLUGINS / "plugin_utils" / "run_directory.py",
    PLUGINS / "action" / "agent_release.py",
    PLUGINS / "action" / "fleet_lock.py",
    PLUGINS / "action" / "fleet_plan.py",
    PLUGINS / "action" / "fleet_verify.py",
    PLUGINS / "plugin_utils" / "balancer_answers.py",
    PLUGINS / "plugin_utils" / "balancer_floor.py",
    PLUGINS / "plugin_utils" / "balancer_pass.py",
    PLUGINS / "module_utils" / "kubernetes" / "other_identities.py",
    PLUGINS / "action" / "fleet_kubernetes.py",
    *(PLUGINS / f"module_utils/kubernetes/{name}.py"
      for name in ("changes", "deployments", "lease", "pod_state", "resources", "rollout", "scaling",
                   "synced")),
    *(PLUGINS / f"plugin_utils/kubernetes_{name}.py"
      for name in ("api", "cluster", "deployment", "lock", "login", "removal")),
)


def codes_of(tree: ast.Module) -> Iterator[str]:
    """The codes that a file spells: of ``Finding(…)``, of a helper called ``finding(…)``, of classes of ``errors``, and
    of tables whose rows are pattern, code, what and fix."""
    constants = {
        target.id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        given: list[ast.expr] = []
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("Finding", "finding"):
            given = [item.value for item in node.keywords if item.arg == "code"] or node.args[:1]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _is_errors(node.func.value):
            given = [item.value for item in node.keywords if item.arg == "code"]
        elif isinstance(node, ast.Tuple) and len(node.elts) == 4 and all(_text(item) for item in node.elts):
            given = [node.elts[1]] if " " in str(_text(node.elts[3])) else []
        for value in given:
            branches = [value.body, value.orelse] if isinstance(value, ast.IfExp) else [value]
            for branch in branches:
                text = _text(constants.get(branch.id, branch) if isinstance(branch, ast.Name) else branch)
                if text:
                    yield text


def _is_errors(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "errors"


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def listed(page: str) -> list[str]:
    """The codes in the first column of the page's tables."""
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    return [code for row in rows for code in re.findall(r"`([^`]+)`", row)]


def test_the_page_lists_every_finding_about_hosts_and_no_other() -> None:
    made = {code for path in LAYERS for code in codes_of(ast.parse(path.read_text(encoding="utf-8")))}
    reported = listed(PAGE.read_text(encoding="utf-8"))
    assert sorted(reported) == sorted(set(reported)), "a code stands there twice"
    assert set(reported) == made


def test_every_row_has_a_meaning_and_a_fix() -> None:
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("| `"):
            cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
            assert len(cells) == 4, line
            assert all(cells), line
            assert set(cells[1].split()) <= set("PALDBR"), line


@pytest.mark.parametrize(
    ("source", "codes"),
    [
        ('Finding("a-b", "x", "y", "z")', ["a-b"]),
        ('Finding(what="x", code="c-d")', ["c-d"]),
        ('finding("e-f" if x else "g-h", "y")', ["e-f", "g-h"]),
        ('NAME = "i-j"\nfinding(NAME, "y")', ["i-j"]),
        ('T = ((r"p", "k-l", "What.", "Fix it."),)', ["k-l"]),
        ('errors.Denied("x", "y", "z", code="m-n")', ["m-n"]),
        ("Finding(code, what, where, fix)", []),
        ('ENDED = ("exited", "dead", "restarting", "removing")', []),
    ],
)
def test_codes_are_found_where_they_are_spelt(source: str, codes: list[str]) -> None:
    assert list(codes_of(ast.parse(source))) == codes
