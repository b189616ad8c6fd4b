#!/usr/bin/python
# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation only: the work is done by plugins/action/fleet_order.py on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_order
short_description: Decide which hosts are activated, and in which batches
version_added: 0.1.0
author: Praxis Cloud contributors (@praxis)
description:
  - Reads what the hosts answered when they were prepared. Finds those without an engine, those to activate, and those
    to restart because an edge of the mesh is missing that nothing else would fix.
  - A host that could not be prepared stops the run before any host is disturbed.
extends_documentation_fragment:
  - praxis.cloud.attributes.info
options:
  run:
    description: The run's directory, from M(praxis.cloud.fleet_plan).
    type: path
    required: true
  final:
    description: Whether every host should have an engine by now.
    type: bool
    default: true
  restart:
    description: Members that are restarted though nothing else is to be done to them.
    type: list
    elements: str
    default: []
  show:
    description: Print the order as a table.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Order the activation
  praxis.cloud.fleet_order:
    run: "{{ hostvars['localhost']['ansible_facts']['praxis_plan']['run'] }}"
  run_once: true
  delegate_to: localhost
  delegate_facts: true
"""

RETURN = r"""
order:
  description: The order.
  type: dict
  returned: success
  contains:
    ok:
      description: Whether no finding is an error.
      type: bool
      returned: always
    text:
      description: The errors, a line each.
      type: str
      returned: always
    plan_id:
      description: The plan's id.
      type: str
      returned: always
    hosts:
      description: The hosts of this run.
      type: list
      elements: str
      returned: always
    needs_docker:
      description: Hosts that have no fitting engine yet.
      type: list
      elements: str
      returned: always
    activate:
      description: Hosts to activate, in order.
      type: list
      elements: str
      returned: always
    restart:
      description: Those of them that are restarted to fix the mesh.
      type: list
      elements: str
      returned: always
    unconfirmed:
      description:
        - Hosts that run the plan's release, which another deployment has activated and not called good. They count as
          activated by this run.
      type: list
      elements: str
      returned: always
    serial:
      description: Batch sizes.
      type: list
      elements: int
      returned: always
    watch:
      description: By host, the members activated before that are observed again before its batch is drained.
      type: dict
      returned: always
    first_deployment:
      description: Whether no agent of the fleet runs yet. Of a run that is limited to a part of the fleet it is false.
      type: bool
      returned: always
    observe_again:
      description: Whether the hosts are to be observed again before the verdict.
      type: bool
      returned: always
    take_over:
      description:
        - The hosts of this run, where one of them remembers a step of another deployment that has not ended there; else
          none.
      type: list
      elements: str
      returned: always
    lock:
      description:
        - The members whose hosts may keep the fleet's lock. The first member does, and each that kept the lock of an
          earlier deployment; the first of this run where they cannot be reached. None when nothing is to be done.
      type: list
      elements: str
      returned: always
    findings:
      description: What stops the run, if anything, and a warning for each member that it goes on without.
      type: list
      elements: dict
      returned: always
"""
