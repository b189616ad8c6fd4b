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
  - Lists the running machines of one fleet, by the tag or label C(praxis_fleet), with the same host variables on every
    cloud. A fleet over two clouds has two sources, one for each.
  - The inventory hostname is the machine's C(Name) tag on AWS, and its name on Google Cloud.
  - "Host variables: C(ansible_host), C(praxis_cloud), C(praxis_region), C(praxis_zone), C(praxis_network) (the VPC's
    id; on Google Cloud C(PROJECT/NETWORK)), C(praxis_instance_id) (on Google Cloud the machine's name), C(praxis_slot),
    C(praxis_architecture) (C(amd64), C(arm64), or nothing where the cloud does not say), C(praxis_private_ip),
    C(praxis_public_ip), C(praxis_data_volume) (the disk of the slot's data), C(praxis_labels) (all tags but
    AWS's own, all labels)."
  - On Google Cloud also C(praxis_project), and C(praxis_machine_id), the number that no other machine ever has.
  - "Groups: C(praxis) (every member), C(praxis_aws) or C(praxis_gcp), C(praxis_region_REGION), C(praxis_zone_ZONE),
    C(praxis_role_ROLE); characters that group names cannot hold become underscores."
  - The group C(praxis_aws) or C(praxis_gcp) exists even when the fleet is empty, so that its variables are there for
    provisioning.
notes:
  - All regions and projects are asked before the first host is added. If one cannot be read, no host is added, the
    variable C(praxis_inventory_errors) is set on the group C(all), and the source fails. Ansible goes on after a failed
    source, so the first task of a playbook asserts that C(praxis_inventory_errors) is not defined.
  - A machine that is stopped is no host. It has no address to be reached at, and whoever switched it off wants the
    others to go on. The variable C(praxis_inventory_stopped) on the group C(all) names it, and so does each plan, as a
    warning (C(member-stopped)). Started again, by C(praxis.cloud.provision) say, it is a member again.
  - Google Cloud is asked with application default credentials, C(GOOGLE_APPLICATION_CREDENTIALS) say.
  - Names and tags come from outside. They are never templated, and a C(Name) that is not a plain host name is an error.
requirements:
  - boto3 and botocore for AWS
  - google-auth and requests for Google Cloud
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
    choices: [aws, gcp]
  fleet:
    description: Name of the fleet, the value of the tag or label C(praxis_fleet).
    type: str
    default: praxis
    env:
      - name: PRAXIS_FLEET
  regions:
    description:
      - Regions to look in.
      - On AWS they are asked at the same time, with one paginated query each; without any, O(aws_regions).
      - On Google Cloud one paginated query a project covers all of them, and without any, all regions are meant.
    type: list
    elements: str
    default: []
  aws_regions:
    description: Regions to look in on AWS when O(regions) names none.
    type: list
    elements: str
    default: []
    env:
      - name: AWS_DEFAULT_REGION
      - name: AWS_REGION
      - name: PRAXIS_REGIONS
  projects:
    description: Projects to look in on Google Cloud. Without any, that of the credentials.
    type: list
    elements: str
    default: []
    env:
      - name: GOOGLE_CLOUD_PROJECT
      - name: GCP_PROJECT
      - name: PRAXIS_PROJECTS
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
# inventories/gcp/fleet.yml: the fleet named by PRAXIS_FLEET in the project of GOOGLE_CLOUD_PROJECT
plugin: praxis.cloud.fleet
cloud: gcp

---
# A fleet in two projects of Google Cloud, in one region
plugin: praxis.cloud.fleet
cloud: gcp
projects: [research-agents, research-staging]
regions: [europe-west1]

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
import os
from functools import partial
from typing import Any, Callable, Iterable

from ansible.errors import AnsibleError, AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable, to_safe_group_name

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import aws_members, gcp_members
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import check_fleet
from ansible_collections.praxis.cloud.plugins.plugin_utils.inventory_members import (
    RESERVED_NAMES,
    Member,
    address_of,
    bad_name,
    check_members,
    duplicate,
    place_of,
)


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    NAME = "praxis.cloud.fleet"

    def verify_file(self, path: str) -> bool:
        return bool(super().verify_file(path)) and path.endswith(("fleet.yml", "fleet.yaml"))

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        try:
            self._read_config_data(path)
            found = self._members(path, cache)
            members = [member for member in found if not member.get("stopped")]
            findings = check_members(members, self.get_option("ssh_address")) + self._strangers(members)
            if findings:
                raise Failed(*findings)
            self._populate(members)
            self._report([member for member in found if member.get("stopped")])
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

    def _report(self, stopped: Iterable[Member]) -> None:
        """A machine that is switched off is no host, and no secret either: the plan names it."""
        places = ["%s (%s)" % (member["name"] or "no Name", place_of(member["variables"])) for member in stopped]
        if places:
            known = self.inventory.groups["all"].vars.get("praxis_inventory_stopped", [])
            self.inventory.set_variable("all", "praxis_inventory_stopped", known + places)

    def _members(self, path: str, cache: bool) -> list[Member]:
        fleet = str(self.get_option("fleet"))
        check_fleet(fleet, f"{path}, option fleet (PRAXIS_FLEET)")
        scope, ask = self._aws(fleet) if self.get_option("cloud") == "aws" else self._gcp(fleet)

        def collect() -> list[Member]:
            return sorted(ask(), key=lambda member: (member["name"], place_of(member["variables"])))

        if not self.get_option("cache"):
            return collect()
        # The environment may name another fleet or project next time: they belong into the key.
        digest = hashlib.sha256("\n".join([fleet, *scope]).encode()).hexdigest()[:12]
        key = f"{self.get_cache_key(path)}_{digest}"
        if not cache or key not in self._cache:
            self._cache[key] = collect()
        return list(self._cache[key])

    def _aws(self, fleet: str) -> tuple[list[str], Callable[[], list[Member]]]:
        """Where to look on AWS, and the question."""
        regions = self._words("regions") or self._words("aws_regions")
        if not regions:
            what, fix = "no AWS region is set.", "Set regions in this file, or AWS_REGION in the environment."
            raise Failed(Finding("no-region", what, "inventory source", fix))
        return ["aws", *regions], partial(aws_members.collect, fleet, regions)

    def _gcp(self, fleet: str) -> tuple[list[str], Callable[[], list[Member]]]:
        """Where to look on Google Cloud, and the question."""
        client = GcpClient()
        projects, regions = self._words("projects") or [client.project], self._words("regions")
        return ["gcp", *projects, "", *regions], partial(gcp_members.collect, client, fleet, projects, regions)

    def _words(self, option: str) -> list[str]:
        """A list option's values, each once. An empty variable of the environment is as one that is not set.

        :raises Failed: ``bad-inventory-source`` when some are empty, and so part of the fleet would be left out.
        """
        # Of several variables Ansible takes the last, be it empty.
        variables = [each["name"] for each in reversed(self.option_definitions[option].get("env", ()))]
        named = (os.environ.get(each, "").split(",") for each in variables)
        for values in (self.get_option(option), *named):
            words = list(dict.fromkeys(str(each).strip() for each in values))
            if not any(words):
                continue
            if not all(words):
                what, fix = f"One entry of {option} is empty.", "Write a name in it, or remove the entry."
                raise Failed(Finding("bad-inventory-source", what, "inventory source", fix))
            return words
        return []

    def _strangers(self, members: list[Member]) -> list[Finding]:
        """Names that earlier inventory sources already gave to another machine or to a group."""
        findings = []
        for member in members:
            name, mine = member["name"], member["variables"]
            known = self.inventory.hosts.get(name)
            if known is not None and "praxis_instance_id" in known.vars and place_of(known.vars) != place_of(mine):
                findings.append(duplicate(name, known.vars, mine))
            if name in self.inventory.groups and name not in RESERVED_NAMES:
                # Ansible would set the member's variables on the group.
                findings.append(bad_name(name, mine))
        return findings

    def _populate(self, members: list[Member]) -> None:
        for group in ("praxis", f"praxis_{self.get_option('cloud')}"):
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
            f"praxis_{variables['praxis_cloud']}",
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
