# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A misspelt variable is named: Ansible itself ignores it without a word."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from ansible_collections.praxis.cloud.plugins.plugin_utils import variable_types
from ansible_collections.praxis.cloud.plugins.plugin_utils.fleet_variables import MemberVariables
from ansible_collections.praxis.cloud.plugins.plugin_utils.variable_names import OWN, SETTABLE, misspelt

CHECKOUT = Path(__file__).resolve().parents[3]
#: Words of the tree with this prefix that name no variable.
NO_VARIABLES = {"agent", "praxis_agent", "praxis_oidc"}


def words(*patterns: str) -> set[str]:
    """What follows ``praxis_`` in these files."""
    text = "\n".join(path.read_text(encoding="utf-8") for pattern in patterns for path in CHECKOUT.glob(pattern))
    return set(re.findall(r"\bpraxis_([a-z0-9_]*[a-z0-9])\b", text))


@pytest.mark.parametrize(("written", "meant"), [
    ("praxis_bacth", "praxis_batch"),
    ("praxis_min_availabel", "praxis_min_available"),
    ("praxis_agent_secret", "praxis_agent_secrets"),
    ("praxis_enviroment", "praxis_environment"),
    ("praxis_instance_typ", "praxis_instance_type"),
    ("praxis_apiport", "praxis_api_port"),
    ("praxis_keep_release", "praxis_keep_releases"),
    ("praxis_max_unreacheable", "praxis_max_unreachable"),
])  # fmt: skip
def test_the_nearest_name_is_said(written: str, meant: str) -> None:
    (found,) = misspelt([written, meant, "ansible_host"])
    assert (found.code, found.level) == ("misspelt-variable", "warning")
    assert written in found.what
    assert f"Did you mean {meant}?" in found.fix


@pytest.mark.parametrize("own", ["praxis_team", "praxis_cost_centre", "praxis_", "praxisbatch", "my_praxis_batch"])
def test_a_variable_of_the_user_s_own_is_none_of_our_business(own: str) -> None:
    assert misspelt([own]) == []


def test_nothing_of_the_collection_s_own_is_reported() -> None:
    everything = words("playbooks/**/*.yml", "roles/**/*.yml", "inventories/**/*.yml", "plugins/**/*.py", "awx/*.yml",
                       "examples/**/*.yml")  # fmt: skip
    assert not everything - NO_VARIABLES - SETTABLE - OWN


def test_every_variable_of_the_documentation_may_be_set() -> None:
    documented = re.findall(r"^\| `praxis_(\w+)`", (CHECKOUT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    read = {item.name for item in dataclasses.fields(MemberVariables)}
    typed = read - {"name", "cloud", "instance_id", "data_volume"}
    of_a_run = {name.removeprefix("praxis_") for name in variable_types.RUN_VARIABLES.values()}
    of_locks = {name.removeprefix("praxis_") for name, *_limits in variable_types.LOCK_OPTIONS.values()}
    assert not {*documented, *typed, *of_a_run, *of_locks} - SETTABLE


def test_every_name_is_in_use() -> None:
    used = words("playbooks/**/*.yml", "roles/**/*.yml", "inventories/**/*.yml", "plugins/**/*.py", "awx/*.yml")
    fields = {item.name for item in dataclasses.fields(MemberVariables)}
    assert not (SETTABLE | OWN) - used - fields
    assert not SETTABLE & OWN
