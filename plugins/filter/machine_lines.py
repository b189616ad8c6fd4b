# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: machine_lines
short_description: The machines of a fleet as the lines of a table
version_added: 0.1.0
author: Praxis Cloud contributors (@praxis)
description:
  - Draws what M(praxis.cloud.aws_infrastructure) and M(praxis.cloud.gcp_infrastructure) return as C(machines), as the
    playbook C(praxis.cloud.provision) shows it.
  - In the column C(LOGIN) is what is known of a login. A machine that nobody tried to log in to has a hyphen there.
positional: answered, silent, unlisted
options:
  _input:
    description: The machines.
    type: list
    elements: dict
    required: true
  answered:
    description: The names of the machines on which a login was tried.
    type: list
    elements: str
    default: []
  silent:
    description: The names of those that let nobody in.
    type: list
    elements: str
    default: []
  unlisted:
    description: The names of those that the inventory does not have.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Show the machines
  ansible.builtin.debug:
    msg: "{{ infrastructure.machines | praxis.cloud.machine_lines(answered=groups.praxis) }}"
"""

RETURN = r"""
_value:
  description: The headings, and a line a machine.
  type: list
  elements: str
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.machine_table import lines


class FilterModule:
    """The collection's filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """By name, the function."""
        return {"machine_lines": lines}
