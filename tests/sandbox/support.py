# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the sandbox's tests share: waiting, a place for machines, and a machine by SSH."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sandbox import docker

Aws = Callable[..., Any]
"""Makes an API client: aws("ec2"), aws("ec2", user="administrator"), aws("ec2", keys={...})."""


def wait_for(what: str, observe: Callable[[], Any], deadline: float = 60.0, pause: float = 0.2) -> Any:
    """Ask until the answer is true, and return it; fail after `deadline` seconds, saying what was waited for."""
    until = time.monotonic() + deadline
    while True:
        seen = observe()
        if seen:
            return seen
        if time.monotonic() > until:
            pytest.fail(f"not in {deadline:.0f} s: {what}; last seen: {seen!r}")
        time.sleep(pause)


@dataclass(frozen=True)
class Lab:
    """A VPC to make machines in."""

    vpc: str
    subnets: tuple[str, str]
    prefix: str
    image: str

    def address(self, number: int, subnet: int = 0) -> str:
        """An address of a subnet."""
        return f"{self.prefix}.{240 + subnet}.{number}"


@dataclass(frozen=True)
class Shell:
    """A machine by SSH, as a controller reaches it."""

    address: str
    key: Path
    ident: str
    container: str
    login: str = "admin"

    def run(self, command: str, login: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command there."""
        return subprocess.run(
            ["ssh", "-i", str(self.key), "-o", "UserKnownHostsFile=/dev/null", "-o", "StrictHostKeyChecking=no",
             "-o", "LogLevel=ERROR", "-o", "BatchMode=yes", "-o", "ConnectTimeout=5",
             f"{login or self.login}@{self.address}", command], capture_output=True, text=True, timeout=60, check=False)

    def says(self, command: str) -> str:
        """Standard output of a command that must succeed."""
        done = self.run(command)
        assert done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout.strip()


SERVER = r"""
import http.server, os, time
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        mode = open("/run/mode").read().strip()
        if mode == "hang": time.sleep(30)
        self.send_response(int(mode)); self.end_headers(); self.wfile.write(os.uname().nodename.encode())
http.server.ThreadingHTTPServer(("", 8000), Handler).serve_forever()
"""


def serve(machine: Shell, mode: str) -> None:
    """Have a machine answer on port 8000: a status, `hang`, or `off`."""
    docker.shell(machine.container, f"echo {mode} > /run/mode")
    running = "systemctl is-active --quiet answers"
    if mode == "off":
        docker.shell(machine.container, f"if {running}; then systemctl stop answers; fi")
        return
    docker.place(machine.container, {"/usr/local/lib/answers.py": docker.File(SERVER.encode())})
    docker.shell(machine.container, f"{running} || systemd-run --quiet --collect --unit answers "
                                    "python3 /usr/local/lib/answers.py")


def run_instance(ec2: Any, lab: Lab, name: str, **more: Any) -> str:
    """Order one instance; returns its id at once."""
    made = ec2.run_instances(
        ImageId=lab.image, MinCount=1, MaxCount=1, InstanceType="t3.small",
        **{"SubnetId": lab.subnets[0], "KeyName": "conformance",
           "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": name}]}], **more})
    return str(made["Instances"][0]["InstanceId"])


def instance(ec2: Any, ident: str) -> dict[str, Any]:
    """What DescribeInstances says of one instance."""
    found: dict[str, Any] = ec2.describe_instances(InstanceIds=[ident])["Reservations"][0]["Instances"][0]
    return found


def wait_state(ec2: Any, ident: str, state: str, deadline: float = 60.0) -> dict[str, Any]:
    """Wait until an instance is in a state, and return it."""
    wait_for(f"instance {ident} {state}", lambda: instance(ec2, ident)["State"]["Name"] == state, deadline)
    return instance(ec2, ident)
