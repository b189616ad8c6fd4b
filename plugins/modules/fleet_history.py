#!/usr/bin/python
# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation only: the work is done by plugins/action/fleet_history.py on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_history
short_description: List the deployments that a fleet has had
version_added: 0.1.0
author: Praxis Cloud contributors (@praxis)
description:
  - Merges what the hosts remember of the deployments whose releases were called good on them.
extends_documentation_fragment:
  - praxis.cloud.attributes.info
options:
  hosts:
    description: The hosts that were asked.
    type: list
    elements: str
    required: true
  kept:
    description: The variable in which the hosts' answers of M(praxis.cloud.agent_info) with C(kept) are registered.
    type: str
    required: true
  show:
    description: Print the deployments as a table.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: List the deployments
  praxis.cloud.fleet_history:
    hosts: "{{ ansible_play_hosts_all }}"
    kept: praxis_kept
  run_once: true
  delegate_to: localhost
"""

RETURN = r"""
deployments:
  description: Newest first. C(run) is empty for what was there before the first deployment that a host remembers.
  type: list
  elements: dict
  returned: success
  contains:
    run:
      description: Its id, as C(praxis_to) takes it.
      type: str
      returned: always
    at:
      description: When its release was called good, UTC.
      type: str
      returned: always
    owner:
      description: Who ran it.
      type: str
      returned: always
    reason:
      description: C(deploy), or C(rollback) and where to.
      type: str
      returned: always
    hosts:
      description: By host, the release, of those that it changed.
      type: dict
      returned: always
    stands:
      description: The hosts that still have what it gave them.
      type: list
      elements: str
      returned: always
silent:
  description: The hosts that gave no answer.
  type: list
  elements: str
  returned: success
"""
