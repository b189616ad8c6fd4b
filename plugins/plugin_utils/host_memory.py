# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host remembers of deployments, read by one command of its shell.

It takes a fifth of what a module would; and a machine without Python remembers nothing, but answers.
"""

from __future__ import annotations

import json
from typing import Any, Dict

from ansible.plugins.action import ActionBase

from ansible_collections.praxis.cloud.plugins.module_utils.deployment import as_of, record_in
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import Paths
from ansible_collections.praxis.cloud.plugins.plugin_utils import host_shell

#: Before the answer, for a login may print lines of its own.
_MARK = "praxis-remembers"


def ask(action: ActionBase) -> Dict[str, Any]:
    """The result of a task: ``observation``, with ``deployment`` and ``host.clock`` as in agent_info's; or a failure.

    :raises AnsibleError: the host cannot be reached, or does not let Ansible become root.
    """
    answer = host_shell.ask(action, command(Paths()))
    said = "%s %s" % (answer["stdout"], answer["stderr"])
    try:
        if answer["rc"] == 0:
            return {"changed": False, "observation": observation(answer["stdout"])}
    except ValueError as error:
        said = "%s (%s)" % (said, error)
    return {"failed": True, "msg": "The host's record of deployments cannot be read: %s" % said.strip()}


def command(paths: Paths) -> str:
    """For any shell that is POSIX's."""
    machine = "cat /proc/sys/kernel/random/boot_id /proc/uptime && date +%s"
    record = f"if [ -e {paths.deployment} ]; then cat {paths.deployment}; fi"
    return f"echo {_MARK}; {machine} && {record}"


def observation(printed: str) -> Dict[str, Any]:
    """What the command printed, between what a login prints.

    :raises ValueError: it is something else.
    """
    boot, up, _idle, clock, *text = printed.partition(_MARK)[2].split(None, 4)
    now = float(clock)
    stored = record_in(_first_value("".join(text)))
    return {"deployment": as_of(stored, now, boot, float(up)) if stored else None, "host": {"clock": now}}


def _first_value(text: str) -> Any:
    """None where there is no JSON."""
    try:
        return json.JSONDecoder().raw_decode(text)[0]
    except ValueError:
        return None
