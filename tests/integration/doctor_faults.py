# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults that the doctor has to find: each with how it comes, how it goes, and what the doctor has to say of it.

A scene is a number of them that do not hide each other, planted together on three machines and in their account.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .conftest import Cloud
from .test_deploy import order

FLEET = "praxis-praxis"
MEMBER = f"{FLEET}-member"
AGENT = "praxis-agent-1"
EXPOSED = "chmod 0444 $(find /run/praxis -name environment)"
ENGINE_DOWN = "systemctl stop docker.socket docker.service"
LOGIN = "pkill -KILL -f '^sshd[^ ]*: admin' || test $? = 1"  # its sessions, and no other process
P2P_IN = ("iptables -w 5 -{0} INPUT -p tcp --dport 4001 -j DROP; "
          "iptables -w 5 -{0} DOCKER-USER ! -i br-+ -p tcp --dport 4001 -j DROP")
P2P_OUT = "iptables -w 5 -{0} DOCKER-USER -i br-+ -p tcp --dport 4001 -j DROP"
P2P_SHUT = ("iptables -w 5 -{0} INPUT -p tcp --dport 4001 -j REJECT --reject-with tcp-reset; "
            "iptables -w 5 -{0} DOCKER-USER -p tcp --dport 4001 -j REJECT --reject-with tcp-reset")
REMAP = ("cp /etc/docker/daemon.json /root/ && python3 -c 'import json; path = \"/etc/docker/daemon.json\"; "
         "found = json.load(open(path)); found[\"userns-remap\"] = \"default\"; json.dump(found, open(path, \"w\"))'")
LISTEN = ("systemd-run --quiet --unit fault-{0} python3 -m http.server {0}; "
          "timeout 30 sh -c 'until ss -ltnH sport = :{0} | grep -q .; do sleep 0.1; done'")
ANOTHER_KEY = ("mkdir /root/keys && mv /etc/ssh/ssh_host_* /root/keys/ && ssh-keygen -q -A && systemctl restart ssh; "
               + LOGIN)  # fmt: skip
ITS_OWN_KEY = ("rm /etc/ssh/ssh_host_* && mv /root/keys/* /etc/ssh/ && rmdir /root/keys && systemctl restart ssh; "
               + LOGIN)  # fmt: skip
# What the engine keeps is all there, with little space for more.
LITTLE_SPACE = ("mkdir /run/low && mount -t tmpfs -o size=64m low /run/low && mkdir /run/low/upper /run/low/work && "
                "mount -t overlay -o lowerdir=/var/lib/docker,upperdir=/run/low/upper,workdir=/run/low/work low "
                "/var/lib/docker")  # fmt: skip
MUCH_SPACE = "umount /var/lib/docker && umount /run/low && rmdir /run/low"
# The memory that the machine shows: what it has is that of the machine under it.
LITTLE_MEMORY = ("sed 's/^MemAvailable:.*/MemAvailable: 51200 kB/' /proc/meminfo > /root/meminfo && "
                 "mount --bind /root/meminfo /proc/meminfo")  # fmt: skip
PTH = "$(python3 -c 'import sysconfig; print(sysconfig.get_path(\"purelib\"))')/fault.pth"
# A container has the clock of the machine under it: what shows another time is Python.
ANOTHER_TIME = (f"mkdir -p $(dirname {PTH}) && "
                f'echo "import time; time.time = (lambda real: lambda: real() + 3600)(time.time)" > {PTH}')
# Read by the agent's process alone: the machine's own resolver is another file.
NO_RESOLVER = ("path=$(docker inspect --format '{{.ResolvConfPath}}' %s) && cp $path /root/resolver && "
               "echo nameserver 127.0.0.1 > $path") % AGENT  # fmt: skip
A_RESOLVER = "cat /root/resolver > $(docker inspect --format '{{.ResolvConfPath}}' %s)" % AGENT
# Agents dial once, after their start. This one does while nobody gets through.
UNDIALLED = (f"since=$(date +%s); {P2P_SHUT.format('I')}; docker restart {AGENT} && timeout 60 sh -c 'until docker logs"
             f" --since '$since' {AGENT} 2>&1 | grep -q \"bootstrap node 2/2 failed\"; do sleep 0.2; done'; "
             f"{P2P_SHUT.format('D')}")  # fmt: skip
ANOTHER_IDENTITY = ("head -c 32 /dev/urandom > /run/praxis/keys/node.key && "
                    f"docker restart {AGENT}")  # fmt: skip


@dataclass(frozen=True)
class Account:
    """The AWS account as its owner changes it, past the product."""

    cloud: Cloud

    def on(self, number: int, script: str) -> None:
        """Run a script on a machine."""
        machine = next(each for each in self.cloud.machines() if each.name == f"praxis-aws-{number}")
        self.cloud.on(machine, script, deadline=120)

    def client(self, service: str) -> Any:
        import boto3

        return boto3.client(service, **self.cloud.administrator)

    def member_group(self) -> dict[str, Any]:
        wanted = [{"Name": "group-name", "Values": [MEMBER]}]
        (found,) = self.client("ec2").describe_security_groups(Filters=wanted)["SecurityGroups"]
        return dict(found)

    def shut(self, port: int) -> None:
        """Take away what admits anybody to a port of the members."""
        group = self.member_group()
        rules = [rule for rule in group["IpPermissions"] if rule.get("FromPort") == port]
        self.client("ec2").revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=rules)

    def admit(self, port: int, network: str) -> None:
        rule = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": network}]}
        ec2 = self.client("ec2")
        ec2.authorize_security_group_ingress(GroupId=self.member_group()["GroupId"], IpPermissions=[rule])

    def vpc(self, **attributes: Any) -> None:
        self.client("ec2").modify_vpc_attribute(VpcId=self.member_group()["VpcId"], **attributes)

    def untag_vpc(self) -> None:
        self.client("ec2").delete_tags(Resources=[self.member_group()["VpcId"]], Tags=[{"Key": "Name"}])

    def health_path(self, path: str) -> None:
        balancers = self.client("elbv2")
        (target,) = balancers.describe_target_groups(Names=[FLEET])["TargetGroups"]
        balancers.modify_target_group(TargetGroupArn=target["TargetGroupArn"], HealthCheckPath=path)

    def no_listener(self) -> None:
        balancers = self.client("elbv2")
        (balancer,) = balancers.describe_load_balancers(Names=[FLEET])["LoadBalancers"]
        for each in balancers.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]:
            balancers.delete_listener(ListenerArn=each["ListenerArn"])

    def policy(self, name: str, statement: Mapping[str, Any] | None) -> None:
        """Give the controller's user one more policy, or take it away."""
        iam = self.client("iam")
        if statement is None:
            iam.delete_user_policy(UserName="controller", PolicyName=name)
            return
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName="controller", PolicyName=name, PolicyDocument=document)

    def deny(self, name: str, action: str, resource: str = "*") -> None:
        self.policy(name, {"Effect": "Deny", "Action": action, "Resource": resource})


ABSENT_DIGEST = "absent digest"
TOO_MUCH, MODEL, WRONG_ADDRESS = "more memory than there is", "a model by its name", "wrong address"
SECRET, SECRET_READ = "arn:aws:secretsmanager:*:*:secret:praxis/praxis/agent-*", "secretsmanager:GetSecretValue"
#: A shell script on the fault's machine, or what is done to the account: an Account, or a Google Cloud project.
Step = str | Callable[[Any], None]


@dataclass(frozen=True)
class Fault:
    """One fault.

    :param at: the number of its machine, or the place that the finding names.
    :param plant: how it comes.
    :param unplant: how it goes, where a person has to decide; empty: the printed command fixes it.
    :param run_on: where the finding says that its command is to be typed.
    :param what: words of the finding's ``what``.
    :param host: what is wrong with the variables of its machine.
    """

    code: str
    at: int | str
    plant: Step = ""
    unplant: Step = ""
    run_on: str = ""
    what: str = ""
    level: str = "error"
    host: str = ""

    def do(self, account: Any, step: Step) -> None:
        """Plant it, or take it away."""
        if callable(step):
            step(account)
        elif step:
            assert isinstance(self.at, int)
            account.on(self.at, step)

    @property
    def where(self) -> str:
        return f"praxis-aws-{self.at}" if isinstance(self.at, int) else self.at


def on_machine(code: str, at: int, plant: str, **more: Any) -> Fault:
    """A fault that a command on its machine fixes."""
    return Fault(code, at, plant, run_on="machine", **more)


def by_playbook(code: str, at: int | str, plant: Step, **more: Any) -> Fault:
    """A fault that a playbook fixes."""
    return Fault(code, at, plant, run_on="controller", **more)


@dataclass(frozen=True)
class Scene:
    """Faults that are planted together.

    :param repeats: `make test` does not play it.
    """

    name: str
    faults: tuple[Fault, ...]
    repeats: bool = True

    def __str__(self) -> str:
        return self.name


GROUP_PLACE = f"security group {MEMBER}"
FIRST = Scene("first", (
    on_machine("secret-exposed", 1, EXPOSED, what="0444"),
    on_machine("secret-unreadable", 1, "chown 0:0 /run/praxis/keys/node.key"),
    Fault("container-shut-in", 1, P2P_OUT.format("I"), P2P_OUT.format("D")),
    Fault("mounts-unreadable", 2, REMAP, "cp /root/daemon.json /etc/docker/daemon.json"),
    Fault("registry-unreachable", 2, lambda account: order(account.cloud, "link", "cut", "praxis-aws-2", "registry"),
          lambda account: order(account.cloud, "link", "heal"), level="warning"),
    Fault("peer-unreachable", 3, P2P_IN.format("I"), P2P_IN.format("D")),
    Fault("mtu-too-large", 3, "ip link set eth0 mtu 1400", "ip link set eth0 mtu 1500"),
    Fault("name-unresolved", 3, "cp /etc/resolv.conf /root/; echo nameserver 127.0.0.9 > /etc/resolv.conf",
          "cat /root/resolv.conf > /etc/resolv.conf"),
    by_playbook("p2p-port-shut", GROUP_PLACE, lambda account: account.shut(4001), what="tcp 4001"),
    by_playbook("port-open", GROUP_PLACE, lambda account: account.admit(22, "0.0.0.0/0"), what="tcp 22",
                level="warning"),
    by_playbook("vpc-dns-off", f"VPC {FLEET}", lambda account: account.vpc(EnableDnsHostnames={"Value": False}),
                what="dns_hostnames"),
    by_playbook("health-check-differs", f"target group {FLEET}", lambda account: account.health_path("/wrong")),
), repeats=False)  # fmt: skip
SECOND = Scene("second", (
    on_machine("engine-down", 1, ENGINE_DOWN),
    Fault("host-key-changed", 2, ANOTHER_KEY, ITS_OWN_KEY),
    by_playbook("no-container", 3, f"docker rm -f {AGENT}"),
    Fault("disk-low", 3, LITTLE_SPACE, MUCH_SPACE, level="warning"),
    Fault("memory-low", 3, LITTLE_MEMORY, "umount /proc/meminfo", level="warning"),
    Fault("clock-off", 3, ANOTHER_TIME, f"rm {PTH}", level="warning"),
    by_playbook("ssh-port-shut", GROUP_PLACE, lambda account: account.shut(22)),
    by_playbook("api-port-shut", GROUP_PLACE, lambda account: account.shut(8000)),
    by_playbook("vpc-dns-off", f"VPC {FLEET}", lambda account: account.vpc(EnableDnsSupport={"Value": False}),
                what="dns_support"),
    by_playbook("infrastructure-differs", f"VPC {FLEET}", lambda account: account.untag_vpc(), level="warning"),
    by_playbook("infrastructure-missing", f"listener {FLEET}:80", lambda account: account.no_listener()),
))  # fmt: skip
THIRD = Scene("third", (
    on_machine("containers-cut-off", 1, "sysctl -w net.ipv4.ip_forward=0"),
    Fault("port-taken", 2, f"docker stop {AGENT} && {LISTEN.format(8000)}",
          f"systemctl stop fault-8000 && docker start {AGENT}", what="python3 (pid"),
    by_playbook("engine-to-be-made", 3, "dpkg --remove --force-depends docker-compose", level="warning"),
    by_playbook("container-stopped", 3, f"docker stop {AGENT}"),
    by_playbook("port-open", GROUP_PLACE, lambda account: account.admit(4001, "198.51.100.0/24"), what="tcp 4001",
                level="warning"),
))  # fmt: skip
FOURTH = Scene("fourth", (
    by_playbook("edge-missing", "praxis-aws-2 <-> praxis-aws-3", lambda account: account.on(3, UNDIALLED)),
    by_playbook("wrong-peer-id", 1, ANOTHER_IDENTITY),
    Fault("mesh-split", "fleet praxis"),  # what it comes to: two parts of one member each, and one that is another
))  # fmt: skip
FIFTH = Scene("fifth", (
    Fault("login-refused", 1, f"mv /home/admin/.ssh/authorized_keys /root/; {LOGIN}",
          "mv /root/authorized_keys /home/admin/.ssh/"),
    Fault("sudo-refused", 2, "mv /etc/sudoers.d/90-admin /root/", "mv /root/90-admin /etc/sudoers.d/"),
))  # fmt: skip
#: What is wrong with variables of one machine.
SIXTH = Scene("sixth", (
    Fault("machine-too-small", 1, host=TOO_MUCH),
    Fault("image-not-found", 2, host=ABSENT_DIGEST),
    Fault("name-unresolved-inside", 3, NO_RESOLVER, A_RESOLVER, host=MODEL),
    by_playbook("other-release", 2, "", level="warning"),  # what another image
    by_playbook("other-release", 3, "", level="warning"),  # and another setting come to
    Fault("permission-missing", "AWS provision MakeKey", lambda account: account.deny("fault", "ec2:ImportKeyPair"),
          lambda account: account.policy("fault", None), level="warning"),
))  # fmt: skip
#: What hides all machines: without its secrets nothing can be planned.
SEVENTH = Scene("seventh", (
    Fault("secret-denied", "aws-sm://praxis/praxis/agent (us-east-1) for OPENAI_API_KEY, PRAXIS_MASTER_KEY",
          lambda account: account.deny("fault", SECRET_READ, SECRET), lambda account: account.policy("fault", None)),
    *(Fault("permission-missing", f"AWS {verb} ReadSecrets", level="warning") for verb in ("deploy", "doctor")),
))  # fmt: skip
EIGHTH = Scene("eighth", (
    Fault("address-wrong", 1, host=WRONG_ADDRESS),
    by_playbook("other-release", 1, "", level="warning"),  # the others are to dial it there
))  # fmt: skip
SCENES = [FIRST, SECOND, THIRD, FOURTH, FIFTH, SIXTH, SEVENTH, EIGHTH]


def run_printed(cloud: Cloud, findings: Iterable[Mapping[str, Any]]) -> None:
    """Run the commands that findings print where they say: each once, provision.yml before deploy.yml."""
    machines = {each.name: each for each in cloud.machines()}
    for item in findings:
        if item["run_on"] == "machine":
            cloud.on(machines[item["where"]], item["command"])
    for command in sorted({item["command"] for item in findings if item["run_on"] == "controller"}, reverse=True):
        program, playbook = command.split()
        assert program == "ansible-playbook"
        cloud.run(playbook)
