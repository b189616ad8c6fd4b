# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every playbook, from an empty account to a fleet and back: the shortest whole deployment there is."""

from __future__ import annotations


def test_from_nothing_to_a_fleet_and_back(cloud):
    cloud.run("provision.yml")
    cloud.run("plan.yml")
    assert cloud.run("deploy.yml").summary["ok"]
    again = cloud.run("deploy.yml")
    assert again.changed == {} and again.summary["ok"]
    assert cloud.run("verify.yml").summary["ok"]
    assert cloud.run("status.yml").summary["ok"]
    cloud.run("down.yml", variables={"praxis_confirm_down": "praxis", "praxis_remove_identities": True})
    assert cloud.machines() == []
