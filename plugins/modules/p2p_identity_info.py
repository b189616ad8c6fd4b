#!/usr/bin/python
# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: p2p_identity_info
short_description: Show the peer ids of a fleet's slots
version_added: 0.1.0
description:
  - Reads the seeds in the secret store and returns the peer ids that follow from them. Seeds are never returned.
author: Praxis Cloud contributors (@praxis)
extends_documentation_fragment:
  - praxis.cloud.attributes.info
  - praxis.cloud.attributes.actiongroup_both
  - praxis.cloud.aws
  - praxis.cloud.gcp
  - praxis.cloud.gcp.secrets
options:
  cloud:
    description:
      - The cloud whose secret store keeps the seeds, V(aws) in O(region), V(gcp) in O(project).
    type: str
    choices: [aws, gcp]
    default: aws
  fleet:
    description: The fleet.
    type: str
    required: true
  slots:
    description:
      - The slots, by name.
      - Without it, the store is asked which slots the fleet has; it may list a new one some minutes late.
    type: list
    elements: str
  peer_id_scheme:
    description:
      - How the agent's image makes a peer id of a seed. V(ed25519) for libp2p 0.8, V(x25519) for libp2p 0.2.
    type: str
    choices: [ed25519, x25519]
    default: ed25519
seealso:
  - module: praxis.cloud.p2p_identity
"""

EXAMPLES = r"""
- name: Who is who
  praxis.cloud.p2p_identity_info:
    fleet: demo
    region: eu-central-1
  register: fleet
"""

RETURN = r"""
identities:
  description: The identities there are, by slot.
  returned: success
  type: dict
  contains:
    name:
      description: The secret's name.
      type: str
      sample: praxis/demo/identity/agent-1
    version:
      description: The secret's version, V(1) in Google Cloud.
      type: str
    peer_id:
      description: The peer id.
      type: str
      sample: 12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN
missing:
  description: Slots without a seed, those whose secret is only half-made among them.
  returned: success
  type: list
  elements: str
deleted:
  description:
    - Slots whose seed is scheduled for deletion; M(praxis.cloud.p2p_identity) restores it.
    - Always empty in Google Cloud, where a removed seed is gone.
  returned: success
  type: list
  elements: str
unusable:
  description:
    - Slots whose seed is there and no seed, by its length say, or because its version is disabled or destroyed.
    - M(praxis.cloud.p2p_identity) says of each what is wrong with it, or removes it with C(state=absent).
  returned: success
  type: list
  elements: str
  version_added: 0.2.0
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.praxis.cloud.plugins.module_utils.agent.identity import peer_id
from ansible_collections.praxis.cloud.plugins.module_utils.finish import finish
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.identities import (
    DELETED,
    HALF_MADE,
    MISSING,
    PRESENT,
    UNUSABLE,
)
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.identity_stores import (
    IDENTITY_ARGUMENTS,
    identities_of,
)


def run(params: dict[str, Any]) -> dict[str, Any]:
    store = identities_of(params)
    found = store.read(store.slots() if params["slots"] is None else params["slots"], unusable=True)
    scheme = params["peer_id_scheme"]
    return {
        "changed": False,
        "identities": {
            slot: {"name": each.name, "version": each.version, "peer_id": peer_id(each.seed, scheme)}
            for slot, each in found.items()
            if each.state == PRESENT
        },
        "missing": [slot for slot, each in found.items() if each.state in (MISSING, HALF_MADE)],
        "deleted": [slot for slot, each in found.items() if each.state == DELETED],
        "unusable": [slot for slot, each in found.items() if each.state == UNUSABLE],
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec={"slots": {"type": "list", "elements": "str"}, **IDENTITY_ARGUMENTS},
        supports_check_mode=True,
    )
    finish(module, lambda: run(module.params))


if __name__ == "__main__":
    main()
