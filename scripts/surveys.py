# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes awx/surveys.yml, out of meta/argument_specs.yml: .venv/bin/python scripts/surveys.py"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict

import yaml

from ansible_collections.praxis.cloud.plugins.module_utils.awx.survey import survey
from ansible_collections.praxis.cloud.plugins.plugin_utils.variable_types import LOCK_OPTIONS, RUN_OPTIONS

CHECKOUT = Path(__file__).resolve().parents[1]
TARGET = CHECKOUT / "awx" / "surveys.yml"
HEAD = """\
---
# The surveys, by playbook. Made of meta/argument_specs.yml by scripts/surveys.py: edit that file, and run the script.
"""


class _Dumper(yaml.SafeDumper):
    """Lists as yamllint wants them, and no anchors."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


def surveys() -> Dict[str, Any]:
    """By playbook; one that is asked for nothing has none."""
    specs = yaml.safe_load((CHECKOUT / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]
    rows = (*RUN_OPTIONS.values(), *LOCK_OPTIONS.values())
    limits = {variable: (least, most) for variable, least, most, _default in rows}
    found = {name: survey(entry, limits) for name, entry in specs.items()}
    return {name: made for name, made in found.items() if made}


def text() -> str:
    """The file, as it has to be."""
    return HEAD + yaml.dump({"awx_surveys": surveys()}, Dumper=_Dumper, sort_keys=False, width=140)


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
