#!/usr/bin/python
# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation only: the work is done by plugins/action/agent_backup.py on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: agent_backup
short_description: Make a snapshot of the disk with an agent's data, or put one in the place of the disk
version_added: 0.2.0
author: Praxis Cloud contributors (@praxis)
description:
  - Works on the disk that provisioning made for the slot of one host, on AWS and Google Cloud.
  - The file system is frozen on the host, the snapshot is begun, and when the cloud holds the disk as it is, the file
    system is thawed; on AWS that is when the request is answered. A timer on the host thaws it after 60 seconds in any
    case. A snapshot that did not see the file system stand still until its end is never restored.
  - What goes wrong does not fail the task. It is RV(outcome=failed) with RV(failures), so that all hosts are judged.
extends_documentation_fragment:
  - praxis.cloud.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: none
options:
  state:
    description:
      - V(present) makes a snapshot.
      - V(restored) makes a disk of a snapshot, stops the agent, and puts the disk in the place of the slot's. The agent
        is not started again; M(praxis.cloud.agent_release) does that. The old disk stays, and its tag (label)
        C(praxis_data) becomes C(replaced).
    type: str
    choices: [present, restored]
    default: present
  fleet:
    description: The fleet.
    type: str
    required: true
  backup:
    description: The backup's name, from M(praxis.cloud.fleet_backups).
    type: str
    required: true
  labels:
    description: With O(state=restored), tags of your own for the new disk.
    type: dict
    default: {}
  snapshot:
    description: With O(state=restored), the snapshot.
    type: str
    default: ""
  size:
    description: With O(state=restored), GiB of the new disk, as large as the snapshot's at least.
    type: int
    default: 0
  run:
    description: With O(state=restored), the run's directory, from M(praxis.cloud.fleet_plan).
    type: path
"""

EXAMPLES = r"""
- name: Back up the agent's data
  praxis.cloud.agent_backup:
    fleet: praxis
    backup: 20261128t220823z
  become: true
  register: backed_up
"""

RETURN = r"""
outcome:
  description: V(done) or V(failed).
  type: str
  returned: always
slot:
  description: Whose data it is.
  type: str
  returned: always
backup:
  description: The backup's name.
  type: str
  returned: when it is done
snapshot:
  description: The snapshot's id, on Google Cloud its name; empty in check mode.
  type: str
  returned: when it is done, with O(state=present)
frozen_for:
  description: Seconds for which the file system stood still; 0 when the disk was not mounted.
  type: float
  returned: when it is done, with O(state=present)
disk:
  description: The new disk; empty in check mode.
  type: str
  returned: when it is done, with O(state=restored)
replaced:
  description: The disk that it has taken the place of, and that stays.
  type: str
  returned: when it is done, with O(state=restored)
failure:
  description: What went wrong first, C(code), C(what), C(where), C(fix).
  type: dict
  returned: when it has failed
failures:
  description: Everything that went wrong.
  type: list
  elements: dict
  returned: when it has failed
"""
