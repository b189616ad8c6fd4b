# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet in an AWS account in this process, by the engine itself and without a module around it."""

from __future__ import annotations

import contextlib
import datetime
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_credentials import AwsCredentials
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_network_kinds import Vpc
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_provision import Provision
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_removal import Removal
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Poll, Retry
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.resource import Resource
from ansible_collections.praxis.cloud.plugins.modules.aws_infrastructure import ARGUMENTS
from tests.unit.conftest import KEYS, REGION, Cloud

FLEET, HOST = "alpha", "agents.example.org"
PRINCIPAL, POD_ROLE = "arn:aws:iam::123456789012:role/operators/night", "arn:aws:iam::123456789012:role/agents"
#: A cluster in which there is one of everything.
CLUSTER: dict[str, Any] = {
    "addons": [
        {"name": "coredns", "version": "v1.11.3-eksbuild.1", "configuration": {"replicaCount": 2}},
        {"name": "eks-pod-identity-agent"},
    ],
    "access": [{"principal": PRINCIPAL, "policy": "AmazonEKSEditPolicy", "namespaces": ["praxis"]}],
    "pod_identity": [{"service_account": "agent", "role": POD_ROLE}],
    "oidc": True,
}
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4 somebody"
#: Everything that an account has of a fleet: operation, key of the list, key of the id.
LISTED = (
    ("ec2", "describe_vpcs", "Vpcs", "VpcId"),
    ("ec2", "describe_subnets", "Subnets", "SubnetId"),
    ("ec2", "describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
    ("ec2", "describe_route_tables", "RouteTables", "RouteTableId"),
    ("ec2", "describe_security_groups", "SecurityGroups", "GroupId"),
    ("ec2", "describe_key_pairs", "KeyPairs", "KeyPairId"),
    ("iam", "list_roles", "Roles", "RoleName"),
    ("iam", "list_instance_profiles", "InstanceProfiles", "InstanceProfileName"),
    ("elbv2", "describe_load_balancers", "LoadBalancers", "LoadBalancerArn"),
    ("elbv2", "describe_target_groups", "TargetGroups", "TargetGroupArn"),
)


@dataclass
class Clock:
    """Time that passes only while something waits."""

    now: float = 0.0

    def read(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class Account:
    """One account, and the fleet's settings."""

    cloud: Cloud
    options: dict[str, Any] = field(default_factory=dict)
    own: set[tuple[str, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        image = self.cloud.client("ec2").register_image(Name="debian", RootDeviceName="/dev/xvda")["ImageId"]
        self.options = {name: argument.get("default") for name, argument in ARGUMENTS.items()} | {
            "fleet": FLEET, "hosts": 1, "vpc_cidr": "10.42.0.0/16", "public_key": KEY, "image_id": image,
            "ssh_from": ["203.0.113.7/32", "2001:db8::/64"], "deadline": 60, **self.options,
        }  # fmt: skip
        self.own = set(self._listed())

    def client(self) -> AwsClient:
        """A client whose waits take no time; one for all tests, for the SDK takes long to make its own."""
        if "engine" not in self.cloud.clients:
            clock = Clock()
            credentials = AwsCredentials(KEYS["AWS_ACCESS_KEY_ID"], KEYS["AWS_SECRET_ACCESS_KEY"])
            retry = Retry(clock=clock.read, sleep=clock.sleep)
            self.cloud.clients["engine"] = AwsClient(
                REGION, endpoint_url=self.cloud.endpoint, credentials=credentials, retry=retry
            )
        client: AwsClient = self.cloud.clients["engine"]
        return client

    def poll(self) -> Poll:
        clock = Clock()
        return Poll(clock=clock.read, sleep=clock.sleep)

    def present(self, *, check: bool = False, **options: Any) -> dict[str, Any]:
        return Provision(self.client(), {**self.options, **options}, self.poll()).present(check)

    def absent(self, *, check: bool = False, **options: Any) -> dict[str, Any]:
        return Removal(self.client(), {**self.options, **options}, self.poll()).absent(check)

    def resources(self) -> dict[str, int]:
        """How many there are of each kind, beyond what the account had."""
        found = [kind for kind, _id in set(self._listed()) - self.own]
        return {kind: found.count(kind) for kind in sorted(set(found))}

    def _listed(self) -> Iterator[tuple[str, str]]:
        for service, operation, list_, id_ in LISTED:
            for each in getattr(self.cloud.client(service), operation)()[list_]:
                main = any(one.get("Main") for one in each.get("Associations", ()))
                if not main and each.get("GroupName") != "default":
                    yield list_, each[id_]
        for reservation in self.cloud.client("ec2").describe_instances()["Reservations"]:
            for each in reservation["Instances"]:
                if each["State"]["Name"] != "terminated":
                    yield "Instances", each["InstanceId"]
        disks = [{"Name": "tag:praxis_data", "Values": ["slot"]}]
        for each in self.cloud.client("ec2").describe_volumes(Filters=disks)["Volumes"]:
            yield "Volumes", each["VolumeId"]
        for balancer in self.cloud.client("elbv2").describe_load_balancers()["LoadBalancers"]:
            listeners = self.cloud.client("elbv2").describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])
            yield from (("Listeners", each["ListenerArn"]) for each in listeners["Listeners"])
        acm = self.cloud.client("acm")
        for each in acm.list_certificates()["CertificateSummaryList"]:
            # The user's own have no tags in any test.
            if acm.list_tags_for_certificate(CertificateArn=each["CertificateArn"])["Tags"]:
                yield "Certificates", each["CertificateArn"]
        yield from (("Records", f"{name} {type_}") for name, type_ in self.records())
        issuers = self.cloud.client("iam").list_open_id_connect_providers()["OpenIDConnectProviderList"]
        yield from (("Issuers", each["Arn"]) for each in issuers)
        eks = self.cloud.client("eks")
        for name in eks.list_clusters()["clusters"]:
            yield "Clusters", name
            yield from (("NodeGroups", each) for each in eks.list_nodegroups(clusterName=name)["nodegroups"])
            yield from (("Addons", each) for each in eks.list_addons(clusterName=name)["addons"])
            for principal in eks.list_access_entries(clusterName=name)["accessEntries"]:
                entry = eks.describe_access_entry(clusterName=name, principalArn=principal)["accessEntry"]
                # Those of who made it and of its nodes are EKS's own.
                yield from [("AccessEntries", principal)] if entry["tags"] else []
            for each in eks.list_pod_identity_associations(clusterName=name)["associations"]:
                yield "Associations", each["associationId"]
        self.cloud.operations.clear()

    def records(self) -> dict[tuple[str, str], list[str]]:
        """The records of all zones beside their own: where each leads."""
        route53, found = self.cloud.client("route53"), {}
        for zone in route53.list_hosted_zones()["HostedZones"]:
            for each in route53.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]:
                if each["Type"] not in ("NS", "SOA"):
                    values = [one["Value"] for one in each.get("ResourceRecords", ())]
                    found[each["Name"], each["Type"]] = values or [each["AliasTarget"]["DNSName"]]
        self.cloud.operations.clear()
        return found


@contextlib.contextmanager
def another_first_run(account: Account, **options: Any) -> Iterator[None]:
    """Meanwhile another run makes the same fleet, between the look and the first creation of the next one."""
    create, begun = Vpc.create, list[str]()

    def late(self: Vpc, client: AwsClient, desired: Resource) -> str:
        if not begun:
            begun.append("other")
            account.present(**options)
        return create(self, client, desired)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Vpc, "create", late)
        yield


def key_pair(host: str, days: float = 1.0) -> tuple[bytes, bytes]:
    """A certificate for a host with its key, as PEM.

    :param days: until it expires.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=9)).not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    return made.public_bytes(pem), key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)


def zone(cloud: Cloud, domain: str = "example.org") -> str:
    """Id of a public zone."""
    made = cloud.client("route53").create_hosted_zone(Name=domain, CallerReference=str(uuid.uuid4()))
    cloud.operations.clear()
    return str(made["HostedZone"]["Id"]).rpartition("/")[2]


def certificate(cloud: Cloud, host: str = HOST) -> str:
    """ARN of a certificate of the user's, with a key of its own."""
    public, private = key_pair(host)
    answer = cloud.client("acm").import_certificate(Certificate=public, PrivateKey=private)
    cloud.operations.clear()
    return str(answer["CertificateArn"])


def rows(result: dict[str, Any]) -> list[tuple[str, str, str]]:
    """A plan's rows as action, kind and name."""
    return [(row["action"], row["kind"], row["name"]) for row in result["plan"]["rows"]]
