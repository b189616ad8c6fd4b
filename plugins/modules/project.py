#!/usr/bin/python
# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation only: the work is done by plugins/action/project.py on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: project
short_description: Write a project of the user's own
version_added: 0.1.0
author: Praxis Cloud contributors (@praxis)
description:
  - Writes, on the controller, what a user of the installed collection begins with. These are C(ansible.cfg),
    inventories, the agent's settings, what is to be installed, and playbooks that import the collection's.
  - A file that is there is never changed, whatever it says.
  - C(ansible-playbook praxis.cloud.init -e dest=DIRECTORY) runs it.
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
    description: The project's directory. It is made if it is not there.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Write a project
  praxis.cloud.project:
    dest: ~/fleet
"""

RETURN = r"""
dest:
  description: The project's directory, from the root.
  type: str
  returned: success
written:
  description: The files that were not there, as paths in the project.
  type: list
  elements: str
  returned: success
kept:
  description: The files that differ from those of this collection, and stay as they are.
  type: list
  elements: str
  returned: success
"""
