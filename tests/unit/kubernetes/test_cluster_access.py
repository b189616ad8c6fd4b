# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters by their names: what names one, and when a token is made anew."""

from __future__ import annotations

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import Invalid
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient
from ansible_collections.praxis.cloud.plugins.plugin_utils import cluster_access, eks_access, gke_access

NAME = "praxis-alpha"


def test_a_token_is_renewed_before_it_is_refused() -> None:
    now, made, lasts = [0.0], [], [600.0, 120.0, 600.0]

    def make() -> tuple[str, float]:
        made.append(now[0])
        return f"token {len(made)}", lasts[len(made) - 1]

    tokens = cluster_access.Tokens(make, clock=lambda: now[0])
    assert (tokens.current(), tokens.current()) == ("token 1", "token 1")
    now[0] = 14 * 60.0
    assert tokens.current() == "token 2"
    now[0] += 121.0
    assert tokens.current() == "token 3"
    assert eks_access.RENEWED_AFTER < 15 * 60 and gke_access.RENEWED_AFTER < 60 * 60


@pytest.mark.parametrize("cluster", [
    {"eks": ""}, {"gke": ""}, {"aks": NAME}, {"eks": NAME, "zone": "a"}, {"eks": NAME, "location": "a"},
    {"eks": NAME, "gke": NAME}, {"gke": NAME, "zone": "a"},
])  # fmt: skip
def test_what_names_no_one_cluster_is_refused(cluster: dict[str, str]) -> None:
    with pytest.raises(Invalid, match="names no cluster") as failed:
        cluster_access.configuration(cluster, AwsClient("eu-west-1"), GcpClient(), "eu")
    assert failed.value.finding.code == "no-cluster"


def test_a_cluster_of_gke_without_a_location_is_refused() -> None:
    with pytest.raises(Invalid, match="location is not known"):
        cluster_access.configuration({"gke": NAME}, AwsClient("eu-west-1"), GcpClient())
