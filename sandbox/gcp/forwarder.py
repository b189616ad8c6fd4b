# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The address under which machines find Artifact Registry: connections go on to Google's process, by a Unix socket.

So nothing of the process listens on the network, and a fault of the registry has a place to be: this container.
"""

from __future__ import annotations

from pathlib import Path

from sandbox import docker
from sandbox.site import Site, write

NAME = "registry-gcp"
CONFIGURATION = """\
global
    log stdout format raw local0 notice

defaults
    mode tcp
    timeout connect 5s
    timeout client 10m
    timeout server 10m

listen registry
    bind :443
    server front unix@/etc/sandbox/front.sock
"""


def hosts(site: Site) -> tuple[str, ...]:
    """The registry's hosts, the older ones too."""
    return (site.google_registry_host, "us.gcr.io", "gcr.io")


def socket_of(site: Site) -> Path:
    """Where Google's process is to listen."""
    return site.home / NAME / "front.sock"


def up(site: Site, tag: str) -> None:
    """Start it from this image unless it runs."""
    name, folder = site.container(NAME), site.home / NAME
    write(folder / "haproxy.cfg", CONFIGURATION)
    found = docker.inspect("container", name)
    if found and found["Config"]["Image"] == tag:
        if not found["State"]["Running"]:
            docker.docker("start", name)
        return
    docker.remove_container(name)
    docker.docker(
        "run", "--detach", "--name", name, *site.labels(NAME), "--cap-add", "NET_ADMIN",
        "--network", site.network, "--ip", site.addresses.google_registry,
        *(word for host in hosts(site) for word in ("--network-alias", host)),
        "--volume", f"{folder}:/etc/sandbox:ro", tag)
