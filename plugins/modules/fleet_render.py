#!/usr/bin/python
# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation only: the work is done by plugins/action/fleet_render.py on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_render
short_description: Write what a fleet's target is to run, as files
version_added: 0.1.0
author: Praxis Cloud contributors (@praxis)
description:
  - Writes, on the controller, what C(praxis_target) is to run. Neither a cluster nor Amazon ECS is asked.
  - For V(kubernetes) these are the manifests of a fleet and a Kustomize base of them, for Argo CD, Flux or
    C(kubectl apply -k). For V(ecs) they are task definitions, services and scaling policies as JSON, as the AWS CLI
    takes it (C(--cli-input-json)).
  - Each host of the group C(praxis) is a kind of agents. Its C(praxis_kubernetes) or C(praxis_ecs) says what the
    target makes of it; all other C(praxis_*) variables mean what they mean on machines.
  - The registry is asked for an image that is not named by digest, a secret store for the version of a secret whose
    reference names none, and for the seeds unless the peer ids are given. Where nothing is left open, nothing is asked.
  - Values of secrets are in no file, no result and no diff.
  - Only files that this collection has written are changed or removed.
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
  dest:
    description: The directory of the files. It is made if it is not there.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Write the manifests
  praxis.cloud.fleet_render:
    dest: build/kubernetes
"""

RETURN = r"""
dest:
  description: The directory, from the root.
  type: str
  returned: success
files:
  description: The files that the directory holds now.
  type: list
  elements: str
  returned: success
written:
  description: Those that were not there, or differed.
  type: list
  elements: str
  returned: success
removed:
  description: Files of an earlier run that are no part of the fleet any more.
  type: list
  elements: str
  returned: success
releases:
  description: The id of each kind's release.
  type: dict
  returned: success
next:
  description: What to do with the directory.
  type: str
  returned: success
findings:
  description: What the run went on with all the same, each with C(code), C(level), C(what), C(where) and C(fix).
  type: list
  elements: dict
  returned: success
"""
