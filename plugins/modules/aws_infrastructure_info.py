#!/usr/bin/python
# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: aws_infrastructure_info
short_description: Find existing infrastructure for a fleet, and the names of what is made for it
version_added: 0.1.0
author:
  - Praxis Cloud contributors (@praxis)
description:
  - Looks up existing AWS resources by id or by tags, and checks that they fit together, before anything is made.
  - Checks the fleet's name and labels, and returns the names that provisioning uses.
  - An option that is empty is not looked up, and its result is empty.
  - "Each option takes an id (or several), or tags that must all be there: C({Name: shared, team: agents})."
extends_documentation_fragment:
  - praxis.cloud.attributes.info
  - praxis.cloud.attributes.actiongroup_aws
  - praxis.cloud.aws
options:
  fleet:
    description: The fleet's name, at most 25 lower-case letters, digits and hyphens, a letter first.
    type: str
    required: true
  labels:
    description: The user's own tags. Keys of the scheme's own (C(Name), C(praxis_…)) are refused.
    type: dict
    default: {}
  vpc:
    description: A VPC. With O(subnets) it need not be named.
    type: raw
  subnets:
    description: Subnets, in two zones at least when O(balancer) is true and no load balancer is named.
    type: raw
  security_groups:
    description: Security groups of the members.
    type: raw
  load_balancer:
    description: Name, ARN or tags of a load balancer. Needs O(target_group), which one of its listeners must point at.
    type: raw
  target_group:
    description:
      - Name, ARN or tags of a target group of the type C(instance) that a load balancer's listener points at.
      - The name that provisioning itself uses (C(praxis-FLEET)) counts as not named.
    type: raw
  key_name:
    description: Name or tags of a key pair.
    type: raw
  instance_profile:
    description: Name of an instance profile.
    type: raw
  balancer:
    description: Whether a load balancer is wanted at all.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Find the network that the platform team made
  praxis.cloud.aws_infrastructure_info:
    region: eu-central-1
    fleet: research
    subnets:
      team: platform
      tier: private
    security_groups: [sg-0123456789abcdef0]
    target_group: agents
"""

RETURN = r"""
names:
  description:
    - "Names of what is made: C(fleet) (VPC, internet gateway, route table, load balancer, target group; subnets and key
      pairs begin with it), C(members_group), C(balancer_group), C(role)."
  returned: success
  type: dict
mark:
  description: The tags by which provisioning knows its own.
  returned: success
  type: dict
vpc:
  description: C(id) and C(cidr) of the VPC that is named, or that the subnets are in.
  returned: success
  type: dict
subnets:
  description: Ids, ordered by zone.
  returned: success
  type: list
  elements: str
security_groups:
  description: Ids.
  returned: success
  type: list
  elements: str
load_balancer:
  description:
    - C(arn), C(address) and C(security_groups) of the one named, or of the one that the target group is behind.
  returned: success
  type: dict
target_group:
  description: ARN.
  returned: success
  type: str
key_name:
  description: Name.
  returned: success
  type: str
instance_profile:
  description: Name.
  returned: success
  type: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_infrastructure import OPTIONS, Infrastructure
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_options import AWS_ARGUMENTS, aws_client
from ansible_collections.praxis.cloud.plugins.module_utils.finish import finish
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import check_fleet, check_labels, mark, names

ARGUMENTS: dict[str, dict[str, Any]] = {
    "fleet": {"type": "str", "required": True},
    "labels": {"type": "dict", "default": {}},
    "balancer": {"type": "bool", "default": True},
    # The name of a key pair is no secret.
    **{option: {"type": "raw", **({"no_log": False} if option == "key_name" else {})} for option in OPTIONS},
}


def run(options: dict[str, Any]) -> dict[str, Any]:
    fleet = options["fleet"]
    check_fleet(fleet)
    check_labels(options["labels"])
    client = aws_client(options)
    scheme = names(fleet, client.region)
    existing = {option: options[option] for option in OPTIONS}
    if existing["target_group"] == scheme["fleet"]:
        existing["target_group"] = None
    found = Infrastructure(client, existing, options["balancer"]).observe()
    return {"changed": False, "names": scheme, "mark": mark(fleet), **found}


def main() -> None:
    module = AnsibleModule(argument_spec={**AWS_ARGUMENTS, **ARGUMENTS}, supports_check_mode=True)
    finish(module, lambda: run(module.params))


if __name__ == "__main__":
    main()
