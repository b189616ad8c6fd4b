# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: from_the_start
short_description: The hosts of a play, of a playbook that is run from its start
version_added: 0.2.0
author: Praxis Cloud contributors (@praxis)
description:
  - Gives back the pattern of hosts that it is given. Refuses C(--start-at-task), which skips every task before that
    one, and so every check; only what a play says of its hosts is read all the same.
  - With a fact cache a playbook would go on with what an earlier run has found, and call it good.
options:
  _input:
    description: The pattern.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Check
  hosts: "{{ 'all' | praxis.cloud.from_the_start }}"
"""

RETURN = r"""
_value:
  description: The pattern.
  type: str
"""

from collections.abc import Callable
from typing import Any

from ansible import context
from ansible.errors import AnsibleFilterError


def from_the_start(pattern: str) -> str:
    """The pattern.

    :raises AnsibleFilterError: when the run is to start in the middle.
    """
    task = context.CLIARGS.get("start_at_task")
    if task:
        raise AnsibleFilterError(
            f"--start-at-task {task} would skip every check before that task. Run the playbook without it: finished "
            "work is not done again, and --limit selects hosts."
        )
    return pattern


class FilterModule:
    """The collection's filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """By name, the function."""
        return {"from_the_start": from_the_start}
