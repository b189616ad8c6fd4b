# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: provision_outcome
short_description: How a provisioning ended
version_added: 0.2.0
author: Praxis Cloud contributors (@praxis)
description:
  - Makes of what the role C(praxis.cloud.provision) left behind what the playbook C(praxis.cloud.provision) says at its
    end.
  - In the column C(LOGIN) of its table is what is known of a login. A machine that nobody tried to log in to has a
    hyphen there.
positional: members, unreadable, observed
options:
  _input:
    description: The variables of the hosts that stand for a cloud's account each.
    type: list
    elements: dict
    required: true
  members:
    description: The variables of the inventory's members.
    type: list
    elements: dict
    default: []
  unreadable:
    description: What the inventory could not be read for, as in C(praxis_inventory_errors).
    type: list
    elements: dict
    default: []
  observed:
    description: Whether the machines are there, as they are not in check mode.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Sum up
  ansible.builtin.debug:
    msg: "{{ (accounts | map('extract', hostvars) | list | praxis.cloud.provision_outcome(members)).lines }}"
  vars:
    accounts: "{{ groups.praxis_accounts }}"
    members: "{{ groups.praxis | default([]) | map('extract', hostvars) | list }}"
"""

RETURN = r"""
_value:
  description:
    - C(summary), for programs; C(lines), for a person; C(wrong), what the run fails with, empty when nothing is wrong.
  type: dict
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure import provisioned


def provision_outcome(
    accounts: Sequence[Mapping[str, Any]],
    members: Sequence[Mapping[str, Any]] = (),
    unreadable: Sequence[Any] = (),
    observed: bool = True,
) -> dict[str, Any]:
    """The outcome, as the tasks at the end of the playbook need it."""
    found = provisioned.outcome(accounts, members, unreadable)
    return {"summary": found.summary(), "lines": found.lines(observed), "wrong": found.wrong}


class FilterModule:
    """The collection's filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """By name, the function."""
        return {"provision_outcome": provision_outcome}
