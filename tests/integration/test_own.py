# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet on infrastructure that somebody else made: docs/your-own-infrastructure.md, from its top to its end.

The tests go in this order, before those of a fleet that makes everything itself: the sandbox has one load balancer.
"""

from __future__ import annotations

import ipaddress
import json
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from . import seen
from .conftest import CHECKOUT, HOME, Cloud, Machine, Run

FLEET = "sandbox-own"
ONE, TWO = f"{FLEET}-aws-1", f"{FLEET}-aws-2"
TAG = {"owner": "platform"}
PASSWORD = "planted-sudo-password-5f1e"
KNOWN_HOSTS = Path(f"~/.ssh/praxis-{FLEET}.known_hosts").expanduser()
HOST_VARS = (
    "ansible_host", "praxis_cloud", "praxis_region", "praxis_zone", "praxis_network", "praxis_instance_id",
    "praxis_slot", "praxis_private_ip", "praxis_public_ip", "praxis_labels",
)  # fmt: skip


class Platform:
    """What the platform team made, past the product: a network, a firewall, a balancer, a key, a role."""

    def __init__(self, cloud: Cloud) -> None:
        self.ec2, self.elb, self.iam, self.store = (
            boto3.client(service, **cloud.administrator) for service in ("ec2", "elbv2", "iam", "secretsmanager")
        )
        network = list(ipaddress.ip_network(cloud.environment["PRAXIS_VPC_CIDR"]).subnets(new_prefix=18))[3]
        parts = [str(part) for part in network.subnets(new_prefix=20)]
        self.ids: dict[str, Any] = {}
        self.ids["praxis_vpc"] = vpc = self.ec2.create_vpc(CidrBlock=str(network), **tags("vpc"))["Vpc"]["VpcId"]
        self.ids["praxis_subnets"] = subnets = [
            self.ec2.create_subnet(VpcId=vpc, CidrBlock=part, AvailabilityZone=cloud.environment["AWS_REGION"] + zone,
                                   **tags("subnet"))["Subnet"]["SubnetId"] for part, zone in zip(parts, "ab")]
        self.ids["praxis_security_groups"] = [self._group(vpc, "theirs", **tags("security-group"))]
        self.balancer_group = self._group(vpc, "balancer")
        self.ids["praxis_load_balancer"] = balancer = self.elb.create_load_balancer(
            Name="theirs", Subnets=subnets, SecurityGroups=[self.balancer_group], Tags=pairs())["LoadBalancers"][0][
                "LoadBalancerArn"]
        self.ids["praxis_target_group"] = target_group = self.elb.create_target_group(
            Name="theirs", Protocol="HTTP", Port=8000, VpcId=vpc, TargetType="instance", HealthCheckPath="/health",
            HealthCheckIntervalSeconds=5, HealthyThresholdCount=2, Tags=pairs())["TargetGroups"][0]["TargetGroupArn"]
        self.listener = self.elb.create_listener(
            LoadBalancerArn=balancer, Protocol="HTTP", Port=80,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": target_group}])["Listeners"][0]["ListenerArn"]
        public = (HOME / "ssh" / "id_ed25519.pub").read_bytes()
        self.ec2.import_key_pair(KeyName="theirs", PublicKeyMaterial=public, **tags("key-pair"))
        self.ids["praxis_key_name"] = "theirs"
        # The sandbox's controller may hand out roles named praxis* only.
        self.iam.create_role(RoleName="praxis-theirs", AssumeRolePolicyDocument="{}")
        self.iam.create_instance_profile(InstanceProfileName="praxis-theirs")
        self.iam.add_role_to_instance_profile(InstanceProfileName="praxis-theirs", RoleName="praxis-theirs")
        self.ids["praxis_instance_profile"] = "praxis-theirs"
        secret = self.store.get_secret_value(SecretId="praxis/praxis/agent")["SecretString"]
        self.store.create_secret(Name=f"praxis/{FLEET}/agent", SecretString=secret)

    @property
    def by_tags(self) -> dict[str, Any]:
        return {**dict.fromkeys(self.ids, TAG), "praxis_instance_profile": "praxis-theirs"}

    def instances(self) -> dict[str, dict[str, Any]]:
        """The fleet's running instances by name."""
        running = [
            {"Name": "tag:praxis_fleet", "Values": [FLEET]},
            {"Name": "instance-state-name", "Values": ["running"]},
        ]
        answer = self.ec2.describe_instances(Filters=running)["Reservations"]
        found = [one for reservation in answer for one in reservation["Instances"]]
        return {next(tag["Value"] for tag in one["Tags"] if tag["Key"] == "Name"): one for one in found}

    def picture(self) -> dict[str, Any]:
        """All of it as it is now, tags and rules included."""
        here = [{"Name": "vpc-id", "Values": [self.ids["praxis_vpc"]]}]
        inside = [{"Name": "attachment.vpc-id", "Values": [self.ids["praxis_vpc"]]}]
        subnets = self.ec2.describe_subnets(Filters=here)["Subnets"]
        return {
            "vpc": self.ec2.describe_vpcs(Filters=here)["Vpcs"],
            "subnets": [{**subnet, "AvailableIpAddressCount": 0} for subnet in subnets],
            "groups": self.ec2.describe_security_groups(Filters=here)["SecurityGroups"],
            "routes": self.ec2.describe_route_tables(Filters=here)["RouteTables"],
            "gateways": self.ec2.describe_internet_gateways(Filters=inside)["InternetGateways"],
            "balancers": self.elb.describe_load_balancers()["LoadBalancers"],
            "target_groups": self.elb.describe_target_groups()["TargetGroups"],
            "listeners": self.elb.describe_listeners(LoadBalancerArn=self.ids["praxis_load_balancer"])["Listeners"],
            "tags": [self.elb.describe_tags(ResourceArns=[self.ids[name]])["TagDescriptions"]
                     for name in ("praxis_load_balancer", "praxis_target_group")],
            "keys": self.ec2.describe_key_pairs()["KeyPairs"],
            "roles": [role["Arn"] for role in self.iam.list_roles()["Roles"]],
            "profile": self.iam.get_instance_profile(InstanceProfileName="praxis-theirs")["InstanceProfile"],
        }

    def remove(self) -> None:
        self.elb.delete_listener(ListenerArn=self.listener)
        self.elb.delete_load_balancer(LoadBalancerArn=self.ids["praxis_load_balancer"])
        self.elb.delete_target_group(TargetGroupArn=self.ids["praxis_target_group"])
        self.ec2.delete_key_pair(KeyName="theirs")
        self.iam.remove_role_from_instance_profile(InstanceProfileName="praxis-theirs", RoleName="praxis-theirs")
        self.iam.delete_instance_profile(InstanceProfileName="praxis-theirs")
        self.iam.delete_role(RoleName="praxis-theirs")
        self.store.delete_secret(SecretId=f"praxis/{FLEET}/agent", ForceDeleteWithoutRecovery=True)
        for group in (*self.ids["praxis_security_groups"], self.balancer_group):
            self.ec2.delete_security_group(GroupId=group)
        for subnet in self.ids["praxis_subnets"]:
            self.ec2.delete_subnet(SubnetId=subnet)
        self.ec2.delete_vpc(VpcId=self.ids["praxis_vpc"])

    def _group(self, vpc: str, name: str, **more: Any) -> str:
        return str(self.ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc, **more)["GroupId"])


def pairs() -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in TAG.items()]


def tags(kind: str) -> dict[str, Any]:
    return {"TagSpecifications": [{"ResourceType": kind, "Tags": pairs()}]}


class Fleet:
    """The fleet on the platform team's infrastructure, and the inventories that show it."""

    def __init__(self, cloud: Cloud, platform: Platform, folder: Path) -> None:
        self.cloud, self.platform, self.folder = cloud, platform, folder

    def run(self, playbook: str, *arguments: str, environment: dict[str, str] | None = None, **options: Any) -> Run:
        around = {"PRAXIS_FLEET": FLEET, "PRAXIS_HOSTS": "2", **(environment or {})}
        return self.cloud.run(playbook, *arguments, environment=around, **options)

    def machine(self, name: str) -> Machine:
        return next(machine for machine in self.cloud.machines() if machine.name == name)

    def static(self, name: str = "static", own: dict[str, dict[str, Any]] | None = None, **everyone: Any) -> Path:
        """inventories/static with these machines in it: only what a host must have, and ``own`` values of a host."""
        folder = self.folder / name
        shutil.copytree(CHECKOUT / "inventories" / "static", folder, dirs_exist_ok=True)
        hosts = {
            name: {"ansible_host": one["PrivateIpAddress"], "praxis_private_ip": one["PrivateIpAddress"],
                   "praxis_slot": name.removeprefix(f"{FLEET}-"), **(own or {}).get(name, {})}
            for name, one in sorted(self.platform.instances().items())
        }  # fmt: skip
        text = json.dumps({"praxis": {"hosts": hosts, "vars": everyone}})
        (folder / "hosts.yml").write_text(text, encoding="utf-8")
        return folder

    def mutations(self, since: int) -> list[str]:
        found = self.cloud.operations(since)
        return sorted({f"{item['service']}:{item['operation']}" for item in found if item["mutating"]})

    def services(self, since: int) -> set[str]:
        return {item["service"] for item in self.cloud.operations(since)}


@pytest.fixture(scope="module")
def platform(cloud: Cloud) -> Iterator[Platform]:
    KNOWN_HOSTS.unlink(missing_ok=True)
    made = Platform(cloud)
    yield made
    made.remove()
    KNOWN_HOSTS.unlink(missing_ok=True)


@pytest.fixture(scope="module")
def fleet(cloud: Cloud, platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Two machines in what is given, all of it named by tags."""
    before = platform.picture()
    made = Fleet(cloud, platform, tmp_path_factory.mktemp("own"))
    mark = cloud.mark()
    run = made.run("provision.yml", variables=platform.by_tags)
    assert [machine["name"] for machine in run.summary["machines"]] == [ONE, TWO]
    assert made.mutations(mark) == ["ec2:RunInstances"]
    assert platform.picture() == before
    yield made
    made.run("down.yml", variables={"praxis_confirm_down": FLEET, "praxis_remove_identities": True})
    assert platform.instances() == {}
    assert platform.picture() == before


def test_machines_are_in_what_is_given(fleet: Fleet) -> None:
    ids = fleet.platform.ids
    for machine, subnet in zip((ONE, TWO), ids["praxis_subnets"]):
        found = fleet.platform.instances()[machine]
        assert (found["VpcId"], found["SubnetId"], found["KeyName"]) == (ids["praxis_vpc"], subnet, "theirs")
        assert [group["GroupId"] for group in found["SecurityGroups"]] == ids["praxis_security_groups"]
        assert found["IamInstanceProfile"]["Arn"].endswith("/praxis-theirs")


def test_by_id_it_is_the_same(fleet: Fleet) -> None:
    mark = fleet.cloud.mark()
    run = fleet.run("provision.yml", variables=fleet.platform.ids)
    assert (run.changed, fleet.mutations(mark)) == ({}, [])
    assert run.summary["balancer"]


def test_what_is_not_there_is_told_before_anything_is_made(fleet: Fleet) -> None:
    given = {**fleet.platform.by_tags, "praxis_vpc": "vpc-none", "praxis_key_name": {"owner": "nobody"}}
    mark = fleet.cloud.mark()
    run = fleet.run("provision.yml", expect=2, variables=given)
    said = " ".join(run.output.split())
    assert "There is no VPC vpc-none. Correct the id, tags or region." in said
    assert "There is no key pair the tags owner=nobody." in said
    assert fleet.mutations(mark) == []


def test_what_is_not_given_is_made_and_fits_what_is(fleet: Fleet) -> None:
    """Without groups of their own the machines get one, and it lets the given balancer in."""
    given = {**fleet.platform.ids, "praxis_security_groups": []}
    mark = fleet.cloud.mark()
    fleet.run("provision.yml", variables=given)
    assert {"ec2:CreateSecurityGroup", "ec2:ModifyInstanceAttribute"} <= set(fleet.mutations(mark))
    assert not [each for each in fleet.mutations(mark) if not each.startswith("ec2:")]
    mine = [{"Name": "tag:praxis_fleet", "Values": [FLEET]}]
    (made,) = fleet.platform.ec2.describe_security_groups(Filters=mine)["SecurityGroups"]
    assert made["GroupName"] == f"praxis-{FLEET}-member"
    (api,) = [rule for rule in made["IpPermissions"] if rule["FromPort"] == 8000]
    assert [pair["GroupId"] for pair in api["UserIdGroupPairs"]] == [fleet.platform.balancer_group]
    for machine in fleet.platform.instances().values():
        assert [group["GroupId"] for group in machine["SecurityGroups"]] == [made["GroupId"]]


def test_a_static_inventory_and_a_limit(fleet: Fleet) -> None:
    """Planned is the fleet, touched the one host; and no API knows of machines or balancers."""
    static, mark = fleet.static(), fleet.cloud.mark()
    limited = fleet.run("deploy.yml", "--limit", ONE, inventory=static)
    assert limited.summary["ok"]
    assert set(limited.recap) <= {ONE, "localhost"}
    one, two = fleet.machine(ONE), fleet.machine(TWO)
    assert fleet.cloud.on(two, "command -v docker || echo none").strip() == "none"
    assert two.ip in fleet.cloud.on(one, "cat /opt/praxis/peers.json")
    started = seen.container(fleet.cloud, one)["State"]["StartedAt"]

    whole = fleet.run("deploy.yml", inventory=static)
    assert whole.summary["ok"]
    assert set(whole.changed) <= {TWO, "localhost"}
    assert seen.container(fleet.cloud, one)["State"]["StartedAt"] == started
    checked = fleet.run("verify.yml", inventory=static)
    assert checked.summary["edges"] == {"live": 1, "planned": 1}
    assert fleet.services(mark) == {"secretsmanager", "ecr"}


def test_a_limit_to_nobody_is_an_error(fleet: Fleet) -> None:
    run = fleet.run("deploy.yml", "--limit", "nobody", inventory=fleet.static(), expect=None)
    assert run.rc != 0


def test_aws_ec2_gives_the_same_variables_groups_and_plan(fleet: Fleet) -> None:
    listed = {name: inventory(fleet, name) for name in ("aws", "aws_ec2")}
    for host in (ONE, TWO):
        mine, theirs = ({key: listed[name]["_meta"]["hostvars"][host].get(key) for key in HOST_VARS} for name in listed)
        assert mine == theirs
        assert None not in mine.values()
    groups = {name: {group: sorted(found.get("hosts", [])) for group, found in listed[name].items() if group != "_meta"}
              for name in listed}
    zones = [f"praxis_zone_{fleet.cloud.environment['AWS_REGION'].replace('-', '_')}{zone}" for zone in "ab"]
    for group in ("praxis", "praxis_aws", "praxis_role_agent", *zones):
        assert groups["aws"][group] == groups["aws_ec2"][group] != []
    network = {"praxis_network": fleet.platform.ids["praxis_vpc"]}
    named = fleet.static("named", own={ONE: network, TWO: network})
    plans = [fleet.run("plan.yml", inventory=each).summary["plan_id"] for each in (None, "inventories/aws_ec2", named)]
    assert len(set(plans)) == 1


def test_aws_ec2_by_instance_id_with_names_of_one_s_own(fleet: Fleet) -> None:
    """Machines that carry none of our tags: named and filtered as the documentation says."""
    source = yaml.safe_load((CHECKOUT / "inventories/aws_ec2/aws_ec2.yml").read_text(encoding="utf-8"))
    chosen = fleet.platform.instances()[TWO]["InstanceId"]
    source["filters"] = {"instance-id": [chosen], "instance-state-name": ["pending", "running"]}
    source["hostnames"] = ["tag:Name"]
    source["compose"]["praxis_slot"] = "tags.Name"
    path = fleet.folder / "mine.aws_ec2.yml"
    path.write_text(yaml.safe_dump(source), encoding="utf-8")
    found = inventory(fleet, str(path))
    assert found["praxis"]["hosts"] == [TWO]
    assert found["_meta"]["hostvars"][TWO]["praxis_slot"] == TWO


@pytest.mark.parametrize("by", ["tags", "name"])
def test_members_join_the_given_target_group(fleet: Fleet, by: str) -> None:
    target_group = {"praxis_target_group": TAG if by == "tags" else "theirs"}
    mark = fleet.cloud.mark()
    run = fleet.run("deploy.yml", inventory="inventories/aws_ec2", variables=target_group)
    assert run.summary["ok"]
    made = set(fleet.mutations(mark)) - {"secretsmanager:CreateSecret"}  # the first deployment makes the identities
    assert made == ({"elbv2:RegisterTargets"} if by == "tags" else set())
    with urllib.request.urlopen(fleet.cloud.state["balancer"]["url"].rstrip("/") + "/health", timeout=10) as answer:
        assert answer.status == 200


def test_through_a_bastion_when_there_is_no_other_way(fleet: Fleet) -> None:
    one, two = fleet.machine(ONE), fleet.machine(TWO)
    config = fleet.folder / "ssh_config"
    config.write_text(
        f"Host bastion\n  HostName {one.ip}\n  User admin\n  IdentityFile {HOME / 'ssh' / 'id_ed25519'}\n"
        f"  UserKnownHostsFile {KNOWN_HOSTS}\n  StrictHostKeyChecking accept-new\n", encoding="utf-8",
    )  # fmt: skip
    usual = yaml.safe_load((CHECKOUT / "inventories/static/group_vars/praxis.yml").read_text(encoding="utf-8"))
    jump = f"{usual['ansible_ssh_common_args']} -F {config} -o ProxyJump=bastion"
    only_way = f"INPUT -p tcp --dport 22 ! -s {one.ip} -j REJECT --reject-with tcp-reset"
    # A connection that is kept open would go on past both the rule and the bastion.
    fresh = {"ANSIBLE_SSH_ARGS": "-o ControlMaster=no"}
    fleet.cloud.on(two, f"iptables -w 5 -I {only_way}")
    try:
        direct = fleet.run("verify.yml", inventory=fleet.static(), environment=fresh, expect=2)
        assert [item["where"] for item in direct.summary["findings"] if item["code"] == "host-unreachable"] == [TWO]
        static = fleet.static("bastion", own={TWO: {"ansible_ssh_common_args": jump}})
        assert fleet.run("deploy.yml", inventory=static, environment=fresh).changed == {}
    finally:
        fleet.cloud.on(two, f"iptables -w 5 -D {only_way}")
    accepted = fleet.cloud.on(two, "journalctl --no-pager -q | grep 'Accepted publickey for admin'")
    assert f"from {one.ip} " in accepted


def test_sudo_that_asks_for_a_password(fleet: Fleet) -> None:
    """From a vault, or from a file: both while a release with secrets is brought over the same connection."""
    two = fleet.machine(TWO)
    fleet.cloud.on(two, f"echo 'admin:{PASSWORD}' | chpasswd; echo 'admin ALL=(ALL) ALL' > /etc/sudoers.d/90-admin")
    refused = fleet.run("deploy.yml", inventory=fleet.static(), expect=2)
    assert [item["where"] for item in refused.summary["findings"] if item["level"] == "error"] == [TWO]

    (fleet.folder / "vault-password").write_text("planted-vault-password\n", encoding="utf-8")
    vault = ["--vault-password-file", str(fleet.folder / "vault-password")]
    locked = subprocess.run(
        [str(Path(sys.executable).with_name("ansible-vault")), "encrypt_string", *vault,
         "--stdin-name", "ansible_become_password"],
        input=PASSWORD, capture_output=True, text=True, check=True, cwd=CHECKOUT, env=fleet.cloud.environment,
    ).stdout  # fmt: skip
    changed = {TWO: {"praxis_agent_config_host": {"llm": {"timeout": 7}}}}
    static = fleet.static("vault", own=changed)
    (static / "host_vars").mkdir(exist_ok=True)
    (static / "host_vars" / f"{TWO}.yml").write_text(locked, encoding="utf-8")
    run = fleet.run("deploy.yml", *vault, inventory=static)
    assert run.summary["ok"]
    assert set(run.changed) == {TWO}

    (fleet.folder / "sudo-password").write_text(PASSWORD, encoding="utf-8")
    asked = ["--become-password-file", str(fleet.folder / "sudo-password")]
    assert fleet.run("verify.yml", *asked, inventory=fleet.static("asked", own=changed)).summary["ok"]


@pytest.mark.parametrize("kind", ["private", "public"])
def test_the_kind_of_address_decides_the_bootstrap_lists(fleet: Fleet, kind: str) -> None:
    """Planned only: the public addresses are the documentation's, and nothing is ever sent to them."""
    public = {ONE: {"praxis_public_ip": "203.0.113.1"}, TWO: {"praxis_public_ip": "203.0.113.2"}}
    static = fleet.static(kind, own=public)
    book = fleet.folder / f"plan-{kind}.yml"
    copy = f"cp -a {{{{ hostvars['localhost']['praxis_plan']['run'] }}}}/slices {fleet.folder}/{kind}-slices"
    book.write_text(json.dumps([
        {"hosts": "praxis", "gather_facts": False, "tasks": [
            {"ansible.builtin.import_tasks": str(CHECKOUT / "playbooks/tasks/plan.yml")},
            {"ansible.builtin.command": copy, "delegate_to": "localhost", "run_once": True}]},
    ]), encoding="utf-8")  # fmt: skip
    fleet.run(str(book), inventory=static, variables={"praxis_address": kind})
    addresses = {name: fleet.machine(name).ip if kind == "private" else public[name]["praxis_public_ip"]
                 for name in (ONE, TWO)}
    for name, other in ((ONE, TWO), (TWO, ONE)):
        found = json.loads((fleet.folder / f"{kind}-slices" / name).read_text(encoding="utf-8"))
        (multiaddr,) = found["peers"]["multiaddrs"]
        assert multiaddr.startswith(f"/ip4/{addresses[other]}/tcp/4001/p2p/12D3KooW")
        assert [dial["address"] for dial in found["gate"]["dial"]] == [addresses[other]]


def inventory(fleet: Fleet, source: str) -> dict[str, Any]:
    """What ``ansible-inventory --list`` says."""
    path = source if "/" in source else f"inventories/{source}"
    finished = subprocess.run(
        [str(Path(sys.executable).with_name("ansible-inventory")), "-i", path, "--list"], cwd=CHECKOUT, check=True,
        capture_output=True, text=True, env=fleet.cloud.environment | {"PRAXIS_FLEET": FLEET}, timeout=120,
    )  # fmt: skip
    # Tags are untrusted text, and marked so.
    return dict(json.loads(finished.stdout, object_hook=lambda found: found.get("__ansible_unsafe", found)))
