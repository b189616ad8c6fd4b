# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of docs/releases.md: each row names a test that is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\| .* \| `(test_\w+)`(?: \((test_\w+)\))? \|$", re.MULTILINE)


def test_each_row_names_a_test_that_is_there() -> None:
    text = (ROOT / "docs/releases.md").read_text(encoding="utf-8")
    table = text.partition("| moment | failure |")[2].split("\n\n")[0]
    rows = ROW.findall(table)
    assert len(rows) == len(table.splitlines()) - 2
    for name, file in rows:
        files = (ROOT / "tests/integration").glob(f"{file or 'test_releases*'}.py")
        assert any(f"def {name}(" in path.read_text(encoding="utf-8") for path in files), name
