#!/usr/bin/python
# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: aws_caller_info
short_description: Find the AWS account that the credentials belong to
version_added: 0.1.0
author:
  - Praxis Cloud contributors (@praxis)
description:
  - Asks STS (C(GetCallerIdentity)) whose the credentials are. That needs no permission.
extends_documentation_fragment:
  - praxis.cloud.attributes.info
  - praxis.cloud.attributes.actiongroup_aws
  - praxis.cloud.aws
"""

EXAMPLES = r"""
- name: Find the account
  praxis.cloud.aws_caller_info:
    region: eu-central-1
  register: caller
"""

RETURN = r"""
account:
  description: The account's id, twelve digits.
  returned: success
  type: str
arn:
  description: ARN of the user, of the role's session, or of the account's owner.
  returned: success
  type: str
partition:
  description: The partition that the account is in, V(aws), V(aws-cn) or V(aws-us-gov).
  returned: success
  type: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_caller import caller
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_options import AWS_ARGUMENTS, aws_client
from ansible_collections.praxis.cloud.plugins.module_utils.finish import finish


def run(options: dict[str, Any]) -> dict[str, Any]:
    found = caller(aws_client(options))
    return {"changed": False, "account": found.account, "arn": found.arn, "partition": found.partition}


def main() -> None:
    module = AnsibleModule(argument_spec=AWS_ARGUMENTS, supports_check_mode=True)
    finish(module, lambda: run(module.params))


if __name__ == "__main__":
    main()
