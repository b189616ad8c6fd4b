# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's work is done by the controller, whatever an inventory says of localhost."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests import tiers
from tests.unit.plan.made import Account, fleet
from tests.unit.plan.test_actions import PLAN, Site, site

pytestmark = pytest.mark.slow
__all__ = ["site"]


@pytest.mark.parametrize("own", tiers.first([
    {"ansible_connection": "local"},
    {"ansible_connection": "ssh", "ansible_ssh_executable": "/bin/false"},
]))  # fmt: skip
def test_identities_are_made_with_the_python_of_ansible(site: Site, empty: Account, own: dict[str, Any]) -> None:
    """Machines have theirs at /usr/bin, which has no library of a cloud; `all` includes a localhost that is named."""
    site.inventory(fleet(1), ansible_python_interpreter=site.host("all", "exit 3")["ansible_python_interpreter"])
    hosts = json.loads((site.folder / "hosts.json").read_text())
    hosts["ungrouped"]["hosts"]["localhost"] = own
    (site.folder / "hosts.json").write_text(json.dumps(hosts))
    played = site.play([PLAN])
    assert played.rc == 0, played.printed[-2000:]
    assert empty.cloud.changes() == ["CreateSecret"]
    assert not site.was_sent("all")
