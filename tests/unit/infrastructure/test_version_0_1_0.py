# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet that version 0.1.0 made in AWS is taken over as it is."""

from __future__ import annotations

import pytest

from tests.unit.conftest import Cloud
from tests.unit.infrastructure.account import Account, rows
from tests.unit.infrastructure.version_0_1_0.fleet import SETTINGS, make


@pytest.mark.slow
def test_it_is_taken_over_with_no_change_and_removed_whole(cloud: Cloud) -> None:
    account = Account(cloud, options=SETTINGS)
    make(cloud, account.options["image_id"])
    made = account.resources()
    kept = account.present()
    assert (rows(kept), kept["changed"], cloud.changes()) == ([], False, [])
    assert [machine["slot"] for machine in kept["machines"]] == ["aws-1", "aws-2"]
    assert account.resources() == made
    account.absent()
    assert account.resources() == {}
