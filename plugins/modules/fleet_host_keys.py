#!/usr/bin/python
# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation only: the work is done by plugins/action/fleet_host_keys.py on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_host_keys
short_description: Keep the host keys that the members have published through their cloud
version_added: 0.1.0
author: Praxis Cloud contributors (@praxis)
description:
  - Asks the clouds for the public host keys of all members of the inventory, and writes them into a file on the
    controller, in the form of C(known_hosts), by the members' names. No machine is logged in to.
  - On AWS the keys are those that cloud-init has printed on the machine's console. EC2 has that output some minutes
    after the boot, and may have lost it later.
  - On Google Cloud the keys are those that the guest agent has written into the guest attributes, at the first boot of
    a machine with C(enable-guest-attributes).
  - A member whose cloud says nothing keeps the keys that the file has. All other lines stay as they are. A link
    stays one.
extends_documentation_fragment:
  - praxis.cloud.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  path:
    description: The file. Its directory has to be there.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Keep the fleet's host keys
  praxis.cloud.fleet_host_keys:
    path: "{{ inventory_dir }}/host_keys"
"""

RETURN = r"""
path:
  description: The file, from the root.
  type: str
  returned: success
keys:
  description: The public keys that are known now, by member.
  type: dict
  returned: success
unknown:
  description: Members of which no key is known.
  type: list
  elements: str
  returned: success
kept:
  description: Members of which the clouds say nothing, and the file has keys.
  type: list
  elements: str
  returned: success
"""
