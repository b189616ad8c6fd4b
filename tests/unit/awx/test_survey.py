# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Surveys are what the playbooks' argument specs say, and argument specs what the playbooks read."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.praxis.cloud.plugins.module_utils.awx.survey import passwords, survey
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import remedies
from ansible_collections.praxis.cloud.plugins.plugin_utils import fleet_variables, variable_types
from scripts import surveys
from tests.awx.rules import wrong_survey

CHECKOUT = Path(__file__).resolve().parents[3]
SPECS = yaml.safe_load((CHECKOUT / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]
OPTIONS = [(book, name, option) for book, spec in SPECS.items() for name, option in spec["options"].items()]
each_option = pytest.mark.parametrize(
    ("book", "name", "option"), [pytest.param(*row, id=f"{row[0]}-{row[1]}") for row in OPTIONS]
)


def asked(**option: Any) -> dict[str, Any]:
    """The question for an option."""
    entry = {"short_description": "A title", "options": {"x": {"description": ["What?", "More of C(it)."], **option}}}
    made = survey(entry, {"x": (1, 9)})
    assert wrong_survey(made) == ""
    return made["spec"][0]


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ({}, {"type": "text", "min": 0, "max": 1024}),
        ({"type": "path", "required": True}, {"type": "text", "min": 1, "max": 1024}),
        ({"type": "str", "default": ""}, {"type": "text", "default": "", "min": 0, "max": 1024}),
        ({"type": "json"}, {"type": "textarea", "min": 0, "max": 32768}),
        ({"type": "str", "no_log": True, "required": True}, {"type": "password", "min": 1, "max": 1024}),
        ({"type": "int", "default": 3}, {"type": "integer", "default": 3, "min": 1, "max": 9}),
        ({"type": "float", "default": 0.5}, {"type": "float", "default": 0.5}),
        ({"type": "bool", "default": False},
         {"type": "multiplechoice", "choices": ["true", "false"], "default": "false"}),
        ({"choices": ["a", "b"], "default": "b"}, {"type": "multiplechoice", "choices": ["a", "b"], "default": "b"}),
        ({"type": "int", "choices": [1, 2]}, {"type": "multiplechoice", "choices": ["1", "2"]}),
        ({"type": "list", "choices": ["a", "b"], "default": ["a", "b"]},
         {"type": "multiselect", "choices": ["a", "b"], "default": "a\nb"}),
    ],
)  # fmt: skip
def test_a_question_is_of_the_kind_of_its_option(option: dict[str, Any], expected: dict[str, Any]) -> None:
    found = asked(**option)
    common = {"variable": "x", "question_name": "What?", "question_description": "More of it."}
    assert found == {**common, "required": option.get("required", False), **expected}


@pytest.mark.parametrize(
    ("option", "why"),
    [
        ({"type": "dict"}, "no question for the type dict"),
        ({"type": "list"}, "no question for the type list"),
        ({"no_log": True, "default": "a"}, "a secret has no default"),
        ({"no_log": True, "type": "int"}, "a secret is asked for as one line"),
        ({"no_log": True, "choices": ["a"]}, "a secret is asked for as one line"),
        ({"description": []}, "there is no question to ask"),
    ],
)
def test_what_cannot_be_asked_is_refused(option: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        asked(**option)


def test_an_entry_point_without_options_has_no_survey() -> None:
    assert survey({"short_description": "A title", "options": {}}) == {}


def test_the_surveys_are_made_of_the_argument_specs() -> None:
    written = surveys.TARGET.read_text(encoding="utf-8")
    assert written == surveys.text(), "run .venv/bin/python scripts/surveys.py"


def test_awx_takes_the_surveys() -> None:
    for name, made in surveys.surveys().items():
        assert wrong_survey(made) == "", name


def read_by(book: str) -> str:
    """The text of a playbook, and of all that it brings in."""
    seen: dict[Path, str] = {}
    todo = [CHECKOUT / "playbooks" / f"{book}.yml"]
    while todo:
        path = todo.pop().resolve()
        if path not in seen:
            seen[path] = path.read_text(encoding="utf-8")
            brought = re.findall(r"(?:import_playbook|import_tasks|include_tasks): (\S+\.yml)", seen[path])
            todo += [path.parent / name for name in brought]
    return "\n".join(seen.values())


@each_option
def test_a_playbook_reads_every_variable_of_its_argument_spec(book: str, name: str, option: dict[str, Any]) -> None:
    fields = {f"praxis_{item.name}" for item in dataclasses.fields(fleet_variables.MemberVariables)}
    planned = "praxis.cloud.fleet_plan" in read_by(book) and name in fields | set(variable_types.RUN_VARIABLES.values())
    assert planned or re.search(rf"\b{name}\b", read_by(book))


@each_option
def test_an_option_is_what_the_code_takes(book: str, name: str, option: dict[str, Any]) -> None:
    """Type, limits and default: those of the code, where it has them."""
    for item in dataclasses.fields(fleet_variables.MemberVariables):
        if name == f"praxis_{item.name}":
            assert option["type"] == str(item.type)
            assert option.get("required", False) is (item.name in fleet_variables.NEEDED)
    text = read_by(book)
    for default in re.findall(rf"{name}(?: \| default\(|', default=)(true|false|'')\)", text):
        given = yaml.safe_load(default)
        assert option.get("required") or option["default"] == given
        assert (option["type"] == "bool") is isinstance(given, bool)


def test_the_doctor_is_asked_to_fix_what_it_can() -> None:
    assert tuple(SPECS["doctor"]["options"]["praxis_doctor_fix"]["choices"]) == remedies.FIXABLE


def test_only_what_belongs_to_one_run_is_asked() -> None:
    """An answer comes before what the inventory says; a default that nobody chose would, too."""
    kept = {*variable_types.RUN_OPTIONS, *variable_types.RUN_WORDS}
    numbers = {variable_types.RUN_VARIABLES[option] for option in kept}
    assert {name for _book, name, _option in OPTIONS} & numbers == set()


def test_what_a_survey_keeps_secret_becomes_no_artifact() -> None:
    """A job's artifacts are what its playbook gives to set_stats."""
    secret = {name for made in surveys.surveys().values() for name in passwords(made)}
    # What a type of credential hands over, and what a survey of a user's own may.
    secret |= {"praxis_registries", "praxis_agent_secrets"}
    for book in (CHECKOUT / "playbooks").rglob("*.yml"):
        for stats in stats_of(yaml.safe_load(book.read_text(encoding="utf-8"))):
            assert not [name for name in secret if name in json.dumps(stats)], book.name


def stats_of(value: Any) -> list[Any]:
    if isinstance(value, list):
        return [each for item in value for each in stats_of(item)]
    if isinstance(value, dict):
        inner = [each for item in value.values() for each in stats_of(item)]
        return [value["ansible.builtin.set_stats"], *inner] if "ansible.builtin.set_stats" in value else inner
    return []
