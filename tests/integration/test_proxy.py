# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet whose machines reach the world through a proxy only, deployed from bare machines.

The proxy is tinyproxy in a container of its own. What the machines send to anybody but it and each other, iptables
rejects: package mirror and registry can be had through the proxy, or not at all.
"""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from sandbox import docker, images
from sandbox.site import Site

from .conftest import HOME, Cloud, Machine, Run

#: All of it installs packages on bare machines.
pytestmark = pytest.mark.repetition
PORT = 3128
CONFIGURATION = f"Port {PORT}\nTimeout 600\nMaxClients 100\nLogLevel Connect\nConnectPort 443\n"
START = (
    "apt-get update -q && apt-get install -qy --no-install-recommends tinyproxy-bin && "
    "printf '%s' \"$0\" > /etc/tinyproxy.conf && exec tinyproxy -d -c /etc/tinyproxy.conf"
)
MIRROR = "deb.debian.org"
AGENT_STARTED = "docker inspect -f '{{.State.StartedAt}}' praxis-agent-1"


@dataclass
class Proxy:
    """The proxy, by its address on the sandbox's network."""

    site: Site
    container: str
    address: str

    @property
    def url(self) -> str:
        return f"http://{self.address}:{PORT}"

    def asked(self) -> str:
        """What it logged so far, a line for each connection and request."""
        done = subprocess.run(["docker", "logs", self.container], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=30, check=True)  # fmt: skip
        return done.stdout

    def answers(self) -> bool:
        ask = ["curl", "--silent", "--fail", "--max-time", "5", "--proxy", f"http://127.0.0.1:{PORT}", f"http://{MIRROR}/"]
        done = subprocess.run(["docker", "exec", self.container, *ask], capture_output=True, timeout=30, check=False)
        return done.returncode == 0


@pytest.fixture(scope="module")
def proxy(cloud: Cloud) -> Iterator[Proxy]:
    site = Site(HOME.parent)
    made = Proxy(site, site.container("proxy"), site.addresses.at(200))
    image = images.ensure(images.machine("trixie"), HOME / "logs")
    docker.docker("run", "--detach", "--name", made.container, *site.labels("proxy"), "--network", site.network,
                  "--ip", made.address, image, "sh", "-c", START, CONFIGURATION)  # fmt: skip
    try:
        until = time.monotonic() + 120
        while not made.answers():
            assert time.monotonic() < until, made.asked()[-2000:]
            time.sleep(0.5)
        yield made
    finally:
        docker.remove_container(made.container)


def shut_in(cloud: Cloud, machine: Machine, proxy: Proxy) -> None:
    """Let a machine reach itself, the fleet and the proxy, and answer whoever asks it; nobody else.

    It resolves the names of the sandbox's network, and no others: its resolver asks for those from here. What
    containers send goes through FORWARD.
    """
    beside = [found.ip for found in cloud.machines()]
    rules = [
        "OUTPUT -o lo -j ACCEPT",
        "OUTPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT",
        f"OUTPUT -d {proxy.address} -p tcp --dport {PORT} -j ACCEPT",
        *(f"OUTPUT -d {address} -j ACCEPT" for address in beside),
        "OUTPUT -d 172.16.0.0/12 -j ACCEPT",  # the bridges of its own engine
        "OUTPUT -p tcp -j REJECT --reject-with tcp-reset",
        "OUTPUT -j REJECT",
    ]
    cloud.on(machine, " && ".join(f"iptables -w 5 -A {rule}" for rule in rules))


def variables(proxy: Proxy, **more: Any) -> dict[str, Any]:
    return {"praxis_http_proxy": proxy.url, "praxis_https_proxy": proxy.url, "praxis_agent_proxy": True, **more}


def provision(cloud: Cloud, proxy: Proxy, hosts: int) -> list[Machine]:
    """So many machines, all of them shut in."""
    before = {machine.name for machine in cloud.machines()}
    cloud.run("provision.yml", environment={"PRAXIS_HOSTS": str(hosts)})
    for machine in cloud.machines():
        if machine.name not in before:
            shut_in(cloud, machine, proxy)
    return cloud.machines()


@pytest.fixture(scope="module")
def machines(cloud: Cloud, proxy: Proxy) -> list[Machine]:
    return provision(cloud, proxy, 2)


@pytest.fixture(scope="module")
def deployed(cloud: Cloud, proxy: Proxy, machines: list[Machine]) -> Run:
    return deploy(cloud, proxy)


def deploy(cloud: Cloud, proxy: Proxy, *arguments: str, expect: int = 0, **more: Any) -> Run:
    hosts = {"PRAXIS_HOSTS": str(len(cloud.machines()))}
    return cloud.run("deploy.yml", *arguments, expect=expect, environment=hosts, variables=variables(proxy, **more))


def started(cloud: Cloud, machine: Machine) -> str:
    """When engine and agent of a machine were started."""
    return cloud.on(machine, "systemctl show -p ActiveEnterTimestampMonotonic docker; " + AGENT_STARTED)


def test_no_machine_gets_out_without_the_proxy(cloud: Cloud, proxy: Proxy, machines: list[Machine]) -> None:
    """Or what follows would show nothing."""
    registry = Site(HOME.parent).registry_name
    for machine in machines:
        assert "docker" not in cloud.on(machine, "command -v docker", check=False)
        for url in (f"http://{MIRROR}/debian/", f"https://{registry}/v2/"):
            ask = f"curl --silent --show-error --insecure --max-time 10 --output /dev/null {url} 2>&1"
            said = cloud.on(machine, ask, check=False)
            assert re.search("Failed to connect|Could not resolve|Resolving timed out", said), (url, said)
            cloud.on(machine, ask.replace("curl", f"curl --proxy {proxy.url}", 1))


def test_it_deploys_from_bare(cloud: Cloud, proxy: Proxy, deployed: Run, machines: list[Machine]) -> None:
    assert deployed.summary["ok"] is True
    asked = proxy.asked()
    assert f"http://{MIRROR}/debian" in asked
    assert f"CONNECT {Site(HOME.parent).registry_name}:443" in asked


def test_what_is_never_proxied_is_always_there(cloud: Cloud, proxy: Proxy, deployed: Run) -> None:
    for machine in cloud.machines():
        told = cloud.on(machine, "docker info --format '{{.HTTPProxy}} {{.HTTPSProxy}} {{.NoProxy}}'").split()
        assert told[:2] == [proxy.url, proxy.url]
        pid = cloud.on(machine, "docker inspect -f '{{.State.Pid}}' praxis-agent-1").strip()
        lines = cloud.on(machine, f"tr '\\0' '\\n' < /proc/{pid}/environ").splitlines()
        environment = dict(line.split("=", 1) for line in lines if "=" in line)
        assert environment["https_proxy"] == environment["HTTPS_PROXY"] == proxy.url
        for entries in (told[2], environment["no_proxy"]):
            assert {"localhost", "127.0.0.1", "169.254.169.254", "metadata.google.internal", "10.0.0.0/8"} <= set(
                entries.split(",")
            )


def test_a_second_run_changes_nothing(cloud: Cloud, proxy: Proxy, deployed: Run) -> None:
    before = [started(cloud, machine) for machine in cloud.machines()]
    assert deploy(cloud, proxy).changed == {}
    assert deploy(cloud, proxy, "--check", "--diff").changed == {}
    assert [started(cloud, machine) for machine in cloud.machines()] == before
