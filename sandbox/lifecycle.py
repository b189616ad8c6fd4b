# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bringing a sandbox up and taking it down."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from sandbox import certificates, docker, images, network
from sandbox.balancer import Balancer
from sandbox.client import Client
from sandbox.problem import Problem, step
from sandbox.registry import Registry
from sandbox.site import CHECKOUT, REGION, ROOT_VARIABLE, Site, write

AGENTS = ("1.0", "1.1")
API_DEADLINE = 60.0


def up(site: Site) -> None:
    """Bring the AWS sandbox up; what runs already is kept."""
    docker.require_engine()
    logs = site.home / "logs"
    if not Client(site).running():
        _clear_leftovers(site)
    tags = {name: images.ensure(image, logs) for name, image in
            (("registry", images.REGISTRY), ("balancer", images.BALANCER), ("machine", images.machine("trixie")))}
    certificates.make_tls(site.home / "tls", site.registry_name, site.addresses.registry)
    certificates.make_ssh_key(site.home / "ssh" / "id_ed25519", "praxis-sandbox")
    network.up(site)
    registry = Registry(site)
    registry.up(tags["registry"])
    Balancer(site).up(tags["balancer"])
    registry.push_agents(AGENTS)
    if not Client(site).running():
        with step("starting the API"):
            _start_api(site)
    write(site.home / "env", environment(site), 0o600)
    Client(site).state()


def _clear_leftovers(site: Site) -> None:
    """The API's memory ends with its process: machines of an earlier one belong to nobody."""
    end_api(site)
    for name in docker.named("container", site.key, "machine"):
        docker.remove_container(name)
    for name in docker.named("volume", site.key, "machine"):
        docker.docker("volume", "rm", "--force", name)
    for name in ("state.json", "aws/operations.jsonl"):
        (site.home / name).unlink(missing_ok=True)


def _start_api(site: Site) -> None:
    log = site.home / "aws" / "server.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen([sys.executable, "-m", "sandbox", "serve"], cwd=CHECKOUT, stdin=subprocess.DEVNULL,
                                   stdout=output, stderr=output, start_new_session=True, env=_api_environment(site))
    until = time.monotonic() + API_DEADLINE
    while not Client(site).running():
        if process.poll() is not None or time.monotonic() > until:
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
            raise Problem(f"the API was not ready in {API_DEADLINE:.0f} s:\n{tail}", str(log),
                          "mend what the log names, then run it again")
        time.sleep(0.1)


def _api_environment(site: Site) -> dict[str, str]:
    """The caller's environment without its own cloud, and with no proxy before loopback."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {**kept, ROOT_VARIABLE: str(site.root), "NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}


def end_api(site: Site) -> None:
    """End the API's process: the one in the pid file, if it is still ours."""
    record = site.home / "aws" / "pid"
    if not record.exists():
        return
    pid = int(record.read_text())
    if _is_ours(pid, site):
        os.kill(pid, signal.SIGTERM)
        until = time.monotonic() + 10
        while _is_ours(pid, site):
            if time.monotonic() > until:
                os.kill(pid, signal.SIGKILL)
                break
            time.sleep(0.05)
    record.unlink()


def _is_ours(pid: int, site: Site) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        surroundings = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        return b"sandbox" in words and b"serve" in words and f"{ROOT_VARIABLE}={site.root}".encode() in surroundings
    except OSError:
        return False


def down(site: Site) -> None:
    """Remove everything the sandbox made, by exact name; its images stay for the next one."""
    docker.require_engine()
    end_api(site)
    for name in docker.named("container", site.key):
        docker.remove_container(name)
    for name in docker.named("volume", site.key):
        docker.docker("volume", "rm", "--force", name)
    network.down(site)
    if site.home.exists():
        shutil.rmtree(site.home)


def environment(site: Site) -> str:
    """Shell lines that make a terminal one of the sandbox's controller."""
    keys = Client(site).credentials()
    values = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{site.addresses.api_port}",
        "AWS_ACCESS_KEY_ID": keys["access_key"],
        "AWS_SECRET_ACCESS_KEY": keys["secret_key"],
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "LC_ALL": "C.UTF-8",  # Ansible wants UTF-8, and a bare machine may have set none
        "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"),
        "ANSIBLE_PRIVATE_KEY_FILE": str(site.home / "ssh" / "id_ed25519"),
        "PRAXIS_IMAGE": f"{site.registry_name}/praxis-agent:{AGENTS[0]}",
        "PRAXIS_VPC_CIDR": site.addresses.network,
        "NO_PROXY": f"127.0.0.1,localhost,{site.addresses.network}",
        "no_proxy": f"127.0.0.1,localhost,{site.addresses.network}",
    }
    if site.root != CHECKOUT:
        values[ROOT_VARIABLE] = str(site.root)
    programs = shlex.quote(str(CHECKOUT / ".venv" / "bin"))
    lines = [f"export {name}={shlex.quote(value)}" for name, value in values.items()]
    lines += [f"case \":$PATH:\" in *:{programs}:*) ;; *) export PATH={programs}:\"$PATH\" ;; esac",
              "unset AWS_PROFILE AWS_SESSION_TOKEN AWS_SECURITY_TOKEN"]
    return "# A controller's environment for this checkout's sandbox:  . .sandbox/env\n" + "\n".join(lines) + "\n"
