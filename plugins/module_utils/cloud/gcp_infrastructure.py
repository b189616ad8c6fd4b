# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user has for a fleet on Google Cloud, and what is managed for it: looked up before anything is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_backend_service import BackendService
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_compare import plain
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_members import network_of
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_resources import Resources, Wanted, not_ours
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_service_accounts import ServiceAccounts
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_zones import everywhere
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.parallel import gathered, map_parallel
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.selector import selector
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import google_names, is_marked, mark_text
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.google_list import BALANCER_KINDS

#: Options that name something that exists, in the order of their findings.
EXISTING = ("network", "subnetwork", "service_account", "backend_service")
#: What a load balancer is made of, in the order in which it can be removed; its instance groups come last.
BALANCER = tuple(reversed(BALANCER_KINDS))
NETWORK = ("network", "subnetwork")
#: Two, so that the loss of one is not the loss of the fleet.
FEWEST_ZONES = 2

Found = dict[str, Any]


@dataclass
class Infrastructure:
    """Lookups in one project. Only reads.

    :param existing: the user's value for each of :data:`EXISTING`, and ``network_tags``.
    :param region: of the machines; empty where zones are no matter.
    :param zones: of the machines; empty for the region's first two.
    :param balancer: whether a load balancer is to be made where no backend service exists.
    :param claim: whether it is an error that something of somebody else's has a name of what is to be made.
    """

    client: GcpClient
    fleet: str
    region: str
    zones: Sequence[str]
    existing: Mapping[str, Any]
    balancer: bool = True
    claim: bool = True
    findings: list[Finding] = field(default_factory=list)

    def observe(self) -> Found:
        """Everything that is named, an empty value for what is not, and the kinds that are managed.

        :raises Failed: with all that is not there, does not fit together, or is somebody else's.
        """
        found = self.named()
        there, groups = self._managed(), self.group_zones()
        if self.claim:
            wanted = (*(() if found["subnetwork"] else NETWORK[1:] if found["network"] else NETWORK),
                      *(BALANCER if self.balancer and not found["backend_service"] else ()))  # fmt: skip
            self.findings += [not_ours(self._wanted(kind)) for kind in wanted if there.get(kind) is False]
        self._stop()
        made = [kind for kind in BALANCER if there.get(kind)]
        return {**found, "group_zones": groups, "balancer_made": made}

    def named(self) -> Found:
        """Everything that is named, an empty value for what is not, and the machines' zones.

        :raises Failed: with all that is not there, or does not fit together.
        """
        zones = self._zones() if self.region else list(self.zones)
        found = {option: self._existing(option) for option in EXISTING}
        self._stop()
        self._settle(found, zones)
        self._stop()
        return {**found, "zones": zones}

    def _stop(self) -> None:
        if self.findings:
            raise Failed(*self.findings)

    def _say(self, code: str, what: str, option: str, fix: str) -> None:
        self.findings.append(Finding(code, what, f"{option}, Google project {self.client.project}", fix))

    # -- what exists

    def _zones(self) -> list[str]:
        try:
            region = self.client.call("compute", "GET", self._url(f"regions/{self.region}"))
        except errors.NotFound:
            self._say("no-such-region", f"There is no region {self.region!r}.", "region", "Correct it.")
            return []
        known = sorted(str(link).rpartition("/")[2] for link in region.get("zones") or ())
        zones = list(dict.fromkeys(self.zones)) or known[:FEWEST_ZONES]
        strange = [zone for zone in zones if zone not in known]
        if strange:
            what = f"{', '.join(strange)} is not a zone of {self.region}: its zones are {', '.join(known)}."
            self._say("no-such-zone", what, "zones", "Correct it.")
        elif len(zones) < FEWEST_ZONES:
            what = f"The fleet needs two zones, and the settings have {', '.join(zones) or 'none'}."
            self._say("one-zone", what, "zones", f"Set provision_zones (praxis_zones) to two of {', '.join(known)}.")
        return zones

    def _existing(self, option: str) -> Any:
        lookups = {"network": self._network, "subnetwork": self._subnetwork, "service_account": self._account,
                   "backend_service": self._backend_service}  # fmt: skip
        try:
            wanted = selector(option, self.existing.get(option))
            if wanted.tags or len(wanted.ids) > 1:
                what = "These resources have no labels in Google Cloud." if wanted.tags else "Only one can be set."
                self._say("bad-selector", what, option, "Set one name, or one link.")
                return {}
            return lookups[option](wanted.ids[0]) if wanted else {}
        except Failed as failed:
            self.findings += failed.findings
            return {}

    def _network(self, wanted: str) -> Found:
        path, found = self._get(wanted, "network", "global/networks")
        return {"link": path, "name": path.rpartition("/")[2], "id": network_of(path)} if found else {}

    def _subnetwork(self, wanted: str) -> Found:
        path, found = self._get(wanted, "subnetwork", f"regions/{self.region}/subnetworks")
        if not found:
            return {}
        if f"/regions/{self.region}/" not in path:
            self._say("other-region", f"{path} is not in {self.region}.", "subnetwork", "Set a resource of the same "
                                                                                        "region.")
        network = plain(found["network"], self.client.project)
        return {"link": path, "cidr": found["ipCidrRange"], "network": network}

    def _account(self, wanted: str) -> Found:
        accounts = ServiceAccounts(self.client)
        found = accounts.find(wanted)
        if found is None:
            what = f"There is no service account {accounts.email(wanted)}."
            self._say("infrastructure-not-found", what, "service_account", "Correct the name or email.")
        return {"email": found["email"]} if found else {}

    def _backend_service(self, wanted: str) -> Found:
        path = self._path(wanted, "global/backendServices")
        name, words = path.rpartition("/")[2], path.split("/")
        region = words[words.index("regions") + 1] if "regions" in words else ""
        service = BackendService(self.client, name, region)
        return {"name": name, "link": service.link, "zones": sorted(service.groups)}

    def _get(self, wanted: str, option: str, scope: str) -> tuple[str, Found]:
        path = self._path(wanted, scope)
        try:
            return path, self.client.call("compute", "GET", f"compute/v1/{path}")
        except errors.NotFound:
            fix = "Correct the name, the project or the region."
            self._say("infrastructure-not-found", f"The {option} {path} does not exist.", option, fix)
            return path, {}

    def _settle(self, found: Found, zones: Sequence[str]) -> None:
        """A subnetwork says its network; what exists must fit together, and the zones the backend service."""
        subnetwork, network = found["subnetwork"], found["network"]
        if subnetwork and not network:
            path = subnetwork["network"]
            found["network"] = {"link": path, "name": path.rpartition("/")[2], "id": network_of(path)}
        elif subnetwork and subnetwork["network"] != network["link"]:
            what = f"{subnetwork['link']} is in {subnetwork['network']}, and not in {network['link']}."
            self._say("other-network", what, "subnetwork", "Set a subnetwork of that network, or remove network.")
        owner = (found["network"] or {"id": ""})["id"].partition("/")[0]
        if owner not in ("", self.client.project) and not self.existing.get("network_tags"):
            what = f"The network is of the project {owner}, and so are its firewall rules: this run cannot create any."
            fix = "Set praxis_security_groups to network tags whose rules in that project admit what the fleet needs."
            self._say("other-project", what, "network_tags", fix)
        missing = [zone for zone in zones if found["backend_service"] and zone not in found["backend_service"]["zones"]]
        if missing:
            there = ", ".join(found["backend_service"]["zones"]) or "none"
            what = f"The backend service has no group in {', '.join(missing)}; it has groups in {there}."
            self._say("backend-zone", what, "backend_service", "Set provision_zones (praxis_zones) to the zones of "
                                                               "its groups, or add a group to it.")

    # -- what is managed

    def _managed(self) -> dict[str, bool]:
        """The kinds of which there is one under our name, and whether it is ours."""
        resources = Resources(self.client)
        kinds = (*NETWORK, *BALANCER)
        found = gathered(map_parallel(lambda kind: [resources.find(self._wanted(kind))], kinds))
        return {kind: self._wanted(kind).owns(one) for kind, [one] in zip(kinds, found) if one is not None}

    def _wanted(self, kind: str) -> Wanted:
        location = self.region if kind == "subnetwork" else "global"
        return Wanted(kind, google_names(self.fleet)["fleet"], location, mark=mark_text(self.fleet))

    def group_zones(self) -> list[str]:
        """The zones in which the fleet's own instance groups are."""
        return group_zones(self.client, google_names(self.fleet)["fleet"], mark_text(self.fleet))

    def _path(self, wanted: str, scope: str) -> str:
        return plain(wanted if "/" in wanted else f"{scope}/{wanted}", self.client.project)

    def _url(self, path: str) -> str:
        return f"compute/v1/projects/{self.client.project}/{path}"


def group_zones(client: GcpClient, name: str, mark: str) -> list[str]:
    """The zones that have an instance group of this name with the mark in its description."""
    groups = everywhere(client, client.project, "instanceGroups", f"name={name}")
    return sorted(one["zone"].rpartition("/")[2] for one in groups if is_marked(one.get("description"), mark))
