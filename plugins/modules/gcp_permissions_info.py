#!/usr/bin/python
# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: gcp_permissions_info
short_description: Find which permissions in a Google Cloud project the credentials lack
version_added: 0.1.0
author:
  - Praxis Cloud contributors (@praxis)
description:
  - Asks Resource Manager (C(projects.testIamPermissions)) which of the permissions of O(roles) the credentials have on
    the project. That needs no permission, and the service C(cloudresourcemanager.googleapis.com) enabled in it. Without
    it nothing is checked, and a warning says so.
  - What O(roles) lists for a secret, for a repository or with a condition is not asked for, nor
    C(iam.serviceAccounts.actAs), which may be granted on the machines' service account alone.
  - Never fails because of what it finds.
extends_documentation_fragment:
  - praxis.cloud.attributes.info
  - praxis.cloud.attributes.actiongroup_gcp
  - praxis.cloud.gcp
  - praxis.cloud.permissions
options:
  roles:
    description: By verb, a list of grants, as P(praxis.cloud.gcp_roles#filter) makes them.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: See whether these credentials may deploy
  praxis.cloud.gcp_permissions_info:
    project: a-project
    roles: "{{ 'research' | praxis.cloud.gcp_roles('a-project', images=[praxis_image]) }}"
    verbs: [deploy]
"""

RETURN = r"""
principal:
  description: Email of the credentials' account. Empty when they do not say it.
  returned: success
  type: str
checked:
  description: How many permissions were asked for. 0 when nobody could be asked.
  returned: success
  type: int
findings:
  description: What is missing, one for each verb, with C(code), C(what), C(where), C(fix) and C(level).
  returned: success
  type: list
  elements: dict
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_options import GCP_ARGUMENTS, gcp_client
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_permissions import check
from ansible_collections.praxis.cloud.plugins.module_utils.finish import finish
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.permissions import ASKING, wanted

ARGUMENTS: dict[str, dict[str, Any]] = {"roles": {"type": "dict", "required": True}, **ASKING}


def run(options: dict[str, Any]) -> dict[str, Any]:
    roles = wanted(options["roles"], options["verbs"])
    return {"changed": False, **check(gcp_client(options), roles, options["required"])}


def main() -> None:
    module = AnsibleModule(argument_spec={**GCP_ARGUMENTS, **ARGUMENTS}, supports_check_mode=True)
    finish(module, lambda: run(module.params))


if __name__ == "__main__":
    main()
