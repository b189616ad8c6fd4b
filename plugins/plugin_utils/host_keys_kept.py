# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the host keys that a run learns are kept. SSH goes on without a word when it cannot write them down, and
would then accept any machine at every login."""

from __future__ import annotations

import os
from typing import Any, List, Mapping

from ansible.errors import AnsibleError

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import host_keys
from ansible_collections.praxis.cloud.plugins.plugin_utils.host_action import SSH_ARGUMENTS

#: The variables whose text goes to SSH, in the order in which SSH gets it.
_ARGUMENTS = tuple("ansible_" + name for name in SSH_ARGUMENTS)


def refusals(variables: Mapping[str, Any], name: str) -> List[Finding]:
    """What is wrong with how a host's key is known.

    :param variables: the host's.
    """
    if str(variables.get("ansible_connection", "ssh")) not in ("ssh", "smart", "ansible.builtin.ssh"):
        return []
    try:
        arguments = " ".join(str(variables.get(variable) or "") for variable in _ARGUMENTS)
    except AnsibleError as error:
        fix = "Correct praxis_host_keys, or the variable that the message names."
        return [Finding("bad-host-keys", "SSH's arguments cannot be read: %s" % error, name, fix)]
    return [_not_kept(path) for path in host_keys.learnt_in(arguments) if not _writable(path)]


def _writable(path: str) -> bool:
    """Whether SSH can write to a file, or make it. It makes no directory but ~/.ssh."""
    path = os.path.expanduser(path)
    folder = os.path.dirname(path)
    if not os.path.isdir(folder) and os.path.basename(folder) == ".ssh":
        return os.access(os.path.dirname(folder), os.W_OK)
    if os.path.exists(path):
        return os.path.isfile(path) and os.access(path, os.W_OK)
    return os.path.isdir(folder) and os.access(folder, os.W_OK)


def _not_kept(path: str) -> Finding:
    return Finding(
        code="host-keys-not-kept",
        what="This file cannot be written, so the machines' host keys would be accepted and then forgotten.",
        where=path,
        fix="Set praxis_known_hosts (or PRAXIS_KNOWN_HOSTS) to a file that can be written, in an existing directory; "
            "or set praxis_host_keys.",
    )
