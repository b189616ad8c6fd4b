# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTPS at the load balancer: the list, what a run makes of it, and which certificates are refused untouched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.aws_list import Balancer, desired
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.aws_listeners import TLS_POLICY, Tls
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.aws_rules import Open
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.certificates import (
    Certificate,
    covers,
    misplaced,
    unfit,
)
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.dns_names import bad_name, record
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.plan import compute
from tests import tiers
from tests.unit.conftest import REGION, Cloud
from tests.unit.infrastructure.account import HOST, Account, certificate, rows
from tests.unit.infrastructure.test_account import codes
from tests.unit.infrastructure.test_list import SETTINGS, as_they_should_be

ARN = f"arn:aws:acm:{REGION}:123456789012:certificate/12345678-1234-1234-1234-123456789012"
SECURE = replace(SETTINGS, balancer=Balancer(tls=Tls(ARN)))

# -- the list


def test_https_forwards_and_http_redirects() -> None:
    https, http = [each for each in desired(SECURE) if each.kind == "listener"]
    assert (https.name, https.made_with) == ("praxis-alpha:443", {"port": 443})
    assert (https.fields["protocol"], https.fields["certificate"]) == ("HTTPS", ARN)
    assert https.fields["tls_policy"] == TLS_POLICY
    assert (http.name, http.fields["protocol"]) == ("praxis-alpha:80", "HTTP")
    assert http.fields["redirect"] == "HTTPS://#{host}:443/#{path}?#{query} HTTP_301"
    assert "target_group" not in http.fields
    (group,) = [each for each in desired(SECURE) if each.kind == "target_group"]
    assert group.fields["protocol"] == "HTTP"


def test_without_a_certificate_all_is_as_before() -> None:
    (listener,) = [each for each in desired(SETTINGS) if each.kind == "listener" and each.present]
    assert (listener.name, listener.fields["protocol"], listener.tags) == ("praxis-alpha:80", "HTTP", {})
    assert listener.fields["target_group"].name == "praxis-alpha"


def test_a_certificate_that_is_taken_away_takes_https_with_it_and_says_so() -> None:
    observed = as_they_should_be(desired(SECURE))
    changes = compute(desired(SETTINGS), observed)
    assert [(each.action, each.resource.name) for each in changes] == [
        ("change", "praxis-alpha:80"), ("remove", "praxis-alpha:443"),
    ]  # fmt: skip
    assert "plain text" in changes[1].resource.lost


def test_the_balancers_group_opens_both_ports() -> None:
    open_ = Open(inside="10.42.0.0/16", listener_ports=[80, 443], balancer_from=["203.0.113.7"])
    (group,) = [each for each in desired(replace(SECURE, open=open_)) if each.name == "praxis-alpha-balancer"]
    assert [(rule.port, rule.source) for rule in group.fields["rules"]] == [
        (80, "10.42.0.0/16"), (80, "203.0.113.7/32"), (443, "10.42.0.0/16"), (443, "203.0.113.7/32"),
    ]  # fmt: skip


# -- certificates


@pytest.mark.parametrize(
    ("name", "host", "covered"),
    [
        ("agents.example.org", "agents.example.org", True),
        ("Agents.Example.org", "agents.example.org.", True),
        ("*.example.org", "agents.example.org", True),
        ("*.example.org", "a.b.example.org", False),
        ("*.example.org", "example.org", False),
        ("*.example.org", ".example.org", False),
        ("example.org", "agents.example.org", False),
        ("agents.example.com", "agents.example.org", False),
        ("xn--bcher-kva.example.org", "B\u00fccher.example.org", True),
        ("*.xn--bcher-kva.example", "agents.b\u00fccher.example", True),
    ],
)
def test_a_wildcard_stands_for_one_label(name: str, host: str, covered: bool) -> None:
    assert covers(name, host) is covered


def test_a_name_in_other_letters_is_the_one_that_the_dns_has() -> None:
    named = partial(bad_name, "Z1", "b\u00fccher.example", where="alpha", longest=64)
    assert named("agents.b\u00fccher.example") == named("agents.xn--bcher-kva.example") == []
    assert record("Z1", "agents.B\u00fccher.example") == "Z1/agents.xn--bcher-kva.example"
    for wrong in ("\u00fc..example", "a b\u00fccher.example", "\u00fc" * 64 + ".example"):
        assert [finding.code for finding in named(wrong)] == ["bad-dns-name"], wrong


@pytest.mark.parametrize("letter", ["\u00df", "\u03c2", "\u200c", "\u200d"])
def test_a_letter_that_clients_and_python_write_differently_is_refused(letter: str) -> None:
    """The record would be strasse.example, and whoever follows a link to stra\u00dfe.example asks for another."""
    (finding,) = bad_name("Z1", "example.org", f"agents.stra{letter}e.example.org", "alpha", 64)
    assert finding.code == "bad-dns-name" and "xn--" in finding.fix
    assert not covers("strasse.example.org", f"stra{letter}e.example.org")


@pytest.mark.parametrize(
    ("arn", "code"),
    [
        (ARN, ""),
        (ARN.replace(":aws:", ":aws-us-gov:"), ""),
        (ARN.replace(REGION, "us-east-1"), "certificate-elsewhere"),
        (ARN.replace("123456789012:", "210987654321:"), "certificate-elsewhere"),
        ("agents.example.org", "bad-certificate"),
        ("arn:aws:iam::123456789012:server-certificate/agents", "bad-certificate"),
    ],
)
def test_a_certificate_lies_in_the_load_balancers_region_and_account(arn: str, code: str) -> None:
    finding = misplaced(arn, REGION, "123456789012")
    assert (finding.code if finding else "") == code


@pytest.mark.parametrize(
    ("changed", "host", "expected"),
    [
        ({}, "", []),
        ({}, "agents.example.org", []),
        ({}, "other.example.org", ["certificate-mismatch"]),
        ({"names": ["*.example.org"]}, "other.example.org", []),
        ({"ends": 99.0}, "", ["certificate-expired"]),
        ({"status": "EXPIRED"}, "other", ["certificate-expired", "certificate-mismatch"]),
        ({"status": "PENDING_VALIDATION", "ends": None}, "", ["certificate-not-issued"]),
        ({"status": "REVOKED"}, "", ["certificate-not-issued"]),
    ],
)
def test_what_clients_or_aws_would_refuse(changed: dict[str, Any], host: str, expected: list[str]) -> None:
    held = replace(Certificate(ARN, "ISSUED", ["agents.example.org"], 200.0), **changed)
    assert [each.code for each in unfit(held, host, 100.0)] == expected


def test_the_date_and_the_names_are_said() -> None:
    expired, mismatch = unfit(Certificate(ARN, "ISSUED", ["a.example.org", "b.example.org"], 86400.0), "c", 1e6)
    assert "1970-01-02" in expired.what
    assert "a.example.org, b.example.org" in mismatch.what


# -- an account


def listeners(cloud: Cloud) -> dict[int, dict[str, Any]]:
    elb = cloud.client("elbv2")
    (balancer,) = elb.describe_load_balancers()["LoadBalancers"]
    found = elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    cloud.operations.clear()
    return {each["Port"]: each for each in found}


@pytest.mark.slow
def test_a_fleet_gets_https_keeps_it_and_loses_it_only_with_leave(cloud: Cloud) -> None:
    account = Account(cloud)
    account.present()
    arn = certificate(cloud)
    before = account.resources()
    predicted = account.present(check=True, certificate=arn, dns_name=HOST)
    assert cloud.changes() == []
    made = account.present(certificate=arn, dns_name=HOST, plan_id=predicted["plan"]["id"])
    assert rows(made) == [
        ("change", "security group", "praxis-alpha-balancer"), ("create", "listener", "praxis-alpha:443"),
        ("change", "listener", "praxis-alpha:80"),
    ]  # fmt: skip
    held = listeners(cloud)
    assert held[443]["Certificates"] == [{"CertificateArn": arn}]
    assert (held[443]["Protocol"], held[443]["SslPolicy"]) == ("HTTPS", TLS_POLICY)
    (redirect,) = held[80]["DefaultActions"]
    assert (redirect["Type"], redirect["RedirectConfig"]["StatusCode"]) == ("redirect", "HTTP_301")
    assert redirect["RedirectConfig"]["Port"] == "443"

    assert rows(account.present(certificate=arn)) == []
    assert cloud.changes() == []
    assert rows(account.present(certificate=arn, parts=["firewall"])) == []

    with pytest.raises(Failed) as refused:
        account.present()
    assert codes(refused) == ["would-shrink"]
    assert "port 80 answers in plain text" in refused.value.findings[0].what
    cloud.operations.clear()
    account.present(allow_shrink=True)
    # The target group is never without a listener: its targets would get no requests for a while.
    assert [each for each in cloud.changes() if each.endswith("Listener")] == ["ModifyListener", "DeleteListener"]
    assert account.resources() == before
    assert rows(account.present()) == []


@pytest.mark.slow
def test_from_an_empty_account_check_mode_names_what_the_run_makes(cloud: Cloud) -> None:
    account = Account(cloud)
    arn = certificate(cloud)
    predicted = account.present(check=True, certificate=arn)
    made = account.present(certificate=arn, plan_id=predicted["plan"]["id"])
    assert [name for _action, kind, name in rows(made) if kind == "listener"] == ["praxis-alpha:443", "praxis-alpha:80"]
    assert sum(account.resources().values()) == len(rows(made))
    account.absent()
    assert account.resources() == {}
    assert cloud.client("acm").describe_certificate(CertificateArn=arn)


@pytest.mark.slow
def test_a_newer_certificate_takes_the_place_of_the_older_without_a_replacement(cloud: Cloud) -> None:
    account = Account(cloud)
    first, second = certificate(cloud), certificate(cloud)
    account.present(certificate=first)
    (row,) = account.present(certificate=second)["plan"]["rows"]
    assert (row["action"], [each["field"] for each in row["fields"]]) == ("change", ["certificate"])
    assert listeners(cloud)[443]["Certificates"] == [{"CertificateArn": second}]


def policy(elb: Any, https: str, _http: str) -> None:
    elb.modify_listener(ListenerArn=https, SslPolicy="ELBSecurityPolicy-2016-08", Protocol="HTTPS", Certificates=[],
                        DefaultActions=elb.describe_listeners(ListenerArns=[https])["Listeners"][0]["DefaultActions"])


def answer(elb: Any, https: str, _http: str) -> None:
    closed = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503", "ContentType": "text/plain"}}
    elb.modify_listener(ListenerArn=https, DefaultActions=[closed], Certificates=[])


def plain(elb: Any, _https: str, http: str) -> None:
    """The API in plain text, by a listener that redirected."""
    (group,) = elb.describe_target_groups()["TargetGroups"]
    forward = {"Type": "forward", "TargetGroupArn": group["TargetGroupArn"]}
    elb.modify_listener(ListenerArn=http, DefaultActions=[forward])


def elsewhere(elb: Any, _https: str, http: str) -> None:
    redirect = {"Protocol": "HTTPS", "Host": "evil.example", "Port": "443", "StatusCode": "HTTP_301"}
    elb.modify_listener(ListenerArn=http, DefaultActions=[{"Type": "redirect", "RedirectConfig": redirect}])


def tags(elb: Any, https: str, _http: str) -> None:
    elb.add_tags(ResourceArns=[https], Tags=[{"Key": "praxis_fleet", "Value": "stolen"}])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("edit", "name", "named"),
    tiers.first(
        [
            (policy, "praxis-alpha:443", ["tls_policy"]),
            (plain, "praxis-alpha:80", ["redirect"]),
            (answer, "praxis-alpha:443", ["target_group"]),
            (tags, "praxis-alpha:443", ["tag praxis_fleet"]),
            (elsewhere, "praxis-alpha:80", ["redirect"]),
        ],
        2,
    ),
)
def test_a_listener_edited_by_hand_is_named_and_restored(
    cloud: Cloud, edit: Callable[[Any, str, str], None], name: str, named: list[str]
) -> None:
    account = Account(cloud, options={"certificate": certificate(cloud)})
    account.present()
    before = listeners(cloud)
    edit(cloud.client("elbv2"), before[443]["ListenerArn"], before[80]["ListenerArn"])
    cloud.operations.clear()
    (row,) = account.present()["plan"]["rows"]
    assert (row["name"], [each["field"] for each in row["fields"]]) == (name, named)
    assert listeners(cloud) == before
    assert rows(account.present()) == []


@pytest.mark.slow
def test_somebody_elses_listener_on_443_is_neither_adopted_nor_removed(cloud: Cloud) -> None:
    account = Account(cloud)
    account.present()
    elb, arn = cloud.client("elbv2"), certificate(cloud)
    forward = listeners(cloud)[80]["DefaultActions"]
    (balancer,) = elb.describe_load_balancers()["LoadBalancers"]
    elb.create_listener(LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTPS", Port=443,
                        Certificates=[{"CertificateArn": arn}], DefaultActions=forward)  # fmt: skip
    before = listeners(cloud)
    assert rows(account.present()) == []
    with pytest.raises(Failed) as refused:
        account.present(certificate=arn)
    assert codes(refused) == ["not-managed"]
    assert listeners(cloud) == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"certificate": ARN}, "certificate-not-found"),
        ({"certificate": ARN.replace(REGION, "us-east-1")}, "certificate-elsewhere"),
        ({"certificate": ARN.replace("123456789012:", "210987654321:")}, "certificate-elsewhere"),
        ({"certificate": "mine"}, "bad-certificate"),
        ({"dns_name": "other.example.com"}, "certificate-mismatch"),
    ],
)
def test_a_certificate_that_cannot_serve_is_refused_before_anything_is_touched(
    cloud: Cloud, options: dict[str, Any], code: str
) -> None:
    account = Account(cloud, options={"certificate": certificate(cloud)})
    cloud.operations.clear()
    for check in (True, False):
        with pytest.raises(Failed) as refused:
            account.present(check=check, **options)
        assert codes(refused) == [code]
    assert cloud.changes() == []
    assert account.resources() == {}


@pytest.mark.slow
def test_one_that_is_not_issued_yet_and_one_that_has_expired_are_refused(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    from moto.acm.models import CertBundle

    account = Account(cloud)
    pending = cloud.client("acm").request_certificate(DomainName=HOST, ValidationMethod="DNS")["CertificateArn"]
    with pytest.raises(Failed) as refused:
        account.present(certificate=pending)
    assert codes(refused) == ["certificate-not-issued"]
    arn = certificate(cloud)
    monkeypatch.setattr(CertBundle, "check", lambda self: setattr(self, "status", "EXPIRED"))
    with pytest.raises(Failed) as refused:
        account.present(certificate=arn)
    assert codes(refused) == ["certificate-expired"]
    assert account.resources() == {}


@pytest.mark.slow
def test_a_load_balancer_of_the_users_gets_no_certificate(cloud: Cloud) -> None:
    account = Account(cloud)
    vpc = account.present()["vpc"]
    (group,) = cloud.client("elbv2").describe_target_groups()["TargetGroups"]
    with pytest.raises(Failed) as refused:
        account.present(vpc=vpc, target_group=group["TargetGroupArn"], certificate=ARN)
    assert codes(refused) == ["front-without-balancer"]


# -- access logs


def logging(cloud: Cloud) -> dict[str, str]:
    elb = cloud.client("elbv2")
    (balancer,) = elb.describe_load_balancers()["LoadBalancers"]
    found = elb.describe_load_balancer_attributes(LoadBalancerArn=balancer["LoadBalancerArn"])["Attributes"]
    cloud.operations.clear()
    return {each["Key"]: each["Value"] for each in found if each["Key"].startswith("access_logs.s3.")}


@pytest.mark.slow
def test_access_logs_are_written_where_they_are_wanted_and_left_alone_otherwise(cloud: Cloud) -> None:
    account = Account(cloud)
    cloud.client("s3").create_bucket(Bucket="logs", CreateBucketConfiguration={"LocationConstraint": REGION})
    wanted = {"access_logs": {"bucket": "logs", "prefix": "/praxis/alpha/"}}
    account.present(**wanted)
    assert logging(cloud) == {
        "access_logs.s3.enabled": "true", "access_logs.s3.bucket": "logs", "access_logs.s3.prefix": "praxis/alpha",
    }  # fmt: skip
    for options in (wanted, {}, {"access_logs": {}}):
        assert rows(account.present(**options)) == []
    (row,) = account.present(access_logs={"bucket": "", "prefix": ""})["plan"]["rows"]
    assert [(each["field"], each["before"], each["after"]) for each in row["fields"]] == [
        ("access_logs", "s3://logs/praxis/alpha", "off"),
    ]  # fmt: skip
    assert logging(cloud)["access_logs.s3.enabled"] == "false"
    (row,) = account.present(**wanted)["plan"]["rows"]
    assert [each["field"] for each in row["fields"]] == ["access_logs"]
