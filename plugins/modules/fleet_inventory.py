#!/usr/bin/python
# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation only: the work is done by plugins/action/fleet_inventory.py on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_inventory
short_description: Require an inventory that was read whole
version_added: 0.2.0
author: Praxis Cloud contributors (@praxis)
description:
  - Fails when a source of the inventory could not be read, when the inventory holds no member of the fleet, for a
    setting of Ansible's with which a run would stop in its middle, and when a variable that this run is given, such as
    C(praxis_plan_id), is a template that cannot be evaluated. Warns of C(praxis_*) variables that nothing reads.
  - Runs on the controller and asks nobody. M(praxis.cloud.fleet_plan) requires the same.
extends_documentation_fragment:
  - praxis.cloud.attributes.info
options:
  allow_empty:
    description: An inventory without a member is no error.
    type: bool
    default: false
  logs_in:
    description:
      - Whether the run logs in to machines. If so, it is refused when the host keys that it learns would not be kept.
    type: bool
    default: true
  needs_cloud:
    description: Whether an inventory with neither of the groups C(praxis_aws) and C(praxis_gcp) is an error.
    type: bool
    default: false
  observes:
    description:
      - Whether the run changes nothing. What it has no use for then, such as C(praxis_lock_reason), may be a template
        that cannot be evaluated.
    type: bool
    default: false
    version_added: 0.2.0
  group:
    description: A group that the run is for, such as C(praxis_kubernetes). It must have a host.
    type: str
    default: ''
    version_added: 0.2.0
"""

EXAMPLES = r"""
- name: Stop when the inventory could not be read whole, or holds no member
  praxis.cloud.fleet_inventory:
  run_once: true
"""

RETURN = r"""
"""
