# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The doctor on real machines: nothing is found of a sound fleet, new or deployed; a dozen planted faults are named."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from . import hunting
from .conftest import CHECKOUT, Cloud, Machine, Run

GROUP = "praxis-praxis"
AREAS = {"plan", "agents", "machines", "images", "names", "peers", "networks", "secrets", "infrastructure",
         "permissions"}  # fmt: skip
ENVIRONMENT = "$(find /run/praxis -name environment)"
DROP = ("iptables -w 5 -{0} INPUT -p tcp --dport 4001 -j DROP; "
        "iptables -w 5 -{0} DOCKER-USER ! -i br-+ -p tcp --dport 4001 -j DROP")
SHUT_IN = "iptables -w 5 -{0} DOCKER-USER -i br-+ -p tcp --dport 4001 -j DROP"
REMAP = ("cp /etc/docker/daemon.json /root/ && python3 -c 'import json; path = \"/etc/docker/daemon.json\"; "
         "found = json.load(open(path)); found[\"userns-remap\"] = \"default\"; json.dump(found, open(path, \"w\"))'")


@dataclass(frozen=True)
class Fault:
    """A fault of a machine, by its number, and how it comes and goes. Empty: the printed fix is enough."""

    code: str
    number: int
    plant: str
    unplant: str = ""


FAULTS = (
    Fault("secret-exposed", 1, f"chmod 0444 {ENVIRONMENT}"),
    Fault("secret-unreadable", 1, "chown 0:0 /run/praxis/keys/node.key"),
    Fault("container-shut-in", 1, SHUT_IN.format("I"), SHUT_IN.format("D")),
    Fault("mounts-unreadable", 2, REMAP, "cp /root/daemon.json /etc/docker/daemon.json"),
    Fault("peer-unreachable", 3, DROP.format("I"), DROP.format("D")),
    Fault("mtu-too-large", 3, "ip link set eth0 mtu 1400", "ip link set eth0 mtu 1500"),
    Fault("name-unresolved", 3, "cp /etc/resolv.conf /root/; echo nameserver 127.0.0.9 > /etc/resolv.conf",
          "cat /root/resolv.conf > /etc/resolv.conf"),
)  # fmt: skip
#: Faults of the account: by code, the place that the finding has to name.
ACCOUNT = {
    "p2p-port-shut": "security group praxis-praxis-member",
    "port-open": "security group praxis-praxis-member",
    "vpc-dns-off": "VPC praxis-praxis",
    "health-check-differs": "target group praxis-praxis",
}


def sandbox(*arguments: str) -> None:
    command = [sys.executable, "-m", "sandbox", "fault", *arguments]
    subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True)


@dataclass
class Fleet:
    """Three machines by number, and the account past the product.

    :param found: the findings of the planted faults, by code.
    :param sent: by verb, the actions that it has sent.
    """

    cloud: Cloud
    found: dict[str, Any] = field(default_factory=dict)
    sent: dict[str, set[str]] = field(default_factory=dict)

    def run(self, verb: str, *arguments: str, **more: Any) -> Run:
        """Run a playbook, and keep what it asks AWS for."""
        mark = self.cloud.mark()
        run = self.cloud.run(f"{verb}.yml", *arguments, **more)
        asked = {"{service}:{operation}".format(**each) for each in self.cloud.operations(mark)}
        self.sent.setdefault(verb, set()).update(each.replace("elbv2:", "elasticloadbalancing:") for each in asked)
        return run

    def policies(self) -> dict[str, list[dict[str, Any]]]:
        """By verb, the statements of its policy, as the playbook says them."""
        found = self.cloud.run("policies.yml").summary["policies"]
        return {verb: document["Statement"] for verb, document in found.items()}

    def machine(self, number: int) -> Machine:
        return next(item for item in self.cloud.machines() if item.name == f"praxis-aws-{number}")

    def doctor(self, expect: int) -> Run:
        mark, before = self.cloud.mark(), hunting.fingerprints(self.cloud)
        run = self.run("doctor", expect=expect)
        assert not run.changed
        assert not [each for each in self.cloud.operations(mark) if each["mutating"]]
        assert hunting.fingerprints(self.cloud) == before
        return run

    def client(self, service: str) -> Any:
        import boto3

        return boto3.client(service, **self.cloud.administrator)

    def break_account(self) -> None:
        ec2, balancers = self.client("ec2"), self.client("elbv2")
        (group,) = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": [f"{GROUP}-member"]}])[
            "SecurityGroups"]  # fmt: skip
        rules = [rule for rule in group["IpPermissions"] if rule.get("FromPort") == 4001]
        ec2.revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=rules)
        world = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
        ec2.authorize_security_group_ingress(GroupId=group["GroupId"], IpPermissions=[world])
        ec2.modify_vpc_attribute(VpcId=group["VpcId"], EnableDnsHostnames={"Value": False})
        (target,) = balancers.describe_target_groups(Names=[GROUP])["TargetGroups"]
        balancers.modify_target_group(TargetGroupArn=target["TargetGroupArn"], HealthCheckPath="/wrong")


@pytest.fixture(scope="module")
def fleet(cloud: Cloud) -> Fleet:
    """Three machines without an agent."""
    found = Fleet(cloud)
    found.run("provision")
    return found


@pytest.fixture(scope="module")
def deployed(fleet: Fleet) -> Fleet:
    fleet.run("deploy")
    return fleet


@pytest.fixture(scope="module")
def planted(deployed: Fleet) -> Iterator[Fleet]:
    """All faults at once."""
    try:
        for fault in FAULTS:
            deployed.cloud.on(deployed.machine(fault.number), fault.plant)
        sandbox("link", "cut", "praxis-aws-2", "registry")
        deployed.break_account()
        yield deployed
    finally:
        for fault in FAULTS:
            if fault.unplant:
                deployed.cloud.on(deployed.machine(fault.number), fault.unplant, check=False)
        sandbox("link", "heal")


@pytest.mark.once
@pytest.mark.repetition
def test_of_a_new_fleet_nothing_is_found(fleet: Fleet) -> None:
    summary = fleet.doctor(expect=0).summary
    assert (summary["ok"], summary["findings"]) == (True, [])
    checked = {row["area"]: row["checked"] for row in summary["checks"]}
    assert set(checked) == AREAS
    assert (checked["peers"], checked["images"], checked["networks"]) == (6, 3, 0)


@pytest.mark.once
def test_of_a_sound_fleet_nothing_is_found(deployed: Fleet) -> None:
    run = deployed.doctor(expect=0)
    assert (run.summary["ok"], run.summary["findings"]) == (True, [])
    assert all(row["checked"] for row in run.summary["checks"])
    assert "fleet praxis: sound" in run.output


@pytest.mark.once
def test_a_verb_asks_for_what_its_policy_allows_and_for_nothing_else(deployed: Fleet) -> None:
    for verb, statements in deployed.policies().items():
        allowed = {action for each in statements for action in each["Action"]}
        sent = deployed.sent.get(verb, set()) - {"sts:GetCallerIdentity"}  # needs no permission
        assert sent <= allowed, verb
    assert {"ec2:RunInstances"} <= deployed.sent["provision"]
    asked = {"secretsmanager:BatchGetSecretValue", "ecr:DescribeImages", "iam:SimulatePrincipalPolicy"}
    assert asked <= deployed.sent["doctor"]


@pytest.mark.once
def test_planted_faults_are_named_and_nothing_else_is(planted: Fleet) -> None:
    run = planted.doctor(expect=2)
    named = {(item["code"], item["where"]) for item in run.summary["findings"]}
    wanted = {(fault.code, f"praxis-aws-{fault.number}") for fault in FAULTS}
    assert named == wanted | {("registry-unreachable", "praxis-aws-2")} | set(ACCOUNT.items())
    levels = {item["code"]: item["level"] for item in run.summary["findings"]}
    assert [code for code, level in levels.items() if level == "warning"] == ["port-open"]
    planted.found = {item["code"]: item for item in run.summary["findings"]}
    assert "fleet praxis: not sound" in run.output


@pytest.mark.once
@pytest.mark.repetition
def test_what_the_findings_say_fixes_them(planted: Fleet) -> None:
    """The commands for a machine as they are printed, and provision.yml for the account; the rest is taken away."""
    for fault in FAULTS:
        machine = planted.machine(fault.number)
        if fault.unplant:
            planted.cloud.on(machine, fault.unplant)
            continue
        (command,) = re.findall(r"On the machine: ([^;]*)", planted.found[fault.code]["fix"])
        planted.cloud.on(machine, command)
    sandbox("link", "heal")
    planted.cloud.run("provision.yml")
    planted.cloud.run("verify.yml", expect=None)  # waits until the load balancer has asked again
    assert planted.doctor(expect=0).summary["findings"] == []
