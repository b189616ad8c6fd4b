# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Machines of the fleet that are switched off: the plan goes on without them, and names them."""

from __future__ import annotations

from ansible_collections.praxis.cloud.plugins.module_utils.finding import WARNING
from ansible_collections.praxis.cloud.plugins.plugin_utils.whole_inventory import stopped


def test_stopped_machines_are_one_warning_of_the_plan() -> None:
    places = ["praxis-aws-2 (i-2 in eu-west-1)", "praxis-aws-3 (i-3 in eu-west-1)"]
    (found,) = stopped({"praxis_inventory_stopped": places})
    assert (found.code, found.level) == ("member-stopped", WARNING)
    assert all(place in found.what for place in places)
    assert "provision.yml" in found.fix


def test_where_nothing_is_stopped_nothing_is_said() -> None:
    assert stopped({}) == stopped({"praxis_inventory_stopped": []}) == []
