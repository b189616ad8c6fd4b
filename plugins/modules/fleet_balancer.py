#!/usr/bin/python
# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation only: the work is done by plugins/action/fleet_balancer.py on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_balancer
short_description: Put members of the fleet behind their load balancers, or take them out
version_added: 0.1.0
author: Praxis Cloud contributors (@praxis)
description:
  - Finds the load balancers of the members in the plan, and runs M(praxis.cloud.aws_lb_target) or
    M(praxis.cloud.gcp_lb_target) once for each, with the members that are behind it.
  - Members behind no load balancer are left out.
  - As long as a load balancer uses a group that an earlier deployment put members into and the plan does not name for
    them (on AWS), they are taken out of it and put into it as well.
  - Before any is taken out, the other members that can serve are put in and waited for. When fewer than
    C(praxis_min_available) of them are healthy then, nothing is taken out, and the failure is C(floor).
extends_documentation_fragment:
  - praxis.cloud.attributes
attributes:
  check_mode:
    support: full
    details:
      - Nothing is waited for in check mode.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  run:
    description: The run's directory, from M(praxis.cloud.fleet_plan).
    type: path
    required: true
  members:
    description: Names of the members.
    type: list
    elements: str
    required: true
  state:
    description:
      - V(present) puts in, and waits for healthy.
      - V(absent) takes out. M(praxis.cloud.agent_release) then waits on each member for the end of its connections,
        as long as the balancer lets them live.
    type: str
    choices: [present, absent]
    default: present
  only_serving:
    description: Omit the members that cannot take requests, as they were observed last.
    type: bool
    default: false
  departed:
    description:
      - With O(state=present), take out what is no member's, if the plan's C(praxis_departed) says so. It stays where
        the load balancer did not take all members in, where the run has failed, and where fewer members than
        C(praxis_min_available) would be healthy.
      - Members are taken out at ports where they do not serve, and out of groups that the plan does not name for them
        and that no load balancer uses.
    type: bool
    default: false
  observe:
    description: In check mode, ask about each member at the port where it serves, and not at the plan's.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Take the batch out of rotation
  praxis.cloud.fleet_balancer:
    run: "{{ hostvars['localhost']['ansible_facts']['praxis_plan']['run'] }}"
    members: "{{ ansible_play_batch }}"
    state: absent
  run_once: true
  delegate_to: localhost
"""

RETURN = r"""
addresses:
  description: Where the load balancers answer.
  returned: always
  type: list
  elements: str
targets:
  description: The members that are behind a load balancer, as it saw them last.
  returned: always
  type: list
  elements: dict
  contains:
    member:
      description: Name of the member.
      type: str
    state:
      description: The balancer's own word.
      type: str
      sample: healthy
    healthy:
      description: Whether the balancer sends it requests.
      type: bool
    description:
      description: The balancer's reason in words, if it gives one.
      type: str
others:
  description: What is behind the load balancers and belongs to no member, C(id:port) or C(zone/name).
  returned: always
  type: list
  elements: str
kept:
  description: Those of C(others) that were to be taken out and had to stay.
  returned: always
  type: list
  elements: dict
  contains:
    target:
      description: Its name in C(others).
      type: str
    why:
      description: Why it had to stay, as a sentence.
      type: str
left:
  description:
    - With O(observe=true) or O(departed=true), the groups that an earlier deployment has put members in and that the
      plan no longer names for them.
  returned: always
  type: list
  elements: dict
  contains:
    group:
      description: The group, as that deployment named it.
      type: str
    members:
      description: Names of the members.
      type: list
      elements: str
    addresses:
      description: Where the load balancers answer that use it.
      type: list
      elements: str
stale:
  description: With O(observe=true), the members that are put in at ports where they do not serve, too.
  returned: always
  type: list
  elements: dict
  contains:
    member:
      description: Name of the member.
      type: str
    port:
      description: That port.
      type: int
"""
