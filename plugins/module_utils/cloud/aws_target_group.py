# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Targets of an AWS load balancer's target group: who is in, who should be, and waiting until it is so."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import balancers, errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.balancers import SERVICE
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.parallel import map_parallel
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Poll
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.selector import Selector
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.machines import LATE_REQUESTS, require_one_that_serves

# Seconds beyond what the group's own settings add up to: the balancer's nodes learn of a change one after the other.
MARGIN = 60
#: Seconds more that a Network Load Balancer may take to register or deregister a target, whatever its checks: minutes.
NETWORK_MARGIN = 300
#: Protocols of a Network Load Balancer's target groups.
NETWORK = ("TCP", "TLS", "UDP", "TCP_UDP", "QUIC", "TCP_QUIC")
#: Seconds for which a balancer may not know an instance that runs.
LATE = 30
_LATE_TARGET = ("InvalidTarget", "InvalidTargetException")

_WAIT = (
    "The load balancer has not finished its health checks: raise praxis_join_timeout (the module's wait_timeout). If "
    "that does not help, check that its health check reaches this port: security groups, network ACLs, the zone."
)
_FIX = {
    "Target.ResponseCodeMismatch": "Check that the agent answers the health check's path with the expected code: "
                                   "docker logs praxis-agent-1 on the machine.",
    "Target.Timeout": "Check that the agent answers, and that the target's security group admits the load balancer.",
    "Target.FailedHealthChecks": "Check that the agent listens on this port, and that the load balancer can reach it "
                                 "(security groups).",
    "Target.NotInUse": "Let a listener forward to the target group, and enable the target's zone for the load "
                       "balancer.",
    "Target.InvalidState": "Start the instance: provision.yml does.",
    "Target.IpUnusable": "Use another address: this one belongs to the load balancer.",
    "Elb.InitialHealthChecking": _WAIT,
    "Elb.RegistrationInProgress": _WAIT,
    "Target.DeregistrationInProgress": "Raise wait_timeout, or lower the target group's deregistration delay "
                                       "(praxis_deregistration_delay).",
}


@dataclass(frozen=True, order=True)
class Target:
    """One target.

    :param id: instance id or IP address, as the group's target type asks.
    """

    id: str
    port: int

    def __str__(self) -> str:
        return f"{self.id}:{self.port}"


@dataclass(frozen=True)
class Health:
    """What the balancer says of a target, in its own words."""

    state: str
    reason: str = ""
    description: str = ""

    @property
    def registered(self) -> bool:
        """Whether the target belongs to the group and is not on its way out."""
        return self.reason != "Target.NotRegistered" and not self.draining

    @property
    def draining(self) -> bool:
        """Whether it is on its way out, its last requests being served."""
        return self.state.endswith("draining")


ABSENT = Health("unused", "Target.NotRegistered", "Target is not registered to the target group")
Seen = Mapping[Target, Health]


def diff(current: Seen, targets: Iterable[Target], state: str) -> list[Target]:
    """The targets to register (``present``: absent or draining ones) or to deregister (``absent``: registered ones)."""
    wanted = state == "present"
    return [target for target in targets if current.get(target, ABSENT).registered != wanted]


def reached(seen: Seen, targets: Iterable[Target], state: str) -> bool:
    """Whether every target is healthy (``present``), or gone and drained (``absent``)."""
    return all(_reached(seen.get(target, ABSENT), state) for target in targets)


def _reached(health: Health, state: str) -> bool:
    return health.state == "healthy" if state == "present" else not (health.registered or health.draining)


def failures(seen: Seen, targets: Iterable[Target], state: str, group: str, seconds: float) -> list[Finding]:
    """A finding for every target that has not reached its state in time."""
    late = [(target, seen.get(target, ABSENT)) for target in targets]
    return [
        Finding(
            "target-not-healthy" if state == "present" else "target-not-drained",
            f"The target is {health.state} after {seconds:.0f} s"
            + (f" ({health.reason}: {health.description.rstrip('.')})." if health.reason else "."),
            f"target {target} of {group}",
            _FIX.get(health.reason, _WAIT if state == "present" else "Raise praxis_join_timeout (the module's "
                                                                     "wait_timeout), then run this again."),
        )
        for target, health in late
        if not _reached(health, state)
    ]


class TargetGroup:
    """One target group.

    :raises Failed: ``target-group-not-found``, ``target-group-ambiguous``, or the cloud's own refusal.
    """

    def __init__(self, client: AwsClient, wanted: Selector, poll: Poll | None = None) -> None:
        self._client = client
        self._poll = poll or Poll()
        self._group = balancers.find(client, balancers.TARGET_GROUP, wanted)
        self.arn = str(self._group["TargetGroupArn"])
        self.name = str(self._group["TargetGroupName"])

    def targets(self, wanted: Iterable[Mapping[str, Any]], seen: Seen, state: str) -> list[Target]:
        """Targets from ``{id, port}``, each once. Without a port it is the group's; and to be taken out, every port
        that the target is there with.

        :raises Failed: ``target-type``: what the group cannot have would seem to be out of it already.
        """
        found: list[Target] = []
        for each in wanted:
            self._require_its_type(str(each["id"]))
            there = [] if each.get("port") or state == "present" else [one for one in seen if one.id == each["id"]]
            found += there or [Target(each["id"], each.get("port") or self._group["Port"])]
        return list(dict.fromkeys(found))

    def _require_its_type(self, id_: str) -> None:
        kind = self._group.get("TargetType", "instance")
        if not id_ or kind != ("instance" if id_.startswith("i-") else "ip"):
            what = f"Its target type is {kind}, and a target would be {id_ or 'one without an id'}."
            fix = (
                "Use a target group of the type instance, whose targets are instance ids (praxis_instance_id), or one "
                "of the type ip, and name the machine's address in its place."
            )
            raise Failed(Finding("target-type", what, f"target group {self.name}", fix))

    def addresses(self) -> list[str]:
        """The DNS names of the load balancers that the group belongs to."""
        arns = self._group.get("LoadBalancerArns")
        if not arns:
            return []
        found = self._client.call(SERVICE, "describe_load_balancers", LoadBalancerArns=arns)["LoadBalancers"]
        return sorted(str(balancer["DNSName"]) for balancer in found)

    def observe(self) -> dict[Target, Health]:
        """Every target the group knows, draining ones included."""
        answer = self._client.call(SERVICE, "describe_target_health", TargetGroupArn=self.arn)
        return {
            Target(entry["Target"]["Id"], entry["Target"]["Port"]): Health(
                entry["TargetHealth"]["State"],
                entry["TargetHealth"].get("Reason", ""),
                entry["TargetHealth"].get("Description", ""),
            )
            for entry in answer["TargetHealthDescriptions"]
        }

    def apply(self, targets: Sequence[Target], state: str) -> None:
        """Register or deregister, all in one call. A balancer may know an instance some seconds late; one that it does
        not know in the end makes it refuse the call whole, and then it is asked for each.

        :raises Failed: with a finding for every target that was refused.
        """
        error = self._asked(targets, state, LATE)
        if error and len(targets) > 1:
            errors_of = map_parallel(lambda target: self._asked([target], state, 0), targets)
            found = [finding for each in errors_of if each for finding in each.findings]
            if found:
                raise Failed(*found)
        elif error:
            raise error

    def _asked(self, targets: Sequence[Target], state: str, seconds: float) -> errors.CloudError | None:
        """One call for these targets; why they are refused.

        :raises CloudError: a refusal that is not about them.
        """
        operation = "register_targets" if state == "present" else "deregister_targets"
        listed = [{"Id": target.id, "Port": target.port} for target in targets]

        def attempt() -> errors.CloudError | None:
            try:
                self._client.call(SERVICE, operation, idempotent=True, TargetGroupArn=self.arn, Targets=listed)
            except errors.Invalid as error:
                if error.reason not in _LATE_TARGET:
                    raise
                return error
            return None

        error, _done = self._poll.until(attempt, lambda error: error is None, seconds=seconds)
        return error

    def patience(self, state: str) -> float:
        """Seconds that reaching the state may take, from the group's own settings."""
        if state == "present":
            interval = self._group.get("HealthCheckIntervalSeconds", 30)
            checks = self._group.get("HealthyThresholdCount", 5) + 1
            return float(interval * checks + self._group.get("HealthCheckTimeoutSeconds", 5) + self._margin())
        return self.deregistration_delay() + self._margin()

    def _margin(self) -> float:
        network = self._group.get("Protocol") in NETWORK
        return MARGIN + (NETWORK_MARGIN if network else 0)

    def deregistration_delay(self) -> float:
        """Seconds that connections to a target that leaves may live."""
        answer = self._client.call(SERVICE, "describe_target_group_attributes", TargetGroupArn=self.arn)
        delay = {each["Key"]: each["Value"] for each in answer["Attributes"]}
        return float(delay.get("deregistration_delay.timeout_seconds", 300))


def leaving(group: TargetGroup, ids: Collection[str], *, some_stay: bool) -> tuple[Seen, list[Target]]:
    """What a group knows, and which of it are machines that are to be terminated.

    :param ids: instance ids and addresses: a group has its targets by the one or the other.
    :param some_stay: whether the fleet keeps machines.
    :raises Failed: ``none-would-serve``.
    """
    seen = group.observe()
    going = [target for target in seen if target.id in ids]
    if some_stay:
        serving = [target for target, health in seen.items() if health.state == "healthy"]
        require_one_that_serves(group.name, serving, going)
    return seen, going


def leave(group: TargetGroup, ids: Collection[str], poll: Poll, *, some_stay: bool) -> None:
    """Take machines that are to be terminated out of a group, and wait until their last requests have ended. For the
    parameters see :func:`leaving`.

    :raises Failed: ``none-would-serve``, with nothing changed; ``target-not-drained``.
    """
    seen, going = leaving(group, ids, some_stay=some_stay)
    if not going:
        return
    if changes := diff(seen, going, "absent"):
        group.apply(changes, "absent")
    seconds = group.patience("absent")
    seen, gone = poll.until(group.observe, lambda found: reached(found, going, "absent"), seconds=seconds)
    if not gone:
        raise Failed(*failures(seen, going, "absent", group.name, seconds))
    if changes and group.deregistration_delay() < LATE_REQUESTS:
        poll.sleep(LATE_REQUESTS)
