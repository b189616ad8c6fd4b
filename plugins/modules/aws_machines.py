#!/usr/bin/python
# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: aws_machines
short_description: The EC2 instances of a Praxis fleet
version_added: 0.1.0
author:
  - Praxis Cloud contributors (@praxis)
description:
  - Keeps one running EC2 instance for every slot of a fleet, C(aws-1) to C(aws-N), spread over the given subnets.
  - New instances accept IMDSv2 only, have an encrypted gp3 root volume, and carry the tags C(Name), C(praxis_fleet),
    C(praxis_slot), C(praxis_role) and C(praxis_managed_by), and O(labels).
  - Existing instances get missing or edited tags, security groups and the IMDSv2 requirement restored, and are started
    when stopped. Their image, type and volumes are left alone.
  - Launches are sent in parallel, each with a client token made from fleet and slot, so a repeated request makes no
    second machine.
  - Only instances that this module made, or that carry the tag C(praxis_managed_by=provision), are ever changed.
extends_documentation_fragment:
  - praxis.cloud.attributes
  - praxis.cloud.attributes.actiongroup_aws
  - praxis.cloud.aws
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - Tags, states and security groups that change; the id of a machine to be launched reads "(known after apply)".
  idempotent:
    support: full
options:
  state:
    description: V(absent) terminates the fleet's instances and waits until they are gone.
    type: str
    choices: [present, absent]
    default: present
  fleet:
    description: The fleet's name.
    type: str
    required: true
  hosts:
    description: How many machines; needed with O(state=present).
    type: int
  slot_prefix:
    description: First part of the slots' names.
    type: str
    default: aws
  role:
    description: Value of the tag C(praxis_role).
    type: str
    default: agent
  labels:
    description: Further tags. Tags found on an instance and not named here are left alone.
    type: dict
    default: {}
  subnet_ids:
    description: Subnets that the slots take in turn; needed when a machine must be launched.
    type: list
    elements: str
    default: []
  security_group_ids:
    description: Security groups of every machine.
    type: list
    elements: str
    default: []
  image_id:
    description: AMI of new machines.
    type: str
    default: ""
  root_device:
    description: The AMI's root device name.
    type: str
    default: /dev/xvda
  root_volume_gb:
    description: Size of the root volume in GiB.
    type: int
    default: 20
  instance_type:
    description: Type of new machines.
    type: str
    default: t3.small
  key_name:
    description: Key pair of new machines.
    type: str
    default: ""
  instance_profile:
    description: Instance profile of new machines.
    type: str
    default: ""
  allow_shrink:
    description: Whether to terminate machines of slots above O(hosts). Without it their presence is an error.
    type: bool
    default: false
  deadline:
    description: Seconds to wait for the machines to run, or to be gone.
    type: int
    default: 300
"""

EXAMPLES = r"""
- name: Three machines over two zones
  praxis.cloud.aws_machines:
    region: eu-central-1
    fleet: praxis
    hosts: 3
    image_id: ami-0123456789abcdef0
    subnet_ids: [subnet-0aaaaaaaaaaaaaaaa, subnet-0bbbbbbbbbbbbbbbb]
    security_group_ids: [sg-0123456789abcdef0]
    key_name: praxis-praxis

- name: Remove them
  praxis.cloud.aws_machines:
    region: eu-central-1
    fleet: praxis
    state: absent
"""

RETURN = r"""
machines:
  description: The running machines, in the slots' order. Empty in check mode and with O(state=absent).
  returned: success
  type: list
  elements: dict
  contains:
    name: {description: The tag C(Name)., type: str}
    slot: {description: The slot., type: str}
    instance_id: {description: The instance's id., type: str}
    zone: {description: Availability zone., type: str}
    private_ip: {description: Private address., type: str}
    public_ip: {description: Public address or an empty string., type: str}
launched:
  description: Slots for which a machine was launched.
  returned: success
  type: list
  elements: str
terminated:
  description: Ids of the instances that were terminated.
  returned: success
  type: list
  elements: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_machines import SETTINGS, Launch, Machines, summary
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_options import AWS_ARGUMENTS, aws_client
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.finish import finish
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.machines import (
    LIVE,
    PROFILE,
    Changes,
    Wanted,
    diff,
    machine,
    picture,
    slots,
    terminated,
)
from ansible_collections.praxis.cloud.plugins.module_utils.playbook import Playbook

ARGUMENTS: dict[str, dict[str, Any]] = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "fleet": {"type": "str", "required": True},
    "hosts": {"type": "int"},
    "slot_prefix": {"type": "str", "default": "aws"},
    "role": {"type": "str", "default": "agent"},
    "labels": {"type": "dict", "default": {}},
    "subnet_ids": {"type": "list", "elements": "str", "default": []},
    "security_group_ids": {"type": "list", "elements": "str", "default": []},
    "image_id": {"type": "str", "default": ""},
    "root_device": {"type": "str", "default": "/dev/xvda"},
    "root_volume_gb": {"type": "int", "default": 20},
    "instance_type": {"type": "str", "default": "t3.small"},
    "key_name": {"type": "str", "default": "", "no_log": False},
    "instance_profile": {"type": "str", "default": ""},
    "allow_shrink": {"type": "bool", "default": False},
    "deadline": {"type": "int", "default": 300},
}


def launch_of(options: dict[str, Any], needed: bool) -> Launch:
    """:raises Failed: ``launch-incomplete`` when a machine must be launched and image or subnets are not given."""
    missing = [name for name in ("image_id", "subnet_ids") if not options[name]]
    if needed and missing:
        where = f"fleet {options['fleet']}"
        raise Failed(Finding("launch-incomplete", f"{' and '.join(missing)} not given.", where, "Set them."))
    return Launch(
        image_id=options["image_id"],
        root_device=options["root_device"],
        root_volume_gb=options["root_volume_gb"],
        instance_type=options["instance_type"],
        subnet_ids=tuple(options["subnet_ids"]),
        key_name=options["key_name"],
        instance_profile=options["instance_profile"],
    )


def present(options: dict[str, Any], machines: Machines, check_mode: bool) -> dict[str, Any]:
    groups = tuple(options["security_group_ids"])
    labels = {str(key): str(value) for key, value in options["labels"].items()}
    count = slots(options["slot_prefix"], options["hosts"])
    profile = {PROFILE: options["instance_profile"]} if options["instance_profile"] else {}
    wanted = Wanted(options["fleet"], count, options["role"], labels, groups, {**SETTINGS, **profile})
    found = [each for each in (machine(seen, wanted.fleet) for seen in machines.observe(groups)) if each]
    changes = diff(wanted, found, allow_shrink=options["allow_shrink"])
    result: dict[str, Any] = {
        "changed": bool(changes),
        "launched": list(changes.launch),
        "terminated": list(changes.terminate),
        "machines": [],
    }
    if changes:
        result["diff"] = picture(wanted, found, changes)
    if check_mode:
        return result
    launched = machines.apply(changes, wanted, launch_of(options, bool(changes.launch)), terminated(found))
    running = machines.wait(groups, wanted.slots, options["deadline"], launched)
    result["machines"] = [summary(instance, slot) for instance, slot in zip(running, wanted.slots)]
    return result


def absent(options: dict[str, Any], machines: Machines, check_mode: bool) -> dict[str, Any]:
    seen = machines.observe(options["security_group_ids"])
    ours = [each for each in (machine(instance, options["fleet"]) for instance in seen) if each and each.ours]
    live = [each for each in ours if each.state in LIVE]
    result: dict[str, Any] = {
        "changed": bool(live),
        "launched": [],
        "terminated": [each.id for each in live],
        "machines": [],
    }
    if live:
        changes = Changes(terminate=tuple(each.id for each in live))
        result["diff"] = picture(Wanted(options["fleet"], ()), live, changes)
    if not check_mode:
        machines.terminate(result["terminated"])
        machines.wait_gone([each.id for each in ours], options["deadline"])
    return result


def main() -> None:
    module = AnsibleModule(
        argument_spec={**AWS_ARGUMENTS, **ARGUMENTS},
        required_if=[("state", "present", ["hosts"])],
        supports_check_mode=True,
    )
    options = module.params

    def work() -> dict[str, Any]:
        machines = Machines(aws_client(options, Playbook()), options["fleet"], deadline=float(options["deadline"]))
        run = present if options["state"] == "present" else absent
        return run(options, machines, module.check_mode)

    finish(module, work)


if __name__ == "__main__":
    main()
