# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster of EKS by its name. moto's EKS has no API server: what it answers is all that is seen here."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from ansible import constants

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_credentials import AwsCredentials
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import Invalid
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient
from ansible_collections.praxis.cloud.plugins.plugin_utils import cluster_access, eks_access
from ansible_collections.praxis.cloud.plugins.plugin_utils.kubernetes_api import Api
from tests.unit.conftest import KEYS, REGION, Cloud

NAME, AUTHORITY = "praxis-alpha", "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n"


def client(endpoint: str | None = None) -> AwsClient:
    keys = AwsCredentials(KEYS["AWS_ACCESS_KEY_ID"], KEYS["AWS_SECRET_ACCESS_KEY"])
    return AwsClient(REGION, endpoint_url=endpoint, credentials=keys)


def opened(token: str) -> str:
    coded = token.removeprefix("k8s-aws-v1.")
    return base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4)).decode()


def test_a_token_is_a_signed_request_to_the_region_s_sts_that_names_the_cluster(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    found = eks_access.token(client(), NAME)
    assert found.startswith("k8s-aws-v1.") and "=" not in found
    url = urlsplit(opened(found))
    asked = {name: value for name, (value,) in parse_qs(url.query).items()}
    assert (url.scheme, url.netloc, asked["Action"]) == ("https", f"sts.{REGION}.amazonaws.com", "GetCallerIdentity")
    assert asked["X-Amz-SignedHeaders"] == "host;x-k8s-aws-id"
    assert asked["X-Amz-Expires"] == "60"
    assert KEYS["AWS_SECRET_ACCESS_KEY"] not in opened(found)


def test_a_token_is_for_one_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    same = client()
    signed = [parse_qs(urlsplit(opened(eks_access.token(same, name))).query) for name in (NAME, "other", NAME)]
    signatures = {(each["X-Amz-Date"][0], each["X-Amz-Signature"][0]) for each in signed}
    assert len(signatures) >= 2
    assert all(each["X-Amz-SignedHeaders"] == ["host;x-k8s-aws-id"] for each in signed)


def described(monkeypatch: pytest.MonkeyPatch, **cluster: Any) -> AwsClient:
    """A client whose EKS answers so: a stand-in, for moto's authority is no certificate."""
    found = client()
    monkeypatch.setattr(found, "call", lambda *_to, **_params: {"cluster": cluster})
    return found


def test_a_cluster_is_reached_by_its_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path))
    authority = {"data": base64.b64encode(AUTHORITY.encode()).decode()}
    there = described(monkeypatch, endpoint="https://1.eks.test", certificateAuthority=authority, status="ACTIVE")
    found = cluster_access.configuration({"eks": NAME}, there, GcpClient())
    assert Path(found.ssl_ca_cert).read_text(encoding="ascii") == AUTHORITY
    assert found.get_api_key_with_prefix("authorization").startswith("Bearer k8s-aws-v1.")
    assert Api(configuration=found).server == "https://1.eks.test"
    # Nothing but the authority is written.
    assert [each.read_text(encoding="ascii") for each in tmp_path.iterdir()] == [AUTHORITY]


def test_a_cluster_that_is_being_made_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Invalid, match="CREATING") as failed:
        eks_access.endpoint(described(monkeypatch, status="CREATING"), NAME)
    assert failed.value.finding.code == "no-cluster"


def test_a_cluster_that_is_not_there_is_named(cloud: Cloud) -> None:
    with pytest.raises(Invalid, match="The cluster does not exist"):
        cluster_access.configuration({"eks": NAME}, client(cloud.endpoint), GcpClient())
