#!/usr/bin/python
# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation only: the work is done by plugins/action/fleet_doctor.py on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_doctor
short_description: Say what would make a deployment of a fleet fail
version_added: 0.1.0
author: Praxis Cloud contributors (@praxis)
description:
  - Reads what the hosts showed when they were examined (the option C(examine) of M(praxis.cloud.agent_release)), and
    judges it together with the verdict on the fleet as it runs.
  - Never fails because of what it finds; RV(doctor.ok) says whether an error is among it.
extends_documentation_fragment:
  - praxis.cloud.attributes.info
options:
  run:
    description: The run's directory, from M(praxis.cloud.fleet_plan). Without it no host is judged.
    type: path
  fleet:
    description: Its name.
    type: str
    default: praxis
  plan:
    description: What M(praxis.cloud.fleet_plan) returned, also when it failed.
    type: dict
    default: {}
  hosts:
    description: The members of this run.
    type: list
    elements: str
    default: []
  balancer:
    description: What M(praxis.cloud.fleet_balancer) said of the members.
    type: dict
    default: {}
  accounts:
    description:
      - "For each cloud: C(cloud), of its infrastructure module in check mode the C(plan), or the C(failures), and
        C(permissions), as M(praxis.cloud.aws_permissions_info) and M(praxis.cloud.gcp_permissions_info) return them."
    type: list
    elements: dict
    default: []
  show:
    description: Print what was found as a table.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Judge the examination
  praxis.cloud.fleet_doctor:
    run: "{{ hostvars['localhost']['ansible_facts']['praxis_plan']['run'] }}"
  run_once: true
  delegate_to: localhost
  delegate_facts: true
"""

RETURN = r"""
doctor:
  description: What was checked, and what was found. It is the fact C(praxis_doctor) as well.
  type: dict
  returned: success
  contains:
    ok:
      description: Whether no finding is an error.
      type: bool
      returned: always
    fleet:
      description: The fleet's name.
      type: str
      returned: always
    hosts:
      description: The members of this run.
      type: list
      elements: str
      returned: always
    checks:
      description:
        - A row for each area, with C(area), how many C(unit) were C(checked), and the numbers of C(errors) and
          C(warnings). Where C(checked) is 0 there was nothing to check, or nobody to ask.
      type: list
      elements: dict
      returned: always
    findings:
      description: Each with C(code), C(what), C(where), C(fix) and C(level).
      type: list
      elements: dict
      returned: always
    text:
      description: The errors, a line each.
      type: str
      returned: always
"""
