# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bringing a sandbox up and taking it down."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from sandbox import certificates, docker, images, machines, network
from sandbox.balancer import Balancer
from sandbox.client import Client
from sandbox.environment import environment, write_trust
from sandbox.gcp import forwarder
from sandbox.problem import Problem, step
from sandbox.registry import Registry
from sandbox.site import CHECKOUT, CLOUDS, ROOT_VARIABLE, Site, write
from sandbox.state import forget

GOOGLE_HOSTS = ("*.googleapis.com", "*.pkg.dev", "*.gcr.io", "gcr.io")
AGENTS = ("1.0", "1.1")
API_DEADLINE = 60.0


def up(site: Site, clouds: Sequence[str] = ("aws",), dial_delay: float | None = None,
       with_docker: bool = False) -> None:
    """Bring clouds up, beside what is up; what runs already is kept.

    :param dial_delay: seconds that the agent's stand-in waits before it dials its peers; the agent's own unless given.
    :param with_docker: the newest Debian of a cloud that is started now has Docker already, set up; a real one has not.
    """
    docker.require_engine()
    client, logs = Client(site), site.home / "logs"
    for cloud in clouds:
        if not client.running(cloud):
            _clear_leftovers(site, cloud)
    machine = images.ready if with_docker else images.machine
    tags = {name: images.ensure(image, logs) for name, image in
            (("registry", images.REGISTRY), ("balancer", images.BALANCER), ("machine", machine("trixie")))}
    certificates.make_tls(site.home / "tls", site.registry_name, site.addresses.registry)
    certificates.make_ssh_key(site.home / "ssh" / "id_ed25519", "praxis-sandbox")
    network.up(site)
    registry = Registry(site)
    registry.up(tags["registry"])
    for cloud in clouds:
        Balancer(site, cloud).up(tags["balancer"])
    registry.push_agents(AGENTS, dial_delay)
    if "gcp" in clouds:
        certificates.make_certificate(site.home / "tls", "google", GOOGLE_HOSTS)
        write_trust(site)
        forwarder.up(site, tags["balancer"])
    for cloud in clouds:
        if not client.running(cloud):
            with step(f"starting the API of {cloud}"):
                _start_api(site, cloud, with_docker)
    write(site.home / "env", environment(site, client.clouds(), AGENTS[0]), 0o600)
    client.state()


def serve(site: Site, cloud: str) -> None:
    """Be a cloud's API until told to end."""
    if cloud == "gcp":
        from sandbox.gcp import server as google

        google.serve(site)
    else:
        from sandbox.aws import server as aws

        aws.serve(site)


def _clear_leftovers(site: Site, cloud: str) -> None:
    """An API's memory ends with its process: machines of an earlier one belong to nobody."""
    end_api(site, cloud)
    role = machines.role(cloud)
    for name in docker.named("container", site.key, role):
        docker.remove_container(name)
    for name in docker.named("volume", site.key, role):
        docker.docker("volume", "rm", "--force", name)
    forget(site, cloud)
    (site.home / cloud / "operations.jsonl").unlink(missing_ok=True)


def _start_api(site: Site, cloud: str, with_docker: bool) -> None:
    log = site.home / cloud / "server.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen([sys.executable, "-m", "sandbox", "serve", "--cloud", cloud], cwd=CHECKOUT,
                                   stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
                                   env=_api_environment(site) | ({images.WITH_DOCKER: "1"} if with_docker else {}))
    until = time.monotonic() + API_DEADLINE
    while not Client(site).running(cloud):
        if process.poll() is not None or time.monotonic() > until:
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
            raise Problem(f"the API was not ready in {API_DEADLINE:.0f} s:\n{tail}", str(log),
                          "fix what the log names, then run this again")
        time.sleep(0.1)


def _api_environment(site: Site) -> dict[str, str]:
    """The caller's environment without its own clouds, and with no proxy before loopback."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "GOOGLE_", "CLOUDSDK_"))}
    return {**kept, ROOT_VARIABLE: str(site.root), "NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}


def end_api(site: Site, cloud: str = "aws") -> None:
    """End a cloud's process: the one in the pid file, if it is still ours."""
    record = site.home / cloud / "pid"
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
    for cloud in CLOUDS:
        end_api(site, cloud)
    for name in docker.named("container", site.key):
        docker.remove_container(name)
    for name in docker.named("volume", site.key):
        docker.docker("volume", "rm", "--force", name)
    network.down(site)
    if site.home.exists():
        shutil.rmtree(site.home)
