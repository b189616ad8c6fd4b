# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Google's side of one sandbox while its process runs: the API, and what its resources are."""

from __future__ import annotations

from collections.abc import Callable

from sandbox import machines
from sandbox.aws.faults import Faults
from sandbox.aws.log import Log
from sandbox.balancer import Balancer
from sandbox.gcp.balancing import Balancing
from sandbox.gcp.compute.resources import Resource
from sandbox.gcp.compute.service import Compute
from sandbox.gcp.front import Front
from sandbox.gcp.identity import ServiceAccount
from sandbox.gcp.machines import Machines, ident_of
from sandbox.registry import Registry
from sandbox.site import Site
from sandbox.state import publish


class Cloud:
    """The World behind Compute's resources, and what the API's process holds beside it."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.log = Log(site.home / "gcp" / "operations.jsonl")
        self.faults = Faults()
        self.enforced = False
        """Whether it is filled and serves."""
        self.balancing = Balancing(Balancer(site, "gcp"), lambda: self.compute, site.home / "gcp" / "health.jsonl")
        self.machines = Machines(site, lambda: self.compute, self._account, self.log.say)
        self.compute = Compute(site.addresses.network, self, str(site.addresses.google_public))
        self.front = Front(self.compute, self.log, self.faults, registry=Registry(site))

    def _account(self, email: str) -> ServiceAccount | None:
        """A service account, if there is one. The front is there by the time that this is asked."""
        return self.front.identities.known(email)

    @property
    def endpoint(self) -> str:
        """URL of the API, and of the proxy."""
        return f"http://127.0.0.1:{self.site.addresses.google_port}"

    def instance(self, event: str, instance: Resource) -> Callable[[], bool]:
        """What happens to a machine."""
        return self.machines.order(event, instance)

    def disk(self, event: str, disk: Resource, other: Resource) -> None:
        """What happens to a disk."""
        self.machines.disk(event, disk, other)

    def host_keys(self, instance: Resource) -> list[str]:
        """What a machine's guest agent has published."""
        return machines.host_keys(self.site, ident_of(instance))

    def health(self, service: Resource, address: str, port: int) -> str:
        """How the balancer finds an endpoint."""
        return self.balancing.health(service, address, port)

    def write_state(self) -> None:
        """Write .sandbox/state.json from what exists now."""
        publish(self.site, "gcp", {
            "machines": self.machines.listed(), "registry": self.site.google_registry_name, "endpoint": self.endpoint,
            "balancer": self.balancing.url})
