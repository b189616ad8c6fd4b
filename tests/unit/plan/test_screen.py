# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How wide a table may be that is printed in the middle of a run."""

from __future__ import annotations

import pytest
from ansible.utils import color

from ansible_collections.praxis.cloud.plugins.plugin_utils import screen


@pytest.mark.parametrize(
    ("columns", "colours", "forced", "width"),
    [(199, True, False, 199), (80, False, False, 80), (79, True, False, 79), (79, False, False, None),
     (79, True, True, None)],
    ids=["wide", "wide, no colours", "a terminal of 80 columns", "none, or no colours", "a log with colours"],
)  # fmt: skip
def test_the_width_that_a_worker_knows(
    monkeypatch: pytest.MonkeyPatch, columns: int, colours: bool, forced: bool, width: int | None
) -> None:
    """Ansible says 79 of a terminal of 80 columns, and of none."""
    monkeypatch.setattr(color, "ANSIBLE_COLOR", colours)
    monkeypatch.setattr(screen.C, "ANSIBLE_FORCE_COLOR", forced)
    assert screen.known_width(columns) == width
