# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of Google Cloud resources that provisioning keeps, in the order of creation. Removal goes from the end.

Compute Engine's are rows of ``gcp_kinds.py``, and change by :class:`Resources`, as ``gcp_resource`` changes them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_compare import same
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_dns_kind import DnsRecord
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_gke_kinds import GkeCluster, NodePool
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_kind import (
    DEADLINE,
    GcpKind,
    address_of,
)
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_kinds import digest
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_project_roles import ProjectRole
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_resources import (
    Resources,
    Wanted,
    refuse_fixed,
)
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_service_accounts import ServiceAccounts
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.kind import tagged, text_of, words_of
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.resource import UNKNOWN, Observed, Resource


@dataclass(frozen=True)
class ComputeKind(GcpKind):
    """A kind of Compute Engine's. Its id is its link."""

    def foreseen(self, client: GcpClient, desired: Resource) -> str:
        return Resources(client).link(self.wanted(desired))

    def find(self, client: GcpClient, desired: Resource) -> Observed | None:
        resources, wanted = Resources(client), self.wanted(desired)
        found = resources.find(wanted)
        if found is None:
            return None
        tags = words_of(found.get("description"))
        if tagged(tags, desired.tags):
            refuse_fixed(wanted, resources.compared(wanted, found), but_for=desired.remade_by)
        fields = self.fields(found, desired, client.project)
        return Observed(self.name, desired.name, resources.link(wanted), fields, tags, self.facts(found))

    def fields(self, found: Mapping[str, Any], desired: Resource, project: str) -> dict[str, Any]:
        """Of each field that is kept, what there is, in the form of what is wanted."""
        return {name: seen(found.get(name), value, project) for name, value in desired.fields.items()}

    def facts(self, found: Mapping[str, Any]) -> dict[str, str]:
        """What else is handed over."""
        return {}

    def create(self, client: GcpClient, desired: Resource) -> str:
        resources, wanted = Resources(client), self.wanted(desired)
        resources.insert(wanted)
        return resources.link(wanted)

    def set(self, client: GcpClient, desired: Resource, id_: str, names: Collection[str]) -> None:
        """Set what differs: an insert takes nearly everything."""
        resources = Resources(client)
        wanted = self.wanted(replace(desired, fields={name: desired.fields[name] for name in names}))
        found = resources.observe(wanted)
        if found.resource is None or found.changes:
            resources.bring(wanted, found)

    def remove(self, client: GcpClient, id_: str) -> None:
        _projects, _project, *scope, _collection, name = id_.split("/")
        Resources(client).delete(Wanted(self.name, name, scope[-1], deadline=self.deadline))

    def wanted(self, desired: Resource) -> Wanted:
        """The same as :class:`Resources` takes it."""
        name, location = desired.name.rpartition("/")[2], desired.made_with.get("location", "global")
        return Wanted(self.name, name, location, desired.fields, self.deadline, text_of(desired.tags))


@dataclass(frozen=True)
class BackendService(ComputeKind):
    """A service, before which there may be a login (IAP). Its client's secret is desired as a version, and handed over
    hidden; what Google has of it is a digest."""

    def fields(self, found: Mapping[str, Any], desired: Resource, project: str) -> dict[str, Any]:
        fields, hidden = super().fields(found, desired, project), desired.made_with.get("client_secret")
        if hidden is None:
            return fields
        wanted, there = desired.fields["iap"], (found.get("iap") or {}).get("oauth2ClientSecretSha256")
        version = wanted["oauth2ClientSecret"] if there == digest(hidden.value) else "another" if there else None
        return {**fields, "iap": {**fields["iap"], "oauth2ClientSecret": version} if fields["iap"] else None}

    def wanted(self, desired: Resource) -> Wanted:
        wanted, hidden = super().wanted(desired), desired.made_with.get("client_secret")
        if hidden is None or "iap" not in wanted.body:
            return wanted
        iap = {**wanted.body["iap"], "oauth2ClientSecret": hidden.value}
        return replace(wanted, body={**wanted.body, "iap": iap})


@dataclass(frozen=True)
class Network(ComputeKind):
    """A network, which is in no region; its subnetworks are."""

    def facts(self, found: Mapping[str, Any]) -> dict[str, str]:
        regions = {link.split("/")[-3] for link in found.get("subnetworks") or ()}
        return {"regions": " ".join(sorted(regions))}


@dataclass(frozen=True)
class Address(ComputeKind):
    """A reserved address."""

    def facts(self, found: Mapping[str, Any]) -> dict[str, str]:
        return {"address": str(found.get("address", ""))}


@dataclass(frozen=True)
class Certificate(ComputeKind):
    """A certificate that Google makes, when the name leads to the load balancer that has it: it is not waited for."""

    def facts(self, found: Mapping[str, Any]) -> dict[str, str]:
        return {"status": str((found.get("managed") or {}).get("status", ""))}


@dataclass(frozen=True)
class ForwardingRule(ComputeKind):
    """A rule. What is desired names the address by its link; Google answers with the address itself."""

    def find(self, client: GcpClient, desired: Resource) -> Observed | None:
        known = self._known(client, desired)
        found = super().find(client, known)
        if found is None or known is desired or found.fields["IPAddress"] != known.fields["IPAddress"]:
            return found
        return replace(found, fields={**found.fields, "IPAddress": desired.fields["IPAddress"]})

    def create(self, client: GcpClient, desired: Resource) -> str:
        return super().create(client, self._known(client, desired))

    def set(self, client: GcpClient, desired: Resource, id_: str, names: Collection[str]) -> None:
        super().set(client, self._known(client, desired), id_, names)

    @staticmethod
    def _known(client: GcpClient, desired: Resource) -> Resource:
        """The same with the address in place of its link, as far as there is one."""
        address = address_of(client, desired.fields.get("IPAddress", UNKNOWN))
        return replace(desired, fields={**desired.fields, "IPAddress": address}) if address else desired


@dataclass(frozen=True)
class ServiceAccount(GcpKind):
    """A service account without a role. Its id is its email."""

    def find(self, client: GcpClient, desired: Resource) -> Observed | None:
        found = ServiceAccounts(client).find(desired.name)
        if found is None:
            return None
        fields = {name: found.get(name, "") for name in desired.fields}
        return Observed(self.name, desired.name, str(found["email"]), fields, words_of(found.get("description")))

    def create(self, client: GcpClient, desired: Resource) -> str:
        mark = text_of(desired.tags)
        made = ServiceAccounts(client).make(desired.name, {**desired.fields, "description": mark}, mark)
        return str(made["email"])

    def set_later(self, desired: Resource) -> set[str]:
        return set()

    def set(self, client: GcpClient, desired: Resource, id_: str, names: Collection[str]) -> None:
        ServiceAccounts(client).change(id_, {name: desired.fields[name] for name in names})

    def remove(self, client: GcpClient, id_: str) -> None:
        ServiceAccounts(client).remove(id_)


def seen(current: Any, wanted: Any, project: str) -> Any:
    """A field as it is, in the form of the wanted one: that itself where they are the same to Google.

    What is wanted of a mapping is all that is shown of it, and so it is of each item that has its like in a list.
    """
    if same(current, wanted, project):
        return wanted
    if isinstance(current, Mapping) and isinstance(wanted, Mapping):
        return {name: seen(current.get(name), value, project) for name, value in wanted.items()}
    if isinstance(current, list) and isinstance(wanted, list):
        alike = [next((each for each in wanted if same(one, each, project)), one) for one in current]
        return sorted(alike, key=str)
    return current


def kinds(deadline: float = DEADLINE) -> dict[str, GcpKind]:
    """All kinds.

    :param deadline: seconds that each operation may take.
    """
    compute = ComputeKind
    every: tuple[GcpKind, ...] = (
        Network("network", "network", deadline),
        compute("subnetwork", "subnetwork", deadline),
        compute("firewall", "firewall rule", deadline),
        ServiceAccount("service_account", "service account", deadline),
        compute("instance_group", "instance group", deadline),
        Address("address", "address", deadline),
        compute("security_policy", "security policy", deadline),
        compute("health_check", "health check", deadline),
        BackendService("backend_service", "backend service", deadline),
        compute("url_map", "URL map", deadline),
        compute("ssl_policy", "SSL policy", deadline),
        Certificate("ssl_certificate", "SSL certificate", deadline),
        compute("target_https_proxy", "HTTPS target proxy", deadline),
        compute("target_http_proxy", "target proxy", deadline),
        ForwardingRule("forwarding_rule", "forwarding rule", deadline),
        DnsRecord("dns_record", "DNS record", deadline),
        compute("router", "router", deadline),
        ServiceAccount("node_account", "node service account", deadline),
        ProjectRole("project_role", "project role", deadline),
        GkeCluster("gke_cluster", "GKE cluster", deadline),
        NodePool("node_pool", "node pool", deadline),
    )
    return {kind.name: kind for kind in every}


#: The machines are launched after all of them, and go before what they use.
MACHINES_GO_BEFORE = "service_account"
