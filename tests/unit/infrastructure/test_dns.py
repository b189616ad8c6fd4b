# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet's name in Route 53, and the certificate that AWS makes for it."""

from __future__ import annotations

from typing import Any

import pytest
from moto.acm.models import CertBundle

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_certificates import needing
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_removal import Removal
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from tests import tiers
from tests.unit.conftest import REGION, Cloud
from tests.unit.infrastructure.account import FLEET, HOST, Account, certificate, rows, zone

pytestmark = pytest.mark.slow

NAME = f"praxis-{FLEET}"
MARK = f'"praxis_fleet={FLEET} praxis_managed_by=provision"'


def codes(refused: pytest.ExceptionInfo[Failed]) -> list[str]:
    return [each.code for each in refused.value.findings]


@pytest.fixture
def account(cloud: Cloud) -> Account:
    """With a zone in it."""
    id_ = zone(cloud)
    return Account(cloud, options={"dns_zone": id_})


def kinds(result: dict[str, Any]) -> list[tuple[str, str]]:
    return [(action, kind) for action, kind, _name in rows(result)]


def certificates(cloud: Cloud) -> dict[str, str]:
    found = cloud.client("acm").list_certificates()["CertificateSummaryList"]
    cloud.operations.clear()
    return {each["DomainName"]: each["CertificateArn"] for each in found}


def heard(cloud: Cloud) -> dict[int, str]:
    """The listeners' ports, with the certificate of those that have one."""
    elb = cloud.client("elbv2")
    (balancer,) = elb.describe_load_balancers(Names=[NAME])["LoadBalancers"]
    found = elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    cloud.operations.clear()
    return {each["Port"]: next((one["CertificateArn"] for one in each.get("Certificates", ())), "") for each in found}


def test_a_record_leads_to_the_load_balancer_follows_its_name_and_goes_with_it(
    cloud: Cloud, account: Account
) -> None:
    id_, account.options["dns_zone"] = account.options["dns_zone"], ""
    address = account.present()["balancer"]
    named = {"dns_zone": id_, "dns_name": "Agents.example.org."}
    cloud.operations.clear()
    predicted = account.present(check=True, **named)
    assert cloud.changes() == []
    made = account.present(**named, plan_id=predicted["plan"]["id"])
    assert rows(made) == [("change", "load balancer", NAME), ("create", "DNS record", f"{id_}/{HOST}")]
    assert account.records() == {(f"{HOST}.", "A"): [f"{address}."], (f"_praxis.{HOST}.", "TXT"): [MARK]}
    assert rows(account.present(**named)) == []
    assert rows(account.present(**{**named, "dns_zone": "example.org"})) == []  # the zone by its domain
    assert cloud.changes() == []

    other = {**named, "dns_name": "other.example.org"}
    with pytest.raises(Failed) as refused:
        account.present(**other)
    assert codes(refused) == ["would-shrink"]
    assert f"lost: the name {HOST}" in refused.value.findings[0].what
    assert rows(account.present(**other, allow_shrink=True)) == [
        ("remove", "DNS record", f"{id_}/{HOST}"), ("change", "load balancer", NAME),
        ("create", "DNS record", f"{id_}/other.example.org"),
    ]  # fmt: skip
    assert account.records()["other.example.org.", "A"] == [f"{address}."]

    account.present(allow_shrink=True)
    assert account.records() == {}
    assert rows(account.present()) == []


def test_a_certificate_is_made_validated_and_waited_for_before_anything_answers_with_it(
    cloud: Cloud, account: Account
) -> None:
    wanted = {"certificate": "managed", "dns_name": HOST}
    predicted = account.present(check=True, **wanted)
    assert (cloud.changes(), account.resources()) == ([], {})
    assert account.present(**wanted, plan_id=predicted["plan"]["id"])["plan"] == predicted["plan"]
    (arn,) = certificates(cloud).values()
    assert heard(cloud) == {443: arn, 80: ""}
    assert sorted(type_ for _name, type_ in account.records()) == ["A", "CNAME", "TXT", "TXT"]
    assert rows(account.present(**wanted)) == []
    assert cloud.changes() == []
    assert kinds(account.absent())[0] == ("remove", "DNS record")
    assert (account.records(), account.resources(), certificates(cloud)) == ({}, {}, {})


def test_another_name_is_another_certificate_and_the_old_one_goes_last(cloud: Cloud, account: Account) -> None:
    account.present(certificate="managed", dns_name=HOST)
    account.present(certificate="managed", dns_name="other.example.org", allow_shrink=True)
    assert heard(cloud)[443] == certificates(cloud)["other.example.org"]
    assert set(certificates(cloud)) == {"other.example.org"}
    assert {name for name, type_ in account.records() if type_ == "A"} == {"other.example.org."}
    mine = certificate(cloud)
    account.present(certificate=mine, dns_name=HOST, allow_shrink=True)
    assert (heard(cloud)[443], set(certificates(cloud).values())) == (mine, {mine})
    assert {type_ for _name, type_ in account.records()} == {"A", "TXT"}


@pytest.mark.repetition
def test_a_run_that_ended_while_acm_was_at_work_is_gone_on_with(
    cloud: Cloud, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(CertBundle, "check", lambda self: None)
        with pytest.raises(Failed) as refused:
            account.present(certificate="managed", dns_name=HOST)
        assert "PENDING_VALIDATION" in refused.value.findings[0].what
        assert "LoadBalancers" not in account.resources()
        with pytest.raises(Failed):
            account.present(certificate="managed", dns_name=HOST)
    account.present(certificate="managed", dns_name=HOST)
    assert len(certificates(cloud)) == 1
    assert 443 in heard(cloud)


@pytest.mark.repetition
def test_a_certificate_that_will_never_be_issued_is_named_and_then_replaced(
    cloud: Cloud, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(CertBundle, "check", lambda self: setattr(self, "status", "FAILED"))
        with pytest.raises(Failed) as refused:
            account.present(certificate="managed", dns_name=HOST)
    assert "FAILED" in refused.value.findings[0].what and "CAA" in refused.value.findings[0].fix
    (useless,) = certificates(cloud).values()
    assert ("replace", "certificate") in kinds(account.present(certificate="managed", dns_name=HOST, allow_shrink=True))
    (arn,) = certificates(cloud).values()
    assert arn != useless and heard(cloud)[443] == arn


@pytest.mark.repetition
def test_a_validation_record_of_somebody_elses_serves_and_stays(cloud: Cloud, account: Account) -> None:
    """It is the same for all certificates of the account that are for one name."""
    acm, route53 = cloud.client("acm"), cloud.client("route53")
    theirs = acm.request_certificate(DomainName=HOST, ValidationMethod="DNS")["CertificateArn"]
    found = acm.describe_certificate(CertificateArn=theirs)["Certificate"]["DomainValidationOptions"][0]
    record = found["ResourceRecord"]
    text = {"Name": record["Name"], "Type": "CNAME", "TTL": 60, "ResourceRecords": [{"Value": record["Value"]}]}
    change = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": text}]}
    route53.change_resource_record_sets(HostedZoneId=account.options["dns_zone"], ChangeBatch=change)
    before = account.records()
    account.own = set(account._listed())
    account.present(certificate="managed", dns_name=HOST)
    assert rows(account.present(certificate="managed", dns_name=HOST)) == []
    assert heard(cloud)[443] not in ("", theirs)
    account.absent()
    assert (account.records(), set(certificates(cloud).values())) == (before, {theirs})


@pytest.mark.parametrize(("region", "asked"), [
    (REGION, {}), ("us-east-1", {}), (REGION, {"DomainName": f"*.{HOST}"}), (REGION, {"KeyAlgorithm": "EC_prime256v1"}),
    (REGION, {"DomainName": "example.net", "SubjectAlternativeNames": [HOST]}),
    (REGION, {"Tags": [{"Key": "praxis_fleet", "Value": "beta"}]}),
])  # fmt: skip
@pytest.mark.parametrize("leave", ["settings", "removal"])
def test_a_validation_record_by_which_another_certificate_is_renewed_is_handed_over(
    cloud: Cloud, account: Account, region: str, asked: dict[str, Any], leave: str
) -> None:
    """CloudFront has its certificates in us-east-1, whichever region the fleet is in."""
    account.present(certificate="managed", dns_name=HOST)
    there = account.client().in_region(region)
    wanted = {"DomainName": HOST, "ValidationMethod": "DNS", **asked}
    mine = there.call("acm", "request_certificate", **wanted)["CertificateArn"]
    options = there.call("acm", "describe_certificate", CertificateArn=mine)["Certificate"]["DomainValidationOptions"]
    (record,) = {(each["ResourceRecord"]["Name"], "CNAME") for each in options} & account.records().keys()
    if leave == "settings":
        own = certificate(cloud)
        account.present(certificate=own, dns_name=HOST)
        assert rows(account.present(certificate=own, dns_name=HOST)) == []
    else:
        account.absent()
        assert rows(account.absent()) == []
    validation = {key: value for key, value in account.records().items() if key[0] != f"{HOST}."}
    validation.pop((f"_praxis.{HOST}.", "TXT"), None)
    assert set(validation) == {record}, "the record stays, and nothing says any more that it is the fleet's"


@pytest.mark.parametrize(("region", "asked"), [
    ("eu-central-1", {"eu-central-1", "us-east-1"}), ("us-east-1", {"us-east-1"}), ("cn-north-1", {"cn-north-1"}),
    ("us-gov-west-1", {"us-gov-west-1"}), ("us-iso-east-1", {"us-iso-east-1"}), ("us-isob-east-1", {"us-isob-east-1"}),
    ("eu-isoe-west-1", {"eu-isoe-west-1"}), ("eusc-de-east-1", {"eusc-de-east-1"}),
])  # fmt: skip
def test_certificates_of_another_partition_are_not_asked_for(region: str, asked: set[str]) -> None:
    """Its credentials are none there."""
    seen: set[str] = set()

    class Client:
        def __init__(self, region: str) -> None:
            self.region = region

        def in_region(self, region: str) -> Client:
            return Client(region)

        def paginate(self, *_what: str, **_which: Any) -> list[Any]:
            seen.add(self.region)
            return []

    assert needing(Client(region), "_1.agents.example.org", {"praxis_fleet": FLEET}) == []  # type: ignore[arg-type]
    assert seen == asked


def test_a_load_balancer_that_goes_takes_its_names_with_it(cloud: Cloud, account: Account) -> None:
    account.present(certificate="managed", dns_name=HOST)
    account.present(certificate="managed", dns_name=HOST, balancer=False, allow_shrink=True)
    assert (account.records(), certificates(cloud)) == ({}, {})


@pytest.mark.parametrize("named", ["b\u00fccher.example", "B\u00dcCHER.example.", "xn--bcher-kva.example"])
def test_a_zone_may_be_named_in_other_letters(cloud: Cloud, account: Account, named: str) -> None:
    zone(cloud, "xn--bcher-kva.example")
    options = {"dns_zone": named, "dns_name": "agents.b\u00fccher.example"}
    made = [name for _action, kind, name in rows(account.present(**options)) if kind == "DNS record"]
    assert len(made) == 1 and made[0].endswith("/agents.xn--bcher-kva.example")
    assert rows(account.present(**options)) == []


@pytest.mark.parametrize("by_domain", [False, True])
def test_the_record_of_a_load_balancer_that_somebody_removed_goes_by_the_settings(
    cloud: Cloud, account: Account, by_domain: bool
) -> None:
    """Nothing remembers it any more, and its mark says whose it is."""
    account.present(dns_name=HOST)
    elb = cloud.client("elbv2")
    (balancer,) = elb.describe_load_balancers(Names=[NAME])["LoadBalancers"]
    elb.delete_load_balancer(LoadBalancerArn=balancer["LoadBalancerArn"])
    id_, named = account.options["dns_zone"], {"dns_zone": "example.org"} if by_domain else {}
    removed = account.absent(dns_name=HOST, **named)
    assert ("remove", "DNS record", f"{id_}/{HOST}") in rows(removed)
    assert (account.records(), account.resources()) == ({}, {})


def test_a_record_that_a_fleet_of_the_name_has_in_another_region_stays(cloud: Cloud, account: Account) -> None:
    account.present(dns_name=HOST)
    before = account.records()
    elsewhere = account.client().in_region("eu-west-1")
    removed = Removal(elsewhere, {**account.options, "dns_name": HOST}, account.poll()).absent(False)
    assert "DNS record" not in [kind for _action, kind in kinds(removed)]
    assert account.records() == before


@pytest.mark.parametrize("type_", tiers.first(["A", "AAAA", "CNAME"]))
def test_a_record_of_somebody_elses_is_neither_adopted_nor_removed(cloud: Cloud, account: Account, type_: str) -> None:
    value = {"A": "192.0.2.1", "AAAA": "2001:db8::1", "CNAME": "example.org."}[type_]
    text = {"Name": f"{HOST}.", "Type": type_, "TTL": 60, "ResourceRecords": [{"Value": value}]}
    change = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": text}]}
    id_ = account.options["dns_zone"]
    cloud.client("route53").change_resource_record_sets(HostedZoneId=id_, ChangeBatch=change)
    cloud.operations.clear()
    before = account.records()
    with pytest.raises(Failed) as refused:
        account.present(dns_name=HOST)
    assert codes(refused) == ["not-managed"]
    assert cloud.changes() == []
    account.present(dns_zone="")
    elb = cloud.client("elbv2")
    (balancer,) = elb.describe_load_balancers(Names=[NAME])["LoadBalancers"]
    tag = {"Key": "praxis_dns_record", "Value": f"{id_}/{HOST}"}
    elb.add_tags(ResourceArns=[balancer["LoadBalancerArn"]], Tags=[tag])
    account.absent()
    assert account.records() == before


def test_half_of_a_record_is_made_whole_and_removed(cloud: Cloud, account: Account) -> None:
    """Somebody removed the alias, and left the mark."""
    account.present(dns_name=HOST)
    id_, route53 = account.options["dns_zone"], cloud.client("route53")

    def halve() -> None:
        listed = route53.list_resource_record_sets(HostedZoneId=id_)["ResourceRecordSets"]
        gone = [{"Action": "DELETE", "ResourceRecordSet": each} for each in listed if each["Type"] == "A"]
        route53.change_resource_record_sets(HostedZoneId=id_, ChangeBatch={"Changes": gone})

    halve()
    assert rows(account.present(dns_name=HOST)) == [("create", "DNS record", f"{id_}/{HOST}")]
    assert rows(account.present(dns_name=HOST)) == []
    halve()
    account.absent()
    assert account.records() == {}


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"dns_zone": "Z0ELSEWHERE"}, "dns-zone-not-found"),
        ({"dns_zone": "example.com"}, "dns-zone-not-found"),
        ({"dns_name": "agents.example.com"}, "bad-dns-name"),
        ({"dns_name": ""}, "bad-dns-name"),
        ({"dns_name": f"{'x' * 60}.example.org"}, "bad-dns-name"),
        ({"dns_zone": "", "certificate": "managed"}, "bad-certificate"),
    ],
)
def test_a_name_that_cannot_be_is_refused_before_anything_is_touched(
    cloud: Cloud, account: Account, options: dict[str, Any], code: str
) -> None:
    with pytest.raises(Failed) as refused:
        account.present(**{"dns_name": HOST, **options})
    assert codes(refused) == [code]
    assert cloud.changes() == []


@pytest.mark.parametrize("private", [True, False])
def test_a_zone_that_is_private_or_one_of_two_is_refused(cloud: Cloud, private: bool) -> None:
    account = Account(cloud)
    if private:
        vpc = account.present()["vpc"]
        made = {"VPC": {"VPCRegion": "eu-central-1", "VPCId": vpc}, "HostedZoneConfig": {"PrivateZone": True}}
        cloud.client("route53").create_hosted_zone(Name="example.org", CallerReference="one", **made)
    else:
        zone(cloud)
        zone(cloud)
    cloud.operations.clear()
    with pytest.raises(Failed) as refused:
        account.present(dns_zone="example.org", dns_name=HOST)
    assert codes(refused) == ["dns-zone-not-found"]
    assert ("private" if private else "2 zones") in refused.value.findings[0].what
    assert cloud.changes() == []
