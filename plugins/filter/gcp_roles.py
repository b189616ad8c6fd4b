# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: gcp_roles
short_description: The permissions that each verb needs for a fleet on Google Cloud
version_added: 0.1.0
author: Praxis Cloud contributors (@praxis)
description:
  - Works out the least that the controller needs for C(provision), C(deploy), C(doctor), C(backup), C(restore),
    C(down), C(image) and C(gke) (a cluster), from the fleet's names and from what its settings refer to. Asks no cloud.
  - Make a custom role of each list of permissions, and bind it on the resource that stands beside it.
  - The machines' service account needs nothing. The controller brings secrets and images.
extends_documentation_fragment: praxis.cloud.references
options:
  _input:
    description: The fleet's name.
    type: str
    required: true
  project:
    description: The id of its project.
    type: str
    required: true
  named:
    description: Whether the load balancer has a name in a zone of Cloud DNS.
    type: bool
    default: false
  secured:
    description: Whether the load balancer has HTTPS.
    type: bool
    default: false
  disks:
    description: Whether the slots have disks.
    type: bool
    default: false
  login:
    description: Reference of the secret by which the load balancer logs in. Empty for none.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Write the custom role of who provisions
  ansible.builtin.copy:
    content: "{{ {'title': 'praxis provision', 'includedPermissions': roles.provision.0.permissions} | to_nice_yaml }}"
    dest: provision.yaml
    mode: "0644"
  vars:
    roles: "{{ 'research' | praxis.cloud.gcp_roles('a-project', images=[praxis_image]) }}"
"""

RETURN = r"""
_value:
  description:
    - By verb, a list of grants, each with C(on), a resource, C(permissions), and perhaps C(condition), an expression
      for the binding.
  type: dict
"""

from collections.abc import Callable, Iterable
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.google_roles import Project, roles
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.grammar import of_store
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.reference import GCP


def gcp_roles(
    fleet: str,
    project: str,
    images: Iterable[str] = (),
    secrets: Iterable[str] = (),
    named: bool = False,
    secured: bool = False,
    disks: bool = False,
    login: str = "",
    registries: Iterable[str] = (),
) -> dict[str, Any]:
    """See the documentation above."""
    try:
        kept = sorted({(each.project, each.name) for each in of_store(secrets, GCP)})
        logins = sorted({(each.project, each.name) for each in of_store(registries, GCP)})
        logs_in = [(each.project, each.name) for each in of_store([login], GCP)]
    except Failed as error:
        raise AnsibleFilterError(str(error)) from None
    if not project:
        raise AnsibleFilterError("The Google Cloud project is not known. Set praxis_project, or GOOGLE_CLOUD_PROJECT "
                                 "in the environment.")
    place = Project(str(fleet), str(project), kept, [str(image) for image in images], named, secured, disks, logs_in,
                    logins)  # fmt: skip
    return roles(place)


class FilterModule:
    """The collection's filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """By name."""
        return {"gcp_roles": gcp_roles}
