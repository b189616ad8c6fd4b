# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Molecule's scenarios, read: which there are, and that none repeats what all share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
MOLECULE = CHECKOUT / "extensions" / "molecule"
SCENARIOS = sorted(path.parent for path in MOLECULE.glob("*/molecule.yml"))
CONFIG = yaml.safe_load((MOLECULE / "config.yml").read_text(encoding="utf-8"))


def settings(scenario: Path) -> dict[str, Any]:
    return yaml.safe_load((scenario / "molecule.yml").read_text(encoding="utf-8")) or {}


def test_there_is_one_for_a_whole_deployment_and_the_others_are_roles() -> None:
    roles = {path.name for path in (CHECKOUT / "roles").iterdir()}
    names = {scenario.name for scenario in SCENARIOS}
    assert "default" in names and names <= roles | {"default"}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_scenario_has_what_its_sequence_needs(scenario: Path) -> None:
    playbooks = {**CONFIG["ansible"]["playbooks"], **settings(scenario).get("ansible", {}).get("playbooks", {})}
    named = {"converge": "converge.yml", "verify": "verify.yml", **playbooks}
    assert {"create", "prepare", "converge", "side_effect", "verify", "destroy"} == set(named)
    for playbook in named.values():
        assert yaml.safe_load((scenario / playbook).read_text(encoding="utf-8"))


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_scenario_shares_creation_and_removal(scenario: Path) -> None:
    assert not {"create.yml", "destroy.yml"} & {path.name for path in scenario.iterdir()}
    assert "scenario" not in settings(scenario) and "driver" not in settings(scenario)
