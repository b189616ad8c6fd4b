#!/usr/bin/python
# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: aws_permissions_info
short_description: Find which permissions of IAM policies the credentials lack
version_added: 0.1.0
author:
  - Praxis Cloud contributors (@praxis)
description:
  - Asks IAM to simulate the policies of the user or role that the credentials belong to, with the actions, the
    resources and the conditions of each statement of O(policies).
  - Needs C(iam:SimulatePrincipalPolicy) on that user or role. Without it, and for the root user and federated users,
    nothing is checked, and a warning says so.
  - Never fails because of what it finds.
extends_documentation_fragment:
  - praxis.cloud.attributes.info
  - praxis.cloud.attributes.actiongroup_aws
  - praxis.cloud.aws
  - praxis.cloud.permissions
options:
  policies:
    description: By verb, a policy document, as P(praxis.cloud.aws_policies#filter) makes them.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: See whether these credentials may deploy
  praxis.cloud.aws_permissions_info:
    region: eu-central-1
    policies: "{{ 'research' | praxis.cloud.aws_policies('eu-central-1', '123456789012', images=[praxis_image]) }}"
    verbs: [deploy]
"""

RETURN = r"""
principal:
  description: ARN of the user or role whose policies were simulated, or of the caller where none were.
  returned: success
  type: str
checked:
  description: How many actions were asked for. 0 when IAM could not be asked.
  returned: success
  type: int
findings:
  description: What is missing, one for each verb and statement, with C(code), C(what), C(where), C(fix) and C(level).
  returned: success
  type: list
  elements: dict
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_options import AWS_ARGUMENTS, aws_client
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_permissions import check
from ansible_collections.praxis.cloud.plugins.module_utils.finish import finish
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.permissions import ASKING, wanted

ARGUMENTS: dict[str, dict[str, Any]] = {"policies": {"type": "dict", "required": True}, **ASKING}


def run(options: dict[str, Any]) -> dict[str, Any]:
    policies = wanted(options["policies"], options["verbs"])
    return {"changed": False, **check(aws_client(options), policies, options["required"])}


def main() -> None:
    module = AnsibleModule(argument_spec={**AWS_ARGUMENTS, **ARGUMENTS}, supports_check_mode=True)
    finish(module, lambda: run(module.params))


if __name__ == "__main__":
    main()
