# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user has for a fleet to live in: looked up, and checked to fit together, before anything is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import balancers, errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.selector import Selector, selector
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding

#: Options in the order of their findings.
OPTIONS = (
    "vpc", "subnets", "security_groups", "load_balancer", "target_group", "key_name", "instance_profile",
)  # fmt: skip
#: Things that belong to one VPC. Without it, a VPC would be made that they are not in.
INSIDE = ("security_groups", "load_balancer", "target_group")

Found = dict[str, Any]


class Infrastructure:
    """Lookups in one region. Only reads.

    :param existing: a value of the user's for each of :data:`OPTIONS`, see :func:`selector`.
    :param balancer: whether a load balancer is to be made where none exists; it needs two zones.
    """

    def __init__(self, client: AwsClient, existing: Mapping[str, Any], balancer: bool = True) -> None:
        self._client = client
        self._existing = existing
        self._balancer = balancer
        self._findings: list[Finding] = []

    def observe(self) -> Found:
        """Everything that is named, an empty value for what is not.

        :raises Failed: with all that is not there, not unique, or does not fit together.
        """
        lookups: dict[str, Callable[[Selector], Any]] = {
            "vpc": self._vpc,
            "subnets": self._subnets,
            "security_groups": self._security_groups,
            "load_balancer": self._load_balancer,
            "target_group": self._target_group,
            "key_name": self._key,
            "instance_profile": self._profile,
        }
        found = {option: self._one(option, lookups[option]) for option in OPTIONS}
        self._stop()
        self._settle_balancer(found)
        self._settle_vpc(found)
        self._stop()
        return {
            "vpc": found["vpc"] and {"id": found["vpc"]["VpcId"], "cidr": found["vpc"]["CidrBlock"]},
            "subnets": [each["SubnetId"] for each in found["subnets"]],
            "security_groups": [each["GroupId"] for each in found["security_groups"]],
            "load_balancer": found["load_balancer"] and {
                "arn": found["load_balancer"]["LoadBalancerArn"],
                "address": found["load_balancer"]["DNSName"],
                "security_groups": found["load_balancer"].get("SecurityGroups", []),
            },
            "target_group": found["target_group"].get("TargetGroupArn", ""),
            "key_name": found["key_name"].get("KeyName", ""),
            "instance_profile": found["instance_profile"].get("InstanceProfileName", ""),
        }  # fmt: skip

    def _one(self, option: str, lookup: Callable[[Selector], Any]) -> Any:
        try:
            wanted = selector(option, self._existing.get(option))
            return lookup(wanted) if wanted else ([] if option in ("subnets", "security_groups") else {})
        except Failed as failed:
            self._findings += failed.findings
            return {}

    def _stop(self) -> None:
        if self._findings:
            raise Failed(*self._findings)

    def _say(self, code: str, what: str, option: str, fix: str) -> None:
        self._findings.append(Finding(code, what, f"{option}, AWS {self._client.region}", fix))

    # -- one kind each

    def _vpc(self, wanted: Selector) -> Found:
        return self._single(wanted, "VPC", self._ec2("describe_vpcs", wanted, "vpc-id"))

    def _subnets(self, wanted: Selector) -> list[Found]:
        found = self._all(wanted, "SubnetId", self._ec2("describe_subnets", wanted, "subnet-id"))
        return sorted(found, key=lambda each: (each["AvailabilityZone"], each["SubnetId"]))

    def _security_groups(self, wanted: Selector) -> list[Found]:
        found = self._all(wanted, "GroupId", self._ec2("describe_security_groups", wanted, "group-id"))
        return sorted(found, key=lambda each: str(each["GroupId"]))

    def _load_balancer(self, wanted: Selector) -> Found:
        return balancers.find(self._client, balancers.LOAD_BALANCER, wanted)

    def _target_group(self, wanted: Selector) -> Found:
        found = balancers.find(self._client, balancers.TARGET_GROUP, wanted)
        if found["TargetType"] != "instance":
            fix = "Use a target group of the type instance: members are registered by their instance id."
            self._say("target-type", f"The target group's type is {found['TargetType']}.", wanted.option, fix)
        return found

    def _key(self, wanted: Selector) -> Found:
        filters = wanted.filters("key-name")
        answer = self._client.call("ec2", "describe_key_pairs", Filters=filters)["KeyPairs"]
        return self._single(wanted, "key pair", answer)

    def _profile(self, wanted: Selector) -> Found:
        if wanted.tags:
            self._say("bad-selector", "An instance profile cannot be selected by "
                                      "tags.", wanted.option, "Write the name of the instance profile.")
            return {}
        try:
            answer = self._client.call("iam", "get_instance_profile", InstanceProfileName=wanted.ids[0])
        except errors.NotFound:
            return self._single(wanted, "instance profile", [])
        return dict(answer["InstanceProfile"])

    def _ec2(self, operation: str, wanted: Selector, id_filter: str) -> list[Found]:
        return list(self._client.paginate("ec2", operation, Filters=wanted.filters(id_filter)))

    def _single(self, wanted: Selector, kind: str, found: list[Found]) -> Found:
        if len(found) == 1:
            return found[0]
        code = "infrastructure-ambiguous" if found else "infrastructure-not-found"
        what = f"{len(found)} {kind}s have {wanted}." if found else f"There is no {kind} {wanted}."
        fix = "Write the id of the one that is meant." if found else "Correct the id, tags or region."
        self._say(code, what, wanted.option, fix)
        return {}

    def _all(self, wanted: Selector, id_key: str, found: list[Found]) -> list[Found]:
        known = {each[id_key] for each in found}
        missing = ", ".join(each for each in wanted.ids if each not in known) or ("" if found else str(wanted))
        if missing:
            what = f"Nothing has {missing}." if wanted.tags else f"There is no {missing}."
            self._say("infrastructure-not-found", what, wanted.option, "Correct the ids, tags or region.")
        return found

    # -- together

    def _settle_balancer(self, found: Found) -> None:
        """A target group knows its load balancer; one of the user's is never changed, so it must know it already."""
        group, named = found["target_group"], found["load_balancer"]
        if not group:
            if named:
                fix = "Let a listener of it forward to your own target group, and set target_group to that group too."
                what = "An existing load balancer is never changed, so its listeners cannot be set up."
                self._say("target-group-needed", what, "load_balancer", fix)
            return
        arns = group.get("LoadBalancerArns") or []
        if not arns or named and named["LoadBalancerArn"] not in arns:
            what = f"No listener of {named['LoadBalancerArn'] if named else 'a load balancer'} forwards to it."
            self._say("target-group-unattached", what, "target_group", "Let a listener forward to the target group.")
        elif not named:
            by_arn = Selector("target_group", ids=(arns[0],))
            found["load_balancer"] = balancers.find(self._client, balancers.LOAD_BALANCER, by_arn)

    def _settle_vpc(self, found: Found) -> None:
        """Subnets say their VPC; all that exists must lie in the same one."""
        subnets = found["subnets"]
        if subnets and not found["vpc"]:
            found["vpc"] = self._vpc(Selector("subnets", ids=(subnets[0]["VpcId"],)))
        home = found["vpc"].get("VpcId", "")
        things = [("subnets", each["SubnetId"], each["VpcId"]) for each in subnets]
        things += [("security_groups", each["GroupId"], each["VpcId"]) for each in found["security_groups"]]
        named = [each for each in INSIDE[1:] if self._of(found, each)]
        things += [(each, str(self._existing[each]), found[each]["VpcId"]) for each in named]
        for option, name, vpc in things:
            if vpc != home:
                what = f"{name} is in {vpc}, and the fleet would be in {home or 'its own VPC'}."
                self._say("other-vpc", what, option, "Set vpc or subnets to those of the same VPC.")
        zones = {each["AvailabilityZone"] for each in subnets}
        if len(zones) == 1 and self._balancer and not found["load_balancer"]:
            what = f"All subnets are in {', '.join(zones)}, and a load balancer needs two zones."
            self._say("one-zone", what, "subnets", "Add a subnet in another zone, or create no load balancer: "
                                                   "provision_balancer=false (praxis_balancer).")

    def _of(self, found: Found, option: str) -> bool:
        """Whether it was named by the user, and not found by way of something else."""
        return bool(found[option] and selector(option, self._existing.get(option)))
