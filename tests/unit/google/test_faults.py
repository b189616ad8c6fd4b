# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each API call that changes something in Google Cloud fails in turn: nothing is there twice or orphaned."""

from __future__ import annotations

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import CloudError
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_infrastructure_kinds import kinds
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.data_volumes import KIND as DATA_VOLUME
from tests import tiers
from tests.unit.infrastructure.account import rows
from tests.unit.infrastructure.faults import RIDDEN_OUT, Disturb, Fate, completed_by_the_next, disturbing, ridden_out

from .conftest import PROJECT
from .project import NAME, Project
from .test_account import SECURE
from .test_kinds import GKE

#: With a certificate that Google makes, so that every kind is there.
MADE = {**SECURE, "disks": 1, "sslCertificates": 1}
WITH_CLUSTER = {"clusters": 1, "networks": 1, "nodePools": 1, "roles": 2, "routers": 1, "serviceAccounts": 1,
                "subnetworks": 1}  # fmt: skip
DISKS = {"data": {"size": 10}, "remove_data": True}


def test_every_kind_is_in_what_these_runs_make(project: Project) -> None:
    project.secure(certificate="managed", **DISKS)
    made = rows(project.present(check=True))
    made += rows(project.present(check=True, **GKE))
    words = {each.words for each in kinds().values()}
    assert {kind for _action, kind, _name in made} == {*words, "machine", DATA_VOLUME}


@pytest.fixture
def disturb(monkeypatch: pytest.MonkeyPatch) -> Disturb:
    """Google knows a request by its id, and a launch waits for an account that is not known everywhere yet."""
    return disturbing(
        monkeypatch,
        GcpClient,
        reads=lambda to: to[1] == "GET" or to[2].endswith(":getIamPolicy"),
        remembered=lambda more: True,
        what=f"{NAME}@{PROJECT}.iam.gserviceaccount.com is not known.",
    )


@pytest.mark.slow
@pytest.mark.parametrize("carried_out", tiers.first([True, False]))
def test_a_run_that_stops_at_any_call_is_completed_by_the_next(
    project: Project, disturb: Disturb, carried_out: bool
) -> None:
    project.secure(certificate="managed", **DISKS)
    completed_by_the_next(project, disturb, MADE, carried_out=carried_out, calls=(23, 21))


@pytest.mark.slow
@RIDDEN_OUT
def test_one_run_rides_it_out(project: Project, disturb: Disturb, kind: type[CloudError], carried_out: bool) -> None:
    project.secure(certificate="managed", **DISKS)
    ridden_out(project, disturb, Fate(kind, carried_out=carried_out, lets_through=None), MADE, 23)


@pytest.mark.repetition
@pytest.mark.slow
@pytest.mark.parametrize("carried_out", tiers.first([True, False]))
def test_so_is_one_that_makes_a_cluster(project: Project, disturb: Disturb, carried_out: bool) -> None:
    project.options |= GKE
    completed_by_the_next(project, disturb, WITH_CLUSTER, carried_out=carried_out, calls=(5, 6))


@pytest.mark.slow
@RIDDEN_OUT
def test_one_run_with_a_cluster_rides_it_out(
    project: Project, disturb: Disturb, kind: type[CloudError], carried_out: bool
) -> None:
    project.options |= GKE
    ridden_out(project, disturb, Fate(kind, carried_out=carried_out, lets_through=None), WITH_CLUSTER, 6)
