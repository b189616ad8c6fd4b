#!/usr/bin/python
# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation only: the work is done by plugins/action/fleet_backups.py on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_backups
short_description: Name, judge and choose backups of a fleet's data
version_added: 0.2.0
author: Praxis Cloud contributors (@praxis)
description:
  - A backup has a snapshot for each slot, and a name, which is the time at which it was begun. Snapshots are known by
    their tags (labels) C(praxis_fleet), C(praxis_slot), C(praxis_backup) and C(praxis_backup_state).
extends_documentation_fragment:
  - praxis.cloud.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  state:
    description:
      - V(named) gives a new backup's name.
      - V(made) judges what M(praxis.cloud.agent_backup) has done on O(hosts), and removes older backups beyond
        C(praxis_data.keep_backups) of the slot's host, unless something went wrong. One that cannot be removed stays,
        and is a warning.
      - V(chosen) chooses what is restored, and shows what it would replace. A disk has C(praxis_data.size) of its host,
        or what the snapshot needs if that is more. Without O(backup) it lists the backups that there are, and fails.
    type: str
    choices: [named, made, chosen]
    required: true
  fleet:
    description: The fleet.
    type: str
    required: true
  hosts:
    description: The hosts of the run.
    type: list
    elements: str
    required: true
  made:
    description: With O(state=made), the variable in which the hosts' answers are registered.
    type: str
    default: ""
  backup:
    description: With O(state=chosen), a backup's name, or V(newest) for the newest that has all slots.
    type: str
    default: ""
  slots:
    description: With O(state=chosen), the slots to restore; empty for those of all O(hosts).
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Name a backup
  praxis.cloud.fleet_backups:
    state: named
    fleet: praxis
    hosts: "{{ groups.praxis }}"
  register: named
  run_once: true
  delegate_to: localhost
"""

RETURN = r"""
backup:
  description: The name.
  type: str
  returned: with O(state=named)
  sample: 20261128t220823z
backups:
  description:
    - With V(made), by host what was done, C(member), C(slot), C(snapshot), C(frozen_for) (seconds) and C(result).
    - With V(chosen), all snapshots of the fleet, C(backup), C(slot), C(snapshot), C(size) (GiB) and C(complete).
  type: list
  elements: dict
  returned: with O(state=made) and O(state=chosen)
removed:
  description: The snapshots that were removed, in check mode those that would be.
  type: list
  elements: dict
  returned: with O(state=made)
ok:
  description: Whether no finding is an error.
  type: bool
  returned: with O(state=made)
findings:
  description:
    - What went wrong, each with its C(level). What stays although there are newer ones has the level V(warning).
  type: list
  elements: dict
  returned: with O(state=made)
text:
  description: The same for people.
  type: str
  returned: with O(state=made)
restore:
  description: The backup's name as C(backup), and by host under C(hosts) the snapshot, the size and what it replaces.
  type: dict
  returned: with O(state=chosen)
"""
