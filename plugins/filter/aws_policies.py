# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: aws_policies
short_description: The IAM policies that each verb needs for a fleet on AWS
version_added: 0.1.0
author: Praxis Cloud contributors (@praxis)
description:
  - Works out the least that the controller needs for C(provision), C(deploy), C(doctor), C(backup), C(restore) and
    C(down), from the fleet's names and from what its settings refer to. Asks no cloud.
  - The machines need nothing. The controller brings secrets and images.
extends_documentation_fragment: praxis.cloud.references
options:
  _input:
    description: The fleet's name.
    type: str
    required: true
  region:
    description: Its region.
    type: str
    required: true
  account:
    description: The account's id, twelve digits. M(praxis.cloud.aws_caller_info) finds that of the credentials.
    type: str
    required: true
  partition:
    description: The partition that the account is in, V(aws), V(aws-cn) or V(aws-us-gov).
    type: str
    default: aws
  certificate:
    description: ARN of the load balancer's certificate. Empty for none, and for one that AWS makes.
    type: str
    default: ""
  zone:
    description: The zone of the fleet's name, by its id or its domain. Empty for none.
    type: str
    default: ""
  host:
    description: The fleet's name, with O(zone).
    type: str
    default: ""
  pod_roles:
    description: ARNs of the roles that pods have by EKS Pod Identity.
    type: list
    elements: str
    default: []
  login:
    description: Reference of the secret by which the load balancer logs in. Empty for none.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Write the policy of who deploys
  ansible.builtin.copy:
    content: "{{ policies.deploy | to_nice_json }}"
    dest: deploy.json
    mode: "0644"
  vars:
    policies: "{{ 'research' | praxis.cloud.aws_policies('eu-central-1', '123456789012', images=[praxis_image]) }}"
"""

RETURN = r"""
_value:
  description: By verb, a policy document of IAM's.
  type: dict
"""

from collections.abc import Callable, Iterable
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.aws_policies import (
    Place,
    policies,
    require_account,
)
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.dns_names import plain_name
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.grammar import of_store
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.reference import AWS


def aws_policies(
    fleet: str,
    region: str,
    account: str,
    images: Iterable[str] = (),
    secrets: Iterable[str] = (),
    certificate: str = "",
    zone: str = "",
    host: str = "",
    login: str = "",
    pod_roles: Iterable[str] = (),
    partition: str = "aws",
    registries: Iterable[str] = (),
) -> dict[str, Any]:
    """See the documentation above."""
    try:
        named = sorted({each.name for each in of_store(secrets, AWS)})
        logins = sorted({each.name for each in of_store(registries, AWS)})
        kept = [str(image) for image in images]
        arn = str(certificate) if str(certificate).startswith("arn:") else ""
        require_account(str(account))
        return policies(
            Place(
                str(fleet), str(region), str(account), named, kept, arn, str(zone), plain_name(str(host)),
                login="".join(each.name for each in of_store([login], AWS)), partition=str(partition),
                pod_roles=[str(role) for role in pod_roles], registries=logins,
            )
        )  # fmt: skip
    except Failed as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """The collection's filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """By name."""
        return {"aws_policies": aws_policies}
