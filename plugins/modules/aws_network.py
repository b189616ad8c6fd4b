#!/usr/bin/python
# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: aws_network
short_description: The network of a Praxis fleet in AWS
version_added: 0.1.0
author:
  - Praxis Cloud contributors (@praxis)
description:
  - Keeps a VPC with DNS host names, a subnet in each zone given, an internet gateway, and a route table by which the
    subnets reach it. All carry the tags C(Name), C(praxis_fleet) and C(praxis_managed_by), and O(labels).
  - EC2 makes a second VPC or gateway when a creation is sent twice, so one whose answer was lost is never sent again
    before a look has shown that it did not happen. The general modules, and the SDK beneath them, do send it again.
  - What exists is recognised by its network or attachment, or by two of three tags; edited tags are put back.
  - When it must stop in the middle, the failure names what is left made; the next run goes on from there.
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
      - Tags and settings that change; the id of what is to be made reads "(known after apply)".
  idempotent:
    support: full
options:
  state:
    description: V(absent) removes what carries both of the fleet's tags, and nothing else.
    type: str
    choices: [present, absent]
    default: present
  fleet:
    description: The fleet's name.
    type: str
    required: true
  name:
    description: Name of the VPC, gateway and route table, and with C(-ZONE) of the subnets; by default C(praxis-FLEET).
    type: str
  vpc_id:
    description: A VPC of your own, which is not changed. By default the fleet has one of its own.
    type: str
    default: ""
  cidr:
    description: Network of the fleet's own VPC. Required with O(state=present) and without O(vpc_id).
    type: str
    default: ""
  subnets:
    description: Network by availability zone. When empty, no subnet, gateway or route table is looked at.
    type: dict
    default: {}
  labels:
    description: Tags of your own on everything that is made.
    type: dict
    default: {}
  deadline:
    description: With O(state=absent), seconds to wait until each resource is free to be removed.
    type: int
    default: 300
"""

EXAMPLES = r"""
- name: A network over two zones
  praxis.cloud.aws_network:
    region: eu-central-1
    fleet: demo
    cidr: 10.42.0.0/16
    subnets:
      eu-central-1a: 10.42.16.0/20
      eu-central-1b: 10.42.32.0/20

- name: Remove it
  praxis.cloud.aws_network:
    region: eu-central-1
    fleet: demo
    state: absent
"""

RETURN = r"""
vpc_id:
  description: The VPC's id; empty when it is not there.
  returned: with O(state=present)
  type: str
cidr:
  description: The VPC's network.
  returned: with O(state=present)
  type: str
subnet_ids:
  description: Ids of those O(subnets) that are there, in their order.
  returned: with O(state=present)
  type: list
  elements: str
removed:
  description: Ids of what is removed.
  returned: with O(state=absent)
  type: list
  elements: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_network import AwsNetwork
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_network_removal import Removal, identifier
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_options import AWS_ARGUMENTS, aws_client
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.network import NAMES, Wanted, diff, picture

ARGUMENTS: dict[str, dict[str, Any]] = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "fleet": {"type": "str", "required": True},
    "name": {"type": "str"},
    "vpc_id": {"type": "str", "default": ""},
    "cidr": {"type": "str", "default": ""},
    "subnets": {"type": "dict", "default": {}},
    "labels": {"type": "dict", "default": {}},
    "deadline": {"type": "int", "default": 300},
}


def present(options: dict[str, Any], client: AwsClient, check_mode: bool) -> dict[str, Any]:
    wanted = Wanted(
        fleet=options["fleet"],
        name=options["name"] or f"praxis-{options['fleet']}",
        cidr=options["cidr"],
        subnets=options["subnets"],
        vpc_id=options["vpc_id"],
        labels={str(key): str(value) for key, value in options["labels"].items()},
    )
    network = AwsNetwork(client, wanted)
    changes = diff(wanted, network.look())
    if not check_mode:
        network.apply(changes)
    there = network.there
    result: dict[str, Any] = {
        "changed": bool(changes),
        "vpc_id": there.vpc.id if there.vpc else "",
        "cidr": there.cidr,
        "subnet_ids": [there.subnets[cidr].id for cidr in wanted.subnets.values() if cidr in there.subnets],
    }
    if changes:
        result["diff"] = picture(wanted, changes)
    return result


def absent(options: dict[str, Any], client: AwsClient, check_mode: bool) -> dict[str, Any]:
    removal = Removal(client, options["fleet"])
    found = removal.look()
    ids = [identifier(kind, item) for kind, item in found]
    result: dict[str, Any] = {"changed": bool(ids), "removed": ids}
    if ids:
        before = {f"{NAMES[kind]} {id_}": "present" for (kind, _item), id_ in zip(found, ids, strict=True)}
        result["diff"] = {"before": before, "after": {}}
    if not check_mode:
        removal.apply(found, options["deadline"])
    return result


def main() -> None:
    module = AnsibleModule(argument_spec={**AWS_ARGUMENTS, **ARGUMENTS}, supports_check_mode=True)
    options = module.params
    if options["state"] == "present" and not (options["cidr"] or options["vpc_id"]):
        module.fail_json(msg="cidr is needed for a VPC of the fleet's own.")
    run = present if options["state"] == "present" else absent
    try:
        result = run(options, aws_client(options), module.check_mode)
    except Failed as failed:
        module.fail_json(**failed.as_result())
    module.exit_json(**result)


if __name__ == "__main__":
    main()
