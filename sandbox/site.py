# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One checkout's sandbox: its names, addresses, ports and files, all derived from the checkout's path."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import os
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from sandbox import docker
from sandbox.problem import Problem

ACCOUNT = "123456789012"
REGION = "us-east-1"
PROJECT = "praxis-sandbox"
GOOGLE_REGION = "us-central1"
CLOUDS = ("aws", "gcp")
"""In the order in which they are named where both are up."""


def write(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file whole: staged beside its place, then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = path.with_name(f".{path.name}.{os.getpid()}")
    staged.touch(mode=mode)
    staged.chmod(mode)
    staged.write_text(text)
    staged.replace(path)


@dataclass(frozen=True)
class Addresses:
    """What was chosen when the sandbox was first brought up; kept in .sandbox/addresses.json."""

    network: str
    api_port: int
    push_port: int
    google_port: int = 0
    """0 in a record that an earlier version wrote."""

    @property
    def _hosts(self) -> ipaddress.IPv4Network:
        return ipaddress.IPv4Network(self.network)

    def at(self, number: int) -> str:
        """The network's address with this number; 1 is the host's own end of the bridge."""
        return str(self._hosts[number])

    @property
    def gateway(self) -> str:
        """The host's address on the network."""
        return self.at(1)

    @property
    def registry(self) -> str:
        """The registry's address."""
        return self.at(2)

    @property
    def balancer(self) -> str:
        """The balancer's address."""
        return self.at(3)

    @property
    def google_balancer(self) -> str:
        """Google's balancer's own address; it answers at its forwarding rule's."""
        return self.at(4)

    @property
    def google_registry(self) -> str:
        """Artifact Registry's address."""
        return self.at(5)

    @property
    def reserved(self) -> ipaddress.IPv4Network:
        """The part no VPC subnet may overlap: 10.x.0.0/20."""
        return next(self._hosts.subnets(new_prefix=20))

    @property
    def google_public(self) -> ipaddress.IPv4Network:
        """Google's external addresses: 10.x.12.0/22."""
        return list(self._hosts.subnets(new_prefix=22))[3]

    @property
    def google_cidr(self) -> ipaddress.IPv4Network:
        """Where Google's subnetworks are: 10.x.128.0/18. AWS's come from the other end, a sixteenth of 10.x for each
        zone."""
        return list(self._hosts.subnets(new_prefix=18))[2]


@dataclass(frozen=True)
class Site:
    """Names and places of one sandbox; `root` is the checkout."""

    root: Path

    @cached_property
    def key(self) -> str:
        """Eight hexadecimal digits from the checkout's path; in the name of everything the sandbox makes."""
        return hashlib.sha256(str(self.root).encode()).hexdigest()[:8]

    @property
    def home(self) -> Path:
        """The checkout's .sandbox folder."""
        return self.root / ".sandbox"

    @property
    def network(self) -> str:
        """Name of the Docker network."""
        return f"praxis-sandbox-{self.key}"

    @property
    def bridge(self) -> str:
        """Name of the bridge device (at most 15 characters)."""
        return f"px{self.key}"

    def container(self, name: str) -> str:
        """Name of a container of this sandbox."""
        return f"praxis-sandbox-{self.key}-{name}"

    def labels(self, role: str) -> list[str]:
        """Options that label what is made in the engine as this sandbox's, with its role in it."""
        pairs = {docker.LABEL: self.key, docker.ROOT_LABEL: self.root, f"{docker.LABEL}.role": role}
        return [word for name, value in pairs.items() for word in ("--label", f"{name}={value}")]

    @property
    def registry_name(self) -> str:
        """The registry as the machines see it: the account's ECR host name."""
        return f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"

    @property
    def google_registry_host(self) -> str:
        """Artifact Registry's host."""
        return f"{GOOGLE_REGION}-docker.pkg.dev"

    @property
    def google_registry_name(self) -> str:
        """Artifact Registry's repository, as an image of it begins."""
        return f"{self.google_registry_host}/{PROJECT}/praxis"

    @cached_property
    def addresses(self) -> Addresses:
        """Network and ports: those on record, or chosen now."""
        record = self.home / "addresses.json"
        chosen = Addresses(**json.loads(record.read_text())) if record.exists() else self._choose()
        if not chosen.google_port:
            chosen = replace(chosen, google_port=next(_free_ports(chosen.push_port + 1)))
        if not record.exists() or json.loads(record.read_text()) != asdict(chosen):
            write(record, json.dumps(asdict(chosen)) + "\n")
        return chosen

    def _choose(self) -> Addresses:
        seed = int(self.key, 16)
        taken = list(_taken_networks())
        for step in range(254):
            network = ipaddress.IPv4Network(f"10.{(seed + step) % 254 + 1}.0.0/16")
            if not any(network.overlaps(other) for other in taken):
                break
        else:
            raise Problem("no 10.x.0.0/16 is free for the sandbox", "docker network ls; ip route",
                          "remove a Docker network that is not used")
        ports = _free_ports(20000 + seed % 8000)
        return Addresses(str(network), next(ports), next(ports), next(ports))

    def read_json(self, name: str) -> Any:
        """A JSON file of the .sandbox folder; None when it is not there."""
        path = self.home / name
        return json.loads(path.read_text()) if path.exists() else None


def _taken_networks() -> Iterator[ipaddress.IPv4Network]:
    """Networks of Docker, the machine's routes and its resolvers (10.255.0.0/16 is left alone)."""
    yield ipaddress.IPv4Network("10.255.0.0/16")
    for name in docker.docker("network", "ls", "--format", "{{.ID}}").split():
        for part in ((docker.inspect("network", name) or {}).get("IPAM") or {}).get("Config") or []:
            if ":" not in part["Subnet"]:
                yield ipaddress.IPv4Network(part["Subnet"], strict=False)
    routes = subprocess.run(["ip", "-4", "route"], capture_output=True, text=True, check=True).stdout
    for line in routes.splitlines():
        words = line.split()
        for word in [words[0], words[words.index("via") + 1] if "via" in words else ""]:
            if word and word[0].isdigit():
                yield ipaddress.IPv4Network(word, strict=False)
    for line in Path("/etc/resolv.conf").read_text().splitlines():
        words = line.split()
        if len(words) > 1 and words[0] == "nameserver" and ":" not in words[1]:
            yield ipaddress.IPv4Network(words[1])


def _free_ports(first: int) -> Iterator[int]:
    for port in range(first, first + 1000):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        yield port


CHECKOUT = Path(__file__).resolve().parent.parent
"""The checkout this package lies in."""

ROOT_VARIABLE = "PRAXIS_SANDBOX_ROOT"


def here() -> Site:
    """This checkout's sandbox, or the one in the folder that PRAXIS_SANDBOX_ROOT names (a second one, for tests)."""
    return Site(Path(os.environ.get(ROOT_VARIABLE) or CHECKOUT).resolve())
