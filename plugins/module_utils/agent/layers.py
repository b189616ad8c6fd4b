# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Layers of settings: each checked on its own, then merged into one flat table that remembers where each stood."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Iterable, Iterator, Mapping, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.agent import logins
from ansible_collections.praxis.cloud.plugins.module_utils.agent.checks import (
    Report,
    check_value,
    is_reference,
    may_be_secret,
    placeholder,
    texts,
    unknown,
)
from ansible_collections.praxis.cloud.plugins.module_utils.agent.schema import BY_PATH, SECTIONS, TWINS
from ansible_collections.praxis.cloud.plugins.module_utils.agent.values import DEEPEST, plain, shown, too_deep, word
from ansible_collections.praxis.cloud.plugins.module_utils.agent.vocabulary import IGNORED, PLANNED, Setting

_ENDPOINTS = "PRAXIS_MCP__EXTERNAL_ENDPOINTS"


@dataclass(frozen=True)
class Layer:
    """One layer of settings.

    :param name: the file or variable it comes from; findings name it.
    :param settings: a mapping in the agent's YAML vocabulary.
    """

    name: str
    settings: Mapping[str, Any]


@dataclass
class Merged:
    """Valid settings of all layers, by dotted path, and the name of the layer each came from."""

    values: Dict[str, Any] = field(default_factory=dict)
    origin: Dict[str, str] = field(default_factory=dict)


def merge_layers(layers: Iterable[Layer], report: Report) -> Merged:
    """Merge ``layers``, lowest first: mappings deeply, anything else as a whole.

    What is invalid is reported and left out.
    """
    merged = Merged()
    for layer in layers:
        if too_deep(layer.settings):
            what = "The settings are nested more than %d levels deep, or contain themselves." % DEEPEST
            report.error("nested-too-deep", what, layer.name, "Flatten them: the agent's own have four levels.")
            continue
        settings = plain(layer.settings)
        if settings is not None and not isinstance(settings, dict):
            fix = "Write `section:` lines at the top level."
            report.error("wrong-type", "The settings are not a mapping.", layer.name, fix)
            continue
        for setting, value in _read(settings or {}, layer.name, report):
            twin = TWINS.get(setting.path, "")
            if merged.origin.get(twin) != layer.name:
                merged.values.pop(twin, None)
            merged.values[setting.path] = _combine(merged.values.get(setting.path), value)
            merged.origin[setting.path] = layer.name
    return merged


def _read(settings: Mapping[Any, Any], where: str, report: Report) -> Iterator[Tuple[Setting, Any]]:
    for name, value in settings.items():
        if name in BY_PATH and "." not in name:
            yield from _checked(BY_PATH[name], value, where, report)
        elif name not in SECTIONS:
            unknown(word(name), where, report)
        elif isinstance(value, dict):
            yield from _read_section(name, value, where, report)
        elif value is not None:
            what = "%s is a section, and its value is not a mapping." % name
            report.error("wrong-type", what, where, "Write its settings below it, as `name: value` lines.", name)


def _read_section(
    section: str, settings: Mapping[Any, Any], where: str, report: Report
) -> Iterator[Tuple[Setting, Any]]:
    for name, value in settings.items():
        path = "%s.%s" % (section, word(name))
        if path in BY_PATH:
            yield from _checked(BY_PATH[path], value, where, report)
        else:
            unknown(path, where, report)


def _checked(setting: Setting, value: Any, where: str, report: Report) -> Iterator[Tuple[Setting, Any]]:
    """Yield the setting and its value when it is worth merging."""
    path = setting.path
    if setting.effect == IGNORED:
        what = "%s has no effect." % path
        report.warning(setting.warning, what, where, "%s Leave it out." % setting.note, path)
    elif setting.effect == PLANNED:
        fix = "Leave it out: every member's list is computed from the inventory."
        report.error("bootstrap-is-planned", "%s is set by the plan." % path, where, fix, path)
    elif setting.secret and value is not None and not is_reference(value):
        fix = "Remove it here, and give %s in praxis_agent_secrets." % (setting.variable or setting.spelt_variable)
        report.error("secret-in-settings", "%s is a secret, and is in the settings." % path, where, fix, path)
    elif _has_inert_text(setting, value, where, report):
        return
    elif is_reference(value) or check_value(setting, value, path, where, report):
        _tell_logins(setting, value, where, report)
        yield setting, value


def _tell_logins(setting: Setting, value: Any, where: str, report: Report) -> None:
    """Report what should have been a secret, without it."""
    variable = setting.variable or setting.spelt_variable
    fix = "Give %s in praxis_agent_secrets%s." % (variable, "" if setting.kind in ("string", "url") else ", as JSON")
    if not may_be_secret(setting):
        fix = "Remove it here, and give the secret in praxis_agent_secrets, under its variable's name."
    if setting.kind == "endpoints":
        fix = "Name the endpoint in mcp.external_endpoints, and give that as a secret (%s)." % _ENDPOINTS
    for path in logins.places(value, setting.path):
        what = "%s seems to hold a login, and settings are kept in files and shown in plans." % path
        report.warning("secret-in-settings", what, where, fix, path)


def _has_inert_text(setting: Setting, value: Any, where: str, report: Report) -> bool:
    """Report text that looks like something to be filled in and would reach the agent as it stands."""
    path = setting.path
    for found in texts(value):
        if placeholder(found):
            fix = "Write the value itself; a secret goes to praxis_agent_secrets under its variable's name."
            what = "%s holds %s, and nothing replaces it by a value." % (path, placeholder(found))
            report.error("placeholder", what, where, fix, path, True)
            return False
        if is_reference(found) and not (found is value and may_be_secret(setting)):
            fix = "Write the value itself: the deployment needs this value, so it cannot be a secret."
            if setting.may_hold_logins:
                fix = "Store all of %s as the secret, as JSON, and write the reference in its place." % path
            what = "%s cannot be a secret, and its value is a reference to one." % path
            report.error("misplaced-reference", what, where, fix, path)
            return True
        if "{{resolve:" in found and not is_reference(found):
            fix = "Store the whole value as the secret, and write only the reference."
            report.error("misplaced-reference", "%s has a secret reference in other text." % path, where, fix, path)
            return True
        if "{{" in found and not is_reference(found):
            fix = (
                "Ansible does not template files in configs/: set this in praxis_agent_config, which it does template."
            )
            what = "%s holds %s, and nothing replaces it by a value." % (path, shown(found))
            report.warning("template-not-rendered", what, where, fix, path)
            return False
    return False


def _combine(below: Any, above: Any) -> Any:
    if isinstance(below, dict) and isinstance(above, dict):
        return {**below, **{key: _combine(below.get(key), value) for key, value in above.items()}}
    return above
