# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet in a served Google Cloud project, by the engine itself and without a module around it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_provision import Provision
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_removal import Removal
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Poll, Retry
from ansible_collections.praxis.cloud.plugins.modules.gcp_infrastructure import ARGUMENTS
from tests.unit.infrastructure.account import FLEET, HOST, KEY, Clock

from .conftest import PROJECT, Google
from .made import REGION, ask, certificate, operations, zone

NAME = f"praxis-{FLEET}"
#: Everything that a project has of a fleet, by the name of its collection.
COLLECTIONS = (
    "networks", "subnetworks", "firewalls", "instanceGroups", "healthChecks", "securityPolicies", "backendServices",
    "urlMaps", "targetHttpProxies", "addresses", "forwardingRules", "instances", "sslPolicies", "sslCertificates",
    "targetHttpsProxies", "disks", "routers",
)  # fmt: skip


@dataclass
class Project:
    """One project, and the fleet's settings."""

    google: Google
    options: dict[str, Any] = field(default_factory=dict)
    own: set[str] = field(default_factory=set)
    _client: GcpClient | None = None

    def __post_init__(self) -> None:
        self.google.front.access.grant(self.google.email, ["compute.images.get*"], "projects/debian-cloud")
        self.options = {name: argument.get("default") for name, argument in ARGUMENTS.items()} | {
            "fleet": FLEET, "region": REGION, "hosts": 1, "cidr": "10.77.128.0/20", "ssh_public_key": KEY,
            "image_family": "debian-12", "ssh_from": ["203.0.113.7/32", "2001:db8::/64"],
            "balancer_from": ["198.51.100.0/24"], "labels": {"team": "search"}, "deadline": 60, **self.options,
        }  # fmt: skip
        self.own = set(self._listed())

    def secure(self, **options: Any) -> None:
        """From now on with HTTPS, by a certificate of the user's, and with a name in a zone of theirs."""
        if not self.google.front.dns.zones:
            zone(self.google)
        named = {"certificate": certificate(self.google), "dns_zone": "agents", "dns_name": HOST}
        self.options |= {**named, **options}
        self.own = set(self._listed())

    def client(self) -> GcpClient:
        """A client whose waits take no time."""
        if self._client is None:
            clock = Clock()
            self._client = GcpClient(retry=Retry(clock=clock.read, sleep=clock.sleep))
        return self._client

    def provision(self, **options: Any) -> Provision:
        clock = Clock()
        poll = Poll(clock=clock.read, sleep=clock.sleep)
        return Provision(self.client(), {**self.options, **options}, poll)

    def present(self, *, check: bool = False, **options: Any) -> dict[str, Any]:
        return self.provision(**options).present(check)

    def absent(self, *, check: bool = False, **options: Any) -> dict[str, Any]:
        given = self.provision(**options)
        return Removal(given.client, given.options, given.poll).absent(check)

    def resources(self) -> dict[str, int]:
        """How many there are of each kind, beyond what the project had."""
        found = [path.split("/")[-2] for path in set(self._listed()) - self.own]
        return {kind: found.count(kind) for kind in sorted(set(found))}

    def get(self, path: str) -> dict[str, Any]:
        """A resource as it is stored."""
        return dict(self.google.front.compute.resources.get(f"projects/{PROJECT}/{path}"))

    def edit(self, verb: str, path: str, body: dict[str, Any] | None = None) -> None:
        """A change of the project's owner, past the network and the log."""
        ask(self.google, verb, f"projects/{PROJECT}/{path}", body)

    def mark(self) -> int:
        """How many changes there were so far."""
        return len(operations(self.google, True))

    def changes(self, since: int = 0) -> list[str]:
        """What was changed through the API since then."""
        return operations(self.google, True)[since:]

    def _listed(self) -> Iterator[str]:
        for collection in COLLECTIONS:
            yield from (path for path, _one in self.google.front.compute.resources.of_kind(PROJECT, collection))
        for records in self.google.front.dns.records.values():
            yield from (f"dnsRecords/{name} {type_}" for name, type_ in records)
        yield from (f"projects/{path}" for path in self.google.front.container.resources)
        for each in self.google.front.projects.bindings.get(f"projects/{PROJECT}", []):
            yield f"{each['role']} {sorted(each['members'])}"
        accounts = self.google.front.identities.of_project(PROJECT)
        yield from (f"serviceAccounts/{account.email}" for account in accounts)
