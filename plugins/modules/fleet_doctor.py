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
      - "For each cloud: C(cloud), of its infrastructure module in check mode the C(plan), the C(quotas) and
        the C(failures); and C(permissions), as M(praxis.cloud.aws_permissions_info) and
        M(praxis.cloud.gcp_permissions_info) return them."
    type: list
    elements: dict
    default: []
  fix:
    description:
      - Codes of findings that are to be fixed by the command that they print, V(engine-down), V(secret-exposed) or
        V(secret-unreadable). An unknown one is a finding, and nothing is to be fixed then.
      - Runs nothing. RV(fix) says what to run.
    type: list
    elements: str
    default: []
  runs:
    description:
      - "What has been run of RV(fix): C(where), and the C(result) of M(ansible.builtin.shell) for one item of it."
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
      description:
        - Each with C(code), C(what), C(where), C(fix) and C(level).
        - C(command) is what fixes it, whatever its cause was, and C(run_on) says where to type it. V(machine) is root's
          shell on the machine that C(where) names, V(controller) is where Ansible runs, with C(-i INVENTORY). Both are
          empty where a person has to decide.
      type: list
      elements: dict
      returned: always
    fixed:
      description:
        - What O(runs) has come to, with C(where), C(code), C(command), C(said) and C(state). The state is V(fixed), or
          V(left) when the command failed (C(said) is its last line) or the finding is still there. In check mode it is
          V(would).
      type: list
      elements: dict
      returned: always
    text:
      description: The errors, a line each.
      type: str
      returned: always
fix:
  description:
    - By host, what O(fix) asks to be run there, each with C(code) and C(command). Empty while another deployment is at
      work.
  type: dict
  returned: success
"""
