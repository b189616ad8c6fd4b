# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every command of the documentation, run as tests/documented.py says: a stranger's way from nothing and back.

It goes in a copy of the checkout with a sandbox of its own. tests/unit/test_documented.py finds commands without a row.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests import tiers
from tests.documented import ROWS, Row

from .conftest import SHOWN
from .stranger import Stranger

WHERE = """
from ansible.plugins.loader import init_plugin_loader, module_loader
init_plugin_loader()
print(module_loader.find_plugin("praxis.cloud.agent_info"))
"""


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stranger]:
    made = Stranger(tmp_path_factory.mktemp("stranger"))
    try:
        yield made
    finally:
        made.leave()


@pytest.mark.parametrize("row", tiers.rows(ROWS), ids=lambda row: row.command)
def test_a_documented_command(stranger: Stranger, row: Row) -> None:
    if row.command not in (*BEFORE_UP, UP.command) and stranger.type(UP).code:
        pytest.fail("`make up` failed, and this needs what it makes")
    typed = stranger.type(row)
    assert typed.code == row.code, f"{row.typed}: return code {typed.code}\n{typed.output[-SHOWN:]}"
    # Ansible breaks long messages where the path of the checkout makes them too wide.
    printed = " ".join(typed.output.split())
    assert re.search(row.prints, typed.output) or re.search(row.prints, printed), (
        f"{row.typed} does not print {row.prints}:\n{typed.output[-SHOWN:]}"
    )


def test_what_ran_was_the_copy(stranger: Stranger) -> None:
    typed = stranger.type(Row("where", run=f".venv/bin/python -c '{WHERE}'", shell=False))
    assert typed.output.splitlines()[-1].startswith(f"{stranger.folder}/"), typed.output


UP = next(row for row in ROWS if row.command == "make up")
BEFORE_UP = [row.command for row in ROWS[: ROWS.index(UP)]]
