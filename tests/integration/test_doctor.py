# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The doctor on real machines: nothing is found of a sound fleet, new or deployed; a dozen planted faults are named."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
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
    """A fault of a machine, by its number, and how it comes and goes. Empty: the printed command fixes it."""

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


ENGINE_DOWN = Fault("engine-down", 2, "systemctl stop docker.socket docker.service")


def sandbox(*arguments: str) -> None:
    command = [sys.executable, "-m", "sandbox", "fault", *arguments]
    subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True)


def _as_policies_say(operation: str) -> str:
    """An operation of the log by its action's name, where IAM calls the service otherwise."""
    service, _colon, name = operation.partition(":")
    words = {"elbv2": "elasticloadbalancing", "service-quotas": "servicequotas"}
    return f"{words.get(service, service)}:{name}"


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
        self.sent.setdefault(verb, set()).update(_as_policies_say(each) for each in asked)
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

    def run_printed(self, findings: Iterable[dict[str, Any]]) -> None:
        """Run the playbooks that findings print, each once."""
        commands = {item["command"] for item in findings if item["run_on"] == "controller"}
        assert commands
        for command in sorted(commands):
            program, playbook = command.split()
            assert program == "ansible-playbook"
            self.cloud.run(playbook)

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
    """Every command as it is printed, on the machine or here; what has none is a person's, and is taken away."""
    for fault in FAULTS:
        found = planted.found[fault.code]
        assert found["run_on"] == ("" if fault.unplant else "machine")
        planted.cloud.on(planted.machine(fault.number), fault.unplant or found["command"])
    sandbox("link", "heal")
    assert {planted.found[code]["run_on"] for code in ACCOUNT} == {"controller"}
    planted.run_printed(planted.found.values())
    planted.cloud.run("verify.yml", expect=None)  # waits until the load balancer has asked again
    assert planted.doctor(expect=0).summary["findings"] == []


@pytest.mark.once
@pytest.mark.repetition
def test_the_playbook_that_a_finding_names_fixes_it(deployed: Fleet) -> None:
    deployed.cloud.on(deployed.machine(1), "docker rm -f praxis-agent-1")
    deployed.cloud.on(deployed.machine(2), "docker stop praxis-agent-1")
    found = deployed.doctor(expect=2).summary["findings"]
    about = [item for item in found if item["code"] in ("no-container", "container-stopped")]
    assert [item["where"] for item in about] == ["praxis-aws-1", "praxis-aws-2"]
    deployed.run_printed(about)
    assert deployed.doctor(expect=0).summary["findings"] == []


@pytest.mark.once
@pytest.mark.repetition
def test_what_is_named_is_fixed_and_nothing_else(deployed: Fleet) -> None:
    cloud, exposed = deployed.cloud, FAULTS[0]
    cloud.on(deployed.machine(exposed.number), exposed.plant)
    cloud.on(deployed.machine(ENGINE_DOWN.number), ENGINE_DOWN.plant)
    both = {exposed.code: "praxis-aws-1", ENGINE_DOWN.code: "praxis-aws-2"}

    def named(run: Run) -> dict[str, str]:
        return {item["code"]: item["where"] for item in run.summary["findings"]}

    def states(run: Run) -> dict[str, str]:
        return {item["code"]: item["state"] for item in run.summary["fixed"]}

    unknown = fixing(deployed, "secret-exposed", "everything")
    assert (unknown.changed, states(unknown)) == ({}, {})
    assert named(unknown) == {**both, "unknown-fix": "praxis_doctor_fix"}

    predicted = fixing(deployed, *both, check=True)
    assert (predicted.changed, states(predicted), named(predicted)) == ({}, dict.fromkeys(both, "would"), both)

    one = fixing(deployed, "secret-exposed")
    assert (one.changed, states(one)) == ({"praxis-aws-1": 1}, {"secret-exposed": "fixed"})
    assert named(one) == {ENGINE_DOWN.code: "praxis-aws-2"}
    assert "fixed: praxis-aws-1: secret-exposed, by chown " in one.output

    rest = fixing(deployed, *both)
    assert (rest.changed, states(rest)) == ({"praxis-aws-2": 1}, {ENGINE_DOWN.code: "fixed"})
    cloud.run("verify.yml", expect=None)  # waits until the agent is in the mesh and behind the load balancer again
    assert deployed.doctor(expect=0).summary["findings"] == []


def fixing(fleet: Fleet, *names: str, check: bool = False) -> Run:
    """The doctor, that is to fix these. An error is found before or after, or none."""
    arguments = ["--check"] if check else []
    return fleet.cloud.run("doctor.yml", "-e", json.dumps({"praxis_doctor_fix": names}), *arguments, expect=None)
