# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The vocabulary as data, its JSON Schema, and the shipped configs/ that the schema describes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from ansible_collections.praxis.cloud.plugins.module_utils.agent import compiler, schema
from ansible_collections.praxis.cloud.plugins.module_utils.agent.values import KINDS
from ansible_collections.praxis.cloud.plugins.module_utils.agent.vocabulary import IGNORED, SETTINGS, Setting

CONFIGS = Path(__file__).parents[3] / "configs"
FILES = sorted(path.relative_to(CONFIGS).as_posix() for path in CONFIGS.rglob("*.yaml"))
EXPECTED_WARNINGS = {"examples/toolbox.yaml": ["execute-python-open-to-peers"]}


def load(name: str) -> Any:
    return yaml.safe_load((CONFIGS / name).read_text(encoding="utf-8"))


def compile_files(*names: str, deployment: str) -> compiler.Compiled:
    return compiler.compile_settings(
        [compiler.Layer(name, load(name)) for name in names],
        member="alpha",
        environment={},
        secret_names=["OPENAI_API_KEY"],
        api_port=8000,
        p2p_port=4001,
        deployment=deployment,
        behind_balancer=True,
    )


def test_every_setting_stands_once_and_is_well_formed() -> None:
    assert len({setting.path for setting in SETTINGS}) == len(SETTINGS)
    for setting in SETTINGS:
        assert setting.kind in KINDS, setting.path
        assert setting.default is None or KINDS[setting.kind].accepts(setting.default), setting.path
        assert setting.effect != IGNORED or setting.note, setting.path


def test_the_shipped_schema_is_current() -> None:
    text = json.dumps(schema.json_schema(), indent=2) + "\n"
    assert (CONFIGS / "agent.schema.json").read_text(encoding="utf-8") == text, (
        "configs/agent.schema.json is old: write json.dumps(schema.json_schema(), indent=2) to it"
    )


def test_the_schema_is_valid_and_knows_every_setting() -> None:
    found = schema.json_schema()
    jsonschema.Draft202012Validator.check_schema(found)
    for setting in SETTINGS:
        section, _dot, name = setting.path.rpartition(".")
        properties = found["properties"][section]["properties"] if section else found["properties"]
        assert properties[name].get("deprecated", False) == (setting.effect == IGNORED), setting.path


@pytest.mark.parametrize(
    "settings",
    [
        {"p2p": {"prot": 1}},
        {"nonsense": 1},
        {"p2p": {"port": 0}},
        {"logging": {"level": "LOUD"}},
        {"llm": {"timeout": "1h"}},
        {"mcp": {"servers": [{"name": "a"}]}},
    ],
)
def test_the_schema_rejects_what_the_compiler_rejects(settings: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(settings, schema.json_schema())


def test_the_files_are_those_of_the_design() -> None:
    assert set(FILES) >= {"agent_base.yaml", "agent_production.yaml", "agent_development.yaml"}
    assert len([name for name in FILES if name.startswith("examples/")]) == 2


@pytest.mark.parametrize("name", FILES)
def test_a_shipped_file_names_the_schema_and_matches_it(name: str) -> None:
    first = (CONFIGS / name).read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# yaml-language-server: $schema=")
    target = (CONFIGS / name).parent / first.rpartition("=")[2]
    assert target.resolve() == (CONFIGS / "agent.schema.json").resolve()
    jsonschema.validate(load(name), schema.json_schema())


@pytest.mark.parametrize("name", [name for name in FILES if name != "agent_base.yaml"])
@pytest.mark.parametrize("deployment", ["production", "development", "staging"])
def test_a_shipped_file_compiles_with_the_intended_warnings_alone(name: str, deployment: str) -> None:
    found = compile_files("agent_base.yaml", name, deployment=deployment)
    assert [finding.code for finding in found.findings] == EXPECTED_WARNINGS.get(name, [])
    assert not found.errors


def test_production_is_closed_and_not_called_production() -> None:
    found = compile_files("agent_base.yaml", "agent_production.yaml", deployment="production")
    assert found.environment["PRAXIS_ENVIRONMENT"] == "prod"
    assert found.environment["PRAXIS_API__CORS_ORIGINS"] == "[]"
    assert found.environment["PRAXIS_API__DOCS_ENABLED"] == "false"
    assert found.document["mcp"] == {"enabled": False}


def test_a_setting_knows_its_variable() -> None:
    assert Setting("p2p.port", "integer").spelt_variable == "PRAXIS_P2P__PORT"
    assert schema.BY_VARIABLE["PRAXIS_API__PORT"].path == "http.port"
