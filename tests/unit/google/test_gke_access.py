# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster of GKE by its name. The sandbox's GKE has no API server: where it would be, and by which token, is seen."""

from __future__ import annotations

import base64
import datetime
from pathlib import Path

import pytest
from ansible import constants

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import Invalid
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient
from ansible_collections.praxis.cloud.plugins.plugin_utils import cluster_access, gke_access
from ansible_collections.praxis.cloud.plugins.plugin_utils.kubernetes_api import Api
from sandbox.gcp.container import AUTHORITY

from .conftest import PROJECT
from .made import REGION, operations
from .project import NAME, Project
from .test_gke import CLUSTER

GKE = {"gke": NAME, "location": REGION}


@pytest.fixture
def gke(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with a cluster."""
    (tmp_path / "ansible").mkdir()
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path / "ansible"))
    project.present(parts=["network", "cluster"], cluster={})
    return project


@pytest.mark.slow
def test_a_cluster_is_reached_by_its_name(gke: Project, tmp_path: Path) -> None:
    before = len(operations(gke.google))
    found = cluster_access.configuration(GKE, AwsClient("eu-west-1"), GcpClient())
    assert Path(found.ssl_ca_cert).read_bytes() == AUTHORITY
    address = gke.google.front.container.get(CLUSTER)["endpoint"]
    assert Api(configuration=found).server == f"https://{address}"
    assert operations(gke.google)[before:] == ["projects.locations.clusters.get"]
    # Nothing but the authority is written.
    assert [each.read_bytes() for each in (tmp_path / "ansible").iterdir()] == [AUTHORITY]
    token = found.get_api_key_with_prefix("authorization").removeprefix("Bearer ")
    assert gke.google.front.identities.who(f"Bearer {token}") == gke.google.email


def test_the_region_stands_for_a_location(gke: Project) -> None:
    found = cluster_access.configuration({"gke": NAME}, AwsClient("eu-west-1"), GcpClient(), REGION)
    assert found.host.startswith("https://192.0.2.")


def test_a_token_is_new_each_time_and_for_both_scopes(gke: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    first, seconds = gke_access.token(GcpClient())
    assert seconds == gke_access.RENEWED_AFTER
    assert gke_access.token(GcpClient())[0] != first
    asked = []
    client = GcpClient()
    monkeypatch.setattr(client, "token", lambda *scopes: asked.append(scopes) or ("t", None))
    gke_access.token(client)
    assert asked == [("https://www.googleapis.com/auth/cloud-platform", gke_access.EMAIL)]


def test_a_token_that_ends_soon_is_renewed_before_that(monkeypatch: pytest.MonkeyPatch) -> None:
    client = GcpClient()
    ends = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=200)
    monkeypatch.setattr(client, "token", lambda *_scopes: ("t", ends))
    assert 100 < gke_access.token(client)[1] <= 140


def test_a_cluster_that_is_being_made_says_so(gke: Project) -> None:
    gke.google.front.container.lasting = 9
    gke.google.front.container.get(CLUSTER).update(status="PROVISIONING", endpoint="")
    gke.google.front.container._left[CLUSTER] = 9
    with pytest.raises(Invalid, match="PROVISIONING, and it has no API server") as failed:
        gke_access.endpoint(GcpClient(), NAME, REGION)
    assert failed.value.finding.code == "no-cluster"


def test_an_authority_that_is_none_is_refused(gke: Project) -> None:
    text = base64.b64encode(b"\xff\xfe").decode()
    gke.google.front.container.get(CLUSTER)["masterAuth"]["clusterCaCertificate"] = text
    with pytest.raises(Invalid, match="not a certificate"):
        gke_access.endpoint(GcpClient(), NAME, REGION)


def test_a_cluster_that_is_not_there_is_named(project: Project) -> None:
    with pytest.raises(Invalid, match="The cluster does not exist") as failed:
        gke_access.endpoint(GcpClient(), "other", REGION)
    assert failed.value.finding.where == f"GKE cluster other in {REGION}, project {PROJECT}"
