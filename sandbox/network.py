# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The site's Docker network: one bridge that stands for the cloud's network."""

from __future__ import annotations

from sandbox import docker
from sandbox.problem import Problem
from sandbox.site import Site


def up(site: Site) -> None:
    """Make the network unless it is there."""
    found = docker.inspect("network", site.network)
    subnet = site.addresses.network
    if found:
        have = found["IPAM"]["Config"][0]["Subnet"]
        if have != subnet:
            raise Problem(f"the network {site.network} has the subnet {have}, not {subnet}", "docker network ls",
                          "python -m sandbox down, then up")
        return
    try:
        # Docker hands out addresses of the first /24 only; machines get theirs from the cloud's API.
        docker.docker("network", "create", "--driver", "bridge", "--subnet", subnet,
                      "--ip-range", f"{site.addresses.at(0)}/24", "--gateway", site.addresses.gateway,
                      "--opt", f"com.docker.network.bridge.name={site.bridge}", *site.labels("network"),
                      site.network)
    except docker.DockerError as error:
        raise Problem(f"the network {subnet} could not be made: {error}", "docker network create",
                      f"remove what uses {subnet}, or {site.home / 'addresses.json'} to choose another") from None


def down(site: Site) -> None:
    """Remove the network, if it is there."""
    if docker.inspect("network", site.network):
        docker.docker("network", "rm", site.network)
