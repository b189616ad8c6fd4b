# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Layers of settings: each checked on its own, then merged into one flat table that remembers where each stood."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.agent.schema import BY_PATH, SECTIONS, TWINS
from ansible_collections.praxis.cloud.plugins.module_utils.agent.values import KINDS, out_of_range, plain
from ansible_collections.praxis.cloud.plugins.module_utils.agent.vocabulary import IGNORED, PLANNED, Setting
from ansible_collections.praxis.cloud.plugins.module_utils.finding import ERROR, WARNING, Finding

_VARIABLE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*(:?[-?+][^}]*)?\}")
_REFERENCE_STARTS = ("aws-sm://", "gcp-sm://", "{{resolve:")


@dataclass(frozen=True)
class Layer:
    """One layer of settings.

    :param name: the file or variable it comes from; findings name it.
    :param settings: a mapping in the agent's YAML vocabulary.
    """

    name: str
    settings: Mapping[str, Any]


class Report:
    """Collects findings. With ``strict`` off, an error that an agent survives becomes a warning."""

    def __init__(self, strict: bool = True) -> None:
        self._strict = strict
        self.findings: List[Finding] = []

    def error(self, code: str, what: str, where: str, fix: str, path: str = "", survivable: bool = False) -> None:
        """Add an error; ``survivable``: the agent would start and serve all the same."""
        level = WARNING if survivable and not self._strict else ERROR
        self.findings.append(Finding(code, what, where, fix, level, path))

    def warning(self, code: str, what: str, where: str, fix: str, path: str = "") -> None:
        """Add a warning."""
        self.findings.append(Finding(code, what, where, fix, WARNING, path))


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


def is_reference(value: Any) -> bool:
    """Whether a value is a pointer to a secret. The secrets' own grammar says later whether it is a well-formed one."""
    return isinstance(value, str) and value.startswith(_REFERENCE_STARTS)


def nearest(name: str, known: Iterable[str]) -> Optional[str]:
    """The known name most like ``name``, or None."""
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return found[0] if found else None


def _read(settings: Mapping[Any, Any], where: str, report: Report) -> Iterator[Tuple[Setting, Any]]:
    for name, value in settings.items():
        if name in BY_PATH and "." not in name:
            yield from _checked(BY_PATH[name], value, where, report)
        elif name not in SECTIONS:
            _unknown(str(name), where, report)
        elif isinstance(value, dict):
            yield from _read_section(name, value, where, report)
        elif value is not None:
            what = "%s is a section and holds a mapping." % name
            report.error("wrong-type", what, where, "Write its settings below it.", name)


def _read_section(
    section: str, settings: Mapping[Any, Any], where: str, report: Report
) -> Iterator[Tuple[Setting, Any]]:
    for name, value in settings.items():
        path = "%s.%s" % (section, name)
        if path in BY_PATH:
            yield from _checked(BY_PATH[path], value, where, report)
        else:
            _unknown(path, where, report)


def _checked(setting: Setting, value: Any, where: str, report: Report) -> Iterator[Tuple[Setting, Any]]:
    """Yield the setting and its value when it is worth merging."""
    path = setting.path
    if setting.effect == IGNORED:
        what = "%s has no effect." % path
        report.warning(setting.warning, what, where, "%s Leave it out." % setting.note, path)
    elif setting.effect == PLANNED:
        fix = "Leave it out: every member's list is computed from the inventory."
        report.error("bootstrap-is-planned", "%s is written by the plan." % path, where, fix, path)
    elif setting.secret and value is not None and not is_reference(value):
        fix = "Leave it out, and give %s in praxis_agent_secrets." % (setting.variable or setting.spelt_variable)
        report.error("secret-in-settings", "%s is a secret and stands in the settings." % path, where, fix, path)
    elif _has_inert_text(setting, value, where, report) or not check_value(setting, value, path, where, report):
        return
    else:
        yield setting, value


def check_value(setting: Setting, value: Any, path: str, where: str, report: Report) -> bool:
    """Report a value of the wrong type, outside its bounds or not among its choices; True when it is right."""
    kind = KINDS[setting.kind]
    if value is None and setting.nullable:
        return True
    if not kind.accepts(value):
        what = "%s must be %s, and is %s." % (path, kind.words, "hidden" if setting.secret else _shown(value))
        report.error("wrong-type", what, where, "Write %s." % kind.words, path)
        return False
    if setting.choices and value.upper() not in setting.choices:
        near = nearest(value.upper(), setting.choices)
        fix = ("Did you mean %s? " % near if near else "") + "It is one of %s." % ", ".join(setting.choices)
        report.error("not-a-choice", "%s is %s." % (path, _shown(value)), where, fix, path)
        return False
    if setting.kind in ("integer", "number") and out_of_range(value, setting.minimum, setting.maximum):
        fix = "Write a number %s." % _bounds(setting)
        report.error("out-of-range", "%s is %s." % (path, _shown(value)), where, fix, path)
        return False
    if not setting.fields:
        return True
    # A list, not a generator: every item's faults are reported, not only the first item's.
    checked = [_check_item(setting, item, "%s[%d]" % (path, at), where, report) for at, item in enumerate(value)]
    return all(checked)


def _check_item(setting: Setting, item: Mapping[str, Any], path: str, where: str, report: Report) -> bool:
    fields = {known.path: known for known in setting.fields}
    good = True
    for name in [known.path for known in setting.fields if known.required and known.path not in item]:
        fix = "Add it: the agent does not start without it."
        report.error("missing-setting", "%s has no %s." % (path, name), where, fix, path)
        good = False
    for name, value in item.items():
        if name in fields:
            good = check_value(fields[name], value, "%s.%s" % (path, name), where, report) and good
        else:
            _unknown("%s.%s" % (path, name), where, report, ["%s.%s" % (path, known) for known in fields])
    return good


def _has_inert_text(setting: Setting, value: Any, where: str, report: Report) -> bool:
    """Report text that looks like something to be filled in and would reach the agent as it stands."""
    path = setting.path
    for found in _texts(value):
        if _VARIABLE.search(found):
            fix = "Write the value itself; a secret goes to praxis_agent_secrets under its variable's name."
            what = "%s holds %s, which nothing fills in." % (path, _shown(found))
            report.error("placeholder", what, where, fix, path, True)
            return False
        if is_reference(found) and setting.kind != "string":
            fix = "Only a text setting can be a secret; give this one another way."
            what = "%s is no text setting, and holds a secret reference." % path
            report.error("misplaced-reference", what, where, fix, path)
            return True
        if "{{resolve:" in found and not is_reference(found):
            fix = "Store the whole value as the secret, and write the reference alone."
            report.error("misplaced-reference", "%s has a secret reference within other text." % path, where, fix, path)
            return True
        if "{{" in found and not is_reference(found):
            fix = "Files in configs/ are plain text; set this in praxis_agent_config, which Ansible does template."
            what = "%s holds %s, which nothing fills in." % (path, _shown(found))
            report.warning("template-not-rendered", what, where, fix, path)
            return False
    return False


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def _unknown(path: str, where: str, report: Report, known: Iterable[str] = ()) -> None:
    near = nearest(path, list(known) or [*BY_PATH, *SECTIONS])
    fix = "Did you mean %s?" % near if near else "configs/agent.schema.json lists every setting."
    if path in BY_PATH:
        fix = "Write its parts as sections: `%s:` and below it `%s:`." % tuple(path.split(".", 1))
    report.error("unknown-setting", "%s is not a setting of the agent." % path, where, fix, path, True)


def _combine(below: Any, above: Any) -> Any:
    if isinstance(below, dict) and isinstance(above, dict):
        return {**below, **{key: _combine(below.get(key), value) for key, value in above.items()}}
    return above


def _bounds(setting: Setting) -> str:
    if setting.maximum is None:
        return "from %g up" % (setting.minimum or 0)
    return "from %g to %g" % (setting.minimum or 0, setting.maximum)


def _shown(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."
