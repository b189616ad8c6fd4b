# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/ecs.md lists the findings about agents in ECS: all of them, and no others; and the settings that there are."""

from __future__ import annotations

import ast
import dataclasses
import re
from pathlib import Path

from ansible_collections.praxis.cloud.plugins.module_utils.ecs.settings import KindSettings
from tests.unit.test_troubleshooting import codes_of, listed

CHECKOUT = Path(__file__).resolve().parents[3]
PLUGINS = CHECKOUT / "plugins"
PAGE = (CHECKOUT / "docs/ecs.md").read_text(encoding="utf-8")
LAYERS = (
    *sorted((PLUGINS / "module_utils/ecs").glob("*.py")),
    PLUGINS / "module_utils/playbook.py",
    PLUGINS / "module_utils/cloud/ecs_service.py",
    PLUGINS / "module_utils/cloud/ecs_fleet.py",
    PLUGINS / "module_utils/cloud/ecs_left.py",
    PLUGINS / "module_utils/cloud/ecs_lock.py",
    PLUGINS / "plugin_utils/ecs_checks.py",
    PLUGINS / "plugin_utils/ecs_kinds.py",
    PLUGINS / "plugin_utils/ecs_secrets.py",
    PLUGINS / "action/fleet_ecs.py",
)
#: Their codes are put together.
SETTINGS = {"unknown-ecs-setting", "bad-ecs-setting"}


def test_the_page_lists_every_finding_about_ecs_and_no_other() -> None:
    made = {code for path in LAYERS for code in codes_of(ast.parse(path.read_text(encoding="utf-8")))}
    findings = PAGE.partition("## Findings")[2]
    assert sorted(listed(findings)) == sorted(made | SETTINGS)


def test_the_page_lists_every_setting() -> None:
    table = PAGE.partition("## Settings")[2].partition("##")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert sorted(re.findall(r"`(\w+)`", " ".join(rows))) == sorted(
        item.name for item in dataclasses.fields(KindSettings)
    )
