# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What provision.yml and down.yml do to an account. The tests go in this order."""

from __future__ import annotations

import http.client
import ipaddress
import json
import re
import socket
import ssl
from typing import Any

import boto3
import pytest
from cryptography import x509

from .conftest import HOME, Cloud
from .seen import wait_for

FLEET, PASSING = "praxis", "passing"
#: What the sandbox's certificate is for.
DOMAIN = "agents.sandbox.example"


class Account:
    """The account past the product, as its owner sees it."""

    def __init__(self, cloud: Cloud) -> None:
        keys = json.loads((HOME / "aws" / "administrator.json").read_text(encoding="utf-8"))
        session = boto3.Session(keys["access_key"], keys["secret_key"], region_name=cloud.environment["AWS_REGION"])
        endpoint = cloud.environment["AWS_ENDPOINT_URL"]
        services = ("ec2", "elbv2", "iam", "route53")
        self.ec2, self.elb, self.iam, self.route53 = (session.client(each, endpoint_url=endpoint) for each in services)

    def resources(self, fleet: str) -> dict[str, dict[str, str]]:
        """Tags of everything that provision made for a fleet, by id."""
        mine = [
            {"Name": "tag:praxis_fleet", "Values": [fleet]},
            {"Name": "tag:praxis_managed_by", "Values": ["provision"]},
        ]
        found: dict[str, list[dict[str, str]]] = {}
        for operation, answer, id_ in (
            ("describe_vpcs", "Vpcs", "VpcId"),
            ("describe_subnets", "Subnets", "SubnetId"),
            ("describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
            ("describe_route_tables", "RouteTables", "RouteTableId"),
            ("describe_security_groups", "SecurityGroups", "GroupId"),
            ("describe_key_pairs", "KeyPairs", "KeyPairId"),
        ):
            for item in getattr(self.ec2, operation)(Filters=mine)[answer]:
                found[item[id_]] = item["Tags"]
        live = [*mine, {"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]}]
        for reservation in self.ec2.describe_instances(Filters=live)["Reservations"]:
            found.update({item["InstanceId"]: item["Tags"] for item in reservation["Instances"]})
        arns = [item["LoadBalancerArn"] for item in self.elb.describe_load_balancers()["LoadBalancers"]]
        arns += [item["TargetGroupArn"] for item in self.elb.describe_target_groups()["TargetGroups"]]
        for arn in arns:
            found[arn] = self.elb.describe_tags(ResourceArns=[arn])["TagDescriptions"][0]["Tags"]
        for role in self.iam.list_roles()["Roles"]:
            found[role["Arn"]] = self.iam.list_role_tags(RoleName=role["RoleName"])["Tags"]
        tags = {key: {tag["Key"]: tag["Value"] for tag in items} for key, items in found.items()}
        return {key: value for key, value in tags.items() if value.get("praxis_fleet") == fleet}

    def instances(self, fleet: str) -> list[dict[str, Any]]:
        """The fleet's running instances by slot."""
        running = [
            {"Name": "tag:praxis_fleet", "Values": [fleet]},
            {"Name": "instance-state-name", "Values": ["running"]},
        ]
        found = [
            one for many in self.ec2.describe_instances(Filters=running)["Reservations"] for one in many["Instances"]
        ]
        return sorted(found, key=lambda one: tag(one, "praxis_slot"))

    def tag(self, id_: str, **tags: str) -> None:
        pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
        if id_.startswith("arn:aws:elasticloadbalancing"):
            self.elb.add_tags(ResourceArns=[id_], Tags=pairs)
        elif id_.startswith("arn:aws:iam"):
            self.iam.tag_role(RoleName=id_.rsplit("/", 1)[1], Tags=pairs)
        else:
            self.ec2.create_tags(Resources=[id_], Tags=pairs)


def tag(resource: dict[str, Any], key: str) -> str:
    return str(next(item["Value"] for item in resource["Tags"] if item["Key"] == key))


def mutations(cloud: Cloud, since: int) -> list[str]:
    return [f"{item['service']}:{item['operation']}" for item in cloud.operations(since) if item["mutating"]]


@pytest.fixture(scope="module")
def account(cloud: Cloud) -> Account:
    return Account(cloud)


@pytest.fixture(scope="module")
def provisioned(cloud: Cloud, account: Account) -> Cloud:
    run = cloud.run("provision.yml")
    assert run.summary["ok"]
    assert [machine["slot"] for machine in run.summary["machines"]] == ["aws-1", "aws-2", "aws-3"]
    return cloud


@pytest.fixture(scope="module")
def passing(provisioned: Cloud) -> dict[str, str]:
    """Environment of a second, small fleet in a part of the sandbox's network that the first leaves free."""
    network = ipaddress.ip_network(provisioned.environment["PRAXIS_VPC_CIDR"])
    upper = list(network.subnets(prefixlen_diff=1))[1]
    return {"PRAXIS_FLEET": PASSING, "PRAXIS_HOSTS": "1", "PRAXIS_VPC_CIDR": str(upper)}


def test_check_mode_before_anything_exists_is_honest_and_reads_only(cloud: Cloud) -> None:
    mark = cloud.mark()
    run = cloud.run("provision.yml", "--check", "--diff", environment={"PRAXIS_FLEET": "newcomer"})
    assert mutations(cloud, mark) == []
    assert run.summary["ok"]
    assert run.summary["machines"] == []
    assert run.summary["launched"] == ["aws-1", "aws-2", "aws-3"]
    assert run.output.count("(known after apply)") >= 9
    plan = run.summary["clouds"]["aws"]["plan"]
    assert plan["counts"] == {"create": 16, "change": 0, "replace": 0, "remove": 0}
    said = " ".join(run.output.split())
    for kind in (
        "VPC praxis-newcomer",
        "subnet praxis-newcomer-",
        "internet gateway praxis-newcomer",
        "route table praxis-newcomer",
        "security group praxis-newcomer-balancer",
        "security group praxis-newcomer-member",
        "role praxis-newcomer",
        "instance profile praxis-newcomer",
        "key pair praxis-newcomer",
        "target group praxis-newcomer",
        "load balancer praxis-newcomer",
        "16 to create, 0 to change, 0 to replace, 0 to remove; plan",
    ):
        assert kind in said


def test_machines_are_spread_closed_and_encrypted(provisioned: Cloud, account: Account) -> None:
    machines = account.instances(FLEET)
    zones = [machine["Placement"]["AvailabilityZone"] for machine in machines]
    assert len(set(zones)) == 2
    assert zones[0] == zones[2] != zones[1]
    reserved = next(ipaddress.ip_network(provisioned.environment["PRAXIS_VPC_CIDR"]).subnets(new_prefix=20))
    for number, machine in enumerate(machines, start=1):
        assert {item["Key"]: item["Value"] for item in machine["Tags"]} == {
            "Name": f"praxis-aws-{number}",
            "praxis_fleet": FLEET,
            "praxis_managed_by": "provision",
            "praxis_role": "agent",
            "praxis_slot": f"aws-{number}",
        }
        assert machine["MetadataOptions"]["HttpTokens"] == "required"
        assert machine["MetadataOptions"]["HttpPutResponseHopLimit"] == 1
        assert machine["ClientToken"].startswith(f"praxis-{FLEET}-aws-{number}-")
        assert ipaddress.ip_address(machine["PrivateIpAddress"]) not in reserved
        (disk,) = machine["BlockDeviceMappings"]
        (volume,) = account.ec2.describe_volumes(VolumeIds=[disk["Ebs"]["VolumeId"]])["Volumes"]
        assert (volume["Encrypted"], volume["VolumeType"]) == (True, "gp3")


def test_the_firewall_opens_nothing_to_the_world(provisioned: Cloud, account: Account) -> None:
    groups = account.ec2.describe_security_groups(Filters=[{"Name": "tag:praxis_fleet", "Values": [FLEET]}])[
        "SecurityGroups"
    ]
    by_name = {group["GroupName"]: group for group in groups}
    member, balancer = by_name["praxis-praxis-member"], by_name["praxis-praxis-balancer"]
    vpc = [provisioned.environment["PRAXIS_VPC_CIDR"]]

    def opened(group: dict[str, Any]) -> dict[int, tuple[list[str], list[str]]]:
        return {
            rule["FromPort"]: (
                [pair["GroupId"] for pair in rule["UserIdGroupPairs"]],
                [source["CidrIp"] for source in rule["IpRanges"]],
            )
            for rule in group["IpPermissions"]
        }

    assert opened(member) == {
        22: ([], vpc),
        4001: ([member["GroupId"]], []),
        8000: ([balancer["GroupId"]], []),
    }
    assert opened(balancer) == {80: ([], vpc)}


def test_the_instance_role_may_do_nothing(provisioned: Cloud, account: Account) -> None:
    """Secrets and logins are the controller's to bring."""
    role = f"praxis-{FLEET}-{provisioned.environment['AWS_REGION']}"
    assert account.iam.list_role_policies(RoleName=role)["PolicyNames"] == []
    assert account.iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"] == []


def test_a_second_run_changes_nothing_and_only_reads(provisioned: Cloud) -> None:
    mark = provisioned.mark()
    run = provisioned.run("provision.yml")
    assert run.changed == {}
    assert mutations(provisioned, mark) == []
    assert len(provisioned.operations(mark)) > 0
    # Each machine answered when it was asked who holds the fleet, and nothing was changed since that could shut us out.
    assert len(re.findall(r"praxis-aws-\d .* ok$", run.output, re.MULTILINE)) == 3
    assert not re.search(r"TASK \[Wait until SSH lets Ansible in\] \**\nok:", run.output)


def test_what_was_edited_by_hand_is_restored(provisioned: Cloud, account: Account) -> None:
    """This is also how the test above turns red: it asserts the opposite after one edited tag."""
    before = account.resources(FLEET)
    addresses = [machine["PrivateIpAddress"] for machine in account.instances(FLEET)]
    assert len(before) == 14  # VPC, 2 subnets, gateway, routes, 2 groups, key, role, 3 machines, balancer, target group
    first, second, third = (machine["InstanceId"] for machine in account.instances(FLEET))
    account.tag(first, praxis_fleet="stolen", Name="renamed")
    account.tag(second, praxis_slot="aws-9")
    for id_ in set(before) - {first, second, third}:
        account.tag(id_, praxis_fleet="stolen")
    group = next(id_ for id_ in before if before[id_].get("Name") == "praxis-praxis-member")
    hole = {"IpProtocol": "tcp", "FromPort": 4001, "ToPort": 4001, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    account.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[hole])

    mark = provisioned.mark()
    predicted = provisioned.run("provision.yml", "--check", "--diff")
    assert mutations(provisioned, mark) == []
    mark = provisioned.mark()
    real = provisioned.run("provision.yml", "--diff")
    assert real.changed == predicted.changed != {}
    assert "elbv2:AddTags" in mutations(provisioned, mark)
    assert "ec2:CreateTags" in mutations(provisioned, mark)
    assert "ec2:RevokeSecurityGroupIngress" in mutations(provisioned, mark)
    assert "ec2:RunInstances" not in mutations(provisioned, mark)
    assert account.resources(FLEET) == before
    assert [machine["PrivateIpAddress"] for machine in account.instances(FLEET)] == addresses


def test_fewer_hosts_terminate_nothing_unasked(provisioned: Cloud, account: Account) -> None:
    mark = provisioned.mark()
    run = provisioned.run("provision.yml", expect=2, environment={"PRAXIS_HOSTS": "2"})
    assert mutations(provisioned, mark) == []
    assert "provision_allow_shrink" in run.output
    assert "aws-3" in run.output
    assert len(account.instances(FLEET)) == 3


def test_the_balancer_goes_only_with_leave_and_comes_back(provisioned: Cloud, account: Account) -> None:
    """Turned off, or with a target group of somebody else's in its place, its address would be lost."""

    def kinds() -> set[str]:
        arns = [id_ for id_ in account.resources(FLEET) if id_.startswith("arn:aws:elasticloadbalancing")]
        return {arn.split(":")[5].split("/")[0] for arn in arns}

    off = {"praxis_balancer": False}
    mark = provisioned.mark()
    refused = provisioned.run("provision.yml", expect=2, variables=off)
    assert "praxis_allow_shrink" in refused.output
    assert mutations(provisioned, mark) == []
    run = provisioned.run("provision.yml", variables={**off, "praxis_allow_shrink": True})
    assert (run.summary["balancer"], kinds()) == ("", set())
    assert provisioned.run("provision.yml").summary["balancer"]
    assert kinds() == {"loadbalancer", "targetgroup"}


def test_the_world_must_be_asked_for_by_name(provisioned: Cloud) -> None:
    """Each in its own spelling, so that the message shows which of them were seen."""
    world = {"praxis_p2p_from": ["::/0"], "praxis_api_from": ["::/0"], "praxis_balancer_from": ["0.0.0.0/0"]}
    mark = provisioned.mark()
    run = provisioned.run("provision.yml", expect=2, variables=world)
    assert mutations(provisioned, mark) == []
    said = " ".join(run.output.split())
    assert "firewall_p2p_from name the whole internet, or a large part of it (::/0)" in said
    both = "firewall_api_from and firewall_balancer_from"
    assert f"{both} name the whole internet, or a large part of it (::/0, 0.0.0.0/0)" in said
    for switch in ("firewall_open_api_to_world=true", "firewall_open_p2p_to_world=true"):
        assert switch in said


def answers(address: str) -> tuple[str, int, str, int] | None:
    """Of port 443, the certificate's name and the status; of port 80, where it sends to; None where nothing answers."""
    try:
        return asked(address)
    except OSError:
        return None


def asked(address: str) -> tuple[str, int, str, int]:
    """Of both ports."""
    context = ssl.create_default_context(cafile=str(HOME / "tls" / "ca.crt"))
    plain = socket.create_connection((address, 443), 5)
    with plain, context.wrap_socket(plain, server_hostname=DOMAIN) as secure:
        secure.sendall(f"GET /health HTTP/1.1\r\nHost: {DOMAIN}\r\nConnection: close\r\n\r\n".encode())
        status = int(secure.recv(64).split()[1])
        names = [name for _kind, name in (secure.getpeercert() or {})["subjectAltName"]]
    plainly = http.client.HTTPConnection(address, 80, timeout=5)
    plainly.request("GET", "/health?x=1", headers={"Host": DOMAIN})
    redirect = plainly.getresponse()
    plainly.close()
    return names[0], status, redirect.headers["Location"] or "", redirect.status


def issuer(address: str) -> str:
    """The common name of who issued the certificate of port 443. The sandbox's ACM is nobody that a client trusts."""
    presented = x509.load_pem_x509_certificate(ssl.get_server_certificate((address, 443)).encode())
    return str(presented.issuer.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value)


def zone_of(account: Account) -> set[tuple[str, str]]:
    """Name and type of the records of the balancer's zone, which is made where there is none."""
    route53, domain = account.route53, DOMAIN.partition(".")[2]
    zones = route53.list_hosted_zones_by_name(DNSName=domain)["HostedZones"]
    zone = zones[0] if zones else route53.create_hosted_zone(Name=domain, CallerReference="test")["HostedZone"]
    records = route53.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]
    return {(each["Name"], each["Type"]) for each in records}


def test_443_answers_with_the_certificate_80_redirects_and_public_needs_a_login(
    provisioned: Cloud, account: Account
) -> None:
    """A real HAProxy stands for the load balancer; a wrong name and a public API are refused untouched."""
    secure = {"PRAXIS_CERTIFICATE": (HOME / "aws" / "certificate").read_text().strip(), "PRAXIS_DNS_NAME": DOMAIN}
    mark = provisioned.mark()
    wrong = {**secure, "PRAXIS_DNS_NAME": "agents.example.org", "PRAXIS_API_EXPOSURE": "public"}
    refused = provisioned.run("provision.yml", expect=2, environment=wrong)
    assert [each["code"] for each in refused.failed[0]["failures"]] == [
        "public-without-authentication",
        "certificate-mismatch",
    ]
    assert mutations(provisioned, mark) == []

    run = provisioned.run("provision.yml", environment=secure)
    assert run.summary["clouds"]["aws"]["plan"]["counts"] == {"create": 1, "change": 2, "replace": 0, "remove": 0}
    # Without a member in it yet, the balancer itself answers 503.
    expected = (DOMAIN, 503, f"https://{DOMAIN}/health?x=1", 301)
    wait_for("HTTPS at the balancer", lambda: answers(run.summary["balancer"]) == expected)

    # One that ACM makes takes its place, when a record in the zone has proved whose the name is.
    zone = zone_of(account)
    managed = {"PRAXIS_CERTIFICATE": "managed", "PRAXIS_DNS_NAME": DOMAIN, "PRAXIS_DNS_ZONE": DOMAIN.partition(".")[2]}
    named = provisioned.run("provision.yml", environment=managed)
    created = [row["kind"] for row in named.summary["clouds"]["aws"]["plan"]["rows"] if row["action"] == "create"]
    assert created == ["certificate", "validation record", "DNS record"]
    address = named.summary["balancer"]
    wait_for("the certificate that was made", lambda: issuer(address) == "Amazon")

    plain = provisioned.run("provision.yml", variables={"praxis_allow_shrink": True})
    counts = plain.summary["clouds"]["aws"]["plan"]["counts"]
    assert counts == {"create": 0, "change": 3, "replace": 0, "remove": 4}
    assert zone_of(account) == zone


def test_down_removes_its_own_and_nothing_else(provisioned: Cloud, account: Account, passing: dict[str, str]) -> None:
    made = provisioned.run("provision.yml", environment=passing, variables={"praxis_balancer": False})
    assert [machine["name"] for machine in made.summary["machines"]] == ["passing-aws-1"]
    # VPC, 2 subnets, gateway, routes, 2 groups, key, role, machine
    assert len(account.resources(PASSING)) == 10
    others = account.resources(FLEET)
    stranger = account.ec2.create_security_group(
        GroupName="stranger",
        Description="Tagged for the fleet, made by somebody else",
        TagSpecifications=[
            {"ResourceType": "security-group", "Tags": [{"Key": "praxis_fleet", "Value": PASSING}]},
        ],
    )["GroupId"]

    mark = provisioned.mark()
    refused = provisioned.run("down.yml", expect=2, environment=passing)
    assert f"praxis_confirm_down={PASSING}" in refused.output
    provisioned.run("down.yml", "--check", environment=passing)
    assert mutations(provisioned, mark) == []

    confirmed = {"praxis_confirm_down": PASSING}
    run = provisioned.run("down.yml", environment=passing, variables=confirmed)
    assert run.summary["terminated"] == [made.summary["machines"][0]["instance_id"]]
    assert account.resources(PASSING) == {}
    assert account.resources(FLEET) == others
    assert account.ec2.describe_security_groups(GroupIds=[stranger])["SecurityGroups"]
    account.ec2.delete_security_group(GroupId=stranger)

    mark = provisioned.mark()
    again = provisioned.run("down.yml", environment=passing, variables=confirmed)
    assert again.changed == {}
    assert mutations(provisioned, mark) == []


def test_down_leaves_the_vpc_of_somebody_else(provisioned: Cloud, account: Account, passing: dict[str, str]) -> None:
    theirs = account.ec2.create_vpc(CidrBlock=passing["PRAXIS_VPC_CIDR"])["Vpc"]["VpcId"]
    account.tag(theirs, Name="theirs")
    environment = {**passing, "PRAXIS_VPC": theirs}
    provisioned.run("provision.yml", environment=environment, variables={"praxis_balancer": False})
    # 2 subnets, gateway, routes, 2 groups, key, role, machine
    assert len(account.resources(PASSING)) == 9
    provisioned.run("down.yml", environment=environment, variables={"praxis_confirm_down": PASSING})
    assert account.resources(PASSING) == {}
    (left,) = account.ec2.describe_vpcs(VpcIds=[theirs])["Vpcs"]
    assert left["Tags"] == [{"Key": "Name", "Value": "theirs"}]
    account.ec2.delete_vpc(VpcId=theirs)
