# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: fleet
short_description: Members of a Praxis fleet
version_added: 0.1.0
author:
  - Praxis Cloud contributors (@praxis)
description:
  - Lists the running machines of one fleet, by the tag C(praxis_fleet), with the same host variables on every cloud.
  - The inventory hostname is the machine's C(Name) tag.
  - "Host variables: C(ansible_host), C(praxis_cloud), C(praxis_region), C(praxis_zone), C(praxis_instance_id),
    C(praxis_slot), C(praxis_private_ip), C(praxis_public_ip), C(praxis_labels) (all tags except AWS's own)."
  - "Groups: C(praxis) (every member), C(praxis_aws), C(praxis_region_REGION), C(praxis_zone_ZONE), C(praxis_role_ROLE);
    characters that group names cannot hold become underscores."
  - The group C(praxis_aws) exists even when the fleet is empty, so that its variables are there for provisioning.
notes:
  - All regions are asked before the first host is added. If one cannot be read, no host is added, the variable
    C(praxis_inventory_errors) is set on the group C(all), and the source fails. Ansible goes on after a failed source,
    so the first task of a playbook asserts that C(praxis_inventory_errors) is not defined.
  - Names and tags come from outside. They are never templated, and a C(Name) that is not a plain host name is an error.
requirements:
  - boto3
  - botocore
extends_documentation_fragment:
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
options:
  plugin:
    description: Marks the file as a source for this plugin.
    type: str
    required: true
    choices: [praxis.cloud.fleet]
  cloud:
    description: Where the machines run.
    type: str
    required: true
    choices: [aws]
  fleet:
    description: Name of the fleet, the value of the tag C(praxis_fleet).
    type: str
    default: praxis
    env:
      - name: PRAXIS_FLEET
  regions:
    description: Regions to look in. They are asked at the same time, with one paginated query each.
    type: list
    elements: str
    default: []
    env:
      - name: AWS_DEFAULT_REGION
      - name: AWS_REGION
      - name: PRAXIS_REGIONS
  ssh_address:
    description:
      - Which address becomes C(ansible_host). It does not decide how agents reach each other; C(praxis_address) does.
      - V(auto) takes the public address of a machine that has one, else the private one.
      - With V(public), a member without a public address is an error.
    type: str
    choices: [auto, public, private]
    default: auto
    env:
      - name: PRAXIS_SSH_ADDRESS
    vars:
      - name: praxis_ssh_address
  strict:
    description: Whether an invalid expression in O(compose), O(groups) or O(keyed_groups) is an error.
    type: bool
    default: true
"""

EXAMPLES = r"""
# inventories/aws/fleet.yml: the fleet named by PRAXIS_FLEET in the region of AWS_REGION
plugin: praxis.cloud.fleet
cloud: aws

---
# A fleet over two regions, reached through a bastion at private addresses
plugin: praxis.cloud.fleet
cloud: aws
fleet: research
regions: [eu-central-1, us-east-1]
ssh_address: private

---
# Further groups from the machines' tags
plugin: praxis.cloud.fleet
cloud: aws
regions: [eu-central-1]
keyed_groups:
  - prefix: team
    key: praxis_labels.team | default('none')
"""

import hashlib
import re
from typing import Any, Iterable

from ansible.errors import AnsibleError, AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable, to_safe_group_name

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.parallel import map_parallel
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import check_fleet, tags_of

PAGE_SIZE = 1000
HOST_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")
#: Names that mean something else to Ansible or to this plugin.
RESERVED_NAMES = frozenset(("all", "ungrouped", "localhost", "praxis"))
RESERVED_PREFIX = "praxis_"

Member = dict[str, Any]


def member_of(instance: dict[str, Any], region: str) -> Member:
    """One EC2 instance as DescribeInstances gives it -> name, role and host variables, all plain values."""
    tags = tags_of(instance)
    return {
        "name": tags.get("Name", ""),
        "role": tags.get("praxis_role", ""),
        "variables": {
            "praxis_cloud": "aws",
            "praxis_region": region,
            "praxis_zone": instance["Placement"]["AvailabilityZone"],
            "praxis_instance_id": instance["InstanceId"],
            "praxis_slot": tags.get("praxis_slot", ""),
            "praxis_private_ip": instance.get("PrivateIpAddress", ""),
            "praxis_public_ip": instance.get("PublicIpAddress", ""),
            "praxis_labels": {key: value for key, value in tags.items() if not key.startswith("aws:")},
        },
    }


def address_of(variables: dict[str, Any], ssh_address: str) -> str:
    """The address SSH goes to; empty when the machine has none of the kind asked for."""
    if ssh_address == "public":
        return str(variables["praxis_public_ip"])
    if ssh_address == "private":
        return str(variables["praxis_private_ip"])
    return str(variables["praxis_public_ip"] or variables["praxis_private_ip"])


def check_members(members: Iterable[Member], ssh_address: str) -> list[Finding]:
    """What keeps these members from being an inventory: unusable or double names, missing addresses."""
    findings = []
    first: dict[str, str] = {}
    for member in members:
        variables = member["variables"]
        name, instance = member["name"], variables["praxis_instance_id"]
        where = f"{instance} in {variables['praxis_region']}"
        if not HOST_NAME.fullmatch(name) or name in RESERVED_NAMES or name.startswith(RESERVED_PREFIX):
            findings.append(bad_name(name, where))
        elif name in first:
            findings.append(duplicate(name, first[name], where))
        first.setdefault(name, where)
        if not address_of(variables, ssh_address):
            findings.append(
                Finding(
                    "no-address",
                    f"{name or instance} has no address of the kind ssh_address={ssh_address}.",
                    where,
                    "Set ssh_address (PRAXIS_SSH_ADDRESS) to private, or give the machine such an address.",
                )
            )
    return findings


def bad_name(name: str, where: str) -> Finding:
    return Finding(
        "bad-member-name",
        f"its Name tag {name!r} cannot be an inventory hostname." if name else "it has no Name tag.",
        where,
        "Give it a Name of letters, digits, dots, hyphens and underscores that is not a group's name.",
    )


def duplicate(name: str, one: str, other: str) -> Finding:
    return Finding(
        "duplicate-member",
        f"the name {name} is used by {one} and by {other}.",
        other,
        "Change the Name tag of one of them, or remove its praxis_fleet tag if it is not a member.",
    )


def describe(client: AwsClient, fleet: str) -> list[Member]:
    """The fleet's members in the client's region.

    :raises CloudError: when the region cannot be read.
    """
    reservations = client.paginate(
        "ec2",
        "describe_instances",
        Filters=[
            {"Name": "tag:praxis_fleet", "Values": [fleet]},
            {"Name": "instance-state-name", "Values": ["pending", "running"]},
        ],
        MaxResults=PAGE_SIZE,
    )
    return [member_of(instance, client.region) for reservation in reservations for instance in reservation["Instances"]]


def collect(fleet: str, regions: list[str]) -> list[Member]:
    """The fleet's members in all regions, sorted by name.

    :raises Failed: with a finding for every region that cannot be read.
    """
    account = AwsClient(regions[0])
    answers = map_parallel(lambda region: describe(account.in_region(region), fleet), regions)
    failures = [finding for answer in answers if isinstance(answer, Failed) for finding in answer.findings]
    if failures:
        raise Failed(*failures)
    members = [member for answer in answers if not isinstance(answer, Failed) for member in answer]
    return sorted(members, key=lambda member: (member["name"], member["variables"]["praxis_instance_id"]))


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    NAME = "praxis.cloud.fleet"

    def verify_file(self, path: str) -> bool:
        return bool(super().verify_file(path)) and path.endswith(("fleet.yml", "fleet.yaml"))

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        try:
            self._read_config_data(path)
            members = self._members(path, cache)
            findings = check_members(members, self.get_option("ssh_address")) + self._strangers(members)
            if findings:
                raise Failed(*findings)
            self._populate(members)
        except Failed as failed:
            self._refuse(path, failed.findings, failed)
        except AnsibleError as error:
            finding = Finding("bad-inventory-source", str(error), path, "Correct this file.")
            self._refuse(path, [finding], error)

    def _refuse(self, path: str, findings: Iterable[Finding], cause: Exception) -> None:
        # Ansible warns and goes on after a failed source. The variable is what a playbook can see of it.
        known = self.inventory.groups["all"].vars.get("praxis_inventory_errors", [])
        failures = [finding.as_dict() for finding in findings]
        self.inventory.set_variable("all", "praxis_inventory_errors", known + failures)
        raise AnsibleParserError(f"{path}: " + " ".join(str(finding) for finding in findings)) from cause

    def _members(self, path: str, cache: bool) -> list[Member]:
        fleet, regions = str(self.get_option("fleet")), self._regions()
        check_fleet(fleet, "%s, option fleet (PRAXIS_FLEET)" % path)
        if not self.get_option("cache"):
            return collect(fleet, regions)
        # The environment may name another fleet next time: it belongs into the key.
        scope = hashlib.sha256("\n".join([fleet, *regions]).encode()).hexdigest()[:12]
        key = f"{self.get_cache_key(path)}_{scope}"
        if cache and key in self._cache:
            return list(self._cache[key])
        self._cache[key] = collect(fleet, regions)
        return list(self._cache[key])

    def _regions(self) -> list[str]:
        regions = list(dict.fromkeys(str(region).strip() for region in self.get_option("regions")))
        if not all(regions) or not regions:
            raise Failed(
                Finding("no-region", "no AWS region is named.", "inventory source", "Set regions in it, or AWS_REGION.")
            )
        return regions

    def _strangers(self, members: list[Member]) -> list[Finding]:
        """Names that earlier inventory sources already gave to another machine or to a group."""
        findings = []
        for member in members:
            name, mine = member["name"], member["variables"]["praxis_instance_id"]
            known = self.inventory.hosts.get(name)
            if known is not None and known.vars.get("praxis_instance_id", mine) != mine:
                findings.append(duplicate(name, str(known.vars["praxis_instance_id"]), mine))
            if name in self.inventory.groups and name not in RESERVED_NAMES:
                # Ansible would set the member's variables on the group.
                findings.append(bad_name(name, mine))
        return findings

    def _populate(self, members: list[Member]) -> None:
        for group in ("praxis", "praxis_aws"):
            self.inventory.add_group(group)
        for member in members:
            self._add(member)
        constructed = self.get_option("compose"), self.get_option("groups"), self.get_option("keyed_groups")
        for member in members if any(constructed) else ():
            self._construct(member, *constructed)

    def _add(self, member: Member) -> None:
        name, variables = member["name"], member["variables"]
        self.inventory.add_host(name)
        for key, value in variables.items():
            self.inventory.set_variable(name, key, value)
        self.inventory.set_variable(name, "ansible_host", address_of(variables, self.get_option("ssh_address")))
        groups = [
            "praxis",
            "praxis_aws",
            f"praxis_region_{variables['praxis_region']}",
            f"praxis_zone_{variables['praxis_zone']}",
        ]
        if member["role"]:
            groups.append(f"praxis_role_{member['role']}")
        for group in groups:
            self.inventory.add_child(self.inventory.add_group(to_safe_group_name(group)), name)

    def _construct(self, member: Member, compose: Any, groups: Any, keyed_groups: Any) -> None:
        name, variables, strict = member["name"], member["variables"], self.get_option("strict")
        self._set_composite_vars(compose, variables, name, strict=strict)
        self._add_host_to_composed_groups(groups, variables, name, strict=strict)
        self._add_host_to_keyed_groups(keyed_groups, variables, name, strict=strict)
