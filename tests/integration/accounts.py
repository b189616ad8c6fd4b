# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts in which fleets are made and removed: what is there, whose it is, and who works in them."""

from __future__ import annotations

import ipaddress
import json
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3

from .conftest import HOME, Cloud
from .owner import SECRETS, GoogleOwner

#: Every fleet's name begins like this, and nothing else does.
PREFIX = "storm-"


@dataclass(frozen=True)
class Operator:
    """Somebody who may do what the controller may.

    :param id: as the log of API operations and a fault's ``access_key`` name them.
    :param environment: what makes a shell theirs.
    """

    name: str
    id: str
    environment: dict[str, str]


class Account(ABC):
    """Everything there is, past the product."""

    #: Errors that a storm is sure to have met: the cloud's own words.
    ERRORS: frozenset[str]

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self._first = {id_ for _kind, id_, _owner in self._everything()}

    def census(self) -> list[tuple[str, str, str]]:
        """Kind, id and fleet of what was not there at first; the fleet is empty when nothing tells it."""
        return [each for each in self._everything() if each[1] not in self._first]

    def of(self, fleet: str) -> Counter[str]:
        return Counter(kind for kind, _id, owner in self.census() if owner == fleet)

    def nobodys(self) -> set[str]:
        """The ids of what no fleet owns."""
        return {id_ for _kind, id_, owner in self.census() if not owner}

    @abstractmethod
    def expected(self, hosts: int, balancer: bool) -> Counter[str]:
        """How many resources of each kind a deployed fleet has."""

    @abstractmethod
    def network(self, part: int) -> dict[str, str]:
        """The environment of a fleet in one of seven parts of the sandbox's network."""

    @abstractmethod
    def operator(self, number: int) -> Operator:
        """The first, second, third or fourth of them."""

    @abstractmethod
    def dismiss(self, operator: Operator) -> None:
        """Remove one, if they were made for this."""

    @abstractmethod
    def image(self) -> str:
        """The machine image that has Docker in it already, as ``praxis_image_id`` names it."""

    @abstractmethod
    def give_secrets(self, fleet: str) -> None:
        """What an operator stores before the first deployment."""

    @abstractmethod
    def forget_secrets(self, fleet: str) -> None:
        """Remove them, and what is left of its identities."""

    @abstractmethod
    def _everything(self) -> Iterator[tuple[str, str, str]]:
        """Kind, id and fleet of everything there is."""


def account_of(cloud: Cloud) -> Account:
    return {"aws": AwsAccount, "gcp": GoogleAccount}[cloud.name](cloud)


class AwsAccount(Account):
    ERRORS = frozenset(("RequestLimitExceeded", "Throttling", "ServiceUnavailable", "InternalError"))

    def __init__(self, cloud: Cloud) -> None:
        self._services = {name: boto3.client(name, **cloud.administrator)
                          for name in ("ec2", "elbv2", "iam", "secretsmanager")}
        super().__init__(cloud)

    def expected(self, hosts: int, balancer: bool) -> Counter[str]:
        found = Counter({"vpc": 1, "subnet": 2, "gateway": 1, "routes": 1, "group": 2, "key": 1, "role": 1,
                         "profile": 1, "instance": hosts, "volume": hosts, "identity": hosts, "secret": 1})
        return found + Counter({"balancer": 1, "listener": 1, "target group": 1} if balancer else {})

    def network(self, part: int) -> dict[str, str]:
        parts = list(ipaddress.ip_network(self.cloud.environment["PRAXIS_VPC_CIDR"]).subnets(prefixlen_diff=3))
        return {"PRAXIS_VPC_CIDR": str(parts[part])}

    def operator(self, number: int) -> Operator:
        name, iam = f"lane-{number}", self._services["iam"]
        policy = iam.get_user_policy(UserName="controller", PolicyName="controller")["PolicyDocument"]
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName=name, PolicyDocument=json.dumps(policy))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return Operator(name, key["AccessKeyId"], {
            "AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]})

    def dismiss(self, operator: Operator) -> None:
        name, iam = operator.name, self._services["iam"]
        iam.delete_access_key(UserName=name, AccessKeyId=operator.id)
        iam.delete_user_policy(UserName=name, PolicyName=name)
        iam.delete_user(UserName=name)

    def image(self) -> str:
        ours = [{"Name": "name", "Values": ["docker-13-*"]}]
        return self._services["ec2"].describe_images(Owners=["self"], Filters=ours)["Images"][0]["ImageId"]

    def give_secrets(self, fleet: str) -> None:
        store = self._services["secretsmanager"]
        value = store.get_secret_value(SecretId="praxis/praxis/agent")["SecretString"]
        store.create_secret(Name=f"praxis/{fleet}/agent", SecretString=value)

    def forget_secrets(self, fleet: str) -> None:
        store = self._services["secretsmanager"]
        found = store.list_secrets(Filters=[{"Key": "name", "Values": [f"praxis/{fleet}/"]}])["SecretList"]
        for each in found:
            store.delete_secret(SecretId=each["ARN"], ForceDeleteWithoutRecovery=True)

    def _everything(self) -> Iterator[tuple[str, str, str]]:
        ec2, elb = self._services["ec2"], self._services["elbv2"]
        for kind, operation, answer, id_ in (
            ("vpc", "describe_vpcs", "Vpcs", "VpcId"),
            ("subnet", "describe_subnets", "Subnets", "SubnetId"),
            ("gateway", "describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
            ("routes", "describe_route_tables", "RouteTables", "RouteTableId"),
            ("group", "describe_security_groups", "SecurityGroups", "GroupId"),
            ("key", "describe_key_pairs", "KeyPairs", "KeyPairId"),
            ("address", "describe_addresses", "Addresses", "AllocationId"),
            ("volume", "describe_volumes", "Volumes", "VolumeId"),
        ):
            for item in getattr(ec2, operation)()[answer]:
                main = any(each.get("Main") for each in item.get("Associations", ()))
                if not main and item.get("GroupName") != "default":
                    yield kind, item[id_], _tag(item)
        for reservation in ec2.describe_instances()["Reservations"]:
            for item in reservation["Instances"]:
                if item["State"]["Name"] not in ("shutting-down", "terminated"):
                    yield "instance", item["InstanceId"], _tag(item)
        for item in elb.describe_load_balancers()["LoadBalancers"]:
            arn = item["LoadBalancerArn"]
            yield "balancer", arn, _named(item["LoadBalancerName"])
            for listener in elb.describe_listeners(LoadBalancerArn=arn)["Listeners"]:
                yield "listener", listener["ListenerArn"], _named(item["LoadBalancerName"])
        for item in elb.describe_target_groups()["TargetGroups"]:
            yield "target group", item["TargetGroupArn"], _named(item["TargetGroupName"])
        iam = self._services["iam"]
        for item in iam.list_roles()["Roles"]:
            yield "role", item["Arn"], _named(item["RoleName"].removesuffix("-us-east-1"))
        for item in iam.list_instance_profiles()["InstanceProfiles"]:
            yield "profile", item["Arn"], _named(item["InstanceProfileName"].removesuffix("-us-east-1"))
        for page in self._services["secretsmanager"].get_paginator("list_secrets").paginate():
            for item in page["SecretList"]:
                parts = item["Name"].split("/")
                yield "identity" if "identity" in parts else "secret", item["ARN"], parts[1] if len(parts) > 2 else ""


class GoogleAccount(Account):
    ERRORS = frozenset(("rateLimitExceeded", "backendError", "ServiceUnavailable"))
    #: What a fleet is made of: a word, and where Compute Engine lists it. Those below are a load balancer's.
    KINDS = {"network": "global/networks", "subnetwork": "aggregated/subnetworks", "firewall": "global/firewalls",
             "instance": "aggregated/instances"}
    BALANCER = {"group": "aggregated/instanceGroups", "health check": "global/healthChecks",
                "service": "global/backendServices", "map": "global/urlMaps", "proxy": "global/targetHttpProxies",
                "address": "global/addresses", "rule": "global/forwardingRules",
                "security policy": "global/securityPolicies"}

    def __init__(self, cloud: Cloud) -> None:
        self._owner = GoogleOwner(cloud.environment, HOME)
        super().__init__(cloud)

    def expected(self, hosts: int, balancer: bool) -> Counter[str]:
        found = Counter({"network": 1, "subnetwork": 1, "firewall": 2, "account": 1, "instance": hosts,
                         "identity": hosts, "secret": 1})
        parts = {"group": 2, "health check": 1, "service": 1, "map": 1, "proxy": 1, "address": 1, "rule": 1,
                 "security policy": 1, "firewall": 1}
        return found + Counter(parts if balancer else {})

    def network(self, part: int) -> dict[str, str]:
        parts = list(ipaddress.ip_network(self.cloud.environment["PRAXIS_GCP_CIDR"]).subnets(prefixlen_diff=3))
        return {"PRAXIS_GCP_CIDR": str(parts[part])}

    def operator(self, number: int) -> Operator:
        file = HOME / "gcp" / f"operator-{number + 1}.json"
        email = json.loads(file.read_text(encoding="utf-8"))["client_email"]
        return Operator(f"lane-{number}", email, {"GOOGLE_APPLICATION_CREDENTIALS": str(file)})

    def dismiss(self, operator: Operator) -> None:
        """They were there before."""

    def image(self) -> str:
        return f"projects/{self._owner.project}/global/images/family/docker-13"

    def give_secrets(self, fleet: str) -> None:
        where = f"{SECRETS}/projects/{self._owner.project}/secrets"
        known = self._owner.call("GET", f"{where}/praxis_praxis_agent/versions/latest:access")["payload"]
        self._owner.call("POST", where, {"replication": {"automatic": {}}}, secretId=f"praxis_{fleet}_agent")
        self._owner.call("POST", f"{where}/praxis_{fleet}_agent:addVersion", {"payload": {"data": known["data"]}})

    def forget_secrets(self, fleet: str) -> None:
        for name in self._secrets():
            if name.startswith(f"praxis_{fleet}_"):
                self._owner.call("DELETE", f"{SECRETS}/projects/{self._owner.project}/secrets/{name}")

    def _secrets(self) -> list[str]:
        where = f"{SECRETS}/projects/{self._owner.project}/secrets"
        return [item["name"].rpartition("/")[2] for item in self._owner.listed(where, "secrets")]

    def _everything(self) -> Iterator[tuple[str, str, str]]:
        for kind, url in {**self.KINDS, **self.BALANCER}.items():
            for item in self._owner.scoped(url) if url.startswith("aggregated/") else self._owner.listed(url):
                yield kind, item["selfLink"], _named(item["name"])
        accounts = f"https://iam.googleapis.com/v1/projects/{self._owner.project}/serviceAccounts"
        for item in self._owner.listed(accounts, "accounts"):
            yield "account", item["name"], _named(item["email"].partition("@")[0])
        for name in self._secrets():
            parts = name.split("_")
            yield "identity" if "identity" in parts else "secret", name, parts[1] if len(parts) > 2 else ""


def _tag(item: dict[str, Any]) -> str:
    return next((tag["Value"] for tag in item.get("Tags", ()) if tag["Key"] == "praxis_fleet"), "")


def _named(name: str) -> str:
    """The fleet that a resource is named after: ``praxis-storm-7-…``, or a machine ``storm-7-gcp-1``."""
    words = name.removeprefix("praxis-").split("-")
    return "-".join(words[:2]) if name.removeprefix("praxis-").startswith(PREFIX) else ""
