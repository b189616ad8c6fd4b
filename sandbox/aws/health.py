# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Target health is what the balancer finds: a loop carries the registered targets to HAProxy and its checks back.

As in AWS, a group knows a target by its id and its port: an instance may be in it at several ports. moto knows the id
alone; its dictionaries of targets have ``(id, port)`` as their keys here.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping
from typing import Any

from moto.elbv2.models import ELBv2Backend, FakeHealthStatus, FakeTargetGroup

from sandbox.aws.cloud import Cloud
from sandbox.aws.load_balancers import PORT, SECURE_PORT, forwards_to
from sandbox.balancer import Check, Https, Server
from sandbox.routing import Routing, Target, watch

Verdict = tuple[str, str | None, str | None]
"""State, reason and description, in the words of DescribeTargetHealth."""

Key = tuple[str, int]
"""A target of a group: its id and its port."""

HEALTHY: Verdict = ("healthy", None, None)
REGISTERING: Verdict = ("initial", "Elb.RegistrationInProgress", "Target registration is in progress")
CHECKING: Verdict = ("initial", "Elb.InitialHealthChecking", "Initial health checks in progress")
DRAINING: Verdict = ("draining", "Target.DeregistrationInProgress", "Target deregistration is in progress")
NOT_REGISTERED: Verdict = ("unused", "Target.NotRegistered", "Target is not registered to the target group")
NOT_IN_USE: Verdict = ("unused", "Target.NotInUse",
                       "Target group is not configured to receive traffic from the load balancer")
STOPPED: Verdict = ("unused", "Target.InvalidState", "Target is in the stopped state")


def verdict(server: Server) -> Verdict:
    """HAProxy's finding in AWS's words."""
    if not server.checked:
        return CHECKING
    if server.up:
        return HEALTHY
    if server.status.endswith("TOUT"):
        return ("unhealthy", "Target.Timeout", "Request timed out")
    if server.status == "L7STS":
        return ("unhealthy", "Target.ResponseCodeMismatch", f"Health checks failed with these codes: [{server.code}]")
    return ("unhealthy", "Target.FailedHealthChecks", "Health checks failed")


def check_of(group: Any) -> Check:
    """The group's health check."""
    return Check(group.health_check_path or "/", str((group.matcher or {}).get("HttpCode") or "200"),
                 int(group.health_check_interval_seconds), int(group.health_check_timeout_seconds),
                 int(group.healthy_threshold_count), int(group.unhealthy_threshold_count))


class Health:
    """The loop, and what it last found."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.found: dict[Key, Verdict] = {}
        # As AWS does: with no healthy target, requests go to all of them.
        self.routing = Routing(cloud.balancer, all_if_none=True)

    def start(self) -> None:
        """Run the loop in the background until the process ends."""
        watch(self.observe, self.cloud.log.say)

    def served(self) -> tuple[list[Any], int] | None:
        """The target groups that a listener forwards to, and the idle timeout in seconds. Weights are left out: a
        target of any of them gets requests."""
        backend = self.cloud.elbv2()
        for balancer, listener in self._listeners():
            for action in listener.default_actions:
                known = [backend.target_groups.get(arn) for arn in forwards_to(action)]
                if groups := [group for group in known if group]:
                    return groups, int(balancer.attrs["idle_timeout.timeout_seconds"])
        return None

    def https(self) -> Https | None:
        """How the listener for HTTPS answers, with the certificate that the account's ACM holds."""
        heard = {int(listener.port): listener for _balancer, listener in self._listeners()}
        if SECURE_PORT not in heard:
            return None
        pem = self.cloud.certificate(heard[SECURE_PORT].certificate)
        redirected = PORT in heard and any(action.type == "redirect" for action in heard[PORT].default_actions)
        logins = [action.data["AuthenticateOidcConfig"]["AuthorizationEndpoint"]
                  for action in heard[SECURE_PORT].default_actions if action.type == "authenticate-oidc"]
        return Https(pem, redirected, logins[0] if logins else "")

    def _listeners(self) -> list[tuple[Any, Any]]:
        balancers = list(self.cloud.elbv2().load_balancers.values())
        return [(balancer, listener) for balancer in balancers for listener in list(balancer.listeners.values())]

    def observe(self) -> None:
        """One round: what should be there, what is there, and the difference."""
        with self.cloud.changes:
            served = self.served()
            found = [target for group in (served[0] if served else ()) for target in self._targets(group)]
            # A target that leaves one group may be in another one.
            targets = {target.server: target for target in sorted(found, key=lambda one: one.leaves is None)}
            check = check_of(served[0][0]) if served else None
            idle = served[1] if served else 60
            https = self.https()
        kept = self.routing.bring(check, idle, targets, https=https)
        self.found = {(target.ident, target.port): verdict(server) for target, server in kept.values()}

    def _targets(self, group: Any) -> list[Target]:
        now = time.monotonic()
        entries = [(entry, None) for entry in group.targets.values()]
        entries += [(entry, entry["leaves"]) for entry in group.deregistered_targets.values() if entry["leaves"] > now]
        found = []
        for entry, leaves in entries:
            address = address_of(self.cloud, entry["Id"])
            if address:
                port = int(entry["Port"])
                check_port = int(group.health_check_port) if str(group.health_check_port).isdigit() else port
                found.append(Target(entry["Id"], address, port, check_port, leaves))
        return found


def address_of(cloud: Cloud, ident: str) -> str | None:
    """A target's address; None for an instance that is not running."""
    if not ident.startswith("i-"):
        return ident
    instance = cloud.ec2().get_instance_by_id(ident)
    return instance.private_ip if instance and instance.state == "running" else None


def install(cloud: Cloud) -> Health:
    """Patch moto's target groups; returns the loop, not yet started."""
    health = Health(cloud)
    register = FakeTargetGroup.register

    def delay(group: Any) -> float:
        return float(group.attributes["deregistration_delay.timeout_seconds"])

    def registered(self: Any, targets: list[dict[str, Any]]) -> None:
        asked = copy.copy(self)  # for moto's own checks: what it keeps has the id alone
        asked.targets, asked.deregistered_targets = {}, {}
        register(asked, targets)
        for target in targets:
            key = key_of(self, target)
            self.targets[key] = {"Id": key[0], "Port": key[1]}
            self.deregistered_targets.pop(key, None)
            self.terminated_targets.pop(key, None)

    def deregister(self: Any, targets: list[dict[str, Any]]) -> None:
        for target in targets:
            key = key_of(self, target)
            if entry := self.targets.pop(key, None):
                self.deregistered_targets[key] = {**entry, "leaves": time.monotonic() + delay(self)}

    def terminated(self: Any, instance_ids: list[str]) -> None:
        self.deregister([entry for (ident, _port), entry in self.targets.items() if ident in instance_ids])

    def health_for(self: Any, target: dict[str, Any], ec2_backend: Any) -> FakeHealthStatus:
        key = key_of(self, target)
        state, reason, description = _verdict_of(health, self, key)
        check_port = str(self.health_check_port)
        return FakeHealthStatus(*key, check_port if check_port.isdigit() else str(key[1]), state, reason, description)

    def describe_target_health(self: Any, target_group_arn: str, targets: list[dict[str, Any]]) -> list[Any]:
        group = self.describe_target_groups(None, [target_group_arn], None)[0]
        now = time.monotonic()
        leaving = [entry for entry in group.deregistered_targets.values() if entry["leaves"] > now]
        return [group.health_for(target, self.ec2_backend)
                for target in targets or [*group.targets.values(), *leaving]]

    FakeTargetGroup.register = registered
    FakeTargetGroup.deregister = deregister
    FakeTargetGroup.deregister_terminated_instances = terminated
    FakeTargetGroup.health_for = health_for
    ELBv2Backend.describe_target_health = describe_target_health
    return health


def key_of(group: Any, target: Mapping[str, Any]) -> Key:
    """A target as it is asked for; without a port, the group's own is meant."""
    return target["Id"], int(target.get("Port") or group.port)


def _verdict_of(health: Health, group: Any, key: Key) -> Verdict:
    if key not in group.targets:
        leaving = group.deregistered_targets.get(key)
        return DRAINING if leaving and leaving["leaves"] > time.monotonic() else NOT_REGISTERED
    served = health.served()
    if not served or group.arn not in [each.arn for each in served[0]]:
        return NOT_IN_USE
    if key[0].startswith("i-") and address_of(health.cloud, key[0]) is None:
        return STOPPED
    return health.found.get(key, REGISTERING)
