# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From where the API can be reached on Google Cloud: what is refused untouched, the login before a public one, logs."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.exposure import GoogleExposure
from sandbox.gcp import discovery
from sandbox.gcp.balancing import LOGIN, serving
from tests import tiers
from tests.unit.infrastructure.account import rows
from tests.unit.infrastructure.test_account import codes

from .conftest import PROJECT, Google
from .made import certificate
from .project import NAME, Project

pytestmark = pytest.mark.slow

PLANTED = "planted-client-secret-7c1e"
OWN = {"issuer": "https://accounts.google.com"}
OIDC = {"client_id": "agents", "client_secret": f"gcp-sm://{PROJECT}/oidc#secret"}
SERVICE = f"global/backendServices/{NAME}"
WORLD = {"balancer_from": ["0.0.0.0/0"]}


@pytest.mark.parametrize(
    ("exposure", "expected"),
    [
        (GoogleExposure(), []),
        (GoogleExposure("internal"), ["no-internal-balancer"]),
        (GoogleExposure("public", tls=True), ["public-without-authentication"]),
        (GoogleExposure("public", oidc=OWN), ["login-without-tls", "public-without-authentication"]),
        (GoogleExposure("public", tls=True, oidc=OWN), []),
        (GoogleExposure("public", tls=True, oidc=OIDC), []),
        (GoogleExposure("public", accepted=True), []),
        (GoogleExposure(tls=True, oidc={"issuer": "https://id.example.org"}), ["bad-oidc"]),
        (GoogleExposure(tls=True, oidc={**OIDC, "token_endpoint": "https://id.example.org/token"}), ["bad-oidc"]),
        (GoogleExposure(tls=True, oidc={"client_id": "agents"}), ["bad-oidc"]),
    ],
)
def test_what_is_refused(exposure: GoogleExposure, expected: list[str]) -> None:
    assert [each.code for each in exposure.refused("fleet alpha")] == expected


# -- a project


def secret(google: Google, value: str = PLANTED) -> None:
    """One more version of the client's secret."""
    parent, manager = f"/v1/projects/{PROJECT}/secrets", google.front.secrets
    data = base64.b64encode(json.dumps({"secret": value}).encode()).decode()
    asked = [(f"{parent}/oidc:addVersion", [], {"payload": {"data": data}})]
    if value == PLANTED:
        asked.insert(0, (parent, [("secretId", "oidc")], {"replication": {"automatic": {}}}))
    for path, query, body in asked:
        manager.answer(discovery.load("secretmanager.v1").call("POST", path, query, json.dumps(body).encode()))


@pytest.fixture
def fronted(project: Project) -> Project:
    """A fleet that is public behind a login with a client of its own."""
    secret(project.google)
    project.secure(oidc=OIDC, api_exposure="public")
    return project


def test_public_without_a_front_is_refused_before_anything_is_touched(project: Project) -> None:
    link = certificate(project.google)
    project.own = set(project._listed())
    for options in ({}, {"certificate": link}):
        with pytest.raises(Failed) as refused:
            project.present(api_exposure="public", **options)
        assert codes(refused) == ["public-without-authentication"]
    assert (project.changes(), project.resources()) == ([], {})


def test_nobody_passes_a_public_balancer_without_a_login(fronted: Project) -> None:
    predicted = fronted.present(check=True, **WORLD)
    made = fronted.present(plan_id=predicted["plan"]["id"], **WORLD)
    iap = fronted.get(SERVICE)["iap"]
    assert (iap["enabled"], iap["oauth2ClientId"]) == (True, "agents")
    served = serving(fronted.google.front.compute.resources)
    assert served
    assert served.https
    assert served.https.login == LOGIN
    assert PLANTED not in json.dumps([predicted, made])
    assert "(hidden)" in "\n".join(made["table"])
    mark = fronted.mark()
    assert rows(fronted.present(**WORLD)) == []
    assert rows(fronted.present(parts=["firewall"], **WORLD)) == []
    assert fronted.changes(mark) == []
    for options in ({"oidc": None}, {"api_exposure": ""}, {"api_from": ["::/0"]}):
        with pytest.raises(Failed) as refused:
            fronted.present(**{**WORLD, **options})
        assert codes(refused)[0] in ("public-without-authentication", "open-to-world")


def test_a_balancer_is_opened_to_the_world_only_after_the_login_stands_before_it(project: Project) -> None:
    project.present()
    secret(project.google)
    project.secure(oidc=OIDC, api_exposure="public")
    mark = project.mark()
    project.present(**WORLD)
    made = project.changes(mark)
    opened = made.index("securityPolicies.patchRule")
    assert opened > made.index("backendServices.patch")
    assert opened > made.index("targetHttpProxies.patch")
    # And closed before the login goes.
    mark = project.mark()
    project.present(oidc=None, api_exposure="", allow_shrink=True)
    made = project.changes(mark)
    assert made.index("securityPolicies.patchRule") < made.index("backendServices.patch")


@pytest.mark.repetition
def test_a_newer_secret_is_handed_over(fronted: Project) -> None:
    fronted.present()
    before = fronted.get(SERVICE)["iap"]["oauth2ClientSecretSha256"]
    secret(fronted.google, f"{PLANTED}-2")
    (row,) = fronted.present()["plan"]["rows"]
    assert (row["kind"], [each["field"] for each in row["fields"]]) == ("backend service", ["iap"])
    assert row["fields"][0]["before"]["oauth2ClientSecret"] == "another"
    assert row["fields"][0]["after"]["oauth2ClientSecret"] == "version 2"
    assert fronted.get(SERVICE)["iap"]["oauth2ClientSecretSha256"] != before
    assert rows(fronted.present()) == []


@pytest.mark.parametrize(
    "edit", tiers.first([{"oauth2ClientSecret": "other"}, {"enabled": False}, {"oauth2ClientId": "mallory"}])
)
def test_a_login_edited_by_hand_is_named_and_restored(fronted: Project, edit: dict[str, Any]) -> None:
    fronted.present()
    there = fronted.get(SERVICE)
    fronted.edit("PATCH", SERVICE, {"iap": edit, "fingerprint": there["fingerprint"]})
    (row,) = fronted.present()["plan"]["rows"]
    assert [each["field"] for each in row["fields"]] == ["iap"]
    assert fronted.get(SERVICE)["iap"] == there["iap"]
    assert rows(fronted.present()) == []


def test_googles_own_client_needs_none_and_a_login_goes_only_with_leave(project: Project) -> None:
    project.secure()
    project.present(oidc=OWN)
    assert project.get(SERVICE)["iap"] == {"enabled": True}
    mark = project.mark()
    with pytest.raises(Failed) as refused:
        project.present()
    assert codes(refused) == ["would-shrink"]
    assert "lost: the login before the API" in refused.value.findings[0].what
    assert project.changes(mark) == []
    (row,) = project.present(allow_shrink=True)["plan"]["rows"]
    assert (row["action"], row["lost"]) == (
        "change", "the login before the API: everyone who reaches the load balancer reaches the API",
    )  # fmt: skip
    assert project.get(SERVICE)["iap"]["enabled"] is False
    assert rows(project.present()) == []


def test_what_is_no_reference_is_refused_unread(fronted: Project) -> None:
    with pytest.raises(Failed) as refused:
        fronted.present(oidc={**OIDC, "client_secret": PLANTED})
    assert codes(refused) == ["reference-expected"]
    assert PLANTED not in str(refused.value)


def test_an_error_of_googles_quotes_no_secret(fronted: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Google may quote the field that it does not like."""
    fronted.present()
    secret(fronted.google, f"{PLANTED}-2")
    resolve = discovery.Api.check

    def check(self: Any, value: Any, schema: Any, where: str) -> None:
        if where == "resource.iap.oauth2ClientSecret":
            raise discovery.invalid(where, value, "It is too weak.")
        resolve(self, value, schema, where)

    monkeypatch.setattr(discovery.Api, "check", check)
    with pytest.raises(Failed) as refused:
        fronted.present()
    assert "Could not change backend service" in str(refused.value)
    assert PLANTED not in str(refused.value)


# -- access logs


@pytest.mark.repetition
def test_access_logs_are_sampled_as_wanted_and_left_alone_otherwise(project: Project) -> None:
    wanted = {"access_logs": {"sample_rate": 0.25}}
    project.present(**wanted)
    assert project.get(SERVICE)["logConfig"] == {"enable": True, "sampleRate": 0.25}
    for options in (wanted, {}):
        assert rows(project.present(**options)) == []
    (row,) = project.present(access_logs={"sample_rate": 0.0})["plan"]["rows"]
    assert [each["field"] for each in row["fields"]] == ["logConfig"]
    assert project.get(SERVICE)["logConfig"]["enable"] is False
    project.present(access_logs={"sample_rate": 1.0})
    assert rows(project.present(access_logs={"sample_rate": 1.0})) == []
    with pytest.raises(Failed) as refused:
        project.present(access_logs={"sample_rate": 1.5})
    assert codes(refused) == ["bad-sample-rate"]
