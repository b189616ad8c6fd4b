# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX's API refuses of a survey, a type of credential, a schedule and a notification, whatever its clients allow.

Written after AWX's own documentation and code. Each function gives the first thing that is wrong, or an empty text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment

QUESTIONS = {"text": str, "textarea": str, "password": str, "multiplechoice": str, "multiselect": str,
             "integer": int, "float": (int, float)}  # fmt: skip
ENCRYPTED = "$encrypted$"
#: Variables of a job's environment that are AWX's own.
_BLOCKED = {"VIRTUAL_ENV", "PATH", "PYTHONPATH", "JOB_ID", "INVENTORY_ID", "INVENTORY_SOURCE_ID", "AD_HOC_COMMAND_ID",
            "REST_API_URL", "REST_API_TOKEN", "MAX_EVENT_RES", "CALLBACK_QUEUE", "CALLBACK_CONNECTION", "CACHE",
            "JOB_CALLBACK_DEBUG", "INVENTORY_HOSTVARS", "AWX_HOST", "PROJECT_REVISION"}  # fmt: skip
_FIELD = {"id", "label", "help_text", "type", "format", "secret", "multiline", "ask_at_runtime", "choices", "default"}
#: What a webhook is configured by: type, and whether there is a default.
_WEBHOOK = {"url": (str, False), "http_method": (str, True), "headers": (dict, False), "username": (str, True),
            "password": (str, True), "disable_ssl_verification": (bool, True)}  # fmt: skip


def wrong_survey(spec: Mapping[str, Any]) -> str:
    """``survey_spec`` of a template."""
    for name, kind in {"name": str, "description": str, "spec": list}.items():
        if name not in spec:
            return f"Field '{name}' is missing from survey spec."
        if not isinstance(spec[name], kind):
            return f"Expected {kind.__name__} for field '{name}'."
    if not spec["spec"]:
        return "'spec' doesn't contain any items."
    seen: set[str] = set()
    for number, item in enumerate(spec["spec"]):
        wrong = _wrong_question(item)
        if wrong or item["variable"] in seen:
            return f"Survey question {number}: {wrong or 'its variable is duplicated.'}"
        seen.add(item["variable"])
    return ""


def _wrong_question(item: Any) -> str:
    if not isinstance(item, dict):
        return "it is not a json object."
    for name, kind in {"type": str, "question_name": str, "variable": str, "required": bool}.items():
        if not isinstance(item.get(name), kind):
            return f"'{name}' expected to be {kind.__name__}."
    if item["type"] not in QUESTIONS:
        return f"'{item['type']}' is not one of the allowed question types."
    default = item.get("default", "")
    if default != "" and (not isinstance(default, QUESTIONS[item["type"]]) or isinstance(default, bool)):
        return f"Default value {default} expected to be {item['type']}."
    if str(default).startswith(ENCRYPTED):
        return "$encrypted$ is a reserved keyword."
    for name in ("min", "max"):
        if item.get(name) is not None and not isinstance(item[name], int):
            return f"The {name} limit expected to be integer."
    if item["type"] not in ("multiplechoice", "multiselect"):
        return ""
    if "choices" not in item:
        return "it must specify choices."
    choices = item["choices"].splitlines() if isinstance(item["choices"], str) else item["choices"]
    chosen = str(default).splitlines()
    if item["type"] == "multiplechoice" and len(chosen) > 1:
        return "Multiple Choice (Single Select) can only have one default value."
    return "" if set(chosen) <= set(choices) else "Default choice must be answered from the choices listed."


def wrong_credential_type(kind: Any, inputs: Mapping[str, Any], injectors: Mapping[str, Any]) -> str:
    """A custom type of credential: its fields, and what a job is given of them."""
    if kind not in ("cloud", "net"):
        return f"Must be 'cloud' or 'net', not {kind}"
    fields = inputs.get("fields", [])
    if set(inputs) - {"fields", "required", "metadata", "dependencies"} or not isinstance(fields, list):
        return "Schema validation of the inputs failed."
    names = [field.get("id") for field in fields]
    for field in fields:
        if set(field) - _FIELD or not {"id", "label"} <= set(field):
            return f"Schema validation of the field {field.get('id')} failed."
        if not re.fullmatch("[a-zA-Z_]+[a-zA-Z0-9_]*", field["id"]) or field["id"] == "tower":
            return f"{field['id']} is an invalid or reserved name."
        if field.get("type", "string") not in ("string", "boolean") or "multiline" in field and "choices" in field:
            return f"The field {field['id']} has no such type."
    if len(set(names)) < len(names):
        return "Field IDs must be unique."
    if set(inputs.get("required", [])) - set(names):
        return "A required field is none of the fields."
    return _wrong_injectors(injectors, [str(name) for name in names])


def _wrong_injectors(injectors: Mapping[str, Any], names: list[str]) -> str:
    if set(injectors) - {"file", "env", "extra_vars"}:
        return "Additional properties are not allowed in injectors."
    files = injectors.get("file", {})
    for name in files:
        if not re.fullmatch(r"template(\.[a-zA-Z_]+[a-zA-Z0-9_]*)?", name):
            return f"{name} is no name of a file's template."
    if "template" in files and len(files) > 1:
        return "Must use multi-file syntax when injecting multiple files."
    for name in injectors.get("env", {}):
        if name.startswith("ANSIBLE_") or name in _BLOCKED:
            return f"Environment variable {name} is not allowed to be used in credentials."
        if not re.fullmatch("[a-zA-Z_]+[a-zA-Z0-9_]*", name):
            return f"{name} is no name of an environment variable."
    labels = {name.partition(".")[2] for name in files}
    tower = {"filename": "file" if files and "" in labels else dict.fromkeys(labels, "file")} if files else {}
    environment = SandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
    for text in _texts(injectors):
        try:
            environment.from_string(text).render(tower=tower, **dict.fromkeys(names, "EXAMPLE"))
        except TemplateError as error:
            return f"{text} uses an undefined field ({error})"
    return ""


def _texts(value: Any) -> Iterator[str]:
    """All templates of injectors; anything that is none of the things that may be there is one that cannot be."""
    if isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    else:
        yield value if isinstance(value, str) else "{{ this_is_no_text }}"


def wrong_inputs(fields: list[dict[str, Any]], inputs: Mapping[str, Any]) -> str:
    """What is filled in for the fields of a type."""
    known = {field["id"]: bool if field.get("type") == "boolean" else str for field in fields}
    for name, value in inputs.items():
        if name not in known:
            return f"Additional properties are not allowed ('{name}' was unexpected)"
        if not isinstance(value, known[name]):
            return f"{name} is not of type {known[name].__name__}"
    return ""


def wrong_rule(rule: str) -> str:
    """When a schedule runs."""
    starts = re.findall(r"DTSTART(?:;[^:]+)?:[0-9]+T[0-9]+Z?", rule)
    if not starts:
        return "Valid DTSTART required in rrule. Value should start with: DTSTART:YYYYMMDDTHHMMSSZ"
    if re.search(r"DTSTART:[0-9]+T[0-9]+ ", rule):
        return "DTSTART cannot be a naive datetime."
    if len(starts) > 1:
        return "Multiple DTSTART is not supported."
    if re.search("(EX|R)DATE:", rule):
        return "EXDATE and RDATE are not allowed in rrule."
    parts = re.findall(r"RRULE:(\S*)", rule)
    if not parts:
        return "One or more rule required in rrule."
    for part in parts:
        if "INTERVAL" not in part:
            return f"INTERVAL required in rrule: {part}"
        if "SECONDLY" in part or re.search("BYDAY=[0-9]", part) or ("COUNT" in part and "UNTIL" in part):
            return f"not supported: {part}"
        if not re.match("FREQ=(YEARLY|MONTHLY|WEEKLY|DAILY|HOURLY|MINUTELY);", part):
            return f"rrule parsing failed validation: {part}"
    return ""


def wrong_notification(kind: str, configuration: Mapping[str, Any]) -> str:
    """How a notification is sent. Of its kinds the fake knows the one that is used."""
    if kind != "webhook":
        return f"This fake of AWX knows no notification of the type {kind}."
    missing = [name for name, (_type, optional) in _WEBHOOK.items() if not optional and name not in configuration]
    if missing:
        return f"Missing required fields for Notification Configuration: {missing}."
    for name, value in configuration.items():
        if name not in _WEBHOOK or not isinstance(value, _WEBHOOK[name][0]):
            return f"Configuration field '{name}' incorrect type."
    return ""
