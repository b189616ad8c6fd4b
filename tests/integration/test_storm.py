# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ten storms: from an empty account to a deployed fleet while three of ten API requests, reads and writes alike, are
throttled, refused, cut off, or carried out with their answer lost.

Four lanes, each with a key of its own and so with a storm of its own. The sandbox has one balancer: it is the first
lane's. The machines have Docker already, for no storm reaches its installation; one seed's are Debian's own.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest

from sandbox import images
from sandbox.client import Client
from sandbox.site import here

from .conftest import HOME, Cloud, Run

RATE = 0.3
SEEDS = range(1, 11)
LANES = 4
BARE = 4  # the seed whose machine has no Docker yet: one of a lane with two seeds only
MOST = 400  # faults of one storm


def fleet_of(seed: int) -> str:
    return f"storm-{seed}"


@dataclass
class Outcome:
    """What one seed's storm left.

    :param struck: the operations that were struck, in order.
    :param there: how many resources of each kind the fleet has after the storm.
    :param strays: ids of what no fleet owns.
    :param left: the same after down.yml.
    :param again: the runs without faults after it.
    """

    balancer: bool
    hosts: int
    struck: list[dict[str, Any]] = field(default_factory=list)
    there: Counter[str] = field(default_factory=Counter)
    strays: set[str] = field(default_factory=set)
    again: list[Run] = field(default_factory=list)
    left: Counter[str] = field(default_factory=Counter)


class Account:
    """Everything there is, past the product."""

    def __init__(self, cloud: Cloud) -> None:
        self._services = {name: boto3.client(name, **cloud.administrator)
                          for name in ("ec2", "elbv2", "iam", "secretsmanager")}
        self._first = {id_ for _kind, id_, _owner in self._everything()}

    def census(self) -> list[tuple[str, str, str]]:
        """Kind, id and fleet of what was not there at first; the fleet is empty when nothing tells it."""
        return [each for each in self._everything() if each[1] not in self._first]

    def of(self, fleet: str) -> Counter[str]:
        return Counter(kind for kind, _id, owner in self.census() if owner == fleet)

    def nobodys(self) -> set[str]:
        """The ids of what no fleet owns."""
        return {id_ for _kind, id_, owner in self.census() if not owner}

    def operator(self, name: str) -> dict[str, str]:
        """The key of one more user who may do what the controller may."""
        iam = self._services["iam"]
        policy = iam.get_user_policy(UserName="controller", PolicyName="controller")["PolicyDocument"]
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName=name, PolicyDocument=json.dumps(policy))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}

    def dismiss(self, name: str, key: dict[str, str]) -> None:
        """Remove such a user."""
        iam = self._services["iam"]
        iam.delete_access_key(UserName=name, AccessKeyId=key["AWS_ACCESS_KEY_ID"])
        iam.delete_user_policy(UserName=name, PolicyName=name)
        iam.delete_user(UserName=name)

    def image(self, pattern: str) -> str:
        """The id of a machine image of this account's."""
        found = self._services["ec2"].describe_images(Owners=["self"], Filters=[{"Name": "name", "Values": [pattern]}])
        return found["Images"][0]["ImageId"]

    def give_secrets(self, fleet: str) -> None:
        """What an operator stores before the first deployment."""
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


def _tag(item: dict[str, Any]) -> str:
    return next((tag["Value"] for tag in item.get("Tags", ()) if tag["Key"] == "praxis_fleet"), "")


def _named(name: str) -> str:
    return name.removeprefix("praxis-") if name.startswith("praxis-storm-") else ""


@dataclass
class Lane:
    """Storms one after the other, in a part of the sandbox's network."""

    number: int
    cloud: Cloud
    account: Account
    sandbox: Client
    key: dict[str, str]
    with_docker: str

    @property
    def balancer(self) -> bool:
        return self.number == 0

    def environment(self, seed: int) -> dict[str, str]:
        parts = list(ipaddress.ip_network(self.cloud.environment["PRAXIS_VPC_CIDR"]).subnets(prefixlen_diff=3))
        return {**self.key, "PRAXIS_FLEET": fleet_of(seed), "PRAXIS_VPC_CIDR": str(parts[self.number + 1]),
                "PRAXIS_HOSTS": "2" if seed == 1 else "1",
                "PRAXIS_IMAGE_ID": "" if seed == BARE else self.with_docker}

    @contextlib.contextmanager
    def storm(self, seed: int) -> Iterator[None]:
        key = self.key["AWS_ACCESS_KEY_ID"]
        ordered = [self.sandbox.fault("storm", probability=RATE, seed=seed, count=MOST, access_key=key)["ident"]]
        try:
            yield
        finally:
            for ident in ordered:
                self.sandbox.lift(ident)

    def weather(self, seed: int) -> Outcome:
        """One seed, from an empty account and back."""
        environment, fleet = self.environment(seed), fleet_of(seed)
        outcome = Outcome(self.balancer, hosts=int(environment["PRAXIS_HOSTS"]))
        variables: dict[str, Any] = {"praxis_confirm_down": fleet, "praxis_remove_identities": True}
        if not self.balancer:
            variables["praxis_balancer"] = False

        def play(name: str) -> Run:
            more = {"praxis_target_group": ""} if name == "deploy.yml" and not self.balancer else {}
            return self.cloud.run(name, variables={**variables, **more}, environment=environment, deadline=1500)

        mark = self.cloud.mark()
        self.account.give_secrets(fleet)
        try:
            with self.storm(seed):
                play("provision.yml")
                play("deploy.yml")
            outcome.struck = self.struck(mark)
            outcome.there = self.account.of(fleet)
            # Looked for twice: another lane's machine may be without its tags for the moment of its making.
            nobodys = self.account.nobodys()
            outcome.again = [play("provision.yml"), play("deploy.yml")]
            outcome.strays = nobodys & self.account.nobodys()
            with self.storm(seed + 100) if seed <= LANES else contextlib.nullcontext():
                play("down.yml")
            outcome.left = self.account.of(fleet)
            return outcome
        except BaseException:  # the next seed of this lane needs the network
            self.cloud.run("down.yml", variables=variables, environment=environment, expect=None)
            raise
        finally:
            self.account.forget_secrets(fleet)
            Path(f"~/.ssh/praxis-{fleet}.known_hosts").expanduser().unlink(missing_ok=True)

    def struck(self, mark: int) -> list[dict[str, Any]]:
        mine = self.key["AWS_ACCESS_KEY_ID"]
        return [each for each in self.cloud.operations(mark) if each["fault"] and each["access_key"] == mine]


@pytest.fixture(scope="module")
def outcomes(cloud: Cloud, request: pytest.FixtureRequest) -> Iterator[dict[int, Future[Outcome]]]:
    """The seeds of the selected tests (``-k '[7]'`` is the seventh only) as they come, each lane in its thread."""
    here_only = [item for item in request.session.items if item.path == request.path and hasattr(item, "callspec")]
    chosen = {item.callspec.params["seed"] for item in here_only} or set(SEEDS)
    images.ensure(images.engine("trixie"), HOME / "logs")
    account = Account(cloud)
    with_docker = account.image("docker-13-*")
    promised: dict[int, Future[Outcome]] = {}
    with contextlib.ExitStack() as ending:
        for number in range(LANES):
            key = account.operator(f"lane-{number}")
            ending.callback(account.dismiss, f"lane-{number}", key)
            lane = Lane(number, cloud, account, Client(here()), key, with_docker)
            thread = ThreadPoolExecutor(1)
            ending.callback(thread.shutdown, cancel_futures=True)
            mine = [seed for seed in sorted(chosen) if (seed - 1) % LANES == number]
            promised.update({seed: thread.submit(lane.weather, seed) for seed in mine})
        yield promised


@pytest.mark.parametrize("seed", SEEDS)
def test_a_storm_is_ridden_out_with_nothing_made_twice(outcomes: dict[int, Future[Outcome]], seed: int) -> None:
    outcome = outcomes[seed].result()
    writes = [each["operation"] for each in outcome.struck if each["mutating"]]
    reads = [each["operation"] for each in outcome.struck if not each["mutating"]]
    assert writes and reads
    expected = {"vpc": 1, "subnet": 2, "gateway": 1, "routes": 1, "group": 2, "key": 1, "role": 1, "profile": 1,
                "instance": outcome.hosts, "volume": outcome.hosts, "identity": outcome.hosts, "secret": 1}
    if outcome.balancer:
        expected |= {"balancer": 1, "listener": 1, "target group": 1}
    assert outcome.there == expected
    assert outcome.strays == set()
    assert [run.changed for run in outcome.again] == [{}, {}]
    assert outcome.left - Counter(secret=1) == Counter()


def test_every_kind_of_weather_was_met(outcomes: dict[int, Future[Outcome]]) -> None:
    """Over all seeds: throttling, errors of the cloud's, resets, and writes that happened and whose answer was lost."""
    ridden_out = [outcome.result() for outcome in outcomes.values() if not outcome.exception()]
    met = Counter((each["error"], each["mutating"]) for outcome in ridden_out for each in outcome.struck)
    for error in ("AnswerLost", "AnswerCut", "ConnectionReset"):
        assert met[error, True] and met[error, False], error
    assert {"RequestLimitExceeded", "Throttling", "ServiceUnavailable", "InternalError"} <= {error for error, _w in met}
