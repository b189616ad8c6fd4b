# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of a settings file as plain values. A key that stands twice in a mapping is an error, as YAML has it."""

from __future__ import annotations

from typing import Any, Dict, Tuple

import yaml

_MERGE = "tag:yaml.org,2002:merge"


class Loader(yaml.SafeLoader):
    """PyYAML's own takes the last of equal keys, and says nothing."""

    def compose_mapping_node(self, anchor: Any) -> Any:
        """Looked at here, because later a mapping has the keys of others too, merged into it by ``<<``."""
        node = super().compose_mapping_node(anchor)
        keys: Dict[Tuple[str, str], Any] = {}
        for key in (key for key, _value in node.value if isinstance(key, yaml.ScalarNode) and key.tag != _MERGE):
            first = keys.setdefault((key.tag, key.value), key)
            if first is not key:
                lines = (_line(first), _line(key))
                raise yaml.YAMLError("%r stands in line %d, and in line %d again" % (key.value, *lines))
        return node


def _line(node: Any) -> int:
    return int(node.start_mark.line) + 1
