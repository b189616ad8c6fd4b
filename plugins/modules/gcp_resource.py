#!/usr/bin/python
# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: gcp_resource
short_description: One Compute Engine resource, as its body says
version_added: 0.1.0
author:
  - Praxis Cloud contributors (@praxis)
description:
  - Keeps a Compute Engine resource as O(body) says, in Google's own field names.
  - Fields that O(body) does not mention are left alone. Google's defaults, the forms of links, and the order of lists
    count as no difference.
  - A change is made from what is there at that moment; when somebody else was quicker, it is begun anew.
  - Every operation is waited for.
extends_documentation_fragment:
  - praxis.cloud.attributes
  - praxis.cloud.attributes.actiongroup_gcp
  - praxis.cloud.gcp
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - The fields of O(body) that differ.
  idempotent:
    support: full
options:
  kind:
    description: What it is.
    type: str
    required: true
    choices:
      - address
      - backend_service
      - firewall
      - forwarding_rule
      - health_check
      - instance
      - instance_group
      - network
      - network_endpoint_group
      - router
      - security_policy
      - ssl_policy
      - subnetwork
      - target_http_proxy
      - target_https_proxy
      - url_map
  name:
    description: Its name.
    type: str
    required: true
  location:
    description: V(global), a region or a zone.
    type: str
    default: global
  body:
    description:
      - Its fields, as U(https://cloud.google.com/compute/docs/reference/rest/v1) names them, without the name.
      - Other resources may be given by any form of their link, V(global/networks/NAME) for one.
      - Of an instance, C(disks) and C(networkInterfaces) are for its making and are not compared afterwards.
      - A null takes a field away. Labels that are not mentioned stay.
      - A security policy's rules are known by their priority; those that are not mentioned go.
    type: dict
    default: {}
  mark:
    description:
      - Words for the description of what is made, by which it is known as made here. They come after the description in
        O(body), if there is one.
      - With it, a resource of this name whose description lacks them is somebody else's. It is an error with
        O(state=present), and is left alone with O(state=absent).
    type: str
    default: ""
  state:
    description: Whether it should be there.
    type: str
    choices: [present, absent]
    default: present
  deadline:
    description: Seconds that each operation may take.
    type: int
    default: 300
"""

EXAMPLES = r"""
- name: A network of our own
  praxis.cloud.gcp_resource:
    project: my-project
    kind: network
    name: praxis
    body:
      autoCreateSubnetworks: false

- name: Agents reach each other, and nobody else does
  praxis.cloud.gcp_resource:
    project: my-project
    kind: firewall
    name: praxis-p2p
    body:
      network: global/networks/praxis
      sourceTags: [praxis]
      targetTags: [praxis]
      allowed:
        - IPProtocol: tcp
          ports: ["4001"]
"""

RETURN = r"""
resource:
  description: The resource as Google answers it; empty when there is none, or in check mode none yet.
  returned: success
  type: dict
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_compare import picture
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_kinds import KINDS
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_options import GCP_ARGUMENTS, gcp_client
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_resources import Found, Resources, Wanted
from ansible_collections.praxis.cloud.plugins.module_utils.finish import finish
from ansible_collections.praxis.cloud.plugins.module_utils.playbook import Playbook

ARGUMENTS: dict[str, dict[str, Any]] = {
    "kind": {"type": "str", "required": True, "choices": sorted(name for name, row in KINDS.items() if row.offered)},
    "name": {"type": "str", "required": True},
    "location": {"type": "str", "default": "global"},
    "body": {"type": "dict", "default": {}},
    "mark": {"type": "str", "default": ""},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "deadline": {"type": "int", "default": 300},
}


def present(resources: Resources, wanted: Wanted, check_mode: bool) -> dict[str, Any]:
    found = resources.observe(wanted)
    changed = found.resource is None or bool(found.changes)
    result: dict[str, Any] = {"changed": changed, "resource": dict(found.resource or {})}
    if changed:
        result["diff"] = shown(wanted, found)
        if not check_mode:
            result["resource"] = dict(resources.bring(wanted, found))
    return result


def absent(resources: Resources, wanted: Wanted, check_mode: bool) -> dict[str, Any]:
    resource = resources.find(wanted)
    there = resource is not None and wanted.owns(resource)
    result: dict[str, Any] = {"changed": there, "resource": {}}
    if there:
        result["diff"] = {"before_header": str(wanted), "before": "present\n", "after": ""}
        if not check_mode:
            resources.remove(wanted)
    return result


def shown(wanted: Wanted, found: Found) -> dict[str, str]:
    """The diff: the whole body of what is not there, else the fields that differ."""
    headers = {"before_header": str(wanted), "after_header": str(wanted)}
    if found.resource is None:
        return {**headers, "before": "", "after": picture(wanted.new)}
    before = {change.path: change.before for change in found.changes}
    after = {change.path: change.after for change in found.changes}
    return {**headers, "before": picture(before), "after": picture(after)}


def main() -> None:
    module = AnsibleModule(argument_spec={**GCP_ARGUMENTS, **ARGUMENTS}, supports_check_mode=True)
    options = module.params
    if options["mark"] and "description" in options["body"]:
        options["body"]["description"] += f" {options['mark']}"
    wanted = Wanted(**{name: options[name] for name in ARGUMENTS if name != "state"})
    run = present if options["state"] == "present" else absent
    finish(module, lambda: run(Resources(gcp_client(options, Playbook())), wanted, module.check_mode))


if __name__ == "__main__":
    main()
