# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One command of a host's shell, where a module would be too much: it is packed, sent, unpacked and compiled."""

from __future__ import annotations

from typing import Any, Dict

from ansible.plugins.action import ActionBase

#: The command's input: without one, ssh would ask for a terminal, which mixes what is an error into the answer.
_GO = b"\n"
#: Ansible sends the input when sudo has said that it worked. A command that has ended by then, unread, is reported as a
#: host that cannot be reached: "Data could not be sent to remote host". So the command waits for its input.
_WAIT = "read -r go; "


def ask(action: ActionBase, command: str, sudoable: bool = True) -> Dict[str, Any]:
    """The command's ``rc``, ``stdout`` and ``stderr``.

    :param command: for any shell that is POSIX's. It has an input that ends at once.
    :param sudoable: whether it is run as the user that the task becomes.
    :raises AnsibleError: the host cannot be reached, or does not let Ansible become another user.
    """
    answer: Dict[str, Any] = action._low_level_execute_command(_WAIT + command, sudoable=sudoable, in_data=_GO)
    return answer
