#!/usr/bin/python
# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation only: the work is done by plugins/action/fleet_kubernetes.py on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_kubernetes
short_description: Deploy a fleet to a Kubernetes cluster, and observe it there
version_added: 0.1.0
author: Praxis Cloud contributors (@praxis)
description:
  - One execution on the controller does a whole verb. It plans the fleet as M(praxis.cloud.fleet_render) does, observes
    all of its objects, lets the API server say what it would make of ours (server-side apply, dry run), and with
    O(state=deployed) applies those that differ and watches until every pod is ready on its release.
  - A release whose pods do not become ready is rolled back to the last good deployment, and RV(ok) is false.
  - One deployment at a time holds the fleet's Lease. Each deployment leaves a ConfigMap with what it applied.
  - The number of pods is never written where an autoscaler decides on it.
  - Values of secrets are in no object, no result and no diff.
requirements:
  - kubernetes (Python package) on the controller
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
      - V(deployed) brings the cluster to the plan, V(rolled_back) to an earlier deployment. V(absent) removes all
        objects of the fleet; the namespace and what else is in it stay.
    type: str
    required: true
    choices: [plan, deployed, status, verified, rolled_back, history, absent]
  kubeconfig:
    description: The kubeconfig file. Empty for E(KUBECONFIG), C(~/.kube/config), or the pod in which Ansible runs.
    type: path
    default: ""
  context:
    description: The context of that file. Empty for its current one.
    type: str
    default: ""
  cluster:
    description: >-
      A cluster by its name, C({eks: NAME}) or C({gke: NAME, location: REGION}), in place of O(kubeconfig). The cloud
      says where it is, and tokens are made of the usual credentials. Empty for O(kubeconfig).
    type: dict
    default: {}
  plan_id:
    description: The id of the plan that this deployment must match. Empty for any.
    type: str
    default: ""
  to:
    description: The deployment that a rollback returns to. Empty for the one before; V(newest) for the last good one.
    type: str
    default: ""
  take_over:
    description: The id of a deployment that is known to be dead. Its lease is not waited for.
    type: str
    default: ""
  unfinished:
    description: What is done when a deployment has stopped before its end.
    type: str
    default: continue
    choices: [continue, refuse]
  wait:
    description: Seconds to wait for another deployment's end.
    type: int
    default: 0
  lease:
    description: Seconds that others wait for this deployment after its last sign of life. It renews its lease itself.
    type: int
    default: 120
  keep:
    description: Good deployments that stay known, with the objects of their releases.
    type: int
    default: 5
  canary:
    description:
      - >-
        How many pods of each StatefulSet get a release first, those of the highest ordinals. The others, and leaves,
        get it once these are ready on it. 0, or as many as there are, for no canary.
      - Only with O(state=deployed).
    type: int
    default: 1
"""

EXAMPLES = r"""
- name: Deploy the fleet
  praxis.cloud.fleet_kubernetes:
    state: deployed

- name: Show what a deployment would change
  praxis.cloud.fleet_kubernetes:
    state: plan
    context: staging
"""

RETURN = r"""
ok:
  description: Whether nothing is wrong. The module itself fails only when the verb could not be begun.
  type: bool
  returned: success
target:
  description: The kind of target, C(kubernetes).
  type: str
  returned: success
fleet:
  description: The fleet's name.
  type: str
  returned: success
namespace:
  description: The namespace that it is in.
  type: str
  returned: success
plan_id:
  description: The id of the plan; empty for V(history) and V(absent).
  type: str
  returned: success
deployment:
  description: The id of the deployment that was made; empty when nothing was written.
  type: str
  returned: success
members:
  description:
    - The pods, each with C(name), C(slot), C(release), C(planned), C(image), C(health), C(node), C(restarts), C(since)
      and C(findings).
  type: list
  elements: dict
  returned: success
changes:
  description: The objects that were changed or would be, each with C(verb) and C(object).
  type: list
  elements: dict
  returned: success
deployments:
  description:
    - With O(state=history), the deployments that the cluster keeps, newest first.
    - Each has C(run), C(number), C(owner), C(reason), C(at), C(outcome), C(plan_id) and C(releases).
  type: list
  elements: dict
  returned: success
across:
  description:
    - Of a fleet that has machines as well, who dials whom, a row for each machine and way.
    - Each has C(machine), C(dialled_by) (V(the pods), V(the machine) or V(both)), C(machine_address), C(pods) and
      C(pod_addresses).
    - Empty for a fleet in a cluster alone, and with O(state=rolled_back), O(state=history) and O(state=absent).
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
