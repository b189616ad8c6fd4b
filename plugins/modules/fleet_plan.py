#!/usr/bin/python
# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation only: the work is done by plugins/action/fleet_plan.py on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_plan
short_description: Plan the deployment of a fleet
version_added: 0.1.0
author: Praxis Cloud contributors (@praxis)
description:
  - Computes, once and before anything is touched, everything that a deployment will do, from the members of the group
    C(praxis), the settings files, the members' C(praxis_*) variables, the secret stores and the registry.
  - Runs on the controller and only reads. Values of secrets are in no result, no fact and no readable file.
  - Use it with C(run_once), C(delegate_to=localhost) and C(delegate_facts).
extends_documentation_fragment:
  - praxis.cloud.attributes.info
options:
  hosts:
    description: The hosts of this run. Members come from the group C(praxis) all the same.
    type: list
    elements: str
    default: []
  allow_missing:
    description:
      - A slot without an identity is no error, so that everything else can be observed before the first identity is
        made. C(praxis_plan.missing) lists C(cloud), C(project), C(region) and C(slots), once for every place, as
        M(praxis.cloud.p2p_identity) takes them.
      - The fact C(praxis_plan.run) is empty then. Make the identities and plan again.
      - Check mode always allows it, and plans with peer ids that are known after apply.
    type: bool
    default: false
  plan_id:
    description: The id of the plan that was agreed to. With any other id the module fails and names what differs.
    type: str
    default: ''
  observe:
    description:
      - The plan is only what the fleet is compared with, and nobody deploys it. What only a deployment needs is no
        error then, but a warning, such as a number of the run that is wrong, unreadable, or not the same for all.
      - Of members that no load balancer can be asked about (C(praxis_instance_id)), none is.
    type: bool
    default: false
    version_added: 0.2.0
  min_edges:
    description:
      - Live edges that the mesh gate asks of a member, or the number of other active members if that is less; 8 by
        default.
    type: raw
  batch:
    description: How many hosts are activated at a time, or what percentage of the fleet; 1 by default.
    type: raw
  canary:
    description: How many hosts the first batch has; 1 by default.
    type: raw
  min_available:
    description:
      - How many members stay in service, or what percentage of those that are not left out (O(max_unreachable)).
      - By default all of those but a batch.
      - A batch that cannot be drained without going under it is not touched.
    type: raw
  soak:
    description: Seconds that an agent has to have run since its activation before its release spreads; 30 by default.
    type: raw
  departed:
    description:
      - What becomes of a machine that is behind the fleet's load balancer and is no member, V(report) or V(remove).
      - V(remove) takes it out, its last requests served. What runs on it goes on.
    type: raw
    default: report
  unfinished:
    description:
      - What is done when another deployment has stopped in its middle, V(continue) or V(refuse).
      - V(continue) deploys this plan from where that one stopped. A rollback always goes on; it is how to undo one.
    type: raw
    default: continue
  max_unreachable:
    description:
      - Members that the run goes on without when they cannot be reached, and names; with more nothing is done. 0 by
        default.
      - With O(kept) the same holds for members that can take no step, because their engine is stopped, say.
    type: raw
  lease:
    description:
      - Seconds that other deployments wait for this one when it gives no sign of life. It is longer than the soak.
      - By default 900, or as long as a batch may take where that is more (the gate's deadline, the soak, the load
        balancer and two minutes).
    type: raw
  confirm_deadline:
    description:
      - Seconds from its activation after which a host rolls itself back to its last good release, unless its new
        release has been confirmed. By default two minutes, and for every batch the gate's deadline, the soak and
        two minutes.
    type: raw
  hooks:
    description:
      - The user's own tasks, by the point of a deployment at which they run, C(plan), C(before_batch), C(after_batch),
        C(success) or C(failure). A path is relative to where ansible-playbook was started.
      - Tasks with C(run_once) or C(any_errors_fatal), and a C(meta) that ends the run for a host, are refused.
    type: raw
    default: {}
  record:
    description:
      - The directory of the records of deployments. By default it is that of the fleet, in C(praxis) below
        E(XDG_STATE_HOME) or C(~/.local/state). An empty string stands for no record.
      - M(praxis.cloud.fleet_verify) with C(show) writes the record. What is planned in check mode has none.
    type: raw
  take_over:
    description:
      - The id of a deployment that is known to be dead, so that its lease need not be waited for.
    type: str
    default: ""
  kept:
    description:
      - The variable in which the hosts' answers of M(praxis.cloud.agent_info) with C(kept) are registered. With it a
        rollback is planned, out of what the hosts keep; no store and no registry is asked.
    type: str
    default: ""
  to:
    description:
      - With O(kept), the id of the deployment to go back to; by default the one before the newest.
    type: str
    default: ""
  needed:
    description:
      - With O(kept), the hosts that the run is about. None of them is left out, whether it does not answer
        (O(max_unreachable)) or has no release to go back to.
    type: list
    elements: str
    default: []
    version_added: 0.2.0
  restore:
    description:
      - The backup that this run puts in the place of disks, as M(praxis.cloud.fleet_backups) returns it. It is kept in
        C(praxis_plan.restore), for the steps after the plan; by default that has no hosts.
    type: dict
    default: {}
    version_added: 0.2.0
  reason:
    description: What the deployment does, for its record; by default C(deploy), or C(rollback) and where to.
    type: str
    default: ""
  keep_releases:
    description: How many releases a host keeps; 5 by default.
    type: raw
  deadline:
    description: Seconds that a host's gate may take; 120 by default.
    type: raw
  pull_deadline:
    description: Seconds that a host's pull of the image may take; 900 by default.
    type: raw
  join_timeout:
    description:
      - Seconds that a load balancer may take until it calls a member healthy.
      - By default what the balancer's own health check adds up to, and the time that this kind of balancer takes.
    type: raw
"""

EXAMPLES = r"""
- name: Plan the deployment
  praxis.cloud.fleet_plan:
    hosts: "{{ ansible_play_hosts_all }}"
  run_once: true
  delegate_to: localhost
  delegate_facts: true
"""

RETURN = r"""
plan:
  description: The plan, without the contents of files.
  type: dict
  returned: success
  contains:
    id:
      description: Four digests (of members, image, settings and secret versions) joined by hyphens.
      type: str
      returned: always
      sample: 1c9a6d3e-77b0a1c2-90ab12cd-5e6f7a8b
    fleet:
      description: The fleet's name.
      type: str
      returned: always
    members:
      description: Name, slot, address, peer id, release, image and secret versions of every member.
      type: list
      elements: dict
      returned: always
    across:
      description:
        - Of a fleet that has pods in a cluster as well, who dials whom, a row for each machine and way.
        - Each has C(machine), C(dialled_by) (V(the pods), V(the machine) or V(both)), C(machine_address), C(pods) and
          C(pod_addresses).
      type: list
      elements: dict
      returned: always
findings:
  description:
    - What the plan goes on with all the same, each with C(level), C(code), C(what), C(where) and C(fix).
    - The task's warnings are the same for a person. What the agent ignores is one line of them, unless C(-v) is given.
  type: list
  elements: dict
  returned: success
"""
