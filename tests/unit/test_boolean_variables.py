# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Booleans and numbers of the user's that arrive as text: `-e NAME=false` gives the text `false`, which Jinja takes for
true, and a text that is no number is 0 by Jinja's `int`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleError
from ansible.module_utils.common.validation import check_type_int
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.filter import core
from ansible.template import Templar, trust_as_template

from ansible_collections.praxis.cloud.plugins.plugin_utils.variable_types import truth

COLLECTION = Path(__file__).resolve().parents[2]
SHIPPED = [path for folder in ("inventories", "roles", "playbooks", "examples")
           for path in sorted((COLLECTION / folder).rglob("*.yml"))]  # fmt: skip
SPECS = [*COLLECTION.glob("roles/*/meta/argument_specs.yml"), COLLECTION / "meta/argument_specs.yml"]
CONDITIONS = r"\b(?:if|not|and|or|when:) +\(?"


def options(specified: Any) -> Iterator[str]:
    """The options of an argument spec whose type is bool."""
    if isinstance(specified, dict):
        for name, one in specified.items():
            if isinstance(one, dict) and one.get("type") == "bool":
                yield name
            yield from options(one)


def booleans() -> set[str]:
    """The names of all: by the argument specs, and by the values of inventories and of roles' defaults."""
    values = [path for path in SHIPPED if path.parent.name in ("group_vars", "defaults")]
    given = [yaml.safe_load(path.read_text()) or {} for path in values]
    named = {name for path in SPECS for name in options(yaml.safe_load(path.read_text()))}
    return named | {name for each in given for name, value in each.items() if isinstance(value, bool)}


def test_a_condition_takes_a_boolean_of_the_user_s_as_one() -> None:
    names = booleans()
    assert {"praxis_balancer", "docker_hold", "praxis_force"} <= names
    bare = re.compile(rf"{CONDITIONS}(?:{'|'.join(sorted(names))})\b(?!\s*(?:\| *default\([^)]*\) *)?\| *bool)")
    found = [f"{path.relative_to(COLLECTION)}: {line.strip()}" for path in SHIPPED
             for line in path.read_text().splitlines() if bare.search(line.partition(" #")[0])]  # fmt: skip
    assert found == []


@pytest.mark.parametrize("cloud", ["aws", "gcp"])
@pytest.mark.parametrize(("given", "group"), [("false", ""), (False, ""), ("no", ""), ("true", "praxis-demo"),
                                              (True, "praxis-demo")])
def test_a_fleet_whose_load_balancer_is_turned_off_has_no_target_group(cloud: str, given: str | bool,
                                                                       group: str) -> None:
    shipped = yaml.safe_load((COLLECTION / f"inventories/{cloud}/group_vars/praxis_{cloud}.yml").read_text())
    known = {"praxis_fleet": "demo", "praxis_balancer": given}
    assert Templar(DataLoader(), variables=known).template(trust_as_template(shipped["praxis_target_group"])) == group


@pytest.mark.parametrize("given", [True, "true", "Yes", "ON", "1", 1, False, "FALSE", "no", "off", "0", 0, "y", "t",
                                   "enabled", "", " true", 2, 1.0])
def test_jinja_and_the_plan_read_the_same(monkeypatch: pytest.MonkeyPatch, given: Any) -> None:
    """A word that only Jinja takes for false would leave members in their load balancer, while their agents stop."""
    warned: list[Any] = []
    monkeypatch.setattr(core.display, "deprecated", lambda **said: warned.append(said))
    read = core.to_bool(given)
    assert truth(given) is (None if warned else read)


@pytest.mark.parametrize("given", [True, "true", "Yes", "ON", "1", 1, False, "FALSE", "no", "off", "0", 0, "", None,
                                   "enabled", "y", " true", 2])
def test_a_word_that_is_none_does_not_close_the_port_to_the_other_network(given: Any) -> None:
    """Whoever provisions again would remove the rules for its members, and the deployment refuses that word."""
    shipped: dict[str, Any] = yaml.safe_load((COLLECTION / "playbooks/vars/provision.yml").read_text())
    known = {name: trust_as_template(each) if isinstance(each, str) else each for name, each in shipped.items()}
    templar = Templar(DataLoader(), variables={**known, "_members": [1], "praxis_p2p_plaintext_across": given})
    meant = False if given in ("", None) else truth(given)
    if meant is None:
        with pytest.raises(AnsibleError, match="praxis_p2p_plaintext_across must be true or false"):
            templar.template(known["provision_members"])
    else:
        assert templar.template(known["provision_members"]) == ([1] if meant else [])


@pytest.mark.parametrize("cloud", ["aws", "gcp"])
@pytest.mark.parametrize("name", ["hosts", "deregistration_delay"])
@pytest.mark.parametrize(("given", "is_a_number"), [("7", True), ("", True), ("60s", False), ("three", False)])
def test_a_number_of_the_environment_that_is_none_is_left_to_be_refused(
    monkeypatch: pytest.MonkeyPatch, cloud: str, name: str, given: str, *, is_a_number: bool
) -> None:
    """A delay of 0 would cut the connections of every member that is drained."""
    monkeypatch.setenv(f"PRAXIS_{name.upper()}", given)
    monkeypatch.delenv(f"PRAXIS_HOSTS_{cloud.upper()}", raising=False)
    shipped = yaml.safe_load((COLLECTION / f"inventories/{cloud}/group_vars/praxis_{cloud}.yml").read_text())
    read = Templar(DataLoader(), variables={}).template(trust_as_template(shipped[f"praxis_{name}"]))
    if is_a_number:
        assert check_type_int(read) == int(given or {"hosts": 3, "deregistration_delay": 60}[name])
    else:
        with pytest.raises(TypeError):
            check_type_int(read)
