# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Coming up, being up, and saying clearly what is missing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox import docker, lifecycle
from sandbox.client import Client
from sandbox.site import CHECKOUT, ROOT_VARIABLE, Site

pytestmark = pytest.mark.sandbox


def test_a_second_up_keeps_everything(sandbox: Client) -> None:
    def parts() -> list[object]:
        containers = [(docker.inspect("container", name) or {})["Id"] for role in ("registry", "balancer")
                      for name in docker.named("container", sandbox.site.key, role)]
        return [containers, (sandbox.site.home / "aws" / "pid").read_text(), sandbox.credentials(),
                (sandbox.site.home / "ssh" / "id_ed25519").read_text()]

    before = parts()
    lifecycle.up(sandbox.site)
    assert parts() == before


def test_the_state_file_has_what_is_promised(sandbox: Client) -> None:
    state = sandbox.state()
    assert {"machines", "registry", "balancer", "endpoints"} <= state.keys()
    assert state["registry"]["name"] == "123456789012.dkr.ecr.us-east-1.amazonaws.com"
    assert state["registry"]["push"].startswith("127.0.0.1:")
    assert state["balancer"]["url"].startswith("http://10.")
    assert state["endpoints"]["aws"].startswith("http://127.0.0.1:")


def test_the_environment_makes_a_shell_a_controller(sandbox: Client) -> None:
    script = f". {sandbox.site.home}/env; . {sandbox.site.home}/env; env -0"
    surroundings = {"PATH": os.environ["PATH"], "AWS_PROFILE": "mine", "AWS_SESSION_TOKEN": "old"}
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True, env=surroundings)
    values = dict(line.split("=", 1) for line in done.stdout.split("\0") if line)
    keys = sandbox.credentials()
    assert values["AWS_ACCESS_KEY_ID"] == keys["access_key"]
    assert values["AWS_SECRET_ACCESS_KEY"] == keys["secret_key"]
    assert len(keys["secret_key"]) >= 40
    assert values["AWS_REGION"] == values["AWS_DEFAULT_REGION"] == "us-east-1"
    assert values["PATH"].split(":").count(str(Path(sys.executable).parent)) == 1
    assert Path(values["ANSIBLE_PRIVATE_KEY_FILE"]).stat().st_mode & 0o777 == 0o600
    assert values["PRAXIS_VPC_CIDR"].endswith(".0.0/16")
    assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN"} & values.keys()


def test_what_is_secret_is_private(sandbox: Client) -> None:
    for name in ("env", "aws/controller.json", "aws/administrator.json", "tls/registry.key", "tls/password"):
        assert (sandbox.site.home / name).stat().st_mode & 0o077 == 0, name


def test_another_checkouts_sandbox_has_other_names_network_and_ports(sandbox: Client, tmp_path: Path) -> None:
    other = Site(tmp_path)
    mine, theirs = sandbox.site.addresses, other.addresses
    assert other.key != sandbox.site.key
    assert theirs.network != mine.network
    assert not {mine.api_port, mine.push_port} & {theirs.api_port, theirs.push_port}
    assert not Client(other).running()


def test_without_docker_it_says_what_to_install(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "sandbox", "up"], cwd=CHECKOUT, capture_output=True, text=True,
                          check=False, env={"PATH": str(tmp_path), ROOT_VARIABLE: str(tmp_path)})
    assert done.returncode == 1
    assert "apt-get install docker.io" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_an_engine_it_says_how_to_start_one(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "sandbox", "up"], cwd=CHECKOUT, capture_output=True, text=True,
                          check=False, env={"PATH": os.environ["PATH"], ROOT_VARIABLE: str(tmp_path),
                                            "DOCKER_HOST": f"unix://{tmp_path}/none.sock"})
    assert done.returncode == 1
    assert "systemctl start docker" in done.stderr
    assert "Traceback" not in done.stderr


def test_status_of_a_sandbox_that_is_not_up(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "sandbox", "status"], cwd=CHECKOUT, capture_output=True, text=True,
                          check=False, env={**os.environ, ROOT_VARIABLE: str(tmp_path)})
    assert (done.returncode, done.stdout) == (1, "the sandbox is not up\n")


def test_operations_by_the_command_line(sandbox: Client, aws: object) -> None:
    offset = sandbox.operations()[1]
    aws("sts").get_caller_identity()  # type: ignore[operator]
    done = subprocess.run([sys.executable, "-m", "sandbox", "operations", "--since", str(offset)], cwd=CHECKOUT,
                          capture_output=True, text=True, check=True,
                          env={**os.environ, ROOT_VARIABLE: str(sandbox.site.root)})
    entries = [json.loads(line) for line in done.stdout.splitlines()]
    assert [entry["operation"] for entry in entries] == ["GetCallerIdentity"]
    assert int(done.stderr) == sandbox.operations()[1]
