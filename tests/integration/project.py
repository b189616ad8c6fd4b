# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Google Cloud project past the product: everything that Compute Engine lists of it, compared and edited by hand."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from .owner import GoogleOwner

MARK = "praxis_fleet={fleet} praxis_managed_by=provision"
ACCOUNTS = "https://iam.googleapis.com/v1/projects"
#: Where Compute Engine lists what a fleet may have; parts that only a load balancer has come last.
KINDS = {
    "network": "global/networks", "subnetwork": "aggregated/subnetworks", "firewall": "global/firewalls",
    "instance": "aggregated/instances", "group": "aggregated/instanceGroups", "check": "global/healthChecks",
    "service": "global/backendServices", "map": "global/urlMaps", "proxy": "global/targetHttpProxies",
    "address": "global/addresses", "rule": "global/forwardingRules", "policy": "global/securityPolicies",
    "secure": "global/targetHttpsProxies", "ciphers": "global/sslPolicies",
}  # fmt: skip
BALANCER = {"group": 2, "check": 1, "service": 1, "map": 1, "proxy": 1, "address": 1, "rule": 1, "policy": 1}


class Project(GoogleOwner):
    """The project past the product, as its owner sees it."""

    @cached_property
    def _session(self) -> Any:
        return super().session()

    def session(self) -> Any:
        """One for all requests: each new one fetches a token."""
        return self._session

    def resources(self) -> dict[str, dict[str, Any]]:
        """Everything there is of these kinds, by kind and path, without what changes by itself."""
        found = {}
        for kind, url in KINDS.items():
            for item in self.scoped(url) if url.startswith("aggregated/") else self.listed(url):
                found[f"{kind} {item['selfLink'].partition('/projects/')[2].partition('/')[2]}"] = still(item)
        for item in self.listed(f"{ACCOUNTS}/{self.project}/serviceAccounts", "accounts"):
            found[f"account {item['email'].partition('@')[0]}"] = item
        return found

    def made(self, fleet: str) -> dict[str, dict[str, Any]]:
        """What provision made for a fleet."""
        mark = MARK.format(fleet=fleet)
        return {name: item for name, item in self.resources().items() if item.get("description") == mark}

    def counted(self, fleet: str) -> dict[str, int]:
        kinds = [name.split()[0] for name in self.made(fleet)]
        return {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}

    def instances(self, fleet: str) -> list[dict[str, Any]]:
        """The fleet's machines by name."""
        found = [item for item in self.scoped("aggregated/instances") if item["name"].startswith(f"{fleet}-gcp-")]
        return sorted(found, key=lambda item: str(item["name"]))

    def edit(self, instance: dict[str, Any], method: str, **fields: Any) -> None:
        """One of a machine's setters, by hand."""
        self.finish(self.call("POST", f"{instance['selfLink']}/{method}", fields))


def still(value: Any) -> Any:
    """A resource without its fingerprints, its lists in one order."""
    if isinstance(value, dict):
        return {name: still(each) for name, each in value.items() if "ingerprint" not in name}
    return sorted((still(each) for each in value), key=str) if isinstance(value, list) else value


def last(link: str) -> str:
    return link.rpartition("/")[2]
