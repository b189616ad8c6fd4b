# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between two releases, for a reader: their manifests, line by line. Pure."""

from __future__ import annotations

import json
from typing import Any, Dict, Mapping, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.host import service_changes


def settings_diff(old: Mapping[str, Any], new: Mapping[str, Any]) -> Tuple[str, str]:
    """The lines that differ between two manifests, one ``path: value`` each. Secrets are there by version only."""
    before, after = manifest_lines(old), manifest_lines(new)
    paths = sorted(path for path in set(before) | set(after) if before.get(path) != after.get(path))
    return (
        "".join("%s: %s\n" % (path, before[path]) for path in paths if path in before),
        "".join("%s: %s\n" % (path, after[path]) for path in paths if path in after),
    )


def manifest_lines(manifest: Mapping[str, Any]) -> Dict[str, str]:
    """``release``, each setting by its dotted path, ``secrets.NAME``, and the rest under its own name."""
    lines: Dict[str, str] = {}
    for name, value in manifest.items():
        if name == "id":
            lines["release"] = str(value)
        elif name in ("agent_part", "secret_parts"):
            continue
        elif name == "services":
            lines.update(flatten(service_changes.shown(value), name))
        elif name == "settings":
            lines.update(flatten(value))
        elif name == "secrets":
            lines.update({"secrets.%s" % secret: "version %s" % version for secret, version in value.items()})
        else:
            lines.update(flatten(value, name))
    return lines


def flatten(value: Any, path: str = "") -> Dict[str, str]:
    """A nested value as ``dotted.path`` -> JSON; a list that holds no containers is one value."""
    if isinstance(value, Mapping) and value:
        lines: Dict[str, str] = {}
        for key, below in value.items():
            lines.update(flatten(below, "%s.%s" % (path, key) if path else str(key)))
        return lines
    if isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value):
        lines = {}
        for index, item in enumerate(value):
            lines.update(flatten(item, "%s[%d]" % (path, index)))
        return lines
    return {path: json.dumps(value, sort_keys=True)} if path else {}
