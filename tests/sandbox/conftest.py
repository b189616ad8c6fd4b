# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sandbox of the tests' own, beside the checkout's: brought up once, and nothing of it may be left afterwards.

With PRAXIS_SANDBOX_ROOT set to a sandbox of both clouds that is up, that one is used and left as it is.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from sandbox import docker, lifecycle
from sandbox.client import Client
from sandbox.site import CHECKOUT, CLOUDS, REGION, ROOT_VARIABLE, Site
from tests.sandbox.google import SUBNETS, ZONES, Google, make_network
from tests.sandbox.support import Aws, Lab, Shell, run_instance, wait_for, wait_state


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Client]:
    """A running sandbox with both clouds."""
    root = Path(os.environ.get(ROOT_VARIABLE) or CHECKOUT / "tests" / "output" / "conformance").resolve()
    root.mkdir(parents=True, exist_ok=True)
    site = Site(root)
    if Client(site).clouds() == list(CLOUDS):
        yield Client(site)
        return
    lifecycle.down(site)
    try:
        lifecycle.up(site, CLOUDS)
        yield Client(site)
    finally:
        lifecycle.down(site)
    left = [name for kind in ("container", "volume", "network") for name in docker.named(kind, site.key)]
    assert not left, f"down left {left}"
    assert not site.home.exists()


@pytest.fixture(scope="session")
def aws(sandbox: Client) -> Aws:
    """Makes API clients: aws("ec2"), aws("ec2", user="administrator"), aws("ec2", keys={…})."""

    def make(service: str, user: str = "controller", keys: dict[str, str] | None = None, attempts: int = 1) -> Any:
        found = keys or sandbox.credentials(user)
        return boto3.client(
            service, endpoint_url=f"http://127.0.0.1:{sandbox.site.addresses.api_port}", region_name=REGION,
            aws_access_key_id=found["access_key"], aws_secret_access_key=found["secret_key"],
            config=Config(retries={"total_max_attempts": attempts}, proxies={}))

    return make


@pytest.fixture(scope="session")
def lab(sandbox: Client, aws: Aws) -> Lab:
    """VPC, two subnets, key pair."""
    ec2 = aws("ec2")
    prefix = ".".join(sandbox.site.addresses.network.split(".")[:2])
    vpc = ec2.create_vpc(CidrBlock=sandbox.site.addresses.network)["Vpc"]["VpcId"]
    subnets = tuple(
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"{prefix}.{240 + number}.0/24", AvailabilityZone=f"us-east-1{zone}")
        ["Subnet"]["SubnetId"] for number, zone in enumerate("ab"))
    public = (sandbox.site.home / "ssh" / "id_ed25519.pub").read_bytes()
    ec2.import_key_pair(KeyName="conformance", PublicKeyMaterial=public)
    images = ec2.describe_images(Owners=["136693071363"],
                                 Filters=[{"Name": "name", "Values": ["debian-13-amd64-*"]}])["Images"]
    return Lab(vpc, subnets, prefix, images[0]["ImageId"])


@pytest.fixture(scope="session")
def machines(sandbox: Client, aws: Aws, lab: Lab) -> tuple[Shell, Shell]:
    """Two machines, conformance-1 and conformance-2, that answer by SSH."""
    ec2 = aws("ec2")
    shells = []
    for number in (1, 2):
        ident = run_instance(ec2, lab, f"conformance-{number}", PrivateIpAddress=lab.address(10 + number))
        shells.append(Shell(lab.address(10 + number), sandbox.site.home / "ssh" / "id_ed25519", ident,
                            sandbox.site.container(ident)))
    for shell in shells:
        wait_state(ec2, shell.ident, "running")
        wait_for(f"SSH on {shell.address}", lambda shell=shell: shell.run("true").returncode == 0)
    return shells[0], shells[1]


@pytest.fixture(scope="session")
def google(sandbox: Client) -> Google:
    """Google's REST API as the controller's service account."""
    return Google(sandbox)


@pytest.fixture(scope="session")
def google_machines(google: Google) -> tuple[Shell, Shell]:
    """Two Google machines, google-1 and google-2, in two zones and two subnetworks, that answer at their external
    addresses."""
    make_network(google)
    operations = [google.order("POST", f"zones/{zone}/instances", google.machine(f"google-{number}", zone, subnet))
                  for number, (zone, subnet) in enumerate(zip(ZONES, SUBNETS, strict=True), 1)]
    for operation in operations:
        google.wait(operation)
    shells = [google.shell(f"google-{number}", zone) for number, zone in enumerate(ZONES, 1)]
    for shell in shells:
        wait_for(f"SSH on {shell.address}", lambda shell=shell: shell.run("true").returncode == 0)
    return shells[0], shells[1]


@pytest.fixture
def healed(sandbox: Client) -> Iterator[Client]:
    """The sandbox, with every fault lifted afterwards."""
    yield sandbox
    sandbox.heal()


@pytest.fixture
def fault(sandbox: Client) -> Iterator[Client]:
    """The sandbox, with every fault of the APIs lifted afterwards: quicker than `healed`."""
    yield sandbox
    sandbox.clear()
