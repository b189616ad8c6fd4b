# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Members of a Google backend service's groups: who is in, who should be, and waiting until it is so.

A backend is an unmanaged instance group or a zonal network endpoint group; a machine belongs to the one of its zone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_compare import plain
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.parallel import map_parallel
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.machines import LATE_REQUESTS, require_one_that_serves
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import google_machine
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.google_list import FRONT_ENDS

# Seconds beyond what the health check's own settings add up to: a change reaches the balancer's places one by one.
MARGIN = 60
#: Seconds that a change of a group may take. A machine is taken out up to a minute after its connections have to end:
#: https://cloud.google.com/compute/docs/reference/rest/v1/instanceGroups/removeInstances.
OPERATION_DEADLINE = 120.0
HEALTHY, UNHEALTHY, UNKNOWN = "HEALTHY", "UNHEALTHY", "UNKNOWN"


@dataclass(frozen=True, order=True)
class Target:
    """One machine, by zone and name.

    :param port: of its endpoint in a network endpoint group. None: in an instance group, which has one port for all its
        machines; of a target that is asked for: whatever port it is there with, or else the group's default.
    """

    zone: str
    name: str
    port: int | None = None

    def __str__(self) -> str:
        return f"{self.zone}/{self.name}" + (f":{self.port}" if self.port else "")

    def means(self, other: Target) -> bool:
        """Whether this, as it is asked for, is the other one, as it was observed."""
        ports = {self.port, other.port}
        return (self.zone, self.name) == (other.zone, other.name) and (len(ports) == 1 or None in ports)


@dataclass(frozen=True)
class Group:
    """One backend of the service.

    :param path: ``projects/P/zones/Z/instanceGroups/NAME``, or ``networkEndpointGroups``.
    """

    path: str

    @property
    def zone(self) -> str:
        """Its zone."""
        return self.path.split("/")[3]

    @property
    def endpoints(self) -> bool:
        """Whether it is a network endpoint group."""
        return "/networkEndpointGroups/" in self.path


Seen = Mapping[Target, str]
"""The machines in the groups, and the balancer's word for each: HEALTHY, UNHEALTHY, or UNKNOWN."""


class BackendService:
    """One backend service.

    :param name: of a global one; or any form of a link, ``regions/REGION/backendServices/NAME`` for a regional one.
    :param region: of a regional one that is named without it.
    :raises Failed: ``backend-service-not-found``, or the cloud's own refusal.
    """

    def __init__(self, client: GcpClient, name: str, region: str = "") -> None:
        self._client = client
        words = name.split("/")
        self.name = name = words[-1]
        region = words[words.index("regions") + 1] if "regions" in words[:-1] else region
        place = f"regions/{region}" if region else "global"
        #: ``projects/P/global`` or ``projects/P/regions/R``: what leads to it is there, too.
        self.scope = f"projects/{client.project}/{place}"
        self._path = f"{self.scope}/backendServices/{name}"
        try:
            #: As Google described it then.
            self.described = client.call("compute", "GET", f"compute/v1/{self._path}")
        except errors.NotFound:
            fix = "Run provision.yml first, or correct the name, the project or the region."
            what = f"There is no backend service {name!r}."
            raise Failed(Finding("backend-service-not-found", what, f"Google {place}", fix)) from None
        backends = self.described.get("backends") or []
        self.groups = {
            group.zone: group for group in (Group(plain(one["group"], client.project)) for one in backends)
            if "/zones/" in group.path
        }  # fmt: skip

    @property
    def link(self) -> str:
        """Its self link."""
        return str(self.described["selfLink"])

    def targets(self, wanted: Iterable[Mapping[str, Any]]) -> list[Target]:
        """Targets from ``{id, zone, port}``, each once; an id may be a link, which names the zone.

        :raises Failed: ``backend-zone``, for every machine in a zone that the service has no group in.
        """
        found = list(dict.fromkeys(_target(one) for one in wanted))
        findings = [
            Finding(
                "backend-zone",
                f"The backend service has no group in the machine's zone; it has groups in "
                f"{', '.join(sorted(self.groups)) or 'none'}.",
                f"target {target} of {self.name}",
                "Add a group of that zone to it (provision.yml does), or remove the machine from the list of targets.",
            )
            for target in found
            if target.zone not in self.groups
        ]
        if findings:
            raise Failed(*findings)
        return [target if self.groups[target.zone].endpoints else replace(target, port=None) for target in found]

    def observe(self) -> dict[Target, str]:
        """Who is in the groups, and how each is.

        :raises Failed: with the failure of every group that could not be asked.
        """
        answers = map_parallel(self._observe, self.groups.values())
        failures = [finding for answer in answers if isinstance(answer, Failed) for finding in answer.findings]
        if failures:
            raise Failed(*failures)
        return {target: state for answer in answers if isinstance(answer, dict) for target, state in answer.items()}

    def _observe(self, group: Group) -> dict[Target, str]:
        body = {"group": f"https://www.googleapis.com/compute/v1/{group.path}"}
        health = self._client.call(
            "compute", "POST", f"compute/v1/{self._path}/getHealth", body=body, idempotent=True
        ).get("healthStatus", [])
        states = {
            Target(group.zone, _name(one["instance"]), one.get("port") if group.endpoints else None):
            one.get("healthState", UNKNOWN) for one in health if one.get("instance")
        }  # fmt: skip
        return {target: states.get(target, UNKNOWN) for target in self._members(group)}

    def _members(self, group: Group) -> list[Target]:
        method = "listNetworkEndpoints" if group.endpoints else "listInstances"
        found: list[Target] = []
        query: dict[str, str] = {}
        while True:
            page = self._client.call(
                "compute", "POST", f"compute/v1/{group.path}/{method}", body={}, query=query, idempotent=True
            )
            for item in page.get("items") or []:
                one = item["networkEndpoint"] if group.endpoints else item
                found.append(Target(group.zone, _name(one["instance"]), one.get("port")))
            if not page.get("nextPageToken"):
                return found
            query["pageToken"] = page["nextPageToken"]

    def apply(self, targets: Sequence[Target], state: str) -> None:
        """Put machines into their zones' groups or take them out: one call a zone, all zones at once."""
        zones: dict[str, list[Target]] = {}
        for target in targets:
            zones.setdefault(target.zone, []).append(target)
        answers = map_parallel(lambda zone: self._apply(self.groups[zone], zones[zone], state), zones)
        failures = [finding for answer in answers if isinstance(answer, Failed) for finding in answer.findings]
        if failures:
            raise Failed(*failures)

    def _apply(self, group: Group, targets: Sequence[Target], state: str) -> None:
        present = state == "present"
        project = self._client.project
        links = [f"projects/{project}/zones/{target.zone}/instances/{target.name}" for target in targets]
        if group.endpoints:
            method = "attachNetworkEndpoints" if present else "detachNetworkEndpoints"
            ports = [{"port": target.port} if target.port else {} for target in targets]
            body: dict[str, Any] = {"networkEndpoints": [
                {"instance": link, **port} for link, port in zip(links, ports)
            ]}  # fmt: skip
        else:
            method = "addInstances" if present else "removeInstances"
            body = {"instances": [{"instance": link} for link in links]}
        operation = self._client.change("POST", f"compute/v1/{group.path}/{method}", body)
        seconds = OPERATION_DEADLINE + (0 if present else self.draining())
        self._client.wait(operation, seconds=seconds, what=f"{method} in {group.path}")

    def draining(self) -> float:
        """Seconds that connections to a machine are let live after it was taken out."""
        return float((self.described.get("connectionDraining") or {}).get("drainingTimeoutSec") or 0)

    def patience(self) -> float:
        """Seconds that becoming healthy may take, from the health check's own settings."""
        checks = self.described.get("healthChecks") or []
        if not checks:
            return float(MARGIN)
        path = plain(checks[0], self._client.project)
        check = self._client.call("compute", "GET", f"compute/v1/{path}")
        rounds = int(check.get("healthyThreshold", 2)) + 1
        return float(int(check.get("checkIntervalSec", 5)) * rounds + int(check.get("timeoutSec", 5)) + MARGIN)


def diff(seen: Seen, targets: Iterable[Target], state: str) -> list[Target]:
    """The machines to put in (``present``) or to take out (``absent``, at every port that is meant)."""
    if state == "present":
        return [target for target in targets if not there(seen, target)]
    return list(dict.fromkeys(one for target in targets for one in there(seen, target)))


def there(seen: Seen, target: Target) -> list[Target]:
    """What a target that is asked for is in the groups as."""
    return [one for one in seen if target.means(one)]


def health_of(seen: Seen, target: Target) -> str:
    """The balancer's word for a machine; empty for one that is in no group."""
    states = [seen[one] for one in there(seen, target)]
    return HEALTHY if HEALTHY in states else next(iter(states), "")


def failures(seen: Seen, targets: Iterable[Target], group: str, seconds: float) -> list[Finding]:
    """A finding for every machine that is not healthy in time. Google gives no reason; these are the usual ones."""
    fix = (
        "Check that the agent answers on the health check's port and path, that the group's named port is that port, "
        f"and that a firewall rule admits Google's health checks ({', '.join(FRONT_ENDS)}). If the load balancer only "
        "needs more time, raise praxis_join_timeout (the module's wait_timeout)."
    )
    return [
        Finding(
            "target-not-healthy",
            f"The target is {health_of(seen, target) or 'in no group'} after {seconds:.0f} s.",
            f"target {target} of {group}",
            fix,
        )
        for target in targets
        if health_of(seen, target) != HEALTHY
    ]


def _target(given: Mapping[str, Any]) -> Target:
    return Target(*google_machine(str(given["id"]), str(given.get("zone") or "")), given.get("port"))


def _name(link: str) -> str:
    return link.rpartition("/")[2]


def leaving(service: BackendService, ids: Collection[str], *, some_stay: bool) -> list[Target]:
    """Which members of a service are machines that are to be deleted.

    :param ids: ``ZONE/NAME`` of each.
    :param some_stay: whether the fleet keeps machines.
    :raises Failed: ``none-would-serve``.
    """
    seen = service.observe()
    going = [target for target in seen if f"{target.zone}/{target.name}" in ids]
    if some_stay:
        require_one_that_serves(service.name, [target for target, state in seen.items() if state == HEALTHY], going)
    return going


def leave(service: BackendService, ids: Collection[str], sleep: Callable[[float], None], *, some_stay: bool) -> None:
    """Take machines that are to be deleted out of their groups, and let their connections end: Google does not say when
    the last one has, so the service's own time is waited for. For the parameters see :func:`leaving`.

    :raises Failed: ``none-would-serve``, with nothing changed.
    """
    if going := leaving(service, ids, some_stay=some_stay):
        service.apply(going, "absent")
        sleep(max(service.draining(), LATE_REQUESTS))
