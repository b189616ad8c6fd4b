#!/usr/bin/python
# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation only: the work is done by plugins/action/fleet_verify.py on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_verify
short_description: Judge a fleet, or a batch of it
version_added: 0.1.0
author: Praxis Cloud contributors (@praxis)
description:
  - Compares what was seen on the machines with the plan and returns a verdict. A bad verdict does not fail the task.
  - An edge of the mesh is live when both ends' TCP tables hold the same connection, neither retransmits, and a fresh
    dial between the machines succeeds. The agents' own word is not used.
extends_documentation_fragment:
  - praxis.cloud.attributes.info
options:
  run:
    description: The run's directory, from M(praxis.cloud.fleet_plan).
    type: path
    required: true
  batch:
    description: Judge these members and their edges only. What is wrong with them is remembered for the final verdict.
    type: list
    elements: str
  balancer:
    description: What M(praxis.cloud.fleet_balancer) returned last, for the table and for unhealthy targets.
    type: dict
    default: {}
  mesh:
    description: Whether edges are judged. Of agents that have just started nothing is known yet.
    type: bool
    default: true
  also:
    description: Findings from elsewhere, C(code), C(what), C(where) and C(fix), to be remembered too.
    type: list
    elements: dict
    default: []
  failed:
    description: The result of a load balancer's task that failed; its findings are remembered too.
    type: dict
  hook:
    description: The user's own task that has failed, C(point), C(task) and C(said), to be remembered too.
    type: dict
  strict:
    description: Every planned edge has to be live, not only as many as the mesh gate asks for.
    type: bool
    default: false
  show:
    description: Print the members as a table, with the findings, and write the record of the deployment.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Judge the fleet
  praxis.cloud.fleet_verify:
    run: "{{ hostvars['localhost']['ansible_facts']['praxis_plan']['run'] }}"
    show: true
  run_once: true
  delegate_to: localhost
  delegate_facts: true
"""

RETURN = r"""
verdict:
  description: The verdict.
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
    plan_id:
      description: The plan's id.
      type: str
      returned: always
    text:
      description: The findings that are errors, as text; empty when there are none.
      type: str
      returned: always
    findings:
      description: What is wrong or worth knowing, each with C(code), C(what), C(where), C(fix) and C(level).
      type: list
      elements: dict
      returned: always
    good:
      description: The members that a load balancer may send requests to.
      type: list
      elements: str
      returned: always
    roll_back:
      description:
        - C(hosts) that were touched in this run, when the verdict is bad and nothing has been rolled back yet, and
          C(serial), the sizes of the batches. Those that do not serve come first.
      type: dict
      returned: always
    roll_back_alone:
      description:
        - C(hosts) and C(serial) as of C(roll_back), for those that a rollback did not get to, because too few other
          members would have served without a batch of several. One at a time may be possible.
      type: dict
      returned: always
    observe_again:
      description: Whether the hosts are to be observed again, because some of them are or were rolled back.
      type: bool
      returned: always
    confirm:
      description: The members whose release has not been called good yet, when the verdict is good.
      type: list
      elements: str
      returned: always
    members:
      description:
        - A row for each member. C(health) is V(healthy), V(unreachable) or the code of what is wrong.
        - C(release) is what runs, C(planned) what should. C(since) is in UTC, C(up) in seconds by the machine's clock.
        - What is not known is null.
      type: list
      elements: dict
      returned: always
      sample:
        - name: praxis-aws-1
          slot: aws-1
          zone: eu-central-1a
          address: 10.0.1.11
          peer_id: 12D3KooW
          planned: 3f9c1a
          release: 3f9c1a
          image: registry.example.com/praxis-agent@sha256:0123
          health: healthy
          edges: {live: 2, expected: 2}
          since: "2026-01-01T00:00:00Z"
          up: 273600
          restarts: 0
          findings: []
    balancer:
      description: DNS names of the load balancers.
      type: list
      elements: str
      returned: always
    edges:
      description: How many edges are live, and how many are planned, of those that were observed.
      type: dict
      returned: always
    unobserved_edges:
      description:
        - How many planned edges were not observed. Neither end is a host of this run, or, in check mode, one is to be
          activated.
      type: int
      returned: always
    record:
      description: The page of the deployment's record, on the controller; empty where none was written.
      type: str
      returned: always
"""
