# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A forwarding rule's requests go where its backend service says, and health is what the balancer finds.

A loop follows forwarding rule, target proxy, URL map, backend service, groups and machines to HAProxy's servers.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sandbox.balancer import Balancer, Check, Https, Server
from sandbox.gcp.compute.resources import Resource, Resources, now, path_of
from sandbox.gcp.compute.service import Compute
from sandbox.gcp.compute.tls import key_of
from sandbox.gcp.compute.verbs import members
from sandbox.routing import Routing, Target

HEALTHY, UNHEALTHY = "HEALTHY", "UNHEALTHY"
SPECS = {"HTTP": "httpHealthCheck", "HTTPS": "httpsHealthCheck", "HTTP2": "http2HealthCheck", "TCP": "tcpHealthCheck"}
CODES = "200"
"""What Google takes for healthy."""
LOGIN = "https://accounts.google.com/o/oauth2/v2/auth"
"""Where the Identity-Aware Proxy sends those without a session."""
Place = tuple[str, int]


@dataclass(frozen=True)
class Served:
    """A backend service that a forwarding rule leads to.

    :param places: addresses and ports at which HTTP is answered.
    :param https: how HTTPS is answered, if it is.
    :param timeout: seconds that a request, or a WebSocket, may take.
    :param draining: seconds that connections to a machine that left live on.
    """

    link: str
    places: tuple[Place, ...]
    check: Check | None
    timeout: int
    draining: float
    targets: dict[str, Target] = field(default_factory=dict)
    https: Https | None = None

    @property
    def addresses(self) -> list[str]:
        """Where it answers at all."""
        secure = [bind.rpartition(":")[0] for bind in (self.https.binds if self.https else ())]
        return sorted({*(address for address, _port in self.places), *secure})


class Balancing:
    """The loop, and what it last found."""

    def __init__(self, balancer: Balancer, compute: Callable[[], Compute], journal: Path) -> None:
        self._balancer = balancer
        self._compute = compute
        self._journal = journal
        self._routing = Routing(balancer, all_if_none=False)
        self._lock = threading.Lock()
        self._served: Served | None = None
        self._addresses: list[str] | None = None
        self._found: dict[tuple[str, int], tuple[str, str]] = {}
        self._leaving: dict[str, Target] = {}

    @property
    def url(self) -> str:
        """Where the balancer answers; its own address, where it does not, while no rule leads to it."""
        with self._lock:
            served = self._served
        if served and not served.places:
            return f"https://{served.addresses[0]}"
        address, port = served.places[0] if served else (self._balancer.address, 80)
        return f"http://{address}" + (f":{port}" if port != 80 else "")

    def health(self, service: Resource, address: str, port: int) -> str:
        """Google's word for an endpoint; empty for one of a service that is not served. A new one is unhealthy."""
        with self._lock:
            if not self._served or self._served.link != service["selfLink"]:
                return ""
            return self._found.get((address, port), (UNHEALTHY, ""))[0]

    def observe(self) -> None:
        """One round."""
        compute = self._compute()
        with compute.lock:
            served = serving(compute.resources)
        targets = self._with_leaving(served)
        self._answer_at(served)
        binds = [f"{address}:{port}" for address, port in served.places] if served else []
        kept = self._routing.bring(served.check if served else None, served.timeout if served else 60, targets, binds,
                                   served.https if served else None)
        if served:
            self._balancer.end_older(served.timeout)
        found = {(target.address, target.port): verdict(server) for target, server in kept.values()
                 if target.leaves is None}
        before = self._found
        with self._lock:
            self._served, self._found = served, found
        for place, (state, why) in found.items():
            if before.get(place, ("UNKNOWN", ""))[0] != state and why:
                self._note(served, place, before.get(place, ("UNKNOWN", ""))[0], state, why)

    def _with_leaving(self, served: Served | None) -> dict[str, Target]:
        """The targets that should be in, and those that are being drained."""
        moment = time.monotonic()
        before = self._served
        if not served or not before or served.link != before.link:
            self._leaving = {}
            return dict(served.targets) if served else {}
        for name, target in before.targets.items():
            if name not in served.targets and served.draining:
                self._leaving.setdefault(name, replace(target, leaves=moment + served.draining))
        self._leaving = {name: target for name, target in self._leaving.items()
                         if name not in served.targets and (target.leaves or 0) > moment}
        return {**self._leaving, **served.targets}

    def _answer_at(self, served: Served | None) -> None:
        wanted = served.addresses if served else []
        if wanted != self._addresses:
            self._addresses = None
            self._balancer.answer_at(wanted)
            self._addresses = wanted

    def _note(self, served: Served | None, place: tuple[str, int], before: str, state: str, why: str) -> None:
        """A line as Google's health check log has it: the only place where the reason stands."""
        result = {"ipAddress": place[0], "targetPort": place[1], "previousHealthState": before, "healthState": state,
                  "probeResultText": why, "probeCompletionTimestamp": now()}
        entry = {"healthCheckProbeResult": result, "backendService": served.link if served else ""}
        with self._journal.open("a") as file:
            file.write(json.dumps(entry) + "\n")


def verdict(server: Server) -> tuple[str, str]:
    """HAProxy's finding in Google's words, and why; no reason before the first check."""
    if not server.checked:
        return UNHEALTHY, ""
    if server.up:
        return HEALTHY, f"HTTP response: {server.code or 'OK'}"
    if server.status.endswith("TOUT"):
        return UNHEALTHY, "HTTP response: , Error: Timeout waiting for response"
    if server.status == "L7STS":
        return UNHEALTHY, f"HTTP response: {server.code}, Error: Expected 200"
    return UNHEALTHY, "HTTP response: , Error: Connection refused"


def serving(resources: Resources) -> Served | None:
    """The backend service of the oldest forwarding rule that leads to one: the sandbox has one balancer."""
    rules = sorted(resources.everywhere("forwardingRules"), key=lambda rule: int(rule["id"]))
    ways = [(rule, service) for rule in rules if (service := _service_of(rule, resources))]
    if not ways:
        return None
    service = ways[0][1]
    leading = [rule for rule, other in ways if other is service]
    secure = [rule for rule in leading if "/targetHttpsProxies/" in rule["target"]]
    plain = [rule for rule in leading if rule not in secure]
    redirected = not plain and [rule for rule in rules if _redirects(rule, resources)]
    https = _https(secure, service, bool(redirected), resources) if secure else None
    check = next((resources.get(path_of(link, "")) for link in service.get("healthChecks") or []), None)
    targets = {target.server: target for target in _targets(service, check, resources)}
    draining = float((service.get("connectionDraining") or {}).get("drainingTimeoutSec") or 0)
    return Served(service["selfLink"], tuple(map(_place, plain or redirected or [])),
                  check_of(check) if check else None, int(service["timeoutSec"]), draining, targets, https)


def _place(rule: Resource) -> Place:
    return str(rule["IPAddress"]), int(str(rule.get("portRange") or "80").partition("-")[0])


def _https(rules: list[Resource], service: Resource, redirected: bool, resources: Resources) -> Https:
    """With the certificate that the project has under the proxy's first link."""
    proxy = resources.get(path_of(rules[0]["target"], ""))
    certificate = resources.get(path_of(proxy["sslCertificates"][0], ""))
    binds = [f"{address}:{port}" for address, port in map(_place, rules)]
    login = LOGIN if service.get("iap", {}).get("enabled") else ""
    return Https(key_of(certificate), redirected, login, binds)


def _redirects(rule: Resource, resources: Resources) -> bool:
    """Whether a rule's requests are all sent to HTTPS."""
    url_map = _url_map_of(rule, resources)
    return bool(url_map and url_map.get("defaultUrlRedirect", {}).get("httpsRedirect"))


def _url_map_of(rule: Resource, resources: Resources) -> Resource | None:
    found = rule
    for name in ("target", "urlMap"):
        path = path_of(found.get(name) or "", "")
        if path not in resources:
            return None
        found = resources.get(path)
    return found


def _service_of(rule: Resource, resources: Resources) -> Resource | None:
    url_map = _url_map_of(rule, resources)
    path = path_of((url_map or {}).get("defaultService") or "", "")
    found = resources.get(path) if path in resources else None
    return found if found and "/backendServices/" in found["selfLink"] else None


def _targets(service: Resource, check: Resource | None, resources: Resources) -> Iterator[Target]:
    for backend in service.get("backends") or []:
        group = resources.get(path_of(backend["group"], ""))
        for machine, address, port in members(resources, group, service):
            ident = f"{machine['zone'].rpartition('/')[2]}-{machine['name']}"
            yield Target(ident, address, port, _check_port(check, group, port))


def _spec(check: Resource) -> dict[str, Any]:
    found: dict[str, Any] = check.get(SPECS.get(check["type"], ""), {})
    return found


def _check_port(check: Resource | None, group: Resource, serving: int) -> int:
    """The port that a health check dials: its own, the serving one, or a named one of the group."""
    spec = _spec(check) if check else {}
    if spec.get("portSpecification") == "USE_NAMED_PORT":
        named = {item["name"]: int(item["port"]) for item in group.get("namedPorts", [])}
        return named.get(spec.get("portName", ""), serving)
    if spec.get("portSpecification") == "USE_SERVING_PORT" or not spec.get("port"):
        return serving
    return int(spec["port"])


def check_of(check: Resource) -> Check:
    """A health check as HAProxy makes it: HTTP is asked, anything else dialled."""
    spec = _spec(check)
    path = str(spec.get("requestPath") or "/") if check["type"] == "HTTP" else ""
    return Check(path, CODES, int(check["checkIntervalSec"]), int(check["timeoutSec"]), int(check["healthyThreshold"]),
                 int(check["unhealthyThreshold"]), "GoogleHC/1.0", str(spec.get("host") or "balancer"))
