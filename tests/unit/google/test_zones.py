# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the scopes that Google names are in a region."""

from __future__ import annotations

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_zones import _wanted


@pytest.mark.parametrize(("scope", "there"), [
    ("zones/us-central1-a", True),
    ("us-central1-a", True),
    ("regions/us-central1", True),
    ("zones/us-central1-ai1a", True),  # zones for machine learning have longer letters
    ("zones/us-south1-ai1b", False),
    ("zones/europe-west1-b", False),
    ("zones/northamerica-northeast1-a", False),
    ("global", True),  # unknown: it is not left out in silence
])  # fmt: skip
def test_a_zone_is_in_its_region(scope: str, there: bool) -> None:
    assert _wanted(scope, ["us-central1"]) is there
    assert _wanted(scope, []) is True
