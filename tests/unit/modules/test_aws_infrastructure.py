# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""aws_infrastructure, run as a module."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.slow

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4 somebody"


@pytest.fixture
def options(cloud: Any) -> dict[str, Any]:
    """A fleet of two machines with everything of its own."""
    image = cloud.client("ec2").register_image(Name="debian", RootDeviceName="/dev/xvda")["ImageId"]
    cloud.operations.clear()
    return {
        "fleet": "alpha",
        "hosts": 2,
        "vpc_cidr": "10.42.0.0/16",
        "public_key": KEY,
        "image_id": image,
        "labels": {"team": "search"},
        "ssh_from": ["203.0.113.7/32", "2001:db8::/64"],
    }


def test_check_mode_names_exactly_what_the_run_makes_and_the_second_run_only_reads(
    run: Any, cloud: Any, options: dict[str, Any]
) -> None:
    predicted = run("aws_infrastructure", check=True, **options)
    assert (predicted.changed, cloud.changes()) == (True, [])
    ran = run("aws_infrastructure", **options)
    assert "plan" in ran.result, ran.result.get("msg")
    assert ran.result["plan"] == predicted.result["plan"]
    assert ran.result["diff"] == predicted.result["diff"]
    assert ran.result["table"][-1].startswith("  15 created, 0 changed, 0 replaced, 0 removed; plan ")
    cloud.operations.clear()
    again = run("aws_infrastructure", **options)
    assert again.result["plan"]["rows"] == []
    assert cloud.changes() == []
