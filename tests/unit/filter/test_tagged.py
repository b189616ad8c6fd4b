# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The test that decides what is a fleet's own, in Python and as templates use it."""

from __future__ import annotations

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

MARK = {"praxis_fleet": "b", "praxis_managed_by": "provision"}


@pytest.mark.parametrize(
    ("tags", "ours"),
    [
        ({**MARK, "Name": "x"}, True),
        (MARK, True),
        ({**MARK, "praxis_fleet": "a"}, False),
        ({**MARK, "praxis_fleet": "c"}, False),
        ({"praxis_fleet": "b"}, False),
        ({}, False),
    ],
)
def test_all_pairs_must_be_there(tags: dict[str, str], ours: bool) -> None:
    templar = Templar(DataLoader(), variables={"tags": tags, "mark": MARK})
    assert templar.template(trust_as_template("{{ tags is praxis.cloud.tagged(mark) }}")) is ours
