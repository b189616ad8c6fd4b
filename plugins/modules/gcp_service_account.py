#!/usr/bin/python
# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: gcp_service_account
short_description: A service account without any role
version_added: 0.1.0
author:
  - Praxis Cloud contributors (@praxis)
description:
  - Keeps a service account for machines to run as. It is given no role and no key.
  - What it is called and described as is set when it is made, and left alone afterwards.
extends_documentation_fragment:
  - praxis.cloud.attributes
  - praxis.cloud.attributes.actiongroup_gcp
  - praxis.cloud.gcp
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  name:
    description: The part of its email before the at sign, 6 to 30 lower-case letters, digits and hyphens.
    type: str
    required: true
  display_name:
    description: What people see.
    type: str
    default: ""
  mark:
    description:
      - Words for the description of what is made, by which it is known as made here.
      - With it, an account of this name whose description lacks them is somebody else's. It is an error with
        O(state=present), and is left alone with O(state=absent).
    type: str
    default: ""
  state:
    description: Whether it should be there.
    type: str
    choices: [present, absent]
    default: present
"""

EXAMPLES = r"""
- name: An identity for machines that needs no rights
  praxis.cloud.gcp_service_account:
    project: my-project
    name: praxis-agents
    display_name: Machines of the Praxis agents
"""

RETURN = r"""
email:
  description: Its email, whether it is there or not.
  returned: success
  type: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_compare import picture
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_options import GCP_ARGUMENTS, gcp_client
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_service_accounts import (
    ServiceAccounts,
    require_ours,
)
from ansible_collections.praxis.cloud.plugins.module_utils.finish import finish
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import is_marked
from ansible_collections.praxis.cloud.plugins.module_utils.playbook import Playbook

ARGUMENTS: dict[str, dict[str, Any]] = {
    "name": {"type": "str", "required": True},
    "display_name": {"type": "str", "default": ""},
    "mark": {"type": "str", "default": ""},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def run(options: dict[str, Any], accounts: ServiceAccounts, check_mode: bool) -> dict[str, Any]:
    name, mark, wanted = options["name"], options["mark"], options["state"] == "present"
    email = accounts.email(name)
    found = accounts.find(name)
    if found and wanted:
        require_ours(found, mark)
    if found and not is_marked(found.get("description"), mark):
        found = None
    if bool(found) == wanted:
        return {"changed": False, "email": email}
    fields = {"displayName": options["display_name"], "description": mark}
    if not check_mode:
        if wanted:
            accounts.make(name, fields, mark)
        else:
            accounts.remove(email)
    before, after = ("", picture(fields)) if wanted else ("present\n", "")
    header = f"service account {email}"
    shown = {"before_header": header, "after_header": header, "before": before, "after": after}
    return {"changed": True, "email": email, "diff": shown}


def main() -> None:
    module = AnsibleModule(argument_spec={**GCP_ARGUMENTS, **ARGUMENTS}, supports_check_mode=True)
    options = module.params
    finish(module, lambda: run(options, ServiceAccounts(gcp_client(options, Playbook())), module.check_mode))


if __name__ == "__main__":
    main()
