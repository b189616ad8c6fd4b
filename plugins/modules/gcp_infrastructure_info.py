#!/usr/bin/python
# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: gcp_infrastructure_info
short_description: Find existing infrastructure for a fleet on Google Cloud, and what is managed for it
version_added: 0.1.0
author:
  - Praxis Cloud contributors (@praxis)
description:
  - Looks up existing resources by name or link, and checks that they fit together, before anything is made.
  - Checks the fleet's name and labels, and returns the names and zones that provisioning uses.
  - Looks for resources that have a name of what is to be made and were made by somebody else.
  - An option that is empty is not looked up, and its result is empty.
extends_documentation_fragment:
  - praxis.cloud.attributes.info
  - praxis.cloud.attributes.actiongroup_gcp
  - praxis.cloud.gcp
options:
  fleet:
    description: The fleet's name, at most 25 lower-case letters, digits and hyphens, a letter first.
    type: str
    required: true
  labels:
    description: The user's own labels. Keys of the scheme's own (C(praxis_…)) are refused.
    type: dict
    default: {}
  region:
    description: Region of the machines.
    type: str
    required: true
  zones:
    description: Zones of the machines, at least two. Empty takes the region's first two.
    type: list
    elements: str
    default: []
  network:
    description: A network, by name or link. With O(subnetwork) it need not be named.
    type: raw
  subnetwork:
    description: A subnetwork of O(region), by name or link.
    type: raw
  network_tags:
    description: Network tags of the machines, for which firewall rules exist already.
    type: list
    elements: str
    default: []
  service_account:
    description: A service account, by name or email.
    type: raw
  backend_service:
    description:
      - A backend service with a group in each of the zones, by name or link.
      - The name that provisioning itself uses (C(praxis-FLEET)) counts as not named.
    type: raw
  balancer:
    description: Whether a load balancer is wanted at all.
    type: bool
    default: true
  claim:
    description:
      - Whether it is an error that a resource which was made by somebody else has a name of what is to be made.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Find the network that the platform team made
  praxis.cloud.gcp_infrastructure_info:
    project: my-project
    fleet: research
    region: europe-west1
    subnetwork: agents
    backend_service: agents
"""

RETURN = r"""
names:
  description:
    - "Names of what is made: C(fleet) (network, subnetwork, load balancer, instance groups, network tag; firewall rules
      begin with it), C(account)."
  returned: success
  type: dict
mark:
  description: The labels by which provisioning knows its own.
  returned: success
  type: dict
mark_text:
  description: The same for a description.
  returned: success
  type: str
project:
  description: The project.
  returned: success
  type: str
zones:
  description: The machines' zones.
  returned: success
  type: list
  elements: str
network:
  description: C(link), C(name) and C(id) (C(PROJECT/NETWORK)) of the network, or of the subnetwork's.
  returned: success
  type: dict
subnetwork:
  description: C(link), C(cidr) and C(network) of the subnetwork.
  returned: success
  type: dict
service_account:
  description: C(email) of the service account.
  returned: success
  type: dict
backend_service:
  description: C(name), C(link) and C(zones) of the backend service.
  returned: success
  type: dict
balancer_made:
  description: The parts of a load balancer that were made for the fleet, in the order in which they can be removed.
  returned: success
  type: list
  elements: str
group_zones:
  description: The zones in which instance groups were made for the fleet.
  returned: success
  type: list
  elements: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_infrastructure import EXISTING, Infrastructure
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_options import GCP_ARGUMENTS, gcp_client
from ansible_collections.praxis.cloud.plugins.module_utils.finish import finish
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import (
    check_fleet,
    check_labels,
    google_names,
    mark,
    mark_text,
)

ARGUMENTS: dict[str, dict[str, Any]] = {
    "fleet": {"type": "str", "required": True},
    "labels": {"type": "dict", "default": {}},
    "region": {"type": "str", "required": True},
    "zones": {"type": "list", "elements": "str", "default": []},
    "network_tags": {"type": "list", "elements": "str", "default": []},
    "balancer": {"type": "bool", "default": True},
    "claim": {"type": "bool", "default": True},
    **{option: {"type": "raw"} for option in EXISTING},
}


def run(options: dict[str, Any]) -> dict[str, Any]:
    fleet = options["fleet"]
    check_fleet(fleet)
    check_labels(options["labels"], google=True)
    client, scheme = gcp_client(options), google_names(fleet)
    existing = {option: options[option] for option in (*EXISTING, "network_tags")}
    if existing["backend_service"] == scheme["fleet"]:
        existing["backend_service"] = None
    found = Infrastructure(
        client, fleet, options["region"], options["zones"], existing, options["balancer"], options["claim"]
    ).observe()
    marks = {"names": scheme, "mark": mark(fleet), "mark_text": mark_text(fleet)}
    return {"changed": False, **marks, "project": client.project, **found}


def main() -> None:
    module = AnsibleModule(argument_spec={**GCP_ARGUMENTS, **ARGUMENTS}, supports_check_mode=True)
    finish(module, lambda: run(module.params))


if __name__ == "__main__":
    main()
