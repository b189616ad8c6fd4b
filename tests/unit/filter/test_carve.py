# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Subnet networks cut from a VPC's network."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.praxis.cloud.plugins.filter.carve import carve


def test_the_first_part_stays_free() -> None:
    assert carve("10.42.0.0/16", 2) == ["10.42.16.0/20", "10.42.32.0/20"]
    assert carve("10.0.0.0/24", 1) == ["10.0.0.16/28"]
    assert len(carve("10.42.0.0/16", 15)) == 15


@pytest.mark.parametrize(
    ("network", "count", "says"),
    [
        ("10.42.0.1/16", 2, "host bits set"),
        ("here", 2, "not an IPv4 network"),
        ("fd00::/56", 2, "not an IPv4 network"),
        ("10.0.0.0/25", 2, "too small"),
        ("10.42.0.0/16", 16, "at most 15"),
    ],
)
def test_what_cannot_be_cut_is_named(network: str, count: int, says: str) -> None:
    with pytest.raises(AnsibleFilterError, match=says):
        carve(network, count)
