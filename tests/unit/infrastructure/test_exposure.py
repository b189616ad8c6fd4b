# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From where the API can be reached: what is refused untouched, and the login that stands before a public one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import Invalid
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.exposure import Exposure
from tests import tiers
from tests.unit.conftest import Cloud
from tests.unit.infrastructure.account import Account, certificate, rows
from tests.unit.infrastructure.test_account import codes
from tests.unit.infrastructure.test_tls import listeners

PLANTED = "planted-client-secret-7c1e"
REFERENCE = "aws-sm://praxis/alpha/oidc#secret"
OIDC = {
    "issuer": "https://id.example.org", "authorization_endpoint": "https://id.example.org/authorize",
    "token_endpoint": "https://id.example.org/token", "user_info_endpoint": "https://id.example.org/userinfo",
    "client_id": "agents", "client_secret": REFERENCE,
}  # fmt: skip


@pytest.mark.parametrize(
    ("exposure", "expected"),
    [
        (Exposure(), []),
        (Exposure("internal"), []),
        (Exposure("public"), ["public-without-authentication"]),
        (Exposure("public", tls=True), ["public-without-authentication"]),
        (Exposure("public", oidc=OIDC), ["login-without-tls", "public-without-authentication"]),
        (Exposure("public", tls=True, oidc=OIDC), []),
        (Exposure("public", accepted=True), []),
        (Exposure("public", scheme="internal", tls=True, oidc=OIDC), ["exposure-differs"]),
        (Exposure(tls=True, oidc=OIDC), []),
        (Exposure(oidc=OIDC), ["login-without-tls"]),
        (Exposure(tls=True, oidc={"issuer": "https://id.example.org"}), ["bad-oidc"]),
        (Exposure(tls=True, oidc={**OIDC, "token_endpoint": "http://id.example.org/token"}), ["bad-oidc"]),
        (Exposure("internal", tls=True, oidc={**OIDC, "issuer": "id.example.org"}), ["bad-oidc"]),
    ],
)
def test_what_is_refused(exposure: Exposure, expected: list[str]) -> None:
    assert [each.code for each in exposure.refused("fleet alpha")] == expected


def test_the_scheme_is_the_exposures_where_it_says_one() -> None:
    assert Exposure("internal").made_with == "internal"
    assert (Exposure().made_with, Exposure("public").made_with) == ("internet-facing", "internet-facing")
    assert Exposure(scheme="internal").made_with == "internal"


def test_what_lacks_is_named_with_the_variable_that_accepts_the_risk() -> None:
    (finding,) = Exposure("public").refused("fleet alpha")
    assert "TLS (provision_certificate, praxis_certificate) and a login (provision_oidc, praxis_oidc)" in finding.what
    assert "praxis_open_api_to_world" in finding.fix


# -- an account


def secret(cloud: Cloud, value: str = PLANTED) -> None:
    store = cloud.client("secretsmanager")
    text = json.dumps({"secret": value})
    if store.list_secrets()["SecretList"]:
        store.put_secret_value(SecretId="praxis/alpha/oidc", SecretString=text)
    else:
        store.create_secret(Name="praxis/alpha/oidc", SecretString=text)
    cloud.operations.clear()


@pytest.fixture
def fronted(cloud: Cloud) -> Account:
    """A fleet that is public behind a login."""
    secret(cloud)
    return Account(cloud, options={"certificate": certificate(cloud), "oidc": OIDC, "api_exposure": "public"})


@pytest.mark.slow
def test_public_without_a_front_is_refused_before_anything_is_touched(cloud: Cloud) -> None:
    account = Account(cloud, options={"api_exposure": "public"})
    cloud.operations.clear()
    for options in ({}, {"certificate": certificate(cloud)}):
        with pytest.raises(Failed) as refused:
            account.present(**options)
        assert codes(refused) == ["public-without-authentication"]
    assert (cloud.changes(), account.resources()) == ([], {})


@pytest.mark.slow
def test_an_internal_api_replaces_the_balancer_that_exists_only_with_leave(cloud: Cloud) -> None:
    account = Account(cloud)
    account.present()
    assert rows(account.present(api_exposure="")) == []
    with pytest.raises(Failed) as refused:
        account.present(api_exposure="internal")
    assert codes(refused) == ["would-shrink"]
    assert "lost: its address" in refused.value.findings[0].what
    replaced = account.present(api_exposure="internal", allow_shrink=True)
    assert [action for action, _kind, _name in rows(replaced)] == ["replace", "replace"]
    (balancer,) = cloud.client("elbv2").describe_load_balancers()["LoadBalancers"]
    assert balancer["Scheme"] == "internal"


@pytest.mark.slow
def test_nobody_passes_a_public_balancer_without_a_login(cloud: Cloud, fronted: Account) -> None:
    world = {"balancer_from": ["0.0.0.0/0"]}
    predicted = fronted.present(check=True, **world)
    made = fronted.present(plan_id=predicted["plan"]["id"], **world)
    login, forward = listeners(cloud)[443]["DefaultActions"]
    assert (login["Type"], forward["Type"]) == ("authenticate-oidc", "forward")
    assert login["AuthenticateOidcConfig"]["OnUnauthenticatedRequest"] == "authenticate"
    assert login["AuthenticateOidcConfig"]["ClientId"] == "agents"
    assert PLANTED not in json.dumps([predicted, made])
    assert "(hidden)" in "\n".join(made["table"])
    assert rows(fronted.present(**world)) == []
    assert cloud.changes() == []
    assert rows(fronted.present(parts=["firewall"], **world)) == []
    for options in ({"oidc": None}, {"api_exposure": ""}, {"api_from": ["::/0"]}):
        with pytest.raises(Failed) as refused:
            fronted.present(**{**world, **options})
        assert codes(refused)[0] in ("public-without-authentication", "open-to-world")


@pytest.mark.slow
def test_a_balancer_is_opened_to_the_world_only_after_the_login_stands_before_it(
    cloud: Cloud, fronted: Account
) -> None:
    fronted.present(oidc=None, api_exposure="", certificate="")
    cloud.operations.clear()
    changed = [(action, name) for action, _kind, name in rows(fronted.present(balancer_from=["0.0.0.0/0"]))]
    assert changed[-1] == ("change", "praxis-alpha-balancer")
    assert ("change", "praxis-alpha:80") in changed
    closed = fronted.present(oidc=None, api_exposure="", allow_shrink=True)
    assert [name for _action, _kind, name in rows(closed)][0] == "praxis-alpha-balancer"


@pytest.mark.slow
def test_a_newer_secret_is_handed_over_and_a_run_that_stopped_between_does_it_again(
    cloud: Cloud, fronted: Account
) -> None:
    fronted.present()
    secret(cloud, f"{PLANTED}-2")
    cloud.fault["AddTags"] = ["AccessDenied"]
    with pytest.raises(Failed):
        fronted.present()
    cloud.fault.clear()
    (row,) = fronted.present()["plan"]["rows"]
    assert (row["kind"], [each["field"] for each in row["fields"]]) == ("listener", ["login"])
    backend = listeners(cloud)[443]["DefaultActions"][0]["AuthenticateOidcConfig"]
    assert backend.get("ClientSecret", f"{PLANTED}-2") == f"{PLANTED}-2"
    assert rows(fronted.present()) == []


@pytest.mark.slow
@pytest.mark.parametrize("edit", tiers.first(["taken away", "lets everybody pass", "another provider"]))
def test_a_login_edited_by_hand_is_named_and_restored(cloud: Cloud, fronted: Account, edit: str) -> None:
    fronted.present()
    before = listeners(cloud)
    login, forward = before[443]["DefaultActions"]
    config = dict(login["AuthenticateOidcConfig"])
    if edit == "lets everybody pass":
        config["OnUnauthenticatedRequest"] = "allow"
    if edit == "another provider":
        config["Issuer"] = "https://evil.example"
    actions = [forward] if edit == "taken away" else [{**login, "AuthenticateOidcConfig": config}, forward]
    elb = cloud.client("elbv2")
    elb.modify_listener(ListenerArn=before[443]["ListenerArn"], DefaultActions=actions, Certificates=[])
    (row,) = fronted.present()["plan"]["rows"]
    assert [each["field"] for each in row["fields"]] == ["login"]
    restored = listeners(cloud)[443]["DefaultActions"]
    assert [each["Type"] for each in restored] == ["authenticate-oidc", "forward"]
    assert restored[0]["AuthenticateOidcConfig"]["OnUnauthenticatedRequest"] == "authenticate"
    assert rows(fronted.present()) == []


@pytest.mark.slow
def test_a_login_that_is_wanted_no_more_is_taken_away(cloud: Cloud, fronted: Account) -> None:
    fronted.present()
    (row,) = fronted.present(oidc=None, api_exposure="")["plan"]["rows"]
    assert (row["action"], [(each["field"], each["after"]) for each in row["fields"]]) == (
        "change", [("login", "none")],
    )  # fmt: skip
    assert [each["Type"] for each in listeners(cloud)[443]["DefaultActions"]] == ["forward"]


@pytest.mark.slow
def test_what_is_no_reference_is_refused_unread(cloud: Cloud, fronted: Account) -> None:
    with pytest.raises(Failed) as refused:
        fronted.present(oidc={**OIDC, "client_secret": PLANTED})
    assert codes(refused) == ["reference-expected"]
    assert PLANTED not in str(refused.value)


@pytest.mark.slow
def test_an_error_of_the_clouds_quotes_no_secret(
    cloud: Cloud, fronted: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AWS, or the SDK, may quote the parameter that it does not like."""
    asked: dict[str, Any] = {}
    send = AwsClient.call

    def call(self: AwsClient, service: str, operation: str, **params: Any) -> dict[str, Any]:
        if operation == "create_listener" and params["Port"] == 443:
            asked.update(params)
            params["Port"] = {"secret": params["DefaultActions"][0]["AuthenticateOidcConfig"]["ClientSecret"]}
        return send(self, service, operation, **params)

    monkeypatch.setattr(AwsClient, "call", call)
    with pytest.raises(Failed) as refused:
        fronted.present()
    assert asked["quotable"] is False
    assert "Could not create listener" in str(refused.value)
    assert PLANTED not in str(refused.value)
    assert not isinstance(refused.value, Invalid)
