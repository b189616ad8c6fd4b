# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options are documented as they are. Sanity sees to modules; here are those whose work an action plugin does."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.praxis.cloud.plugins.plugin_utils.fleet_action import RUN, FleetAction

PLUGINS = Path(__file__).resolve().parents[3] / "plugins"
HOUSE = "ansible_collections.praxis.cloud.plugins"
#: The modules that are documentation only.
STUBS = sorted(
    path.stem for path in PLUGINS.glob("modules/*.py") if "def main" not in path.read_text(encoding="utf-8")
)


def documented(options: dict[str, Any]) -> dict[str, Any]:
    """Options as an argument spec would have them."""
    parts = ("type", "elements", "required", "default", "choices", "aliases")
    return {name: {part: option[part] for part in parts if part in option} for name, option in options.items()}


@pytest.mark.parametrize("name", STUBS)
def test_an_action_takes_the_options_that_its_module_documents(name: str) -> None:
    action = importlib.import_module(f"{HOUSE}.action.{name}").ActionModule
    module = importlib.import_module(f"{HOUSE}.modules.{name}")
    spec = {**(RUN if issubclass(action, FleetAction) else {}), **action.argument_spec}
    assert documented(yaml.safe_load(module.DOCUMENTATION)["options"]) == spec


def test_there_are_such_modules() -> None:
    assert "fleet_plan" in STUBS
