# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records of Route 53: the one that leads a name to the load balancer, and the one by which ACM validates a name.

Records have no tags: one of ours has a second beside it, ``TXT _praxis.NAME``, with the mark. Both come and go in one
change.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_certificates import made_for, needing
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_kind import Answer, AwsKind, known
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import CloudError, Conflict, Invalid, NotFound
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.kind import tagged, text_of, words_of
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.aws_dns import RECORD_TAG, USELESS
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.dns_names import TTL, plain_name
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.resource import Observed, Resource

#: Beside each other these cannot stand, or answer the same question.
_ALIKE = ("A", "AAAA", "CNAME")
_MARK = "_praxis."


@dataclass(frozen=True)
class Route53Kind(AwsKind):
    """A record with its mark. Its id is ``ZONE/NAME``.

    :param type: of the record.
    """

    type: str

    unmarked: ClassVar[str] = "no TXT record _praxis.NAME beside it says so"

    def remove(self, client: AwsClient, id_: str) -> None:
        gone = self._going(client, id_)
        if not gone:
            return
        try:
            _change(client, id_, [("DELETE", each) for each in gone])
        except CloudError:
            # Sent again after a lost answer, it finds nothing to delete.
            if not self.gone(client, id_):
                raise

    def gone(self, client: AwsClient, id_: str) -> bool:
        return not self._going(client, id_)

    def _going(self, client: AwsClient, id_: str) -> list[Answer]:
        """What is removed: the record, and its mark. Without a mark it is somebody else's, or was handed over."""
        there, mark = _records(client, id_)
        return [each for each in (self._own(client, id_, there, mark), mark) if each] if mark else []

    def _own(self, client: AwsClient, id_: str, there: Sequence[Answer], mark: Answer) -> Answer | None:
        """The record, when it goes with its mark."""
        return _of_type(there, self.type)

    def _write(self, client: AwsClient, id_: str, record: Answer, tags: Mapping[str, str]) -> None:
        """A new record with its mark. One that somebody has made meanwhile stays."""
        name = id_.partition("/")[2]
        text = [{"Value": f'"{text_of(tags)}"'}]
        mark = {"Name": f"{_MARK}{name}.", "Type": "TXT", "TTL": TTL, "ResourceRecords": text}
        _change(client, id_, [("CREATE", {"Name": f"{name}.", "Type": self.type, **record}), ("UPSERT", mark)])


@dataclass(frozen=True)
class DnsRecord(Route53Kind):
    """An alias of the load balancer. Its name on the list is its id."""

    found_last: ClassVar[bool] = True

    def find(self, client: AwsClient, desired: Resource) -> Observed | None:
        there, mark = _records(client, desired.name)
        marked = _words(mark)
        found = _of_type(there, self.type) or next(iter(there), None)
        if found is None:
            # A mark alone is what somebody left who removed the record.
            alone = Observed(self.name, desired.name, desired.name, tags=marked)
            return alone if mark and not desired.present else None
        balancer = desired.fields.get("leads_to")
        leads_to = balancer if balancer and _place(_alias(client, balancer)) == _place(found) else _text(found)
        # Of another type than ours it is somebody's, whatever stands beside it.
        tags = marked if found["Type"] == self.type else {}
        return Observed(self.name, desired.name, desired.name, {"leads_to": leads_to}, tags)

    def create(self, client: AwsClient, desired: Resource) -> str:
        self._write(client, desired.name, _alias(client, desired.fields["leads_to"]), desired.tags)
        return desired.name

    def set_later(self, desired: Resource) -> set[str]:
        return set()

    def set(self, client: AwsClient, desired: Resource, id_: str, names: Collection[str]) -> None:
        record = {"Name": f"{id_.partition('/')[2]}.", "Type": self.type}
        _change(client, id_, [("UPSERT", {**record, **_alias(client, desired.fields["leads_to"])})])

    def owned(self, client: AwsClient, tags: Mapping[str, str], name: str) -> list[Observed]:
        marked = _words(_records(client, name)[1]) if name else {}
        ours = bool(marked) and tagged(marked, tags)
        return [Observed(self.name, name, name, {}, marked)] if ours else []


@dataclass(frozen=True)
class ValidationRecord(Route53Kind):
    """What ACM asks for before it issues a certificate, and again whenever it renews it.

    Its name on the list is the certificate's. It is the same for all certificates of the account for one name: one that
    somebody else has made is used, and left; and one of ours stays for the others when ours goes.
    """

    found_by: ClassVar[Collection[str]] = ("certificate",)
    awaited: ClassVar[bool] = True

    def find(self, client: AwsClient, desired: Resource) -> Observed | None:
        validated = _validation(client, desired.made_with["certificate"])
        if validated is None:
            return None
        status, name, value = validated
        id_ = f"{desired.name.partition('/')[0]}/{name}"
        there, mark = _records(client, id_)
        found = _of_type(there, self.type)
        if found is None or (desired.present and _text(found) != value):
            return None
        tags = _words(mark) or (desired.tags if desired.present else {})
        return Observed(self.name, desired.name, id_, {"status": status}, tags)

    def create(self, client: AwsClient, desired: Resource) -> str:
        validated = _validation(client, desired.made_with["certificate"])
        if validated is None:
            raise NotFound("ACM has not said yet which DNS record "
                           "validates it.", f"certificate {desired.name}", "Run again.")
        _status, name, value = validated
        id_ = f"{desired.name.partition('/')[0]}/{name}"
        there, _mark = _records(client, id_)
        if there and _text(there[0]) == value:
            return id_
        self._write(client, id_, {"TTL": TTL, "ResourceRecords": [{"Value": value}]}, desired.tags)
        return id_

    def set(self, client: AwsClient, desired: Resource, id_: str, names: Collection[str]) -> None:
        """Wait: that the certificate is issued is ACM's to do, some minutes after it has seen the record."""
        arn = desired.made_with["certificate"]
        status = client.call("acm", "describe_certificate", CertificateArn=arn)["Certificate"]["Status"]
        where = f"certificate {desired.name.partition('/')[2]}"
        if status in USELESS:
            fix = "Check the CAA records of its domain (they must allow amazon.com), then run this again."
            raise Invalid(f"ACM does not issue the certificate: its state is {status}.", where, fix)
        if status != desired.fields["status"]:
            fix = "Check that the domain's name servers are those of this zone, then run this again."
            raise Conflict(f"ACM has not issued the certificate yet: its state is {status}.", where, fix)

    def _own(self, client: AwsClient, id_: str, there: Sequence[Answer], mark: Answer) -> Answer | None:
        """A record that another certificate needs is handed over: it loses the mark alone."""
        record = super()._own(client, id_, there, mark)
        return None if record and needing(client, id_.partition("/")[2], _words(mark)) else record

    def owned(self, client: AwsClient, tags: Mapping[str, str], name: str) -> list[Observed]:
        found = []
        for each in made_for(client, tags):
            desired = Resource(self.name, f"{each.zone}/{each.domain}", {}, {"certificate": each.arn}, present=False)
            there = self.find(client, desired) if each.zone else None
            found += [there] if there and tagged(there.tags, tags) else []
        return found


def remembered(client: AwsClient, balancer: str) -> str:
    """The record that a load balancer's tag names, ``ZONE/NAME``; empty when it names none, or there is none."""
    try:
        (found,) = client.call("elbv2", "describe_load_balancers", Names=[balancer])["LoadBalancers"]
        (tags,) = client.call("elbv2", "describe_tags", ResourceArns=[found["LoadBalancerArn"]])["TagDescriptions"]
    except NotFound:
        return ""
    return next((str(each["Value"]) for each in tags["Tags"] if each["Key"] == RECORD_TAG), "")


def left_here(client: AwsClient, record: str) -> str:
    """The record when nothing remembers it, as after somebody removed the load balancer; empty when it leads to another
    region: what a fleet of the same name has there bears the same mark."""
    found = _of_type(_records(client, record)[0], "A")
    return record if found is None or f".{client.region}.elb." in _place(found)[1] else ""


def _validation(client: AwsClient, arn: str) -> tuple[str, str, str] | None:
    """A certificate's status, and name and value of its validation record, which ACM shows a while later."""
    try:
        found = client.call("acm", "describe_certificate", CertificateArn=arn)["Certificate"]
    except NotFound:
        return None
    for each in found.get("DomainValidationOptions", ()):
        if record := each.get("ResourceRecord"):
            return str(found["Status"]), plain_name(record["Name"]), str(record["Value"])
    return None


def _alias(client: AwsClient, arn: str) -> Answer:
    """What a record says that leads to a load balancer; nothing while there is none."""
    if not known(arn):
        return {}
    (found,) = client.call("elbv2", "describe_load_balancers", LoadBalancerArns=[arn])["LoadBalancers"]
    zone, address = found["CanonicalHostedZoneId"], found["DNSName"]
    return {"AliasTarget": {"HostedZoneId": zone, "DNSName": f"{plain_name(address)}.", "EvaluateTargetHealth": False}}


def _place(record: Answer) -> tuple[str, str]:
    """Where an alias leads. The console writes ``dualstack.`` before an address, which leads to the same place."""
    alias = record.get("AliasTarget", {})
    return alias.get("HostedZoneId", ""), plain_name(alias.get("DNSName", "")).removeprefix("dualstack.")


def _text(record: Answer) -> str:
    """Where a record leads, in words."""
    alias = record.get("AliasTarget")
    return alias["DNSName"] if alias else ", ".join(sorted(each["Value"] for each in record["ResourceRecords"]))


def _words(mark: Answer | None) -> dict[str, str]:
    return words_of(_text(mark).replace('"', "")) if mark else {}


def _of_type(records: Sequence[Answer], type_: str) -> Answer | None:
    return next((each for each in records if each["Type"] == type_), None)


def _records(client: AwsClient, id_: str) -> tuple[list[Answer], Answer | None]:
    """What is there under a name, and the mark beside it; of a zone that is gone, nothing."""
    zone, _slash, name = id_.partition("/")
    try:
        there = [each for each in _named(client, zone, name) if each["Type"] in _ALIKE]
        marks = [each for each in _named(client, zone, f"{_MARK}{name}") if each["Type"] == "TXT"]
    except NotFound:
        return [], None
    return there, next(iter(marks), None)


def _named(client: AwsClient, zone: str, name: str) -> list[Answer]:
    """All records of one name: Route 53 lists from a name on."""
    listed: dict[str, Any] = client.call("route53", "list_resource_record_sets", HostedZoneId=zone,
                                         StartRecordName=f"{name}.", MaxItems="100")  # fmt: skip
    return [each for each in listed["ResourceRecordSets"] if plain_name(each["Name"]) == name]


def _change(client: AwsClient, id_: str, changes: Sequence[tuple[str, Answer]]) -> None:
    batch = [{"Action": action, "ResourceRecordSet": record} for action, record in changes]
    again = all(action != "CREATE" for action, _record in changes)
    client.call("route53", "change_resource_record_sets", idempotent=again, HostedZoneId=id_.partition("/")[0],
                ChangeBatch={"Changes": batch})  # fmt: skip


DNS_RECORD = DnsRecord("dns_record", "DNS record", "A")
VALIDATION_RECORD = ValidationRecord("validation_record", "validation record", "CNAME")
