# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects as files: one an object, and a Kustomize base of all of them. The same objects give the same bytes."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Mapping, Sequence

#: The first line of every file: what has it is ours to change and to remove.
MARK = "# Written by praxis.cloud; render.yml writes it anew.\n"
INDEX = "kustomization.yaml"
# YAML has several versions, and readers of each: 1e3 is a number to one and a text to another. What is not plainly a
# text to all of them is quoted.
_PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9/._-]*[A-Za-z0-9]")
_WORDS = re.compile(r"(?i)y|n|yes|no|on|off|true|false|null|nan|inf")


def files(objects: Sequence[Mapping[str, Any]]) -> Dict[str, str]:
    """File name -> text."""
    found = {"%s-%s.yaml" % (each["kind"].lower(), each["metadata"]["name"]): _file(each) for each in objects}
    index = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": list(found)}
    return {**found, INDEX: _file(index)}


def listed(index: str) -> List[str]:
    """The files that a Kustomize base of ours names; nothing when it is not ours."""
    if not index.startswith(MARK):
        return []
    return re.findall(r"^ *- ([a-z0-9][a-z0-9.-]*\.yaml)$", index, re.MULTILINE)


def is_ours(_name: str, content: str, _listed: Sequence[str]) -> bool:
    """Whether this collection has written a file: it says so itself."""
    return content.startswith(MARK)


def _file(value: Mapping[str, Any]) -> str:
    return MARK + "---\n" + text(value)


def text(value: Mapping[str, Any]) -> str:
    """An object as YAML."""
    # Imported here: the module must be importable where PyYAML is not installed.
    import yaml

    class Dumper(yaml.SafeDumper):
        """No aliases, and every text such that all readers take it for one."""

        def ignore_aliases(self, data: Any) -> bool:
            return True

    def written(dumper: Any, one: str) -> Any:
        if _is_block(one):
            return dumper.represent_scalar("tag:yaml.org,2002:str", one, style="|")
        plain = _PLAIN.fullmatch(one) and not _WORDS.fullmatch(one)
        return dumper.represent_scalar("tag:yaml.org,2002:str", one, style=None if plain else '"')

    Dumper.add_representer(str, written)
    body: str = yaml.dump(
        dict(value), Dumper=Dumper, sort_keys=False, default_flow_style=False, allow_unicode=False, width=4096
    )
    return body


def _is_block(text: str) -> bool:
    """Whether a text can stand line by line: nothing in it that a reader would drop or change."""
    lines = text.split("\n")
    plain = all(line.isascii() and line.isprintable() and not line.endswith(" ") for line in lines)
    return plain and len(lines) > 1 and not text.startswith("\n")
