# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look-ups in the agent's vocabulary, and the JSON Schema that editors use."""

from __future__ import annotations

from typing import Any, Dict

from ansible_collections.praxis.cloud.plugins.module_utils.agent.values import KINDS
from ansible_collections.praxis.cloud.plugins.module_utils.agent.vocabulary import (
    ENVIRONMENT,
    IGNORED,
    PLANNED,
    SETTINGS,
    YAML,
    Setting,
)

BY_PATH: Dict[str, Setting] = {setting.path: setting for setting in SETTINGS}
SECTIONS = frozenset(setting.path.split(".")[0] for setting in SETTINGS if "." in setting.path)

# Which setting an environment variable gives a value to, where the agent reads the variable.
BY_VARIABLE: Dict[str, Setting] = {
    **{setting.spelt_variable: setting for setting in SETTINGS if not setting.variable},
    **{setting.variable: setting for setting in SETTINGS if setting.variable},
}
# Settings that become one variable: the one in the later layer counts.
TWINS: Dict[str, str] = {"api.cors_origins": "http.cors_origins", "http.cors_origins": "api.cors_origins"}
# Variables that are no setting: True when the value is a secret.
OTHER_VARIABLES: Dict[str, bool] = {
    "PRAXIS_MASTER_KEY": True,
    "PRAXIS_STORAGE_MASTER_KEY": True,
    "PRAXIS_SHARED_PATH": False,
}
# Variables of the agent's own examples that change nothing.
IGNORED_VARIABLES = frozenset(("HTTP_PORT", "AGENT_NAME", "CONFIG_FILE", "NOISE_KEY", "API_KEY"))
SECRET_VARIABLES = frozenset(("NOISE_KEY", "API_KEY")).union(
    (setting.variable or setting.spelt_variable for setting in SETTINGS if setting.secret),
    (name for name, secret in OTHER_VARIABLES.items() if secret),
)


def _describe(setting: Setting) -> str:
    place = {
        YAML: "",
        ENVIRONMENT: "Takes effect as %s." % (setting.variable or setting.spelt_variable),
        IGNORED: "Ignored by the agent.",
        PLANNED: "",
    }[setting.effect]
    return " ".join(part for part in (setting.note, place) if part)


def _json(setting: Setting) -> Dict[str, Any]:
    schema: Dict[str, Any] = dict(KINDS[setting.kind].json)
    if setting.fields:
        fields = _json_object({field.path: _json(field) for field in setting.fields})
        fields["required"] = [field.path for field in setting.fields if field.required]
        schema.update(fields if setting.kind == "mapping" else {"items": fields})
    if setting.choices:
        schema["enum"] = [word for choice in setting.choices for word in (choice, choice.lower())]
    bounds = {key: getattr(setting, key) for key in ("minimum", "maximum") if getattr(setting, key) is not None}
    if setting.kind == "integers":
        schema["items"] = {**schema["items"], **bounds}
    else:
        schema.update(bounds)
    if setting.may_hold_logins:  # a reference may stand in its place
        schema["type"] = [schema["type"], "string"]
    if setting.nullable and "type" in schema:
        schema["type"] = [schema["type"], "null"]
    if setting.default is not None:
        schema["default"] = setting.default
    if _describe(setting):
        schema["description"] = _describe(setting)
    if setting.effect == IGNORED:
        schema["deprecated"] = True
    return schema


def _json_object(properties: Dict[str, Any]) -> Dict[str, Any]:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def json_schema() -> Dict[str, Any]:
    """A JSON Schema (draft 2020-12) of one layer of settings; ``configs/agent.schema.json`` is its text."""
    properties: Dict[str, Any] = {}
    for setting in SETTINGS:
        section, _dot, name = setting.path.rpartition(".")
        if section:
            holder = properties.setdefault(section, dict(_json_object({}), type=["object", "null"]))
            holder["properties"][name] = _json(setting)
        else:
            properties[name] = _json(setting)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Settings of a Praxis agent, one layer",
        **_json_object(properties),
    }
