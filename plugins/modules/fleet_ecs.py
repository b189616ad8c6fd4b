#!/usr/bin/python
# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation only: the work is done by plugins/action/fleet_ecs.py on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_ecs
short_description: Deploy a fleet's agents to Amazon ECS, and observe them there
version_added: 0.1.0
author: Praxis Cloud contributors (@praxis)
description:
  - One execution on the controller does a whole verb. Each host of the group C(praxis) is a kind of agents; its
    C(praxis_ecs) says what Amazon ECS makes of it, all other C(praxis_*) variables mean what they mean on machines.
  - A task definition is registered only when it differs in meaning from the one that runs and from the newest one.
  - With O(state=deployed) the end of this deployment is waited for. One that ECS's circuit breaker ends is a failure,
    RV(ok) is false, and the findings quote the service's events, why tasks have stopped, and the end of their log.
  - Of two runs that would write at the same time one acts, and the other names it. The lock is a revision of the task
    definition C(praxis-FLEET--lock), which nothing ever runs.
  - Behind a target group, a deployment is good when the balancer finds all tasks healthy, too.
  - The number of tasks is written when a service is created, and from then on only where C(desired_count) is given.
  - Values of secrets are in no task definition, no result and no diff. ECS fetches them itself.
requirements:
  - boto3 (Python package) on the controller
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
  state:
    description:
      - V(plan), V(status), V(verified) and V(history) change nothing.
      - V(deployed) brings ECS to the plan, V(rolled_back) to an earlier revision of the task definition. V(absent)
        removes the services and everything that was made for them.
    type: str
    required: true
    choices: [plan, deployed, status, verified, rolled_back, history, absent]
  plan_id:
    description: The id of the plan that this deployment must match. Empty for any.
    type: str
    default: ""
  to:
    description:
      - The revision that a rollback returns to, C(REVISION), or C(NAME:REVISION) of one kind.
      - Empty for the last one before the present one that was good.
    type: str
    default: ""
  take_over:
    description: The id of a deployment that is known to be dead. Its lock is not waited for.
    type: str
    default: ""
  wait:
    description: Seconds to wait for another deployment's end.
    type: int
    default: 0
  seen:
    description:
      - What M(praxis.cloud.agent_info) has returned for each member on a machine, by the member's name.
      - With O(state=status) and O(state=verified) each task needs as many live edges to them as C(praxis_ecs.edges)
        says. Without any, nobody looks at edges.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Deploy the fleet
  praxis.cloud.fleet_ecs:
    state: deployed

- name: Return to revision 7 of the kind leaf
  praxis.cloud.fleet_ecs:
    state: rolled_back
    to: leaf:7
"""

RETURN = r"""
ok:
  description: Whether nothing is wrong. The module itself fails only when the verb could not be begun.
  type: bool
  returned: success
target:
  description: The kind of target, C(ecs).
  type: str
  returned: success
fleet:
  description: The fleet's name.
  type: str
  returned: success
plan_id:
  description: The id of the plan; empty for V(history).
  type: str
  returned: success
plan:
  description: The plan, with C(id), C(counts) of each action, and C(rows).
  type: dict
  returned: success
table:
  description: The plan as lines for people; none where nothing is planned.
  type: list
  elements: str
  returned: success
services:
  description:
    - The services, each with C(name), C(cluster), C(revision), C(image), C(running), C(desired), C(pending), C(rollout)
      and C(scale), which are the autoscaler's limits.
  type: list
  elements: dict
  returned: success
tasks:
  description:
    - The tasks that run, each with C(service), C(task), which is its id, and C(address).
    - Empty with another O(state) than V(deployed), V(status) and V(verified), and where check mode foresees a
      deployment.
  type: list
  elements: dict
  returned: success
  sample: [{service: leaf, task: 0f3c6a5d9d5b4a3f8d8e0b6f6a0c1d2e, address: 10.0.1.72}]
dialled:
  description:
    - By the peer ids of the members that these tasks dial, the tasks' addresses. M(praxis.cloud.agent_info) takes them
      as O(praxis.cloud.agent_info#module:accepted).
  type: dict
  returned: success
  sample: {12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN: [10.0.1.72]}
deployments:
  description:
    - With O(state=history), the revisions of the task definitions, newest first.
    - Each has C(name), C(revision), C(arn), C(image), C(registered), C(outcome) and C(active).
  type: list
  elements: dict
  returned: success
findings:
  description: What is wrong or worth knowing, each with C(code), C(level), C(what), C(where) and C(fix).
  type: list
  elements: dict
  returned: success
text:
  description: All of it as a person reads it.
  type: str
  returned: success
"""
