# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a platform team made of its own in an account, past the product: a network, a firewall, a balancer, a role."""

from __future__ import annotations

import ipaddress
import shutil
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import yaml

from .conftest import CHECKOUT, HOME, Cloud
from .project import ACCOUNTS, Project, last

TAG = {"owner": "platform"}


@dataclass(frozen=True)
class Wrong:
    """Variables that name what is not there or does not fit, and what must be said of them."""

    variables: dict[str, Any]
    said: tuple[str, ...]


class Platform(ABC):
    """A team's own infrastructure for one fleet, which is to be used as it is and never changed.

    :param fleet: the fleet's name.
    """

    #: What every inventory says of a machine.
    HOST_VARS: tuple[str, ...] = (
        "ansible_host", "praxis_cloud", "praxis_region", "praxis_zone", "praxis_network", "praxis_instance_id",
        "praxis_architecture", "praxis_slot", "praxis_private_ip", "praxis_public_ip", "praxis_labels",
    )  # fmt: skip
    #: What a static inventory of the machines says in its group_vars, beside what it says already.
    STATIC: dict[str, Any] = {}
    #: The user that Ansible logs in as.
    USER: str
    #: Services that a deployment asks when no API is to be asked about machines.
    ASKED: frozenset[str]
    #: Operations that make machines when all else is given, that join them to a target group, that make an identity.
    LAUNCH: str
    JOIN: str
    IDENTITY: frozenset[str]

    def __init__(self, cloud: Cloud, fleet: str) -> None:
        self.cloud, self.fleet = cloud, fleet
        #: The variables by which the fleet is given everything, by what cannot be mistaken: ids, or links.
        self.ids: dict[str, Any] = {}

    @property
    @abstractmethod
    def by_name(self) -> dict[str, Any]:
        """The same by tags, or by names."""

    @property
    @abstractmethod
    def wrong(self) -> list[Wrong]:
        """By name, with mistakes."""

    @property
    @abstractmethod
    def target_groups(self) -> tuple[Any, Any]:
        """The target group, named in two ways."""

    @abstractmethod
    def machines(self) -> list[str]:
        """The names of the fleet's machines."""

    @abstractmethod
    def check_placed(self) -> None:
        """The machines are in what is given."""

    @abstractmethod
    def check_fits(self, mutations: list[str]) -> None:
        """What was made because no security groups were given fits the rest."""

    @abstractmethod
    def picture(self) -> dict[str, Any]:
        """All of it as it is now, tags and rules included."""

    @abstractmethod
    def remove(self) -> None:
        """All of it."""

    @abstractmethod
    def inventory(self, folder: Path) -> Path:
        """An inventory of the cloud's own plugin, as the documentation has it, which finds the fleet's machines."""

    @abstractmethod
    def own_names(self, machine: str, folder: Path) -> Path:
        """The same, for one machine and none of our tags: named and filtered as the documentation says."""

    @abstractmethod
    def network(self) -> str:
        """``praxis_network`` of the machines."""

    @property
    @abstractmethod
    def zones(self) -> tuple[str, str]:
        """Those of the two machines."""


class AwsPlatform(Platform):
    USER = "admin"
    ASKED = frozenset(("secretsmanager", "ecr"))
    LAUNCH, JOIN = "ec2:RunInstances", "elbv2:RegisterTargets"
    IDENTITY = frozenset(("secretsmanager:CreateSecret",))

    def __init__(self, cloud: Cloud, fleet: str) -> None:
        super().__init__(cloud, fleet)
        self.ec2, self.elb, self.iam = (
            boto3.client(service, **cloud.administrator) for service in ("ec2", "elbv2", "iam")
        )
        network = list(ipaddress.ip_network(cloud.environment["PRAXIS_VPC_CIDR"]).subnets(new_prefix=18))[3]
        parts = [str(part) for part in network.subnets(new_prefix=20)]
        self.ids["praxis_vpc"] = vpc = self.ec2.create_vpc(CidrBlock=str(network), **tags("vpc"))["Vpc"]["VpcId"]
        self.ids["praxis_subnets"] = subnets = [
            self.ec2.create_subnet(VpcId=vpc, CidrBlock=part, AvailabilityZone=zone,
                                   **tags("subnet"))["Subnet"]["SubnetId"] for part, zone in zip(parts, self.zones)]
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

    @property
    def by_name(self) -> dict[str, Any]:
        return {**dict.fromkeys(self.ids, TAG), "praxis_instance_profile": "praxis-theirs"}

    @property
    def wrong(self) -> list[Wrong]:
        given = {**self.by_name, "praxis_vpc": "vpc-none", "praxis_key_name": {"owner": "nobody"}}
        return [Wrong(given, ("There is no VPC vpc-none. Correct the id, tags or region.",
                              "There is no key pair the tags owner=nobody."))]

    @property
    def target_groups(self) -> tuple[Any, Any]:
        return TAG, "theirs"

    def machines(self) -> list[str]:
        return sorted(self._instances())

    def check_placed(self) -> None:
        for (_name, found), subnet in zip(sorted(self._instances().items()), self.ids["praxis_subnets"], strict=True):
            place = (found["VpcId"], found["SubnetId"], found["KeyName"])
            assert place == (self.ids["praxis_vpc"], subnet, "theirs")
            assert [group["GroupId"] for group in found["SecurityGroups"]] == self.ids["praxis_security_groups"]
            assert found["IamInstanceProfile"]["Arn"].endswith("/praxis-theirs")

    def check_fits(self, mutations: list[str]) -> None:
        """The machines get a group, and it lets the given balancer in."""
        assert {"ec2:CreateSecurityGroup", "ec2:ModifyInstanceAttribute"} <= set(mutations)
        assert not [each for each in mutations if not each.startswith("ec2:")]
        mine = [{"Name": "tag:praxis_fleet", "Values": [self.fleet]}]
        (made,) = self.ec2.describe_security_groups(Filters=mine)["SecurityGroups"]
        assert made["GroupName"] == f"praxis-{self.fleet}-member"
        (api,) = [rule for rule in made["IpPermissions"] if rule["FromPort"] == 8000]
        assert [pair["GroupId"] for pair in api["UserIdGroupPairs"]] == [self.balancer_group]
        for machine in self._instances().values():
            assert [group["GroupId"] for group in machine["SecurityGroups"]] == [made["GroupId"]]

    def picture(self) -> dict[str, Any]:
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
        for group in (*self.ids["praxis_security_groups"], self.balancer_group):
            self.ec2.delete_security_group(GroupId=group)
        for subnet in self.ids["praxis_subnets"]:
            self.ec2.delete_subnet(SubnetId=subnet)
        self.ec2.delete_vpc(VpcId=self.ids["praxis_vpc"])

    def inventory(self, folder: Path) -> Path:
        """As it is: it asks the environment."""
        return CHECKOUT / "inventories" / "aws_ec2"

    def own_names(self, machine: str, folder: Path) -> Path:
        source = yaml.safe_load((CHECKOUT / "inventories/aws_ec2/aws_ec2.yml").read_text(encoding="utf-8"))
        chosen = self._instances()[machine]["InstanceId"]
        source["filters"] = {"instance-id": [chosen], "instance-state-name": ["pending", "running"]}
        source["hostnames"] = ["tag:Name"]
        source["compose"]["praxis_slot"] = "tags.Name"
        return _written(folder / "mine.aws_ec2.yml", source)

    def network(self) -> str:
        return str(self.ids["praxis_vpc"])

    @property
    def zones(self) -> tuple[str, str]:
        region = self.cloud.environment["AWS_REGION"]
        return f"{region}a", f"{region}b"

    def _instances(self) -> dict[str, dict[str, Any]]:
        """The fleet's running instances by name."""
        running = [
            {"Name": "tag:praxis_fleet", "Values": [self.fleet]},
            {"Name": "instance-state-name", "Values": ["running"]},
        ]
        answer = self.ec2.describe_instances(Filters=running)["Reservations"]
        found = [one for reservation in answer for one in reservation["Instances"]]
        return {next(tag["Value"] for tag in one["Tags"] if tag["Key"] == "Name"): one for one in found}

    def _group(self, vpc: str, name: str, **more: Any) -> str:
        return str(self.ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc, **more)["GroupId"])


def pairs() -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in TAG.items()]


def tags(kind: str) -> dict[str, Any]:
    return {"TagSpecifications": [{"ResourceType": kind, "Tags": pairs()}]}


class GooglePlatform(Platform):
    HOST_VARS = (*Platform.HOST_VARS, "praxis_project", "praxis_machine_id")
    USER = "praxis"
    ASKED = frozenset(("secretmanager", "artifactregistry"))
    LAUNCH, JOIN = "compute:instances.insert", "compute:instanceGroups.addInstances"
    IDENTITY = frozenset(("secretmanager:projects.secrets.create", "secretmanager:projects.secrets.addVersion"))

    def __init__(self, cloud: Cloud, fleet: str) -> None:
        super().__init__(cloud, fleet)
        self.project = Project(cloud.environment, HOME)
        self.region = cloud.environment["CLOUDSDK_COMPUTE_REGION"]
        self.email = f"praxis-theirs@{self.project.project}.iam.gserviceaccount.com"
        self.STATIC = {"ansible_user": self.USER, "praxis_identity_store": "gcp-sm", "praxis_agent_secrets": {
            name: f"gcp-sm://{self.project.project}/praxis_{{{{ praxis_fleet }}}}_agent#{name}"
            for name in ("OPENAI_API_KEY", "PRAXIS_MASTER_KEY")}}
        network = list(ipaddress.ip_network(cloud.environment["PRAXIS_GCP_CIDR"]).subnets(prefixlen_diff=2))[3]
        groups = [f"zones/{zone}/instanceGroups" for zone in self.zones]
        make = self._make
        make("global/networks", autoCreateSubnetworks=False)
        make(f"regions/{self.region}/subnetworks", network="global/networks/theirs", ipCidrRange=str(network))
        make("global/firewalls", network="global/networks/theirs", sourceTags=["theirs"], targetTags=["theirs"],
             allowed=[{"IPProtocol": "tcp", "ports": ["4001"]}])
        make("global/healthChecks", type="HTTP", httpHealthCheck={"port": 8000, "requestPath": "/health"},
             checkIntervalSec=5, timeoutSec=5)
        for group in groups:
            # With its network: without one it takes that of the first machine in it, and keeps it.
            make(group, network="global/networks/theirs", namedPorts=[{"name": "api", "port": 8000}])
        make("global/backendServices", loadBalancingScheme="EXTERNAL_MANAGED", protocol="HTTP", portName="api",
             connectionDraining={"drainingTimeoutSec": 5}, healthChecks=["global/healthChecks/theirs"],
             backends=[{"group": f"{group}/theirs"} for group in groups])
        make("global/urlMaps", defaultService="global/backendServices/theirs")
        make("global/targetHttpProxies", urlMap="global/urlMaps/theirs")
        make("global/addresses")
        make("global/forwardingRules", loadBalancingScheme="EXTERNAL_MANAGED", IPProtocol="TCP", portRange="80",
             IPAddress=self.project.call("GET", "global/addresses/theirs")["address"],
             target="global/targetHttpProxies/theirs")
        self.project.call("POST", f"{ACCOUNTS}/{self.project.project}/serviceAccounts", {"accountId": "praxis-theirs"})
        inside = f"projects/{self.project.project}"
        self.ids = {
            "praxis_vpc": f"{inside}/global/networks/theirs",
            "praxis_subnets": f"https://www.googleapis.com/compute/v1/{inside}/regions/{self.region}/subnetworks/theirs",
            "praxis_security_groups": ["theirs"],
            "praxis_target_group": f"{inside}/global/backendServices/theirs",
            "praxis_instance_profile": self.email,
            "praxis_zones": list(self.zones),
        }

    @property
    def by_name(self) -> dict[str, Any]:
        return {**dict.fromkeys(self.ids, "theirs"), "praxis_vpc": "", "praxis_security_groups": ["theirs"],
                "praxis_instance_profile": "praxis-theirs", "praxis_zones": list(self.zones)}

    @property
    def wrong(self) -> list[Wrong]:
        strange = f"{self.region}-x"
        return [
            Wrong({**self.by_name, "praxis_subnets": "none", "praxis_zones": [self.zones[0], strange]},
                  ("There is no subnetwork projects/", f"{strange} is not a zone of {self.region}")),
            Wrong({**self.by_name, "praxis_zones": [self.zones[0], f"{self.region}-f"]},
                  (f"The backend service has no group in {self.region}-f; it has groups in "
                   f"{', '.join(self.zones)}.",)),
            Wrong({**self.by_name, "praxis_key_name": "theirs"}, ("there are no key pairs",)),
        ]

    @property
    def target_groups(self) -> tuple[Any, Any]:
        return "theirs", self.ids["praxis_target_group"]

    def machines(self) -> list[str]:
        return [found["name"] for found in self.project.instances(self.fleet)]

    def check_placed(self) -> None:
        for found, zone in zip(self.project.instances(self.fleet), self.zones, strict=True):
            interface = found["networkInterfaces"][0]
            assert (last(found["zone"]), last(interface["network"]), last(interface["subnetwork"])) == (
                zone, "theirs", "theirs")
            assert found["tags"]["items"] == ["theirs"]
            assert [one["email"] for one in found["serviceAccounts"]] == [self.email]

    def check_fits(self, mutations: list[str]) -> None:
        """The machines get a network tag and rules for it, in the given network; Google's own addresses may enter."""
        assert mutations == ["compute:firewalls.insert", "compute:instances.setTags"]
        made = {name: rule for name, rule in self.project.made(self.fleet).items() if name.startswith("firewall ")}
        ports = {rule["allowed"][0]["ports"][0]: rule for rule in made.values()}
        assert set(ports) == {"22", "4001", "8000"}
        assert {last(rule["network"]) for rule in made.values()} == {"theirs"}
        assert sorted(ports["8000"]["sourceRanges"]) == ["130.211.0.0/22", "35.191.0.0/16"]
        for machine in self.project.instances(self.fleet):
            assert machine["tags"]["items"] == [f"praxis-{self.fleet}"] == ports["4001"]["targetTags"]

    def picture(self) -> dict[str, Any]:
        """Without the machines, what was made for them, and what Google notes by itself: the groups' subnetwork, once a
        machine is in them."""
        made = self.project.made(self.fleet)
        found = {name: one for name, one in self.project.resources().items()
                 if name not in made and not name.startswith("instance ")}
        return {name: {**one, "subnetwork": ""} if name.startswith("group ") else one for name, one in found.items()}

    def remove(self) -> None:
        groups = [f"zones/{zone}/instanceGroups" for zone in self.zones]
        for url in ("global/forwardingRules", "global/addresses", "global/targetHttpProxies", "global/urlMaps",
                    "global/backendServices", *groups, "global/healthChecks", "global/firewalls",
                    f"regions/{self.region}/subnetworks", "global/networks"):
            self.project.finish(self.project.call("DELETE", f"{url}/theirs"))
        self.project.call("DELETE", f"{ACCOUNTS}/{self.project.project}/serviceAccounts/{self.email}")

    def inventory(self, folder: Path) -> Path:
        """With the project and the fleet written into it, as it says."""
        shutil.copytree(CHECKOUT / "inventories" / "gcp_compute", folder / "gcp_compute", dirs_exist_ok=True)
        source = self._source()
        source["filters"][0] = f"labels.praxis_fleet = {self.fleet}"
        _written(folder / "gcp_compute" / "gcp_compute.yml", source)
        return folder / "gcp_compute"

    def own_names(self, machine: str, folder: Path) -> Path:
        source = self._source()
        source["filters"] = [f"name = {machine}", "status = RUNNING"]
        source["compose"]["praxis_slot"] = "name"
        return _written(folder / "mine.gcp_compute.yml", source)

    def network(self) -> str:
        return f"{self.project.project}/theirs"

    @property
    def zones(self) -> tuple[str, str]:
        return f"{self.region}-b", f"{self.region}-c"

    def _source(self) -> dict[str, Any]:
        source = yaml.safe_load((CHECKOUT / "inventories/gcp_compute/gcp_compute.yml").read_text(encoding="utf-8"))
        return {**source, "projects": [self.project.project]}

    def _make(self, url: str, **body: Any) -> None:
        self.project.finish(self.project.call("POST", url, {"name": "theirs", **body}))


def _written(path: Path, content: dict[str, Any]) -> Path:
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


def platform_of(cloud: Cloud, fleet: str) -> Platform:
    return {"aws": AwsPlatform, "gcp": GooglePlatform}[cloud.name](cloud, fleet)
