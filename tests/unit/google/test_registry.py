# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Artifact Registry and GCR: whose they are, the login for them, digests, and what is said when there is none."""

from __future__ import annotations

import datetime
import json
import socket
import sys
from collections.abc import Iterator

import pytest
from google.auth import jwt

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_credentials import GcpCredentials
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_registry import (
    PULL_SCOPE,
    google_credentials,
    is_google_registry,
)
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Retry
from ansible_collections.praxis.cloud.plugins.plugin_utils.images import Images

from .conftest import PROJECT, Google
from .registry import ARTIFACT, DIGEST, HOSTS, Registry, served

REPOSITORY = f"{PROJECT}/praxis/praxis-agent"
IMAGE = f"{ARTIFACT}/{REPOSITORY}:1.0"


@pytest.fixture
def registry(google: Google, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    for name, value in google.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CLOUDSDK_CONFIG", "/nonexistent")
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    with served(google) as found:
        found.tags[REPOSITORY] = {"1.0": DIGEST}
        yield found


def client(**options: str) -> GcpClient:
    return GcpClient(credentials=GcpCredentials(**options), retry=Retry(deadline=20, base=0.01, cap=0.02))


def images(*texts: str, gcp: GcpClient | None = None) -> Images:
    return Images(AwsClient(), gcp or client(), [(text, None) for text in texts])


@pytest.mark.parametrize(("host", "ours"), [
    *((host, True) for host in HOSTS),
    ("asia-northeast1-docker.pkg.dev", True),
    ("mirror.gcr.io", False),  # a cache of Docker Hub's, open to everybody
    ("registry.k8s.io", False),
    ("docker.io", False),
    ("123456789012.dkr.ecr.eu-central-1.amazonaws.com", False),
    ("docker.pkg.dev", False),
    ("us-central1-docker.pkg.dev:5000", False),
    ("us-central1-docker.pkg.dev.example.com", False),
    ("evil-gcr.io", False),
    ("us-central1-npm.pkg.dev", False),
])
def test_which_registries_get_a_token(host, ours):
    """Nobody else is ever sent one."""
    assert is_google_registry(host) is ours


def test_a_login_lasts_and_is_good_for_pulls_only(registry, monkeypatch):
    asked = []
    from_assertion = registry.google.front.identities.from_assertion

    def seen(form):
        asked.append(form["assertion"])
        return from_assertion(form)

    monkeypatch.setattr(registry.google.front.identities, "from_assertion", seen)
    shared = client()
    assert shared.project == PROJECT
    login = google_credentials(shared, ARTIFACT)
    assert (login.server, login.username) == (ARTIFACT, "oauth2accesstoken")
    assert login.password.startswith("ya29.")
    assert login.expires - datetime.datetime.now(datetime.UTC) > datetime.timedelta(minutes=55)
    assert login.password not in repr(login)
    [assertion] = asked
    assert jwt.decode(assertion, verify=False)["scope"] == PULL_SCOPE
    # The client's own token is another, and it still may do what it could.
    list(shared.paginate("compute", f"compute/v1/projects/{PROJECT}/global/networks"))


def test_an_impersonated_account_s_login_is_for_pulls_only_too(registry):
    other = registry.google.front.identities.create("other", PROJECT)
    other.impersonators.add(registry.google.email)
    login = google_credentials(client(impersonate=other.email), ARTIFACT)
    assert registry.google.front.identities.who(f"Bearer {login.password}") == other.email


def test_a_login_that_is_good_for_more_is_said_to_be(registry):
    token = registry.google.front.identities.issue(registry.google.email)
    gcr = f"gcr.io/{PROJECT}/old@{DIGEST}"
    found = images(IMAGE, gcr, gcp=client(access_token=token))
    [warned] = found.findings
    assert (warned.code, warned.level, warned.where) == ("registry-login-broad", "warning", f"gcr.io, {ARTIFACT}")
    assert found.digests[IMAGE, None].endswith(DIGEST)
    assert token not in str(warned)


def test_a_token_that_was_given_is_the_login(registry):
    token = registry.google.front.identities.issue(registry.google.email)
    login = google_credentials(client(access_token=token), ARTIFACT)
    assert (login.password, login.expires) == (token, None)


def test_one_login_a_registry_and_one_question_an_image(registry):
    registry.tags[f"{PROJECT}/praxis/other"] = {"2": DIGEST}
    registry.tags[f"{PROJECT}/old"] = {"latest": DIGEST}
    found = images(IMAGE, f"{ARTIFACT}/{PROJECT}/praxis/other:2", f"gcr.io/{PROJECT}/old")
    assert found.findings == []
    assert found.digests[IMAGE, None] == f"{ARTIFACT}/{REPOSITORY}@{DIGEST}"
    assert found.digests[f"gcr.io/{PROJECT}/old", None] == f"gcr.io/{PROJECT}/old@{DIGEST}"
    logins = {json.dumps(login, sort_keys=True) for login in found.logins.values()}
    assert len(logins) == 2
    assert {login["server"] for login in found.logins.values()} == {ARTIFACT, "gcr.io"}
    assert {login["username"] for login in found.logins.values()} == {"oauth2accesstoken"}
    assert len([asked for asked in registry.requests if "HEAD" in asked]) == 2 * 3  # and each told to log in


def test_an_image_by_digest_is_not_resolved(registry):
    text = f"{ARTIFACT}/{REPOSITORY}@{DIGEST}"
    found = images(text)
    assert (found.digests, registry.requests) == ({(text, None): text}, [])
    assert found.logins[text, None]["username"] == "oauth2accesstoken"


@pytest.mark.parametrize(("text", "code", "fix"), [
    (f"{ARTIFACT}/{REPOSITORY}:1.1", "image-tag-not-found", "Nearest tags: 1.0"),
    (f"{ARTIFACT}/{PROJECT}/praxis/praxis-agnet:1.0", "image-repository-not-found", "Create it"),
])
def test_what_the_registry_does_not_hold(registry, text, code, fix):
    [found] = images(text).findings
    assert (found.code, fix in found.fix) == (code, True)


def test_a_refused_pull_says_what_to_grant(registry):
    registry.readers.clear()
    [found] = images(IMAGE).findings
    assert (found.code, found.where) == ("registry-auth", f"{ARTIFACT}/{REPOSITORY}")
    assert "artifactregistry.repositories.downloadArtifacts" in found.what
    assert "roles/artifactregistry.reader" in found.fix


def test_without_credentials_what_is_open_can_be_had_and_nothing_else(registry, monkeypatch):
    """A fleet elsewhere may run an image that Google serves to everybody."""
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS")
    registry.tags["distroless/static"] = {"latest": DIGEST}
    registry.open.add("distroless/static")
    by_digest = f"gcr.io/distroless/static@{DIGEST}"
    found = images("gcr.io/distroless/static", by_digest, IMAGE, f"{IMAGE}@{DIGEST}")
    assert found.digests["gcr.io/distroless/static", None] == found.digests[by_digest, None] == by_digest
    assert found.logins["gcr.io/distroless/static", None] is None
    [reported] = found.findings
    assert (reported.code, reported.where) == ("cloud-credentials", "Google Cloud credentials")
    assert registry.logins == []


def test_without_google_s_libraries_what_is_open_can_be_had(registry, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("google.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "google.auth", None)
    registry.open.add(REPOSITORY)
    assert images(IMAGE).digests[IMAGE, None].endswith(DIGEST)
    registry.open.clear()
    [reported] = images(IMAGE).findings
    assert (reported.code, "pip install google-auth" in reported.fix) == ("sdk-missing", True)


def test_an_authority_that_nobody_vouches_for_is_reported(registry, monkeypatch, tmp_path):
    monkeypatch.delenv("SSL_CERT_FILE")
    [found] = images(IMAGE).findings
    assert found.code == "registry-tls"


def test_an_account_that_is_gone_is_reported_once(registry):
    registry.google.front.identities._accounts.clear()
    found = images(IMAGE, f"{ARTIFACT}/{REPOSITORY}:1.1")
    assert [reported.code for reported in found.findings] == ["cloud-credentials"]


def test_no_way_to_google_is_no_reason_to_ask_without_a_login(registry, monkeypatch):
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{deaf.getsockname()[1]}")
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{deaf.getsockname()[1]}")
        found = images(IMAGE, f"{IMAGE[:-3]}2.0", gcp=GcpClient(retry=Retry(deadline=0.1, base=0.01)))
    assert [reported.code for reported in found.findings] == ["cloud-unavailable"]
    assert registry.requests == []
